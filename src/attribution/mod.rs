//! Who made a commit, and why: what its message says.

mod agent;
pub mod demanded;
mod hints;
mod lines;
pub mod own;
mod trailers;
pub mod written;

pub use crate::model::Trigger;
pub use agent::{Agent, Model};
pub(crate) use trailers::{About, read};
pub(crate) use trailers::{hinted, named};
