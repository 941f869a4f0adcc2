//! [`VerifyError`]: why evidence could not be believed.

use crate::model::json::JsonError;
use crate::model::{Code, Timestamp, ValidityWindow, code};
use crate::trust::RootError;

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
        found: String,
    },
    /// More keys are trusted than evidence is tried against.
    #[error("{found} keys are trusted, over the limit of {limit}")]
    TooManyKeys {
        /// How many.
        found: usize,
        /// The cap.
        limit: usize,
    },
    /// More things are named by verified statements than another statement is tried against.
    #[error("verified statements name more than {limit} things that this one could be about")]
    TooManyReferents {
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
    /// The signing certificate is not of the form that Fulcio gives it.
    #[error("the signing certificate is not acceptable: {found}")]
    CertificateMalformed {
        /// What is wrong with it.
        found: String,
    },
    /// No trusted authority issued the signing certificate.
    #[error("no trusted authority issued the signing certificate: its issuer is `{issuer}` ({cause})")]
    CertificateUntrusted {
        /// The issuer's name in the certificate, unverified.
        issuer: String,
        /// What was tried.
        cause: String,
    },
    /// The signing certificate was not valid when the signature provably existed.
    #[error("the signing certificate is valid {window}; the signature existed at {time}")]
    CertificateExpired {
        /// The time.
        time: Timestamp,
        /// The certificate's validity.
        window: ValidityWindow,
    },
    /// The authority that issued the certificate was not valid at the proven time.
    #[error("the authority that issued the signing certificate was not valid at {time}: {cause}")]
    AuthorityNotValid {
        /// The time.
        time: Timestamp,
        /// Which part of it.
        cause: String,
    },
    /// No trusted log of certificates vouches for the signing certificate.
    #[error("no trusted certificate log vouches for the signing certificate: {cause}")]
    SctInvalid {
        /// Why.
        cause: String,
    },
    /// The signature does not fit the certificate.
    #[error("the signature does not fit: the certificate's key did not sign these bytes ({cause})")]
    CertificateSignature {
        /// Why.
        cause: String,
    },
    /// A log entry names a log that the root does not have.
    #[error("the log entry is of a log that the trusted root does not have: `{log}`")]
    LogUnknown {
        /// The log's id, base64.
        log: String,
    },
    /// A log entry that the trusted root demands is not there.
    #[error("the trusted root has transparency logs, and the bundle has no log entry")]
    LogEntryMissing,
    /// A log entry is not proven to be in its log.
    #[error("the log entry has no proof of inclusion, only {found}")]
    LogProofMissing {
        /// What it has instead.
        found: &'static str,
    },
    /// A log entry does not verify, or is about another signature.
    #[error("the log entry is not valid: {cause}")]
    LogEntryInvalid {
        /// Why.
        cause: String,
    },
    /// A timestamp does not verify.
    #[error("the timestamp is not valid: {cause}")]
    TimestampInvalid {
        /// Why.
        cause: String,
    },
    /// A certificate counts at a proven time only, and none is proven.
    #[error("no time is proven at which the signature existed, and a certificate counts at such a time only")]
    TimestampMissing,
    /// A trusted root could not be used.
    #[error("trusted root `{root}`: {source}")]
    Root {
        /// Where it came from.
        root: String,
        /// Why.
        source: RootError,
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
        Code::new("certificate-malformed"),
        Code::new("certificate-untrusted"),
        Code::new("certificate-expired-at-time"),
        Code::new("authority-not-valid-at-time"),
        Code::new("sct-invalid"),
        Code::new("log-unknown"),
        Code::new("log-entry-missing"),
        Code::new("log-proof-missing"),
        Code::new("log-entry-invalid"),
        Code::new("timestamp-invalid"),
        Code::new("timestamp-missing"),
    ];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Evidence(JsonError::TooLarge { .. })
            | Self::Statement(JsonError::TooLarge { .. })
            | Self::TooManyKeys { .. }
            | Self::TooManyReferents { .. } => code::LIMIT_EXCEEDED,
            Self::MessageSignature => Self::CODES[0],
            Self::PayloadType { .. } => Self::CODES[1],
            Self::UnsupportedMaterial { .. } => Self::CODES[2],
            Self::SignatureInvalid { .. } | Self::CertificateSignature { .. } => Self::CODES[3],
            Self::KeyNotTrusted { .. } => Self::CODES[4],
            Self::SubjectMismatch { .. } => Self::CODES[5],
            Self::SubjectConflict { .. } => Self::CODES[6],
            Self::SubjectDigestUnknown { .. } => Self::CODES[7],
            Self::Evidence(_) => Self::CODES[8],
            Self::Statement(_) => Self::CODES[9],
            Self::CertificateMalformed { .. } => Self::CODES[10],
            Self::CertificateUntrusted { .. } => Self::CODES[11],
            Self::CertificateExpired { .. } => Self::CODES[12],
            Self::AuthorityNotValid { .. } => Self::CODES[13],
            Self::SctInvalid { .. } => Self::CODES[14],
            Self::LogUnknown { .. } => Self::CODES[15],
            Self::LogEntryMissing => Self::CODES[16],
            Self::LogProofMissing { .. } => Self::CODES[17],
            Self::LogEntryInvalid { .. } => Self::CODES[18],
            Self::TimestampInvalid { .. } => Self::CODES[19],
            Self::TimestampMissing => Self::CODES[20],
            Self::Root { source, .. } => source.code(),
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
