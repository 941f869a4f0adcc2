#![expect(clippy::disallowed_methods, reason = "back end: where this machine's audit log is")]
//! Where this machine's audit log is, and how it is opened.

mod anchoring;
pub mod input;
pub mod serving;
pub mod spool;

use crate::audit::index::SqliteIndex;
use crate::audit::keys::{FolderKeys, KeyStore as _, Keys, NoteFile};
use crate::audit::store::{CHECKPOINT, FolderStore};
use crate::audit::{AuditError, Log, LogStore, Parts, Settings, keep_to};
use crate::model::digest::hex;
use crate::model::{Timestamp, limits};
use crate::record::Class;
use crate::regular;
use crate::tlog::note::NoteSigner;
use crate::tlog::{Checkpoint, Note};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The variable that names the log.
pub const VARIABLE: &str = "ATTEST_AUDIT_LOG";
/// How files begin in which what was lost is being recorded.
const LOST: &str = "lost.";

/// A path without links and `..`, as far as it is there: through a link, too, a log in a checkout is in it.
fn real(path: &Path) -> PathBuf {
    let there = path.ancestors().find_map(|part| Some((path.strip_prefix(part).ok()?, part.canonicalize().ok()?)));
    match there {
        Some((rest, real)) if rest.as_os_str().is_empty() => real,
        Some((rest, real)) => real.join(rest),
        None => path.to_owned(),
    }
}

/// The folder of an audit log.
#[derive(Clone, Debug)]
pub struct AuditPlace {
    /// The folder.
    pub folder: PathBuf,
}

/// Keys that a log was made with, beside those that it keeps.
#[derive(Debug)]
pub struct Made {
    /// What the log is.
    pub settings: Settings,
    /// Where the key of redactions is.
    pub officer: PathBuf,
}

impl AuditPlace {
    /// The log that a flag or `ATTEST_AUDIT_LOG` names, else `attest/audit` in the user's folder of state.
    ///
    /// # Errors
    /// [`AuditError::InCheckout`]: whoever builds there could change it.
    pub fn find(flag: Option<&Path>) -> Result<Self, AuditError> {
        let named = flag.map(Path::to_owned).or_else(|| crate::places::variable(VARIABLE).map(PathBuf::from));
        let Some(folder) = named else {
            let state = state_folder().ok_or_else(|| AuditError::Absent { place: "a home that is not set".into() })?;
            return Ok(Self { folder: state.join("attest/audit") });
        };
        let folder = real(&std::path::absolute(&folder).unwrap_or(folder));
        if let Some(checkout) = folder.ancestors().find(|f| f.join(".git").exists()) {
            let (place, checkout) = (folder.display().to_string(), checkout.display().to_string());
            return Err(AuditError::InCheckout { place, checkout });
        }
        Ok(Self { folder })
    }

    /// That a folder where the log is to be copied is not its own: what is changed or lost here would be so there.
    ///
    /// # Errors
    /// [`AuditError::Malformed`].
    pub fn not_inside(&self, place: &str) -> Result<(), AuditError> {
        let real = |path: &Path| fs::canonicalize(path).ok();
        let (own, other) = (real(&self.folder), real(Path::new(place)));
        if let (Some(own), Some(other)) = (own, other)
            && (other.starts_with(&own) || own.starts_with(&other))
        {
            let cause = "it is the log's own folder, or in it, or around it: name one elsewhere".to_owned();
            return Err(AuditError::Malformed { what: format!("the replica {place}"), cause });
        }
        Ok(())
    }

    /// Whether there is a log.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.path("log.json").exists()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Makes a log with new keys, all in its folder, which is for its owner alone.
    ///
    /// # Errors
    /// [`AuditError::Present`], [`AuditError::Unusable`].
    pub fn create(&self, origin: &str, retention: BTreeMap<Class, u32>, now: Timestamp) -> Result<Made, AuditError> {
        if self.exists() {
            return Err(AuditError::Present { place: self.folder.display().to_string() });
        }
        let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(&self.folder);
        made.map_err(|e| unusable(&self.folder, &e))?;
        let own = fs::set_permissions(&self.folder, fs::Permissions::from_mode(0o700));
        own.map_err(|e| unusable(&self.folder, &e))?;
        let _lock = self.making()?;
        FolderStore::create(&self.folder)?;
        FolderKeys::create(&self.path("keys"))?;
        let signer = NoteFile::create(&self.path("keys/log.key"), origin)?;
        let officer = self.path("keys/redaction.key");
        let redactions = NoteFile::create(&officer, &format!("{origin}/redaction"))?;
        let settings = Settings {
            origin: origin.to_owned(),
            key: signer.key().clone(),
            officer: redactions.key().clone(),
            anchor: Some(anchoring::make_key(&self.path("keys/anchor.key"))?),
            created: now,
            retention,
        };
        // It is a log once its settings are there, which are the last.
        let path = self.path("log.json");
        let temporary = self.path(".log.json.new");
        let write = || {
            let mut file = fs::File::create(&temporary)?;
            file.write_all(&settings.write())?;
            file.sync_all()?;
            fs::rename(&temporary, &path)?;
            fs::File::open(&self.folder)?.sync_all()
        };
        write().map_err(|e| unusable(&path, &e))?;
        Ok(Made { settings, officer })
    }

    /// Does away with what an interrupted making left. Settings are written last, and a log that was made has a checkpoint: where
    /// neither is there and nothing was recorded, the keys are of no use to anybody.
    fn making(&self) -> Result<fs::File, AuditError> {
        let path = self.path("lock");
        let mut options = fs::OpenOptions::new();
        let options = options.write(true).create(true).truncate(false).mode(0o600);
        let lock = options.custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32).open(&path);
        let lock = lock.map_err(|e| unusable(&path, &e))?;
        let taken = rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive);
        taken.map_err(|_| AuditError::Locked { place: self.folder.display().to_string(), waited: "0 s".into() })?;
        let is_empty = |name: &str| fs::read_dir(self.path(name)).is_ok_and(|mut files| files.next().is_none());
        let nothing = is_empty("journal") && !self.path("tlog/checkpoint").exists() && !self.exists();
        for part in ["journal", "tlog", "keys"].into_iter().filter(|_| nothing) {
            let path = self.path(part);
            match fs::remove_dir_all(&path) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unusable(&path, &e)),
                _ => {}
            }
        }
        Ok(lock)
    }

    /// What the log is.
    ///
    /// # Errors
    /// [`AuditError::Absent`], [`AuditError::Malformed`].
    pub fn settings(&self) -> Result<Settings, AuditError> {
        let path = self.path("log.json");
        let bytes = regular::read(&path, limits::SETTINGS_BYTES).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound if self.path("journal").exists() => {
                unusable(&path, &io::Error::other("it is missing, and the journal is there: put it back from a copy"))
            }
            io::ErrorKind::NotFound => AuditError::Absent { place: self.folder.display().to_string() },
            _ => unusable(&path, &e),
        })?;
        Settings::parse(&bytes).map_err(|e| match e {
            AuditError::Malformed { cause, .. } => AuditError::Malformed { what: path.display().to_string(), cause },
            e => e,
        })
    }

    /// Opens the log to write, waiting for another writer as long as `patience`. One that is new gets its first record, which
    /// binds what it is.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn writer(&self, patience: Duration) -> Result<Log, AuditError> {
        let settings = self.settings()?;
        let store = self.locked(patience)?;
        let keys = FolderKeys::open(&self.path("keys"))?;
        let signer = NoteFile::read(&self.path("keys/log.key"))?;
        let mut log = Log::open(Parts { settings, store: Box::new(store), keys: Box::new(keys), signer })?;
        log.found(crate::places::now(), &mut random)?;
        Ok(log)
    }

    /// What the log is, once it was compared with what its first record binds: whom to believe that something was erased.
    ///
    /// # Errors
    /// [`AuditError::Rebound`] where `log.json` says another thing, and those of [`AuditPlace::settings`].
    pub fn bound(&self, store: &dyn LogStore) -> Result<Settings, AuditError> {
        let settings = self.settings()?;
        keep_to(store, &settings)?;
        Ok(settings)
    }

    /// Opens the records to read.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn reader(&self) -> Result<FolderStore, AuditError> {
        FolderStore::read_only(&self.folder)
    }

    /// That its records can be read to their end: as many as its checkpoint says are there, and nothing that was changed stands
    /// behind them. A question that is answered from what is left of a log would else take for nothing what was cut off.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] with the first record that is missing.
    pub fn is_whole(&self) -> Result<(), AuditError> {
        // The checkpoint first: a writer adds to the journal before it signs.
        let published = self.reader()?.get(CHECKPOINT)?;
        let store = self.reader()?;
        // What is changed at its end is told to who comes to it.
        store.read(store.size(), 1)?;
        let note = published.as_deref().and_then(|note| Note::parse(note).ok());
        let size = note.and_then(|note| Some(Checkpoint::parse(note.text).ok()?.size)).unwrap_or(0);
        if size > store.size() {
            let cause = format!("its checkpoint has {size} records, and its journal ends after {}", store.size());
            return Err(AuditError::Damaged { index: Some(store.size()), cause });
        }
        Ok(())
    }

    /// The keys to read with; none where this user may not have them.
    ///
    /// # Errors
    /// [`AuditError`] where they are there and damaged.
    pub fn keys(&self) -> Result<Option<Keys>, AuditError> {
        if !self.path("keys").exists() {
            return Ok(None);
        }
        FolderKeys::open(&self.path("keys"))?.load()
    }

    /// The file of the index.
    #[must_use]
    pub fn index_file(&self) -> PathBuf {
        self.path("index.sqlite")
    }

    /// The index, made where there is none.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn index(&self) -> Result<SqliteIndex, AuditError> {
        let path = self.path("index.sqlite");
        for name in ["index.sqlite", "index.sqlite-journal"] {
            let path = self.path(name);
            match fs::symlink_metadata(&path) {
                Ok(meta) if !meta.is_file() => return Err(unusable(&path, &io::Error::other("it is no regular file"))),
                _ => {}
            }
        }
        let mut options = fs::OpenOptions::new();
        let options = options.append(true).create(true).mode(0o600);
        let nothing_else = rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits() as i32;
        options.custom_flags(nothing_else).open(&path).map_err(|e| unusable(&path, &e))?;
        SqliteIndex::open(&path).or_else(|_| {
            // One that cannot be read is made again.
            fs::remove_file(&path).map_err(|e| unusable(&path, &e))?;
            SqliteIndex::open(&path)
        })
    }

    /// Where it is kept what replicas took last that cannot be asked for it.
    #[must_use]
    pub fn copied_folder(&self) -> PathBuf {
        self.path("replicas")
    }

    /// The file that says which witnesses are asked, where nobody names another.
    #[must_use]
    pub fn witnesses(&self) -> PathBuf {
        self.path("witnesses.policy")
    }

    /// Keeps writers away while it is held, as long as `patience` for one that is there.
    ///
    /// # Errors
    /// [`AuditError::Locked`], [`AuditError::Unusable`].
    pub fn locked(&self, patience: Duration) -> Result<FolderStore, AuditError> {
        let until = Instant::now() + patience;
        loop {
            match FolderStore::writer(&self.folder) {
                Err(AuditError::Locked { .. }) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(AuditError::Locked { place, .. }) => {
                    return Err(AuditError::Locked { place, waited: format!("{} s", patience.as_secs_f32()) });
                }
                other => return other,
            }
        }
    }

    /// Counts records that could not be written: a byte for each, beside the log.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn lose(&self, records: usize) -> Result<(), AuditError> {
        let path = self.path("lost");
        let append = || {
            let mut options = fs::OpenOptions::new();
            let options = options.append(true).create(true).mode(0o600);
            options
                .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
                .open(&path)?
                .write_all(&vec![b'.'; records])
        };
        append().map_err(|e| unusable(&path, &e))
    }

    /// What was counted and is not recorded yet, each with an id under which it is recorded once: a crash between that and
    /// [`AuditPlace::sealed`] counts nothing twice, and what is counted meanwhile is another one.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn lost(&self) -> Result<Vec<(String, u64)>, AuditError> {
        let path = self.path("lost");
        let mut id = [0; 8];
        random(&mut id);
        match fs::rename(&path, self.path(&format!("{LOST}{}", hex(&id)))) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unusable(&path, &e)),
            _ => {}
        }
        let files = fs::read_dir(&self.folder).map_err(|e| unusable(&self.folder, &e))?;
        let named = files.flatten().filter_map(|file| {
            let id = file.file_name().to_str()?.strip_prefix(LOST)?.to_owned();
            let is_id = id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit());
            Some((id, file.metadata().ok()?.len())).filter(|(_, lost)| is_id && *lost > 0)
        });
        Ok(named.take(limits::RECORD_LIST).collect())
    }

    /// The log says what was lost under an id: that count is done.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn sealed(&self, id: &str) -> Result<(), AuditError> {
        let path = self.path(&format!("{LOST}{id}"));
        match fs::remove_file(&path) {
            // Another process did the same.
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(unusable(&path, &e)),
            _ => Ok(()),
        }
    }

    /// The key of redactions: a file that is named, else the one that was made with the log.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn officer(&self, flag: Option<&Path>) -> Result<NoteSigner, AuditError> {
        let settings = self.bound(&self.reader()?)?;
        let own = self.path("keys/redaction.key");
        if flag.is_none() && !own.exists() {
            let cause = "it is not there, so somebody else has it: name it with --redaction-key";
            return Err(unusable(&own, &io::Error::other(cause)));
        }
        let path = flag.unwrap_or(&own);
        let officer = NoteFile::read(path)?;
        if *officer.key() == settings.officer {
            return Ok(officer);
        }
        let cause = "it is not the key of redactions that log.json names (`attest audit keys`)".into();
        Err(AuditError::Malformed { what: path.display().to_string(), cause })
    }
}

/// The user's folder of state.
fn state_folder() -> Option<PathBuf> {
    let state = crate::places::variable("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    state.or_else(|| crate::places::variable("HOME").map(|home| PathBuf::from(home).join(".local/state")))
}

/// Fills bytes with what nobody can guess.
///
/// # Panics
/// When the system gives no randomness: then nothing may go on that rests on it.
pub fn random(bytes: &mut [u8]) {
    assert!(aws_lc_rs::rand::fill(bytes).is_ok(), "the system gave no randomness");
}

fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}
