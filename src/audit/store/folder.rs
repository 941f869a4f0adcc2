#![expect(clippy::disallowed_methods, reason = "back end: the folder of the audit log")]
//! A log in a folder: `journal/` with segments of frames, `tlog/` with what is published, `lock` while one process writes.

use super::{CHECKPOINT, LogStore, Stored};
use crate::audit::AuditError;
use crate::audit::disk;
use crate::audit::frame::{self, Found, Sum};
use crate::model::limits;
use crate::record::Entry;
use crate::tlog::tile::{self, Row, Tile, WIDTH};
use crate::tlog::{Checkpoint, Note};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::ops::Range;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// First bytes of a segment, before the sum that its first frame continues.
const MAGIC: &[u8; 16] = b"attest-journal1\n";
/// Bytes of a segment before its first frame.
const START: usize = 32;

/// The folder of a log.
#[derive(Debug)]
pub struct FolderStore {
    folder: PathBuf,
    size: u64,
    state: State,
    /// The first record behind the whole ones that was changed, where one was.
    damage: Option<AuditError>,
    /// How long a new segment is made (bytes).
    pub(in crate::audit) segment_bytes: usize,
    /// The segment that was read last.
    last_read: Mutex<Option<Segment>>,
    _lock: Option<File>,
}

/// How far writing has come.
#[derive(Debug)]
enum State {
    /// Nothing was written yet: the end of the journal is as it was found.
    Found(Option<Tail>),
    /// Where the next frame goes.
    Ready(End),
    /// A write failed: what is on the disk is not known, and nothing more is written by this process.
    Broken,
}

#[derive(Debug)]
struct End {
    file: File,
    at: u64,
    room: u64,
    sum: Sum,
}

impl FolderStore {
    /// Makes the folders of a new log.
    ///
    /// # Errors
    /// [`AuditError::Present`], [`AuditError::Unusable`].
    pub fn create(folder: &Path) -> Result<(), AuditError> {
        if folder.join("journal").exists() {
            return Err(AuditError::Present { place: folder.display().to_string() });
        }
        for part in ["journal", "tlog"] {
            let path = folder.join(part);
            let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(&path);
            made.map_err(|e| unusable(&path, &e))?;
        }
        Ok(())
    }

    /// Opens a log to read what is there.
    ///
    /// # Errors
    /// [`AuditError::Absent`], [`AuditError::Unusable`], [`AuditError::Damaged`].
    pub fn read_only(folder: &Path) -> Result<Self, AuditError> {
        Self::found(folder, None)
    }

    /// Opens a log to write, if nobody else does. A frame that was cut off while it was written is cut away by the first
    /// append: nothing in it was acknowledged.
    ///
    /// # Errors
    /// [`AuditError::Locked`] besides those of reading.
    pub fn writer(folder: &Path) -> Result<Self, AuditError> {
        let path = folder.join("lock");
        if !folder.join("journal").is_dir() {
            return Err(AuditError::Absent { place: folder.display().to_string() });
        }
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow());
        let lock = options.open(&path).map_err(|e| unusable(&path, &e))?;
        if let Err(e) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            return Err(match e {
                rustix::io::Errno::WOULDBLOCK => {
                    AuditError::Locked { place: folder.display().to_string(), waited: "0 s".into() }
                }
                e => unusable(&path, &e.into()),
            });
        }
        Self::found(folder, Some(lock))
    }

    fn found(folder: &Path, lock: Option<File>) -> Result<Self, AuditError> {
        let state = State::Found(None);
        let mut store = Self {
            folder: folder.to_owned(),
            size: 0,
            state,
            damage: None,
            segment_bytes: limits::JOURNAL_SEGMENT_BYTES,
            last_read: Mutex::default(),
            _lock: lock,
        };
        let mut tail = store.look()?;
        store.size = tail.as_ref().map_or(0, |tail| tail.size);
        store.damage = tail.as_mut().and_then(|tail| tail.damage.take());
        // Nothing is added behind it; who only reads is told when he comes to it.
        if let (Some(damage), true) = (&store.damage, store._lock.is_some()) {
            return Err(damage.clone());
        }
        store.state = State::Found(tail);
        Ok(store)
    }

    /// Segments by the number of their first record.
    fn segments(&self) -> Result<Vec<(u64, PathBuf)>, AuditError> {
        let folder = self.folder.join("journal");
        let mut out = Vec::new();
        let listed = fs::read_dir(&folder).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => AuditError::Absent { place: self.folder.display().to_string() },
            _ => unusable(&folder, &e),
        })?;
        for file in listed {
            let file = file.map_err(|e| unusable(&folder, &e))?;
            let name = file.file_name();
            let first = name
                .to_str()
                .filter(|n| n.len() == 20 && n.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|n| n.parse().ok());
            out.extend(first.map(|first: u64| (first, file.path())));
            if out.len() > limits::JOURNAL_SEGMENTS {
                return Err(unusable(&folder, &io::Error::other("more segments than a journal may have")));
            }
        }
        out.sort();
        Ok(out)
    }

    /// Looks at the end of the journal.
    fn look(&self) -> Result<Option<Tail>, AuditError> {
        let Some((first, path)) = self.segments()?.pop() else { return Ok(None) };
        let bytes = segment(&path)?;
        let mut walk = Walk::over(&bytes, first)?;
        let mut last = START;
        loop {
            let at = walk.at;
            if walk.next()?.is_none() {
                break;
            }
            last = at;
        }
        let left = &bytes[walk.at..];
        let torn = left.iter().any(|b| *b != 0);
        // Whoever owns the disk could else have acknowledged records cut away, by one flipped bit before them.
        let damage = (torn && frame::is_followed(left, walk.index, &walk.sum)).then(|| {
            let changed = self.changed(left, walk.index);
            AuditError::damaged(changed, format!("record {changed} of the journal was changed: others stand behind it"))
        });
        let (size, at, sum, frame) = (walk.index, walk.at, walk.sum, bytes[last..walk.at].to_vec());
        Ok(Some(Tail { path, size, at, room: bytes.len(), sum, frame, torn, damage }))
    }

    /// The first record of a changed frame that is not as it was: its content is not the one of its entry, or its entry is not
    /// the published one. The frame's first where that does not tell.
    fn changed(&self, frame: &[u8], first: u64) -> u64 {
        let published = self.get(CHECKPOINT).ok().flatten();
        let size =
            published.and_then(|note| Some(Checkpoint::parse(Note::parse(&note).ok()?.text).ok()?.size)).unwrap_or(0);
        let differs = |index: u64, record: &Stored| {
            let entry = Entry::parse(&record.entry);
            let own = entry.is_ok_and(|entry| Sha256::digest(&record.content)[..] == entry.content);
            let width = size.saturating_sub(index / WIDTH * WIDTH).min(WIDTH) as u16;
            let tile = Tile { row: Row::Entries, index: index / WIDTH, width };
            let bundle = if width == 0 { None } else { self.get(&tile.path()).ok().flatten() };
            let other = bundle.and_then(|bundle| {
                let entries = tile::entries(&bundle, width).ok()?;
                Some(*entries.get((index % WIDTH) as usize)? != record.entry)
            });
            !own || other.unwrap_or(false)
        };
        let records = frame::unchecked(frame).unwrap_or_default();
        (first..).zip(&records).find(|(index, record)| differs(*index, record)).map_or(first, |(index, _)| index)
    }

    /// Makes the end of the journal ready for the next frame.
    fn repair(tail: &Tail) -> Result<End, AuditError> {
        let fail = |e: io::Error| unusable(&tail.path, &e);
        let file = OpenOptions::new().write(true).custom_flags(no_follow()).open(&tail.path).map_err(fail)?;
        if tail.torn {
            let zeros = vec![0; tail.room - tail.at];
            disk::write_at(&file, &zeros, tail.at as u64).and_then(|()| disk::sync_data(&file)).map_err(fail)?;
        }
        Ok(End { file, at: tail.at as u64, room: tail.room as u64, sum: tail.sum })
    }

    /// A new segment that has room for a frame.
    fn roll(&self, frame: usize, sum: Sum) -> Result<End, AuditError> {
        let name = format!("{:020}", self.size);
        let folder = self.folder.join("journal");
        let (path, temporary) = (folder.join(&name), folder.join(format!(".{name}")));
        let room = self.segment_bytes.max(START + frame);
        let make = || {
            let _ = fs::remove_file(&temporary);
            let mut options = OpenOptions::new();
            let file = disk::create(options.write(true).create_new(true).mode(0o600), &temporary)?;
            // Every byte is written now, so that a later sync has no more to do than the frame.
            let mut bytes = vec![0; room];
            bytes[..16].copy_from_slice(MAGIC);
            bytes[16..START].copy_from_slice(&sum);
            disk::write_at(&file, &bytes, 0)?;
            disk::sync(&file)?;
            disk::rename(&temporary, &path)?;
            disk::sync_folder(&folder)?;
            Ok(file)
        };
        let file = make().map_err(|e| {
            let _ = fs::remove_file(&temporary);
            unusable(&path, &e)
        })?;
        Ok(End { file, at: START as u64, room: room as u64, sum })
    }

    /// Where a published file is. Names are those of the specification alone, so none leads anywhere else.
    fn published(&self, name: &str) -> PathBuf {
        self.folder.join("tlog").join(name)
    }

    fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
        disk::replace(path, bytes, durable)?;
        if durable { disk::sync_folder(path.parent().unwrap_or_else(|| Path::new("."))) } else { Ok(()) }
    }
}

impl LogStore for FolderStore {
    fn size(&self) -> u64 {
        self.size
    }

    fn settle(&mut self) -> Result<(), AuditError> {
        let State::Found(Some(tail)) = &self.state else { return Ok(()) };
        let fail = |e: io::Error| unusable(&tail.path, &e);
        let file = OpenOptions::new().write(true).custom_flags(no_follow()).open(&tail.path).map_err(fail)?;
        // Written once more: after a sync that failed, the system takes for written what never came to the disk.
        let start = (tail.at - tail.frame.len()) as u64;
        disk::write_at(&file, &tail.frame, start).and_then(|()| disk::sync_data(&file)).map_err(fail)?;
        disk::sync_folder(&self.folder.join("journal")).map_err(fail)
    }

    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError> {
        let place = self.folder.join("journal");
        let end = match std::mem::replace(&mut self.state, State::Broken) {
            State::Broken => {
                return Err(unusable(&place, &io::Error::other("an earlier write failed: open the log again")));
            }
            State::Found(tail) => tail.as_ref().map(Self::repair).transpose()?,
            State::Ready(end) => Some(end),
        };
        let sum = end.as_ref().map_or([0; 16], |end| end.sum);
        let (bytes, next) = frame::write(self.size, batch, &sum);
        let mut end = match end {
            Some(end) if end.at + bytes.len() as u64 <= end.room => end,
            _ => self.roll(bytes.len(), sum)?,
        };
        let written = disk::write_at(&end.file, &bytes, end.at).and_then(|()| disk::sync_data(&end.file));
        written.map_err(|e| unusable(&place, &e))?;
        *self.last_read.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = None;
        (end.at, end.sum) = (end.at + bytes.len() as u64, next);
        self.state = State::Ready(end);
        self.size += batch.len() as u64;
        Ok(())
    }

    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        let segments = self.segments()?;
        let at = segments.partition_point(|(first, _)| *first <= from);
        let Some((first, path)) = at.checked_sub(1).and_then(|at| segments.get(at)) else { return Ok(Vec::new()) };
        let mut last = self.last_read.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.as_ref().is_none_or(|segment| segment.first != *first) {
            *last = Some(Segment::read(path, *first)?);
        }
        let Some(segment) = &*last else { return Ok(Vec::new()) };
        let mut out = Vec::new();
        let start = segment.frames.partition_point(|(first, count, _)| first + u64::from(*count) <= from);
        for (first, count_here, at) in &segment.frames[start..] {
            let skipped = usize::try_from(from.saturating_sub(*first)).unwrap_or(usize::MAX);
            let records = frame::records(&segment.bytes[at.clone()], *first, *count_here)?;
            out.extend(records.into_iter().skip(skipped));
            if out.len() >= count {
                break;
            }
        }
        out.truncate(count);
        let damaged = |damage: &AuditError| match damage {
            AuditError::Damaged { index: Some(index), .. } => from <= *index,
            _ => true,
        };
        match &self.damage {
            Some(damage) if out.is_empty() && damaged(damage) => Err(damage.clone()),
            _ if out.is_empty() && from < self.size => {
                let changed = self.changed(&segment.bytes[segment.end..], segment.next);
                Err(AuditError::damaged(changed, format!("record {changed} of the journal is cut off or was changed")))
            }
            _ => Ok(out),
        }
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let path = self.published(name);
        match crate::regular::read(&path, limits::PUBLISHED_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unusable(&path, &e)),
        }
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        let path = self.published(name);
        // Whether a partial one is there is seen when the log is opened; a full one is looked at by `verify` alone.
        let full = !name.contains(".p/");
        Self::replace(&path, bytes, full).map_err(|e| unusable(&path, &e))
    }

    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError> {
        let path = self.published(CHECKPOINT);
        if self.get(CHECKPOINT)?.as_deref() != old {
            return Err(unusable(&path, &io::Error::other("it is not the one that was read")));
        }
        Self::replace(&path, new, true).map_err(|e| unusable(&path, &e))
    }
}

/// A segment in memory, and where its whole frames are.
#[derive(Debug)]
struct Segment {
    first: u64,
    bytes: Vec<u8>,
    /// The first record's number, how many there are, and where they stand.
    frames: Vec<(u64, u32, Range<usize>)>,
    /// Behind the last whole frame, and the number that belongs there.
    end: usize,
    next: u64,
}

impl Segment {
    fn read(path: &Path, first: u64) -> Result<Self, AuditError> {
        let bytes = segment(path)?;
        let mut walk = Walk::over(&bytes, first)?;
        let mut frames = Vec::new();
        while let Some((first, count, records)) = walk.next()? {
            frames.push((first, count, walk.at - records.len()..walk.at));
        }
        let (end, next) = (walk.at, walk.index);
        Ok(Self { first, bytes, frames, end, next })
    }
}

/// The end of a journal.
#[derive(Debug)]
struct Tail {
    path: PathBuf,
    size: u64,
    at: usize,
    room: usize,
    sum: Sum,
    /// The last whole frame.
    frame: Vec<u8>,
    torn: bool,
    damage: Option<AuditError>,
}

/// The records of a frame: the first one's number, how many, and their bytes.
type Records<'a> = (u64, u32, &'a [u8]);

/// Goes over the frames of a segment.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    index: u64,
    sum: Sum,
}

impl<'a> Walk<'a> {
    fn over(bytes: &'a [u8], first: u64) -> Result<Self, AuditError> {
        let wrong = || {
            AuditError::damaged(
                first,
                format!("the segment of the journal that begins with record {first} has no head"),
            )
        };
        let head = bytes.first_chunk::<START>().ok_or_else(wrong)?;
        let (magic, sum) = head.split_at(16);
        let sum = sum.try_into().ok().filter(|_| magic == MAGIC).ok_or_else(wrong)?;
        Ok(Self { bytes, at: START, index: first, sum })
    }

    /// The next frame: its first record's number, how many, and their bytes; none at the end, or where something is torn.
    fn next(&mut self) -> Result<Option<Records<'a>>, AuditError> {
        match frame::read(&self.bytes[self.at..], &self.sum) {
            Found::Nothing | Found::Torn => Ok(None),
            Found::Frame { first, .. } if first != self.index => {
                let cause = format!("a frame that begins with record {first} where {} belongs", self.index);
                Err(AuditError::damaged(self.index, cause))
            }
            Found::Frame { length, first, count, records, sum } => {
                (self.at, self.index, self.sum) = (self.at + length, first + u64::from(count), sum);
                Ok(Some((first, count, records)))
            }
        }
    }
}

/// The bytes of a segment.
fn segment(path: &Path) -> Result<Vec<u8>, AuditError> {
    let (file, meta) = crate::regular::open(path).map_err(|e| unusable(path, &e))?;
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0).min(limits::JOURNAL_FILE_BYTES));
    file.take(limits::JOURNAL_FILE_BYTES as u64).read_to_end(&mut bytes).map_err(|e| unusable(path, &e))?;
    Ok(bytes)
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}

/// A link is not followed, and a FIFO not waited for.
fn no_follow() -> i32 {
    use rustix::fs::OFlags;
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).bits() as i32
}
