//! Agent Trace: records of which lines came from whom, one object per change. Two shapes are in use: that of the specification 0.1
//! (`version`, `id`, `timestamp`, `vcs`, `tool`, `files`), in which some tools tell commands as changes of a file `.shell-history`;
//! and a flat one (`schema`, `session_id`, `file_path`, `start_line`, `end_line`, `tool`, `tool_use_id`).

use super::calls::Calls;
use super::claude_code::{text, time, tool};
use super::documents::object as read;
use super::plain::{may_stand, place, plain};
use super::{Counts, Reader, Source, Units};
use crate::model::limits;
use crate::record::reading::is_commit_id;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// What records of this source say of where they are from.
const SOURCE: &str = "import agent-trace";
/// A file that is none: by it a command is told.
const COMMANDS: &str = ".shell-history";
/// A file that is none: by it the beginning and the end of a conversation are told.
const SESSIONS: &str = ".sessions";

/// The format.
#[derive(Debug)]
pub struct AgentTrace;

impl Source for AgentTrace {
    fn name(&self) -> &'static str {
        "agent-trace"
    }

    fn recognises(&self, document: &[u8]) -> bool {
        read(document).is_some_and(|read| Shape::of(&read).is_some())
    }

    fn units(&self) -> Units {
        Units::Documents
    }

    fn part(&self) -> &'static str {
        "document"
    }

    fn is_of_one_agent(&self) -> bool {
        true
    }

    fn begin(&self) -> Box<dyn Reader> {
        Box::new(Traces { calls: Calls::new(SOURCE, "a document of a file of traces") })
    }
}

/// In which shape a document is.
#[derive(Clone, Copy)]
enum Shape {
    Specified,
    Flat,
}

impl Shape {
    fn of(document: &Map<String, Value>) -> Option<Self> {
        let has_id = text(document, "id").is_some() && text(document, "version").is_some();
        let is_flat = text(document, "schema").is_some_and(|schema| schema.starts_with("agent-trace/"));
        match document.get("files").is_some_and(Value::is_array) && has_id {
            true => Some(Self::Specified),
            false => (is_flat && document.contains_key("file_path")).then_some(Self::Flat),
        }
    }
}

/// A file that is being read.
struct Traces {
    calls: Calls,
}

impl Reader for Traces {
    fn line(&mut self, document: Option<&[u8]>, out: &mut Vec<Value>) {
        self.calls.counts.lines += 1;
        let Some(bytes) = document else { return self.calls.broken("too long", b"", None, out) };
        let Some(read) = read(bytes) else { return self.calls.broken("no document", bytes, None, out) };
        let before = out.len();
        match Shape::of(&read) {
            Some(Shape::Specified) => specified(&read, out),
            Some(Shape::Flat) => out.extend(flat(&read)),
            None => {}
        }
        self.calls.gave(out.len() - before);
    }

    fn end(&mut self, _: &str, _: &mut Vec<Value>) {}

    fn counts(&self) -> Counts {
        self.calls.counts
    }
}

/// A trace as it is specified: a record for each file.
fn specified(trace: &Map<String, Value>, out: &mut Vec<Value>) {
    let object = |name: &str| trace.get(name).and_then(Value::as_object);
    let (Some(id), Some(files)) = (text(trace, "id"), trace.get("files").and_then(Value::as_array)) else { return };
    let aside = object("metadata");
    let aside = |names: [&str; 2]| names.into_iter().find_map(|name| text(aside?, name));
    let revision = object("vcs").filter(|vcs| text(vcs, "type") == Some("git")).and_then(|vcs| text(vcs, "revision"));
    for (at, file) in files.iter().enumerate().take(limits::SESSION_PATCH_FILES) {
        let Some((file, path)) = file.as_object().and_then(|file| Some((file, file.get("path")?.as_str()?))) else {
            continue;
        };
        if path == SESSIONS {
            continue;
        }
        let is_command = path == COMMANDS;
        let mut record = json!({ "kind": "action", "source": SOURCE, "source_id": format!("{id}/{}", at + 1),
            "action_type": if is_command { "command_run" } else { "file_modify" } });
        match is_command {
            // The command stands aside, and may be of any length.
            true => {
                let command = object("metadata").and_then(|aside| aside.get("command")).and_then(Value::as_str);
                record["command"] = command.map_or(Value::Null, |command| json!(command));
            }
            false => place(&mut record, Some(&path.replace('\\', "/"))),
        }
        let mut metadata = told(file);
        if let Some(tool) = object("tool") {
            for (name, member) in [("tool", "name"), ("tool_version", "version")] {
                if let Some(value) = text(tool, member).filter(|value| may_stand(value)) {
                    metadata.insert(name.into(), json!(value));
                }
            }
        }
        record["metadata"] = Value::Object(metadata);
        let model = model(file);
        let (provider, model) = match model.and_then(|model| model.split_once('/')) {
            Some((provider, model)) => (Some(provider), Some(model)),
            None => (None, model),
        };
        plain(&mut record, "provider", provider);
        plain(&mut record, "model", model);
        plain(&mut record, "session_id", aside(["conversation_id", "session_id"]));
        plain(&mut record, "commit", revision.filter(|id| is_commit_id(id)));
        if let Some(time) = time(trace) {
            record["at"] = json!(time);
        }
        out.push(record);
    }
}

/// Whoever contributed to a file, and to which lines.
fn conversations(file: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let all = file.get("conversations").and_then(Value::as_array).into_iter().flatten();
    all.filter_map(Value::as_object).take(limits::SESSION_PATCH_FILES)
}

fn contributor<'a>(one: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    text(one.get("contributor")?.as_object()?, name)
}

/// The one model of a file; none where there are several.
fn model(file: &Map<String, Value>) -> Option<&str> {
    let mut all = conversations(file).filter_map(|one| contributor(one, "model_id"));
    let first = all.next()?;
    all.all(|other| other == first).then_some(first)
}

/// Who contributed, in the words of the specification, and which lines.
fn told(file: &Map<String, Value>) -> Map<String, Value> {
    let mut kinds: Vec<&str> = conversations(file).filter_map(|one| contributor(one, "type")).collect();
    kinds.retain(|kind| ["human", "ai", "mixed", "unknown"].contains(kind));
    kinds.sort_unstable();
    kinds.dedup();
    let mut lines = String::new();
    let ranges = conversations(file).filter_map(|one| one.get("ranges")?.as_array()).flatten();
    for range in ranges {
        let number = |name: &str| range.get(name).and_then(Value::as_u64);
        let (Some(start), Some(end)) = (number("start_line"), number("end_line")) else { continue };
        if lines.len() > limits::VALUE_BYTES / 2 {
            lines.push_str(",...");
            break;
        }
        let _ = write!(lines, "{}{start}-{end}", if lines.is_empty() { "" } else { "," });
    }
    let pairs = [("contributor", kinds.join(",")), ("lines", lines)];
    pairs.into_iter().filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name.into(), json!(value))).collect()
}

/// A trace in the flat shape. Its path is one of a machine more often than not, and is withheld then.
fn flat(trace: &Map<String, Value>) -> Option<Value> {
    let (call, name) = (text(trace, "tool_use_id")?, text(trace, "tool").unwrap_or_default());
    let number = |name: &str| trace.get(name).and_then(Value::as_u64);
    let lines = number("start_line").zip(number("end_line")).map(|(start, end)| format!("{start}-{end}"));
    let action = match tool(name).0 {
        "tool_call" => "file_modify",
        action => action,
    };
    let id = format!("{call}/{}", lines.as_deref().unwrap_or_default());
    let mut record = json!({ "kind": "action", "action_type": action, "source": SOURCE, "source_id": id });
    place(&mut record, trace.get("file_path").and_then(Value::as_str).map(|path| path.replace('\\', "/")).as_deref());
    let pairs = [("tool", Some(name.to_owned()).filter(|name| may_stand(name) && !name.is_empty())), ("lines", lines)];
    let pairs = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?))));
    record["metadata"] = Value::Object(pairs.collect());
    plain(&mut record, "session_id", text(trace, "session_id"));
    if let Some(time) = time(trace) {
        record["at"] = json!(time);
    }
    Some(record)
}
