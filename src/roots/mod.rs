//! Where trusted roots come from: built in, files, TUF repositories. Only `attest trust` asks a network.
//!
//! Whatever a source gives has been read by [`TrustedRoot::parse`]; nothing here decides what is verified with it.

mod cache;
mod embedded;
mod file;
#[cfg(feature = "cli")]
mod http;
mod init;
#[cfg(feature = "cli")]
mod tuf;

pub use cache::{CacheError, TufCache, cache_folder};
pub use embedded::Embedded;
pub use file::RootFile;
#[cfg(feature = "cli")]
pub use http::{Http, HttpError, TRUST_SERVICE_UNAVAILABLE};
pub use init::{InitError, LogKey, Private, assemble};
#[cfg(feature = "cli")]
pub use tuf::{Instance, TufError, TufRepository, Updated};

use crate::model::{Code, Timestamp, code};
use crate::seam::BoxFuture;
use crate::trust::{RootError, TrustedRoot};

/// One place that trusted roots come from.
///
/// Contract:
/// - what is returned is authentic by the source's own means: part of the program, named by a person, or signed;
/// - a source that has nothing is an empty list; one that cannot be read is an error, never an empty list.
pub trait TrustSource: Send + Sync {
    /// The source in words, for messages.
    fn place(&self) -> String;

    /// Its roots, as of `now`.
    fn roots(&self, now: Timestamp) -> BoxFuture<'_, Result<Vec<TrustedRoot>, SourceError>>;
}

/// A kind of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
}

/// Every kind of source. A new one is a file beside this and a row here.
pub const KINDS: &[Kind] = &[
    Kind { name: "embedded", about: "Sigstore's public-good instance and GitHub's, built in" },
    Kind { name: "file", about: "a trusted root, or one per line, named with --trusted-root" },
    Kind { name: "tuf", about: "a TUF repository, asked by `attest trust update` only" },
];

/// Why a source gave no roots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// A file cannot be read.
    #[error("cannot read `{path}`: {cause}")]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: String,
    },
    /// What was read is no trusted root.
    #[error("`{place}`: {source}")]
    Root {
        /// Where it was read.
        place: String,
        /// Why.
        source: RootError,
    },
    /// The cache of a TUF repository cannot be used.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// A TUF repository gave none.
    #[cfg(feature = "cli")]
    #[error(transparent)]
    Tuf(#[from] TufError),
}

impl SourceError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. } => code::FILE_UNREADABLE,
            Self::Root { source, .. } => source.code(),
            Self::Cache(e) => e.code(),
            #[cfg(feature = "cli")]
            Self::Tuf(e) => e.code(),
        }
    }
}
