//! [`SupportingStatement`]: proof about something that another statement names, never about the artifact's making.

use super::statement::{LogEntry, ProvenTime, RootUsed, Signer};
use super::{Referent, VerifiedStatement};
use crate::model::{Digest, Statement, Timestamp};
use std::sync::Arc;

/// A statement whose signature, form and binding to a [`Referent`] were verified.
///
/// It is a type of its own, so that proof about a charter or a commit can never be taken for proof about the artifact:
/// it may support what a [`VerifiedStatement`] says, and stands for none. Only the verifier makes one:
/// ```compile_fail
/// use attest::verify::{Referent, SupportingStatement, VerifiedStatement};
/// fn forge(statement: std::sync::Arc<VerifiedStatement>, referent: Referent) -> SupportingStatement {
///     SupportingStatement { statement, referent }
/// }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SupportingStatement {
    /// Its `artifact` is the referent's digest, so it is not handed out.
    statement: Arc<VerifiedStatement>,
    referent: Referent,
}

impl SupportingStatement {
    pub(super) fn new(statement: VerifiedStatement, referent: Referent) -> Self {
        Self { statement: Arc::new(statement), referent }
    }

    /// A statement about the artifact, as one that may support another statement about the same artifact.
    #[must_use]
    pub fn of_artifact(statement: &Arc<VerifiedStatement>) -> Self {
        Self { statement: statement.clone(), referent: Referent::artifact(statement.artifact()) }
    }

    /// What it is about.
    #[must_use]
    pub fn referent(&self) -> &Referent {
        &self.referent
    }

    /// The statement.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        self.statement.statement()
    }

    /// Digest of the signed bytes: what a policy's `revoked.statements` names.
    #[must_use]
    pub fn payload_digest(&self) -> Digest {
        self.statement.payload_digest()
    }

    /// Everybody trusted who signed it: at least one.
    #[must_use]
    pub fn signers(&self) -> &[Signer] {
        self.statement.signers()
    }

    /// Times that were proved; possibly none.
    #[must_use]
    pub fn proven_times(&self) -> &[ProvenTime] {
        self.statement.proven_times()
    }

    /// Log entries whose inclusion was proved; possibly none.
    #[must_use]
    pub fn log_entries(&self) -> &[LogEntry] {
        self.statement.log_entries()
    }

    /// Roots that its certificate, log entries and timestamps were verified by.
    #[must_use]
    pub fn roots(&self) -> &[RootUsed] {
        self.statement.roots()
    }

    /// When it was verified.
    #[must_use]
    pub fn verified_at(&self) -> Timestamp {
        self.statement.verified_at()
    }

    /// The earliest time by which the signature provably existed, or else that of verification.
    #[must_use]
    pub fn existed_at(&self) -> Timestamp {
        self.statement.existed_at()
    }
}
