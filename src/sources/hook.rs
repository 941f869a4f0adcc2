//! Events that agents hand to a hook, one object each: Claude Code (`hooks` of its settings) and Codex (`hooks.json`), which have
//! one form: `session_id`, `transcript_path`, `cwd`, `hook_event_name`, `tool_name`, `tool_input`, `tool_response`, `tool_use_id`.
//!
//! What is recorded of a call is named as the agent's transcript names it, so that both are one: `tool_use_id` behind one name of
//! a source. Before the call it is `unanswered`, as a transcript has one without its result.

use super::claude_code::{add, is_one_place, name, relative, text, tool};
use crate::model::{Digest, Timestamp, json, limits};
use crate::record::draft::{UNANSWERED, is_outside};
use crate::record::kinds;
use serde_json::{Map, Value, json};

/// An agent whose events are understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Agent {
    /// Its name.
    pub name: &'static str,
    /// What records of it say of where they are from.
    pub source: &'static str,
    /// Whether it tells a call that went wrong by an event of its own: then one that is told as done went well.
    pub tells_failures: bool,
}

/// Every agent. `json` is any program that hands in a record as `attest schema audit-record` describes it.
pub const AGENTS: &[Agent] = &[
    Agent { name: "claude-code", source: "hook claude-code", tells_failures: true },
    Agent { name: "codex", source: "hook codex", tells_failures: false },
    Agent { name: "json", source: "hook json", tells_failures: false },
];

/// The agent of a name.
#[must_use]
pub fn agent(name: &str) -> Option<&'static Agent> {
    AGENTS.iter().find(|agent| agent.name == name)
}

/// What is known beside the event.
#[derive(Clone, Debug)]
pub struct Around {
    /// The present.
    pub now: Timestamp,
    /// The folder of the project, where the agent says it: paths are told from there.
    pub project: Option<String>,
    /// The execution that the agent works in.
    pub execution: Option<String>,
    /// Who the agent is, as `squad/agent`.
    pub agent: Option<String>,
}

/// What an event says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Heard {
    /// The session that it is of.
    pub session: Option<String>,
    /// What is recorded of it, in the form of `attest schema audit-record`; none of an event that says nothing of what was done.
    pub record: Option<Value>,
    /// Whether it counts among the events of its session, so that it is missed where it does not arrive.
    pub counts: bool,
    /// Where the session's transcript is.
    pub transcript: Option<String>,
    /// Whether the session ended with it.
    pub ended: bool,
}

/// Reads an event; one that cannot be read, or is too large, counts and says nothing.
#[must_use]
pub fn hear(agent: &Agent, bytes: &[u8], around: &Around) -> Heard {
    let lost = || Heard { session: session_in(bytes), counts: true, ..Heard::default() };
    if bytes.len() > limits::HOOK_BYTES {
        return lost();
    }
    let Ok(Value::Object(event)) = json::parse(bytes, limits::HOOK_BYTES) else { return lost() };
    if agent.name == "json" { own(agent, event, around) } else { of_agent(agent, &event, around) }
}

/// A record that a program made.
fn own(agent: &Agent, mut record: Map<String, Value>, around: &Around) -> Heard {
    // By its source it is known again as an event of this hook.
    record.insert("source".into(), json!(agent.source));
    for (field, value) in [("execution_id", &around.execution), ("agent", &around.agent)] {
        if let Some(value) = value {
            record.entry(field).or_insert_with(|| json!(value));
        }
    }
    // What may hold a number may be missed.
    let kind = record.get("kind").and_then(Value::as_str).and_then(kinds::named);
    let counts = kind.is_none_or(|kind| kind.may_have("metadata"));
    let session = text(&record, "session_id").map(str::to_owned);
    Heard { session, record: Some(Value::Object(record)), counts, ..Heard::default() }
}

fn of_agent(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Heard {
    let session = text(event, "session_id").map(str::to_owned);
    let transcript = event.get("transcript_path").and_then(Value::as_str).map(str::to_owned);
    let mut heard = Heard { session, transcript, ..Heard::default() };
    let (call, named) = (|record: Option<Value>| (record, true), heard.session.is_some());
    (heard.record, heard.counts) = match text(event, "hook_event_name").unwrap_or_default() {
        "PreToolUse" => call(begun(agent, event, around)),
        "PostToolUse" => call(ended(agent, event, around, false)),
        "PostToolUseFailure" => call(ended(agent, event, around, true)),
        "PermissionRequest" => call(asked(agent, event, around)),
        // One of no session says nothing.
        "SessionStart" => (named.then(|| started(agent, event, around)), false),
        "SessionEnd" => {
            heard.ended = named;
            (named.then(|| over(agent, event, around)), false)
        }
        // Without a name it is no event; another one says nothing of what was done.
        "" => (None, true),
        _ => (None, false),
    };
    heard
}

/// A call that is about to be made: what is asked for stands in the log before it happens.
fn begun(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Option<Value> {
    let id = text(event, "tool_use_id")?;
    let mut record = action(agent, event, around)?;
    record["source_id"] = json!(format!("{id}{UNANSWERED}"));
    record["result"] = json!("unanswered");
    record["started_at"] = json!(around.now.to_string());
    witnessed(&mut record, &["action_type", "target", "command", "input", "started_at"]);
    Some(record)
}

/// A call that was made.
fn ended(agent: &Agent, event: &Map<String, Value>, around: &Around, failed: bool) -> Option<Value> {
    let id = text(event, "tool_use_id")?;
    let mut record = action(agent, event, around)?;
    record["source_id"] = json!(id);
    match (failed, agent.tells_failures) {
        (true, _) => record["result"] = json!("error"),
        (false, true) => record["result"] = json!("ok"),
        (false, false) => {}
    }
    let given = event.get(if failed { "error" } else { "tool_response" });
    if let Some(given) = given {
        record["output"] = json!(given.as_str().map_or_else(|| given.to_string(), str::to_owned));
    }
    record["completed_at"] = json!(around.now.to_string());
    witnessed(&mut record, &["action_type", "target", "command", "input", "output", "result", "completed_at"]);
    Some(record)
}

/// That a person was asked whether a call may be made.
fn asked(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Option<Value> {
    let mut record = action(agent, event, around)?;
    record["action_type"] = json!("permission_request");
    record["at"] = json!(around.now.to_string());
    record["source_id"] = json!(made_up(event, around, "asked"));
    witnessed(&mut record, &["action_type", "target", "command", "input", "at"]);
    Some(record)
}

fn started(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Value {
    let mut record = session(agent, event, around);
    record["started_at"] = json!(around.now.to_string());
    name(&mut record, "model", text(event, "model"));
    // One that is gone on with begins again.
    let first = ["startup", ""].contains(&text(event, "source").unwrap_or_default());
    let id = text(event, "session_id").unwrap_or_default();
    record["source_id"] = json!(if first { format!("{id}/start") } else { made_up(event, around, "start") });
    witnessed(&mut record, &["started_at"]);
    record
}

fn over(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Value {
    let mut record = session(agent, event, around);
    record["completed_at"] = json!(around.now.to_string());
    record["source_id"] = json!(made_up(event, around, "end"));
    witnessed(&mut record, &["completed_at"]);
    record
}

/// An id for what the agent gives none: of its session, what it is, its time and all that it says.
fn made_up(event: &Map<String, Value>, around: &Around, what: &str) -> String {
    let session = text(event, "session_id").unwrap_or_default();
    let digest = Digest::sha256(Value::Object(event.clone()).to_string().as_bytes());
    format!("{session}/hook {what}/{}/{}", around.now, &digest.hex()[..16])
}

fn session(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Value {
    let mut record = json!({ "kind": "session", "source": agent.source });
    common(&mut record, event, around);
    record
}

/// What every event of a call says of it.
fn action(agent: &Agent, event: &Map<String, Value>, around: &Around) -> Option<Value> {
    let tool_name = text(event, "tool_name")?;
    let input = event.get("tool_input").unwrap_or(&Value::Null);
    let command = input.get("command").and_then(Value::as_str);
    let (mut action, field) = tool(tool_name);
    let folder = around.project.as_deref().or_else(|| text(event, "cwd")).filter(|folder| is_one_place(folder));
    let mut target = input.get(field).and_then(Value::as_str).map(|path| relative(folder, path));
    if tool_name == "apply_patch" {
        let patched = command.map(patched).unwrap_or_default();
        (action, target) = match patched[..] {
            [(action, path)] => (action, Some(relative(folder, path))),
            _ => ("file_modify", None),
        };
    }
    let mut record =
        json!({ "kind": "action", "action_type": action, "source": agent.source, "input": input.to_string() });
    let mut metadata = Map::new();
    let outside = is_outside(tool_name);
    if !outside {
        metadata.insert("tool".into(), json!(tool_name));
    }
    if let Some(kind) = text(event, "agent_type").filter(|kind| !is_outside(kind)) {
        metadata.insert("subagent".into(), json!(kind));
    }
    if let Some(mode) = text(event, "permission_mode").filter(|mode| !is_outside(mode)) {
        metadata.insert("permission_mode".into(), json!(mode));
    }
    record["metadata"] = Value::Object(metadata);
    if action == "command_run"
        && let Some(command) = command
    {
        record["command"] = json!(command);
    }
    add(&mut record, "target", target.as_deref());
    name(&mut record, "model", text(event, "model"));
    common(&mut record, event, around);
    Some(record)
}

fn common(record: &mut Value, event: &Map<String, Value>, around: &Around) {
    name(record, "session_id", text(event, "session_id"));
    add(record, "execution_id", around.execution.as_deref());
    add(record, "agent", around.agent.as_deref());
}

/// The files that a patch of Codex says to change, each with what is done to it.
fn patched(patch: &str) -> Vec<(&'static str, &str)> {
    const HEADS: [(&str, &str); 3] =
        [("*** Add File: ", "file_create"), ("*** Update File: ", "file_modify"), ("*** Delete File: ", "file_delete")];
    let head = |line| HEADS.iter().find_map(|(head, action)| Some((*action, str::strip_prefix(line, head)?.trim())));
    patch.lines().filter_map(head).collect()
}

/// That fields were seen to be so by the program that ran the hook.
fn witnessed(record: &mut Value, fields: &[&str]) {
    let had: Vec<&str> = fields.iter().copied().filter(|field| record.get(*field).is_some()).collect();
    record["known"] = had.into_iter().map(|field| (field.to_owned(), json!("witnessed"))).collect();
}

/// The session that an event is of which cannot be read, by its first bytes.
fn session_in(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(limits::HOOK_HEAD_BYTES)]);
    let (_, rest) = head.split_once("\"session_id\"")?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    let (id, _) = value.split_once('"')?;
    (!id.is_empty() && id.len() <= 256 && !id.contains(['\\', '\n'])).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn around() -> Around {
        let now = Timestamp::parse("2026-01-02T03:04:05Z").unwrap();
        Around { now, project: None, execution: Some("e".into()), agent: None }
    }

    fn heard(of: &str, event: &Value) -> Heard {
        hear(agent(of).unwrap(), event.to_string().as_bytes(), &around())
    }

    fn event(name: &str) -> Value {
        json!({ "session_id": "s", "transcript_path": "/home/a/.claude/projects/p/s.jsonl", "cwd": "/w/app",
            "permission_mode": "default", "hook_event_name": name, "tool_name": "Edit", "tool_use_id": "t1",
            "tool_input": { "file_path": "/w/app/src/a.rs" }, "tool_response": { "success": true } })
    }

    #[test]
    fn a_call_is_told_before_and_after_it() {
        let before = heard("claude-code", &event("PreToolUse"));
        let record = before.record.unwrap();
        assert_eq!((&record["source_id"], &record["result"]), (&json!("t1/unanswered"), &json!("unanswered")));
        assert_eq!((&record["target"], &record["action_type"]), (&json!("src/a.rs"), &json!("file_modify")));
        assert_eq!((&record["execution_id"], &record["known"]["target"]), (&json!("e"), &json!("witnessed")));
        assert!(before.counts && !before.ended && before.session.as_deref() == Some("s"));
        let record = heard("claude-code", &event("PostToolUse")).record.unwrap();
        assert_eq!((&record["source_id"], &record["result"]), (&json!("t1"), &json!("ok")));
        assert_eq!(record["output"], json!("{\"success\":true}"));
        let mut failed = event("PostToolUseFailure");
        failed["error"] = json!("exit 1");
        let record = heard("claude-code", &failed).record.unwrap();
        assert_eq!((&record["result"], &record["output"]), (&json!("error"), &json!("exit 1")));
        // Codex says nothing of how a call went.
        assert!(heard("codex", &event("PostToolUse")).record.unwrap().get("result").is_none());
    }

    #[test]
    fn other_events_are_sessions_or_nothing() {
        let start = heard("claude-code", &event("SessionStart"));
        assert_eq!(start.record.as_ref().unwrap()["source_id"], json!("s/start"));
        assert!(!start.counts && start.transcript.is_some());
        let mut again = event("SessionStart");
        again["source"] = json!("resume");
        assert_ne!(heard("claude-code", &again).record.unwrap()["source_id"], json!("s/start"));
        assert!(heard("claude-code", &event("SessionEnd")).ended);
        let asked = heard("claude-code", &event("PermissionRequest")).record.unwrap();
        assert_eq!(asked["action_type"], json!("permission_request"));
        let mut nobodys = event("SessionEnd");
        nobodys.as_object_mut().unwrap().remove("session_id");
        let nobodys = heard("claude-code", &nobodys);
        assert_eq!((nobodys.record, nobodys.ended), (None, false));
        let other = heard("claude-code", &event("Notification"));
        assert_eq!((other.record, other.counts), (None, false));
    }

    #[test]
    fn what_cannot_be_read_counts_for_its_session() {
        for bytes in [&br#"{"session_id": "s", "tool_input": "cut"#[..], br#"{"session_id":"s","a":1,"a":2}"#] {
            let heard = hear(agent("claude-code").unwrap(), bytes, &around());
            assert_eq!((heard.session.as_deref(), heard.record, heard.counts), (Some("s"), None, true));
        }
        let large = format!(r#"{{"session_id":"s","x":"{}"}}"#, "x".repeat(limits::HOOK_BYTES));
        let heard = hear(agent("codex").unwrap(), large.as_bytes(), &around());
        assert_eq!((heard.session.as_deref(), heard.counts), (Some("s"), true));
        let heard = hear(agent("codex").unwrap(), b"\xff\0", &around());
        assert_eq!((heard.session, heard.counts), (None, true));
        let mut nameless = event("PostToolUse");
        nameless.as_object_mut().unwrap().remove("tool_use_id");
        let heard = self::heard("claude-code", &nameless);
        assert_eq!((heard.record, heard.counts), (None, true), "it could not be counted once");
    }

    #[test]
    fn a_patch_of_one_file_names_it() {
        let patch = |body: &str| {
            let mut event = event("PreToolUse");
            event["tool_name"] = json!("apply_patch");
            event["tool_input"] = json!({ "command": format!("*** Begin Patch\n{body}*** End Patch") });
            let record = heard("codex", &event).record.unwrap();
            assert!(record.get("command").is_none(), "a patch is no command");
            (record["action_type"].clone(), record.get("target").cloned())
        };
        assert_eq!(patch("*** Add File: src/b.rs\n+x\n"), (json!("file_create"), Some(json!("src/b.rs"))));
        assert_eq!(patch("*** Delete File: a\n*** Update File: b\n"), (json!("file_modify"), None));
    }

    #[test]
    fn a_program_of_its_own_hands_in_a_record() {
        let record = json!({ "kind": "action", "action_type": "deploy", "session_id": "s", "source_id": "1",
            "source": "mine" });
        let heard = self::heard("json", &record);
        assert!(heard.counts && heard.session.as_deref() == Some("s"));
        let record = heard.record.unwrap();
        assert_eq!((&record["source"], &record["execution_id"]), (&json!("hook json"), &json!("e")));
        let decision = self::heard("json", &json!({ "kind": "decision", "what": "x", "reason": "y" }));
        assert!(!decision.counts, "it may hold no number");
    }
}
