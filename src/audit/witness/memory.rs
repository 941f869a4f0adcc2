//! What a witness saw, in the memory of one process, for tests.

use super::WitnessStore;
use crate::audit::AuditError;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Notes by origin; clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryWitness {
    notes: Arc<Mutex<BTreeMap<String, String>>>,
    /// Whether it fails.
    pub broken: bool,
}

impl WitnessStore for MemoryWitness {
    fn last(&self, origin: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(notes.get(origin).map(|note| note.clone().into_bytes()))
    }

    fn keep(&mut self, origin: &str, note: &str) -> Result<(), AuditError> {
        if self.broken {
            return Err(AuditError::Unusable { what: "witness".into(), cause: "no space left".into() });
        }
        self.notes.lock().unwrap_or_else(PoisonError::into_inner).insert(origin.to_owned(), note.to_owned());
        Ok(())
    }
}
