//! [`NetError`]: why there is no answer.

use std::fmt;

/// Why an address that an answer named, or that was typed, was not asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// It is not HTTPS.
    Plain,
    /// It is no web address.
    Scheme,
    /// It is on this machine, on its link, or on a network that is not to be asked.
    Address,
    /// It is one of too many.
    Many,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "which is not HTTPS",
            Self::Scheme => "which is no web address",
            Self::Address => "which is on this machine or a network that it may not name",
            Self::Many => "which is one redirect too many",
        })
    }
}

/// Why there is no answer. No URL is in it: path and query may hold what is secret. It has no code: what a person can do
/// depends on who was asked, so each asker has a code for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NetError {
    /// No client could be made: the machine's certificates or the CA file.
    #[error("{cause}")]
    Setup {
        /// What is wrong with it.
        cause: String,
    },
    /// Nobody answered: refused, broke off, a name that is not known, TLS.
    #[error("{cause}")]
    NoAnswer {
        /// What happened.
        cause: String,
        /// How often it was tried.
        tries: usize,
    },
    /// The deadline came first.
    #[error("no answer within the time allowed")]
    Late {
        /// How often it was tried.
        tries: usize,
    },
    /// The body of a success is longer than is read.
    #[error("expected at most {limit} bytes, found more")]
    TooLarge {
        /// The cap.
        limit: usize,
    },
    /// It sends somewhere that may not be asked: by a redirect, or as the address of what is asked next.
    #[error("it sends to {to}, {why}")]
    Redirect {
        /// Scheme, host and port.
        to: String,
        /// Why.
        why: Refusal,
    },
    /// The address that was to be asked, or every address of its name, may not be.
    #[error("{of} has an address that may not be asked")]
    Address {
        /// Scheme, host and port.
        of: String,
    },
    /// It redirects to nowhere.
    #[error("a redirect without a usable target")]
    NoTarget,
}

/// The causes of a failed exchange, in words: the outermost only say that a request failed. Never the URL.
pub(super) fn in_words(e: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = e;
    let mut all = String::new();
    while let Some(inner) = cause.source() {
        cause = inner;
        all.push_str(&inner.to_string());
        all.push(' ');
    }
    let what = match () {
        () if all.contains("dns error") => "its name cannot be resolved",
        () if all.contains("refused") => "connection refused",
        () if e.is_timeout() => "timed out",
        () if e.is_connect() => "cannot be connected to",
        () => "the connection broke",
    };
    format!("{what}: {cause}")
}
