//! `attest audit stats`

use super::asked::AskedArgs;
use super::history::{self, TotalReport};
use super::{Open, figures, rows, told};
use crate::audit::LogStore as _;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::flow::investigate::{self, Found};
use crate::inquiry::{Kept, Stats};
use crate::places::{self, AuditPlace};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

/// Count what agents did: executions by status, agent and squad, tokens by class, cost, actions by type
///
/// It counts the executions that `attest audit history` lists with the same conditions. Exit 1: there is none.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit stats --days 7
  attest audit stats --squad engineering --format csv

Cost and tokens are those that sources said. What nobody said is `-`, and absent in JSON; it is never 0.
Marks: w witnessed, d declared, r derived.")]
pub(in crate::cli) struct StatsArgs {
    #[command(flatten)]
    asked: AskedArgs,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatsReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many records the log has.
    pub size: u64,
    /// All executions together; `ended` has them by status.
    pub total: TotalReport,
    /// By agent, who did most first.
    pub agents: Vec<GroupReport>,
    /// By squad.
    pub squads: Vec<GroupReport>,
    /// Actions by type, the most frequent first.
    pub actions: Vec<CountReport>,
    /// Records of executions that cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// Executions of one agent or squad.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupReport {
    /// Whose; none for executions of which nothing says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What they are together.
    #[serde(flatten)]
    pub total: TotalReport,
}

/// How many of a name.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CountReport {
    /// The name.
    pub name: String,
    /// How many.
    pub count: u64,
}

pub(in crate::cli) fn run(args: &StatsArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let asked = args.asked.asked(places::now().unix());
    let open = Open::at(place)?;
    let Found { what: history, holes } = investigate::history(&open.log(), &asked)?;
    let stats = Stats::of(&history);
    let exit = if stats.all.runs == 0 { Exit::No } else { Exit::Done };
    match common.format {
        Format::Json => {
            let group = |(name, all): &(Option<String>, Kept)| GroupReport { name: name.clone(), total: all.into() };
            let count = |(name, count): &(String, u64)| CountReport { name: name.clone(), count: *count };
            let report = StatsReport {
                schema_version: 1,
                size: open.store.size(),
                total: (&stats.all).into(),
                agents: stats.agents.iter().map(group).collect(),
                squads: stats.squads.iter().map(group).collect(),
                actions: stats.actions.iter().map(count).collect(),
                holes: holes.iter().map(Into::into).collect(),
            };
            Ok(Outcome::json(&report, exit))
        }
        Format::Csv => Ok(Outcome { stdout: csv(&stats).into_bytes(), exit, purpose: Purpose::Data }),
        _ => {
            let out = text(&stats) + &told::holes(&holes);
            Ok(Outcome { exit, ..Outcome::shown(out) })
        }
    }
}

/// One row for each thing that is counted: what it is counted by, its name, how many, and what is known of those.
fn csv(stats: &Stats) -> String {
    let head = [
        "by",
        "name",
        "count",
        "success",
        "failed",
        "unended",
        "actions",
        "tokens_in",
        "tokens_out",
        "tokens_cache_read",
        "tokens_cache_write",
        "cost",
        "cost_known",
    ];
    let known = |n: Option<u64>| n.map(|n| n.to_string()).unwrap_or_default();
    let of = |by: &str, name: &str, all: &Kept| {
        let mut row = vec![by.to_owned(), name.to_owned()];
        let counts = [all.runs, all.ended("success"), all.ended("failed"), all.unended, all.actions];
        row.extend(counts.map(|n| n.to_string()));
        let tokens = all.tokens;
        row.extend([tokens.read, tokens.written, tokens.cache_read, tokens.cache_write].map(known));
        row.push(all.amount().map(|amount| amount.exact()).unwrap_or_default());
        row.push(all.cost_known.to_string());
        row
    };
    let counted = |by: &str, name: &str, count: u64| {
        let mut row = vec![by.to_owned(), name.to_owned(), count.to_string()];
        row.resize(13, String::new());
        row
    };
    let mut out = vec![of("all", "", &stats.all)];
    out.extend(stats.all.ended.iter().map(|(status, n)| counted("status", status, *n)));
    out.extend((stats.all.unended > 0).then(|| counted("status", crate::inquiry::UNENDED, stats.all.unended)));
    let groups = [("agent", &stats.agents), ("squad", &stats.squads)];
    for (by, all) in groups {
        out.extend(all.iter().map(|(name, all)| of(by, name.as_deref().unwrap_or_default(), all)));
    }
    out.extend(stats.actions.iter().map(|(name, n)| counted("action", name, *n)));
    rows::csv(&head, out.into_iter())
}

fn text(stats: &Stats) -> String {
    if stats.all.runs == 0 {
        return "no execution fits\n".into();
    }
    let mut out = history::total(&stats.all);
    let tokens = stats.all.tokens;
    let class = |name: &str, n: Option<u64>| format!("{} {name}", n.map_or_else(|| "-".into(), figures::number));
    let classes = [
        class("in", tokens.read),
        class("out", tokens.written),
        class("cache read", tokens.cache_read),
        class("cache write", tokens.cache_write),
    ];
    out += &format!("Tokens: {}.\n", classes.join(", "));
    for (head, all, none) in [("AGENT", &stats.agents, "(not said)"), ("SQUAD", &stats.squads, "(of no squad)")] {
        out.push('\n');
        let row = |(name, all): &(Option<String>, Kept)| {
            let mut row = vec![name.clone().unwrap_or_else(|| none.into())];
            row.extend([all.runs, all.ended("success"), all.ended("failed"), all.actions].map(figures::number));
            row.extend([figures::in_and_out(all.tokens), figures::cost(all.cost)]);
            row
        };
        let head = [head, "RUNS", "SUCCESS", "FAILED", "ACTIONS", "TOKENS IN/OUT", "COST"];
        out += &rows::table(&head, &all.iter().map(row).collect::<Vec<_>>(), &[1, 2, 3, 4, 6]);
    }
    if !stats.actions.is_empty() {
        out.push('\n');
        let row = |(name, n): &(String, u64)| vec![name.clone(), figures::number(*n)];
        out += &rows::table(&["ACTION", "COUNT"], &stats.actions.iter().map(row).collect::<Vec<_>>(), &[1]);
    }
    out
}
