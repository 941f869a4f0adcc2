//! Rules of a requirement. One file each, one row in [`ALL`].

mod age;
mod agent;
mod approvals;
mod builder;
pub(super) mod charter;
mod matching;
mod requested_by;
mod runner;
mod seam;
mod snapshot;
mod source;
mod task;
mod trigger;
mod trust;
mod witnesses;

pub use age::AgeCheck;
pub use agent::AgentCheck;
pub(super) use approvals::release;
pub use approvals::{ApprovalRule, Role};
pub use builder::BuilderCheck;
pub use charter::CharterCheck;
pub use requested_by::RequestedByCheck;
pub use runner::HostedRunnerCheck;
pub(super) use seam::unproven;
pub use seam::{Beside, Check, Names, Proved, Rule, RuleInput, Supported};
pub use snapshot::SnapshotRule;
pub use source::{SourceCheck, normal_repository};
pub use task::TaskCheck;
pub use trigger::TriggerCheck;
pub use trust::TrustRule;
pub use witnesses::WitnessRule;

use crate::model::Code;

/// Every rule that a policy file may name. Of what is not met, the first code is the answer's: what a statement lacks itself
/// comes before what stands beside it.
pub static ALL: &[&Rule] = &[
    &trust::RULE,
    &source::RULE,
    &builder::RULE,
    &agent::RULE,
    &task::RULE,
    &requested_by::RULE,
    &trigger::RULE,
    &charter::RULE,
    &approvals::RULE,
];

/// All codes of this folder.
pub const ALL_CODES: &[&[Code]] = &[
    seam::CODES,
    trust::CODES,
    witnesses::CODES,
    source::CODES,
    agent::CODES,
    task::CODES,
    charter::CODES,
    snapshot::CODES,
    approvals::CODES,
    approvals::ROLE_CODES,
    approvals::TARGET_CODES,
    builder::CODES,
    requested_by::CODES,
    trigger::CODES,
    age::CODES,
    runner::CODES,
];
