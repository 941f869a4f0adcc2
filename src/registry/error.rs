//! [`RegistryError`]: what could not be looked at, and why. Never "there is none".

use crate::model::code::codes;
use crate::model::{Code, code};
use crate::programs::ProgramError;
use std::time::Duration;

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
    /// 5xx: it may pass.
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
        /// How long it asks to be left alone (`Retry-After`, RFC 9110 section 10.2.3).
        wait: Option<Duration>,
    },
    /// 4xx that is neither of credentials nor of rate nor of time: the same again would be refused again.
    #[error("{place}: {what} was refused with status {status}{detail}")]
    Refused {
        /// The repository.
        place: String,
        /// What was asked.
        what: String,
        /// HTTP status.
        status: u16,
        /// As in `Failed`.
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
        /// As in `Failed`.
        wait: Option<Duration>,
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
    /// A configuration or program that gives credentials may not act for whoever asks.
    #[error("{place}: {error}")]
    Helper {
        /// The repository.
        place: String,
        /// Why not.
        error: ProgramError,
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

codes! {
    /// Codes of [`RegistryError`].
    CODES;
    REGISTRY_UNAVAILABLE = "registry-unavailable", [Operator],
        "the registry does not answer, or fails",
        "check the registry's name and the network, then try again; --timeout gives it longer";
    REGISTRY_UNAUTHORIZED = "registry-unauthorized", [Operator],
        "the registry refuses these credentials, or wants some",
        "log in with `docker login REGISTRY`; attest reads the same credentials";
    REGISTRY_REFUSED = "registry-refused", [Operator],
        "the registry refuses the request, and would refuse the same again",
        "its words say why; where it takes no attestations, keep them in another repository: --attestation-repository";
    RATE_LIMITED = "rate-limited", [Operator],
        "the registry asks to wait",
        "wait and try again, or log in: anonymous limits are lower";
    REGISTRY_MALFORMED = "registry-malformed", [Operator],
        "the registry's answer is not one that the protocol allows",
        "check that the name leads to a registry and not to a proxy or login page; else tell its operator";
    pub DIGEST_MISMATCH = "digest-mismatch", [Operator, Producer],
        "content is not what its digest says: 1 in a layout or a listed file that is here, 3 as a registry served it",
        "the content is not what its digest says: fetch it again from a source that you trust";
    pub CONTENT_MISSING = "content-missing", [Operator],
        "the registry or layout does not have content that something names",
        "push or copy the artifact again: the registry or layout lost a part of it";
    pub REGISTRY_CONFIGURATION = "registry-configuration", [Caller],
        "credentials, certificates or the use of plain HTTP are not set up as the registry needs it",
        "do what the message says: `docker login`, --registry-ca FILE or --allow-http-registry";
    pub REFERRER_NOT_LISTED = "referrer-not-listed", [Operator],
        "the registry took the attestation and does not list it for its subject",
        "run `attest attach` again with the same bundle; it changes nothing where it is listed already";
}

impl RegistryError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } | Self::Failed { .. } => REGISTRY_UNAVAILABLE,
            Self::Refused { .. } => REGISTRY_REFUSED,
            Self::Unauthorized { .. } => REGISTRY_UNAUTHORIZED,
            Self::RateLimited { .. } => RATE_LIMITED,
            Self::Malformed { .. } => REGISTRY_MALFORMED,
            Self::DigestMismatch { .. } => DIGEST_MISMATCH,
            Self::NotFound { .. } => CONTENT_MISSING,
            Self::Configuration { .. } => REGISTRY_CONFIGURATION,
            Self::Helper { error, .. } => error.refusal().unwrap_or(REGISTRY_CONFIGURATION),
            Self::NotListed { .. } => REFERRER_NOT_LISTED,
            Self::TooLarge { .. } => code::LIMIT_EXCEEDED,
        }
    }
}
