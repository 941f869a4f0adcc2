//! Notes of git-ai (`authorship/3.0.0`): which lines of a commit came from which conversation of which agent. Above a line `---`
//! stand paths, each with keys and ranges; below it JSON, which says what the keys are.
//!
//! Whoever can push notes can write any. Many are of commits that a rebase or squash left behind: those are counted, not recorded.

use super::calls::Calls;
use super::claude_code::text;
use super::kept::{About, Kept, unit};
use super::plain::{may_stand, place, plain};
use super::{Counts, Reader, Source, Units};
use crate::model::{json, limits};
use crate::record::reading::is_commit_id;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What records of this source say of where they are from.
const SOURCE: &str = "import git-ai";
const KEPT: Kept = Kept {
    references: &["refs/notes/ai", "refs/notes/ai-remote/origin"],
    wants: |path| is_commit_id(&path.replace('/', "")),
    about: About::NamedCommit,
};

/// The format.
#[derive(Debug)]
pub struct GitAi;

impl Source for GitAi {
    fn name(&self) -> &'static str {
        "git-ai"
    }

    fn recognises(&self, note: &[u8]) -> bool {
        unit(note).is_some_and(|unit| Note::of(unit.bytes).is_some())
    }

    fn units(&self) -> Units {
        Units::Kept(&KEPT)
    }

    fn part(&self) -> &'static str {
        "note"
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Notes { calls: Calls::new(SOURCE, "a note of git-ai") })
    }
}

/// A note.
struct Note<'a> {
    /// Paths, each with the lines of each key.
    lines: Vec<(String, Vec<(&'a str, &'a str)>)>,
    /// What the keys are.
    about: Map<String, Value>,
}

impl<'a> Note<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (above, below) =
            text.strip_prefix("---\n").map(|below| ("", below)).or_else(|| text.split_once("\n---\n"))?;
        let Ok(Value::Object(about)) = json::parse(below.as_bytes(), limits::SESSION_LINE_BYTES) else { return None };
        about.get("schema_version")?.as_str()?.strip_prefix("authorship/")?;
        let mut lines: Vec<(String, Vec<(&str, &str)>)> = Vec::new();
        for line in above.lines() {
            match line.strip_prefix("  ") {
                Some(own) => {
                    let (key, ranges) = own.split_once(' ')?;
                    lines.last_mut()?.1.push((key, ranges));
                }
                None => lines.push((line.trim_matches('"').to_owned(), Vec::new())),
            }
        }
        Some(Self { lines, about })
    }

    /// What is said of a key: of a conversation the agent. `h_` are people.
    fn agent(&self, key: &str) -> Option<&Map<String, Value>> {
        let of = |table: &str, key: &str| self.about.get(table)?.get(key)?.get("agent_id")?.as_object();
        of("sessions", key).or_else(|| of("prompts", key))
    }
}

/// Notes that are being read.
struct Notes {
    calls: Calls,
}

impl Reader for Notes {
    fn line(&mut self, note: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(bytes) = note else { return self.calls.broken("too long", b"", None, out) };
        let read = unit(bytes).and_then(|unit| Some((unit.commits.first().copied(), Note::of(unit.bytes)?)));
        let Some((commit, note)) = read else { return self.calls.broken("no note", bytes, None, out) };
        let before = out.len();
        if let Some(commit) = commit.filter(|id| is_commit_id(id)) {
            of_note(commit, &note, out);
        }
        self.calls.gave(out.len() - before);
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// What an agent did to each file.
fn of_note(commit: &str, note: &Note<'_>, out: &mut Vec<Value>) {
    for (number, (path, keys)) in note.lines.iter().enumerate() {
        // `s_X::t_Y`: a conversation, and a call of it.
        let mut of_key: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (key, ranges) in keys {
            of_key.entry(key.split_once("::").map_or(*key, |(session, _)| session)).or_default().push(ranges);
        }
        for (key, ranges) in of_key {
            let Some(agent) = note.agent(key).filter(|_| out.len() < limits::KEPT_RECORDS) else { continue };
            let id = format!("git-ai:{commit}/{}/{}", number + 1, &key[..key.len().min(64)]);
            let mut record = json!({ "kind": "action", "action_type": "file_modify", "source": SOURCE, "source_id": id,
                "head_commit": commit });
            place(&mut record, Some(path));
            let lines = ranges.join(",");
            let is_lines = lines.bytes().all(|b| b.is_ascii_digit() || b"-,".contains(&b)) && !lines.is_empty();
            let lines = Some(lines.as_str()).filter(|lines| is_lines && lines.len() <= limits::VALUE_BYTES);
            let pairs = [("tool", text(agent, "tool").filter(|tool| may_stand(tool))), ("lines", lines)];
            let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
            record["metadata"] = Value::Object(pairs.collect());
            plain(&mut record, "session_id", text(agent, "id"));
            plain(&mut record, "model", text(agent, "model"));
            out.push(record);
        }
    }
}
