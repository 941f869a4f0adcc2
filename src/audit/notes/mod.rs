//! Signed notes that stand in the log in clear, so that everybody can check them.
//!
//! | file | job |
//! |---|---|
//! | `bound.rs` | the first record, which says what the log is under its own signature |
//! | `order.rs` | the form of those by which something is ordered |
//! | `redaction.rs` | those that say which keys were destroyed, and on whose authority |
//! | `hold.rs` | those that say what must stay |
//! | `covers.rs` | which records redactions explain |

pub(super) mod bound;
mod covers;
mod hold;
mod order;
mod redaction;

pub(super) use covers::Covers;
pub use hold::{Held, Hold, Holds, Keep, OneHold};
pub(super) use order::{is_basis, joined};
pub use redaction::{Redaction, What};
