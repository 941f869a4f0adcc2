//! Calls of tools, each joined with what came of it later in the same file, and what of a file could not be read. What every file
//! of a session needs, whoever wrote it.

use super::Counts;
use crate::model::{Digest, limits};
use crate::record::draft::UNANSWERED;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The calls of a file that is being read.
pub(super) struct Calls {
    /// What records say of where they are from.
    source: &'static str,
    /// What a part of the file is called.
    part: &'static str,
    pub(super) counts: Counts,
    /// Calls whose result has not come yet, by their ids, and their order.
    open: BTreeMap<String, Value>,
    order: VecDeque<String>,
    /// Calls that are recorded with their result: snapshots repeat lines.
    done: BTreeSet<[u8; 8]>,
}

impl Calls {
    pub(super) fn new(source: &'static str, part: &'static str) -> Self {
        let counts = Counts::default();
        Self { source, part, counts, open: BTreeMap::new(), order: VecDeque::new(), done: BTreeSet::new() }
    }

    /// Whether a call is recorded with its result.
    pub(super) fn is_done(&self, id: &str) -> bool {
        self.done.contains(&short(id))
    }

    /// A call whose result comes later. Where too many wait, the one that waits longest is given as it is.
    pub(super) fn begin(&mut self, id: &str, call: Value, out: &mut Vec<Value>) {
        self.counts.actions += 1;
        if self.open.insert(id.to_owned(), call).is_none() {
            self.order.push_back(id.to_owned());
        }
        if self.open.len() > limits::SESSION_OPEN_CALLS {
            out.extend(self.oldest().map(unanswered));
        }
    }

    /// The call that a result is of; none where it stands in another file, or was repeated: it is recorded there.
    pub(super) fn answered(&mut self, id: &str) -> Option<Value> {
        let call = self.open.remove(id)?;
        self.order.retain(|other| other != id);
        if self.done.len() < limits::SESSION_CALLS {
            self.done.insert(short(id));
        }
        Some(call)
    }

    /// Counts a unit that gave so many records.
    pub(super) fn gave(&mut self, records: usize) {
        match records {
            0 => self.counts.other += 1,
            n => self.counts.actions += n as u64,
        }
    }

    /// The file ended.
    pub(super) fn end(&mut self, out: &mut Vec<Value>) {
        while let Some(call) = self.oldest() {
            out.push(unanswered(call));
        }
    }

    /// Something could not be read: it is a loss, known again by the line, so that it is counted once.
    pub(super) fn broken(&mut self, what: &str, line: &[u8], session: Option<&str>, out: &mut Vec<Value>) {
        self.counts.broken += 1;
        if self.counts.broken > limits::SESSION_LOSSES {
            return;
        }
        let id = Digest::sha256(line).to_string();
        let reason = format!("{} could not be read", self.part);
        let mut record = json!({ "kind": "loss", "lost": 1, "reason": reason, "source": self.source,
            "source_id": format!("{id}/{}/{what}", self.counts.lines) });
        super::claude_code::name(&mut record, "session_id", session);
        out.push(record);
    }

    /// The call that waits longest for its result.
    fn oldest(&mut self) -> Option<Value> {
        let id = self.order.pop_front()?;
        self.open.remove(&id)
    }
}

/// A call whose result is not in the file; the one with its result, of a file that has grown, is another record.
fn unanswered(mut call: Value) -> Value {
    call["result"] = json!("unanswered");
    call["source_id"] = json!(format!("{}{UNANSWERED}", call["source_id"].as_str().unwrap_or_default()));
    call
}

/// An id in few bytes.
fn short(id: &str) -> [u8; 8] {
    let mut out = [0; 8];
    out.copy_from_slice(&Sha256::digest(id)[..8]);
    out
}
