//! What was last fetched from a TUF repository: one file for each, replaced as a whole, so that no reader ever sees
//! metadata of two fetches mixed.
//!
//! Whoever can write the user's cache can write it, so nothing in it is believed: its reader verifies all of it again,
//! from the repository's root that is built in or named.
#![expect(clippy::disallowed_methods, reason = "back end: files of the user's cache, environment")]

use super::file;
use crate::model::code::codes;
use crate::model::json::{self, Field, JsonError};
use crate::model::{Code, Digest, Timestamp, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Why a cache cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// It cannot be read, or is none.
    #[error("the cache `{path}` cannot be used: {cause}")]
    Unusable {
        /// Where.
        path: String,
        /// Why.
        cause: String,
    },
    /// It cannot be written.
    #[error("the cache `{path}` cannot be written: {cause}")]
    Unwritable {
        /// Where.
        path: String,
        /// Why.
        cause: String,
    },
    /// There is no folder for caches.
    #[error("there is no folder for caches: expected XDG_CACHE_HOME or HOME to name one by an absolute path")]
    NoFolder,
}

codes! {
    /// Codes of [`CacheError`].
    CODES;
    TRUST_CACHE_UNUSABLE = "trust-cache-unusable", [Caller],
        "what an earlier `attest trust update` left cannot be read or does not belong to this repository",
        "remove the file that the message names, then run `attest trust update` again";
    TRUST_CACHE_UNWRITABLE = "trust-cache-unwritable", [Caller],
        "a trusted root was fetched and could be kept nowhere",
        "name a writable folder with XDG_CACHE_HOME, or pass --output FILE and verify with --trusted-root FILE";
}

impl CacheError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unusable { .. } => TRUST_CACHE_UNUSABLE,
            Self::Unwritable { .. } | Self::NoFolder => TRUST_CACHE_UNWRITABLE,
        }
    }
}

/// The folder of the user's caches of TUF repositories; `None` where there is none.
#[must_use]
pub fn cache_folder() -> Option<PathBuf> {
    let absolute = |v: &str| std::env::var_os(v).map(PathBuf::from).filter(|p| p.is_absolute());
    let caches = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(caches.join("attest").join("tuf"))
}

/// The cache of one repository.
#[derive(Clone, Debug)]
pub struct TufCache {
    path: PathBuf,
}

/// What one fetch left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cached {
    /// When it was fetched and found good (not believed: what it holds must have been valid then).
    pub(super) fetched: Option<Timestamp>,
    /// Metadata and targets by name.
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

impl TufCache {
    /// The cache of the repository `name` in `folder`. Anything may stand in the name: it is used by its digest where
    /// it is no plain word.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c == '-') && !name.is_empty();
        let name = if plain { name.to_owned() } else { Digest::sha256(name.as_bytes()).hex().to_owned() };
        Self { path: folder.join(format!("{name}.json")) }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds; `None` where there is no such file.
    pub(super) fn load(&self) -> Result<Option<Cached>, CacheError> {
        let unusable = |cause: String| CacheError::Unusable { path: self.path.display().to_string(), cause };
        match file::read(&self.path, limits::TUF_CACHE_BYTES) {
            Ok(bytes) => decode(&bytes).map(Some).map_err(|e| unusable(e.to_string())),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(unusable(e.to_string())),
        }
    }

    /// Replaces what it holds.
    pub(super) fn store(&self, cached: &Cached) -> Result<(), CacheError> {
        self.replace(&encode(cached))
            .map_err(|e| CacheError::Unwritable { path: self.path.display().to_string(), cause: e.to_string() })
    }

    fn replace(&self, bytes: &[u8]) -> io::Result<()> {
        let folder = self.path.parent().ok_or_else(|| io::Error::other("it is in no folder"))?;
        fs::create_dir_all(folder)?;
        let temporary = self.path.with_extension(format!("new.{}", std::process::id()));
        let write = || {
            // One that a killed process of the same id left is in the way.
            let _ = fs::remove_file(&temporary);
            let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
    }
}

fn encode(cached: &Cached) -> Vec<u8> {
    let files: Map<_, _> =
        cached.files.iter().map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes).into())).collect();
    let fetched = cached.fetched.map(|t| t.to_string());
    json!({"schemaVersion": 1, "fetched": fetched, "files": Value::Object(files)}).to_string().into_bytes()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Cached, JsonError> {
    let value = json::parse(bytes, limits::TUF_CACHE_BYTES)?;
    let root = Field::root("cache", &value);
    let fetched = root.need("fetched")?;
    let time = fetched.str()?;
    let time = Timestamp::parse(time).map_err(|_| fetched.error("a time", format!("`{time}`")))?;
    let mut files = BTreeMap::new();
    let list = root.need("files")?;
    for name in list.object()?.keys() {
        if files.len() == limits::TUF_CACHE_FILES {
            return Err(JsonError::TooLarge { what: "the number of files".into(), limit: limits::TUF_CACHE_FILES });
        }
        files.insert(name.clone(), list.need(name)?.base64()?);
    }
    Ok(Cached { fetched: Some(time), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Cached {
        let files = [("root.json".to_owned(), b"{}".to_vec()), ("targets/x".to_owned(), vec![0, 255])];
        Cached { fetched: Some(Timestamp::parse("2026-01-02T03:04:05Z").unwrap()), files: files.into() }
    }

    #[test]
    fn what_was_stored_is_loaded() {
        let folder = tempfile::tempdir().unwrap();
        let cache = TufCache::new(&folder.path().join("a").join("b"), "public-good");
        assert_eq!(cache.load(), Ok(None));
        cache.store(&sample()).unwrap();
        assert_eq!(cache.load(), Ok(Some(sample())));
        cache.store(&Cached { files: BTreeMap::new(), ..sample() }).unwrap();
        assert_eq!(cache.load().unwrap().unwrap().files.len(), 0);
        // No part of a write is left beside it.
        assert_eq!(fs::read_dir(cache.path().parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_broken_cache_is_an_error_and_not_an_empty_one() {
        let folder = tempfile::tempdir().unwrap();
        let cache = TufCache::new(folder.path(), "x");
        for text in ["", "{}", r#"{"fetched": "2026-01-02T03:04:05Z"}"#, r#"{"fetched": "now", "files": {}}"#] {
            fs::write(cache.path(), text).unwrap();
            assert_eq!(cache.load().map_err(|e| e.code().to_string()), Err("trust-cache-unusable".into()), "{text}");
        }
        fs::write(cache.path(), r#"{"fetched": "2026-01-02T03:04:05Z", "files": {}}"#).unwrap();
        assert!(cache.load().unwrap().is_some());
    }

    #[test]
    fn a_name_from_outside_leads_nowhere_else() {
        let folder = Path::new("/cache");
        assert_eq!(TufCache::new(folder, "github").path(), Path::new("/cache/github.json"));
        for name in ["../x", "/etc/x", "https://host/a?b", ""] {
            let path = TufCache::new(folder, name).path().to_owned();
            assert_eq!(path.parent(), Some(folder), "{name}");
            assert_eq!(path.file_stem().unwrap().len(), 64, "{name}");
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("file"), "").unwrap();
        let cache = TufCache::new(&folder.path().join("file"), "x");
        assert_eq!(cache.load(), Ok(None));
        assert_eq!(cache.store(&sample()).map_err(|e| e.code().to_string()), Err("trust-cache-unwritable".into()));
    }
}
