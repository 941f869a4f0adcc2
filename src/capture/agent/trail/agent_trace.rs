//! Agent Trace (agent-trace.dev, 0.1.0): records of which lines an agent wrote. The specification leaves open where they
//! are kept; tools append them to `.agent-trace/traces.jsonl` at the top of the checkout, and that file is the trail.

use crate::capture::Captured;
use crate::capture::agent::trail::{Scene, Trail, annotated, word};
use crate::model::{DigestSet, ResourceDescriptor, json, limits};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::Path;

pub(super) struct AgentTrace;

const FILE: &str = ".agent-trace/traces.jsonl";

/// Versions that are named.
const VERSIONS: usize = 4;

/// What was seen of a file that comes in pieces.
#[derive(Default)]
struct Records<'a> {
    commit: Option<&'a str>,
    line: Vec<u8>,
    records: u64,
    of_commit: u64,
    other: u64,
    versions: BTreeSet<String>,
}

impl Trail for AgentTrace {
    fn name(&self) -> &'static str {
        "agent-trace"
    }

    fn find(&self, scene: &Scene<'_>) -> Captured<Vec<ResourceDescriptor>> {
        let Some(root) = &scene.git.root else { return Captured::absent("no checkout that it would lie in") };
        let mut records = Records { commit: scene.git.commit.value().map(String::as_str), ..Records::default() };
        let mut take = |bytes: &[u8]| records.take(bytes);
        match scene.checkout.private_file(root, Path::new(FILE), limits::TRAIL_BYTES, &mut take) {
            Err(reason) => Captured::absent(&format!("{FILE}: {reason}")),
            Ok(None) => Captured::absent(&format!("no {FILE} at the top of the checkout")),
            Ok(Some(file)) => {
                let mut descriptor = ResourceDescriptor::at(FILE)
                    .named(self.name())
                    .digest_of(DigestSet::of(&file.digest))
                    .media_type_of("application/jsonl")
                    .annotated("size", file.size);
                if file.growing {
                    descriptor = descriptor.annotated("growing", true);
                }
                Captured::found(vec![annotated(descriptor, records.end())], FILE)
            }
        }
    }

    fn read(&self, bytes: &[u8]) -> Map<String, Value> {
        let mut records = Records::default();
        bytes.chunks(7).for_each(|piece| records.take(piece));
        records.end()
    }
}

impl Records<'_> {
    fn take(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            // Longer lines are no records; one byte over is enough to know.
            let room = (limits::TRAIL_RECORD_BYTES + 1).saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            if piece.ends_with(b"\n") {
                self.line_ends();
            }
        }
    }

    fn line_ends(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_ascii();
        if line.is_empty() {
            return;
        }
        let record = json::parse(line, limits::TRAIL_RECORD_BYTES).ok().filter(|r| {
            ["version", "id", "timestamp"].iter().all(|k| r.get(*k).is_some_and(Value::is_string))
                && r.get("files").is_some_and(Value::is_array)
        });
        let Some(record) = record else {
            self.other += 1;
            return;
        };
        self.records += 1;
        let revision = record.get("vcs").and_then(|v| v.get("revision")).and_then(Value::as_str);
        self.of_commit += u64::from(revision.is_some() && revision == self.commit);
        if let Some(Value::String(version)) = word(record.get("version"))
            && self.versions.len() < VERSIONS
        {
            self.versions.insert(version);
        }
    }

    fn end(mut self) -> Map<String, Value> {
        self.line_ends();
        let mut out = Map::new();
        out.insert("records".to_owned(), self.records.into());
        out.insert("recordsOfCommit".to_owned(), self.of_commit.into());
        if self.other > 0 {
            out.insert("otherLines".to_owned(), self.other.into());
        }
        if !self.versions.is_empty() {
            out.insert("versions".to_owned(), self.versions.into_iter().collect::<Vec<_>>().into());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_and_the_rest_is_not_taken_for_one() {
        let record = |revision: &str| {
            format!(
                "{{\"version\":\"0.1.0\",\"id\":\"u\",\"timestamp\":\"t\",\"files\":[],\"vcs\":{{\"type\":\"git\",\"revision\":\"{revision}\"}}}}"
            )
        };
        let text = format!("{}\n\n{}\nno record\n{{\"version\":1}}", record("aa"), record("bb"));
        for size in [1, 13, 4096] {
            let mut records = Records { commit: Some("bb"), ..Records::default() };
            text.as_bytes().chunks(size).for_each(|piece| records.take(piece));
            let expected =
                serde_json::json!({ "records": 2, "recordsOfCommit": 1, "otherLines": 2, "versions": ["0.1.0"] });
            assert_eq!(Value::Object(records.end()), expected);
        }
        let mut long = Records::default();
        long.take(&vec![b'x'; 3 << 20]);
        assert!(long.line.len() <= limits::TRAIL_RECORD_BYTES + 1);
        assert_eq!(long.end()["otherLines"], 1);
    }
}
