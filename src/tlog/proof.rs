//! Proofs (C2SP tlog-proof, `.tlog-proof`): the receipt of one entry, which needs no network to be checked.

use super::error::{LogError, decimal};
use super::policy::{Policy, Seen};
use super::{Checkpoint, Hash, Note, merkle};
use crate::model::limits;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt::Write as _;

/// First line of a proof.
const HEAD: &str = "c2sp.org/tlog-proof@v1";

/// That an entry is in a log: its place, the way to the root, and a checkpoint as it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// What whoever made it adds; nothing vouches for it.
    pub extra: Option<Vec<u8>>,
    /// The entry's number in the log, from 0.
    pub index: u64,
    /// Hashes from the entry's neighbour up to the root's child.
    pub hashes: Vec<Hash>,
    /// The note, to the letter.
    pub checkpoint: String,
}

impl Proof {
    /// Reads a proof.
    ///
    /// # Errors
    /// Names the line that is missing or has another form.
    pub fn parse(bytes: &[u8]) -> Result<Self, LogError> {
        let wrong = |cause: &str| LogError::new("proof", cause);
        if bytes.len() > limits::PROOF_BYTES {
            return Err(wrong(&format!("{} bytes, of {} at most", bytes.len(), limits::PROOF_BYTES)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("no UTF-8"))?;
        let (head, checkpoint) = text.split_once("\n\n").ok_or_else(|| wrong("no empty line before the checkpoint"))?;
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(HEAD) {
            return Err(wrong(&format!("its first line is not {HEAD}")));
        }
        let extra =
            lines.next_if(|line| line.starts_with("extra ")).map(|line| STANDARD.decode(&line["extra ".len()..]));
        let extra = extra.transpose().map_err(|_| wrong("`extra` is no base64"))?;
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(decimal);
        let index = index.ok_or_else(|| wrong("no `index` in decimal"))?;
        let hashes = lines.map(|line| Hash::parse(line).ok_or_else(|| wrong("a hash that is not 32 bytes in base64")));
        let hashes: Vec<Hash> = hashes.collect::<Result<_, _>>()?;
        if hashes.len() > 64 {
            return Err(wrong("more hashes than a tree has levels"));
        }
        Ok(Self { extra, index, hashes, checkpoint: checkpoint.to_owned() })
    }

    /// As a file.
    #[must_use]
    pub fn write(&self) -> String {
        let mut out = format!("{HEAD}\n");
        if let Some(extra) = &self.extra {
            let _ = writeln!(out, "extra {}", STANDARD.encode(extra));
        }
        let _ = writeln!(out, "index {}", self.index);
        for hash in &self.hashes {
            let _ = writeln!(out, "{hash}");
        }
        out + "\n" + &self.checkpoint
    }

    /// Checks that an entry is in a log that a policy names, under a checkpoint that as many saw as it demands.
    ///
    /// # Errors
    /// What is not proven.
    pub fn check(&self, entry: Hash, policy: &Policy) -> Result<(Checkpoint, Seen), LogError> {
        let note = Note::parse(self.checkpoint.as_bytes())?;
        let (checkpoint, seen) = policy.check(&note)?;
        merkle::check_inclusion(entry, self.index, checkpoint.size, &self.hashes, checkpoint.root)?;
        Ok((checkpoint, seen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::policy::tests::World;

    #[test]
    fn a_receipt_proves_one_entry_under_a_policy() {
        let world = World::new();
        let (left, right) = (Hash::of_entry(b"left"), Hash::of_entry(b"right"));
        let checkpoint = world.checkpoint(2, Hash::of_pair(&left, &right), &["w1", "w2"]);
        let proof = Proof { extra: Some(b"x".to_vec()), index: 1, hashes: vec![left], checkpoint };
        let read = Proof::parse(proof.write().as_bytes()).unwrap();
        assert_eq!(read, proof);
        let policy = world.policy("any");
        let (found, seen) = read.check(right, &policy).unwrap();
        assert_eq!((found.size, seen.len()), (2, 2));
        assert!(read.check(left, &policy).is_err(), "another entry");
        assert!(Proof { index: 0, ..read.clone() }.check(right, &policy).is_err(), "another place");
        assert!(Proof { hashes: vec![], ..read.clone() }.check(right, &policy).is_err());
        let cut = read.checkpoint.replacen("\n2\n", "\n3\n", 1);
        assert!(Proof { checkpoint: cut, ..read.clone() }.check(right, &policy).is_err(), "another size");
        let text = proof.write();
        for bad in [
            text.replacen("@v1", "@v2", 1),
            text.replacen("index 1", "index 01", 1),
            text.replacen("extra eA==", "extra ?", 1),
            text.replacen("index 1\n", "", 1),
            text.replacen(&left.to_string(), "AAAA", 1),
            text.replacen("\n\n", "\n", 2),
            Proof { hashes: vec![left; 65], ..read }.write(),
        ] {
            assert!(Proof::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
