//! What is demanded, and whether it is met: from verified statements only.
//!
//! Pure: a decision is a function of policies, evidence and time, and replays from a folder.

mod certified;
mod cluster;
mod cross_check;
mod decide;
mod decision;
mod demand;
mod effect;
mod error;
mod evidence;
mod file;
mod form;
mod glob;
mod images;
mod people;
mod providers;
pub mod report;
pub mod rule;
mod signer;

pub use cluster::{Exception, OnUnavailable};
pub use cross_check::{CODES as CROSS_CHECK_CODES, Checked, cross_check};
pub use decide::{CODES as DECISION_CODES, NO_ATTESTATION, NO_ATTESTATION_OF_FILE, NO_POLICY, decide};
pub use decision::{
    Accepted, Approver, Assurance, CandidateDecision, Decision, FieldAssurance, Outcome, PolicyDecision, PolicyUsed,
    Reason, RequirementDecision, SubjectDecision, Verdict,
};
pub use demand::{Images, Mode, Policy, Requirement};
pub use effect::Effect;
pub use error::PolicyError;
pub use evidence::{Evidence, Finding, FromCertificate, Objection, Support};
pub use file::{node, parse, schema};
pub use form::{At, Declared, Defaulted, Field, Form, KeyLoader, Map, Needed, Sub};
pub use glob::Glob;
pub use images::image_glob;
pub use people::{Actor, Comparison, People};
pub use providers::{BUILDER as CONTRADICTS_BUILDER, CODES as CONTRADICTION_CODES};
pub use rule::charter::CHANGED as CHARTER_CHANGED;
pub use rule::{ApprovalRule, Check, Role, Rule, RuleInput, SnapshotRule, TrustRule, WitnessRule};
pub use signer::{
    CLAIMS, CODES as SIGNER_CODES, CertificateMatch, Regexp, Revoked, SignerMatch, SignerRule, TextMatch,
};
