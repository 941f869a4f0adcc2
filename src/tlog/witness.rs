//! What a log and a witness say to each other (C2SP tlog-witness, `add-checkpoint`).

use super::error::{LogError, decimal};
use super::{Checkpoint, Hash, Note, NoteKey, merkle};
use crate::model::limits;

/// Most hashes of a proof of consistency in a request.
const HASHES: usize = 63;

/// A request to cosign: the size that the witness is said to have seen last, the proof from it, and the new checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint<'a> {
    /// Size of the tree that the witness saw last.
    pub old: u64,
    /// The proof of consistency from that size.
    pub proof: Vec<Hash>,
    /// The checkpoint, as a note.
    pub checkpoint: &'a str,
}

impl<'a> AddCheckpoint<'a> {
    /// Reads the body of a request.
    ///
    /// # Errors
    /// Names the line that is missing or has another form.
    pub fn parse(body: &'a [u8]) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("request to a witness", cause);
        if body.len() > limits::PROOF_BYTES {
            return Err(wrong(&format!("{} bytes, of {} at most", body.len(), limits::PROOF_BYTES)));
        }
        let body = std::str::from_utf8(body).map_err(|_| wrong("no UTF-8"))?;
        let (head, checkpoint) = body.split_once("\n\n").ok_or_else(|| wrong("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n');
        let old = lines.next().and_then(|line| line.strip_prefix("old ")).and_then(decimal);
        let old = old.ok_or_else(|| wrong("no `old` size in its first line"))?;
        let proof = lines.map(|line| Hash::parse(line).ok_or_else(|| wrong("a hash that is not 32 bytes in base64")));
        let proof: Vec<Hash> = proof.collect::<Result<_, _>>()?;
        if proof.len() > HASHES {
            return Err(wrong(&format!("over {HASHES} hashes")));
        }
        Ok(Self { old, proof, checkpoint })
    }

    /// The body of a request.
    #[must_use]
    pub fn write(&self) -> String {
        let proof: String = self.proof.iter().map(|hash| format!("{hash}\n")).collect();
        format!("old {}\n{proof}\n{}", self.old, self.checkpoint)
    }
}

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The request cannot be read, or says to continue a larger tree than it has.
    Malformed(LogError),
    /// It does not watch this log.
    UnknownLog,
    /// No key of the log signed it, or somebody wants to pass for one.
    Unsigned,
    /// What it saw last has another size than the request says: this one.
    Conflict(u64),
    /// It does not continue what was seen last.
    Inconsistent(LogError),
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed(_) => 400,
            Self::Unsigned => 403,
            Self::UnknownLog => 404,
            Self::Conflict(_) => 409,
            Self::Inconsistent(_) => 422,
        }
    }

    /// Media type and body of the answer.
    #[must_use]
    pub fn body(&self) -> (&'static str, String) {
        let text = match self {
            Self::Malformed(e) | Self::Inconsistent(e) => e.to_string(),
            Self::UnknownLog => "this witness does not watch this log".into(),
            Self::Unsigned => "the checkpoint is not signed by a key of its log".into(),
            Self::Conflict(size) => return (SIZE_TYPE, format!("{size}\n")),
        };
        ("text/plain; charset=utf-8", text + "\n")
    }
}

/// Whether a witness may cosign a checkpoint: it is signed by a key of its log, and continues what this witness saw last of
/// it. `logs` are the keys of the logs that it watches; their names are origins.
///
/// # Errors
/// Why not. A witness that cosigned all the same would vouch for two histories of one log.
pub fn may_cosign(
    request: &AddCheckpoint<'_>,
    logs: &[NoteKey],
    last: impl FnOnce(&str) -> Option<(u64, Hash)>,
) -> Result<Checkpoint, Refusal> {
    let note = Note::parse(request.checkpoint.as_bytes()).map_err(Refusal::Malformed)?;
    let checkpoint = Checkpoint::parse(note.text).map_err(Refusal::Malformed)?;
    let mut keys = logs.iter().filter(|key| key.name() == checkpoint.origin).peekable();
    if keys.peek().is_none() {
        return Err(Refusal::UnknownLog);
    }
    let mut signed = false;
    for key in keys {
        signed |= note.is_signed_by(key).map_err(|_| Refusal::Unsigned)?;
    }
    if !signed {
        return Err(Refusal::Unsigned);
    }
    if request.old > checkpoint.size {
        let cause = format!("a tree of {} does not continue one of {}", checkpoint.size, request.old);
        return Err(Refusal::Malformed(LogError::new("request to a witness", cause)));
    }
    let (size, root) = last(&checkpoint.origin).unwrap_or_else(|| (0, Hash::of_nothing()));
    if request.old != size {
        return Err(Refusal::Conflict(size));
    }
    let continued = merkle::check_consistency((size, root), (checkpoint.size, checkpoint.root), &request.proof);
    continued.map_err(Refusal::Inconsistent)?;
    if checkpoint.size == 0 && checkpoint.root != Hash::of_nothing() {
        let cause = "an empty tree has the root of nothing";
        return Err(Refusal::Inconsistent(LogError::new("checkpoint", cause)));
    }
    Ok(checkpoint)
}

/// Media type of the answer that says which size a witness saw last (status 409).
pub const SIZE_TYPE: &str = "text/x.tlog.size";

/// The size in such an answer.
#[must_use]
pub fn size_of(body: &[u8]) -> Option<u64> {
    decimal(std::str::from_utf8(body).ok()?.strip_suffix('\n')?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::NoteSigner;

    /// A log of three entries: the roots by size, and what it signs.
    fn root(size: usize) -> Hash {
        let leaves: Vec<Hash> = (0_u8..3).map(|n| Hash::of_entry(&[n])).collect();
        match size {
            0 => Hash::of_nothing(),
            1 => leaves[0],
            2 => Hash::of_pair(&leaves[0], &leaves[1]),
            _ => Hash::of_pair(&root(2), &leaves[2]),
        }
    }

    #[test]
    fn only_what_continues_the_last_is_cosigned() {
        let log = NoteSigner::from_seed("log.example", &[1; 32]).unwrap();
        let keys = [log.key().clone()];
        let note = |by: &NoteSigner, size: usize, root: Hash| by.sign(&format!("log.example\n{size}\n{root}\n"));
        let asked = |old: u64, proof: Vec<Hash>, checkpoint: &str, last: Option<(u64, Hash)>| {
            may_cosign(&AddCheckpoint { old, proof, checkpoint }, &keys, |_| last).map(|c| c.size)
        };
        let status = |found: Result<u64, Refusal>| found.unwrap_err().status();
        let leaf = Hash::of_entry(&[2]);
        let (one, two, three) = (note(&log, 1, root(1)), note(&log, 2, root(2)), note(&log, 3, root(3)));
        let seen = Some((2, root(2)));
        assert_eq!(asked(0, vec![], &two, None), Ok(2));
        assert_eq!(asked(2, vec![leaf], &three, seen), Ok(3));
        assert_eq!(asked(2, vec![], &two, seen), Ok(2), "again");
        assert_eq!(asked(0, vec![], &note(&log, 0, root(0)), None), Ok(0));
        // Another history of the same size, of a larger one, and of none.
        assert_eq!(status(asked(2, vec![], &note(&log, 2, root(1)), seen)), 422);
        assert_eq!(status(asked(2, vec![root(1)], &three, seen)), 422);
        assert_eq!(status(asked(0, vec![leaf], &two, None)), 422);
        assert_eq!(status(asked(0, vec![], &note(&log, 0, root(1)), None)), 422);
        // What was seen is not forgotten because the request says so.
        assert_eq!(asked(0, vec![], &two, Some((3, root(3)))), Err(Refusal::Conflict(3)));
        assert_eq!(asked(1, vec![], &one, seen), Err(Refusal::Conflict(2)));
        assert_eq!(asked(1, vec![], &one, seen).unwrap_err().body(), (SIZE_TYPE, "2\n".into()));
        assert_eq!(status(asked(2, vec![], &one, seen)), 400);
        // Somebody else's.
        let forger = NoteSigner::from_seed("log.example", &[2; 32]).unwrap();
        assert_eq!(asked(0, vec![], &note(&forger, 2, root(2)), None), Err(Refusal::Unsigned));
        let other = NoteSigner::from_seed("other.example", &[1; 32]).unwrap();
        let other = other.sign(&format!("other.example\n1\n{}\n", root(1)));
        assert_eq!(asked(0, vec![], &other, None), Err(Refusal::UnknownLog));
        assert_eq!(status(asked(0, vec![], "x", None)), 400);
    }

    #[test]
    fn a_request_is_what_was_written() {
        let hash = Hash::of_nothing();
        for proof in [vec![], vec![hash], vec![hash; 63]] {
            let request = AddCheckpoint { old: 20_852_163, proof, checkpoint: "o\n1\nAAAA\n\n\u{2014} o AAAAAAA=\n" };
            assert_eq!(AddCheckpoint::parse(request.write().as_bytes()).unwrap(), request);
        }
        let good = AddCheckpoint { old: 1, proof: vec![hash], checkpoint: "c\n" }.write();
        for bad in [
            good.replacen("old 1", "old 01", 1),
            good.replacen("old 1", "old", 1),
            good.replacen("\n\n", "\n", 1),
            good.replacen(&hash.to_string(), "AAAA", 1),
            String::new(),
            AddCheckpoint { old: 1, proof: vec![hash; 64], checkpoint: "c\n" }.write(),
            "x".repeat(limits::PROOF_BYTES + 1),
        ] {
            assert!(AddCheckpoint::parse(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(AddCheckpoint::parse(b"\xff\n\n").is_err());
        assert_eq!((size_of(b"12\n"), size_of(b"12"), size_of(b"-1\n"), size_of(b"")), (Some(12), None, None, None));
    }
}
