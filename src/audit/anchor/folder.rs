#![expect(clippy::disallowed_methods, reason = "back end: the folder of the anchors of an audit log")]
//! Anchors in `anchors/` of the log's folder: `SIZE-HASH.checkpoint` is the cosigned checkpoint, `SIZE-HASH.HASH.tsr` a
//! timestamp over its text, `SIZE-HASH.HASH.entry.json` what a public log answered. Files are replaced whole, and synced before
//! anybody is told.

use super::kept::{file_of, name_of, with_line};
use super::{Anchor, Anchors, Beside};
use crate::audit::{AuditError, disk};
use crate::model::limits;
use crate::regular;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CHECKPOINT: &str = "checkpoint";

/// The folder of anchors.
#[derive(Debug)]
pub struct FolderAnchors {
    folder: PathBuf,
    _lock: Option<File>,
}

impl FolderAnchors {
    /// Those of a log, to read.
    #[must_use]
    pub fn read_only(log: &Path) -> Self {
        Self { folder: log.join("anchors"), _lock: None }
    }

    /// Those of a log, to add to, waiting for another process as long as `patience`: two that ask one witness at the same time
    /// would each take the other's checkpoint for a log that was cut.
    ///
    /// # Errors
    /// [`AuditError::Locked`], [`AuditError::Unusable`].
    pub fn writer(log: &Path, patience: Duration) -> Result<Self, AuditError> {
        let folder = log.join("anchors");
        fs::DirBuilder::new().mode(0o700).recursive(true).create(&folder).map_err(|e| unusable(&folder, &e))?;
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow());
        let lock = options.open(&path).map_err(|e| unusable(&path, &e))?;
        let until = Instant::now() + patience;
        loop {
            match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { folder, _lock: Some(lock) }),
                Err(rustix::io::Errno::WOULDBLOCK) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(rustix::io::Errno::WOULDBLOCK) => {
                    let waited = format!("{} s", patience.as_secs_f32());
                    return Err(AuditError::Locked { place: folder.display().to_string(), waited });
                }
                Err(e) => return Err(unusable(&path, &e.into())),
            }
        }
    }

    /// Writes a file whole, and comes back when it is on the disk under its name.
    fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), AuditError> {
        let written = disk::replace(path, bytes, true).and_then(|()| disk::sync_folder(&self.folder));
        written.map_err(|e| unusable(path, &e))
    }
}

impl Anchors for FolderAnchors {
    fn all(&self) -> Result<Vec<Anchor>, AuditError> {
        let listed = match fs::read_dir(&self.folder) {
            Ok(listed) => listed,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(unusable(&self.folder, &e)),
        };
        let mut out: BTreeMap<String, Anchor> = BTreeMap::new();
        let (mut beside, mut files) = (Vec::new(), 0_usize);
        for file in listed {
            let path = file.map_err(|e| unusable(&self.folder, &e))?.path();
            files += 1;
            if files > limits::ANCHORS {
                return Err(unusable(&self.folder, &io::Error::other("more files than anchors may have")));
            }
            let Some((name, kind)) = parts(&path) else { continue };
            match kind {
                None => {
                    let note = regular::read(&path, limits::NOTE_BYTES).map_err(|e| unusable(&path, &e))?;
                    out.insert(name.clone(), Anchor::new(name, note));
                }
                Some(kind) => beside.push((name, kind, path)),
            }
        }
        for (name, kind, path) in beside {
            let (_, longest, most) = kind.form();
            let Some(anchor) = out.get_mut(&name) else { continue };
            if anchor.of(kind).len() + anchor.changed.len() < most {
                let bytes = regular::read(&path, longest).map_err(|e| unusable(&path, &e))?;
                let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                if file_of(&name, kind, &bytes) == file {
                    anchor.of(kind).push(bytes);
                } else {
                    anchor.changed.push(file);
                }
            }
        }
        Ok(out.into_values().collect())
    }

    fn keep(&mut self, note: &str, line: &str) -> Result<String, AuditError> {
        let name = name_of(note)?;
        let path = self.folder.join(format!("{name}.{CHECKPOINT}"));
        let kept = match regular::read(&path, limits::NOTE_BYTES) {
            Ok(bytes) => Some(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(unusable(&path, &e)),
        };
        let new = with_line(kept.as_deref(), &name, note, line)?;
        if kept.as_deref() != Some(new.as_bytes()) {
            self.replace(&path, new.as_bytes())?;
        }
        Ok(name)
    }

    fn keep_beside(&mut self, note: &str, kind: Beside, bytes: &[u8]) -> Result<String, AuditError> {
        let name = name_of(note)?;
        self.replace(&self.folder.join(file_of(&name, kind, bytes)), bytes)?;
        // It says nothing without the checkpoint that it is of.
        let path = self.folder.join(format!("{name}.{CHECKPOINT}"));
        if fs::symlink_metadata(&path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
            self.replace(&path, note.as_bytes())?;
        }
        Ok(name)
    }
}

/// The anchor that a file belongs to, and what is kept beside it there; none of other files.
fn parts(path: &Path) -> Option<(String, Option<Beside>)> {
    let file = path.file_name()?.to_str()?;
    let (name, rest) = file.split_at_checked(37)?;
    let is_hex =
        |text: &str| text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    let (size, hash) = name.split_once('-')?;
    let named = size.len() == 20 && size.bytes().all(|b| b.is_ascii_digit()) && is_hex(hash);
    let is = |kind: &Beside| {
        let hash = rest.strip_prefix('.').and_then(|rest| rest.strip_suffix(kind.form().0)?.strip_suffix('.'));
        hash.is_some_and(is_hex)
    };
    let beside = || [Beside::Timestamp, Beside::Entry].into_iter().find(is);
    let kind = if rest.strip_prefix('.') == Some(CHECKPOINT) { Some(None) } else { beside().map(Some) };
    kind.filter(|_| named).map(|kind| (name.to_owned(), kind))
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).bits() as i32
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}
