//! Anchors in the memory of one process, for tests.

use super::kept::{name_of, with_line};
use super::{Anchor, Anchors};
use crate::audit::AuditError;
use std::collections::BTreeMap;

/// Anchors by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryAnchors(BTreeMap<String, Anchor>);

impl MemoryAnchors {
    fn of(&mut self, note: &str) -> Result<&mut Anchor, AuditError> {
        let name = name_of(note)?;
        let new = || Anchor { name: name.clone(), note: note.into(), timestamps: Vec::new() };
        Ok(self.0.entry(name.clone()).or_insert_with(new))
    }
}

impl Anchors for MemoryAnchors {
    fn all(&self) -> Result<Vec<Anchor>, AuditError> {
        Ok(self.0.values().cloned().collect())
    }

    fn keep(&mut self, note: &str, line: &str) -> Result<String, AuditError> {
        let anchor = self.of(note)?;
        anchor.note = with_line(Some(&anchor.note), &anchor.name, note, line)?.into_bytes();
        Ok(anchor.name.clone())
    }

    fn keep_timestamp(&mut self, note: &str, token: &[u8]) -> Result<String, AuditError> {
        let anchor = self.of(note)?;
        if !anchor.timestamps.iter().any(|known| known == token) {
            anchor.timestamps.push(token.to_vec());
        }
        Ok(anchor.name.clone())
    }
}
