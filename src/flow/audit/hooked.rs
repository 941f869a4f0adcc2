//! What hooks of agents handed in: whether all of it arrived.

use super::opened;
use crate::audit::index::Question;
use crate::audit::keys::Keys;
use crate::audit::{AuditError, Index, LogStore};
use crate::record::draft::Origin;
use crate::record::{Draft, Told};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The name of metadata in which a record has the number of its event.
pub const SEQUENCE: &str = "sequence";

/// Events of a session that were counted when they happened.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    /// The agent.
    pub agent: &'a str,
    /// The session; none where events did not say one.
    pub session: Option<&'a str>,
    /// Up to which one it is settled already what was lost.
    pub settled: u64,
    /// The last one.
    pub last: u64,
}

/// How many of the events that are not settled yet the log has not.
///
/// # Errors
/// [`AuditError`].
pub fn missing(store: &dyn LogStore, keys: &Keys, index: &dyn Index, counted: Counted<'_>) -> Result<u64, AuditError> {
    let all = counted.last.saturating_sub(counted.settled);
    // Whose they were is not known, so none of them can have been recorded.
    let Some(session) = counted.session else { return Ok(all) };
    let source = format!("hook {}", counted.agent);
    let rows = index.ask(&Question::all().of(&["action"]).with("session_id", session).with("source", &source))?;
    let mut arrived = BTreeSet::new();
    for row in rows {
        // The index only says where to look.
        if let Ok(found) = opened(store, keys, row.index)? {
            arrived.extend(number(&found.draft).filter(|n| (counted.settled + 1..=counted.last).contains(n)));
        }
    }
    Ok(all - arrived.len() as u64)
}

/// The number of the event that a record is of.
pub(super) fn number(draft: &Draft) -> Option<u64> {
    draft.text("source").filter(|source| source.starts_with("hook "))?;
    match &draft.get("metadata")?.told {
        Told::Value(metadata) => metadata.get(SEQUENCE)?.as_str()?.parse().ok(),
        Told::Withheld => None,
    }
}

/// Gives a record the number of its event.
pub fn numbered(record: &mut Value, number: u64) {
    if !record["metadata"].is_object() {
        record["metadata"] = json!({});
    }
    record["metadata"][SEQUENCE] = json!(number.to_string());
}

/// That events were lost, as a record: known again by which they were, so that it is recorded once.
#[must_use]
pub fn loss(counted: Counted<'_>, lost: u64) -> Value {
    let (from, to) = (counted.settled + 1, counted.last);
    let session = counted.session.unwrap_or("-");
    let mut record = json!({ "kind": "loss", "lost": lost, "source": format!("hook {}", counted.agent),
        "reason": format!("events of the hook did not arrive (of its events {from} to {to})"),
        "source_id": format!("{session}/lost/{from}-{to}"), "known": { "lost": "witnessed" } });
    if let Some(session) = counted.session {
        record["session_id"] = json!(session);
    }
    record
}

/// Reads lines that waited: those that are records. What is none was counted, and is missed.
pub fn waited(lines: &[u8], random: crate::audit::keys::Random<'_>) -> Vec<Draft> {
    let lines = lines.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let mut read = |line| {
        let value = crate::model::json::parse(line, crate::model::limits::RECORD_BYTES).ok()?;
        Draft::read(&value, Origin::Captured, &mut *random).ok()
    };
    lines.filter_map(&mut read).collect()
}
