//! [`S3Replica`].

use super::answer::Version;
use super::bucket::{Bucket, Put, Refused};
use super::memory::Memory;
use super::place::Place;
use super::probe;
use super::sign::Credentials;
use super::versions::{Pages, Window, covered, first};
use crate::audit::log::own;
use crate::audit::replica::{Copied, Keeps, Lock, Opening, Replica, ReplicaError, Taken, size_of};
use crate::audit::{Bad, Settings};
use crate::model::{Timestamp, limits};
use crate::record::{Class, Entry};
use crate::seam::BoxFuture;
use crate::tlog::tile::{self, Tile};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// How many objects are put at once.
const AT_ONCE: usize = 16;
pub(super) const DAY: i64 = 86_400;
const CHECKPOINTS: &str = "checkpoints/";

/// Contents of a class and day: which segments there are, the one that was read last, and what it holds.
pub(super) type Segments = (Vec<Segment>, Option<Segment>, BTreeMap<u64, Vec<u8>>);

/// An object of contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) key: String,
    pub(super) version: String,
    pub(super) first: u64,
    pub(super) last: u64,
}

/// A bucket.
pub struct S3Replica {
    pub(super) bucket: Bucket,
    pub(super) settings: Settings,
    memory: Memory,
    /// Whether the server refuses to put something where something is.
    conditional: bool,
    /// What was found out about the lock; none where nothing is copied there.
    lock: Option<Lock>,
    /// The checkpoint that was there when it was last looked for.
    note: Mutex<Option<Option<Vec<u8>>>>,
    windows: Mutex<BTreeMap<&'static str, Window>>,
    pub(super) segments: Mutex<BTreeMap<(Class, u32), Segments>>,
    covered: std::sync::Mutex<BTreeMap<String, Bad>>,
}

impl S3Replica {
    /// Opens a bucket. Where something is copied there, its lock is tried first.
    ///
    /// # Errors
    /// [`ReplicaError`].
    pub async fn open(place: &str, opening: &Opening) -> Result<Self, ReplicaError> {
        let place = Place::parse(place, opening.variable)?;
        let variable = |name: &str| (opening.variable)(name).filter(|value| !value.is_empty());
        let (Some(id), Some(secret)) = (variable("AWS_ACCESS_KEY_ID"), variable("AWS_SECRET_ACCESS_KEY")) else {
            let cause = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY say who comes, and are not set".to_owned();
            return Err(ReplicaError::Unusable { place: place.name, cause });
        };
        let memory = Memory::of(opening.memory.as_deref(), &place.name);
        let credentials = Credentials { id, secret, token: variable("AWS_SESSION_TOKEN") };
        let bucket = Bucket::new(place, credentials, opening.patience);
        let mut own = Self {
            bucket,
            settings: opening.settings.clone(),
            memory,
            conditional: true,
            lock: None,
            note: Mutex::default(),
            windows: Mutex::default(),
            segments: Mutex::default(),
            covered: std::sync::Mutex::default(),
        };
        if opening.write {
            let found = probe::probe(&own.bucket, Bucket::now()).await?;
            (own.conditional, own.lock) = (found.conditional, Some(found.lock));
        }
        Ok(own)
    }

    pub(super) fn changed(&self, index: impl Into<Option<u64>>, cause: String) -> ReplicaError {
        ReplicaError::Changed { place: self.bucket.place.name.clone(), index: index.into(), cause }
    }

    pub(super) fn refused(&self, refused: Refused) -> ReplicaError {
        self.bucket.unusable(refused.said)
    }

    /// Until when tiles and checkpoints are locked.
    pub(super) fn long(&self) -> Option<Timestamp> {
        Timestamp::from_unix(Bucket::now().unix() + i64::from(self.bucket.place.keep) * DAY)
    }

    /// The versions of an object, the newest first. What was put on top of it is kept to be said.
    async fn at(&self, prefix: &'static str, key: &str) -> Result<Result<Vec<Version>, Refused>, ReplicaError> {
        let mut windows = self.windows.lock().await;
        let found = windows.entry(prefix).or_default().of(&self.bucket, prefix, key).await?;
        if let Ok(versions) = &found {
            self.look(key, versions);
        }
        Ok(found)
    }

    pub(super) fn look(&self, key: &str, versions: &[Version]) {
        if let Some(bad) = covered(key, versions) {
            self.notice(key, bad);
        }
    }

    fn notice(&self, key: &str, bad: Bad) {
        let mut all = self.covered.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if all.len() < limits::RECORD_LIST {
            all.insert(key.to_owned(), bad);
        }
    }

    /// The bytes of an object as it was put first; none where it never was.
    async fn first_of(&self, key: &str, limit: usize) -> Result<Result<Option<Vec<u8>>, Refused>, ReplicaError> {
        let versions = match self.at(kind_of(key), key).await? {
            Ok(versions) => versions,
            Err(refused) => return Ok(Err(refused)),
        };
        match first(&versions) {
            Some(version) => self.bucket.get(key, &version.id, limit).await,
            None => Ok(Ok(None)),
        }
    }

    pub(super) async fn put(&self, key: &str, bytes: &[u8], until: Option<Timestamp>) -> Result<(), ReplicaError> {
        let free = self.conditional || matches!(&self.first_of(key, limits::PUBLISHED_BYTES).await?, Ok(None) | Err(_));
        if free {
            match self.bucket.put(key, bytes, until).await? {
                Ok(Put::Made(_)) => return Ok(()),
                Ok(Put::There) => {}
                Err(refused) => return Err(self.refused(refused)),
            }
        }
        // What was listed before is not what is there now.
        self.windows.lock().await.remove(kind_of(key));
        match self.first_of(key, limits::PUBLISHED_BYTES).await? {
            Ok(Some(found)) if found == bytes => self.locked(key, until).await,
            Ok(Some(_)) => {
                let index = Tile::parse(key).map(|tile| tile.first());
                Err(self.changed(index, format!("{key} is there, and is another one than the log's")))
            }
            Ok(None) => Err(self.bucket.unusable(format!("{key} is there, and cannot be read"))),
            // Who may only write cannot compare; who reads the replica does.
            Err(refused) if refused.is_denied() => Ok(()),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    async fn last(&self) -> Result<Option<Vec<u8>>, ReplicaError> {
        let mut known = self.note.lock().await;
        if known.is_none() {
            *known = Some(self.asked_last().await?);
        }
        Ok(known.clone().flatten())
    }

    /// Locks what is there as it would be if it had been put now: somebody else may have put it there without a lock, to delete it
    /// when it matters.
    async fn locked(&self, key: &str, until: Option<Timestamp>) -> Result<(), ReplicaError> {
        let versions = self.at(kind_of(key), key).await?.map_err(|refused| self.refused(refused))?;
        let (Some(version), Some(until)) = (first(&versions), until) else { return Ok(()) };
        let weak = |cause: String| ReplicaError::NotAppendOnly { place: self.bucket.place.name.clone(), cause };
        match self.bucket.lock(key, &version.id, until).await? {
            Ok(()) => Ok(()),
            Err(refused) if refused.status >= 500 => Err(self.refused(refused)),
            // One that is locked for longer is not locked for less.
            Err(refused) => match self.bucket.locked_until(key, &version.id).await? {
                Some(there) if there >= until || there.unix() + DAY > until.unix() => Ok(()),
                _ => Err(weak(format!("{key} was put there by somebody else, and cannot be locked: {}", refused.said))),
            },
        }
    }

    /// The last checkpoint that the log signed. Who may write there can put others above it, which prove nothing: they are said.
    async fn asked_last(&self) -> Result<Option<Vec<u8>>, ReplicaError> {
        match self.signed_ones(1).await? {
            Ok((mut signed, other)) => Ok(if signed.is_empty() { other } else { Some(signed.remove(0)) }),
            // To who compares, it is no answer.
            Err(refused) if refused.is_denied() && self.lock.is_some() => Ok(self.memory.last()),
            Err(refused) => Err(self.refused(refused)),
        }
    }

    /// Checkpoints that the log signed, the last one first, as many as are wanted; and the first of the others.
    async fn signed_ones(&self, wanted: usize) -> Result<Result<Signed, Refused>, ReplicaError> {
        let mut pages = Pages::of(&self.bucket, CHECKPOINTS, String::new());
        let (mut signed, mut other, mut whole, mut rest) = (Vec::new(), None, Vec::new(), Vec::new());
        let mut more = true;
        while more {
            match pages.next().await? {
                Some(Ok(page)) => rest.extend(page),
                Some(Err(refused)) => return Ok(Err(refused)),
                None => more = false,
            }
            // All versions of an object were there only where the next one begins.
            whole.extend(grouped(&mut rest, more));
            let mut puts: Vec<BoxFuture<'_, Result<Looked, ReplicaError>>> = Vec::new();
            for (key, versions) in std::mem::take(&mut whole) {
                puts.push(Box::pin(async move { self.signed(&key, &versions).await }));
            }
            let mut found = stream::iter(puts).buffered(AT_ONCE);
            while let Some(one) = found.next().await {
                match one? {
                    (true, Some(note)) => signed.push(note),
                    (_, note) => other = other.or(note),
                }
                if signed.len() >= wanted {
                    return Ok(Ok((signed, other)));
                }
            }
        }
        Ok(Ok((signed, other)))
    }

    /// What was put first under a key, and whether it is a checkpoint that the log signed.
    async fn signed(&self, key: &str, versions: &[Version]) -> Result<Looked, ReplicaError> {
        let key = key.strip_prefix(&self.bucket.place.prefix).unwrap_or(key);
        let Some(version) = first(versions) else { return Ok((false, None)) };
        self.look(key, versions);
        let note = self.bucket.get(key, &version.id, limits::NOTE_BYTES).await?;
        let Some(note) = note.map_err(|refused| self.refused(refused))? else { return Ok((false, None)) };
        if own(&note, &self.settings).is_ok_and(|found| *key == checkpoint_key(found.size)) {
            return Ok((true, Some(note)));
        }
        let cause = format!("{key} is no checkpoint that this log signed, and stands above its last one");
        self.notice(key, Bad { index: None, cause });
        Ok((false, Some(note)))
    }

    async fn records(&self, from: u64, count: usize) -> Result<Vec<Copied>, ReplicaError> {
        let size = self.last().await?.as_deref().map_or(0, size_of);
        let Some(bundle) = Tile::bundle_of(from, size) else { return Ok(Vec::new()) };
        let at = bundle.index * tile::WIDTH;
        let missing = || self.changed(at, format!("{} is missing", bundle.path()));
        let bytes = self.first_of(&bundle.path(), limits::PUBLISHED_BYTES).await?;
        let bytes = bytes.map_err(|refused| self.refused(refused))?.ok_or_else(missing)?;
        let entries = tile::entries(&bytes, bundle.width).map_err(|e| self.changed(at, e.to_string()))?;
        let skipped = usize::try_from(from % tile::WIDTH).unwrap_or(0);
        let mut out = Vec::new();
        for (index, entry) in (from..).zip(entries.into_iter().skip(skipped).take(count)) {
            let content = match Entry::parse(entry) {
                Ok(entry) => self.content(index, &entry).await?,
                Err(_) => None,
            };
            out.push(Copied { entry: entry.to_vec(), content });
        }
        Ok(out)
    }

    async fn put_files(&self, files: &[(String, Vec<u8>)]) -> Result<(), ReplicaError> {
        let until = self.long();
        let mut puts: Vec<BoxFuture<'_, Result<(), ReplicaError>>> = Vec::with_capacity(files.len());
        for (name, bytes) in files {
            puts.push(Box::pin(self.put(name, bytes, until)));
        }
        let done = stream::iter(puts).buffer_unordered(AT_ONCE).try_collect().await;
        // What was listed before is not what is there now.
        self.windows.lock().await.clear();
        done
    }

    async fn put_checkpoint(&self, note: &[u8]) -> Result<(), ReplicaError> {
        let (new, size) = (size_of(note), self.last().await?.as_deref().map_or(0, size_of));
        if new < size {
            return Err(self.changed(new, format!("it has {size} records, and was to be set back to {new}")));
        }
        self.put(&checkpoint_key(new), note, self.long()).await?;
        *self.note.lock().await = None;
        self.memory.keep(note).map_err(|e| self.bucket.unusable(e.to_string()))
    }
}

/// Whether a checkpoint is one that the log signed, and what is there.
type Looked = (bool, Option<Vec<u8>>);

/// Checkpoints that the log signed, and the first of the others.
type Signed = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// Takes objects with all their versions from the front of a list; the last one stays where `more` of it may come.
fn grouped(list: &mut Vec<(String, Version)>, more: bool) -> Vec<(String, Vec<Version>)> {
    let mut out: Vec<(String, Vec<Version>)> = Vec::new();
    for (key, version) in list.drain(..) {
        match out.last_mut() {
            Some((last, versions)) if *last == key => versions.push(version),
            _ => out.push((key, vec![version])),
        }
    }
    if let Some((key, versions)) = out.pop_if(|_| more) {
        list.extend(versions.into_iter().map(|version| (key.clone(), version)));
    }
    out
}

/// Under which prefix an object is listed.
fn kind_of(key: &str) -> &'static str {
    [CHECKPOINTS, "contents/", "tile/entries/"].into_iter().find(|kind| key.starts_with(kind)).unwrap_or("tile/")
}

/// The key of a checkpoint: of a larger log it comes first in a list.
pub(super) fn checkpoint_key(size: u64) -> String {
    format!("{CHECKPOINTS}{:020}", u64::MAX - size)
}

impl Replica for S3Replica {
    fn name(&self) -> &str {
        &self.bucket.place.name
    }

    fn keeps(&self) -> Keeps {
        Keeps { tiles: true, contents: true, forgets: false }
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, ReplicaError>> {
        Box::pin(self.last())
    }

    fn checkpoints(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>, ReplicaError>> {
        Box::pin(async move {
            let found = self.signed_ones(usize::MAX).await?;
            Ok(found.map_err(|refused| self.refused(refused))?.0)
        })
    }

    fn sure(&self) -> u64 {
        self.memory.last().as_deref().map_or(0, size_of)
    }

    fn read(&self, from: u64, count: usize) -> BoxFuture<'_, Result<Vec<Copied>, ReplicaError>> {
        Box::pin(self.records(from, count))
    }

    fn file<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReplicaError>> {
        Box::pin(async move {
            match Tile::parse(name) {
                Some(_) => self.first_of(name, limits::PUBLISHED_BYTES).await?.map_err(|refused| self.refused(refused)),
                None => Ok(None),
            }
        })
    }

    fn take<'a>(&'a mut self, first: u64, records: &'a [Taken]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        Box::pin(self.take_contents(first, records))
    }

    fn publish<'a>(&'a mut self, files: &'a [(String, Vec<u8>)]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        Box::pin(self.put_files(files))
    }

    fn seal<'a>(&'a mut self, note: &'a [u8]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        Box::pin(self.put_checkpoint(note))
    }

    fn lock(&self) -> Option<Lock> {
        self.lock.clone()
    }

    fn noticed(&self) -> Vec<Bad> {
        self.covered.lock().unwrap_or_else(std::sync::PoisonError::into_inner).values().cloned().collect()
    }
}
