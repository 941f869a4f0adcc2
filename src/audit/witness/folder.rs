#![expect(clippy::disallowed_methods, reason = "back end: the folder of what a witness saw")]
//! What a witness saw, in a folder: a file for each log, named by the hash of its origin.

use super::{WitnessStore, name_of};
use crate::audit::AuditError;
use crate::model::limits;
use crate::regular;
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Debug)]
pub struct FolderWitness {
    folder: PathBuf,
    _lock: File,
}

impl FolderWitness {
    /// Opens it, for this process alone: two with one key could cosign two histories.
    ///
    /// # Errors
    /// [`AuditError::Locked`], [`AuditError::Unusable`].
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        fs::DirBuilder::new().mode(0o700).recursive(true).create(folder).map_err(|e| unusable(folder, &e))?;
        let path = folder.join("lock");
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600).custom_flags(no_follow());
        let lock = options.open(&path).map_err(|e| unusable(&path, &e))?;
        match flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { folder: folder.to_owned(), _lock: lock }),
            Err(rustix::io::Errno::WOULDBLOCK) => {
                Err(AuditError::Locked { place: folder.display().to_string(), waited: "0 s".into() })
            }
            Err(e) => Err(unusable(&path, &e.into())),
        }
    }
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
        let path = self.folder.join(name_of(origin));
        let temporary = self.folder.join(".new");
        let write = || {
            let mut options = OpenOptions::new();
            let options = options.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_follow());
            let mut file = options.open(&temporary)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| unusable(&path, &e))
    }
}

fn no_follow() -> i32 {
    OFlags::NOFOLLOW.union(OFlags::CLOEXEC).union(OFlags::NONBLOCK).bits() as i32
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}
