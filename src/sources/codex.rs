//! Rollouts of Codex: one object per line (`timestamp`, `type`, `payload`). A call of a tool is a `response_item`, its output a
//! later one with the same `call_id`; what was used is told by `token_count` events, which say the sum from the session's start on.
//!
//! The file of an agent below an agent, or of a fork, begins with a copy of what was said before: what is copied is its parent's.

mod call;

use super::calls::Calls;
use super::claude_code::{is_one_place, relative, text, time};
use super::plain::{place, plain, repository_of};
use super::{Counts, Reader, Source};
use crate::model::{json, limits};
use crate::record::draft::is_outside;
use call::{Done, given, outcome, patch, patched};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What records of this source say of where they are from.
const SOURCE: &str = "import codex";
/// Types of lines. `compacted` and `world_state` say nothing of what was done.
const TYPES: &[&str] = &["session_meta", "turn_context", "response_item", "event_msg", "compacted", "world_state"];
/// The format.
#[derive(Debug)]
pub struct Codex;

impl Source for Codex {
    fn name(&self) -> &'static str {
        "codex"
    }

    fn recognises(&self, line: &[u8]) -> bool {
        read(line).is_some()
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Rollout {
            calls: Calls::new(SOURCE, "a line of a session file"),
            id: None,
            parent: None,
            begun: None,
            first_own: None,
            version: None,
            folder: None,
            branch: None,
            model: None,
            last: None,
            used: None,
            patches: BTreeMap::new(),
        })
    }
}

/// A line of the format.
fn read(line: &[u8]) -> Option<Map<String, Value>> {
    let Ok(Value::Object(line)) = json::parse(line, limits::SESSION_LINE_BYTES) else { return None };
    let known = line.get("type").and_then(Value::as_str).is_some_and(|name| TYPES.contains(&name));
    (known && line.get("payload").is_some_and(Value::is_object)).then_some(line)
}

/// A file that is being read.
struct Rollout {
    calls: Calls,
    /// Whose it is: the first line says so.
    id: Option<String>,
    /// The session that this one is below of, or was forked from.
    parent: Option<String>,
    /// When it began, by which the parent's lines are told from its own where none are numbered.
    begun: Option<String>,
    /// The number of the first line that is its own.
    first_own: Option<u64>,
    version: Option<String>,
    folder: Option<String>,
    branch: Option<String>,
    model: Option<String>,
    last: Option<String>,
    /// What was used from the start on, when that was last said.
    used: Option<Used>,
    /// What patches do to several files, by the ids of their calls.
    patches: BTreeMap<String, Vec<(&'static str, String)>>,
}

/// Tokens from a session's start on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Used {
    /// All that was read, that of the cache among it.
    read: Option<u64>,
    cache_read: Option<u64>,
    cache_write: Option<u64>,
    written: Option<u64>,
}

impl Used {
    fn of(total: &Value) -> Self {
        let count = |name: &str| total.get(name).and_then(Value::as_u64).filter(|count| *count <= limits::EXACT_NUMBER);
        Self {
            read: count("input_tokens"),
            cache_read: count("cached_input_tokens"),
            cache_write: count("cache_write_input_tokens"),
            written: count("output_tokens"),
        }
    }

    /// What was used since; all of it where a sum is smaller than it was, because the counting began anew.
    fn since(self, before: Option<Self>) -> Self {
        let Some(before) = before else { return self };
        let pairs = [
            (self.read, before.read),
            (self.cache_read, before.cache_read),
            (self.cache_write, before.cache_write),
            (self.written, before.written),
        ];
        if pairs.iter().any(|(now, was)| now.zip(*was).is_some_and(|(now, was)| now < was)) {
            return self;
        }
        let less = |(now, was): (Option<u64>, Option<u64>)| now.map(|now| now - was.unwrap_or_default().min(now));
        let [read, cache_read, cache_write, written] = pairs.map(less);
        Self { read, cache_read, cache_write, written }
    }

    /// As fields of a record. How much was read without the cache is known only where it is said how much of it was the cache's.
    fn into_record(self, record: &mut Value) {
        let alone = self.read.zip(self.cache_read);
        let alone = alone.and_then(|(all, cached)| all.checked_sub(cached)?.checked_sub(self.cache_write.unwrap_or(0)));
        for (name, count) in [
            ("tokens_in", alone),
            ("tokens_out", self.written),
            ("tokens_cache_read", self.cache_read),
            ("tokens_cache_write", self.cache_write),
        ] {
            if let Some(count) = count {
                record[name] = json!(count);
            }
        }
    }
}

impl Reader for Rollout {
    fn line(&mut self, line: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(line) = line else { return self.broken("too long", b"", out) };
        let Some(read) = read(line) else { return self.broken("no line of a rollout", line, out) };
        let before = (self.calls.counts.actions, self.calls.counts.broken);
        let Some(payload) = read.get("payload").and_then(Value::as_object) else { return };
        let kind = read.get("type").and_then(Value::as_str).unwrap_or_default();
        if kind == "session_meta" {
            self.meta(&read, payload, out);
        } else if !self.is_copied(&read) {
            self.last = time(&read).or_else(|| self.last.take());
            match kind {
                "turn_context" => self.turn(payload),
                "response_item" => self.item(&read, payload, line, out),
                "event_msg" => self.event(&read, payload, out),
                _ => {}
            }
        } else if kind == "event_msg" {
            self.used = used(payload).or(self.used);
        }
        if (self.calls.counts.actions, self.calls.counts.broken) == before {
            self.calls.counts.other += 1;
        }
    }

    fn end(&mut self, digest: &str, out: &mut Vec<Value>) {
        self.calls.end(out);
        let Some(id) = self.id.clone() else { return };
        let mut record = json!({ "kind": "session", "transcript": digest, "lost": self.calls.counts.broken,
            "source": SOURCE, "source_id": format!("{id}/end/{digest}") });
        plain(&mut record, "session_id", Some(&id));
        if let Some(last) = &self.last {
            record["completed_at"] = json!(last);
        }
        out.push(record);
    }

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// The sums that a `token_count` event says, if it says any.
fn used(payload: &Map<String, Value>) -> Option<Used> {
    let total = payload.get("info")?.get("total_token_usage")?;
    let is_one = text(payload, "type") == Some("token_count");
    Some(Used::of(total)).filter(|used| is_one && *used != Used::default())
}

impl Rollout {
    /// What the session says of itself. A second such line is a copy of its parent's.
    fn meta(&mut self, line: &Map<String, Value>, payload: &Map<String, Value>, out: &mut Vec<Value>) {
        let (None, Some(id)) = (&self.id, text(payload, "id")) else { return };
        self.id = Some(id.to_owned());
        let spawned = payload.get("source").and_then(|s| s.get("subagent")?.get("thread_spawn")?.as_object());
        let parent = text(payload, "parent_thread_id").or_else(|| text(spawned?, "parent_thread_id"));
        self.parent = parent.or_else(|| text(payload, "forked_from_id")).map(str::to_owned);
        self.first_own = payload.get("subagent_history_start_ordinal").and_then(Value::as_u64);
        self.begun = time(payload).or_else(|| time(line));
        self.version = text(payload, "cli_version").map(str::to_owned);
        self.folder = text(payload, "cwd").filter(|folder| is_one_place(folder)).map(str::to_owned);
        let git = payload.get("git").and_then(Value::as_object);
        self.branch = git.and_then(|git| text(git, "branch")).map(str::to_owned);
        let mut record = json!({ "kind": "session", "source": SOURCE, "source_id": format!("{id}/start") });
        plain(&mut record, "session_id", Some(id));
        plain(&mut record, "agent_version", self.version.as_deref());
        plain(&mut record, "provider", text(payload, "model_provider"));
        plain(&mut record, "branch", self.branch.as_deref());
        plain(&mut record, "commit", git.and_then(|git| text(git, "commit_hash")));
        let repository = git.and_then(|git| text(git, "repository_url")).and_then(repository_of);
        plain(&mut record, "repository", repository.as_deref());
        if let Some(time) = &self.begun {
            record["started_at"] = json!(time);
        }
        out.push(record);
    }

    /// Whether a line is a copy of one of the parent's: by its number where there are any, else by its time.
    fn is_copied(&self, line: &Map<String, Value>) -> bool {
        if self.parent.is_none() {
            return false;
        }
        match (self.first_own, line.get("ordinal").and_then(Value::as_u64)) {
            (Some(first), Some(number)) => number < first,
            _ => time(line).zip(self.begun.as_ref()).is_some_and(|(time, begun)| time < *begun),
        }
    }

    fn turn(&mut self, payload: &Map<String, Value>) {
        if let Some(model) = text(payload, "model") {
            self.model = Some(model.to_owned());
        }
        if self.folder.is_none() {
            self.folder = text(payload, "cwd").filter(|folder| is_one_place(folder)).map(str::to_owned);
        }
    }

    fn item(&mut self, line: &Map<String, Value>, payload: &Map<String, Value>, bytes: &[u8], out: &mut Vec<Value>) {
        let id = text(payload, "call_id");
        match text(payload, "type").unwrap_or_default() {
            kind @ ("function_call" | "custom_tool_call" | "local_shell_call") => {
                let name = match kind {
                    "local_shell_call" => Some("local_shell"),
                    _ => text(payload, "name"),
                };
                let (Some(id), Some(name)) = (id, name) else { return self.broken("no call", bytes, out) };
                if !self.calls.is_done(id) {
                    let given = given(payload);
                    let files = patch(name, &given).map(patched).unwrap_or_default();
                    if files.len() > 1 && self.patches.len() < limits::SESSION_OPEN_CALLS {
                        self.patches.insert(id.to_owned(), files);
                    }
                    let call = self.call(line, id, name, &given);
                    self.calls.begin(id, call, out);
                }
            }
            "function_call_output" | "custom_tool_call_output" => {
                let Some(id) = id else { return self.broken("no output of a call", bytes, out) };
                self.answered(id, line, payload.get("output").unwrap_or(&Value::Null), out);
            }
            "web_search_call" => {
                // It has no id, and no output: when it was is its own. Nothing of what was looked for can be tried out by that.
                let at = line.get("timestamp").and_then(Value::as_str).filter(|_| time(line).is_some());
                let session = self.id.as_deref().unwrap_or_default();
                let id = format!("{session}/web search/{}", at.unwrap_or("no time"));
                let action = payload.get("action").unwrap_or(&Value::Null);
                let mut call = self.call(line, &id, "web_search", action);
                call["action_type"] = json!("search");
                self.calls.counts.actions += 1;
                out.push(call);
            }
            _ => {}
        }
    }

    /// What is told aside: here, what was used.
    fn event(&mut self, line: &Map<String, Value>, payload: &Map<String, Value>, out: &mut Vec<Value>) {
        let (Some(now), Some(id)) = (used(payload), self.id.clone()) else { return };
        let since = now.since(self.used);
        let was = self.used.replace(now);
        if since == Used::default() || was == Some(now) {
            return;
        }
        let sum = [now.read, now.cache_read, now.cache_write, now.written];
        let sum = sum.map(|count| count.map_or_else(String::new, |count| count.to_string())).join("-");
        let mut record = json!({ "kind": "session", "source": SOURCE, "source_id": format!("{id}/tokens/{sum}") });
        plain(&mut record, "session_id", Some(&id));
        plain(&mut record, "model", self.model.as_deref());
        if let Some(time) = time(line) {
            record["at"] = json!(time);
        }
        since.into_record(&mut record);
        out.push(record);
    }

    /// A call without its result.
    fn call(&self, line: &Map<String, Value>, id: &str, tool: &str, input: &Value) -> Value {
        let mut metadata = Map::new();
        if !is_outside(tool) {
            metadata.insert("tool".into(), json!(tool));
        }
        if let Some(parent) = self.parent.as_deref().filter(|parent| !is_outside(parent)) {
            metadata.insert("parent_session".into(), json!(parent));
        }
        let done = Done::of(tool, input);
        let input = input.as_str().map_or_else(|| input.to_string(), str::to_owned);
        let mut record =
            json!({ "kind": "action", "action_type": done.action, "source": SOURCE, "source_id": id, "input": input });
        record["metadata"] = match is_outside(tool) {
            true => Value::Null,
            false => Value::Object(metadata),
        };
        if let Some(command) = &done.command {
            record["command"] = json!(command);
        }
        self.target(&mut record, done.target.as_deref());
        plain(&mut record, "session_id", self.id.as_deref());
        plain(&mut record, "agent_version", self.version.as_deref());
        plain(&mut record, "branch", self.branch.as_deref());
        plain(&mut record, "model", self.model.as_deref());
        if let Some(time) = time(line) {
            record["started_at"] = json!(time);
        }
        record
    }

    fn target(&self, record: &mut Value, path: Option<&str>) {
        place(record, path.map(|path| relative(self.folder.as_deref(), path)).as_deref());
    }

    /// A call with what came of it, and where a patch changed several files each of them.
    fn answered(&mut self, id: &str, line: &Map<String, Value>, output: &Value, out: &mut Vec<Value>) {
        let Some(mut call) = self.calls.answered(id) else { return };
        let (told, exit) = outcome(output);
        if let Some(code) = exit {
            call["exit_code"] = json!(code);
            call["result"] = json!(if code == 0 { "ok" } else { "error" });
        }
        if let Some(time) = time(line) {
            call["completed_at"] = json!(time);
        }
        let files = self.patches.remove(id).unwrap_or_default();
        for (at, (action, path)) in files.iter().enumerate() {
            let mut one = call.clone();
            if let Some(members) = one.as_object_mut() {
                ["input", "command", "exit_code"].iter().for_each(|name| drop(members.remove(*name)));
            }
            one["action_type"] = json!(action);
            one["source_id"] = json!(format!("{id}/file/{}", at + 1));
            self.target(&mut one, Some(path));
            out.push(one);
        }
        call["output"] = json!(told);
        out.push(call);
    }

    fn broken(&mut self, what: &str, line: &[u8], out: &mut Vec<Value>) {
        self.calls.broken(what, line, self.id.as_deref(), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_those_since_the_sum_before_and_apart_only_where_that_is_known() {
        let used = |read, cached: Option<u64>, written| Used {
            read: Some(read),
            cache_read: cached,
            cache_write: None,
            written: Some(written),
        };
        let fields = |used: Used| {
            let mut record = json!({});
            used.into_record(&mut record);
            record
        };
        let since = used(15, Some(9), 3).since(Some(used(10, Some(6), 1)));
        assert_eq!(fields(since), json!({ "tokens_in": 2, "tokens_cache_read": 3, "tokens_out": 2 }));
        assert_eq!(used(4, Some(1), 1).since(Some(used(10, Some(6), 1))), used(4, Some(1), 1), "counted anew");
        assert_eq!(
            fields(used(10, None, 1)),
            json!({ "tokens_out": 1 }),
            "how much of it was the cache's is not known"
        );
        assert_eq!(fields(used(10, Some(11), 1)).get("tokens_in"), None);
    }
}
