//! Who may sign: a key or a certificate, when, and what they may speak for.

mod rule;

pub use rule::{Revoked, SignerMatch, SignerRule};
