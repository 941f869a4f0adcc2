//! Anchors in the memory of one process, for tests.

use super::kept::{name_of, with_line};
use super::{Anchor, Anchors, Beside};
use crate::audit::AuditError;
use std::collections::BTreeMap;

/// Anchors by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryAnchors(BTreeMap<String, Anchor>);

impl MemoryAnchors {
    fn of(&mut self, note: &str) -> Result<&mut Anchor, AuditError> {
        let name = name_of(note)?;
        let new = || Anchor::new(name.clone(), note.into());
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

    fn keep_beside(&mut self, note: &str, kind: Beside, bytes: &[u8]) -> Result<String, AuditError> {
        let anchor = self.of(note)?;
        let kept = anchor.of(kind);
        if !kept.iter().any(|known| known == bytes) {
            kept.push(bytes.to_vec());
        }
        Ok(anchor.name.clone())
    }
}
