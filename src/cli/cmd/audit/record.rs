//! `attest audit record`

use super::worked::prices::UnpricedReport;
use crate::audit::AuditError;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::flow::audit;
use crate::model::plural::counted;
use crate::model::{json, limits};
use crate::places::{self, AuditPlace, audit::random, files};
use crate::record::Draft;
use crate::record::actions;
use crate::record::draft::Origin;
use crate::record::fields::{self, Form};
use crate::server::{Asked, Said, hand_in};
use clap::Args;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Put records into the audit log
///
/// One record by its kind and fields, or many as lines of JSON: where one of the lines is wrong, none is recorded. Where the disk is
/// full or the machine fails on the way, the first of very many may be; with `source` and `source_id` in each, hand them in again. A command, its input and output, or a diff is never kept:
/// only a salted hash of it, by which `attest audit match` knows it again. `FIELD=@FILE` takes the text from a file.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit record action execution_id=exec-1 action_type=file_modify target=src/lib.rs lines_added=4
  attest audit record decision what='use SQLite' reason='one file' decided_by=alice@example.com
  attest audit record --file records.jsonl        lines as `attest schema audit-record` describes them
  agent-program | attest audit record --file -      recorded when the program ends
  attest audit record --session session.jsonl --agent platform/builder

Kinds: execution_started, execution_ended, action, session, approval, exception, decision, outcome, tag, loss, heartbeat,
attested, verified, admitted, anchored, exported. `attest schema audit-record` has the fields of each, and the action types:
file_read, file_create, file_modify, file_delete, command_run, search, web_fetch, tool_call, commit, push, pr_create, ...")]
pub(super) struct RecordArgs {
    /// Kind of the record
    #[arg(value_name = "KIND", required_unless_present_any = ["file", "session"])]
    kind: Option<String>,
    /// Its fields: FIELD=VALUE; of a list each text by itself, of `metadata` as metadata.NAME=VALUE
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
    /// Fields that were seen to be so, not only said: FIELD,...
    #[arg(long, value_name = "FIELD,...", value_delimiter = ',')]
    witnessed: Vec<String>,
    /// Lines of JSON, each a record; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "witnessed"])]
    file: Option<PathBuf>,
    /// A session file of an agent (Claude Code, Codex): its tool calls; again, or longer, and only what is new is added
    #[arg(long, value_name = "FILE", conflicts_with_all = ["kind", "witnessed", "file"])]
    session: Option<PathBuf>,
    /// With --session: the agent, as SQUAD/AGENT
    #[arg(long, value_name = "AGENT", requires = "session")]
    agent: Option<String>,
    /// With --session: the execution that the session is of
    #[arg(long, value_name = "ID", requires = "session")]
    execution: Option<String>,
    /// The lines were taken from elsewhere: what looks like a secret is withheld, not refused
    #[arg(long, requires = "file")]
    captured: bool,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RecordReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Numbers of the records, in the order in which they were handed in.
    pub records: Vec<u64>,
    /// How many of them were in the log already, and say the same.
    pub known: usize,
    /// Numbers of records under whose `source` and `source_id` something else was handed in, which was not recorded.
    pub differs: Vec<u64>,
    /// How many records the log has now.
    pub size: u64,
    /// Fields that were withheld, because they looked like a secret or led out of the repository.
    pub withheld: usize,
    /// The execution, where one was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// What was used without a price, where --prices was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<UnpricedReport>,
}

pub(super) fn run(args: &RecordArgs, place: &AuditPlace, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    if let Some(file) = &args.session {
        let given = [("agent", &args.agent), ("execution_id", &args.execution)];
        let given = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        return super::session::run(file, given, place, common);
    }
    let drafts = match (&args.file, &args.kind) {
        (Some(file), _) => of_file(file, if args.captured { Origin::Captured } else { Origin::Typed })?,
        (None, kind) => {
            let mut document = document(kind.as_deref().unwrap_or_default(), &args.fields)?;
            if !args.witnessed.is_empty() {
                let known: Map<_, _> = args.witnessed.iter().map(|f| (f.clone(), json!("witnessed"))).collect();
                document.insert("known".into(), Value::Object(known));
            }
            vec![Draft::read(&Value::Object(document), Origin::Typed, &mut random)?]
        }
    };
    let types: BTreeSet<&str> = drafts.iter().filter_map(|draft| draft.text("action_type")).collect();
    for name in types.into_iter().filter(|name| !actions::ALL.iter().any(|(known, _)| known == name)).take(5) {
        ui.note(&format!("`{name}` is no action type that this version knows; it is recorded as it is"));
    }
    let report = put(&drafts, place, common)?;
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let new = report.records.len() - report.known - report.differs.len();
    // New ones have the largest numbers, one after another; one that is handed in twice has one of them twice.
    let last = report.records.iter().max().copied().unwrap_or_default();
    let mut text = match new {
        0 => "nothing new is recorded\n".to_owned(),
        1 => format!("recorded as record {last}\n"),
        n => format!("recorded {n} records, {} to {last}\n", (last + 1).saturating_sub(n as u64)),
    };
    match report.known {
        0 => {}
        1 => text += "1 was in the log already\n",
        n => text += &format!("{n} were in the log already\n"),
    }
    text += &differing(&report.differs);
    if report.withheld > 0 {
        text += &format!(
            "{} withheld: what was there looked like a secret, or led out of the repository\n",
            counted(report.withheld, "field")
        );
    }
    Ok(Outcome::done(text))
}

/// A field that a flag says too.
pub(super) fn once(document: &mut Map<String, Value>, name: &str, value: Value) -> Result<(), Failure> {
    match document.insert(name.to_owned(), value) {
        Some(_) => Err(Failure::usage(codes::USAGE, format!("`{name}` is given twice"))),
        None => Ok(()),
    }
}

pub(super) fn put(drafts: &[Draft], place: &AuditPlace, common: &Common) -> Result<RecordReport, Failure> {
    let withheld = drafts.iter().flat_map(|d| &d.said).filter(|s| s.told == crate::record::Told::Withheld).count();
    let Said { numbers, known, differing, size } = through_server_or_lock(drafts, place, common.timeout)?;
    let (execution, unpriced) = (None, Vec::new());
    Ok(RecordReport {
        schema_version: 1,
        records: numbers,
        known,
        differs: differing,
        size,
        withheld,
        execution,
        unpriced,
    })
}

/// That something else was handed in under an id that the log has.
pub(super) fn differing(numbers: &[u64]) -> String {
    let few: Vec<String> = numbers.iter().take(10).map(u64::to_string).collect();
    let more = if numbers.len() > few.len() { ", ..." } else { "" };
    match numbers {
        [] => String::new(),
        [one] => {
            format!("1 differs from what was recorded under the same id, and is not recorded: see record {one}\n")
        }
        all => {
            let (count, few) = (all.len(), few.join(", "));
            format!("{count} differ from what was recorded under the same id, and are not recorded: see {few}{more}\n")
        }
    }
}

/// Records drafts by the server of the log, where one listens, else by writing them: what became of them.
pub(super) fn through_server_or_lock(
    drafts: &[Draft],
    place: &AuditPlace,
    patience: Duration,
) -> Result<Said, AuditError> {
    let path = place.socket();
    if let Some(said) = hand_in(&Asked { path: &path, drafts, patience })? {
        return Ok(said);
    }
    let mut log = place.writer(patience)?;
    let now = places::now();
    log.finish_redaction(now, &mut random)?;
    let recorded = audit::record(&mut log, &mut place.index()?, drafts, now, &mut random)?;
    let audit::Recorded { numbers, known, differing } = recorded;
    Ok(Said { numbers, known, differing, size: log.size() })
}

/// Records of a file of JSON lines.
fn of_file(path: &Path, origin: Origin) -> Result<Vec<Draft>, Failure> {
    let bytes = files::read(path, limits::RECORD_FILE_BYTES)?;
    let mut drafts = Vec::new();
    for (number, line) in bytes.split(|b| *b == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let at = |e: Failure| e.context(format!("{} line {}, so nothing is recorded", path.display(), number + 1));
        let value = json::parse(line, limits::RECORD_BYTES);
        let value = value.map_err(|e| at(Failure::of(e.code(), e.without_value().to_string())))?;
        drafts.push(Draft::read(&value, origin, &mut random).map_err(|e| at(e.into()))?);
        if drafts.len() > limits::RECORDS_AT_ONCE {
            let message = format!("over {} records at once: hand them in in parts", limits::RECORDS_AT_ONCE);
            return Err(Failure::of(crate::model::code::LIMIT_EXCEEDED, message));
        }
    }
    Ok(drafts)
}

/// A record of FIELD=VALUE, in the forms that the table says.
pub(super) fn document(kind: &str, given: &[String]) -> Result<Map<String, Value>, Failure> {
    let mut out = Map::from_iter([("kind".to_owned(), json!(kind))]);
    for text in given {
        let expected = || Failure::usage(codes::USAGE, "expected fields as FIELD=VALUE");
        let (name, text) = text.split_once('=').ok_or_else(expected)?;
        if let Some(name) = name.strip_prefix("metadata.") {
            let metadata = out.entry("metadata").or_insert_with(|| json!({}));
            metadata[name] = json!(text);
            continue;
        }
        let text = match text.strip_prefix('@') {
            Some(path) => {
                String::from_utf8_lossy(&files::read(Path::new(path), limits::TRAIL_RECORD_BYTES)?).into_owned()
            }
            None => text.to_owned(),
        };
        let value = match fields::named(name).map(|field| field.form) {
            Some(Form::Count | Form::Number | Form::Flag) => {
                serde_json::from_str(&text).unwrap_or_else(|_| json!(text))
            }
            Some(Form::List) => {
                let list = out.entry(name).or_insert_with(|| json!([]));
                if let Some(list) = list.as_array_mut() {
                    list.push(json!(text));
                }
                continue;
            }
            _ => json!(text),
        };
        once(&mut out, name, value)?;
    }
    Ok(out)
}
