//! Use cases over the seams: what the commands, the webhook and the action do, without knowing which they are.

mod about;
mod admit;
mod agreement;
mod attach;
#[cfg(feature = "cli")]
pub mod audit;
mod buildkit;
mod check;
mod cores;
#[cfg(feature = "cli")]
pub mod create;
mod found;
mod gather;
#[cfg(feature = "cli")]
pub mod handout;
#[cfg(feature = "cli")]
pub mod investigate;
mod judge;
mod publish;
mod recheck;
mod signing;
mod support;

pub use about::{About, Pieces};
pub use admit::{Place, Ruling, admit};
pub use agreement::{OTHER_BUILDER, contradictions, contradictions_of};
pub use attach::{Attached, attach};
pub use check::{Check, check};
#[cfg(feature = "cli")]
pub use create::{CreateError, create};
pub use found::{Claim, Found, look_beside, look_inside};
pub use gather::{CODES as GATHER_CODES, Digests, Further, Gathered, Gathering, Listed, Need, TIMEOUT, Target};
pub use judge::{CODES as JUDGE_CODES, Given, Judged, Objections, Verified, judge};
pub use publish::{PublishError, STATEMENT_REFUSED, SUBJECT_NOT_FOUND, Unsigned, sign, sign_message, verify_own};
pub use recheck::{Looked, charters, note, objection};
pub use signing::Signing;
#[cfg(feature = "cli")]
pub use signing::identity_of;
