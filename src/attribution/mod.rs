//! Who made a commit, and why: what its message says.

mod agent;
pub mod demanded;
pub mod described;
mod hints;
mod lines;
pub mod own;
mod paragraphs;
mod trailers;
pub mod written;

pub use crate::model::Trigger;
pub use agent::{Agent, Model};
pub use paragraphs::over_limit;
pub(crate) use trailers::{About, read};
pub(crate) use trailers::{every_hinted, hinted, looks_like, named};
