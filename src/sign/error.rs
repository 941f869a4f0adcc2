//! [`SignError`]: why there is no signature. Never carries a secret.

use crate::model::{Code, code};

/// Why a key could not be opened or a signature could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignError {
    /// The reference names no kind of signer this version has.
    #[error("expected a key reference of the form {known}, found `{found}`")]
    UnknownReference {
        /// The reference as given, cut at 160 characters; never the text of a key.
        found: String,
        /// The forms that [`KINDS`](super::KINDS) reads.
        known: String,
    },
    /// The key is not there or cannot be read.
    #[error("cannot read the key `{reference}`: {cause}")]
    Unreadable {
        /// The reference as given.
        reference: String,
        /// The operating system's words.
        cause: String,
    },
    /// Not a private key in a form we read.
    #[error("`{reference}` is not a usable private key: {why}")]
    Malformed {
        /// The reference as given.
        reference: String,
        /// What was expected and found; never key bytes.
        why: String,
    },
    /// It is too long, or deriving the key from the password would cost too much.
    #[error("`{reference}` has {what} over the limit of {limit}")]
    TooExpensive {
        /// The reference as given.
        reference: String,
        /// Which parameter.
        what: String,
        /// The cap.
        limit: u64,
    },
    /// The key is encrypted and nobody gave a password.
    #[error("`{reference}` is encrypted and there is no password: set ATTEST_PASSWORD or run on a terminal")]
    PasswordNeeded {
        /// The reference as given.
        reference: String,
    },
    /// The token wants a PIN and nobody gave one.
    #[error("the token of `{reference}` wants a PIN: set {variable}, or name a file with `pin-source=`")]
    PinNeeded {
        /// The reference as given, without a PIN.
        reference: String,
        /// The variable to set.
        variable: &'static str,
    },
    /// The password or PIN does not open the key.
    #[error("the password or PIN does not open `{reference}`")]
    WrongPassword {
        /// The reference as given.
        reference: String,
    },
    /// The key refused to sign.
    #[error("signing failed: {cause}")]
    Failed {
        /// What happened; never a secret.
        cause: String,
    },
    /// A program or service gave an answer that is none.
    #[error("{service}: expected {expected} as its answer, found {found}")]
    Answer {
        /// Who answered.
        service: String,
        /// What it should have answered.
        expected: String,
        /// What is wrong with the answer; never a secret.
        found: String,
    },
    /// A signature that the signer's own key did not make over these bytes.
    #[error("`{signer}` made a signature that its own key {expected} does not verify; nothing was done with it")]
    WrongKey {
        /// The signer's reference.
        signer: String,
        /// Id of the key that it named.
        expected: String,
    },
    /// A service that signs or witnesses said no.
    #[error("{service}: refused with status {status}{detail}")]
    Refused {
        /// The service.
        service: String,
        /// HTTP status.
        status: u16,
        /// The service's own words, cut, with a leading `: `; or empty.
        detail: String,
    },
    /// An identity token that is none, or cannot be had.
    #[error("the identity token {origin}: {cause}")]
    Token {
        /// Where it comes from.
        origin: String,
        /// What is wrong; never the token.
        cause: String,
    },
    /// Services that do not go together, or with this key.
    #[error("{cause}")]
    Services {
        /// What is wrong and what to do.
        cause: String,
    },
    /// A service that signs or witnesses did not answer.
    #[error("{service}: {cause}")]
    Unavailable {
        /// The service.
        service: String,
        /// What happened and what was tried.
        cause: String,
    },
}

impl SignError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = &[
        Code::new("key-reference-unknown"),
        Code::new("key-unreadable"),
        Code::new("key-malformed"),
        Code::new("password-needed"),
        Code::new("password-wrong"),
        Code::new("signing-failed"),
        Code::new("signing-unavailable"),
        Code::new("signing-answer-malformed"),
        Code::new("signing-key-mismatch"),
        Code::new("signing-refused"),
        Code::new("identity-token-unusable"),
        Code::new("signing-services-unusable"),
    ];

    /// Whether a service is to blame, so that another one or a later try may end otherwise: it did not answer, answered
    /// with nonsense, or is no such service any more. What it refused, another would refuse too.
    #[must_use]
    pub fn is_outage(&self) -> bool {
        match self {
            Self::Unavailable { .. } | Self::Answer { .. } => true,
            Self::Refused { status, .. } => matches!(status, 300..400 | 404 | 405 | 410 | 500..),
            _ => false,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::UnknownReference { .. } => Self::CODES[0],
            Self::Unreadable { .. } => Self::CODES[1],
            Self::Malformed { .. } => Self::CODES[2],
            Self::PasswordNeeded { .. } | Self::PinNeeded { .. } => Self::CODES[3],
            Self::WrongPassword { .. } => Self::CODES[4],
            Self::Failed { .. } => Self::CODES[5],
            Self::Unavailable { .. } => Self::CODES[6],
            Self::Answer { .. } => Self::CODES[7],
            Self::WrongKey { .. } => Self::CODES[8],
            Self::Refused { .. } => Self::CODES[9],
            Self::Token { .. } => Self::CODES[10],
            Self::Services { .. } => Self::CODES[11],
            Self::TooExpensive { .. } => code::LIMIT_EXCEEDED,
        }
    }
}
