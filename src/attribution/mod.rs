//! Who made a commit, and why: what its message says.

mod agent;
pub mod demanded;
pub mod described;
mod hints;
mod lines;
pub mod own;
mod paragraphs;
mod trailers;
pub mod wanted;
pub mod written;

pub use crate::model::Trigger;
pub use agent::{Agent, Model};
pub use paragraphs::over_limit;
pub(crate) use trailers::{About, read};
pub(crate) use trailers::{every_hinted, hinted, looks_like, named};

/// The agent that has an address as its own.
#[must_use]
pub fn agent_of_address(address: &str) -> Option<&'static str> {
    hints::of_address(address)
}

/// The agent of an account of GitHub, by its number.
#[must_use]
pub fn agent_of_account(number: &str) -> Option<&'static str> {
    hints::of_account(number)
}

/// The agent that people call so.
#[must_use]
pub fn agent_of_name(name: &str) -> Option<&'static str> {
    hints::by_name(name)
}
