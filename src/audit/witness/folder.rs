#![expect(clippy::disallowed_methods, reason = "back end: the folder of what a witness saw")]
//! What a witness saw, in a folder: a file for each log, named by the hash of its origin. Beside the witness's key stands of which
//! logs it has cosigned anything: a folder that is lost alone makes no new witness of an old key.
//!
//! That file is the key's line, then a name for each log. A name is written once its log's file is there, and before anybody is
//! told, so that a crash leaves no name without a file.

use super::{WitnessStore, name_of};
use crate::audit::AuditError;
use crate::model::limits;
use crate::regular;
use crate::tlog::NoteKey;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Debug)]
pub struct FolderWitness {
    folder: PathBuf,
    mark: PathBuf,
    /// What the mark says.
    marked: String,
    _lock: File,
}

/// Where a witness keeps what it cosigned, and that it did.
#[derive(Clone, Copy, Debug)]
pub struct Places<'a> {
    /// The folder.
    pub folder: &'a Path,
    /// The file beside its key.
    pub mark: &'a Path,
    /// Its key: a mark of another one says nothing of it.
    pub key: &'a NoteKey,
}

impl FolderWitness {
    /// Opens it, for this process alone: two with one key could cosign two histories.
    ///
    /// # Errors
    /// [`AuditError::Forgot`] where the key has cosigned what the folder does not have, [`AuditError::Locked`],
    /// [`AuditError::Unusable`].
    pub fn open(places: Places<'_>) -> Result<Self, AuditError> {
        let Places { folder, mark, key } = places;
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder).map_err(|e| unusable(folder, &e))?;
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow());
        let lock = options.open(&path).map_err(|e| unusable(&path, &e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                return Err(AuditError::Locked { place: folder.display().to_string(), waited: "0 s".into() });
            }
            Err(e) => return Err(unusable(&path, &e.into())),
        }
        let head = format!("{key}\n");
        let marked = match regular::read(mark, limits::WITNESS_MARK_BYTES) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => String::new(),
            Err(e) => return Err(unusable(mark, &e)),
        };
        // Of another key, or of none yet: this one has cosigned nothing.
        let marked = if marked.starts_with(&head) { marked } else { head };
        let witness = Self { folder: folder.to_owned(), mark: mark.to_owned(), marked, _lock: lock };
        match witness.marked.lines().skip(1).any(|name| !folder.join(name).exists()) {
            true => Err(AuditError::Forgot { folder: folder.display().to_string(), mark: mark.display().to_string() }),
            false => Ok(witness),
        }
    }

    /// Writes beside the key that it has cosigned something of a log.
    fn mark(&mut self, name: &str) -> io::Result<()> {
        if self.marked.lines().skip(1).any(|marked| marked == name) {
            return Ok(());
        }
        let marked = format!("{}{name}\n", self.marked);
        replace(&self.mark, &self.mark.with_extension("new"), marked.as_bytes())?;
        self.marked = marked;
        Ok(())
    }
}

/// Writes a file whole and durably.
fn replace(path: &Path, temporary: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let options = options.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_follow());
    let mut file = options.open(temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(temporary, path)?;
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

impl WitnessStore for FolderWitness {
    fn last(&self, origin: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let path = self.folder.join(name_of(origin));
        match regular::read(&path, limits::NOTE_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(unusable(&path, &e)),
        }
    }

    fn keep(&mut self, origin: &str, note: &str) -> Result<(), AuditError> {
        let name = name_of(origin);
        let path = self.folder.join(&name);
        replace(&path, &self.folder.join(".new"), note.as_bytes()).map_err(|e| unusable(&path, &e))?;
        self.mark(&name).map_err(|e| unusable(&self.mark, &e))
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).bits() as i32
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}
