//! A policy file: what it may say, from text to [`Policy`](super::Policy), whole or not at all, and its JSON Schema.

mod cluster;
mod images;
mod requirement;
mod root;
#[cfg(test)]
mod tests;

pub use root::{node, parse, schema};
