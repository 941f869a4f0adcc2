//! [`VerifyError`]: why evidence could not be believed.

use crate::model::code::codes;
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
    #[error("the statement is about {}, and the artifact is {expected}", about(.found, *.subjects))]
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

codes! {
    /// Codes of [`VerifyError`].
    CODES;
    NOT_AN_ATTESTATION = "not-an-attestation", [Producer],
        "a signature over a digest: it states nothing about the artifact",
        "make an attestation with `attest create`; a plain signature (`cosign sign-blob`) says nothing about how it was built";
    PAYLOAD_TYPE_UNKNOWN = "payload-type-unknown", [Producer],
        "the envelope holds something else than an in-toto statement",
        "nothing can be done here: only in-toto statements are verified";
    UNSUPPORTED_MATERIAL = "unsupported-material", [Producer],
        "the evidence was signed in a way that this version does not verify",
        "sign with a key or a Fulcio certificate; other material is not verified";
    SIGNATURE_INVALID = "signature-invalid", [Producer],
        "the key that is named, or the certificate's, did not sign these bytes",
        "the attestation was changed after it was signed, or names a key that did not sign it: do not use the artifact";
    pub KEY_NOT_TRUSTED = "key-not-trusted", [Producer],
        "no trusted key made the signature",
        "pass the public key that should have signed with --key, or name it in the policy";
    pub SUBJECT_MISMATCH = "subject-mismatch", [Producer],
        "a valid attestation, of another artifact",
        "the artifact was changed after it was attested, or the attestation is of another one: compare the digests in the message";
    SUBJECT_DIGEST_CONFLICT = "subject-digest-conflict", [Producer],
        "one digest of the subject is the artifact's, and another contradicts it",
        "do not use the artifact with this attestation: its statement contradicts itself";
    SUBJECT_DIGEST_UNKNOWN = "subject-digest-unknown", [Operator],
        "a digest of the subject could not be compared with the artifact",
        "verify where the content itself can be read: a local copy, or a registry that serves it";
    EVIDENCE_MALFORMED = "evidence-malformed", [Producer],
        "the evidence is neither a bundle nor an envelope of the form that its type demands",
        "pass a Sigstore bundle or a DSSE envelope; download or sign it again if it was cut off";
    STATEMENT_MALFORMED = "statement-malformed", [Producer],
        "what was signed is no statement of the form that its types demand",
        "nothing can be done here: whoever signed it must correct the statement and sign it again";
    CERTIFICATE_MALFORMED = "certificate-malformed", [Producer],
        "the certificate is not of the form that Fulcio gives it: no name or two, an unreadable claim",
        "sign again with a certificate of Fulcio; a certificate of another form cannot be verified";
    CERTIFICATE_UNTRUSTED = "certificate-untrusted", [Producer],
        "no authority of a trusted root issued the certificate",
        "pass the instance's trusted root with --trusted-root FILE";
    CERTIFICATE_EXPIRED_AT_TIME = "certificate-expired-at-time", [Producer],
        "the certificate was not valid when the signature provably existed",
        "sign again: a Fulcio certificate lives ten minutes, and the signature's proven time must be within them";
    AUTHORITY_NOT_VALID_AT_TIME = "authority-not-valid-at-time", [Producer],
        "the authority that issued the certificate was not valid when the signature existed",
        "pass the root of the time of signing with --trusted-root FILE, or sign again with a current authority";
    SCT_INVALID = "sct-invalid", [Producer],
        "no trusted certificate log vouches for the certificate",
        "pass the root of the instance that issued the certificate with --trusted-root FILE";
    LOG_UNKNOWN = "log-unknown", [Producer],
        "a log entry is of a log that the trusted root does not have",
        "the trusted root may be older than the log: pass a newer one with --trusted-root FILE, or use a newer version";
    LOG_ENTRY_MISSING = "log-entry-missing", [Producer],
        "the trusted root has transparency logs, and the bundle has no log entry",
        "sign again with --rekor-url, or verify with the root of an instance without logs (--trusted-root FILE)";
    LOG_PROOF_MISSING = "log-proof-missing", [Producer],
        "a log entry has no proof of inclusion",
        "sign again with a current client; a policy can accept the promise with `trust: { allowPromiseOnly: true }`";
    LOG_ENTRY_INVALID = "log-entry-invalid", [Producer],
        "a log entry does not verify, or is about another artifact, signature or signer",
        "do not use this bundle: its log entry belongs to something else or was changed; sign again";
    TIMESTAMP_INVALID = "timestamp-invalid", [Producer],
        "a timestamp does not verify, or is of the future",
        "check the clock of this machine; else sign again with a timestamp authority of the trusted root";
    TIMESTAMP_MISSING = "timestamp-missing", [Producer],
        "no time is proven, and a certificate counts at a proven time only",
        "sign again with --timestamp-url or --rekor-url";
}

impl VerifyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Evidence(JsonError::TooLarge { .. })
            | Self::Statement(JsonError::TooLarge { .. })
            | Self::TooManyKeys { .. }
            | Self::TooManyReferents { .. } => code::LIMIT_EXCEEDED,
            Self::MessageSignature => NOT_AN_ATTESTATION,
            Self::PayloadType { .. } => PAYLOAD_TYPE_UNKNOWN,
            Self::UnsupportedMaterial { .. } => UNSUPPORTED_MATERIAL,
            Self::SignatureInvalid { .. } | Self::CertificateSignature { .. } => SIGNATURE_INVALID,
            Self::KeyNotTrusted { .. } => KEY_NOT_TRUSTED,
            Self::SubjectMismatch { .. } => SUBJECT_MISMATCH,
            Self::SubjectConflict { .. } => SUBJECT_DIGEST_CONFLICT,
            Self::SubjectDigestUnknown { .. } => SUBJECT_DIGEST_UNKNOWN,
            Self::Evidence(_) => EVIDENCE_MALFORMED,
            Self::Statement(_) => STATEMENT_MALFORMED,
            Self::CertificateMalformed { .. } => CERTIFICATE_MALFORMED,
            Self::CertificateUntrusted { .. } => CERTIFICATE_UNTRUSTED,
            Self::CertificateExpired { .. } => CERTIFICATE_EXPIRED_AT_TIME,
            Self::AuthorityNotValid { .. } => AUTHORITY_NOT_VALID_AT_TIME,
            Self::SctInvalid { .. } => SCT_INVALID,
            Self::LogUnknown { .. } => LOG_UNKNOWN,
            Self::LogEntryMissing => LOG_ENTRY_MISSING,
            Self::LogProofMissing { .. } => LOG_PROOF_MISSING,
            Self::LogEntryInvalid { .. } => LOG_ENTRY_INVALID,
            Self::TimestampInvalid { .. } => TIMESTAMP_INVALID,
            Self::TimestampMissing => TIMESTAMP_MISSING,
            Self::Root { source, .. } => source.code(),
        }
    }

    /// Whether this says "could not find out" rather than "no": a cap, a digest that could not be computed.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.code() == code::LIMIT_EXCEEDED || matches!(self, Self::SubjectDigestUnknown { .. })
    }
}

/// What a statement is about: its subject, or how many and the first of them.
fn about(first: &[String], subjects: usize) -> String {
    match subjects {
        0 | 1 => list(first),
        n => format!("{n} subjects ({}, ...)", list(first)),
    }
}

fn list(items: &[String]) -> String {
    if items.is_empty() { "none".to_owned() } else { items.join(", ") }
}
