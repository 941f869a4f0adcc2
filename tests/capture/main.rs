//! Capturing the context of a build with the real git, in temporary folders.

#![expect(clippy::disallowed_methods, reason = "makes checkouts, and reads the golden files")]

mod explain;
mod repo;
mod source;
mod step;
mod traps;
