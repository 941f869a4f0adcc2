//! Keys in the memory of one process.

use super::{KeyStore, Keys};
use crate::audit::AuditError;

/// The store.
#[derive(Debug, Default)]
pub struct MemoryKeys {
    keys: Option<Keys>,
    generation: u64,
}

impl KeyStore for MemoryKeys {
    fn load(&self) -> Result<Option<Keys>, AuditError> {
        Ok(self.keys.clone())
    }

    fn save(&mut self, keys: &Keys, destroys: bool) -> Result<(), AuditError> {
        self.keys = Some(keys.clone());
        self.generation += u64::from(destroys);
        Ok(())
    }

    fn generation(&self) -> u64 {
        self.generation
    }
}
