#![expect(clippy::disallowed_methods, reason = "back end: the folder of the audit log's keys")]
//! Keys in a folder: `keys.N`, encrypted under `master`, which is another one after each destruction.
//!
//! The order of writes: the new keys under a new master key, then the master key by rename, which is the moment; then the old
//! ones are overwritten. A crash before that moment leaves the old state, one after it the new; what it left besides has a
//! name by which the next writer finds and overwrites it.

use super::{KeyStore, Keys};
use crate::audit::{AuditError, disk};
use crate::model::limits;
use crate::regular;
use crate::tlog::note::NoteSigner;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::rand;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Bytes of the file `master`: number of the generation, and the key.
const MASTER: usize = 8 + 32;
/// How often keys are read before it is said that they cannot be: a writer may be replacing them.
const TRIES: u32 = 5;
/// Names that are tried where something else has the one that is wanted.
const NAMES: u64 = 1000;

/// A folder of keys.
#[derive(Debug)]
pub struct FolderKeys {
    folder: PathBuf,
    generation: u64,
}

impl FolderKeys {
    /// Makes the folder, for its owner alone, with a master key.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::NoRandomness`].
    pub fn create(folder: &Path) -> Result<Self, AuditError> {
        let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(folder);
        made.map_err(|e| unusable(folder, &e))?;
        if folder.join("master").exists() {
            return Err(AuditError::Present { place: folder.display().to_string() });
        }
        let mut keys = Self { folder: folder.to_owned(), generation: 0 };
        keys.save(&Keys::default(), true)?;
        Ok(keys)
    }

    /// Opens a folder.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], also when others may read it.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let meta = fs::symlink_metadata(folder).map_err(|e| unusable(folder, &e))?;
        if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() || meta.mode() & 0o077 != 0 {
            let cause = "expected a folder of this user that nobody else may use: chmod 700 it";
            return Err(unusable(folder, &io::Error::other(cause)));
        }
        let mut keys = Self { folder: folder.to_owned(), generation: 0 };
        keys.generation = keys.master()?.0;
        Ok(keys)
    }

    fn master(&self) -> Result<(u64, Zeroizing<Vec<u8>>), AuditError> {
        let path = self.folder.join("master");
        let bytes = Zeroizing::new(regular::read(&path, MASTER).map_err(|e| unusable(&path, &e))?);
        let (generation, key) = bytes
            .split_first_chunk::<8>()
            .filter(|_| bytes.len() == MASTER)
            .ok_or_else(|| AuditError::malformed(path.display().to_string(), "it is no master key"))?;
        Ok((u64::from_be_bytes(*generation), Zeroizing::new(key.to_vec())))
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.folder.join(format!("keys.{generation}"))
    }

    /// Writes a file durably by rename; what it replaces is overwritten with zeros once the new one counts. Until then it has
    /// a second name, so that it can be found after a crash.
    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (temporary, kept) = (self.folder.join(format!(".{name}.new")), self.folder.join(format!(".{name}.old")));
        let old = open_old(path)?;
        for left in [&temporary, &kept] {
            if left.symlink_metadata().is_ok() {
                disk::remove(left)?;
            }
        }
        let file = disk::create(OpenOptions::new().write(true).create_new(true).mode(0o600), &temporary)?;
        disk::write_at(&file, bytes, 0)?;
        disk::sync(&file)?;
        // A file system without second names only loses what a crash within the next two steps leaves.
        let linked = old.is_some() && disk::link(path, &kept).is_ok();
        disk::rename(&temporary, path)?;
        disk::sync_folder(&self.folder)?;
        old.map_or(Ok(()), wipe)?;
        if linked { disk::remove(&kept) } else { Ok(()) }
    }

    /// The next generation whose file's name is not taken by something that is no file.
    fn next(&self) -> Result<u64, AuditError> {
        let is_free = |generation: &u64| match fs::symlink_metadata(self.path(*generation)) {
            Ok(meta) => meta.is_file(),
            Err(_) => true,
        };
        let taken = || unusable(&self.folder, &io::Error::other("folders have the names of its next files"));
        (self.generation + 1..self.generation + NAMES).find(is_free).ok_or_else(taken)
    }

    fn read(&self) -> Result<Keys, AuditError> {
        let (generation, master) = self.master()?;
        let path = self.path(generation);
        let sealed = regular::read(&path, limits::KEY_STORE_BYTES).map_err(|e| unusable(&path, &e))?;
        let wrong =
            || AuditError::malformed(path.display().to_string(), "it was changed, or is not of this master key");
        let (nonce, sealed) = sealed.split_first_chunk::<12>().ok_or_else(wrong)?;
        let mut sealed = Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = aead(&master)?.open_in_place(nonce, Aad::from(generation.to_be_bytes()), &mut sealed);
        let mut keys = Keys::parse(opened.map_err(|_| wrong())?)?;
        keys.generation = generation;
        Ok(keys)
    }
}

impl KeyStore for FolderKeys {
    fn load(&self) -> Result<Option<Keys>, AuditError> {
        let mut tries = 1;
        loop {
            match self.read() {
                Err(_) if tries < TRIES => std::thread::sleep(std::time::Duration::from_millis(2)),
                read => return read.map(Some),
            }
            tries += 1;
        }
    }

    fn save(&mut self, keys: &Keys, destroys: bool) -> Result<(), AuditError> {
        let generation = if destroys { self.next()? } else { self.generation };
        let mut master = Zeroizing::new(vec![0; 32]);
        if destroys {
            rand::fill(&mut master).map_err(|_| AuditError::NoRandomness)?;
        } else {
            master = self.master()?.1;
        }
        let mut nonce = [0; 12];
        rand::fill(&mut nonce).map_err(|_| AuditError::NoRandomness)?;
        let mut sealed = keys.write();
        let aad = Aad::from(generation.to_be_bytes());
        let sealing = aead(&master)?.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *sealed);
        sealing.map_err(|_| AuditError::malformed("keys of the audit log", "they could not be encrypted"))?;
        let path = self.path(generation);
        self.replace(&path, &[&nonce[..], &sealed[..]].concat()).map_err(|e| unusable(&path, &e))?;
        if destroys {
            let place = self.folder.join("master");
            let bytes = Zeroizing::new([&generation.to_be_bytes()[..], &master[..]].concat());
            self.replace(&place, &bytes).map_err(|e| unusable(&place, &e))?;
            self.generation = generation;
            self.sweep(true)?;
        }
        Ok(())
    }

    fn settle(&mut self) -> Result<(), AuditError> {
        self.sweep(false)
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}

impl FolderKeys {
    /// Overwrites and removes keys of other generations, and what an interrupted save left. A folder is none of them: no keys
    /// were ever written to it. With `all` it is an error that one of them stays.
    fn sweep(&self, all: bool) -> Result<(), AuditError> {
        for file in fs::read_dir(&self.folder).map_err(|e| unusable(&self.folder, &e))? {
            let file = file.map_err(|e| unusable(&self.folder, &e))?;
            let (name, path) = (file.file_name().to_string_lossy().into_owned(), file.path());
            let is_folder = file.file_type().is_ok_and(|t| t.is_dir());
            if is_folder || !self.is_left(&name) {
                continue;
            }
            let swept = self.wiped(&name, &path).and_then(|()| disk::remove(&path));
            if let (Err(e), true) = (swept, all) {
                return Err(unusable(&path, &e));
            }
        }
        Ok(())
    }

    /// Whether a file of this name is one that an earlier generation or an interrupted save left.
    fn is_left(&self, name: &str) -> bool {
        let generation = name.strip_prefix("keys.").and_then(|n| n.parse::<u64>().ok());
        let own = |name: &str| name == "master" || name.starts_with("keys.");
        let beside = name.strip_prefix('.').and_then(|n| n.strip_suffix(".old").or_else(|| n.strip_suffix(".new")));
        generation.is_some_and(|g| g != self.generation) || beside.is_some_and(own)
    }

    /// Overwrites a file, unless it is the one that counts under a second name.
    fn wiped(&self, name: &str, path: &Path) -> io::Result<()> {
        let counts = name.strip_prefix('.').and_then(|n| n.strip_suffix(".old")).map(|n| self.folder.join(n));
        let file = |path: &Path| fs::symlink_metadata(path).map(|meta| (meta.dev(), meta.ino())).ok();
        if counts.is_some_and(|counts| file(&counts).is_some() && file(&counts) == file(path)) {
            return Ok(());
        }
        match open_old(path) {
            Ok(old) => old.map_or(Ok(()), wipe),
            // A link, which is not followed: it goes, and what it leads to stays.
            Err(e) if e.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => Ok(()),
            Err(e) => Err(e),
        }
    }
}

/// A private key of notes in a file, in the form of C2SP's tools: `PRIVATE+KEY+name+id+base64`.
#[derive(Debug)]
pub struct NoteFile;

impl NoteFile {
    /// Reads a key.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Malformed`].
    pub fn read(path: &Path) -> Result<NoteSigner, AuditError> {
        let bytes = Zeroizing::new(regular::read_typed(path, 8 << 10).map_err(|e| unusable(path, &e))?);
        let text =
            std::str::from_utf8(&bytes).map_err(|_| AuditError::malformed(path.display().to_string(), "no UTF-8"))?;
        NoteSigner::parse(text.trim_end_matches('\n'))
            .map_err(|e| AuditError::malformed(path.display().to_string(), e.to_string()))
    }

    /// Makes a key for a name and writes it, for its owner alone; never over another one.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::NoRandomness`].
    pub fn create(path: &Path, name: &str) -> Result<NoteSigner, AuditError> {
        let mut seed = Zeroizing::new([0; 32]);
        rand::fill(&mut seed[..]).map_err(|_| AuditError::NoRandomness)?;
        let signer = NoteSigner::from_seed(name, &seed)?;
        let text = Zeroizing::new(signer.private(&seed) + "\n");
        let write = || {
            let file = disk::create(OpenOptions::new().write(true).create_new(true).mode(0o600), path)?;
            disk::write_at(&file, text.as_bytes(), 0)?;
            disk::sync(&file)
        };
        write().map_err(|e| unusable(path, &e))?;
        Ok(signer)
    }
}

fn aead(key: &[u8]) -> Result<LessSafeKey, AuditError> {
    let key = UnboundKey::new(&AES_256_GCM_SIV, key);
    key.map(LessSafeKey::new).map_err(|_| AuditError::malformed("master key", "it has not 32 bytes"))
}

fn open_old(path: &Path) -> io::Result<Option<File>> {
    let flags = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits() as i32;
    match OpenOptions::new().write(true).custom_flags(flags).open(path) {
        Ok(file) => Ok(Some(file)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Overwrites a file with zeros. What a file system or a disk keeps besides is beyond reach: then the master key, which is
/// small, is what must be gone.
fn wipe(file: File) -> io::Result<()> {
    let length = usize::try_from(file.metadata()?.len()).unwrap_or(0).min(limits::KEY_STORE_BYTES);
    disk::write_at(&file, &vec![0; length], 0)?;
    disk::sync_data(&file)
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Class;

    #[test]
    fn destroyed_keys_are_in_no_file_and_an_old_copy_without_its_master_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("keys");
        let mut store = FolderKeys::create(&folder).unwrap();
        assert!(FolderKeys::create(&folder).is_err(), "never over another one");
        let mut keys = store.load().unwrap().unwrap();
        keys.ensure_day(Class::Executions, 1, &mut |bytes| rand::fill(bytes).unwrap());
        store.save(&keys, false).unwrap();
        let copy = fs::read(folder.join("keys.1")).unwrap();
        let master = fs::read(folder.join("master")).unwrap();
        // Whoever holds the old files open sees what becomes of them.
        let held = ["master", "keys.1"].map(|name| dir.path().join(name));
        held.iter().for_each(|held| fs::hard_link(folder.join(held.file_name().unwrap()), held).unwrap());
        keys.forget_days(Class::Executions, 0, 1);
        store.save(&keys, true).unwrap();
        assert_eq!((store.generation(), FolderKeys::open(&folder).unwrap().generation()), (2, 2));
        assert!(!folder.join("keys.1").exists());
        assert_ne!(fs::read(folder.join("master")).unwrap()[8..], master[8..], "another master key");
        for held in held {
            assert!(fs::read(&held).unwrap().iter().all(|b| *b == 0), "{}", held.display());
        }
        assert!(FolderKeys::open(&folder).unwrap().load().unwrap().unwrap().record(Class::Executions, 1, 0).is_none());
        // The old file put back under the new master key.
        fs::write(folder.join("keys.2"), copy).unwrap();
        assert!(store.load().is_err());
    }

    #[test]
    fn a_folder_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("keys");
        FolderKeys::create(&folder).unwrap();
        assert!(FolderKeys::open(&folder).is_ok());
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(FolderKeys::open(&folder).is_err());
    }
}
