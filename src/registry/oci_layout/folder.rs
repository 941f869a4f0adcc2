#![expect(clippy::disallowed_methods, reason = "the back end of image layouts: the one place that touches their files")]
//! Files of one folder: read inside it only, written by rename, changed under a lock.

use crate::model::Digest;
use crate::regular;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long a change waits for another process's change.
const LOCK_WAIT: Duration = Duration::from_secs(30);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Numbers the temporary files of this process.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// A folder from which no path leads out.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Canonical, so that a link can be told to leave it.
    root: PathBuf,
}

/// Why a file could not be read.
pub(super) enum ReadError {
    /// It has more bytes than allowed.
    TooLarge,
    /// Anything else.
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl Folder {
    /// A folder that exists.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let root = fs::canonicalize(path)?;
        if !root.is_dir() {
            return Err(io::Error::from(io::ErrorKind::NotADirectory));
        }
        Ok(Self { root })
    }

    /// A folder that is made if need be, and is empty.
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path)?;
        let folder = Self::open(path)?;
        if fs::read_dir(&folder.root)?.next().is_some() {
            return Err(io::Error::from(io::ErrorKind::DirectoryNotEmpty));
        }
        Ok(folder)
    }

    /// Where content of a digest lies: its hex is the file's name, so no name comes from outside.
    pub(super) fn blob_name(digest: &Digest) -> String {
        format!("blobs/{}/{}", digest.algorithm().name(), digest.hex())
    }

    /// Opens a regular file for reading, with its size in bytes; `None` when it is not there.
    pub(super) fn file(&self, name: &str) -> io::Result<Option<(File, u64)>> {
        let path = match fs::canonicalize(self.root.join(name)) {
            Ok(p) => p,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        if !path.starts_with(&self.root) {
            return Err(io::Error::other(format!("`{name}` leads out of the folder")));
        }
        let (file, meta) = regular::open(&path).map_err(|e| io::Error::new(e.kind(), format!("`{name}`: {e}")))?;
        let size = meta.len();
        Ok(Some((file, size)))
    }

    /// Names of what lies in a folder, `limit` of them at most; none where there is no folder.
    pub(super) fn names(&self, folder: &str, limit: usize) -> io::Result<Vec<String>> {
        let path = match fs::canonicalize(self.root.join(folder)) {
            Ok(path) if path.starts_with(&self.root) => path,
            Ok(_) => return Err(io::Error::other(format!("`{folder}` leads out of the folder"))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(e) => return Err(e),
        };
        let name = |entry: io::Result<fs::DirEntry>| entry.map(|e| e.file_name().into_string().ok()).transpose();
        fs::read_dir(path)?.filter_map(name).take(limit).collect()
    }

    /// Whether a file of at most `limit` bytes begins with this one.
    pub(super) fn begins(&self, name: &str, with: u8, limit: usize) -> io::Result<bool> {
        let Some((mut file, size)) = self.file(name)? else { return Ok(false) };
        let mut first = [0];
        Ok(size <= limit as u64 && file.read(&mut first)? == 1 && first[0] == with)
    }

    /// The bytes of a file of at most `limit` bytes; `None` when it is not there.
    pub(super) fn read(&self, name: &str, limit: usize) -> Result<Option<Vec<u8>>, ReadError> {
        let Some((file, size)) = self.file(name)? else { return Ok(None) };
        if size > limit as u64 {
            return Err(ReadError::TooLarge);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
        if bytes.len() > limit { Err(ReadError::TooLarge) } else { Ok(Some(bytes)) }
    }

    /// Replaces a file: a reader sees the old bytes or the new ones, also after a crash.
    pub(super) fn replace(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let target = self.root.join(name);
        let parent = target.parent().unwrap_or(&self.root);
        // Of the folders that are there, before any is made.
        let there = parent.ancestors().find(|p| p.symlink_metadata().is_ok()).unwrap_or(&self.root);
        if !fs::canonicalize(there)?.starts_with(&self.root) {
            return Err(io::Error::other(format!("`{name}` leads out of the folder")));
        }
        fs::create_dir_all(parent)?;
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let temporary = self.root.join(format!(".attest-{}-{serial}.tmp", std::process::id()));
        let written = OpenOptions::new().write(true).create_new(true).open(&temporary).and_then(|mut f| {
            f.write_all(bytes)?;
            f.sync_all()?;
            fs::rename(&temporary, &target)
        });
        if written.is_err() {
            // What is left of a failed write is only litter.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// Keeps other processes from changing the folder until the guard is dropped.
    ///
    /// The lock is on the marker file, which every layout has and nobody replaces, so that no further file is left
    /// behind. It is advisory: tools that do not take it are met by the atomic replacement only.
    pub(super) fn lock(&self, marker: &str) -> io::Result<File> {
        let file = OpenOptions::new().read(true).write(true).open(self.root.join(marker))?;
        let mut waited = Duration::ZERO;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(e)) => return Err(e),
                Err(TryLockError::WouldBlock) if waited >= LOCK_WAIT => {
                    let text = format!("another process has changed the folder for {} seconds", LOCK_WAIT.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, text));
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(LOCK_POLL);
                    waited += LOCK_POLL;
                }
            }
        }
    }
}
