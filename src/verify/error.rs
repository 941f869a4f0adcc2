//! [`VerifyError`]: why evidence could not be believed.

use crate::model::json::JsonError;
use crate::model::{Code, code};

/// Why evidence could not be believed. It is set aside with its code; the decision is made from the rest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Neither a bundle nor an envelope.
    #[error("not a Sigstore bundle or DSSE envelope: {0}")]
    Evidence(#[source] JsonError),
    /// A signature over a digest: it says nothing about the artifact.
    #[error("expected an attestation (a DSSE envelope), found a signature over a digest")]
    MessageSignature,
    /// The envelope holds something else.
    #[error("expected payload type application/vnd.in-toto+json, found `{found}`")]
    PayloadType {
        /// The envelope's `payloadType`.
        found: String,
    },
    /// Material that this version cannot check.
    #[error("this version does not verify evidence signed with {found}")]
    UnsupportedMaterial {
        /// What it is.
        found: &'static str,
    },
    /// More keys are trusted than evidence is tried against.
    #[error("{found} keys are trusted, over the limit of {limit}")]
    TooManyKeys {
        /// How many.
        found: usize,
        /// The cap.
        limit: usize,
    },
    /// The evidence names a trusted key that did not sign these bytes.
    #[error("the signature does not fit: key {key} did not sign these bytes")]
    SignatureInvalid {
        /// The trusted key that the evidence hints at.
        key: String,
    },
    /// No trusted key signed.
    #[error("no trusted key made this signature: it hints at key `{hint}`, trusted are {}", list(.trusted))]
    KeyNotTrusted {
        /// The evidence's hint, unverified.
        hint: String,
        /// Ids of the trusted keys.
        trusted: Vec<String>,
    },
    /// The signed bytes are no statement of the form that its types demand.
    #[error("the signed statement is not acceptable: {0}")]
    Statement(#[source] JsonError),
    /// The statement is about something else.
    #[error("the statement is about something else: expected {expected}, found {} in {subjects} subject(s)", list(.found))]
    SubjectMismatch {
        /// The artifact's digest.
        expected: String,
        /// Digests of the first subjects.
        found: Vec<String>,
        /// How many subjects there are.
        subjects: usize,
    },
    /// A subject has one digest of the artifact and contradicts another.
    #[error("a subject contradicts itself: its {algorithm} is {found}, the artifact's is {expected}")]
    SubjectConflict {
        /// The algorithm.
        algorithm: &'static str,
        /// The artifact's, hex.
        expected: String,
        /// The subject's, hex.
        found: String,
    },
    /// A subject carries a digest that could not be compared.
    #[error("a subject carries a {algorithm} digest, and the artifact's own could not be computed")]
    SubjectDigestUnknown {
        /// The algorithm.
        algorithm: &'static str,
    },
}

impl VerifyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = &[
        Code::new("not-an-attestation"),
        Code::new("payload-type-unknown"),
        Code::new("unsupported-material"),
        Code::new("signature-invalid"),
        Code::new("key-not-trusted"),
        Code::new("subject-mismatch"),
        Code::new("subject-digest-conflict"),
        Code::new("subject-digest-unknown"),
        Code::new("evidence-malformed"),
        Code::new("statement-malformed"),
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Evidence(JsonError::TooLarge { .. })
            | Self::Statement(JsonError::TooLarge { .. })
            | Self::TooManyKeys { .. } => code::LIMIT_EXCEEDED,
            Self::MessageSignature => Self::CODES[0],
            Self::PayloadType { .. } => Self::CODES[1],
            Self::UnsupportedMaterial { .. } => Self::CODES[2],
            Self::SignatureInvalid { .. } => Self::CODES[3],
            Self::KeyNotTrusted { .. } => Self::CODES[4],
            Self::SubjectMismatch { .. } => Self::CODES[5],
            Self::SubjectConflict { .. } => Self::CODES[6],
            Self::SubjectDigestUnknown { .. } => Self::CODES[7],
            Self::Evidence(_) => Self::CODES[8],
            Self::Statement(_) => Self::CODES[9],
        }
    }

    /// Whether this says "could not find out" rather than "no": a cap, a digest that could not be computed.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.code() == code::LIMIT_EXCEEDED || matches!(self, Self::SubjectDigestUnknown { .. })
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
