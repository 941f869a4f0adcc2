//! Tiles (C2SP tlog-tiles): the hashes of a tree in files of 256, and the entries in files of as many.

use super::error::{LogError, decimal};
use super::merkle::{Hash, Nodes};
use crate::model::limits;

/// Hashes or entries of a full tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree that one level of tiles spans.
pub const HEIGHT: u32 = 8;

/// Which file: hashes at a level of tiles, or entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Row {
    /// Hashes: level 0 those of entries, each further one those of the roots of full tiles below.
    Level(u8),
    /// The entries themselves, behind the hashes of level 0.
    Entries,
}

/// One file of a log: a tile of hashes or a bundle of entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tile {
    /// Level, or entries.
    pub row: Row,
    /// Its number in the row, from 0.
    pub index: u64,
    /// How many it holds, 1 to 256.
    pub width: u16,
}

impl Tile {
    /// Highest level of tiles.
    const LEVELS: u8 = 63;

    /// Its path below the log's folder or address, with `/`: `tile/0/x001/x234/067`, `tile/entries/000.p/17`.
    #[must_use]
    pub fn path(&self) -> String {
        let row = match self.row {
            Row::Level(level) => level.to_string(),
            Row::Entries => "entries".to_owned(),
        };
        let mut number = format!("{:03}", self.index % 1000);
        let mut rest = self.index / 1000;
        while rest > 0 {
            number = format!("x{:03}/{number}", rest % 1000);
            rest /= 1000;
        }
        let partial = if u64::from(self.width) < WIDTH { format!(".p/{}", self.width) } else { String::new() };
        format!("tile/{row}/{number}{partial}")
    }

    /// Reads such a path; none where it is written in any other way.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        if path.len() > limits::TILE_PATH_CHARS {
            return None;
        }
        let (row, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let row = match row {
            "entries" => Row::Entries,
            level => Row::Level(u8::try_from(decimal(level)?).ok().filter(|l| *l <= Self::LEVELS)?),
        };
        let (number, width) = match rest.split_once(".p/") {
            Some((number, width)) => (number, u16::try_from(decimal(width)?).ok()?),
            None => (rest, 256),
        };
        let mut index = 0_u64;
        for group in number.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return None;
            }
            index = index.checked_mul(1000)?.checked_add(digits.parse().ok()?)?;
        }
        let tile = Self { row, index, width };
        // One spelling each: this also settles leading groups of zeros, misplaced `x` and widths of 0 and 256.
        (tile.width > 0 && tile.path() == path).then_some(tile)
    }

    /// The bundle that holds an entry of a tree of a size; none where it has no such entry.
    #[must_use]
    pub fn bundle_of(index: u64, size: u64) -> Option<Self> {
        let first = index / WIDTH * WIDTH;
        let width = u16::try_from(size.saturating_sub(first).min(WIDTH)).ok()?;
        (index < size).then_some(Self { row: Row::Entries, index: index / WIDTH, width })
    }

    /// The first entry of the tree that it is about.
    #[must_use]
    pub fn first(&self) -> u64 {
        let level = match self.row {
            Row::Level(level) => HEIGHT * u32::from(level),
            Row::Entries => 0,
        };
        (self.index * WIDTH).checked_shl(level).unwrap_or(0)
    }

    /// The tiles of hashes and bundles of entries that a tree of `new` entries has and one of `old` has not, lower rows
    /// first. With `old` 0, all of them.
    pub fn added(old: u64, new: u64) -> impl Iterator<Item = Self> {
        let hashes = (0..HEIGHT as u8).map(Row::Level);
        hashes.chain([Row::Entries]).flat_map(move |row| {
            let shift = match row {
                Row::Level(level) => HEIGHT * u32::from(level),
                Row::Entries => 0,
            };
            let (was, is) = (old.checked_shr(shift).unwrap_or(0), new.checked_shr(shift).unwrap_or(0));
            let first = was / WIDTH;
            let tile = move |index: u64| {
                let width = (is - index * WIDTH).min(WIDTH);
                Self { row, index, width: u16::try_from(width).unwrap_or(256) }
            };
            (first..is.div_ceil(WIDTH)).map(tile).filter(move |_| is > was)
        })
    }
}

/// A tile of hashes as its file holds it: each of 32 bytes, one after another.
///
/// # Errors
/// When the file has another size than its path says.
pub fn hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, LogError> {
    let (parts, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() || parts.len() != usize::from(width) {
        let cause = format!("expected {width} hashes of 32 bytes, found {} bytes", bytes.len());
        return Err(LogError::new("tile", cause));
    }
    Ok(parts.iter().map(|part| Hash::from(*part)).collect())
}

/// A bundle of entries: each behind its length of two bytes, the higher one first.
///
/// # Errors
/// When an entry is cut off, there is something behind the last, or there are more or fewer than the path says.
pub fn entries(mut bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, LogError> {
    let mut out = Vec::with_capacity(usize::from(width));
    let wrong = |cause: String| LogError::new("bundle of entries", cause);
    for n in 0..width {
        let cut = || wrong(format!("expected {width} entries, and the {}. is cut off", n + 1));
        let (length, rest) = bytes.split_first_chunk::<2>().ok_or_else(cut)?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or_else(cut)?;
        out.push(entry);
        bytes = rest;
    }
    if !bytes.is_empty() {
        return Err(wrong(format!("expected {width} entries, found {} bytes behind them", bytes.len())));
    }
    Ok(out)
}

/// Adds an entry to the bytes of a bundle.
///
/// # Errors
/// When the entry is over 65,535 bytes: a bundle has no room for its length.
pub fn add_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), LogError> {
    let length = u16::try_from(entry.len());
    let length = length.map_err(|_| LogError::new("entry", format!("{} bytes, of 65535 at most", entry.len())))?;
    bundle.extend(length.to_be_bytes());
    bundle.extend(entry);
    Ok(())
}

/// Hashes of complete subtrees, from tiles that `read` gives.
pub struct Tiles<F>(
    /// The hashes of the tile at a level and an index, as many as there are; none where there is no such tile.
    pub F,
);

impl<F: Fn(u8, u64) -> Option<Vec<Hash>>> Nodes for Tiles<F> {
    fn node(&self, level: u32, index: u64) -> Option<Hash> {
        let row = u8::try_from(level / HEIGHT).ok()?;
        let within = level % HEIGHT;
        // The first of the hashes of the row that the node is made of.
        let first = index.checked_shl(within).filter(|f| f >> within == index)?;
        let at = usize::try_from(first % WIDTH).ok()?;
        let tile = (self.0)(row, first / WIDTH)?;
        let mut part = tile.get(at..at + (1 << within))?.to_vec();
        while part.len() > 1 {
            part = part.as_chunks::<2>().0.iter().map(|[left, right]| Hash::of_pair(left, right)).collect();
        }
        part.first().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::merkle::{self, Edge};
    use std::collections::BTreeMap;

    #[test]
    fn paths_are_those_of_the_specification_and_have_one_spelling() {
        let tile = |row, index, width| Tile { row, index, width };
        for (tile, path) in [
            (tile(Row::Level(0), 1_234_067, 256), "tile/0/x001/x234/067"),
            (tile(Row::Level(63), 0, 1), "tile/63/000.p/1"),
            (tile(Row::Entries, 999, 255), "tile/entries/999.p/255"),
            (tile(Row::Entries, 1000, 256), "tile/entries/x001/000"),
            (tile(Row::Level(1), u64::MAX, 256), "tile/1/x018/x446/x744/x073/x709/x551/615"),
        ] {
            assert_eq!((tile.path().as_str(), Tile::parse(path)), (path, Some(tile)));
        }
        for path in [
            "",
            "tile",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/067",
            "tile/0/x001/x067",
            "tile/0/001/067",
            "tile/00/000",
            "tile/64/000",
            "tile/-1/000",
            "tile/+1/000",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/",
            "tile/0/000.p",
            "/tile/0/000",
            "tile/0/000/",
            "tile/entries/../000",
            "tile/0/x018/x446/x744/x073/x709/x551/616",
            "tile/0/\u{661}\u{662}\u{663}",
        ] {
            assert_eq!(Tile::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_size_has_the_tiles_of_the_specification() {
        let of = |size| {
            let mut rows = BTreeMap::<Row, Vec<(u64, u16)>>::new();
            Tile::added(0, size).for_each(|t| rows.entry(t.row).or_default().push((t.index, t.width)));
            rows
        };
        let rows = of(70_000);
        let low = &rows[&Row::Level(0)];
        assert_eq!((low.len(), low[272], low[273]), (274, (272, 256), (273, 112)));
        assert_eq!(rows[&Row::Entries], *low);
        assert_eq!(rows[&Row::Level(1)], [(0, 256), (1, 17)]);
        assert_eq!(rows[&Row::Level(2)], [(0, 1)]);
        assert_eq!(rows.len(), 4);
        let rows = of(256);
        assert_eq!((&rows[&Row::Level(0)][..], &rows[&Row::Level(1)][..]), (&[(0, 256)][..], &[(0, 1)][..]));
        assert!(of(0).is_empty());
        // What is added is what a size has and the one before has not.
        for (old, new) in [(0, 1), (1, 2), (255, 256), (256, 257), (300, 70_000), (65_535, 65_537), (5, 5)] {
            let had: Vec<_> = Tile::added(0, old).collect();
            let expected: Vec<_> = Tile::added(0, new).filter(|t| !had.contains(t)).collect();
            assert_eq!(Tile::added(old, new).collect::<Vec<_>>(), expected, "{old} to {new}");
        }
    }

    #[test]
    fn files_are_read_whole() {
        let bytes = [[1; 32], [2; 32]].concat();
        assert_eq!(hashes(&bytes, 2).unwrap(), [Hash::from([1; 32]), Hash::from([2; 32])]);
        assert!(hashes(&bytes, 1).is_err() && hashes(&bytes[..63], 2).is_err() && hashes(&bytes, 3).is_err());
        let mut bundle = Vec::new();
        for entry in [&b"one"[..], b"", &[7; 65_535]] {
            add_entry(&mut bundle, entry).unwrap();
        }
        assert!(add_entry(&mut bundle.clone(), &[0; 65_536]).is_err());
        assert_eq!(entries(&bundle, 3).unwrap(), [&b"one"[..], b"", &[7; 65_535]]);
        assert!(entries(&bundle, 2).is_err() && entries(&bundle, 4).is_err());
        assert!(entries(&bundle[..bundle.len() - 1], 3).is_err());
    }

    #[test]
    fn tiles_give_every_root_and_proof() {
        let size = 66_000;
        let (mut edge, mut rows) = (Edge::default(), BTreeMap::<u8, Vec<Hash>>::new());
        for n in 0..size {
            edge.push(Hash::of_entry(&u64::to_be_bytes(n)), &mut |level, _, hash| {
                if level % HEIGHT == 0 {
                    rows.entry(u8::try_from(level / HEIGHT).unwrap()).or_default().push(hash);
                }
            });
        }
        let width = usize::try_from(WIDTH).unwrap();
        let nodes = Tiles(|row: u8, index: u64| {
            rows.get(&row)?.chunks(width).nth(usize::try_from(index).ok()?).map(<[Hash]>::to_vec)
        });
        assert_eq!(merkle::root(size, &nodes).unwrap(), edge.root());
        assert_eq!(Edge::of(size, &nodes).unwrap(), edge);
        for index in [0, 255, 256, 65_535, 65_536, size - 1] {
            let proof = merkle::inclusion(index, size, &nodes).unwrap();
            merkle::check_inclusion(Hash::of_entry(&index.to_be_bytes()), index, size, &proof, edge.root()).unwrap();
        }
        let old = merkle::root(40_000, &nodes).unwrap();
        let proof = merkle::consistency(40_000, size, &nodes).unwrap();
        merkle::check_consistency((40_000, old), (size, edge.root()), &proof).unwrap();
        assert_eq!(nodes.node(17, 0), None, "not complete");
        assert_eq!(nodes.node(63, u64::MAX), None);
    }
}
