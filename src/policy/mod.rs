//! What is demanded, and whether it is met: from verified statements only.
//!
//! Pure: a decision is a function of policies, evidence and time, and replays from a folder.

mod approvals;
mod cross_check;
mod decide;
mod decision;
mod error;
mod evidence;
mod file;
mod glob;
mod identity;
mod images;
mod measures;
mod node;
mod people;
mod providers;
pub mod report;
pub mod rule;
mod schema;
mod snapshots;
mod witnesses;

pub use approvals::{ApprovalRule, Approver, CODES as APPROVAL_CODES, Role};
pub use cross_check::{CODES as CROSS_CHECK_CODES, Checked, cross_check};
pub use decide::{CODES as DECISION_CODES, NO_ATTESTATION, NO_POLICY, decide};
pub use decision::{
    Accepted, Assurance, CandidateDecision, Decision, FieldAssurance, Outcome, PolicyDecision, PolicyUsed, Reason,
    RequirementDecision, SubjectDecision, Verdict,
};
pub use error::PolicyError;
pub use evidence::{Evidence, Finding, Objection, Support};
pub use file::parse;
pub use glob::Glob;
pub use identity::{CLAIMS, CertificateMatch, Regexp, TextMatch};
pub use images::image_glob;
pub use node::{At, Kind, Node};
pub use people::{Actor, Comparison, People};
pub use providers::{BUILDER as CONTRADICTS_BUILDER, CODES as CONTRADICTION_CODES, PROVIDERS, Provider};
pub use rule::charter::CHANGED as CHARTER_CHANGED;
pub use rule::{Check, Rule, RuleInput};
pub use schema::schema;
pub use snapshots::{CODES as SNAPSHOT_CODES, SnapshotRule};
pub use witnesses::{CODES as WITNESS_CODES, WitnessRule};

use crate::model::{Digest, PredicateUri, ValidityWindow};
use crate::trust::{PublicKey, WitnessKey};
use crate::verify::Signer;

/// What a cluster does with a denial. It never changes an exit code of the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Deny.
    #[default]
    Enforce,
    /// Admit with a warning.
    Warn,
    /// Admit and record.
    Audit,
}

/// A policy: which subjects it speaks about, and what each of them must show.
#[derive(Debug)]
pub struct Policy {
    /// `metadata.name`, or `flags`.
    pub name: String,
    /// The file it came from, or `flags`.
    pub origin: String,
    /// Digest of the file; none for flags.
    pub digest: Option<Digest>,
    /// Subjects it speaks about; flags speak about all.
    pub images: Images,
    /// What a cluster does with a denial.
    pub mode: Mode,
    /// All must be met.
    pub requirements: Vec<Requirement>,
    /// What is never accepted.
    pub revoked: Revoked,
    /// Which principals are one person.
    pub people: People,
}

/// Subjects that a policy speaks about.
#[derive(Debug)]
pub enum Images {
    /// Every one: flags.
    All,
    /// Those whose name one of these matches.
    Named(Vec<Glob>),
}

/// One statement must meet all of this.
#[derive(Debug)]
pub struct Requirement {
    /// Type of the predicate.
    pub predicate_type: PredicateUri,
    /// Any of these must have signed: at least one.
    pub signers: Vec<SignerRule>,
    /// How many distinct identities must have signed a statement that meets all of this; at least 1.
    pub threshold: usize,
    /// What logs and timestamp authorities must prove.
    pub trust: TrustRule,
    /// Who must have approved what the statement names.
    pub approvals: Option<ApprovalRule>,
    /// The snapshot of its charter that must be beside it.
    pub snapshot: Option<SnapshotRule>,
    /// All of these must be met by the same statement.
    pub checks: Vec<Box<dyn Check>>,
}

/// What logs and timestamp authorities must prove about a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustRule {
    /// Distinct transparency logs that must have it.
    pub logs: usize,
    /// Distinct timestamp authorities that must have signed a time for it.
    pub timestamps: usize,
    /// Whether a log's promise to include it will do where there is no proof.
    pub allow_promise_only: bool,
    /// Who must have cosigned a checkpoint.
    pub witnesses: WitnessRule,
    /// How old a root that vouches for any of it may be (seconds); one whose age is not known is too old.
    pub max_age: Option<i64>,
}

/// A signer that a requirement accepts.
#[derive(Clone, Debug)]
pub struct SignerRule {
    /// As the policy or flag writes it.
    pub label: String,
    /// Who it is.
    pub who: SignerMatch,
    /// When it may sign.
    pub window: ValidityWindow,
    /// Builders that it may speak for; with none, a builder id is only declared.
    pub builders: Vec<Glob>,
    /// Fields of a provenance that it measures, as the policy knows: by their names in output.
    pub measures: Vec<&'static str>,
}

/// Whom a signer rule accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignerMatch {
    /// Exactly this key.
    Key(PublicKey),
    /// Whoever holds a certificate that says this.
    Certificate(Box<CertificateMatch>),
}

impl SignerMatch {
    /// Whether a verified signer is the one meant.
    #[must_use]
    pub fn matches(&self, signer: &Signer) -> bool {
        match (self, signer) {
            (Self::Key(wanted), Signer::Key { key }) => wanted == key,
            (Self::Certificate(wanted), Signer::Certificate { identity, issuer, claims, .. }) => {
                wanted.matches(identity, issuer, claims)
            }
            (Self::Key(_), Signer::Certificate { .. }) | (Self::Certificate(_), Signer::Key { .. }) => false,
        }
    }
}

/// What a policy never accepts.
#[derive(Clone, Debug, Default)]
pub struct Revoked {
    /// Key ids: `sha256:` and the hex digest of the key's DER.
    pub keys: Vec<String>,
    /// Digests of signed statements.
    pub statements: Vec<Digest>,
}

impl Policy {
    /// Whether it speaks about a subject of this name.
    #[must_use]
    pub fn matches(&self, scope: &str) -> bool {
        match &self.images {
            Images::All => true,
            Images::Named(globs) => globs.iter().any(|g| g.matches_text(scope)),
        }
    }

    /// Every key that it names.
    pub fn keys(&self) -> impl Iterator<Item = &PublicKey> {
        let signers = self.requirements.iter().flat_map(|r| &r.signers);
        let approvers = self.requirements.iter().filter_map(|r| r.approvals.as_ref()).flat_map(|a| &a.by);
        let snapshots = self.requirements.iter().filter_map(|r| r.snapshot.as_ref()).flat_map(|s| &s.by);
        signers.chain(approvers).chain(snapshots).filter_map(|s| match &s.who {
            SignerMatch::Key(key) => Some(key),
            SignerMatch::Certificate(_) => None,
        })
    }

    /// Every witness that it names.
    pub fn witnesses(&self) -> impl Iterator<Item = &WitnessKey> {
        self.requirements.iter().flat_map(|r| &r.trust.witnesses.keys)
    }

    /// Whether one of its requirements takes a log's promise for its proof.
    #[must_use]
    pub fn allows_promise_only(&self) -> bool {
        self.requirements.iter().any(|r| r.trust.allow_promise_only)
    }

    /// How it stands in a decision.
    #[must_use]
    pub fn used(&self) -> PolicyUsed {
        PolicyUsed { name: self.name.clone(), origin: self.origin.clone(), digest: self.digest.clone() }
    }
}
