//! Use cases over the seams: what the commands, the webhook and the action do, without knowing which they are.

mod agreement;
mod attach;
mod check;
mod found;
mod outbox;
mod publish;
mod support;

pub use agreement::{OTHER_BUILDER, contradictions};
pub use attach::{Attached, attach};
pub use check::{CODES as CHECK_CODES, Target, check};
pub use found::{Claim, Found, look, look_inside};
pub use outbox::{Context, Destination, Entry, OutboxError, Waiting};
pub use publish::{PublishError, STATEMENT_REFUSED, SUBJECT_NOT_FOUND, sign, sign_message, verify_own};
