//! Capturing the context of a build with the real git, in temporary folders.

#![expect(clippy::disallowed_methods, reason = "makes checkouts, and reads the golden files")]
#![expect(clippy::print_stdout, reason = "says by name what was skipped")]

mod attribution;
mod commit;
mod counted;
mod elsewhere;
mod environments;
mod examples;
mod explain;
mod inputs;
mod links;
mod page;
mod platforms;
mod providers;
mod repo;
mod source;
mod step;
mod trails;
mod traps;

#[path = "../verification/vectors.rs"]
mod vectors;
