//! TUF repositories, by the sigstore library: the only file that knows it for that.
//!
//! The library checks what The Update Framework demands: thresholds of signatures, versions that only grow, expiry,
//! lengths and hashes. Here: what is fetched, what is kept between fetches, and what a refusal is called.

use super::cache::{CacheError, Cached, TufCache};
use super::http::{Http, HttpError};
use crate::model::code::codes;
use crate::model::{Code, Timestamp, limits};
use crate::trust::{RootError, TrustedRoot};
use sigstore_trust_root::SigstoreInstance;
use sigstore_tuf::transport::FetchFuture;
use sigstore_tuf::{Error, MetadataStore, Repository, StoreRepository, Updater, UpdaterConfig};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The target that is the trusted root.
const TARGET: &str = "trusted_root.json";

/// Why a TUF repository gave no root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TufError {
    /// It could not be asked, or does not have a file that it must have.
    #[error("the TUF repository {place} cannot be read: {cause}")]
    Unavailable {
        /// The repository.
        place: String,
        /// Why.
        cause: String,
    },
    /// It serves metadata that has expired: it is not kept up, or somebody holds newer metadata back.
    #[error("the TUF repository {place} serves {role} metadata that expired at {expires}")]
    Expired {
        /// The repository.
        place: String,
        /// Which metadata.
        role: String,
        /// When.
        expires: String,
    },
    /// It serves an older version than was seen before.
    #[error("the TUF repository {place} goes back: expected {role} version {known} or newer, found {found}")]
    Rollback {
        /// The repository.
        place: String,
        /// Which metadata.
        role: String,
        /// The version that is known.
        known: u64,
        /// The one that was served.
        found: u64,
    },
    /// Too few of the right keys signed.
    #[error("the TUF repository {place} serves metadata that the right keys did not sign: {cause}")]
    Signature {
        /// The repository.
        place: String,
        /// Whose, how many.
        cause: String,
    },
    /// A file is not the one that the signed metadata names.
    #[error("the TUF repository {place} serves a file with another length or hash than is signed: {cause}")]
    Integrity {
        /// The repository.
        place: String,
        /// Which.
        cause: String,
    },
    /// It is no TUF metadata, or of a kind that is not supported.
    #[error("the TUF repository {place} serves metadata that cannot be used: {cause}")]
    Malformed {
        /// The repository.
        place: String,
        /// Why.
        cause: String,
    },
    /// No target is called `trusted_root.json`.
    #[error("the TUF repository {place} has no `trusted_root.json`")]
    TargetMissing {
        /// The repository.
        place: String,
    },
    /// Its `trusted_root.json`, signed as it is, is no trusted root.
    #[error("the TUF repository {place}: {source}")]
    Root {
        /// The repository.
        place: String,
        /// Why.
        source: RootError,
    },
    /// What was kept cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
}

codes! {
    /// Codes of [`TufError`].
    CODES;
    TUF_UNAVAILABLE = "tuf-unavailable", [Operator],
        "the TUF repository could not be asked, or lacks a file that it must have",
        "check the network, or name another place with --mirror; verification goes on without it";
    TUF_EXPIRED = "tuf-expired", [Producer],
        "the TUF repository serves metadata that has expired: it is not kept up, or newer metadata is held back",
        "ask the repository's operator, or name another place with --mirror; what was trusted before still is";
    TUF_ROLLBACK = "tuf-rollback", [Producer],
        "the TUF repository serves an older version than was seen before",
        "somebody may hold newer metadata back: name another place with --mirror; what was trusted before still is";
    TUF_SIGNATURE_INVALID = "tuf-signature-invalid", [Producer],
        "too few of the right keys signed metadata of the TUF repository",
        "do not use this repository: its keys did not sign; what was trusted before still is";
    TUF_HASH_MISMATCH = "tuf-hash-mismatch", [Producer],
        "a file of the TUF repository has another length or hash than is signed",
        "do not use this repository: its keys signed other files; what was trusted before still is";
    TUF_MALFORMED = "tuf-malformed", [Producer],
        "metadata of the TUF repository is none, or of a kind that is not supported",
        "check that --mirror names a TUF repository; what was trusted before still is";
    TUF_TARGET_MISSING = "tuf-target-missing", [Producer],
        "the TUF repository has no `trusted_root.json`",
        "name a Sigstore repository with --mirror, or ask its operator to publish `trusted_root.json`";
}

impl TufError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unavailable { .. } => TUF_UNAVAILABLE,
            Self::Expired { .. } => TUF_EXPIRED,
            Self::Rollback { .. } => TUF_ROLLBACK,
            Self::Signature { .. } => TUF_SIGNATURE_INVALID,
            Self::Integrity { .. } => TUF_HASH_MISMATCH,
            Self::Malformed { .. } => TUF_MALFORMED,
            Self::TargetMissing { .. } => TUF_TARGET_MISSING,
            Self::Root { source, .. } => source.code(),
            Self::Cache(e) => e.code(),
        }
    }
}

/// An instance whose TUF repository is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instance {
    /// Sigstore's public-good instance.
    PublicGood,
    /// GitHub's.
    GitHub,
}

impl Instance {
    /// Both.
    pub const ALL: &'static [Self] = &[Self::PublicGood, Self::GitHub];

    /// Its name in flags and of its cache.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::PublicGood => "public-good",
            Self::GitHub => "github",
        }
    }

    fn known(self) -> SigstoreInstance {
        match self {
            Self::PublicGood => SigstoreInstance::PublicGood,
            Self::GitHub => SigstoreInstance::GitHub,
        }
    }
}

/// A TUF repository: where it is, and the root of it that is trusted to begin with.
#[derive(Clone, Debug)]
pub struct TufRepository {
    url: String,
    root: Vec<u8>,
}

/// What a repository gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Updated {
    /// The trusted root.
    pub root: TrustedRoot,
    /// Version of the repository's own root.
    pub root_version: u64,
    /// Version of the metadata that names the trusted root.
    pub targets_version: u64,
    /// Until when the repository says that this is its newest state.
    pub good_until: String,
    /// Why it was not kept for the next time, if it was not.
    pub not_kept: Option<CacheError>,
}

impl TufRepository {
    /// That of a known instance.
    #[must_use]
    pub fn of(instance: Instance) -> Self {
        Self { url: instance.known().tuf_url().to_owned(), root: instance.known().tuf_root().to_vec() }
    }

    /// Another place with the same content.
    #[must_use]
    pub fn mirrored(self, url: &str) -> Self {
        Self { url: url.to_owned(), ..self }
    }

    /// A repository whose root a person names.
    #[must_use]
    pub fn new(url: &str, root: Vec<u8>) -> Self {
        Self { url: url.to_owned(), root }
    }

    /// Asks the repository. What it gave is kept in `cache`, so that it cannot go back to an older state unnoticed.
    ///
    /// # Errors
    /// [`TufError`]; the cache is then as it was.
    pub async fn update(&self, http: &Http, cache: Option<&TufCache>, now: Timestamp) -> Result<Updated, TufError> {
        let kept = match cache.map(TufCache::load).transpose() {
            Ok(kept) => kept.flatten().unwrap_or_default().files,
            // It would hide a step back; and what it was kept for, it cannot do.
            Err(e) => return Err(e.into()),
        };
        let files = Files::new(kept);
        let remote = Remote { http: http.clone(), base: self.url.trim_end_matches('/').to_owned() };
        let mut updated = self.run(remote, &files, now).await?;
        let cached = Cached { fetched: Some(now), files: files.lock().clone() };
        updated.not_kept = match cache {
            Some(cache) => cache.store(&cached).err(),
            None => Some(CacheError::NoFolder),
        };
        Ok(updated)
    }

    /// What `cache` holds, verified again as of the time it was fetched; `None` where it holds nothing. No network.
    ///
    /// # Errors
    /// [`CacheError`]: what is there does not verify.
    pub async fn kept(&self, cache: &TufCache, now: Timestamp) -> Result<Option<Updated>, CacheError> {
        let Some(Cached { fetched: Some(fetched), files }) = cache.load()? else { return Ok(None) };
        let unusable = |cause: String| CacheError::Unusable { path: cache.path().display().to_string(), cause };
        if fetched > now {
            return Err(unusable(format!("it is of {fetched}, which is yet to come")));
        }
        let files = Files::new(files);
        let kept = self.run(StoreRepository::new(files.clone()), &files, fetched).await;
        kept.map(Some).map_err(|e| unusable(e.to_string()))
    }

    async fn run(&self, from: impl Repository + 'static, files: &Files, at: Timestamp) -> Result<Updated, TufError> {
        let refused = |e: Error| self.refused(&e);
        let time = jiff::Timestamp::from_second(at.unix())
            .map_err(|e| TufError::Malformed { place: self.url.clone(), cause: e.to_string() })?;
        let mut config = UpdaterConfig::default();
        config.target_max_length = limits::ROOT_BYTES as u64;
        let updater = Updater::new(from, &self.root).map_err(refused)?;
        let mut updater = updater.with_config(config).with_store(files.clone());
        updater.refresh(time).await.map_err(refused)?;
        let bytes = updater.get_target(TARGET, time).await.map_err(refused)?;
        let origin = format!("TUF: {}", self.url);
        let root = TrustedRoot::parse_one(&bytes, &origin, at)
            .map_err(|source| TufError::Root { place: self.url.clone(), source })?;
        let trusted = updater.trusted();
        Ok(Updated {
            root,
            root_version: trusted.root().version,
            targets_version: trusted.targets_role("targets").map_or(0, |t| t.version),
            good_until: trusted.timestamp().map(|t| t.expires.to_string()).unwrap_or_default(),
            not_kept: None,
        })
    }

    fn refused(&self, e: &Error) -> TufError {
        let place = self.url.clone();
        match e {
            Error::Expired { role, expires } => {
                TufError::Expired { place, role: role.clone(), expires: expires.to_string() }
            }
            Error::Rollback { role, trusted, new } => {
                TufError::Rollback { place, role: role.clone(), known: *trusted, found: *new }
            }
            Error::BadRootVersion { trusted, new } => {
                TufError::Rollback { place, role: "root".into(), known: trusted.saturating_add(1), found: *new }
            }
            Error::ThresholdNotMet { .. } | Error::DuplicateSignature { .. } => {
                TufError::Signature { place, cause: e.to_string() }
            }
            Error::IntegrityMismatch(cause) => TufError::Integrity { place, cause: cause.clone() },
            Error::TargetNotFound(_) => TufError::TargetMissing { place },
            Error::Transport { message, .. } => TufError::Unavailable { place, cause: message.clone() },
            other => TufError::Malformed { place, cause: other.to_string() },
        }
    }
}

/// A repository over HTTP.
struct Remote {
    http: Http,
    base: String,
}

impl Remote {
    fn get(&self, url: String, limit: u64) -> FetchFuture<'_> {
        Box::pin(
            async move { self.http.get(&url, limit).await.map_err(|e: HttpError| Error::transport(e.to_string())) },
        )
    }
}

impl Repository for Remote {
    fn fetch_metadata<'a>(&'a self, name: &'a str, max_length: u64) -> FetchFuture<'a> {
        self.get(format!("{}/{name}", self.base), max_length)
    }

    fn fetch_target<'a>(&'a self, path: &'a str, max_length: u64) -> FetchFuture<'a> {
        self.get(format!("{}/targets/{path}", self.base), max_length)
    }
}

/// Files in memory: what was kept, overlaid with what was fetched and verified. Written out only when all of it is good.
#[derive(Clone)]
struct Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>);

impl Files {
    fn new(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(Arc::new(Mutex::new(files)))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MetadataStore for Files {
    fn load(&self, name: &str) -> sigstore_tuf::Result<Option<Vec<u8>>> {
        Ok(self.lock().get(name).cloned())
    }

    fn store(&self, name: &str, bytes: &[u8]) -> sigstore_tuf::Result<()> {
        // Roots follow each other and are all needed; of everything else only the newest is.
        let numbered = name.split('.').next().is_some_and(|n| n.chars().all(|c| c.is_ascii_digit()));
        if !numbered {
            self.lock().insert(name.to_owned(), bytes.to_vec());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::roots::cache::decode;
    use serde_json::{Value, json};

    /// A cache that `attest trust update` left, of a repository that python-tuf made: a rotated root, two targets.
    const CACHE: &str = include_str!("testdata/tuf-cache.json");
    /// The repository's first root.
    const PINNED: &[u8] = include_bytes!("testdata/tuf-root.json");
    /// The first root of another repository.
    const OTHER: &[u8] = include_bytes!("testdata/other-root.json");

    fn kept(cache: &Value, root: &[u8], now: &str) -> Result<Option<Updated>, String> {
        let folder = tempfile::tempdir().unwrap();
        let place = TufCache::new(folder.path(), "x");
        place.store(&decode(cache.to_string().as_bytes()).unwrap()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let repository = TufRepository::new("https://tuf.example.org", root.to_vec());
        let kept = runtime.block_on(repository.kept(&place, Timestamp::parse(now).unwrap()));
        kept.map_err(|e| {
            assert_eq!(e.code().as_str(), "trust-cache-unusable");
            e.to_string()
        })
    }

    const LATER: &str = "2036-01-01T00:00:00Z";

    fn refused(cache: &Value, root: &[u8], now: &str, why: &str) {
        let error = kept(cache, root, now).map(|_| ()).unwrap_err();
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_was_kept_is_verified_as_of_the_time_it_was_fetched() {
        let cache: Value = serde_json::from_str(CACHE).unwrap();
        let updated = kept(&cache, PINNED, LATER).unwrap().unwrap();
        assert_eq!((updated.root_version, updated.targets_version), (2, 2));
        let fetched = cache["fetched"].as_str().unwrap();
        assert_eq!(updated.root.as_of(), Timestamp::parse(fetched).ok());
        assert!(updated.root.json().contains("https://log.example.org"));
    }

    #[test]
    fn nothing_in_a_cache_is_believed() {
        let cache: Value = serde_json::from_str(CACHE).unwrap();
        let with = |name: &str, value: Value| {
            let mut changed = cache.clone();
            changed["files"][name] = value;
            changed
        };
        refused(&cache, OTHER, LATER, "did not sign");
        refused(&cache, PINNED, "2026-01-01T00:00:00Z", "yet to come");
        // Somebody says that old metadata is new.
        let mut renewed = cache.clone();
        renewed["fetched"] = json!("2035-01-01T00:00:00Z");
        refused(&renewed, PINNED, LATER, "expired");
        // Another target than is signed is as good as none.
        refused(&with("targets/trusted_root.json", json!("e30K")), PINNED, LATER, "trusted_root.json not found");
        refused(&with("timestamp.json", json!("e30K")), PINNED, LATER, "cannot be used");
        let older = cache["files"]["root_history/1.root.json"].clone();
        refused(&with("root_history/2.root.json", older), PINNED, LATER, "did not sign");
        let mut lost = cache.clone();
        lost["files"].as_object_mut().unwrap().remove("timestamp.json");
        refused(&lost, PINNED, LATER, "timestamp.json not found");
    }

    #[test]
    fn the_known_instances_begin_with_roots_that_can_be_used() {
        for instance in Instance::ALL {
            let repository = TufRepository::of(*instance);
            assert!(repository.url.starts_with("https://"), "{repository:?}");
            let empty = StoreRepository::new(Files::new(BTreeMap::new()));
            assert!(Updater::new(empty, &repository.root).is_ok(), "{}", instance.name());
        }
        // `attest verify` puts what was kept in the place of the embedded roots in this order.
        let origins = TrustedRoot::embedded().iter().map(|r| r.origin().to_owned()).collect::<Vec<_>>();
        assert!(origins[0].contains("public-good") && origins[1].contains("GitHub"), "{origins:?}");
        assert_eq!(Instance::ALL.iter().map(|i| i.name()).collect::<Vec<_>>(), ["public-good", "github"]);
    }
}
