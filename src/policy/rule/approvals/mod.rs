//! `approvals`: who must have approved, before it was signed, what a provenance names. `docs/approvals.md` says why.

mod counting;
mod demand;
mod rule;
mod target;

pub(super) use counting::CODES;
pub(super) use demand::CODES as ROLE_CODES;
pub use demand::{ApprovalRule, Role};
pub(super) use rule::RULE;
pub(super) use target::CODES as TARGET_CODES;
pub(in crate::policy) use target::release;
