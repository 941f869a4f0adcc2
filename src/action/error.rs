//! [`ActionError`]: why an action does not come to ask a command.

use crate::model::code::codes;
use crate::model::{Code, code};
use crate::places::{FILE_UNWRITABLE, PlaceError};

/// Why an action does not come to ask a command.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ActionError {
    /// A variable holds an input that the action does not have.
    #[error("the input `{name}` is unknown: this action has {known}")]
    Unknown {
        /// The input's name.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// An input is not what it has to be.
    #[error("the input `{name}`: expected {expected}, found {found}")]
    Malformed {
        /// The input.
        name: &'static str,
        /// What it has to be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Two inputs say what cannot both be.
    #[error("the inputs `{one}` and `{other}` contradict each other: {why}")]
    Apart {
        /// One of them.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// What to know of it.
        why: &'static str,
    },
    /// An input means nothing without another.
    #[error("the input `{one}` needs the input `{other}`")]
    Needs {
        /// The one that is given.
        one: &'static str,
        /// The one that is not.
        other: &'static str,
    },
    /// No input names a subject, and the runner lists none.
    #[error("no input names a subject (subject, subject-path, subject-digest, subject-checksums, image), and {why}")]
    NoSubject {
        /// What of the runner's list.
        why: &'static str,
    },
    /// The runner's list of artifacts is none.
    #[error("$GITHUB_ARTIFACTS_LIST: {cause}")]
    List {
        /// What is wrong with it.
        cause: String,
    },
    /// An SBOM is neither of the two.
    #[error("the input `sbom`: expected a document of SPDX or CycloneDX as JSON, found {found}")]
    Sbom {
        /// What it is.
        found: String,
    },
    /// A variable that every runner sets is not set.
    #[error("{variable} is not set, so this is no step of a workflow")]
    NoRunner {
        /// The variable.
        variable: &'static str,
    },
    /// A file of the runner cannot be written.
    #[error("{variable} names `{path}`, which cannot be written: {cause}")]
    RunnerFile {
        /// The variable that names it.
        variable: &'static str,
        /// Its path.
        path: String,
        /// The operating system's words, or what it is instead.
        cause: String,
    },
    /// GitHub's attestations API does not take an attestation.
    #[error("GitHub's attestations API answered with status {status}: {words}")]
    NotStored {
        /// HTTP status.
        status: u16,
        /// What it says.
        words: String,
    },
    /// GitHub's attestations API cannot be asked.
    #[error("GitHub's attestations API cannot be asked: {cause}")]
    StoreUnavailable {
        /// Why.
        cause: String,
    },
    /// The system gives no randomness, without which a value could end what it is written in.
    #[error("this system gives no randomness")]
    NoRandomness,
    /// A file that an input names.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

codes! {
    /// Codes of [`ActionError`].
    CODES;
    ACTION_INPUT = "action-input", [Caller],
        "an input of the GitHub Action is unknown or malformed, or contradicts another",
        "change the inputs that the message names; docs/github-actions.md has a table of all of them";
    NO_RUNNER = "no-runner", [Caller],
        "`attest action` needs what the runner of a workflow sets",
        "run it as a step of a workflow; everywhere else use `attest create` and `attest verify`";
    STORE_REFUSED = "github-store-refused", [Caller],
        "GitHub's attestations API did not take an attestation; it is signed, and where it was pushed it stays",
        "give the job permission to write attestations (`permissions: attestations: write`); of a private repository GitHub keeps them under Enterprise Cloud alone";
    STORE_UNAVAILABLE = "github-store-unavailable", [Operator],
        "GitHub's attestations API could not be asked; the attestation is signed, and where it was pushed it stays",
        "run the job again; the output `bundle` names what was signed";
}

impl ActionError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unknown { .. }
            | Self::Malformed { .. }
            | Self::Apart { .. }
            | Self::Needs { .. }
            | Self::NoSubject { .. }
            | Self::Sbom { .. }
            | Self::List { .. } => ACTION_INPUT,
            Self::NoRunner { .. } => NO_RUNNER,
            Self::RunnerFile { .. } => FILE_UNWRITABLE,
            Self::NotStored { .. } => STORE_REFUSED,
            Self::StoreUnavailable { .. } => STORE_UNAVAILABLE,
            Self::NoRandomness => code::FILE_UNREADABLE,
            Self::Place(e) => e.code(),
        }
    }
}
