//! [`CharterError`]: why a charter could not be fetched, and [`Wait`]: when to try again.

use crate::model::code::codes;
use crate::model::json::JsonError;
use crate::model::{Code, Timestamp, code};
use std::fmt;

/// When a host that limits how often it is asked wants to be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// In this many seconds.
    Seconds(u64),
    /// At this time.
    Until(Timestamp),
    /// It does not say.
    Unknown,
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Seconds(n) => write!(f, "try again in {n} s"),
            Self::Until(t) => write!(f, "try again after {t}"),
            Self::Unknown => f.write_str("it does not say for how long"),
        }
    }
}

/// Why there is no snapshot of a charter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CharterError {
    /// The URL is none that can be asked for.
    #[error("charter `{uri}` cannot be fetched: {why}")]
    NotAnIssue {
        /// The URL.
        uri: String,
        /// What it lacks.
        why: String,
    },
    /// The host did not answer, or failed.
    #[error("charter: {host} {cause}")]
    Unavailable {
        /// The host.
        host: String,
        /// Refused, timed out, a status; how often it was tried.
        cause: String,
    },
    /// The host refuses, or hides whether the issue is there.
    #[error("charter `{uri}`: {host} answers {status}{with}")]
    Unauthorized {
        /// The URL.
        uri: String,
        /// The host.
        host: String,
        /// HTTP status.
        status: u16,
        /// With which variable's token, or that there was none.
        with: String,
    },
    /// The host was asked too often.
    #[error("charter: {host} limits how often it is asked: {wait}")]
    RateLimited {
        /// The host.
        host: String,
        /// When it may be asked again.
        wait: Wait,
    },
    /// The host sends to another one. It was not followed, and no token was shown there.
    #[error("charter: {host} sends to another host, {to}, which was not asked")]
    Redirected {
        /// The host.
        host: String,
        /// Scheme, host and port of the other.
        to: String,
    },
    /// The issue is elsewhere now: it was transferred, or its project was renamed.
    #[error("charter `{uri}` was moved{}", .to.as_ref().map(|t| format!(" to {t}")).unwrap_or_default())]
    Moved {
        /// The URL.
        uri: String,
        /// Where it says that it is, if that could be read.
        to: Option<String>,
    },
    /// The project is there and the issue is not.
    #[error("charter `{uri}` is not there: {host} answers {status}, and shows its project")]
    Deleted {
        /// The URL.
        uri: String,
        /// The host.
        host: String,
        /// 404 or 410.
        status: u16,
    },
    /// More than [`limits::TEXT_FILE_BYTES`](crate::model::limits::TEXT_FILE_BYTES).
    #[error("charter: the answer of {host} is over the limit of {limit} bytes")]
    TooLarge {
        /// The host.
        host: String,
        /// The cap.
        limit: usize,
    },
    /// The answer is not what the API's documentation says.
    #[error("charter: the answer of {host} cannot be read: {cause}")]
    Malformed {
        /// The host.
        host: String,
        /// Field, expected and found.
        cause: JsonError,
    },
}

codes! {
    /// Codes of [`CharterError`].
    CODES;
    CHARTER_NOT_AN_ISSUE = "charter-not-an-issue", [Caller, Operator],
        "the charter's URL is no issue, or at a host of which it is not known which API it speaks",
        "name the host's API with --charter-api, or a file as charter; `--charter-snapshot none` records the URL alone";
    CHARTER_UNAVAILABLE = "charter-unavailable", [Operator],
        "the charter's host does not answer, or fails",
        "check the network and try again; --timeout gives it longer";
    CHARTER_UNAUTHORIZED = "charter-unauthorized", [Operator],
        "the charter's host shows the issue to others only, or hides that there is none",
        "set a token that may read the issue, and the variable that says which server it belongs to (docs/charter.md)";
    CHARTER_RATE_LIMITED = "charter-rate-limited", [Operator],
        "the charter's host was asked too often",
        "wait, or set a token: hosts answer more often to one";
    CHARTER_REDIRECTED = "charter-redirected", [Operator],
        "the charter's host sends to another host, which was not asked",
        "name the charter by the address that it is served at";
    CHARTER_MOVED = "charter-moved", [Producer],
        "the charter is an issue that was transferred, or whose project has another name",
        "look at it where it is now; attest again under its new URL if it still stands";
    CHARTER_DELETED = "charter-deleted", [Producer],
        "the charter's project is there, and the issue is not",
        "name an issue that exists and attest again; what was signed about the old one stays as it is";
    CHARTER_MALFORMED = "charter-malformed", [Operator],
        "the charter's host gives an answer that its API does not allow",
        "check with --charter-api which API the host speaks; else tell the host's operator";
}

impl CharterError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotAnIssue { .. } => CHARTER_NOT_AN_ISSUE,
            Self::Unavailable { .. } => CHARTER_UNAVAILABLE,
            Self::Unauthorized { .. } => CHARTER_UNAUTHORIZED,
            Self::RateLimited { .. } => CHARTER_RATE_LIMITED,
            Self::Redirected { .. } => CHARTER_REDIRECTED,
            Self::Moved { .. } => CHARTER_MOVED,
            Self::Deleted { .. } => CHARTER_DELETED,
            Self::TooLarge { .. } | Self::Malformed { cause: JsonError::TooLarge { .. }, .. } => code::LIMIT_EXCEEDED,
            Self::Malformed { .. } => CHARTER_MALFORMED,
        }
    }

    /// Whether it is an answer, and not that none could be had: the issue was moved or is gone.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Deleted { .. })
    }
}
