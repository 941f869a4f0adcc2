//! [`LogError`], and numbers as logs write them.

use std::fmt;

/// Why a text or a proof of a log is not what it should be: the place, what was expected there and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogError {
    /// What was read: `checkpoint`, `note`, `proof of inclusion`, ...
    pub what: &'static str,
    /// What is wrong with it, in words.
    pub cause: String,
}

impl LogError {
    pub(super) fn new(what: &'static str, cause: impl Into<String>) -> Self {
        Self { what, cause: cause.into() }
    }
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.cause)
    }
}

impl std::error::Error for LogError {}

/// A decimal number as the specifications write it: no sign, no leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    plain.then(|| text.parse().ok()).flatten()
}
