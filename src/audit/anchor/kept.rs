//! What is kept of a checkpoint: its name, and how an answer is added to it.

use super::Beside;
use crate::audit::AuditError;
use crate::model::digest::hex;
use crate::model::limits;
use crate::tlog::{Checkpoint, Line, Note};
use sha2::{Digest as _, Sha256};

/// The name of what is kept of a checkpoint: its size, so that names sort by it, and the hash of its text, so that two
/// histories of one size have two.
pub(super) fn name_of(note: &str) -> Result<String, AuditError> {
    let note = Note::parse(note.as_bytes())?;
    let checkpoint = Checkpoint::parse(note.text)?;
    Ok(format!("{:020}-{}", checkpoint.size, &hex(&Sha256::digest(note.text))[..16]))
}

/// The file in which something is kept beside a checkpoint, by the anchor's name: after its content, so that a change of it shows.
#[must_use]
pub fn file_of(name: &str, kind: Beside, bytes: &[u8]) -> String {
    format!("{name}.{}.{}", &hex(&Sha256::digest(bytes))[..16], kind.form().0)
}

/// What is kept, and one more line. Of each key the first cosignature stays: it says the earliest time.
pub(super) fn with_line(kept: Option<&[u8]>, name: &str, note: &str, line: &str) -> Result<String, AuditError> {
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
