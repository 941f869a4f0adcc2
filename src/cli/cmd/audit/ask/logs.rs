//! `attest audit logs`

use super::{Open, figures, rows, told};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::handout::proven::{LineReport, ProveArg};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::show::sanitize;
use crate::flow::investigate::{self, Found, Logs};
use crate::inquiry::{Event, RunId, Sheet};
use crate::places::AuditPlace;
use crate::record::Committed;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Show what was done in an execution, action by action, and where its transcript is
///
/// Commands, inputs and outputs are not kept: of each there is the size, and `attest audit match` tells whether a text was the one.
/// Exit 1: there is no such execution, or nothing was done in it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit logs exec-abc123
  attest audit logs exec-abc123 --failed
  attest audit logs exec-abc123 --failed --prove proofs      with a file for each record that proves it to others
  attest audit logs 253fd5ef --format csv         a session, by the beginning of its id")]
pub(in crate::cli) struct LogsArgs {
    /// The execution, or a session; the beginning of its id is enough where no other begins so
    #[arg(value_name = "EXECUTION")]
    execution: String,
    /// Only what did not go well
    #[arg(long)]
    failed: bool,
    /// Only actions of this type (repeatable: any of them)
    #[arg(long, value_name = "TYPE")]
    action: Vec<String>,
    #[command(flatten)]
    prove: ProveArg,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogsReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The execution, or the session that is of none.
    pub id: String,
    /// What was done, in the log's order.
    pub actions: Vec<ActionReport>,
    /// Its conversations, and where they are.
    pub transcripts: Vec<TranscriptReport>,
    /// Records that may be of it, and cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// An action.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionReport {
    /// Number of its record.
    pub record: u64,
    /// When, by the clock of whoever says so, else when it was recorded.
    pub at: Option<String>,
    /// Its type.
    pub action: String,
    /// What it was done to.
    pub target: Option<String>,
    /// What came of it.
    pub result: Option<String>,
    /// Exit code of a command.
    pub exit_code: Option<i64>,
    /// Whether it says of itself that it did not go well.
    pub failed: bool,
    /// Size of the command, which is not kept (bytes).
    pub command_bytes: Option<u64>,
    /// Size of what it was given, which is not kept (bytes).
    pub input_bytes: Option<u64>,
    /// Size of what it gave, which is not kept (bytes).
    pub output_bytes: Option<u64>,
    /// Lines added.
    pub lines_added: Option<u64>,
    /// Lines removed.
    pub lines_removed: Option<u64>,
    /// The approval on which it rests.
    pub approval_id: Option<String>,
    /// Who says so.
    pub source: Option<String>,
}

/// Where a conversation is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TranscriptReport {
    /// Its session.
    pub session: String,
    /// Digest of its file, where a record has it.
    pub digest: Option<String>,
    /// Who said so.
    pub source: Option<String>,
}

fn size(event: &Event, name: &str) -> Option<u64> {
    let value: serde_json::Value = serde_json::from_str(event.text(name)?).ok()?;
    Some(Committed::read(name, &value).ok()?.size)
}

impl From<&Event> for ActionReport {
    fn from(event: &Event) -> Self {
        let text = |name: &str| event.text(name).map(str::to_owned);
        Self {
            record: event.number,
            at: crate::model::Timestamp::from_unix(event.at()).map(|at| at.to_string()),
            action: event.action(),
            target: text("target"),
            result: text("result"),
            exit_code: event.text("exit_code").and_then(|code| code.parse().ok()),
            failed: event.failed(),
            command_bytes: size(event, "command"),
            input_bytes: size(event, "input"),
            output_bytes: size(event, "output"),
            lines_added: event.count("lines_added"),
            lines_removed: event.count("lines_removed"),
            approval_id: text("approval_id"),
            source: text("source"),
        }
    }
}

pub(in crate::cli) fn run(args: &LogsArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let Found { what: Logs { id, actions, sheet }, holes } = investigate::logs(&open.log(), &args.execution)?;
    let wanted = |event: &&Event| {
        (!args.failed || event.failed()) && (args.action.is_empty() || args.action.contains(&event.action()))
    };
    let actions: Vec<ActionReport> = actions.iter().filter(wanted).map(Into::into).collect();
    let exit = if actions.is_empty() { Exit::No } else { Exit::Done };
    let report = LogsReport { holes: holes.iter().map(Into::into).collect(), ..report(&id, actions, sheet) };
    let line = |one: &ActionReport| {
        LineReport::new(format!("{} {} {}", one.at.as_deref().unwrap_or("-"), one.action, what(one)), [one.record])
    };
    let lines = report.actions.iter().map(line).collect();
    let proven = args.prove.write(&open, &format!("logs {}", report.id), lines, &holes)?;
    match common.format {
        Format::Json => Ok(Outcome::json(&report, exit)),
        Format::Csv => Ok(Outcome { stdout: csv(&report).into_bytes(), exit, purpose: Purpose::Data }),
        _ => {
            let mut out = text(&report, &id);
            out += &told::holes(&holes);
            out += &proven;
            Ok(Outcome { exit, ..Outcome::shown(out) })
        }
    }
}

fn report(id: &RunId, actions: Vec<ActionReport>, sheet: Sheet) -> LogsReport {
    let transcripts = sheet.transcripts.into_iter().map(|t| TranscriptReport {
        session: t.session,
        digest: t.digest,
        source: t.source,
    });
    LogsReport {
        schema_version: 1,
        id: id.text().to_owned(),
        actions,
        transcripts: transcripts.collect(),
        holes: Vec::new(),
    }
}

/// All that was done, as a person reads it.
pub(in crate::cli::cmd::audit) fn listed(logs: &Logs) -> String {
    let actions = logs.actions.iter().map(Into::into).collect();
    text(&report(&logs.id, actions, logs.sheet.clone()), &logs.id)
}

fn csv(report: &LogsReport) -> String {
    let head = [
        "record",
        "at",
        "action",
        "target",
        "result",
        "exit_code",
        "failed",
        "command_bytes",
        "input_bytes",
        "output_bytes",
        "lines_added",
        "lines_removed",
        "approval_id",
        "source",
    ];
    let row = |action: &ActionReport| {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let count = |value: Option<u64>| value.map(|n| n.to_string()).unwrap_or_default();
        let mut row = vec![action.record.to_string(), text(&action.at), action.action.clone()];
        row.extend([text(&action.target), text(&action.result)]);
        row.push(action.exit_code.map(|code| code.to_string()).unwrap_or_default());
        row.push(action.failed.to_string());
        row.extend([action.command_bytes, action.input_bytes, action.output_bytes].map(count));
        row.extend([action.lines_added, action.lines_removed].map(count));
        row.extend([text(&action.approval_id), text(&action.source)]);
        row
    };
    rows::csv(&head, report.actions.iter().map(row))
}

fn text(report: &LogsReport, id: &RunId) -> String {
    let mut out = String::new();
    if report.actions.is_empty() {
        out += "no action fits\n";
    } else {
        let row = |action: &ActionReport| {
            let at = action.at.as_deref().unwrap_or("-").replace('T', " ").trim_end_matches('Z').to_owned();
            vec![figures::number(action.record), at, action.action.clone(), what(action)]
        };
        let all: Vec<_> = report.actions.iter().map(row).collect();
        out += &rows::table(&["RECORD", "TIME (AS DECLARED)", "ACTION", "WHAT"], &all, &[0]);
    }
    let kind = if matches!(id, RunId::Session(_)) { "session" } else { "execution" };
    let failed = report.actions.iter().filter(|action| action.failed).count() as u64;
    let _ = writeln!(
        out,
        "{} of {kind} {}, {} failed; commands, inputs and outputs are not kept",
        actions(report.actions.len() as u64),
        sanitize::line(&report.id),
        figures::number(failed)
    );
    for transcript in &report.transcripts {
        let source = transcript.source.as_deref().map_or_else(String::new, |source| format!(" ({source})"));
        let _ = match &transcript.digest {
            Some(digest) => writeln!(
                out,
                "transcript: {}, session {}{}; kept by the agent, not in this log",
                sanitize::line(digest),
                sanitize::line(&transcript.session),
                sanitize::line(&source)
            ),
            None => writeln!(out, "transcript: none was recorded, session {}", sanitize::line(&transcript.session)),
        };
    }
    out
}

fn actions(n: u64) -> String {
    figures::counted(n, "action")
}

/// What an action was done to, and what came of it.
fn what(action: &ActionReport) -> String {
    let mut said: Vec<String> = Vec::new();
    said.extend(action.result.clone().filter(|result| result != "ok"));
    said.extend(action.exit_code.map(|code| format!("exit {code}")));
    let lines = [(action.lines_added, '+'), (action.lines_removed, '-')];
    let lines: Vec<String> = lines.into_iter().filter_map(|(n, sign)| Some(format!("{sign}{}", n?))).collect();
    said.extend((!lines.is_empty()).then(|| lines.join(" ")));
    let sizes = [("command", action.command_bytes), ("input", action.input_bytes), ("output", action.output_bytes)];
    let sizes = sizes.into_iter().filter_map(|(name, size)| Some(format!("{name} {}", bytes(size?))));
    said.extend(sizes);
    said.extend(action.approval_id.as_ref().map(|id| format!("approval {id}")));
    let target = action.target.clone().unwrap_or_default();
    match (target.is_empty(), said.is_empty()) {
        (_, true) => target,
        (true, false) => format!("({})", said.join(", ")),
        (false, false) => format!("{target} ({})", said.join(", ")),
    }
}

/// `2.1 kB`
fn bytes(n: u64) -> String {
    match n {
        0..1000 => format!("{n} B"),
        1000..1_000_000 => format!("{}.{} kB", n / 1000, n % 1000 / 100),
        _ => format!("{}.{} MB", n / 1_000_000, n % 1_000_000 / 100_000),
    }
}
