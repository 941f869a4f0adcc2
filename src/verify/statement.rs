//! [`VerifiedStatement`]: proof as a type. Its fields are private and only [`Verifier`](super::Verifier) fills them.

use super::VerifyError;
use crate::model::{Digest, Statement, Timestamp};
use crate::predicate::{self, Provenance};
use crate::tlog::CosignerKey;
use crate::trust::{PublicKey, TrustedRoot};
use bytes::Bytes;
use std::sync::{Arc, OnceLock};

/// Who signed, as far as it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Signer {
    /// A key that a flag or policy names.
    Key {
        /// The key.
        key: PublicKey,
    },
    /// A certificate that a trusted root's authority issued, valid when the signature provably existed.
    Certificate {
        /// Chain, DER, leaf first.
        chain: Vec<Vec<u8>>,
        /// Subject alternative name.
        identity: String,
        /// OIDC issuer; empty where the certificate names none.
        issuer: String,
        /// Fulcio's claims by the last arc of their object identifier (1.3.6.1.4.1.57264.1.x).
        claims: std::collections::BTreeMap<u32, String>,
    },
}

impl Signer {
    /// Whether two signers are one identity: the same key, or the same name from the same issuer.
    #[must_use]
    pub fn is_same_identity(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Key { key: a }, Self::Key { key: b }) => a == b,
            (Self::Certificate { identity: a, issuer: i, .. }, Self::Certificate { identity: b, issuer: j, .. }) => {
                (a, i) == (b, j)
            }
            _ => false,
        }
    }

    /// Id of the key that made the signature, `sha256:` and the hex digest of its DER: of a certificate the one that it
    /// certifies.
    #[must_use]
    pub fn key_id(&self) -> Option<String> {
        match self {
            Self::Key { key } => Some(key.id()),
            Self::Certificate { chain, .. } => super::certificate::key_id(chain.first()?),
        }
    }

    /// The signer in one line.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Key { key } => format!("key {} ({})", key.id(), key.algorithm()),
            Self::Certificate { identity, issuer, .. } if issuer.is_empty() => format!("{identity} (no issuer)"),
            Self::Certificate { identity, issuer, .. } => format!("{identity} (issuer {issuer})"),
        }
    }
}

/// What proved a point in time.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeSource {
    /// A timestamp authority, by name.
    TimestampAuthority(String),
    /// A transparency log's signed entry, by its log id.
    Log(String),
}

/// A point in time by which the signature provably existed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvenTime {
    /// When.
    pub time: Timestamp,
    /// Who says so.
    pub source: TimeSource,
}

/// A transparency log entry that is about this signature, artifact and signer, and whose inclusion was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Log id, base64.
    pub log: String,
    /// Index in the log.
    pub index: u64,
    /// Whether there is only the log's promise to include it: accepted where the trust material says so.
    pub promise_only: bool,
    /// Those of the trust material's witnesses that cosigned its checkpoint.
    pub witnesses: Vec<CosignerKey>,
}

/// A trusted root that vouched for something about a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RootUsed {
    /// Where it came from.
    pub origin: String,
    /// When it was known to be its instance's own, if that is known.
    pub as_of: Option<Timestamp>,
}

impl RootUsed {
    pub(super) fn of(root: &TrustedRoot) -> Self {
        Self { origin: root.origin().to_owned(), as_of: root.as_of() }
    }
}

/// What a piece of evidence says, read once; shared by all that it is verified to be about.
#[derive(Debug, PartialEq)]
pub(super) struct Signed {
    pub(super) statement: Statement,
    payload: Bytes,
    /// Digest of the evidence.
    evidence: Digest,
    form: OnceLock<Result<Form, VerifyError>>,
}

/// A predicate of the form that its type demands.
#[derive(Debug, PartialEq)]
pub(super) struct Form {
    /// A SLSA provenance, as it was read.
    provenance: Option<Provenance>,
    /// Memory that it takes (bytes).
    memory: usize,
}

impl Signed {
    pub(super) fn new(statement: Statement, payload: Bytes, evidence: Digest) -> Self {
        Self { statement, payload, evidence, form: OnceLock::new() }
    }

    /// That the predicate has the form its type demands; read once.
    pub(super) fn form(&self) -> Result<&Form, VerifyError> {
        let read = || predicate::read(&self.statement).map_err(VerifyError::Statement);
        let form = self.form.get_or_init(|| read().map(|(provenance, memory)| Form { provenance, memory }));
        form.as_ref().map_err(Clone::clone)
    }
}

/// A statement whose signature, form and binding to one artifact were verified.
///
/// It cannot be made outside the verifier:
/// ```compile_fail
/// fn forge(statement: attest::model::Statement) -> attest::verify::VerifiedStatement {
///     attest::verify::VerifiedStatement { statement }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedStatement {
    pub(super) signed: Arc<Signed>,
    pub(super) about: Digest,
    pub(super) subject: usize,
    pub(super) signers: Vec<Signer>,
    pub(super) proven_times: Vec<ProvenTime>,
    pub(super) log_entries: Vec<LogEntry>,
    pub(super) roots: Vec<RootUsed>,
    pub(super) unchecked_log_entries: usize,
    pub(super) unchecked_timestamps: usize,
    pub(super) verified_at: Timestamp,
}

impl VerifiedStatement {
    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.signed.statement
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.signed.payload
    }

    /// Digest of the signed bytes: what a policy's `revoked.statements` names.
    #[must_use]
    pub fn payload_digest(&self) -> Digest {
        Digest::sha256(&self.signed.payload)
    }

    /// Digest of the evidence (the bundle) as it was read.
    #[must_use]
    pub fn evidence_digest(&self) -> &Digest {
        &self.signed.evidence
    }

    /// The predicate, where it is a SLSA provenance.
    #[must_use]
    pub fn provenance(&self) -> Option<&Provenance> {
        self.signed.form().ok()?.provenance.as_ref()
    }

    /// An estimate of the memory that its predicate takes (bytes).
    #[must_use]
    pub fn memory(&self) -> usize {
        self.signed.form().map_or(0, |f| f.memory)
    }

    /// The primary digest of the artifact that it was verified for.
    #[must_use]
    pub fn artifact(&self) -> &Digest {
        &self.about
    }

    /// Position of the statement's subject that binds to the artifact.
    #[must_use]
    pub fn subject_index(&self) -> usize {
        self.subject
    }

    /// Everybody trusted who signed it: at least one.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// Times that were proved; possibly none.
    #[must_use]
    pub fn proven_times(&self) -> &[ProvenTime] {
        &self.proven_times
    }

    /// Log entries whose inclusion was proved; possibly none.
    #[must_use]
    pub fn log_entries(&self) -> &[LogEntry] {
        &self.log_entries
    }

    /// Roots that its certificate, log entries and timestamps were verified by; none for what a key alone signed.
    #[must_use]
    pub fn roots(&self) -> &[RootUsed] {
        &self.roots
    }

    /// Log entries and timestamps of authorities that no trusted root knows: they were not checked and prove nothing.
    #[must_use]
    pub fn unchecked(&self) -> (usize, usize) {
        (self.unchecked_log_entries, self.unchecked_timestamps)
    }

    /// When it was verified.
    #[must_use]
    pub fn verified_at(&self) -> Timestamp {
        self.verified_at
    }

    /// The earliest time by which the signature provably existed: a proven one, or else the time of verification, at
    /// which the verifier itself saw it. A key's window is checked at this time.
    #[must_use]
    pub fn existed_at(&self) -> Timestamp {
        self.proven_times.iter().map(|t| t.time).min().unwrap_or(self.verified_at)
    }
}
