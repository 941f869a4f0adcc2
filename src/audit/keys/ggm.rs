//! A tree of keys from which single ones can be taken away (Goldreich, Goldwasser and Micali, with punctures).
//!
//! A node's two children are hashes of it, and the 2^32 leaves are keys of records. Whoever has a node has every leaf below
//! it, and nobody gets from a node to its parent. To take a leaf away, the node above it is replaced by the nodes beside the
//! way down: 32 at most, however many records there are.

use super::key::{Key, Reader};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// Levels below the root.
const DEPTH: u8 = 32;

/// What is left of a tree: nodes by the first leaf below them, with their level (0 is the whole tree).
#[derive(Clone)]
pub(super) struct Tree(BTreeMap<u32, (u8, Key)>);

impl Tree {
    pub(super) fn new(root: Key) -> Self {
        Self(BTreeMap::from([(0, (0, root))]))
    }

    /// The node above a leaf, with its first leaf and level.
    fn above(&self, leaf: u32) -> Option<(u32, u8, &Key)> {
        let (first, (level, key)) = self.0.range(..=leaf).next_back()?;
        let same = *level == 0 || leaf >> (DEPTH - level) == first >> (DEPTH - level);
        same.then_some((*first, *level, key))
    }

    pub(super) fn leaf(&self, leaf: u32) -> Option<Key> {
        let (_, level, key) = self.above(leaf)?;
        let mut key = key.clone();
        for level in level..DEPTH {
            key = child(&key, bit(leaf, level));
        }
        Some(key)
    }

    pub(super) fn puncture(&mut self, leaf: u32) {
        let Some((first, level, key)) = self.above(leaf) else { return };
        let mut key = key.clone();
        self.0.remove(&first);
        for level in level..DEPTH {
            let down = bit(leaf, level);
            // The first leaf below the node beside the way.
            let beside = (leaf >> (DEPTH - level - 1) ^ 1) << (DEPTH - level - 1);
            self.0.insert(beside, (level + 1, child(&key, !down)));
            key = child(&key, down);
        }
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend((self.0.len() as u32).to_be_bytes());
        for (first, (level, key)) in &self.0 {
            out.extend(first.to_be_bytes());
            out.push(*level);
            out.extend(&key[..]);
        }
    }

    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let mut nodes = BTreeMap::new();
        for _ in 0..reader.number()? {
            let first = reader.number()?;
            let level = *reader.take(1)?.first()?;
            if level > DEPTH {
                return None;
            }
            nodes.insert(first, (level, reader.key()?));
        }
        Some(Self(nodes))
    }
}

/// Which way a leaf lies below a node of a level.
fn bit(leaf: u32, level: u8) -> bool {
    leaf >> (DEPTH - 1 - level) & 1 == 1
}

fn child(key: &Key, right: bool) -> Key {
    let mut out = Key::default();
    out.copy_from_slice(
        &Sha256::new().chain_update(b"attest/ggm/v1").chain_update([u8::from(right)]).chain_update(&key[..]).finalize(),
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_away_is_gone_and_everything_else_stays() {
        let mut tree = Tree::new(Key::new([7; 32]));
        let sample = [0, 1, 2, 3, 7, 8, 1000, u32::MAX - 1, u32::MAX];
        let before: Vec<_> = sample.iter().map(|leaf| tree.leaf(*leaf).unwrap()).collect();
        for (n, key) in before.iter().enumerate() {
            assert!(before.iter().skip(n + 1).all(|other| other != key));
        }
        let gone = [1, 8, u32::MAX];
        for leaf in gone {
            tree.puncture(leaf);
            tree.puncture(leaf);
        }
        for (leaf, key) in sample.iter().zip(&before) {
            assert_eq!(tree.leaf(*leaf).as_ref(), (!gone.contains(leaf)).then_some(key), "{leaf}");
        }
        assert!(tree.0.len() <= 32 * 3);
        // No node that is left leads to what is gone.
        assert!(gone.iter().all(|leaf| tree.above(*leaf).is_none()));
    }

    #[test]
    fn a_thousand_neighbours_cost_little() {
        let mut tree = Tree::new(Key::new([7; 32]));
        (5000..6000).for_each(|leaf| tree.puncture(leaf));
        assert!(tree.0.len() < 64, "{}", tree.0.len());
        assert!((5000..6000).all(|leaf| tree.leaf(leaf).is_none()));
        assert!(tree.leaf(4999).is_some() && tree.leaf(6000).is_some());
    }
}
