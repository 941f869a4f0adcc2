//! A call of a tool in a rollout of Codex: what it does, and what its output says of how it ended.

use crate::model::{json, limits};
use serde_json::{Map, Value, json};

/// Tools that run commands: the member that says which.
const SHELLS: &[(&str, &str)] = &[
    ("exec_command", "cmd"),
    ("shell", "command"),
    ("shell_command", "command"),
    ("local_shell", "command"),
    ("container.exec", "command"),
    ("unified_exec", "input"),
];
/// Other tools: the type of action, and which of the inputs says what it was done to.
const TOOLS: &[(&str, &str, &str)] = &[
    ("read_file", "file_read", "file_path"),
    ("view_image", "file_read", "path"),
    ("list_dir", "search", "dir_path"),
    ("grep_files", "search", "path"),
    ("spawn_agent", "agent_start", ""),
];
/// What a patch says to do to a file.
const HEADS: [(&str, &str); 3] =
    [("*** Add File: ", "file_create"), ("*** Update File: ", "file_modify"), ("*** Delete File: ", "file_delete")];

/// What a call was given: arguments as JSON in a text, or a text as it is, or what a shell was told.
pub(super) fn given(payload: &Map<String, Value>) -> Value {
    let arguments = payload.get("arguments").and_then(Value::as_str);
    let parsed = arguments.and_then(|text| json::parse(text.as_bytes(), limits::SESSION_LINE_BYTES).ok());
    let other = || payload.get("input").or_else(|| payload.get("action")).cloned().unwrap_or(Value::Null);
    parsed.or_else(|| arguments.map(|text| json!(text))).unwrap_or_else(other)
}

/// What a call does.
pub(super) struct Done {
    pub(super) action: &'static str,
    pub(super) target: Option<String>,
    pub(super) command: Option<String>,
}

impl Done {
    pub(super) fn of(tool: &str, input: &Value) -> Self {
        let text = |name: &str| input.get(name).and_then(Value::as_str).map(str::to_owned);
        if let Some(patch) = patch(tool, input) {
            // One file is the call's own; of several each has a record.
            let mut files = patched(patch);
            let (action, target) = match files.len() {
                1 => files.pop().map_or(("file_modify", None), |(action, path)| (action, Some(path))),
                _ => ("file_modify", None),
            };
            return Self { action, target, command: None };
        }
        if let Some((_, member)) = SHELLS.iter().find(|(name, _)| *name == tool) {
            return Self { action: "command_run", target: None, command: command(input.get(*member)) };
        }
        match TOOLS.iter().find(|(name, ..)| *name == tool) {
            Some((_, action, member)) => Self { action, target: text(member), command: None },
            None => Self { action: "tool_call", target: None, command: None },
        }
    }
}

/// A command: as it is typed, or the words that a shell is called with, of which the script is the command.
fn command(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Array(words) => {
            let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
            match words?.as_slice() {
                [_, "-lc" | "-c", script] => Some((*script).to_owned()),
                words => Some(words.join(" ")),
            }
        }
        _ => None,
    }
}

/// The patch that a call applies, whether it is the tool's own or a shell's first word.
pub(super) fn patch<'a>(tool: &str, input: &'a Value) -> Option<&'a str> {
    if tool == "apply_patch" {
        let member = |name: &str| input.get(name).and_then(Value::as_str);
        return input.as_str().or_else(|| member("patch")).or_else(|| member("input"));
    }
    match input.get("command").and_then(Value::as_array)?.as_slice() {
        [Value::String(name), Value::String(patch)] if name == "apply_patch" => Some(patch),
        _ => None,
    }
}

/// The files that a patch says to change, each with what is done to it.
pub(super) fn patched(patch: &str) -> Vec<(&'static str, String)> {
    let head = |line| HEADS.iter().find_map(|(head, action)| Some((*action, str::strip_prefix(line, head)?.trim())));
    let files = patch.lines().filter_map(head).take(limits::SESSION_PATCH_FILES);
    files.map(|(action, path)| (action, path.to_owned())).collect()
}

/// What an output says, and the exit code that stands in it: in its metadata, or on a line above what the command wrote.
pub(super) fn outcome(output: &Value) -> (String, Option<i64>) {
    let told = match output {
        Value::String(text) => text.clone(),
        other => crate::sources::claude_code::told(other.get("content").unwrap_or(other)),
    };
    let code = |value: &Value| value.get("metadata")?.get("exit_code")?.as_i64();
    let parsed = told.starts_with('{').then(|| json::parse(told.as_bytes(), limits::SESSION_LINE_BYTES).ok()).flatten();
    let of_line = |line: &str| {
        let rest = line.strip_prefix("Process exited with code ").or_else(|| line.strip_prefix("Exit code: "));
        rest?.trim().parse().ok()
    };
    let head = || told.lines().take_while(|line| *line != "Output:").take(8).find_map(of_line);
    let exit = parsed.as_ref().and_then(code).or_else(|| code(output)).or_else(head);
    (told, exit.filter(|code| code.unsigned_abs() <= limits::EXACT_NUMBER))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_code_is_one_that_no_command_wrote() {
        let of = |output: Value| outcome(&output).1;
        assert_eq!(
            of(json!("Chunk ID: 1\nProcess exited with code 3\nOutput:\nProcess exited with code 0\n")),
            Some(3)
        );
        assert_eq!(of(json!("Exit code: 0\nWall time: 1 s\nOutput:\n")), Some(0));
        assert_eq!(of(json!("{\"output\":\"x\",\"metadata\":{\"exit_code\":2}}")), Some(2));
        assert_eq!(
            of(json!("Wall time: 1 s\nOutput:\nProcess exited with code 0\n")),
            None,
            "it is what the command wrote"
        );
        assert_eq!((of(json!("Exit code: 99999999999999999999")), of(Value::Null)), (None, None));
    }

    #[test]
    fn a_command_is_what_a_shell_is_told() {
        let of = |value: Value| command(Some(&value));
        assert_eq!(of(json!(["bash", "-lc", "ls -l"])).as_deref(), Some("ls -l"));
        assert_eq!(of(json!(["ls", "-l"])).as_deref(), Some("ls -l"));
        assert_eq!((of(json!("ls")).as_deref(), of(json!([1]))), (Some("ls"), None));
        let files = patched("*** Begin Patch\n*** Delete File: a\n*** Add File: b c\n+*** Add File: no\n");
        assert_eq!(files, [("file_delete", "a".to_owned()), ("file_create", "b c".to_owned())]);
    }
}
