//! The rules of the house that no compiler keeps: direction of the layers, the doors for I/O, the size of files, who may
//! import what, and documents that say what is true.
//!
//! Each rule is a function from text to violations, run over the real tree; beside it stands a self-test that plants a
//! violation and sees it caught.

#![expect(clippy::disallowed_methods, reason = "reads the source tree and runs the built binary")]

#[cfg(feature = "cli")]
mod action;
#[cfg(feature = "cli")]
mod ci;
mod circles;
#[cfg(feature = "cli")]
mod code_page;
mod codes;
mod documents;
mod doors;
mod fields;
mod house;
mod layers;
mod links;
mod readme;
#[cfg(feature = "cli")]
mod schemas;
mod source;

/// Fails with all violations at once, so that one run shows the whole list.
#[track_caller]
fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "{} violations:\n{}", violations.len(), violations.join("\n"));
}
#[cfg(feature = "cli")]
#[path = "../world/mod.rs"]
mod world;
