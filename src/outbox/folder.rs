#![expect(clippy::disallowed_methods, reason = "back end: the folder of the outbox")]
//! The outbox as a folder: one file per entry, named by its digest, for its owner alone.

use super::{Entry, OutboxError};
use crate::model::{Digest, limits};
use rustix::fs::{FlockOperation, OFlags, flock};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A folder of entries.
#[derive(Debug)]
pub struct Outbox {
    folder: PathBuf,
}

/// Held while entries are signed and published; the system releases it when the process ends, however it ends.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Outbox {
    /// Opens the folder, or makes it with mode 0700.
    ///
    /// # Errors
    /// [`OutboxError::Folder`] when it is a link, somebody else's, or others may use it.
    pub fn open(folder: &Path) -> Result<Self, OutboxError> {
        // Without what comes after the last name: `link/` would be the folder that the link leads to.
        let folder = &folder.components().collect::<PathBuf>();
        let unusable = |cause: String| OutboxError::Folder { path: folder.display().to_string(), cause };
        match fs::DirBuilder::new().mode(0o700).recursive(true).create(folder) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(unusable(e.to_string())),
            _ => {}
        }
        let meta = fs::symlink_metadata(folder).map_err(|e| unusable(e.to_string()))?;
        if !meta.is_dir() {
            return Err(unusable("expected a folder, found something else".into()));
        }
        if meta.uid() != rustix::process::geteuid().as_raw() {
            return Err(unusable("it belongs to somebody else".into()));
        }
        if meta.mode() & 0o077 != 0 {
            return Err(unusable(format!("others may use it (mode {:o}): chmod 700 it", meta.mode() & 0o777)));
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Opens a folder that something was left in: one that is not there is a name typed wrong.
    ///
    /// # Errors
    /// As [`Outbox::open`], and when there is none.
    pub fn existing(folder: &Path) -> Result<Self, OutboxError> {
        match fs::symlink_metadata(folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let cause = "there is no such folder, so nothing waits in it".into();
                Err(OutboxError::Folder { path: folder.display().to_string(), cause })
            }
            _ => Self::open(folder),
        }
    }

    /// Waits until nobody else works in it.
    ///
    /// # Errors
    /// [`OutboxError::Locked`] after `patience`.
    pub fn lock(&self, patience: Duration) -> Result<Lock, OutboxError> {
        let path = self.folder.join("lock");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600).custom_flags(itself());
        let file = options.open(path).map_err(|e| self.unusable(&e))?;
        if !file.metadata().map_err(|e| self.unusable(&e))?.is_file() {
            return Err(self.unusable(&io::Error::other("its `lock` is no regular file")));
        }
        let until = Instant::now() + patience;
        while let Err(e) = flock(&file, FlockOperation::NonBlockingLockExclusive) {
            if e != rustix::io::Errno::WOULDBLOCK {
                return Err(self.unusable(&e.into()));
            }
            if Instant::now() >= until {
                return Err(OutboxError::Locked {
                    path: self.folder.display().to_string(),
                    seconds: patience.as_secs(),
                });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Lock { _file: file })
    }

    /// Keeps an entry, durably; the same entry again changes nothing.
    ///
    /// # Errors
    /// [`OutboxError::Folder`].
    pub fn keep(&self, entry: &Entry) -> Result<Digest, OutboxError> {
        let bytes = entry.to_bytes();
        let digest = Digest::sha256(&bytes);
        let path = self.path(&digest);
        let temporary = self.folder.join(format!(".{}.{}", digest.hex(), std::process::id()));
        let write = || {
            // Left by a process of this id that was killed.
            let _ = fs::remove_file(&temporary);
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| self.unusable(&e))?;
        Ok(digest)
    }

    /// Takes an entry away; one that is not there is as good.
    ///
    /// # Errors
    /// [`OutboxError::Folder`].
    pub fn remove(&self, digest: &Digest) -> Result<(), OutboxError> {
        match fs::remove_file(self.path(digest)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(self.unusable(&e)),
            _ => Ok(()),
        }
    }

    /// Every entry with its digest, in the order of the digests; one that is damaged is an error in its place.
    ///
    /// # Errors
    /// [`OutboxError::Folder`] when the folder cannot be read or has too many entries.
    #[expect(clippy::type_complexity, reason = "an entry or what is wrong with it, each for itself")]
    pub fn entries(&self) -> Result<Vec<Result<(Digest, Entry), OutboxError>>, OutboxError> {
        let mut names = Vec::new();
        for file in fs::read_dir(&self.folder).map_err(|e| self.unusable(&e))? {
            let name = file.map_err(|e| self.unusable(&e))?.file_name().to_string_lossy().into_owned();
            if !name.starts_with('.') && name.ends_with(".json") {
                names.push(name);
            }
            if names.len() > limits::OUTBOX_ENTRIES {
                let cause = format!("it has more than {} entries", limits::OUTBOX_ENTRIES);
                return Err(OutboxError::Folder { path: self.folder.display().to_string(), cause });
            }
        }
        names.sort();
        Ok(names.iter().map(|name| self.read(name)).collect())
    }

    fn read(&self, name: &str) -> Result<(Digest, Entry), OutboxError> {
        let damaged = |cause: String| OutboxError::Damaged { name: name.chars().take(100).collect(), cause };
        let path = self.folder.join(name);
        let meta = fs::symlink_metadata(&path).map_err(|e| damaged(e.to_string()))?;
        if !meta.is_file() {
            return Err(damaged("it is no regular file".into()));
        }
        let mut bytes = Vec::new();
        let file = OpenOptions::new().read(true).custom_flags(itself()).open(&path);
        let file = file.map_err(|e| damaged(e.to_string()))?;
        file.take(limits::OUTBOX_ENTRY_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(|e| damaged(e.to_string()))?;
        let digest = Digest::sha256(&bytes);
        if name != format!("{}.json", digest.hex()) {
            return Err(damaged("its name is not the digest of its content".into()));
        }
        let entry = Entry::parse(&bytes).map_err(|e| damaged(e.to_string()))?;
        Ok((digest, entry))
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(format!("{}.json", digest.hex()))
    }

    fn unusable(&self, e: &io::Error) -> OutboxError {
        OutboxError::Folder { path: self.folder.display().to_string(), cause: e.to_string() }
    }
}

/// Opens what is at a path itself, not what it links to, and waits for nobody at a pipe.
fn itself() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

/// The file that an entry names, if it is one that may be written on the word of whoever wrote the entry: below the
/// present folder with all links followed, and not hidden, since hidden files steer shells, git and editors.
///
/// # Errors
/// [`OutboxError::Place`].
pub fn place(path: &Path) -> Result<PathBuf, OutboxError> {
    let refused = |cause: String| OutboxError::Place { path: path.display().to_string(), cause };
    let name = path.file_name().ok_or_else(|| refused("it names no file".into()))?;
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let parent = parent.canonicalize().map_err(|e| refused(format!("its folder: {e}")))?;
    let here = Path::new(".").canonicalize().map_err(|e| refused(format!("the present folder: {e}")))?;
    let real = parent.join(name);
    let below = real.strip_prefix(&here).map_err(|_| refused("it is not below the present folder".into()))?;
    if below.iter().any(|part| part.as_encoded_bytes().starts_with(b".")) {
        return Err(refused("it is hidden".into()));
    }
    Ok(real)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{Destination, Waiting};
    use std::os::unix::fs::PermissionsExt as _;

    fn entry(bundle: &[u8]) -> Entry {
        let waiting = Waiting::Signed { bundle: bundle.to_vec(), made_from: None };
        Entry { waiting, destinations: vec![Destination::File { path: "/x".into() }] }
    }

    #[test]
    fn entries_are_kept_for_their_owner_alone_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/outbox");
        let outbox = Outbox::open(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let digest = outbox.keep(&entry(b"1")).unwrap();
        assert_eq!(outbox.keep(&entry(b"1")).unwrap(), digest);
        outbox.keep(&entry(b"2")).unwrap();
        let path = outbox.path(&digest);
        assert_eq!(fs::metadata(path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(outbox.entries().unwrap().len(), 2);
        outbox.remove(&digest).unwrap();
        outbox.remove(&digest).unwrap();
        let left: Vec<_> = outbox.entries().unwrap().into_iter().map(|e| e.unwrap().1).collect();
        assert_eq!(left, [entry(b"2")]);
    }

    #[test]
    fn what_was_changed_is_not_an_entry() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let outbox = Outbox::open(dir.path()).unwrap();
        let digest = outbox.keep(&entry(b"1")).unwrap();
        fs::write(outbox.path(&digest), entry(b"2").to_bytes()).unwrap();
        let e = outbox.entries().unwrap().remove(0).unwrap_err();
        assert_eq!(e.code().as_str(), "outbox-entry-damaged");
        assert!(e.to_string().contains("not the digest of its content"), "{e}");
    }

    #[test]
    fn a_folder_that_others_may_use_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for (mode, good) in [(0o700, true), (0o710, false), (0o701, false), (0o777, false)] {
            fs::set_permissions(dir.path(), fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(Outbox::open(dir.path()).is_ok(), good, "{mode:o}");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink("/", &link).unwrap();
        for link in [&link, &link.join(""), &link.join("."), &link.join("./")] {
            let e = Outbox::open(link).unwrap_err();
            assert!(e.to_string().contains("expected a folder"), "{}: {e}", link.display());
        }
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert!(Outbox::open(&dir.path().join("")).is_ok());
    }

    #[test]
    fn a_lock_that_was_planted_is_neither_followed_nor_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let outbox = Outbox::open(dir.path()).unwrap();
        let (lock, elsewhere) = (dir.path().join("lock"), dir.path().join("elsewhere"));
        std::os::unix::fs::symlink(&elsewhere, &lock).unwrap();
        assert_eq!(outbox.lock(Duration::ZERO).unwrap_err().code().as_str(), "outbox-unusable");
        assert!(!fs::exists(&elsewhere).unwrap(), "the link was followed");
        fs::remove_file(&lock).unwrap();
        let made = std::process::Command::new("mkfifo").arg(&lock).status().unwrap();
        assert!(made.success());
        // With nobody at its other end it does not open; with somebody it is seen to be no file.
        assert_eq!(outbox.lock(Duration::ZERO).unwrap_err().code().as_str(), "outbox-unusable");
        let end = OpenOptions::new().read(true).custom_flags(itself()).open(&lock).unwrap();
        assert!(outbox.lock(Duration::ZERO).unwrap_err().to_string().contains("no regular file"));
        drop(end);
        fs::remove_file(&lock).unwrap();
        assert!(outbox.lock(Duration::ZERO).is_ok());
    }

    #[test]
    fn two_do_not_work_in_it_at_once() {
        let dir = tempfile::tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let outbox = Outbox::open(dir.path()).unwrap();
        let first = outbox.lock(Duration::ZERO).unwrap();
        assert_eq!(outbox.lock(Duration::from_millis(50)).unwrap_err().code().as_str(), "outbox-locked");
        drop(first);
        assert!(outbox.lock(Duration::ZERO).is_ok());
    }
}
