//! What is demanded, and whether it is met: from verified statements only.
//!
//! Pure: a decision is a function of policies, evidence and time, and replays from a folder.

mod approvals;
mod cross_check;
mod decide;
mod decision;
mod demand;
mod error;
mod evidence;
mod file;
mod form;
mod glob;
mod identity;
mod images;
mod measures;
mod people;
mod providers;
pub mod report;
pub mod rule;
mod schema;
mod signer;
mod snapshots;
mod trust;
mod witnesses;

pub use approvals::{ApprovalRule, Approver, CODES as APPROVAL_CODES, Role};
pub use cross_check::{CODES as CROSS_CHECK_CODES, Checked, cross_check};
pub use decide::{CODES as DECISION_CODES, NO_ATTESTATION, NO_POLICY, decide};
pub use decision::{
    Accepted, Assurance, CandidateDecision, Decision, FieldAssurance, Outcome, PolicyDecision, PolicyUsed, Reason,
    RequirementDecision, SubjectDecision, Verdict,
};
pub use demand::{Images, Mode, Policy, Requirement};
pub use error::PolicyError;
pub use evidence::{Evidence, Finding, Objection, Support};
pub use file::{node, parse};
pub use form::At;
pub use glob::Glob;
pub use identity::{CLAIMS, CertificateMatch, Regexp, TextMatch};
pub use images::image_glob;
pub use people::{Actor, Comparison, People};
pub use providers::{BUILDER as CONTRADICTS_BUILDER, CODES as CONTRADICTION_CODES};
pub use rule::charter::CHANGED as CHARTER_CHANGED;
pub use rule::{Check, Rule, RuleInput};
pub use schema::schema;
pub use signer::{Revoked, SignerMatch, SignerRule};
pub use snapshots::{CODES as SNAPSHOT_CODES, SnapshotRule};
pub use trust::TrustRule;
pub use witnesses::{CODES as WITNESS_CODES, WitnessRule};
