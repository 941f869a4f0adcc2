//! The context of a build: who, for what task, under which charter, from which source, with which inputs, and where.
//!
//! [`capture`] is pure over three arguments: what was asked for ([`Request`]), the process's surroundings
//! ([`Environment`]) and a [`Checkout`] that reads files and asks git. Every field comes out as [`Captured`]: a value with
//! where it came from, or the reason for its absence. Nothing is guessed, and nothing that a checkout contains is run.
//!
//! Precedence: flags, then `ATTEST_*` variables, then the project file `.attest.yaml`, then the platform's word of the run
//! or the commit's trailers, then the variables that coding agents set. To add a CI system: one file here and one row in
//! [`ALL`]; to add a lock file: one file in `lockfiles/` and one row there.

mod agents;
mod assemble;
mod assurance;
mod azure;
mod base_image;
mod buildkite;
mod charter;
mod ci;
mod circleci;
mod collect;
mod commit;
mod credentials;
mod environment;
mod error;
mod explain;
mod forgejo;
mod github;
mod gitlab;
mod identity;
mod jenkins;
pub mod lockfiles;
mod materials;
mod plain;
mod project;
mod remote;
mod request;
mod secret_files;
mod secret_search;
mod secret_shapes;
#[cfg(test)]
mod secret_tests;
mod secrets;
mod source;
mod subjects;
mod tekton;
mod trail;
mod trailers;
mod variables;

#[cfg(feature = "cli")]
pub mod files;
#[cfg(feature = "cli")]
mod git;
#[cfg(feature = "cli")]
mod git_call;
#[cfg(feature = "cli")]
mod git_commit;
#[cfg(feature = "cli")]
mod git_dirty;
#[cfg(feature = "cli")]
mod git_facts;
#[cfg(feature = "cli")]
mod git_passed_over;
#[cfg(feature = "cli")]
mod local;
#[cfg(feature = "cli")]
pub mod nar;
#[cfg(feature = "cli")]
mod private;
#[cfg(feature = "cli")]
pub mod step;
#[cfg(feature = "cli")]
mod step_files;
#[cfg(feature = "cli")]
mod step_output;

pub use assemble::StepRecord;
pub use ci::{CiContext, Principal, Trigger, Workflow};
pub use collect::{Agent, Context, Task, capture};
pub use commit::{Commit, CommitSignature};
pub use credentials::Credential;
pub use environment::{Environment, MARKS};
pub use error::CaptureError;
pub use explain::Explained;
#[cfg(feature = "cli")]
pub use git_commit::{CommitObject, commit_object};
pub use identity::{Actor, CertifiedClaim, Detail, Identity, TokenClaims};
#[cfg(feature = "cli")]
pub use local::Local;
pub use remote::normalise as normalise_remote;
pub use request::Request;
pub use secret_files::{FileSecrets, file_secrets};
pub use secret_search::find_secret;
pub use secrets::{Secret, secrets, withheld};
pub use source::{Difference, SourceState, Submodule};
pub use subjects::{chunks, from_checksums, is_checksum_file};
pub use trail::{Blob, Byproduct, PrivateFile, read_trails};

use std::path::{Path, PathBuf};

/// A value with where it came from, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Captured<T> {
    /// It was found.
    Found {
        /// The value.
        value: T,
        /// The flag, variable, file or git call that gave it.
        source: String,
    },
    /// It was not found; it is left out, never guessed.
    Absent {
        /// Why, for a person.
        reason: String,
    },
}

impl<T> Captured<T> {
    /// A value and where it came from.
    #[must_use]
    pub fn found(value: T, source: &str) -> Self {
        Self::Found { value, source: source.to_owned() }
    }

    /// No value, and why.
    #[must_use]
    pub fn absent(reason: &str) -> Self {
        Self::Absent { reason: reason.to_owned() }
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Found { value, .. } => Some(value),
            Self::Absent { .. } => None,
        }
    }

    /// The same with another value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Captured<U> {
        match self {
            Self::Found { value, source } => Captured::Found { value: f(value), source },
            Self::Absent { reason } => Captured::Absent { reason },
        }
    }

    /// This where it was found, else `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Found { .. } => self,
            Self::Absent { .. } => other,
        }
    }
}

/// A CI system, or a machine without one.
///
/// Contract: pure over the environment; a value that a platform did not give, or gave in another form than its
/// documentation says, is absent with a reason that names the variable.
pub trait Capture: Sync {
    /// Short name, as in `builder.id` (`github-actions`).
    fn name(&self) -> &'static str;

    /// Whether this process runs there.
    fn detects(&self, env: &Environment) -> bool;

    /// What the platform says of this run.
    fn capture(&self, env: &Environment) -> CiContext;

    /// What the claims of its identity tokens say that its variables say too, if it gives any.
    fn token(&self) -> Option<&'static TokenClaims> {
        None
    }

    /// The file in which the platform describes what set the run off, if it writes one.
    fn event_file<'e>(&self, _env: &'e Environment) -> Option<&'e str> {
        None
    }

    /// What that file adds.
    fn with_event(&self, _event: &serde_json::Value, context: CiContext, _env: &Environment) -> CiContext {
        context
    }
}

/// Every platform, the most particular first; the last one is everywhere.
pub const ALL: &[&dyn Capture] = &[
    // Before GitHub, whose variables it sets too.
    &forgejo::Forgejo,
    &github::GitHubActions,
    &gitlab::GitLab,
    &buildkite::Buildkite,
    &circleci::CircleCi,
    &azure::AzurePipelines,
    // Last of the platforms: their variables may be left over around another.
    &jenkins::Jenkins,
    &tekton::Tekton,
    &plain::Plain,
];

/// The platform that this process runs on.
#[must_use]
pub fn detect(env: &Environment) -> &'static dyn Capture {
    ALL.iter().copied().find(|c| c.detects(env)).unwrap_or(&plain::Plain)
}

/// The platform of a name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Capture> {
    ALL.iter().copied().find(|c| c.name() == name)
}

/// What capturing reads beside the environment: the checkout's state and files. [`Local`] is the real one.
///
/// Contract: a file that is not there is `Ok(None)`; one that is there and cannot be read is an error, and so is one of
/// more than `limit` bytes. Nothing in the checkout is run.
pub trait Checkout {
    /// The state of the source; `excluded` are files and folders that are no part of it (subjects).
    fn source(&self, env: &Environment, excluded: &[PathBuf]) -> SourceState;

    /// The bytes of a regular file.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`], [`CaptureError::NotRegular`], [`CaptureError::TooLarge`].
    fn read(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, CaptureError>;

    /// The files that a glob means, below `base` where it is relative.
    ///
    /// # Errors
    /// [`CaptureError::NothingMatches`], [`CaptureError::Value`], [`CaptureError::TooLarge`].
    fn matching(&self, pattern: &str, base: &Path) -> Result<Vec<PathBuf>, CaptureError>;

    /// Digest of the file `below` the folder `base` that this user alone writes; its bytes go to `each`. Over no link, and
    /// nowhere out of `base`.
    ///
    /// # Errors
    /// The reason for its absence, for a person: a link, another user's, over `limit`, rewritten meanwhile.
    fn private_file(
        &self,
        base: &Path,
        below: &Path,
        limit: usize,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<PrivateFile>, String>;

    /// The first of these blobs of the repository (`REF:PATH`, without line breaks) that is there.
    ///
    /// # Errors
    /// The reason for its absence, for a person.
    fn blob(&self, env: &Environment, names: &[String]) -> Result<Option<Blob>, String>;

    /// SHA-256 of the NAR of a file or folder, in hex.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`], [`CaptureError::NotRegular`], [`CaptureError::TooLarge`].
    fn nar_hash(&self, path: &Path) -> Result<String, CaptureError>;
}
