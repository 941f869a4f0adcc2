//! [`Recall`]: what was read of registries, bounded by bytes.

use crate::model::{Descriptor, Digest, Timestamp};
use crate::registry::{Referrers, Served};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What one thing that was read is remembered by. Content is never what a listing says: whoever answers for one repository
/// could otherwise choose what another one lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// A manifest of a repository: with it a media type is remembered, which its registry chose.
    Manifest(Arc<str>, Digest),
    /// A blob, whoever served it: its digest was compared.
    Blob(Digest),
    /// What a repository lists for a subject.
    Listing(Arc<str>, Digest),
    /// What a repository keeps of a subject as cosign up to version 2 kept it.
    Legacy(Arc<str>, Digest),
}

/// What was read.
#[derive(Clone, Debug)]
pub(super) enum Kept {
    Manifest(Arc<Served>),
    Blob(Arc<Vec<u8>>),
    Listing(Arc<Referrers>),
    Legacy(Arc<Vec<Descriptor>>),
}

impl Kept {
    /// Memory that it takes, about (bytes): what is small in itself still has a key, and a place in two tables.
    fn size(&self) -> usize {
        const EACH: usize = 400;
        // Annotations are as long as whoever wrote the listing liked.
        let of = |d: &Descriptor| EACH + d.to_json().to_string().len();
        EACH + match self {
            Self::Manifest(served) => served.bytes.len(),
            Self::Blob(bytes) => bytes.len(),
            Self::Listing(listed) => {
                listed.listed.iter().map(of).sum::<usize>() + listed.aside.iter().map(String::len).sum::<usize>()
            }
            Self::Legacy(listed) => listed.iter().map(of).sum(),
        }
    }
}

struct Row {
    kept: Kept,
    read: Timestamp,
    size: usize,
    used: u64,
}

#[derive(Default)]
struct State {
    rows: HashMap<Key, Row>,
    /// Keys by when they were used last.
    order: BTreeMap<u64, Key>,
    bytes: usize,
    tick: u64,
    evicted: u64,
}

/// What was read of registries: content, and listings with the time when they were read. What was used longest ago goes
/// first.
pub(super) struct Recall {
    state: Mutex<State>,
    capacity: usize,
}

/// How much a `Recall` holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Bytes, about.
    pub bytes: usize,
    /// Things.
    pub entries: usize,
    /// How many had to go for others so far.
    pub evicted: u64,
}

impl std::fmt::Debug for Recall {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Recall").field("held", &self.held()).finish_non_exhaustive()
    }
}

impl Recall {
    /// Remembers at most so many bytes.
    #[must_use]
    pub(super) fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), capacity }
    }

    /// How much it holds.
    #[must_use]
    pub(super) fn held(&self) -> Held {
        let state = self.state();
        Held { bytes: state.bytes, entries: state.rows.len(), evicted: state.evicted }
    }

    pub(super) fn get(&self, key: &Key) -> Option<(Kept, Timestamp)> {
        let mut state = self.state();
        let State { rows, order, tick, .. } = &mut *state;
        let row = rows.get_mut(key)?;
        *tick += 1;
        if let Some(key) = order.remove(&row.used) {
            order.insert(*tick, key);
        }
        row.used = *tick;
        Some((row.kept.clone(), row.read))
    }

    /// Remembers it. What is larger than a quarter of all that is remembered is not: one image must not push out all others.
    pub(super) fn put(&self, key: Key, kept: Kept, read: Timestamp) {
        let size = kept.size();
        if size > self.capacity / 4 {
            return;
        }
        let mut state = self.state();
        state.forget(&key);
        state.tick += 1;
        let used = state.tick;
        state.order.insert(used, key.clone());
        state.rows.insert(key, Row { kept, read, size, used });
        state.bytes += size;
        while state.bytes > self.capacity {
            let Some(oldest) = state.order.first_key_value().map(|(_, key)| key.clone()) else { return };
            state.forget(&oldest);
            state.evicted += 1;
        }
    }

    pub(super) fn forget(&self, key: &Key) {
        self.state().forget(key);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, key: &Key) {
        if let Some(row) = self.rows.remove(key) {
            self.order.remove(&row.used);
            self.bytes -= row.size;
        }
    }
}
