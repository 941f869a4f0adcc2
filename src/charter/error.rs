//! [`CharterError`]: why a charter could not be fetched, and [`Wait`]: when to try again.

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

impl CharterError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = &[
        Code::new("charter-not-an-issue"),
        Code::new("charter-unavailable"),
        Code::new("charter-unauthorized"),
        Code::new("charter-rate-limited"),
        Code::new("charter-redirected"),
        Code::new("charter-moved"),
        Code::new("charter-deleted"),
        Code::new("charter-malformed"),
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::NotAnIssue { .. } => Self::CODES[0],
            Self::Unavailable { .. } => Self::CODES[1],
            Self::Unauthorized { .. } => Self::CODES[2],
            Self::RateLimited { .. } => Self::CODES[3],
            Self::Redirected { .. } => Self::CODES[4],
            Self::Moved { .. } => Self::CODES[5],
            Self::Deleted { .. } => Self::CODES[6],
            Self::TooLarge { .. } | Self::Malformed { cause: JsonError::TooLarge { .. }, .. } => code::LIMIT_EXCEEDED,
            Self::Malformed { .. } => Self::CODES[7],
        }
    }

    /// Whether it is an answer, and not that none could be had: the issue was moved or is gone.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::Moved { .. } | Self::Deleted { .. })
    }
}
