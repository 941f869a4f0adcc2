//! The settings of an agent, with our hook in them and without it. Everything but the member `hooks` stays as it was, byte by byte.

use crate::model::json::{self, JsonError};
use crate::model::limits;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

/// An agent that has settings, and where a hook stands in them.
#[derive(Debug)]
pub(super) struct Kind {
    /// The agent.
    pub(super) agent: &'static str,
    /// The variable that names the folder of its settings.
    pub(super) variable: &'static str,
    /// That folder in a home, and the file in it.
    pub(super) place: (&'static str, &'static str),
    /// The events that are handed over.
    pub(super) events: &'static [&'static str],
    /// What is to be known of it.
    pub(super) note: &'static str,
}

/// Agents whose settings are known.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        agent: "claude-code",
        variable: "CLAUDE_CONFIG_DIR",
        place: (".claude", "settings.json"),
        events: &["SessionStart", "PreToolUse", "PermissionRequest", "PostToolUse", "PostToolUseFailure", "SessionEnd"],
        note: "sessions that begin from now on are recorded",
    },
    Kind {
        agent: "codex",
        variable: "CODEX_HOME",
        place: (".codex", "hooks.json"),
        events: &["SessionStart", "PreToolUse", "PermissionRequest", "PostToolUse", "SessionEnd"],
        note: "Codex runs a hook once you have looked at it and trusted it: type /hooks there",
    },
];

/// How long the agent waits for the hook (seconds). Claude Code gives all hooks of a session's end 1.5 s together unless one says more.
const SECONDS: u64 = 5;

/// The settings with our hook in them; none where it is there already.
///
/// # Errors
/// [`JsonError`] where they cannot be read, or `hooks` has another form than agents give it.
pub(super) fn with(kind: &Kind, text: &str, command: &str) -> Result<Option<String>, JsonError> {
    let mut hooks = hooks(text)?;
    let before = hooks.clone();
    for event in kind.events {
        let groups = hooks.entry(*event).or_insert_with(|| json!([])).as_array_mut();
        let groups = groups.ok_or_else(|| unexpected(&format!("hooks.{event}"), "a list"))?;
        // One of another place of this program, or of another log, is replaced.
        take_away(groups, kind.agent, Some(command));
        if !groups.iter().flat_map(handlers).any(|handler| handler["command"] == command) {
            groups.push(json!({ "hooks": [{ "type": "command", "command": command, "timeout": SECONDS }] }));
        }
    }
    Ok((hooks != before).then(|| put(text, &hooks)))
}

/// The settings without our hook; none where it is not there.
///
/// # Errors
/// As [`with`].
pub(super) fn without(kind: &Kind, text: &str) -> Result<Option<String>, JsonError> {
    let mut hooks = hooks(text)?;
    let before = hooks.clone();
    let mut emptied = Vec::new();
    for (event, groups) in &mut hooks {
        let Some(groups) = groups.as_array_mut() else { continue };
        let had = groups.len();
        take_away(groups, kind.agent, None);
        if groups.is_empty() && had > 0 {
            emptied.push(event.clone());
        }
    }
    emptied.iter().for_each(|event| drop(hooks.shift_remove(event)));
    Ok((hooks != before).then(|| put(text, &hooks)))
}

/// What `hooks` of settings says.
fn hooks(text: &str) -> Result<Map<String, Value>, JsonError> {
    let expected = |at: &str| unexpected(at, "an object");
    match json::parse(text.as_bytes(), limits::AGENT_SETTINGS_BYTES)? {
        Value::Object(mut all) => match all.remove("hooks") {
            None => Ok(Map::new()),
            Some(Value::Object(hooks)) => Ok(hooks),
            Some(_) => Err(expected("hooks")),
        },
        _ => Err(expected("the settings")),
    }
}

fn unexpected(at: &str, expected: &str) -> JsonError {
    JsonError::Unexpected { path: at.to_owned(), expected: expected.to_owned(), found: "something else".to_owned() }
}

fn handlers(group: &Value) -> impl Iterator<Item = &Value> {
    group.get("hooks").and_then(Value::as_array).into_iter().flatten()
}

/// Takes our handlers out of groups, but one, and groups that then have none.
fn take_away(groups: &mut Vec<Value>, agent: &str, but: Option<&str>) {
    let is_ours = |handler: &Value| {
        let command = handler.get("command").and_then(Value::as_str);
        command.is_some_and(|command| is_hook(command, agent) && but != Some(command))
    };
    groups.retain_mut(|group| {
        let Some(handlers) = group.get_mut("hooks").and_then(Value::as_array_mut) else { return true };
        let had = handlers.len();
        handlers.retain(|handler| !is_ours(handler));
        had == handlers.len() || !handlers.is_empty()
    });
}

/// Whether a command is a hook of this program for an agent.
fn is_hook(command: &str, agent: &str) -> bool {
    let Some((program, rest)) = command.split_once(" audit hook ") else { return false };
    let program = program.trim_matches('\'').rsplit('/').next().unwrap_or_default();
    program.starts_with("attest") && rest.split(' ').next() == Some(agent)
}

/// The text of settings with other `hooks`.
fn put(text: &str, hooks: &Map<String, Value>) -> String {
    #[derive(serde::Deserialize)]
    struct Settings<'a> {
        #[serde(borrow)]
        hooks: Option<&'a RawValue>,
    }
    let old = serde_json::from_str::<Settings<'_>>(text).ok().and_then(|settings| settings.hooks);
    let rendered = serde_json::to_string_pretty(hooks).unwrap_or_default().replace('\n', "\n  ");
    let Some(old) = old.map(RawValue::get) else {
        let (head, tail) = text.rsplit_once('}').unwrap_or(("{", "\n"));
        let head = head.trim_end();
        let comma = if head.ends_with('{') { "" } else { "," };
        return format!("{head}{comma}\n  \"hooks\": {rendered}\n}}{tail}");
    };
    // It is a part of the text, so it begins behind the text's beginning.
    let start = (old.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let (before, after) = (&text[..start], &text[start + old.len()..]);
    if !hooks.is_empty() {
        return format!("{before}{rendered}{after}");
    }
    let before = before.rsplit_once("\"hooks\"").map_or(before, |(before, _)| before).trim_end();
    match (before.strip_suffix(','), after.trim_start().strip_prefix(',')) {
        (Some(before), _) => format!("{before}{after}"),
        (None, Some(after)) => format!("{before}{after}"),
        (None, None) => format!("{before}{}", after.trim_start()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMAND: &str = "/usr/bin/attest audit hook claude-code";

    fn both(text: &str) -> (String, String) {
        let with = with(&KINDS[0], text, COMMAND).unwrap().unwrap();
        assert_eq!(self::with(&KINDS[0], &with, COMMAND).unwrap(), None, "twice is once");
        let value: Value = serde_json::from_str(&with).unwrap();
        for event in KINDS[0].events {
            let found: Vec<&Value> = value["hooks"][event].as_array().unwrap().iter().flat_map(handlers).collect();
            assert_eq!(found.iter().filter(|handler| handler["command"] == COMMAND).count(), 1, "{event}");
        }
        let without = without(&KINDS[0], &with).unwrap().unwrap();
        (with, without)
    }

    #[test]
    fn everything_else_stays_as_it_was() {
        for text in
            ["{}\n", "{ \"a\":1.0,\t\"b\": [1,2] }", "{\n    \"model\": \"x\",\n    \"nested\": {\"hooks\": 1}\n}\n"]
        {
            let (with, without) = both(text);
            let squeezed = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(squeezed(&without), squeezed(text));
            assert!(with.starts_with(text.trim_end().trim_end_matches('}').trim_end()), "{with}");
        }
    }

    #[test]
    fn hooks_of_others_stay() {
        let other = r#"{"hooks": {"PreToolUse": [{"matcher": "Bash", "hooks": [{"type": "command", "command": "./mine.sh"}]}]}, "z": 0.10}"#;
        let (with, without) = both(other);
        assert!(with.contains("./mine.sh") && with.ends_with(", \"z\": 0.10}"), "{with}");
        let (one, two): (Value, Value) =
            (serde_json::from_str(&without).unwrap(), serde_json::from_str(other).unwrap());
        assert_eq!(one, two);
        // One of ours in a group of others goes alone.
        let shared = other.replace(
            "\"./mine.sh\"}",
            "\"./mine.sh\"}, {\"type\": \"command\", \"command\": \"'/a b/attest' audit hook claude-code\"}",
        );
        let without: Value = serde_json::from_str(&super::without(&KINDS[0], &shared).unwrap().unwrap()).unwrap();
        assert_eq!(without, two);
        assert_eq!(super::without(&KINDS[0], other).unwrap(), None);
        assert_eq!(super::without(&KINDS[1], &with).unwrap(), None, "of another agent");
    }

    #[test]
    fn settings_that_are_none_are_not_touched() {
        for bad in ["", "[]", "{\"hooks\": []}", "{\"hooks\": {\"PreToolUse\": {}}}", "{\"a\":1,\"a\":2}", "{// x\n}"] {
            assert!(with(&KINDS[0], bad, COMMAND).is_err(), "{bad}");
        }
    }
}
