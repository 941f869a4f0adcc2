#![expect(clippy::disallowed_methods, reason = "back end: a copy of an audit log in a folder")]
//! A replica in a folder, laid out as C2SP tlog-tiles has it, so that other programs read it: `checkpoint`, `tile/...`; and
//! beside them `contents/CLASS/DAY/NUMBER`, the contents of records from that number on, and `deleted`, up to where orders to
//! delete are carried out.
//!
//! | file | job |
//! |---|---|
//! | `days.rs` | contents, by class and day |

mod days;

use super::{Copied, Gone, Keeps, Replica, ReplicaError, Taken, size_of};
use crate::audit::{AuditError, disk};
use crate::model::limits;
use crate::record::{Class, Entry};
use crate::regular;
use crate::seam::{BoxFuture, ready};
use crate::tlog::tile::{self, Row, Tile, WIDTH};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

const CHECKPOINT: &str = "checkpoint";
const DELETED: &str = "deleted";
const LOCK: &str = "lock";
const CONTENTS: &str = "contents";
/// What a replica has in its folder.
const OWN: [&str; 5] = [CHECKPOINT, DELETED, LOCK, CONTENTS, "tile"];

/// Contents of one file, by the numbers of their records.
type Contents = BTreeMap<u64, Vec<u8>>;

/// Of a class and day, which files of contents there are by their first records, the first record of the one that was read last, and
/// what that holds.
type LastRead = BTreeMap<(Class, u32), (Vec<u64>, u64, Contents)>;

/// A folder.
#[derive(Debug)]
pub struct FolderReplica {
    folder: PathBuf,
    name: String,
    last: Mutex<LastRead>,
    _lock: Option<File>,
}

impl FolderReplica {
    /// Opens a folder that is there: an empty one, or one with a replica. Where a disk is not mounted, the folder would else be
    /// made on another one.
    ///
    /// # Errors
    /// [`ReplicaError::Foreign`], [`ReplicaError::Unusable`], [`AuditError::Locked`].
    pub fn open(folder: &Path, write: bool) -> Result<Self, ReplicaError> {
        let name = folder.display().to_string();
        let mut own = Self { folder: folder.to_owned(), name, last: Mutex::default(), _lock: None };
        let mut names = Vec::new();
        for entry in fs::read_dir(folder).map_err(|e| own.unopened(&e))? {
            let entry = entry.map_err(|e| own.unusable(folder, &e))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            names.extend((!name.starts_with('.') && !OWN.contains(&name.as_str())).then_some(name));
            if names.len() > limits::RECORD_LIST {
                break;
            }
        }
        if let (Some(first), false) = (names.iter().min(), folder.join(CHECKPOINT).exists()) {
            let cause = format!("it holds other things, `{first}` among them, and no checkpoint");
            return Err(ReplicaError::Foreign { place: own.name, cause });
        }
        if write {
            own._lock = Some(own.locked()?);
        }
        Ok(own)
    }

    fn unopened(&self, e: &io::Error) -> ReplicaError {
        let cause = match e.kind() {
            // Where a disk is not mounted, it would be made on another one.
            io::ErrorKind::NotFound => "the folder is not there, and is not made: make it once".to_owned(),
            _ => e.to_string(),
        };
        ReplicaError::Unusable { place: self.name.clone(), cause }
    }

    fn locked(&self) -> Result<File, ReplicaError> {
        let path = self.folder.join(LOCK);
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow());
        let lock = options.open(&path).map_err(|e| self.unusable(&path, &e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(lock),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(AuditError::Locked { place: self.name.clone(), waited: "0 s".into() }.into())
            }
            Err(e) => Err(self.unusable(&path, &e.into())),
        }
    }

    fn unusable(&self, path: &Path, e: &io::Error) -> ReplicaError {
        let inner = path.strip_prefix(&self.folder).unwrap_or(path).display().to_string();
        let cause = if inner.is_empty() { e.to_string() } else { format!("{inner}: {e}") };
        ReplicaError::Unusable { place: self.name.clone(), cause }
    }

    fn changed(&self, index: impl Into<Option<u64>>, cause: String) -> ReplicaError {
        ReplicaError::Changed { place: self.name.clone(), index: index.into(), cause }
    }

    fn get(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, ReplicaError> {
        match regular::read(path, limit) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(self.unusable(path, &e)),
        }
    }

    /// Writes a file whole: under another name, then on the disk, then under its own. Its folder is still to be synced.
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), ReplicaError> {
        disk::replace(path, bytes, true).map_err(|e| self.unusable(path, &e))
    }

    /// Puts on the disk which names there are in the folders of some files, and in those above.
    fn settle(&self, files: &BTreeSet<PathBuf>) -> Result<(), ReplicaError> {
        let above = files.iter().flat_map(|file| file.ancestors().skip(1).take_while(|f| f.starts_with(&self.folder)));
        for folder in above.collect::<BTreeSet<_>>() {
            disk::sync_folder(folder).map_err(|e| self.unusable(folder, &e))?;
        }
        Ok(())
    }

    fn size(&self) -> Result<u64, ReplicaError> {
        Ok(self.get(&self.folder.join(CHECKPOINT), limits::NOTE_BYTES)?.as_deref().map_or(0, size_of))
    }

    fn records(&self, from: u64, count: usize) -> Result<Vec<Copied>, ReplicaError> {
        let size = self.size()?;
        let Some(bundle) = Tile::bundle_of(from, size) else { return Ok(Vec::new()) };
        let missing = || self.changed(bundle.index * WIDTH, format!("{} is missing", bundle.path()));
        let bytes = self.get(&self.folder.join(bundle.path()), limits::PUBLISHED_BYTES)?.ok_or_else(missing)?;
        let entries =
            tile::entries(&bytes, bundle.width).map_err(|e| self.changed(bundle.index * WIDTH, e.to_string()))?;
        let at = usize::try_from(from % WIDTH).unwrap_or(0);
        let mut out = Vec::new();
        for (index, entry) in (from..).zip(entries.into_iter().skip(at).take(count)) {
            let content = match Entry::parse(entry) {
                Ok(entry) => self.content(index, entry.class, entry.day())?,
                Err(_) => None,
            };
            out.push(Copied { entry: entry.to_vec(), content });
        }
        Ok(out)
    }

    fn put_files(&self, files: &[(String, Vec<u8>)]) -> Result<(), ReplicaError> {
        let mut written = BTreeSet::new();
        for (name, bytes) in files {
            let path = self.folder.join(name);
            match self.get(&path, limits::PUBLISHED_BYTES)? {
                Some(found) if found == *bytes => {}
                Some(_) => {
                    let index = Tile::parse(name).map(|tile| tile.first());
                    return Err(self.changed(index, format!("{name} is there, and is another one than the log's")));
                }
                None => {
                    self.continues(name, bytes)?;
                    self.write(&path, bytes)?;
                }
            }
            // One that an interrupted copy left may not be on the disk under its name yet.
            written.insert(path);
        }
        self.settle(&written)
    }

    /// That a bundle continues the shorter ones of the same entries, and is continued by the longer ones: what was copied stays,
    /// also where somebody took the checkpoint away.
    fn continues(&self, name: &str, bytes: &[u8]) -> Result<(), ReplicaError> {
        let Some(tile) = Tile::parse(name).filter(|tile| tile.row == Row::Entries) else { return Ok(()) };
        let full = Tile { width: WIDTH as u16, ..tile };
        let others = [full].into_iter().chain((1..WIDTH as u16).map(|width| Tile { width, ..tile }));
        let partial = self.folder.join(format!("{}.p", full.path()));
        let is_there = partial.is_dir();
        for other in others.filter(|other| u64::from(other.width) == WIDTH || is_there) {
            let Some(found) = self.get(&self.folder.join(other.path()), limits::PUBLISHED_BYTES)? else { continue };
            if !found.starts_with(bytes) && !bytes.starts_with(&found) {
                let cause = format!("{} is there, and is of another history than the log's", other.path());
                return Err(self.changed(tile.first(), cause));
            }
        }
        Ok(())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ReplicaError> {
        let path = self.folder.join(name);
        self.write(&path, bytes)?;
        self.settle(&BTreeSet::from([path]))
    }
}

impl Replica for FolderReplica {
    fn name(&self) -> &str {
        &self.name
    }

    fn keeps(&self) -> Keeps {
        Keeps { tiles: true, contents: true, forgets: true }
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, ReplicaError>> {
        ready(self.get(&self.folder.join(CHECKPOINT), limits::NOTE_BYTES))
    }

    fn read(&self, from: u64, count: usize) -> BoxFuture<'_, Result<Vec<Copied>, ReplicaError>> {
        ready(self.records(from, count))
    }

    fn file<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReplicaError>> {
        ready(match Tile::parse(name) {
            Some(_) => self.get(&self.folder.join(name), limits::PUBLISHED_BYTES),
            None => Ok(None),
        })
    }

    fn take<'a>(&'a mut self, first: u64, records: &'a [Taken]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        ready(self.take_contents(first, records))
    }

    fn publish<'a>(&'a mut self, files: &'a [(String, Vec<u8>)]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        ready(self.put_files(files))
    }

    fn seal<'a>(&'a mut self, note: &'a [u8]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        ready(self.size().and_then(|size| match size_of(note) {
            new if new < size => {
                Err(self.changed(new, format!("it has {size} records, and was to be set back to {new}")))
            }
            _ => self.put(CHECKPOINT, note),
        }))
    }

    fn carried_out(&self) -> BoxFuture<'_, Result<u64, ReplicaError>> {
        let read = self.get(&self.folder.join(DELETED), limits::NUMBER_BYTES);
        // Where it cannot be read, everything is carried out again, which changes nothing.
        let number = |bytes: Vec<u8>| std::str::from_utf8(&bytes).ok().and_then(|text| text.trim().parse().ok());
        ready(read.map(|bytes| bytes.and_then(number).unwrap_or(0)))
    }

    fn forget<'a>(&'a mut self, gone: &'a Gone) -> BoxFuture<'a, Result<u64, ReplicaError>> {
        ready(self.forget_all(gone))
    }

    fn mark(&mut self, until: u64) -> BoxFuture<'_, Result<(), ReplicaError>> {
        ready(self.put(DELETED, format!("{until}\n").as_bytes()))
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).bits() as i32
}
