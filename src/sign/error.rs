//! [`SignError`]: why there is no signature. Never carries a secret.

use crate::model::code::codes;
use crate::model::{Code, code};
use crate::programs::ProgramError;

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
    /// Its program or module may not act for whoever signs.
    #[error("the signer `{reference}`: {error}")]
    Program {
        /// The reference as given, without a PIN.
        reference: String,
        /// Why not.
        error: ProgramError,
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
    /// A person was asked for a password, and gave none in time.
    #[error("nobody typed a password for `{what}` within {} s", .waited.as_secs_f32())]
    NotTyped {
        /// The key.
        what: String,
        /// How long it was waited for.
        waited: std::time::Duration,
    },
    /// A new password was to be typed twice, and was not.
    #[error("the two passwords for `{what}` are not the same")]
    PasswordsDiffer {
        /// The key.
        what: String,
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

codes! {
    /// Codes of [`SignError`].
    CODES;
    KEY_REFERENCE_UNKNOWN = "key-reference-unknown", [Caller],
        "a key reference of a kind that this version does not know",
        "pass a file, `env:NAME`, `exec:PROGRAM` or `pkcs11:URI` with --key";
    KEY_UNREADABLE = "key-unreadable", [Caller],
        "the private key cannot be read",
        "check the name that --key gives and that this user may read the file";
    pub(super) KEY_MALFORMED = "key-malformed", [Caller],
        "what was named is no private key of a known form",
        "pass a private key that `attest keygen`, `cosign generate-key-pair` or `openssl` wrote, as PEM";
    pub PASSWORD_NEEDED = "password-needed", [Caller],
        "the private key is encrypted or in a token, and there is no password or PIN",
        "set ATTEST_PASSWORD (or COSIGN_PASSWORD), or run on a terminal";
    pub(super) PASSWORD_WRONG = "password-wrong", [Caller],
        "the password or PIN does not open the private key",
        "check ATTEST_PASSWORD (or COSIGN_PASSWORD), or for a token its PIN";
    SIGNING_FAILED = "signing-failed", [Operator],
        "the key did not sign",
        "the message has the words of the key, token or program; check that it may sign, then try again";
    SIGNING_UNAVAILABLE = "signing-unavailable", [Operator],
        "what signs or witnesses does not answer: a service, a program, or a person who is to log in",
        "try again, or keep the work with --outbox DIR and send it later with `attest flush`";
    SIGNING_ANSWER_MALFORMED = "signing-answer-malformed", [Operator],
        "a program, service or issuer gave an answer that is none",
        "check that the URL or program is the service that is meant; else tell its operator";
    SIGNING_KEY_MISMATCH = "signing-key-mismatch", [Operator],
        "what was asked to sign did not do so with the key that it named",
        "check the program or token behind --key: it signs with another key than it names";
    SIGNING_REFUSED = "signing-refused", [Operator],
        "a service that signs or witnesses refused to",
        "the message has the service's reason: check the identity, the audience and the clock of this machine";
    IDENTITY_TOKEN_UNUSABLE = "identity-token-unusable", [Caller],
        "the identity token cannot be had, is none, or has expired",
        "grant the job a token (GitHub: `permissions: id-token: write`), pass --identity-token, or log in with --fulcio-auth-flow normal";
    SIGNING_SERVICES_UNUSABLE = "signing-services-unusable", [Caller],
        "the services that were named do not go together, or not with this key",
        "change the combination of --key, --fulcio-url, --rekor-url and --timestamp-url that the message names";
}

impl SignError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

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
            Self::UnknownReference { .. } => KEY_REFERENCE_UNKNOWN,
            Self::Unreadable { .. } => KEY_UNREADABLE,
            Self::Program { error, .. } => error.refusal().unwrap_or(KEY_UNREADABLE),
            Self::Malformed { .. } => KEY_MALFORMED,
            Self::PasswordNeeded { .. } | Self::PinNeeded { .. } | Self::NotTyped { .. } => PASSWORD_NEEDED,
            Self::WrongPassword { .. } | Self::PasswordsDiffer { .. } => PASSWORD_WRONG,
            Self::Failed { .. } => SIGNING_FAILED,
            Self::Unavailable { .. } => SIGNING_UNAVAILABLE,
            Self::Answer { .. } => SIGNING_ANSWER_MALFORMED,
            Self::WrongKey { .. } => SIGNING_KEY_MISMATCH,
            Self::Refused { .. } => SIGNING_REFUSED,
            Self::Token { .. } => IDENTITY_TOKEN_UNUSABLE,
            Self::Services { .. } => SIGNING_SERVICES_UNUSABLE,
            Self::TooExpensive { .. } => code::LIMIT_EXCEEDED,
        }
    }
}
