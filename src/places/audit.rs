#![expect(clippy::disallowed_methods, reason = "back end: where this machine's audit log is")]
//! Where this machine's audit log is, and how it is opened.

use crate::audit::index::SqliteIndex;
use crate::audit::keys::{FolderKeys, KeyStore as _, Keys, NoteFile};
use crate::audit::store::FolderStore;
use crate::audit::{AuditError, Log, Parts, Settings};
use crate::model::{Timestamp, limits};
use crate::record::Class;
use crate::regular;
use crate::tlog::note::NoteSigner;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// The variable that names the log.
pub const VARIABLE: &str = "ATTEST_AUDIT_LOG";

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
    /// [`AuditError::Unusable`] for a folder in a checkout: whoever builds there could change it.
    pub fn find(flag: Option<&Path>) -> Result<Self, AuditError> {
        let named = flag.map(Path::to_owned).or_else(|| super::variable(VARIABLE).map(PathBuf::from));
        let Some(folder) = named else {
            let state = super::variable("XDG_STATE_HOME").map(PathBuf::from).filter(|p| p.is_absolute());
            let home = || super::variable("HOME").map(|home| PathBuf::from(home).join(".local/state"));
            let state =
                state.or_else(home).ok_or_else(|| AuditError::Absent { place: "a home that is not set".into() })?;
            return Ok(Self { folder: state.join("attest/audit") });
        };
        let folder = std::path::absolute(&folder).unwrap_or(folder);
        if let Some(checkout) = folder.ancestors().find(|f| f.join(".git").exists()) {
            let cause = format!("it lies in the checkout {}, where every build step can change it", checkout.display());
            return Err(unusable(&folder, &io::Error::other(cause)));
        }
        Ok(Self { folder })
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
        FolderStore::create(&self.folder)?;
        FolderKeys::create(&self.path("keys"))?;
        let signer = NoteFile::create(&self.path("keys/log.key"), origin)?;
        let officer = self.path("keys/redaction.key");
        let redactions = NoteFile::create(&officer, &format!("{origin}/redaction"))?;
        let settings = Settings {
            origin: origin.to_owned(),
            key: signer.key().clone(),
            officer: redactions.key().clone(),
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

    /// What the log is.
    ///
    /// # Errors
    /// [`AuditError::Absent`], [`AuditError::Malformed`].
    pub fn settings(&self) -> Result<Settings, AuditError> {
        let path = self.path("log.json");
        let bytes = regular::read(&path, limits::SETTINGS_BYTES).map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => AuditError::Absent { place: self.folder.display().to_string() },
            _ => unusable(&path, &e),
        })?;
        Settings::parse(&bytes)
    }

    /// Opens the log to write, waiting for another writer as long as `patience`.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn writer(&self, patience: Duration) -> Result<Log, AuditError> {
        let settings = self.settings()?;
        let until = Instant::now() + patience;
        let store = loop {
            match FolderStore::writer(&self.folder) {
                Err(AuditError::Locked { .. }) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(AuditError::Locked { place, .. }) => {
                    return Err(AuditError::Locked { place, waited: format!("{} s", patience.as_secs_f32()) });
                }
                other => break other?,
            }
        };
        let keys = FolderKeys::open(&self.path("keys"))?;
        let signer = NoteFile::read(&self.path("keys/log.key"))?;
        Log::open(Parts { settings, store: Box::new(store), keys: Box::new(keys), signer })
    }

    /// Opens the records to read.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn reader(&self) -> Result<FolderStore, AuditError> {
        FolderStore::read_only(&self.folder)
    }

    /// The keys to read with; none where this user may not have them.
    ///
    /// # Errors
    /// [`AuditError`] where they are there and damaged.
    pub fn keys(&self) -> Result<Option<Keys>, AuditError> {
        if !self.path("keys/master").exists() {
            return Ok(None);
        }
        FolderKeys::open(&self.path("keys"))?.load()
    }

    /// The index, made where there is none.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn index(&self) -> Result<SqliteIndex, AuditError> {
        SqliteIndex::open(&self.path("index.sqlite"))
    }

    /// The key of redactions: a file that is named, else the one that was made with the log.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn officer(&self, flag: Option<&Path>) -> Result<NoteSigner, AuditError> {
        NoteFile::read(flag.unwrap_or(&self.path("keys/redaction.key")))
    }
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
