//! Where this machine keeps what a use case needs: policies, trusted roots, public keys, credentials of registries, files.
//!
//! Nothing of it is found below the working folder unless a caller names it there: whoever wrote a checkout must not choose
//! what it is checked against.

pub mod audit;
mod browser;
mod deadline;
pub mod files;
pub mod folder;
mod keys;
pub mod lines;
mod ours;
mod policies;
mod pool;
mod process;
pub mod registries;
pub mod roots;
mod trial;

use crate::capture::{CaptureError, Environment};
use crate::model::code::codes;
use crate::model::{Code, code};
use crate::policy::PolicyError;
use crate::roots::SourceError;
use crate::trust::KeyError;

pub use audit::AuditPlace;
pub use audit::input;
pub use audit::serving::told_to_end;
pub use audit::spool::{self, Spool};
pub use browser::Browser;
pub use deadline::{Until, again_and_again, aside, pause, within};
pub use keys::public_key;
pub use policies::PolicyPlaces;
pub use pool::{NearBy, Pool};
pub use process::{is_set_to_nothing, now, run_of, stopwatch, variable};
pub use registries::{RegistryAccess, RegistrySettings};
pub use trial::{Trial, random_text};

/// Why what this machine keeps cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// A file or folder cannot be read.
    #[error("cannot read {what}: {cause}")]
    Unreadable {
        /// Which, in words with its path.
        what: String,
        /// The operating system's words, or what it is instead.
        cause: String,
    },
    /// Whether it exists cannot be told: it must not be taken for absent.
    #[error("cannot tell whether `{path}` exists: {cause}")]
    Unclear {
        /// The path.
        path: String,
        /// The operating system's words.
        cause: String,
    },
    /// It is larger than what is read.
    #[error("`{path}`{size} is over the limit of {limit} {unit}")]
    TooLarge {
        /// The path.
        path: String,
        /// Its size in brackets, where it has one.
        size: String,
        /// The cap.
        limit: usize,
        /// Of what.
        unit: &'static str,
    },
    /// It cannot be written; what was there is as it was.
    #[error("cannot write `{path}`: {cause}")]
    Unwritable {
        /// The path.
        path: String,
        /// The operating system's words.
        cause: String,
    },
    /// Somebody else could have written what decides whom to trust.
    #[error("`{path}` decides what is trusted, and {who} can write `{at}`")]
    WritableByOthers {
        /// The file.
        path: String,
        /// Who, in words.
        who: String,
        /// The file, folder or link that they can write.
        at: String,
    },
    /// A folder of policies holds what may be one and would be passed over.
    #[error(
        "the policy folder `{folder}`: expected a policy (.yaml, .yml, .json), a key (.pub, .pem) or a text (.md), found `{found}`"
    )]
    UnknownInFolder {
        /// The folder.
        folder: String,
        /// The name of what is there.
        found: String,
    },
    /// A folder of policies holds none.
    #[error("the policy folder `{folder}` holds no .yaml, .yml or .json file")]
    EmptyFolder {
        /// The folder.
        folder: String,
    },
    /// A policy is no text.
    #[error("policy `{origin}` is not UTF-8 text")]
    NotText {
        /// The file.
        origin: String,
    },
    /// A policy is none.
    #[error("policy `{origin}`: {source}")]
    Policy {
        /// The file.
        origin: String,
        /// What is wrong with it.
        source: PolicyError,
    },
    /// A variable that a reference names is not set.
    #[error("variable `{name}` is not set")]
    Unset {
        /// Its name.
        name: String,
    },
    /// A public key is none.
    #[error("key `{reference}`: {source}")]
    Key {
        /// As it was named.
        reference: String,
        /// What is wrong with it.
        source: KeyError,
    },
    /// A file of a trusted root is none.
    #[error("--trusted-root `{place}`: {source}")]
    Root {
        /// The file.
        place: String,
        /// What is wrong with it.
        source: Box<SourceError>,
    },
    /// The roots of this program cannot be used.
    #[error(transparent)]
    Roots(Box<SourceError>),
    /// It lies in a checkout and leads out of it, or is no file.
    #[error(transparent)]
    Capture(Box<CaptureError>),
    /// More roots than are looked at.
    #[error("--trusted-root: expected at most {limit} roots, found {found}")]
    TooManyRoots {
        /// How many were named.
        found: usize,
        /// The cap.
        limit: usize,
    },
}

codes! {
    /// Codes of [`PlaceError`].
    CODES;
    pub FILE_UNWRITABLE = "file-unwritable", [Caller, Operator],
        "a file cannot be written; the old one is as it was",
        "check that the folder exists, is writable and has room, or name another place with --output FILE";
    POLICY_UNKNOWN = "policy-folder-unclear", [Caller],
        "a policy folder holds a file that may be a policy and would be passed over",
        "name it *.yaml if it is meant to apply; else move it away, or put a dot before its name";
    POLICY_WRITABLE = "policy-writable-by-others", [Caller],
        "somebody else can write a file that decides what is trusted",
        "let only its owner write it: chmod go-w FILE FOLDER";
}

impl PlaceError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreadable { .. }
            | Self::Unclear { .. }
            | Self::EmptyFolder { .. }
            | Self::NotText { .. }
            | Self::Unset { .. } => code::FILE_UNREADABLE,
            Self::TooLarge { .. } | Self::TooManyRoots { .. } => code::LIMIT_EXCEEDED,
            Self::Unwritable { .. } => FILE_UNWRITABLE,
            Self::WritableByOthers { .. } => POLICY_WRITABLE,
            Self::UnknownInFolder { .. } => POLICY_UNKNOWN,
            Self::Policy { source, .. } => source.code(),
            Self::Key { source, .. } => source.code(),
            Self::Root { source, .. } | Self::Roots(source) => source.code(),
            Self::Capture(e) => e.code(),
        }
    }
}

/// The surroundings of this process.
///
/// # Errors
/// [`PlaceError::Unreadable`] when the working folder is gone.
pub fn environment() -> Result<Environment, PlaceError> {
    Environment::from_process()
        .map_err(|e| PlaceError::Unreadable { what: "the working folder".into(), cause: e.to_string() })
}
