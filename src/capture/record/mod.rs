//! From the parts to what is recorded: put together by precedence, explained, and assembled into a predicate.

pub(in crate::capture) mod assemble;
pub(in crate::capture) mod assurance;
mod builder;
pub(in crate::capture) mod collect;
pub(in crate::capture) mod explain;
pub(in crate::capture) mod identity;
pub(in crate::capture) mod missing;
mod prefer;
mod source;
