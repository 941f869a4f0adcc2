//! Session files of Claude Code: one object per line (`type`, `uuid`, `sessionId`, `timestamp`, `cwd`, `message`). A tool call
//! is a part of an assistant's message, its result a part of a later user's message.

use super::calls::Calls;
use super::{Counts, Reader, Source};
use crate::model::{Timestamp, json, limits};
use crate::record::draft::is_outside;
use serde_json::{Map, Value, json};

/// What records of this source say of where they are from.
const SOURCE: &str = "import claude-code";
/// Types of lines. Those that are not messages say nothing of what was done.
const TYPES: &[&str] = &[
    "assistant",
    "user",
    "progress",
    "system",
    "file-history-snapshot",
    "queue-operation",
    "summary",
    "pr-link",
    "attachment",
];
/// Tools: the type of action, and which of the inputs says what it was done to.
const TOOLS: &[(&str, &str, &str)] = &[
    ("Bash", "command_run", ""),
    ("Read", "file_read", "file_path"),
    ("NotebookRead", "file_read", "notebook_path"),
    ("Write", "file_create", "file_path"),
    ("Edit", "file_modify", "file_path"),
    ("MultiEdit", "file_modify", "file_path"),
    ("NotebookEdit", "file_modify", "notebook_path"),
    ("Glob", "search", "path"),
    ("Grep", "search", "path"),
    ("LS", "search", "path"),
    ("WebSearch", "search", ""),
    ("WebFetch", "web_fetch", "url"),
    ("Task", "agent_start", ""),
    ("Agent", "agent_start", ""),
];

/// The format.
#[derive(Debug)]
pub struct ClaudeCode;

impl Source for ClaudeCode {
    fn name(&self) -> &'static str {
        "claude-code"
    }

    fn recognises(&self, line: &[u8]) -> bool {
        read(line).is_some()
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Session { calls: Calls::new(SOURCE, "a line of a session file"), id: None, folder: None, last: None })
    }
}

/// A line of the format.
fn read(line: &[u8]) -> Option<Map<String, Value>> {
    let Ok(Value::Object(line)) = json::parse(line, limits::SESSION_LINE_BYTES) else { return None };
    line.get("type").and_then(Value::as_str).filter(|name| TYPES.contains(name)).is_some().then_some(line)
}

/// A file that is being read.
struct Session {
    calls: Calls,
    /// Whose it is: the first id that a line has.
    id: Option<String>,
    /// The folder that paths are told from: the first one.
    folder: Option<String>,
    last: Option<String>,
}

impl Reader for Session {
    fn line(&mut self, line: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(line) = line else { return self.broken("too long", b"", out) };
        let Some(read) = read(line) else { return self.broken("no line of a session", line, out) };
        self.place(&read, out);
        let before = self.calls.counts.actions;
        let parts = read.get("message").and_then(|m| m.get("content"));
        let is_message = ["assistant", "user"].map(Value::from).contains(&read["type"]);
        match parts {
            Some(Value::Array(parts)) if is_message => {
                for (at, part) in parts.iter().enumerate() {
                    if !self.part(&read, part, out) {
                        self.broken(&format!("part {at}"), line, out);
                    }
                }
            }
            Some(Value::String(_)) => {}
            _ if is_message => self.broken("no message", line, out),
            _ => {}
        }
        if self.calls.counts.actions == before {
            self.calls.counts.other += 1;
        }
    }

    fn end(&mut self, digest: &str, out: &mut Vec<Value>) {
        self.calls.end(out);
        let Some(id) = self.id.clone() else { return };
        let mut record = json!({ "kind": "session", "transcript": digest, "lost": self.calls.counts.broken,
            "source": SOURCE, "source_id": format!("{id}/end/{digest}") });
        name(&mut record, "session_id", Some(&id));
        if let Some(last) = &self.last {
            record["completed_at"] = json!(last);
        }
        out.push(record);
    }

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

impl Session {
    /// What a line says of the session; its first one is the session's start.
    fn place(&mut self, line: &Map<String, Value>, out: &mut Vec<Value>) {
        let time = time(line);
        if time.is_some() {
            self.last = time.clone();
        }
        if self.folder.is_none() {
            self.folder = text(line, "cwd").filter(|folder| is_one_place(folder)).map(str::to_owned);
        }
        if let (None, Some(id)) = (&self.id, text(line, "sessionId")) {
            self.id = Some(id.to_owned());
            let mut record = json!({ "kind": "session", "source": SOURCE, "source_id": format!("{id}/start") });
            name(&mut record, "session_id", Some(id));
            if let Some(time) = time {
                record["started_at"] = json!(time);
            }
            name(&mut record, "agent_version", text(line, "version"));
            out.push(record);
        }
    }

    /// Takes a part of a message; whether it could be read.
    fn part(&mut self, line: &Map<String, Value>, part: &Value, out: &mut Vec<Value>) -> bool {
        let Some(members) = part.as_object() else { return false };
        let Some(kind) = members.get("type").and_then(Value::as_str) else { return false };
        match kind {
            "tool_use" => {
                let (Some(id), Some(name)) = (text(members, "id"), text(members, "name")) else { return false };
                if self.calls.is_done(id) {
                    return true;
                }
                let call = self.call(line, id, name, members.get("input").unwrap_or(&Value::Null));
                self.calls.begin(id, call, out);
                true
            }
            "tool_result" => {
                let Some(id) = text(members, "tool_use_id") else { return false };
                let Some(mut call) = self.calls.answered(id) else { return true };
                let failed = members.get("is_error").and_then(Value::as_bool) == Some(true);
                call["result"] = json!(if failed { "error" } else { "ok" });
                call["output"] = json!(told(members.get("content").unwrap_or(&Value::Null)));
                if let Some(time) = time(line) {
                    call["completed_at"] = json!(time);
                }
                out.push(call);
                true
            }
            // What was said is nobody's action.
            _ => true,
        }
    }

    /// A call without its result.
    fn call(&self, line: &Map<String, Value>, id: &str, tool: &str, input: &Value) -> Value {
        let (action, target) = self::tool(tool);
        let mut record = json!({ "kind": "action", "action_type": action, "source": SOURCE, "source_id": id,
            "input": input.to_string() });
        let sidechain = line.get("isSidechain").and_then(Value::as_bool) == Some(true);
        record["metadata"] = match (is_outside(tool), sidechain) {
            (true, _) => Value::Null,
            (false, false) => json!({ "tool": tool }),
            (false, true) => json!({ "tool": tool, "sidechain": "true" }),
        };
        if let Some(command) = input.get("command").and_then(Value::as_str).filter(|_| action == "command_run") {
            record["command"] = json!(command);
        }
        let path = input.get(target).and_then(Value::as_str).map(|path| relative(self.folder.as_deref(), path));
        add(&mut record, "target", path.as_deref());
        let model = line.get("message").and_then(Value::as_object).and_then(|m| text(m, "model"));
        name(&mut record, "session_id", text(line, "sessionId"));
        name(&mut record, "agent_version", text(line, "version"));
        name(&mut record, "branch", text(line, "gitBranch"));
        name(&mut record, "model", model);
        if let Some(time) = time(line) {
            record["started_at"] = json!(time);
        }
        record
    }

    /// Something could not be read.
    fn broken(&mut self, what: &str, line: &[u8], out: &mut Vec<Value>) {
        self.calls.broken(what, line, self.id.as_deref(), out);
    }
}

/// The type of action of a tool, and which of its inputs says what it was done to.
pub(super) fn tool(name: &str) -> (&'static str, &'static str) {
    let known = TOOLS.iter().find(|(tool, ..)| *tool == name);
    known.map_or(("tool_call", ""), |(_, action, target)| (*action, *target))
}

/// A path without the folder of the session. One that is elsewhere stays as it is, and is withheld when it is recorded.
pub(super) fn relative(folder: Option<&str>, path: &str) -> String {
    let inside = folder.and_then(|folder| path.strip_prefix(folder.trim_end_matches(['/', '\\'])));
    match inside.and_then(|path| path.strip_prefix(['/', '\\'])) {
        Some(path) => path.replace('\\', "/"),
        None if inside == Some("") => ".".into(),
        None => path.to_owned(),
    }
}

/// Whether a folder is one that paths can be told from: below the root, and below where everybody's home is, each says as much as
/// an absolute one.
pub(super) fn is_one_place(folder: &str) -> bool {
    let folder = folder.replace('\\', "/");
    let below = folder.split_once(':').filter(|(drive, _)| drive.len() == 1).map_or(folder.as_str(), |(_, rest)| rest);
    !["", "/home", "/Users"].contains(&below.trim_end_matches('/'))
}

/// A text of one line that a record can hold.
pub(super) fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = members.get(name)?.as_str()?;
    (!text.is_empty() && text.len() <= 256 && !text.chars().any(char::is_control)).then_some(text)
}

pub(super) fn time(line: &Map<String, Value>) -> Option<String> {
    Some(Timestamp::parse(line.get("timestamp")?.as_str()?).ok()?.to_string())
}

pub(super) fn add(record: &mut Value, name: &str, value: Option<&str>) {
    let is_line =
        |text: &&str| !text.is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control);
    if let Some(value) = value.filter(is_line) {
        record[name] = json!(value);
    }
}

/// A name or an id. One that is a path of this machine is withheld: a file of somebody else's making may have it anywhere.
pub(super) fn name(record: &mut Value, field: &str, value: Option<&str>) {
    match value {
        Some(value) if is_outside(value) => record[field] = Value::Null,
        value => add(record, field, value),
    }
}

/// What a result says: its text, or its texts in lines.
pub(super) fn told(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts
                .iter()
                .map(|p| p.get("text").and_then(Value::as_str).map_or_else(|| p.to_string(), str::to_owned));
            texts.collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(lines: &[&str]) -> (Vec<Value>, Counts) {
        let (mut reader, mut out) = (ClaudeCode.begin(), Vec::new());
        lines.iter().for_each(|line| reader.line(Some(line.as_bytes()), &mut out));
        reader.end("sha256:00", &mut out);
        (out, reader.counts())
    }

    const CALL: &str = r#"{"type":"assistant","sessionId":"s","cwd":"/w/app","timestamp":"2026-01-02T03:04:05.678Z","message":{"model":"m","content":[
        {"type":"tool_use","id":"t1","name":"Edit","input":{"file_path":"/w/app/src/a.rs"}},{"type":"tool_use","id":"t2","name":"Bash","input":{"command":"ls"}}]}}"#;
    const RESULT: &str = r#"{"type":"user","sessionId":"s","timestamp":"2026-01-02T03:04:09Z","message":{"content":[
        {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}],"is_error":true}]}}"#;

    #[test]
    fn a_call_is_joined_with_its_result_and_one_without_is_told_apart() {
        let (out, counts) = all(&[CALL, RESULT]);
        assert_eq!((counts.actions, counts.broken, counts.lines), (2, 0, 2));
        let of = |n: usize, name: &str| out[n].get(name).cloned().unwrap_or_default();
        assert_eq!((of(0, "kind"), of(0, "started_at")), (json!("session"), json!("2026-01-02T03:04:05Z")));
        assert_eq!(
            (of(1, "target"), of(1, "action_type"), of(1, "result")),
            (json!("src/a.rs"), json!("file_modify"), json!("error"))
        );
        assert_eq!((of(1, "output"), of(1, "completed_at")), (json!("a\nb"), json!("2026-01-02T03:04:09Z")));
        assert_eq!(
            (of(2, "command"), of(2, "result"), of(2, "source_id")),
            (json!("ls"), json!("unanswered"), json!("t2/unanswered"))
        );
        assert_eq!((of(3, "kind"), of(3, "transcript")), (json!("session"), json!("sha256:00")));
        assert_eq!(all(&[CALL, RESULT]).0, out, "the same lines, the same records");
        let again = all(&[CALL, RESULT, CALL, RESULT]);
        assert_eq!(again.0[..3], out[..3], "a snapshot repeats lines");
        assert_eq!(again.0.len(), out.len());
    }

    #[test]
    fn a_path_of_this_machine_is_nobodys_name() {
        let call = |folder: &str, path: &str| {
            let line = CALL.replace("/w/app/src/a.rs", path).replace("/w/app", folder);
            all(&[&line, RESULT]).0[1]["target"].clone()
        };
        // A path that stays absolute is withheld when it is recorded.
        for folder in ["/", "//", "C:\\\\", "C:/", "/home", "/home/", "/Users"] {
            let path = format!("{}/alice/x", folder.trim_end_matches(['/', '\\']));
            let target = call(folder, &path);
            assert!(is_outside(target.as_str().unwrap()), "{folder}: {target}");
        }
        assert_eq!((call("/w", "/w/alice/x"), call("D:/w", "D:/w/x")), (json!("alice/x"), json!("x")));
        let named = |old: &str, new: &str| all(&[&CALL.replace(old, new), RESULT]).0[1].clone();
        let branch = r#""sessionId":"s","gitBranch":"BRANCH","version":"BRANCH""#;
        for place in ["/srv/secret", "C:\\\\x", "~/x", "file:///x", "see /home/alice"] {
            let long = named(r#""sessionId":"s""#, &branch.replace("BRANCH", place));
            assert_eq!((&long["branch"], &long["agent_version"]), (&Value::Null, &Value::Null), "{place}");
            assert!(long.get("branch").is_some(), "withheld, and not left out");
            assert_eq!(named(r#""model":"m""#, &format!(r#""model":"{place}""#))["model"], Value::Null);
            assert_eq!(named(r#""name":"Edit""#, &format!(r#""name":"{place}""#))["metadata"], Value::Null);
            let session = named(r#""sessionId":"s""#, &format!(r#""sessionId":"{place}""#));
            assert_eq!(session["session_id"], Value::Null);
        }
        let twin = named(r#""sessionId":"s""#, &branch.replace("BRANCH", "feature/x"));
        assert_eq!((&twin["branch"], &twin["session_id"]), (&json!("feature/x"), &json!("s")));
        assert_eq!(twin["metadata"], json!({ "tool": "Edit" }));
    }

    #[test]
    fn what_cannot_be_read_is_a_loss_and_stops_nothing() {
        let bad = ["42", "{", "{\"type\":\"user\",\"message\":7}", "{\"silly\":1}", "\u{0}"];
        let (out, counts) = all(&[&bad[..], &[CALL, RESULT]].concat());
        assert_eq!((counts.broken, counts.actions), (5, 2));
        assert_eq!(out.iter().filter(|r| r["kind"] == "loss").count(), 5);
        let mut reader = ClaudeCode.begin();
        let mut out = Vec::new();
        (0..10_000).for_each(|_| reader.line(Some(b"x"), &mut out));
        reader.line(None, &mut out);
        assert_eq!((reader.counts().broken, out.len() as u64), (10_001, limits::SESSION_LOSSES));
        assert!(ClaudeCode.recognises(CALL.as_bytes()) && !ClaudeCode.recognises(b"{\"a\":1}"));
    }

    #[test]
    fn calls_without_a_result_are_kept_up_to_a_number() {
        let (mut reader, mut out) = (ClaudeCode.begin(), Vec::new());
        for n in 0..limits::SESSION_OPEN_CALLS + 10 {
            let line = CALL.replace("t1", &format!("a{n}")).replace("t2", &format!("b{n}"));
            reader.line(Some(line.as_bytes()), &mut out);
        }
        assert!(out.len() > limits::SESSION_OPEN_CALLS);
    }
}
