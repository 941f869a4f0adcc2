//! A salted hash of each field of a record, and the root over them: it stays in the log for ever and says nothing, until
//! somebody who has a field's salt shows that field.

use super::draft::Known;
use crate::tlog::Hash;
use crate::tlog::merkle::{self, Edge, Nodes};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

/// What is hashed first: this form of commitment and no other.
const LABEL: &[u8] = b"attest/field/v1";

/// The commitment to one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commitment(pub [u8; 32]);

impl Commitment {
    /// The commitment to a field's value, and to how it is known. A value that is withheld is `null`.
    #[must_use]
    pub fn to(name: &str, value: &Value, known: Known, salt: &[u8; 32]) -> Self {
        // A value that cannot be written cannot be read either: there is none.
        let value = serde_json_canonicalizer::to_vec(value).unwrap_or_default();
        let hash = Sha256::new()
            .chain_update(LABEL)
            .chain_update((name.len() as u16).to_be_bytes())
            .chain_update(name)
            .chain_update(salt)
            .chain_update([known as u8])
            .chain_update((value.len() as u32).to_be_bytes())
            .chain_update(value);
        Self(hash.finalize().into())
    }
}

/// The commitments of a record, in the order of the table of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commitments(pub Vec<Commitment>);

struct Kept(HashMap<(u32, u64), Hash>);

impl Nodes for Kept {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        self.0.get(&(level, index)).copied()
    }
}

impl Commitments {
    /// Their root (RFC 6962 section 2.1).
    #[must_use]
    pub fn root(&self) -> Hash {
        let mut edge = Edge::default();
        for one in &self.0 {
            edge.push(Hash::of_entry(&one.0), &mut |_, _, _| {});
        }
        edge.root()
    }

    /// The proof that one of them is under the root; none where there is no such one.
    #[must_use]
    pub fn proof(&self, at: usize) -> Option<Vec<Hash>> {
        let (mut edge, mut kept) = (Edge::default(), Kept(HashMap::new()));
        for one in &self.0 {
            edge.push(Hash::of_entry(&one.0), &mut |level, index, hash| {
                kept.0.insert((level, index), hash);
            });
        }
        merkle::inclusion(at as u64, edge.size(), &kept).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_commitment_is_to_the_name_the_value_its_form_and_how_it_is_known() {
        let of = |name: &str, value: Value, known, salt: u8| Commitment::to(name, &value, known, &[salt; 32]);
        let one = of("target", json!("a"), Known::Declared, 1);
        assert_eq!(one, of("target", json!("a"), Known::Declared, 1));
        for other in [
            of("targe", json!("ta"), Known::Declared, 1),
            of("target", json!("b"), Known::Declared, 1),
            of("target", json!(["a"]), Known::Declared, 1),
            of("target", json!(null), Known::Declared, 1),
            of("target", json!("a"), Known::Witnessed, 1),
            of("target", json!("a"), Known::Declared, 2),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn each_field_has_a_proof_under_the_root() {
        let all = Commitments((0..14).map(|n| Commitment([n; 32])).collect());
        for at in 0..14 {
            let proof = all.proof(at).unwrap();
            let leaf = |n: usize| Hash::of_entry(&[n as u8; 32]);
            assert!(merkle::check_inclusion(leaf(at), at as u64, 14, &proof, all.root()).is_ok());
            assert!(merkle::check_inclusion(leaf(at + 1), at as u64, 14, &proof, all.root()).is_err());
        }
        assert_eq!(all.proof(14), None);
    }
}
