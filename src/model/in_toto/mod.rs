//! Statements, their subjects, and the envelopes and bundles that carry them.

pub mod bundle;
pub mod envelope;
pub mod resource;
pub mod spelling;
pub mod statement;
mod written;
