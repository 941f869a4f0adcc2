//! The GitHub Action: its inputs as the arguments of `attest create` and `attest verify`, and what these answered as outputs,
//! job summary and annotations. `action.yml` hands inputs over as variables and calls `attest action`; it holds no logic.
//!
//! No rule about statements, signatures or policies is here: [`Commands`] is the command line itself.

mod advice;
mod arguments;
mod commands;
pub mod encode;
mod error;
mod github;
mod given;
pub mod inputs;
mod junit;
mod list;
mod run;
mod runner;
mod subjects;
mod summary;

pub use commands::{Commands, Made, Trouble};
pub use error::ActionError;
pub use inputs::{Action, Input};
pub use run::{Ended, create, verify};
