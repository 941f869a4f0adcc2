//! What a log and a witness say to each other (C2SP tlog-witness, `add-checkpoint`).

use super::Hash;
use super::error::{LogError, decimal};
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
