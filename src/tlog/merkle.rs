//! Merkle trees (RFC 6962 section 2.1): hashes, roots, and proofs made and checked.

use super::LogError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// A hash of a tree: of an entry, of two others, or of everything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// The root of a tree without entries: SHA-256 of nothing.
    #[must_use]
    pub fn of_nothing() -> Self {
        Self(Sha256::digest(b"").into())
    }

    /// The hash of an entry: SHA-256 of a zero byte and the entry.
    #[must_use]
    pub fn of_entry(entry: &[u8]) -> Self {
        Self(Sha256::new().chain_update([0]).chain_update(entry).finalize().into())
    }

    /// The hash of two neighbours: SHA-256 of a one byte and both. The two first bytes keep an entry from being passed off
    /// as a pair of hashes.
    #[must_use]
    pub fn of_pair(left: &Self, right: &Self) -> Self {
        Self(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
    }

    /// Its 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads base64 with padding (RFC 4648 section 4) of exactly 32 bytes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(STANDARD.decode(text).ok()?.try_into().ok()?))
    }
}

impl From<[u8; 32]> for Hash {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where the hashes of complete subtrees come from: that of the `2^level` entries from `index * 2^level` on.
pub trait Nodes {
    /// The hash; none where it is not kept, or the subtree is not complete.
    fn node(&self, level: u32, index: u64) -> Option<Hash>;
}

/// The root of the first `size` entries.
///
/// # Errors
/// Names the node that is missing.
pub fn root(size: u64, nodes: &dyn Nodes) -> Result<Hash, LogError> {
    if size == 0 { Ok(Hash::of_nothing()) } else { range(0, size, nodes) }
}

/// The proof that an entry is in a tree (RFC 6962 section 2.1.1), the entry's neighbour first.
///
/// # Errors
/// When the tree has no such entry, or a node is missing.
pub fn inclusion(index: u64, size: u64, nodes: &dyn Nodes) -> Result<Vec<Hash>, LogError> {
    if index >= size {
        return Err(LogError::new("proof of inclusion", format!("entry {index} of a tree of {size}")));
    }
    let (mut low, mut high, mut proof) = (0, size, Vec::new());
    while high - low > 1 {
        let middle = low + split(high - low);
        let (other, next) =
            if index < middle { ((middle, high), (low, middle)) } else { ((low, middle), (middle, high)) };
        proof.push(range(other.0, other.1, nodes)?);
        (low, high) = next;
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that a tree of `new` entries begins with the tree of its first `old` (RFC 6962 section 2.1.2). Empty where
/// either says all: `old` is 0 or `new`.
///
/// # Errors
/// When `old` is more than `new`, or a node is missing.
pub fn consistency(old: u64, new: u64, nodes: &dyn Nodes) -> Result<Vec<Hash>, LogError> {
    if old > new {
        return Err(LogError::new("proof of consistency", format!("a tree of {new} does not begin with one of {old}")));
    }
    let mut proof = Vec::new();
    if old == 0 || old == new {
        return Ok(proof);
    }
    // Whether the whole of what is left is the old tree, whose root who asks knows already.
    let (mut low, mut high, mut known) = (0, new, true);
    while old != high {
        let middle = low + split(high - low);
        if old <= middle {
            proof.push(range(middle, high, nodes)?);
            high = middle;
        } else {
            proof.push(range(low, middle, nodes)?);
            (low, known) = (middle, false);
        }
    }
    if !known {
        proof.push(range(low, high, nodes)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The hash of a part of a tree that starts at a multiple of the power of two that covers it.
fn range(low: u64, high: u64, nodes: &dyn Nodes) -> Result<Hash, LogError> {
    let count = high - low;
    if count.is_power_of_two() {
        let level = count.trailing_zeros();
        let missing = || LogError::new("tree", format!("the hash of the entries {low} to {} is missing", high - 1));
        return nodes.node(level, low >> level).ok_or_else(missing);
    }
    let middle = low + split(count);
    Ok(Hash::of_pair(&range(low, middle, nodes)?, &range(middle, high, nodes)?))
}

/// The largest power of two below a count over one.
fn split(count: u64) -> u64 {
    1 << (u64::BITS - 1 - (count - 1).leading_zeros())
}

/// Checks that an entry is in the tree of a root (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// When the proof has another length than the tree demands, or leads to another root.
pub fn check_inclusion(entry: Hash, index: u64, size: u64, proof: &[Hash], root: Hash) -> Result<(), LogError> {
    let wrong = |cause: String| LogError::new("proof of inclusion", cause);
    if index >= size {
        return Err(wrong(format!("entry {index} of a tree of {size}")));
    }
    let (mut at, mut last, mut hash) = (index, size - 1, entry);
    for neighbour in proof {
        if last == 0 {
            return Err(wrong(format!("{} hashes, more than a tree of {size} has levels", proof.len())));
        }
        if at & 1 == 1 || at == last {
            hash = Hash::of_pair(neighbour, &hash);
            // A node without a neighbour to its right is its own parent.
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            hash = Hash::of_pair(&hash, neighbour);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    if last != 0 {
        return Err(wrong(format!("{} hashes, fewer than a tree of {size} has levels", proof.len())));
    }
    if hash != root {
        return Err(wrong(format!("expected the root {root}, found {hash}")));
    }
    Ok(())
}

/// Checks that a tree begins with an older one (RFC 9162 section 2.1.4.2).
///
/// # Errors
/// When it does not, or the proof has another length than the two sizes demand.
pub fn check_consistency(
    (old, old_root): (u64, Hash),
    (new, new_root): (u64, Hash),
    proof: &[Hash],
) -> Result<(), LogError> {
    let wrong = |cause: String| Err(LogError::new("proof of consistency", cause));
    if old > new {
        return wrong(format!("a tree of {new} does not begin with one of {old}"));
    }
    if old == 0 || old == new {
        let expected = if old == 0 { Hash::of_nothing() } else { new_root };
        return match () {
            () if !proof.is_empty() => wrong(format!("{} hashes, where none is needed", proof.len())),
            () if old_root != expected => wrong(format!("of one size, the roots {old_root} and {expected}")),
            () => Ok(()),
        };
    }
    // A complete old tree is a node of the new one, and the proof leaves it out.
    let whole = old.is_power_of_two().then_some(old_root);
    let mut hashes = whole.iter().chain(proof);
    let Some(first) = hashes.next() else { return wrong("no hashes".to_owned()) };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let (mut then, mut now) = (*first, *first);
    for hash in hashes {
        if last == 0 {
            return wrong(format!("{} hashes, more than a tree of {new} has levels", proof.len()));
        }
        if at & 1 == 1 || at == last {
            (then, now) = (Hash::of_pair(hash, &then), Hash::of_pair(hash, &now));
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            now = Hash::of_pair(&now, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    match () {
        () if last != 0 => wrong(format!("{} hashes, fewer than a tree of {new} has levels", proof.len())),
        () if then != old_root => wrong(format!("expected the old root {old_root}, found {then}")),
        () if now != new_root => wrong(format!("expected the new root {new_root}, found {now}")),
        () => Ok(()),
    }
}

/// The right edge of a tree: what is needed to go on and to say the root, a hash for each binary digit of the size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    /// Complete subtrees from the left, the largest first.
    subtrees: Vec<Hash>,
}

impl Edge {
    /// The edge of a tree that is there.
    ///
    /// # Errors
    /// Names the node that is missing.
    pub fn of(size: u64, nodes: &dyn Nodes) -> Result<Self, LogError> {
        let (mut low, mut subtrees) = (0, Vec::new());
        for level in (0..u64::BITS).rev().filter(|level| size >> level & 1 == 1) {
            subtrees.push(range(low, low + (1 << level), nodes)?);
            low += 1 << level;
        }
        Ok(Self { size, subtrees })
    }

    /// The edge of a tree of a size, by its complete subtrees from the left; none where there are more or fewer than the size has.
    #[must_use]
    pub fn from_subtrees(size: u64, subtrees: Vec<Hash>) -> Option<Self> {
        (subtrees.len() == size.count_ones() as usize).then_some(Self { size, subtrees })
    }

    /// Complete subtrees from the left, the largest first.
    #[must_use]
    pub fn subtrees(&self) -> &[Hash] {
        &self.subtrees
    }

    /// How many entries the tree has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Adds the hash of an entry, and hands on each node that it completes: level, index, hash, from the entry up.
    pub fn push(&mut self, entry: Hash, done: &mut dyn FnMut(u32, u64, Hash)) {
        let (mut hash, mut level) = (entry, 0);
        done(0, self.size, hash);
        // As a binary counter carries.
        while self.size >> level & 1 == 1 {
            let Some(left) = self.subtrees.pop() else { break };
            hash = Hash::of_pair(&left, &hash);
            level += 1;
            done(level, self.size >> level, hash);
        }
        self.subtrees.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        let whole = self.subtrees.iter().rev().copied().reduce(|right, left| Hash::of_pair(&left, &right));
        whole.unwrap_or_else(Hash::of_nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    #[derive(Default)]
    struct Kept(HashMap<(u32, u64), Hash>);

    impl Nodes for Kept {
        fn node(&self, level: u32, index: u64) -> Option<Hash> {
            self.0.get(&(level, index)).copied()
        }
    }

    fn entry(n: u64) -> Hash {
        Hash::of_entry(&n.to_be_bytes())
    }

    /// A tree, its nodes, and its root at each size.
    fn tree(size: u64) -> (Edge, Kept, Vec<Hash>) {
        let (mut edge, mut kept) = (Edge::default(), Kept::default());
        let mut roots = vec![edge.root()];
        for n in 0..size {
            edge.push(entry(n), &mut |level, index, hash| assert!(kept.0.insert((level, index), hash).is_none()));
            roots.push(edge.root());
        }
        (edge, kept, roots)
    }

    /// RFC 6962 section 2.1, as it is written.
    fn mth(entries: &[Hash]) -> Hash {
        match entries {
            [] => Hash::of_nothing(),
            [one] => *one,
            many => {
                let (left, right) = many.split_at(many.len().next_power_of_two() / 2);
                Hash::of_pair(&mth(left), &mth(right))
            }
        }
    }

    #[test]
    fn the_empty_tree_and_one_byte_are_those_of_the_specification() {
        let hex = |h: Hash| h.bytes().iter().map(|b| format!("{b:02x}")).collect::<String>();
        assert_eq!(hex(Hash::of_nothing()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(hex(Hash::of_entry(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }

    #[test]
    fn roots_are_those_of_the_definition() {
        let (edge, kept, roots) = tree(130);
        let entries: Vec<_> = (0..130).map(entry).collect();
        for size in 0..=130 {
            let expected = mth(&entries[..size as usize]);
            assert_eq!(roots[size as usize], expected);
            assert_eq!(root(size, &kept).unwrap(), expected);
            assert_eq!(Edge::of(size, &kept).unwrap().root(), expected);
        }
        assert_eq!(Edge::of(130, &kept).unwrap(), edge);
    }

    #[test]
    fn each_entry_of_each_size_has_a_proof_that_no_other_has() {
        let (_, kept, roots) = tree(34);
        for size in 1..=34 {
            for index in 0..size {
                let proof = inclusion(index, size, &kept).unwrap();
                let check = |entry, index, size, proof: &[Hash]| {
                    check_inclusion(entry, index, size, proof, roots[size as usize]).is_ok()
                };
                assert!(check(entry(index), index, size, &proof));
                assert!(!check(entry(index + 1), index, size, &proof), "another entry");
                assert!(!check(entry(index), (index + 1) % size, size, &proof) || size == 1, "another place");
                assert!(!check(entry(index), size, size, &proof), "behind the end");
                assert!(!check(entry(index), index, size, &[&proof[..], &[entry(0)]].concat()), "one more");
                if let Some((_, fewer)) = proof.split_last() {
                    assert!(!check(entry(index), index, size, fewer), "one fewer");
                }
                for at in 0..proof.len() {
                    let mut other = proof.clone();
                    other[at] = entry(99);
                    assert!(!check(entry(index), index, size, &other));
                }
            }
        }
        assert!(
            inclusion(34, 34, &kept).is_err() && inclusion(0, 0, &kept).is_err() && inclusion(3, 40, &kept).is_err()
        );
    }

    #[test]
    fn each_size_continues_each_smaller_one_and_no_other_tree() {
        let (_, kept, roots) = tree(34);
        for new in 0..=34_u64 {
            for old in 0..=new {
                let proof = consistency(old, new, &kept).unwrap();
                let at = |size: u64| (size, roots[size as usize]);
                check_consistency(at(old), at(new), &proof).unwrap();
                let other = Hash::of_entry(b"another");
                assert!(check_consistency((old, other), at(new), &proof).is_err(), "{old} {new}: another old root");
                if old > 0 {
                    assert!(check_consistency(at(old), (new, other), &proof).is_err(), "{old} {new}: another new root");
                }
                let more = [&proof[..], &[other]].concat();
                assert!(check_consistency(at(old), at(new), &more).is_err(), "{old} {new}: one more");
                if let Some((_, fewer)) = proof.split_last() {
                    assert!(check_consistency(at(old), at(new), fewer).is_err(), "{old} {new}: one fewer");
                }
                if old < new {
                    assert!(check_consistency(at(new), at(old), &proof).is_err());
                }
                // A root that was of a smaller tree, shown as that of one with more levels.
                for larger in (new.next_power_of_two() + 1..80).filter(|_| 0 < old && old < new) {
                    let shown = (larger, roots[new as usize]);
                    assert!(check_consistency(at(old), shown, &proof).is_err(), "{old} {new}: as {larger}");
                }
            }
        }
        assert!(consistency(3, 2, &kept).is_err() && consistency(3, 40, &kept).is_err());
    }

    proptest! {
        #[test]
        fn no_proof_makes_it_panic(index: u64, size: u64, old: u64, hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70)) {
            let proof: Vec<Hash> = hashes.into_iter().map(Hash::from).collect();
            let some = entry(1);
            prop_assert!(check_inclusion(some, index, size, &proof, some).is_err() || size == 1);
            let _ = check_consistency((old, some), (size, some), &proof);
        }
    }
}
