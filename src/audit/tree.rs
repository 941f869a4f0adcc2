//! The tree of a log while it grows: its right edge, and what the next tiles are made of.

use super::store::LogStore;
use super::{AuditError, Stored};
use crate::tlog::Hash;
use crate::tlog::merkle::{Edge, Nodes};
use crate::tlog::tile::{self, HEIGHT, Row, Tile, Tiles, WIDTH};

/// Levels of tiles that a tree can have: 2^64 entries.
const LEVELS: usize = 8;

/// The part of a tree that is not in full tiles yet.
#[derive(Debug, Default)]
pub(super) struct Growing {
    edge: Edge,
    /// Of each level of tiles, hashes from the first that is in no full published tile.
    rows: [Part<Hash>; LEVELS],
    /// Entries from the first that is in no full published bundle.
    entries: Part<Vec<u8>>,
    /// How many entries the published tiles have.
    published: u64,
}

/// A row from an index on, a multiple of [`WIDTH`].
#[derive(Clone, Debug)]
struct Part<T> {
    first: u64,
    items: Vec<T>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { first: 0, items: Vec::new() }
    }
}

impl<T> Part<T> {
    fn tile(&self, tile: &Tile) -> Option<&[T]> {
        let start = usize::try_from((tile.index * WIDTH).checked_sub(self.first)?).ok()?;
        self.items.get(start..start + usize::from(tile.width))
    }

    /// Lets go of full tiles before a length of the row.
    fn drop_before(&mut self, length: u64) {
        let first = length / WIDTH * WIDTH;
        let gone = usize::try_from(first.saturating_sub(self.first)).unwrap_or(0).min(self.items.len());
        self.items.drain(..gone);
        self.first += gone as u64;
    }
}

impl Growing {
    /// The tree of the first `size` entries, from published tiles; none where one of them is not there or is damaged.
    pub(super) fn published(store: &dyn LogStore, size: u64) -> Result<Option<Self>, AuditError> {
        let mut tree = Self { published: size, ..Self::default() };
        for (level, row) in tree.rows.iter_mut().enumerate() {
            let length = size.checked_shr(HEIGHT * level as u32).unwrap_or(0);
            row.first = length / WIDTH * WIDTH;
            if length > row.first {
                let Some(hashes) = hashes(store, size, level as u8, length / WIDTH)? else { return Ok(None) };
                row.items = hashes;
            }
        }
        tree.entries.first = size / WIDTH * WIDTH;
        let count = usize::try_from(size - tree.entries.first).unwrap_or(0);
        tree.entries.items = read_all(store, tree.entries.first, count)?.into_iter().map(|r| r.entry).collect();
        let Ok(edge) = Edge::of(size, &Tiles(|level, index| hashes(store, size, level, index).ok().flatten())) else {
            return Ok(None);
        };
        tree.edge = edge;
        Ok(Some(tree))
    }

    pub(super) fn size(&self) -> u64 {
        self.edge.size()
    }

    pub(super) fn root(&self) -> Hash {
        self.edge.root()
    }

    pub(super) fn push(&mut self, entry: Vec<u8>) {
        let rows = &mut self.rows;
        self.edge.push(Hash::of_entry(&entry), &mut |level, _, hash| {
            if let (0, Some(row)) = (level % HEIGHT, rows.get_mut((level / HEIGHT) as usize)) {
                row.items.push(hash);
            }
        });
        self.entries.items.push(entry);
    }

    /// The right edge.
    pub(super) fn edge(&self) -> &Edge {
        &self.edge
    }

    /// Writes the tiles that are new since the last time.
    pub(super) fn write(&mut self, store: &mut dyn LogStore) -> Result<(), AuditError> {
        self.files(&mut |name, bytes| store.put(&name, &bytes))
    }

    /// Hands over the tiles that are new since the last time, each by its name.
    pub(super) fn files(
        &mut self,
        put: &mut dyn FnMut(String, Vec<u8>) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        let size = self.size();
        for tile in Tile::added(self.published, size) {
            let missing = || AuditError::damaged(None, format!("the hashes of {} are missing", tile.path()));
            let bytes = match tile.row {
                Row::Level(level) => {
                    let row = self.rows.get(usize::from(level)).and_then(|row| row.tile(&tile)).ok_or_else(missing)?;
                    row.iter().flat_map(|hash| *hash.bytes()).collect()
                }
                Row::Entries => {
                    let mut bundle = Vec::new();
                    for entry in self.entries.tile(&tile).ok_or_else(missing)? {
                        tile::add_entry(&mut bundle, entry)?;
                    }
                    bundle
                }
            };
            put(tile.path(), bytes)?;
        }
        for (level, row) in self.rows.iter_mut().enumerate() {
            row.drop_before(size.checked_shr(HEIGHT * level as u32).unwrap_or(0));
        }
        self.entries.drop_before(size);
        self.published = size;
        Ok(())
    }
}

/// The hashes of a published tile of a tree of a size, as many as it has there.
fn hashes(store: &dyn LogStore, size: u64, level: u8, index: u64) -> Result<Option<Vec<Hash>>, AuditError> {
    let length = size.checked_shr(HEIGHT * u32::from(level)).unwrap_or(0);
    let width = length.saturating_sub(index * WIDTH).min(WIDTH);
    if width == 0 {
        return Ok(None);
    }
    let tile = Tile { row: Row::Level(level), index, width: width as u16 };
    let Some(bytes) = store.get(&tile.path())? else { return Ok(None) };
    Ok(tile::hashes(&bytes, tile.width).ok())
}

/// Records from a number on, exactly as many.
pub(super) fn read_all(store: &dyn LogStore, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
    let mut out: Vec<Stored> = Vec::new();
    while out.len() < count {
        let next = from + out.len() as u64;
        let more = store.read(next, count - out.len())?;
        if more.is_empty() {
            return Err(AuditError::damaged(next, format!("the journal ends before record {next}")));
        }
        out.extend(more);
    }
    Ok(out)
}

/// The nodes of a tree of a size, from its published tiles.
pub(super) fn nodes(store: &dyn LogStore, size: u64) -> impl Nodes + '_ {
    Tiles(move |level, index| hashes(store, size, level, index).ok().flatten())
}
