//! Container files, as far as they say what an image is built on: as BuildKit reads them.
//!
//! Whoever reads one otherwise than the builder does would have another base image signed than was built on. So this follows
//! BuildKit's own reader to the letter (`interop` compares the two), and where that would refuse a file, or a value is
//! known to the builder alone, there is no answer.

mod instructions;
mod shell;
mod stages;

pub(in crate::capture) use stages::base;

/// Why a container file names no base image, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoBase {
    /// The builder would refuse the file.
    Refused(String),
    /// The builder knows, and the file does not say.
    Open(String),
}

fn refused<T>(reason: impl Into<String>) -> Result<T, NoBase> {
    Err(NoBase::Refused(reason.into()))
}

#[cfg(test)]
mod tests;
