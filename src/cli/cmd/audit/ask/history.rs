//! `attest audit history`

use super::asked::AskedArgs;
use super::{Open, figures, rows, told};
use crate::audit::LogStore as _;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::show::sanitize;
use crate::flow::audit;
use crate::flow::investigate::{self, Found};
use crate::inquiry::{self, History, Kept, Run, RunId, Summary};
use crate::model::Timestamp;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// List what agents did: executions, the newest first, and what they are together
///
/// A session that is of no execution is listed by its own id. Exit 1: there is none.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit history --days 7
  attest audit history --days 7 --verbose            by agent, too, with tokens and cost
  attest audit history --squad engineering --status failed
  attest audit history --tag team=payments --format csv

The time of an execution is what its own records say. Tokens and cost are those that its end says, else those of its sessions,
else of its actions, added up. What is not known is `-`, and never 0. Marks: w witnessed, d declared, r derived.")]
pub(in crate::cli) struct HistoryArgs {
    #[command(flatten)]
    asked: AskedArgs,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many records the log has.
    pub size: u64,
    /// Executions, the newest first.
    pub executions: Vec<RunReport>,
    /// What they are together, by agent.
    pub agents: Vec<AgentReport>,
    /// All of them together.
    pub total: TotalReport,
    /// What is kept of months whose executions expire: some of these executions may still be among those above.
    pub months: Vec<MonthReport>,
    /// Records of executions that cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// What an agent did in a month, as it was recorded before that expired.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MonthReport {
    /// The month, by when the first record of an execution was put into the log.
    pub month: String,
    /// The agent.
    pub agent: String,
    /// The records that say so.
    pub records: Vec<u64>,
    /// When the first of its executions worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// What its executions are together; `unended` are those of which it is not known how they ended.
    #[serde(flatten)]
    pub total: TotalReport,
}

/// An execution.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunReport {
    /// Its id.
    pub id: String,
    /// Whether it is a session of which no record names an execution.
    pub is_session: bool,
    /// The agent, as `squad/agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The task.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The model that was named first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// How it ended; none where no record says that it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Its first time, by the clock of whoever says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_at: Option<String>,
    /// Its last time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
    /// Number of its first record.
    pub first_record: u64,
    /// Number of its last record.
    pub last_record: u64,
    /// Actions.
    pub actions: u64,
    /// Those of them that did not go well.
    pub failed_actions: u64,
    /// Tokens.
    pub tokens: told::TokensReport,
    /// Cost, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<told::CostReport>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// What records say of it beside agent, task, charter and status as they are above: a second end, another agent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub also_said: Vec<AlsoReport>,
}

/// What a record says of an execution beside what is shown of it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AlsoReport {
    /// The field: `agent`, `task_id`, `charter` or `status`.
    pub field: String,
    /// What it says.
    pub value: String,
    /// Number of the first record that says so.
    pub record: u64,
}

/// Executions of one agent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AgentReport {
    /// The agent; none for executions of which nothing says whose they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What they are together.
    #[serde(flatten)]
    pub total: TotalReport,
}

/// What executions are together.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalReport {
    /// How many.
    pub runs: u64,
    /// By how they ended.
    pub ended: BTreeMap<String, u64>,
    /// How many executions no record says to have ended.
    pub unended: u64,
    /// How many are sessions of which no record names an execution.
    pub sessions: u64,
    /// Their actions.
    pub actions: u64,
    /// Their tokens.
    pub tokens: told::TokensReport,
    /// What those cost of which it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<told::CostReport>,
    /// Of how many the cost is known.
    pub cost_known: u64,
    /// When the last of them worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_at: Option<String>,
}

pub(in crate::cli::cmd::audit) fn time(unix: i64) -> Option<String> {
    Timestamp::from_unix(unix).map(|time| time.to_string())
}

impl From<&Run> for RunReport {
    fn from(run: &Run) -> Self {
        Self {
            id: run.id.text().to_owned(),
            is_session: matches!(run.id, RunId::Session(_)),
            agent: run.agent.clone(),
            task: run.task.clone(),
            model: run.model.clone(),
            status: run.status.clone(),
            first_at: time(run.times.0),
            last_at: time(run.times.1),
            first_record: run.records.0,
            last_record: run.records.1,
            actions: run.actions,
            failed_actions: run.failed,
            tokens: run.tokens.into(),
            cost: run.cost.map(Into::into),
            tags: run.tags.clone(),
            also_said: also(run),
        }
    }
}

fn also(run: &Run) -> Vec<AlsoReport> {
    let one = |(field, value, record): (&str, &str, u64)| AlsoReport {
        field: field.to_owned(),
        value: value.to_owned(),
        record,
    };
    run.also.iter().map(one).collect()
}

impl From<&Kept> for TotalReport {
    fn from(all: &Kept) -> Self {
        Self {
            runs: all.runs,
            ended: all.ended.clone(),
            unended: all.unended,
            sessions: all.sessions,
            actions: all.actions,
            tokens: all.tokens.into(),
            cost: all.cost.map(Into::into),
            cost_known: all.cost_known,
            last_at: all.last.and_then(time),
        }
    }
}

pub(in crate::cli) fn run(args: &HistoryArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let now = places::now().unix();
    let asked = args.asked.asked(now);
    let open = Open::at(place)?;
    let Found { what: history, holes } = investigate::history(&open.log(), &asked)?;
    let months = investigate::months(&open.log(), &asked)?;
    let exit = if history.runs.is_empty() && months.is_empty() { Exit::No } else { Exit::Done };
    match common.format {
        Format::Json => {
            let agents = history.agents.iter();
            let report = HistoryReport {
                schema_version: 1,
                size: open.store.size(),
                executions: history.runs.iter().map(Into::into).collect(),
                agents: agents.map(|a| AgentReport { agent: a.agent.clone(), total: (&a.all).into() }).collect(),
                total: (&history.all).into(),
                months: months.iter().map(Into::into).collect(),
                holes: holes.iter().map(Into::into).collect(),
            };
            Ok(Outcome::json(&report, exit))
        }
        Format::Csv => Ok(Outcome { stdout: csv(&history).into_bytes(), exit, purpose: Purpose::Data }),
        _ => {
            let mut out = text(&history, now, common.verbose);
            out += &by_month(&months);
            out += &told::holes(&holes);
            if common.verbose {
                out += &about(&open)?;
            }
            Ok(Outcome { exit, ..Outcome::shown(out) })
        }
    }
}

fn csv(history: &History) -> String {
    let head = [
        "execution",
        "session",
        "agent",
        "task",
        "model",
        "status",
        "first_at",
        "last_at",
        "actions",
        "failed_actions",
        "tokens_in",
        "tokens_out",
        "tokens_cache_read",
        "tokens_cache_write",
        "cost",
        "cost_known",
        "first_record",
        "last_record",
    ];
    let known = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let row = |run: &Run| {
        let report = RunReport::from(run);
        let (execution, session) =
            if report.is_session { (String::new(), report.id) } else { (report.id, String::new()) };
        let cost = report.cost.map_or_else(Default::default, |cost| (cost.amount, cost.known.to_owned()));
        let text = Option::unwrap_or_default;
        let counts = [
            Some(report.actions),
            Some(report.failed_actions),
            run.tokens.read,
            run.tokens.written,
            run.tokens.cache_read,
            run.tokens.cache_write,
        ]
        .map(known);
        let mut row = vec![execution, session];
        row.extend([report.agent, report.task, report.model, report.status, report.first_at, report.last_at].map(text));
        row.extend(counts);
        row.extend([cost.0, cost.1, report.first_record.to_string(), report.last_record.to_string()]);
        row
    };
    rows::csv(&head, history.runs.iter().map(row))
}

fn text(history: &History, now: i64, verbose: bool) -> String {
    let name = |agent: &Option<String>| agent.clone().unwrap_or_else(|| "(not said)".into());
    if history.runs.is_empty() {
        return "no execution fits\n".into();
    }
    let mut out = String::new();
    if verbose {
        let percent = |all: &Kept| {
            let well = all.ended("success");
            match all.runs - all.sessions {
                0 => "-".to_owned(),
                of => format!("{well} ({}%)", (well * 100 + of / 2) / of),
            }
        };
        let row = |agent: &crate::inquiry::PerAgent| {
            let all = &agent.all;
            let last = all.last.map_or_else(String::new, |last| figures::ago(now - last));
            let (tokens, cost) = (figures::in_and_out(all.tokens), figures::cost(all.cost));
            vec![name(&agent.agent), figures::number(all.runs), percent(all), tokens, cost, last]
        };
        let head = ["AGENT", "RUNS", "SUCCESS", "TOKENS IN/OUT", "COST", "LAST RUN"];
        out += &rows::table(&head, &history.agents.iter().map(row).collect::<Vec<_>>(), &[1, 4]);
        out.push('\n');
    }
    let row = |run: &Run| {
        let id = match &run.id {
            RunId::Execution(id) => id.clone(),
            RunId::Session(id) => format!("session {id}"),
        };
        let actions = match run.failed {
            0 => figures::number(run.actions),
            failed => format!("{} ({} failed)", figures::number(run.actions), figures::number(failed)),
        };
        // What the mark means is said below.
        let mark = if run.also.is_empty() { "" } else { " *" };
        let status = format!("{}{mark}", inquiry::ended(run).unwrap_or("-"));
        let (from, lasted) = (figures::minute(run.times.0), figures::span(run.times.1 - run.times.0));
        let mut row = vec![id, name(&run.agent), status, from, lasted, actions];
        if verbose {
            let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".into());
            let used = [figures::in_and_out(run.tokens), figures::cost(run.cost), text(&run.task), text(&run.model)];
            row.extend(used);
        }
        row
    };
    let head =
        ["EXECUTION", "AGENT", "STATUS", "STARTED", "LASTED", "ACTIONS", "TOKENS IN/OUT", "COST", "TASK", "MODEL"];
    let head = if verbose { &head[..] } else { &head[..6] };
    out += &rows::table(head, &history.runs.iter().map(row).collect::<Vec<_>>(), &[]);
    if history.runs.iter().any(|run| !run.also.is_empty()) {
        out += "* records say something else, too: attest audit show EXECUTION\n";
    }
    out.push('\n');
    out += &total(&history.all);
    out
}

impl From<&Summary> for MonthReport {
    fn from(summary: &Summary) -> Self {
        Self {
            month: summary.month.clone(),
            agent: summary.agent.clone(),
            records: summary.records.clone(),
            first_at: summary.all.first.and_then(time),
            total: (&summary.all).into(),
        }
    }
}

/// What is kept of months whose executions expire.
fn by_month(months: &[Summary]) -> String {
    if months.is_empty() {
        return String::new();
    }
    let row = |summary: &Summary| {
        let all = &summary.all;
        let cost = match (all.cost, all.cost_known) {
            (cost @ Some(_), known) if known < all.runs => {
                format!("{} (of {})", figures::cost(cost), figures::number(known))
            }
            (cost, _) => figures::cost(cost),
        };
        let counts = [all.runs, all.ended("success"), all.ended("failed"), all.actions].map(figures::number);
        let mut row = vec![summary.month.clone(), summary.agent.clone()];
        row.extend(counts);
        row.extend([figures::in_and_out(all.tokens), cost]);
        row
    };
    let head = ["MONTH", "AGENT", "RUNS", "SUCCESS", "FAILED", "ACTIONS", "TOKENS IN/OUT", "COST"];
    let table = rows::table(&head, &months.iter().map(row).collect::<Vec<_>>(), &[2, 3, 4, 5]);
    format!("\nKept of months whose executions expire, by agent:\n{table}")
}

/// `65 runs, 61 success, 3 failed, 1 never ended. Cost is known for 63 of 65 runs.`
pub(in crate::cli::cmd::audit) fn total(all: &Kept) -> String {
    let mut parts = vec![match all.runs {
        1 => "1 run".to_owned(),
        n => format!("{} runs", figures::number(n)),
    }];
    parts.extend(all.ended.iter().map(|(status, n)| format!("{} {status}", figures::number(*n))));
    if all.unended > 0 {
        parts.push(format!("{} without an end", figures::number(all.unended)));
    }
    if all.sessions > 0 {
        parts.push(format!("{} of no execution", counted(all.sessions, "session")));
    }
    let cost = match (all.cost_known, all.cost) {
        (0, _) | (_, None) => "Cost is known for none of them.".to_owned(),
        (n, Some(cost)) if n == all.runs => format!("Cost {}.", figures::cost(Some(cost))),
        (n, cost) => {
            let (known, runs) = (figures::number(n), figures::number(all.runs));
            format!("Cost {}, known for {known} of {runs} runs.", figures::cost(cost))
        }
    };
    format!("{}. {cost}\n", parts.join(", "))
}

/// Which log it is, and how far it is signed.
fn about(open: &Open) -> Result<String, Failure> {
    let mut out = String::new();
    let records = counted(open.store.size(), "record").replacen(
        &open.store.size().to_string(),
        &figures::number(open.store.size()),
        1,
    );
    let _ = write!(out, "Log {}, {records}", sanitize::line(&open.settings.origin));
    match open.store.get(crate::audit::store::CHECKPOINT)? {
        None => out += "; no checkpoint is signed yet",
        Some(bytes) => {
            let size = audit::outside("checkpoint", &bytes, &open.settings, None)?.checkpoint.size;
            let left = open.store.size().saturating_sub(size);
            let _ = match left {
                0 => write!(out, "; all under a signed checkpoint"),
                left => write!(out, "; the last {} under no checkpoint yet", figures::number(left)),
            };
        }
    }
    Ok(out + "\n")
}
