//! The context of a build: who, for what task, under which charter, from which source, with which inputs, and where.
//!
//! [`capture`] is pure over three arguments: what was asked for ([`Request`]), the process's surroundings
//! ([`Environment`]) and a [`Checkout`] that reads files and asks git. Every field comes out as [`Captured`]: a value with
//! where it came from, or the reason for its absence. Nothing is guessed, and nothing that a checkout contains is run.
//!
//! Precedence: flags, then `ATTEST_*` variables, then the project file `.attest.yaml`, then the platform's word of the run
//! or the commit's trailers, then the variables that coding agents set. What a CI
//! system says of a run is known of its [`Issuer`](crate::issuer::Issuer). To add a lock file: one file in
//! `input/lockfiles/` and one row there.

mod agent;
mod environment;
mod error;
mod git;
pub mod input;
mod project;
mod record;
mod request;
mod required;
mod secret;

#[cfg(feature = "cli")]
mod local;
#[cfg(feature = "cli")]
pub mod step;

pub use agent::trail::{Blob, Byproduct, PrivateFile, read_trails};
pub use environment::{Environment, MARKS};
pub use error::CaptureError;
pub use git::commit::{Commit, CommitSignature};
#[cfg(feature = "cli")]
pub use git::history::{
    Changes, Commits, HistoryError, Take, TakeFile, commit_id, each_commit, each_kept, gone, main_branch,
};
#[cfg(feature = "cli")]
pub use git::named::{CommitObject, commit_object};
pub use git::source::{Difference, SourceState, Submodule};
pub use input::packages::UnreadLockFile;
pub use input::subjects::{Checksums, chunks, from_checksums, is_checksum_file};
#[cfg(feature = "cli")]
pub use local::{InCheckout, Local, in_checkout};
pub use record::assemble::StepRecord;
pub use record::collect::{Context, Task, capture};
pub use record::explain::Explained;
pub use record::identity::Identity;
pub use request::Request;
pub use required::{Lacking, Missing, NO_CHARTER_DIGEST, Open, Required};
pub use secret::credentials::Credential;
pub use secret::files::{FileSecrets, file_secrets};
#[cfg(feature = "cli")]
pub use secret::launch;
pub use secret::variables::{secrets, withheld};

pub use crate::attribution::{Agent, Trigger};
pub use crate::issuer::{Certified as CertifiedClaim, CiContext, Principal, Workflow};
pub use crate::model::Captured;
pub use crate::model::remote::normalise as normalise_remote;
pub use crate::secrets::Secret;

use std::path::{Path, PathBuf};

/// What capturing reads beside the environment: the checkout's state and files. [`Local`] is the real one.
///
/// Contract: a file that is not there is `Ok(None)`; one that is there and cannot be read is an error, and so is one of
/// more than `limit` bytes. Nothing in the checkout is run. Where a `root` is given the path lies below it, and no link
/// on the way is followed out of it; without one it is a file of the machine, named by whoever runs this.
pub trait Checkout {
    /// The state of the source; `excluded` are files and folders that are no part of it (subjects).
    fn source(&self, env: &Environment, excluded: &[PathBuf]) -> SourceState;

    /// The bytes of a regular file.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`], [`CaptureError::NotRegular`], [`CaptureError::TooLarge`], [`CaptureError::LeadsOut`].
    fn read(&self, root: Option<&Path>, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, CaptureError>;

    /// The path by which a path comes into `root`, over whatever links lead there from outside; `None` where it ends
    /// elsewhere.
    ///
    /// # Errors
    /// [`CaptureError::TooLarge`].
    fn entry(&self, root: &Path, path: &Path) -> Result<Option<PathBuf>, CaptureError>;

    /// The path below `root` by which a path has no links, so that two names of one file are known for that.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`], [`CaptureError::LeadsOut`].
    fn real(&self, root: &Path, path: &Path) -> Result<Option<PathBuf>, CaptureError>;

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

    /// SHA-256 of the NAR of a file, link or folder, in hex.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`], [`CaptureError::NotRegular`], [`CaptureError::TooLarge`], [`CaptureError::LeadsOut`].
    fn nar_hash(&self, root: Option<&Path>, path: &Path) -> Result<String, CaptureError>;
}
