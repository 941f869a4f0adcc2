//! [`RegistryError`]: what could not be looked at, and why. Never "there is none".

use crate::model::{Code, code};

/// Why a repository could not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// No answer: refused, timed out, name not resolved, TLS.
    #[error("{place}: no answer to {what}: {cause}")]
    Unreachable {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// What happened, and how often it was tried.
        cause: String,
    },
    /// 5xx, or another refusal that is neither of credentials nor of rate.
    #[error("{place}: {what} failed with status {status}{detail}")]
    Failed {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// HTTP status.
        status: u16,
        /// The registry's own words, escaped and cut, with a leading `: `; or empty.
        detail: String,
    },
    /// 401 or 403, of the registry or its token service.
    #[error("{place}: {what} was refused with status {status}{detail}")]
    Unauthorized {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// HTTP status.
        status: u16,
        /// As in `Failed`.
        detail: String,
    },
    /// 429.
    #[error("{place}: {what} was rate limited{detail}")]
    RateLimited {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// As in `Failed`; with the time to wait if the registry named one.
        detail: String,
    },
    /// An answer that the protocol does not allow, or that cannot be read.
    #[error("{place}: the answer to {what} is not usable: {cause}")]
    Malformed {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// What is wrong with it.
        cause: String,
    },
    /// Content that is not what its digest says.
    #[error("{place}: {what} has digest {found}, expected {expected}")]
    DigestMismatch {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// The digest asked for.
        expected: String,
        /// The digest of what came.
        found: String,
    },
    /// Over a cap.
    #[error("{place}: {what} is over the limit of {limit}")]
    TooLarge {
        /// The repository.
        place: String,
        /// What was counted, with its unit.
        what: String,
        /// The cap.
        limit: usize,
    },
    /// Content that a listing or manifest names and the registry does not have.
    #[error("{place}: {what} is not there")]
    NotFound {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
    },
    /// A referrer was stored, and the listing of its subject lost it as often as it was put there.
    #[error("{place}: {what} was stored but is not listed after {tries} tries: attach it again")]
    NotListed {
        /// The repository.
        place: String,
        /// What was stored.
        what: String,
        /// How often the listing was written or read.
        tries: usize,
    },
    /// Wrong set-up on our side: credentials helper, CA file, plain HTTP not allowed.
    #[error("{place}: {cause}")]
    Configuration {
        /// The repository.
        place: String,
        /// What is wrong and what to do.
        cause: String,
    },
}

impl RegistryError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = &[
        Code::new("registry-unavailable"),
        Code::new("registry-unauthorized"),
        Code::new("rate-limited"),
        Code::new("registry-malformed"),
        Code::new("digest-mismatch"),
        Code::new("content-missing"),
        Code::new("registry-configuration"),
        Code::new("referrer-not-listed"),
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } | Self::Failed { .. } => Self::CODES[0],
            Self::Unauthorized { .. } => Self::CODES[1],
            Self::RateLimited { .. } => Self::CODES[2],
            Self::Malformed { .. } => Self::CODES[3],
            Self::DigestMismatch { .. } => Self::CODES[4],
            Self::NotFound { .. } => Self::CODES[5],
            Self::Configuration { .. } => Self::CODES[6],
            Self::NotListed { .. } => Self::CODES[7],
            Self::TooLarge { .. } => code::LIMIT_EXCEEDED,
        }
    }
}
