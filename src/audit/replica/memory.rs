//! A replica in the memory of one process, for tests.

use super::{Copied, Gone, Keeps, Replica, ReplicaError, Taken, size_of};
use crate::record::Class;
use crate::seam::{BoxFuture, ready};
use crate::tlog::tile::{self, Tile};
use std::collections::BTreeMap;

/// The replica. What it holds can be changed, as an attacker who owns its disk would.
#[derive(Clone, Debug, Default)]
pub struct MemoryReplica {
    /// Tiles and bundles.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Contents by the numbers of their records, with class and day.
    pub contents: BTreeMap<u64, (Class, u32, Vec<u8>)>,
    /// The last checkpoint.
    pub note: Option<Vec<u8>>,
    /// Up to where orders are carried out.
    pub until: u64,
}

impl MemoryReplica {
    fn size(&self) -> u64 {
        self.note.as_deref().map_or(0, size_of)
    }

    fn entry(&self, index: u64) -> Option<Vec<u8>> {
        let tile = Tile::bundle_of(index, self.size())?;
        let entries = tile::entries(self.files.get(&tile.path())?, tile.width).ok()?;
        entries.get(usize::try_from(index % tile::WIDTH).ok()?).map(|entry| entry.to_vec())
    }
}

impl Replica for MemoryReplica {
    fn name(&self) -> &str {
        "memory"
    }

    fn keeps(&self) -> Keeps {
        Keeps { tiles: true, contents: true, forgets: true }
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, ReplicaError>> {
        ready(Ok(self.note.clone()))
    }

    fn read(&self, from: u64, count: usize) -> BoxFuture<'_, Result<Vec<Copied>, ReplicaError>> {
        let content = |index: u64| self.contents.get(&index).map(|(.., bytes)| bytes.clone());
        let all = (from..self.size()).take(count);
        ready(Ok(all.map_while(|n| Some(Copied { entry: self.entry(n)?, content: content(n) })).collect()))
    }

    fn file<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReplicaError>> {
        ready(Ok(self.files.get(name).cloned()))
    }

    fn take<'a>(&'a mut self, first: u64, records: &'a [Taken]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        for (index, record) in (first..).zip(records) {
            let content = record.content.clone().map(|content| (content.class, content.day, content.bytes));
            self.contents.extend(content.map(|content| (index, content)));
        }
        ready(Ok(()))
    }

    fn publish<'a>(&'a mut self, files: &'a [(String, Vec<u8>)]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        for (name, bytes) in files {
            if self.files.get(name).is_some_and(|there| there != bytes) {
                let cause = format!("{name} is another one");
                return ready(Err(ReplicaError::Changed { place: self.name().into(), index: None, cause }));
            }
            self.files.insert(name.clone(), bytes.clone());
        }
        ready(Ok(()))
    }

    fn seal<'a>(&'a mut self, note: &'a [u8]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        if size_of(note) < self.size() {
            let cause = "it was to be set back to fewer records".to_owned();
            return ready(Err(ReplicaError::Changed { place: self.name().into(), index: None, cause }));
        }
        self.note = Some(note.to_vec());
        ready(Ok(()))
    }

    fn carried_out(&self) -> BoxFuture<'_, Result<u64, ReplicaError>> {
        ready(Ok(self.until))
    }

    fn forget<'a>(&'a mut self, gone: &'a Gone) -> BoxFuture<'a, Result<u64, ReplicaError>> {
        let before = self.contents.len();
        self.contents.retain(|index, (class, day, _)| !gone.has(*class, *day, *index));
        ready(Ok((before - self.contents.len()) as u64))
    }

    fn mark(&mut self, until: u64) -> BoxFuture<'_, Result<(), ReplicaError>> {
        self.until = until;
        ready(Ok(()))
    }
}
