//! Anchors: what others outside say of a checkpoint of this log. Witnesses cosign it, timestamp authorities say when it was
//! there. What they answered is kept beside the log, and only ever added to.
//!
//! | file | job |
//! |---|---|
//! | `ask.rs` | the conversation with one witness (C2SP tlog-witness) |
//! | `http.rs` | a witness at an address |
//! | `folder.rs`, `memory.rs` | where anchors are kept |
//!
//! A kept anchor is a checkpoint with its cosignatures, as C2SP's tools read it. It proves nothing by itself: who checks a log
//! brings a policy that says whose cosignatures count.

mod ask;
mod folder;
mod http;
mod memory;

pub use ask::{Asked, CLOCK_SKEW, Said, ask};
pub use folder::FolderAnchors;
pub use http::HttpWitness;
pub use memory::MemoryAnchors;

use super::AuditError;
use crate::model::digest::hex;
use crate::model::limits;
use crate::seam::BoxFuture;
use crate::tlog::{Checkpoint, Line, Note};
use sha2::{Digest as _, Sha256};

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

    /// Keeps a timestamp over the text of a checkpoint; the anchor's name.
    ///
    /// # Errors
    /// As [`Anchors::keep`].
    fn keep_timestamp(&mut self, note: &str, token: &[u8]) -> Result<String, AuditError>;
}

/// The name of what is kept of a checkpoint: its size, so that names sort by it, and the hash of its text, so that two
/// histories of one size have two.
fn name_of(note: &str) -> Result<String, AuditError> {
    let note = Note::parse(note.as_bytes())?;
    let checkpoint = Checkpoint::parse(note.text)?;
    Ok(format!("{:020}-{}", checkpoint.size, &hex(&Sha256::digest(note.text))[..16]))
}

/// What is kept, and one more line. Of each key the first cosignature stays: it says the earliest time.
fn with_line(kept: Option<&[u8]>, name: &str, note: &str, line: &str) -> Result<String, AuditError> {
    let damaged = |cause: String| AuditError::damaged(None, format!("the anchor {name}: {cause}"));
    let kept = match kept {
        Some(bytes) => std::str::from_utf8(bytes).map_err(|_| damaged("no UTF-8".into()))?,
        None => note,
    };
    let found = Note::parse(kept.as_bytes()).map_err(|e| damaged(e.to_string()))?;
    if found.text != Note::parse(note.as_bytes())?.text {
        return Err(damaged("it is of another checkpoint than its name says".into()));
    }
    let new = Line::parse(line)?;
    if found.lines.iter().any(|line| (line.name, line.id) == (new.name, new.id)) {
        return Ok(kept.to_owned());
    }
    if found.lines.len() >= limits::COSIGNATURES {
        return Err(AuditError::malformed(
            format!("anchor {name}"),
            format!("over {} signatures", limits::COSIGNATURES),
        ));
    }
    Ok(format!("{kept}{new}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::NoteSigner;
    use crate::tlog::{Cosigner, Hash};

    fn note(size: u64) -> String {
        let text = format!("log.example\n{size}\n{}\n", Hash::of_entry(&size.to_be_bytes()));
        NoteSigner::from_seed("log.example", &[1; 32]).unwrap().sign(&text)
    }

    fn line(seed: u8, note: &str, time: u64) -> String {
        let name = format!("w{seed}.example");
        let witness = Cosigner::of(NoteSigner::from_seed(&name, &[seed; 32]).unwrap()).unwrap();
        witness.cosign(Note::parse(note.as_bytes()).unwrap().text, time)
    }

    /// What every back end does.
    fn conforms(anchors: &mut dyn Anchors) {
        assert!(anchors.all().unwrap().is_empty());
        let (large, small) = (note(300), note(7));
        let (one, two, later) = (line(2, &large, 5), line(3, &large, 6), line(2, &large, 9));
        let name = anchors.keep(&large, &one).unwrap();
        assert_eq!(anchors.keep(&large, &two).unwrap(), name);
        assert_eq!(anchors.keep(&large, &later).unwrap(), name, "a later one by the same key adds nothing");
        anchors.keep(&small, &line(2, &small, 4)).unwrap();
        anchors.keep_timestamp(&large, b"stamp").unwrap();
        anchors.keep_timestamp(&large, b"stamp").unwrap();
        anchors.keep_timestamp(&large, b"another").unwrap();
        let all = anchors.all().unwrap();
        assert_eq!(all.len(), 2);
        assert!(all[0].name.starts_with("00000000000000000007-") && all[0].timestamps.is_empty(), "{}", all[0].name);
        assert_eq!(String::from_utf8(all[1].note.clone()).unwrap(), format!("{large}{one}\n{two}\n"));
        let mut stamps = all[1].timestamps.clone();
        stamps.sort();
        assert_eq!(stamps, [b"another".to_vec(), b"stamp".to_vec()]);
        // Another history of the same size is another anchor.
        let other = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
        let other = other.sign(&format!("log.example\n300\n{}\n", Hash::of_nothing()));
        assert_ne!(anchors.keep(&other, &line(2, &other, 5)).unwrap(), name);
        assert_eq!(anchors.all().unwrap().len(), 3);
        assert!(anchors.keep("no note", &one).is_err() && anchors.keep(&large, "no line").is_err());
    }

    #[test]
    fn anchors_are_kept_and_added_to() {
        conforms(&mut MemoryAnchors::default());
        let dir = tempfile::tempdir().unwrap();
        conforms(&mut FolderAnchors::writer(dir.path(), std::time::Duration::ZERO).unwrap());
        assert_eq!(FolderAnchors::read_only(dir.path()).all().unwrap().len(), 3);
    }

    #[test]
    fn one_process_at_a_time_adds_and_a_changed_anchor_is_found() {
        let dir = tempfile::tempdir().unwrap();
        assert!(FolderAnchors::read_only(dir.path()).all().unwrap().is_empty(), "none is no error");
        let mut anchors = FolderAnchors::writer(dir.path(), std::time::Duration::ZERO).unwrap();
        let again = FolderAnchors::writer(dir.path(), std::time::Duration::ZERO);
        assert!(matches!(again, Err(AuditError::Locked { .. })));
        let (seven, eight) = (note(7), note(8));
        let name = anchors.keep(&seven, &line(2, &seven, 4)).unwrap();
        let path = dir.path().join("anchors").join(format!("{name}.checkpoint"));
        std::fs::write(&path, format!("{eight}{}\n", line(2, &eight, 4))).unwrap();
        assert!(matches!(anchors.keep(&seven, &line(3, &seven, 4)), Err(AuditError::Damaged { .. })));
        // What is no anchor is passed over.
        std::fs::write(dir.path().join("anchors/notes.txt"), "x").unwrap();
        assert_eq!(anchors.all().unwrap().len(), 1);
    }
}
