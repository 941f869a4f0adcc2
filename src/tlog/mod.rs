//! Transparency logs as C2SP and RFC 6962 describe them: one file for each specification, values and rules only.
//!
//! | file | specification |
//! |---|---|
//! | `merkle.rs` | RFC 6962 section 2.1, RFC 9162 section 2.1: trees, proofs that an entry is in one, that one continues another |
//! | `tile.rs` | C2SP tlog-tiles: how the hashes and entries of a log stand in files |
//! | `note.rs` | C2SP signed-note: text with signature lines, and keys as text |
//! | `checkpoint.rs` | C2SP tlog-checkpoint: what a log says of its tree |
//! | `cosignature.rs` | C2SP tlog-cosignature: that somebody else saw a checkpoint, and when |
//! | `proof.rs` | C2SP tlog-proof: the receipt of one entry |
//! | `policy.rs` | C2SP tlog-policy: whose signatures suffice |
//! | `witness.rs` | C2SP tlog-witness: what a log and a witness say to each other |
//!
//! Nothing here reads a file, asks a network or knows the time.

pub mod checkpoint;
pub mod cosignature;
mod error;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
pub mod tile;
pub mod witness;

pub use checkpoint::Checkpoint;
pub use cosignature::{Cosigner, CosignerKey};
pub use error::LogError;
pub use merkle::Hash;
pub use note::{Kind, Line, Note, NoteKey};
