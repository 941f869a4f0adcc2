//! Commands as a person runs them, with everything that they print. To accept what changed: `SNAPSHOTS=overwrite cargo
//! test --test cli`, then read the difference as its reader would.
#![cfg(feature = "cli")]
#![expect(clippy::disallowed_methods, reason = "makes folders and runs the built binary in them")]

mod approve;
mod help;
mod planted;
mod planted_matrix;
mod scenarios;
mod transcript;
#[path = "../world/mod.rs"]
mod world;
