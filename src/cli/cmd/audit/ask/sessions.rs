//! `attest audit sessions`

use super::history::time;
use super::{Open, figures, rows, told};
use crate::audit::LogStore as _;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::flow::investigate::{self, Found};
use crate::inquiry::{Session, SessionsAsked};
use crate::places::{self, AuditPlace};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;

/// List the sessions of agents by the program that told of them: executions, times, calls, and what was lost
///
/// Exit 1: there is none.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit sessions --days 7
  attest audit sessions --source claude-code --format csv

Of a session's id as much is shown as tells it apart: `attest audit show` takes it so. `-` is what nobody said.")]
pub(in crate::cli) struct SessionsArgs {
    /// Only those of which something was in the last N days
    #[arg(long, value_name = "N")]
    days: Option<u32>,
    /// Only of this agent: SQUAD/AGENT, or AGENT of any squad
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Only those of which a source with this word in its name told: claude-code, hook
    #[arg(long, value_name = "WORD")]
    source: Option<String>,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionsReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many records the log has.
    pub size: u64,
    /// The sessions, by who told of them, and of each the newest first.
    pub sessions: Vec<ConversationReport>,
    /// Records of executions and sessions that cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// A session.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConversationReport {
    /// Its id.
    pub id: String,
    /// Whose conversation it is: the program of which hook and transcript both tell.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub told_by: Option<String>,
    /// Everybody who told of it.
    pub sources: Vec<String>,
    /// Executions that it is of.
    pub executions: Vec<String>,
    /// The agent, as `squad/agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Its first time, by the clock of whoever says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// Its last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
    /// Calls of tools, each once.
    pub calls: u64,
    /// Events that records of losses say were not recorded.
    pub lost: u64,
    /// Lines of its file that could not be read; absent where no record says how many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread_lines: Option<u64>,
    /// Digest of its transcript, where one was taken in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<String>,
}

impl From<&Session> for ConversationReport {
    fn from(session: &Session) -> Self {
        Self {
            id: session.id.clone(),
            told_by: session.told_by(),
            sources: session.sources.iter().cloned().collect(),
            executions: session.executions.iter().cloned().collect(),
            agent: session.agent.clone(),
            first_at: time(session.times.0),
            last_at: time(session.times.1),
            calls: session.calls,
            lost: session.lost,
            unread_lines: session.unread,
            transcript: session.transcript.clone(),
        }
    }
}

pub(in crate::cli) fn run(args: &SessionsArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let asked = SessionsAsked {
        since: args.days.map(|days| places::now().unix() - i64::from(days) * 86_400),
        agent: args.agent.clone(),
        source: args.source.clone(),
    };
    let open = Open::at(place)?;
    let Found { what: sessions, holes } = investigate::sessions(&open.log(), &asked)?;
    let exit = if sessions.is_empty() { Exit::No } else { Exit::Done };
    let all: Vec<ConversationReport> = sessions.iter().map(Into::into).collect();
    match common.format {
        Format::Json => {
            let holes = holes.iter().map(Into::into).collect();
            let report = SessionsReport { schema_version: 1, size: open.store.size(), sessions: all, holes };
            Ok(Outcome::json(&report, exit))
        }
        Format::Csv => Ok(Outcome { stdout: csv(&all).into_bytes(), exit, purpose: Purpose::Data }),
        _ => {
            let out = text(&sessions) + &told::holes(&holes);
            Ok(Outcome { exit, ..Outcome::shown(out) })
        }
    }
}

fn csv(sessions: &[ConversationReport]) -> String {
    let head = [
        "session",
        "told_by",
        "sources",
        "executions",
        "agent",
        "first_at",
        "last_at",
        "calls",
        "lost",
        "unread_lines",
        "transcript",
    ];
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let row = |one: &ConversationReport| {
        let mut row = vec![one.id.clone(), text(&one.told_by), one.sources.join(" + "), one.executions.join(" ")];
        row.extend([&one.agent, &one.first_at, &one.last_at].map(text));
        row.extend([one.calls.to_string(), one.lost.to_string()]);
        row.push(one.unread_lines.map(|n| n.to_string()).unwrap_or_default());
        row.push(text(&one.transcript));
        row
    };
    rows::csv(&head, sessions.iter().map(row))
}

/// How many characters of each id tell them all apart.
fn telling(ids: &[&str]) -> usize {
    let at = |n: usize| ids.iter().map(|id| id.chars().take(n).collect::<String>()).collect::<BTreeSet<_>>().len();
    [8, 12, 18, 36].into_iter().find(|n| at(*n) == ids.len()).unwrap_or(usize::MAX)
}

fn text(sessions: &[Session]) -> String {
    if sessions.is_empty() {
        return "no session fits\n".into();
    }
    let shown = telling(&sessions.iter().map(|session| session.id.as_str()).collect::<Vec<_>>());
    let row = |session: &Session| {
        let executions = match session.executions.len() {
            0 => "-".to_owned(),
            1 => session.executions.first().cloned().unwrap_or_default(),
            n => format!("{n} executions"),
        };
        let lost = session.lost.saturating_add(session.unread.unwrap_or(0));
        let (from, to) = session.times;
        let told_by = session.told_by().unwrap_or_else(|| "(not said)".into());
        let id = session.id.chars().take(shown).collect();
        let mut row = vec![told_by, id, executions, figures::minute(from), figures::span(to - from)];
        row.extend([session.calls, lost].map(figures::number));
        row
    };
    let head = ["SOURCE", "SESSION", "EXECUTION", "STARTED", "LASTED", "CALLS", "LOST"];
    let mut out = rows::table(&head, &sessions.iter().map(row).collect::<Vec<_>>(), &[5, 6]);
    let sum = |of: fn(&Session) -> u64| sessions.iter().map(of).fold(0, u64::saturating_add);
    let lost = sum(|session| session.lost);
    let unread = sum(|session| session.unread.unwrap_or(0));
    out += &format!(
        "\n{}, {}; {} lost before they were recorded, {} of their files unread.\n",
        figures::counted(sessions.len() as u64, "session"),
        figures::counted(sum(|session| session.calls), "call"),
        figures::number(lost),
        figures::counted(unread, "line")
    );
    out
}
