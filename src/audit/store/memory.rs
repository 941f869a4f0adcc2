//! A log in the memory of one process: for tests, and for trying something out.

use super::{CHECKPOINT, LogStore, Stored};
use crate::audit::AuditError;
use std::collections::BTreeMap;

/// The store. What it holds can be changed, as an attacker who owns a disk would.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    /// Records, by number.
    pub records: Vec<Stored>,
    /// Published files, by name.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl LogStore for MemoryStore {
    fn size(&self) -> u64 {
        self.records.len() as u64
    }

    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError> {
        self.records.extend_from_slice(batch);
        Ok(())
    }

    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.records.iter().skip(from).take(count).cloned().collect())
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        Ok(self.files.get(name).cloned())
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        self.files.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError> {
        if self.files.get(CHECKPOINT).map(Vec::as_slice) != old {
            return Err(AuditError::Unusable {
                what: CHECKPOINT.into(),
                cause: "it is not the one that was read".into(),
            });
        }
        self.put(CHECKPOINT, new)
    }
}
