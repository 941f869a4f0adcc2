//! Anchors: what others outside say of a checkpoint of this log. Witnesses cosign it, timestamp authorities say when it was
//! there, public logs have it for everybody to see. What they answered is kept beside the log, and only ever added to.
//!
//! | file | job |
//! |---|---|
//! | `ask.rs` | the conversation with one witness (C2SP tlog-witness) |
//! | `http.rs` | a witness at an address |
//! | `kept.rs` | what is kept, and one answer more |
//! | `folder.rs`, `memory.rs` | where anchors are kept |
//!
//! A kept anchor is a checkpoint with its cosignatures, as C2SP's tools read it. It proves nothing by itself: who checks a log
//! brings a policy that says whose cosignatures count, and trusted roots that say whose timestamps and which public logs do.

mod ask;
mod folder;
mod http;
mod kept;
mod memory;
#[cfg(test)]
mod tests;

pub use ask::{Asked, Said, ask};
pub use folder::FolderAnchors;
pub use http::HttpWitness;
pub use kept::file_of;
pub use memory::MemoryAnchors;

use super::AuditError;
use crate::model::limits;
use crate::seam::BoxFuture;

/// An answer of a witness, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessAnswer {
    /// HTTP status.
    pub status: u16,
    /// The body, within a limit.
    pub body: Vec<u8>,
    /// The body in words, fit to be shown.
    pub words: String,
}

/// Somebody who cosigns checkpoints.
///
/// A back end MUST hand the body over as it is, and MUST NOT make an answer of an error.
pub trait Witness: Send + Sync {
    /// Hands in a request of `add-checkpoint`; why there is no answer, in words, where there is none.
    fn add_checkpoint<'a>(&'a self, body: &'a str) -> BoxFuture<'a, Result<WitnessAnswer, String>>;
}

/// What is kept of one checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// Its name among the anchors.
    pub name: String,
    /// The checkpoint as a note: the log's signature, then the cosignatures.
    pub note: Vec<u8>,
    /// RFC 3161 timestamps (`TimeStampResp`, DER) over the note's text.
    pub timestamps: Vec<Vec<u8>>,
    /// Entries of public logs (`TransparencyLogEntry` of `sigstore_rekor.proto`, JSON) about the note's text.
    pub entries: Vec<Vec<u8>>,
    /// Files that hold something else than what they were named after.
    pub changed: Vec<String>,
}

impl Anchor {
    fn new(name: String, note: Vec<u8>) -> Self {
        Self { name, note, timestamps: Vec::new(), entries: Vec::new(), changed: Vec::new() }
    }

    /// What is kept of one kind.
    fn of(&mut self, kind: Beside) -> &mut Vec<Vec<u8>> {
        match kind {
            Beside::Timestamp => &mut self.timestamps,
            Beside::Entry => &mut self.entries,
        }
    }
}

/// What is kept beside a checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// An RFC 3161 timestamp over its text.
    Timestamp,
    /// The entry of a public log about its text.
    Entry,
}

impl Beside {
    /// How its files end, how long one may be (bytes), and how many are looked at of one checkpoint.
    fn form(self) -> (&'static str, usize, usize) {
        match self {
            Self::Timestamp => ("tsr", limits::TIMESTAMP_BYTES, limits::TIMESTAMPS),
            Self::Entry => ("entry.json", limits::KEPT_ENTRY_BYTES, limits::LOG_ENTRIES),
        }
    }
}

/// Where the anchors of one log are kept.
///
/// A back end MUST keep to this: what was kept is durable when the method returns, and stays; a crash leaves an anchor as it
/// was before or after, never half.
pub trait Anchors: Send {
    /// Every anchor, the smallest tree first.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn all(&self) -> Result<Vec<Anchor>, AuditError>;

    /// Keeps the cosignature of a checkpoint, which is a note of the log; the anchor's name.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Damaged`] where what is kept of this checkpoint was changed.
    fn keep(&mut self, note: &str, line: &str) -> Result<String, AuditError>;

    /// Keeps what was said of the text of a checkpoint; the anchor's name.
    ///
    /// # Errors
    /// As [`Anchors::keep`].
    fn keep_beside(&mut self, note: &str, kind: Beside, bytes: &[u8]) -> Result<String, AuditError>;
}
