//! Who made a commit, and why: what its message says.

mod agent;
mod hints;
mod lines;
mod trailers;

pub use crate::model::Trigger;
pub use agent::Agent;
pub(crate) use trailers::named;
pub(crate) use trailers::{About, read};
