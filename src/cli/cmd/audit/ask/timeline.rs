//! `attest audit timeline`

use super::{Open, figures, rows, told};
use crate::audit::LogStore as _;
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::trusted;
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::show::sanitize;
use crate::flow::audit::witnessed::{self, Trusted};
use crate::flow::investigate::{self, Chosen, Found, Span, Wanted};
use crate::inquiry::{Clock, Event, Hole, Moment, Odd, Proven, Timeline, timeline};
use crate::model::{Timestamp, limits};
use crate::places::{self, AuditPlace};
use crate::record::kinds;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Put records of several sources in the log's order, and say where their times contradict it
///
/// The order of the log is proven, the times are what each source says. With --policy, between which times each record was put into
/// the log, as witnesses prove it. Exit 1: no record fits.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit timeline exec-abc123
  attest audit timeline --agent claude-coder --from 2025-01-15T10:00:00Z --to 2025-01-15T11:00:00Z
  attest audit timeline --path src/auth/ --format csv          all below a folder
  attest audit timeline --commit def456 --policy witnesses.policy

Marks of times: ! stands after a later time; > later than when it was recorded, by the log's clock; x later than when it was
proven to be in the log, so it is false. Marks of sources: w witnessed, d declared, r derived.")]
pub(in crate::cli) struct TimelineArgs {
    /// Only of this execution or session
    #[arg(value_name = "EXECUTION")]
    execution: Option<String>,
    /// Only what this agent did: SQUAD/AGENT, or AGENT of any squad
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Only on this path; on all below it, where it ends with `/`
    #[arg(long, value_name = "PATH")]
    path: Option<String>,
    /// Only about this commit, what was built of it, and how that was judged
    #[arg(long, value_name = "ID")]
    commit: Option<String>,
    /// Only from this time on, as 2025-01-14 or 2025-01-14T04:00:00Z
    #[arg(long, value_name = "TIME", value_parser = super::blast::from)]
    from: Option<String>,
    /// Only up to this time, which is included
    #[arg(long, value_name = "TIME", value_parser = super::blast::to)]
    to: Option<String>,
    /// How many records at most: the last ones
    #[arg(long, value_name = "N", default_value_t = limits::TIMELINE_ROWS, value_parser = most)]
    rows: usize,
    /// C2SP policy file: the witnesses whose word on times counts
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Sigstore trusted root (JSON) with the timestamp authorities that count (repeatable)
    #[arg(long, value_name = "FILE", requires = "policy")]
    trusted_root: Vec<PathBuf>,
}

fn most(text: &str) -> Result<usize, String> {
    super::blast::within(text, limits::TIMELINE_MOST_ROWS)
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TimelineReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The records, in the log's order.
    pub moments: Vec<MomentReport>,
    /// How the times of each source are.
    pub sources: Vec<ClockReport>,
    /// How many older records that fit were left out.
    pub left_out: u64,
    /// Records between these that cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// A record.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MomentReport {
    /// Its number.
    pub record: u64,
    /// Its kind.
    pub kind: String,
    /// When it was, as it says itself.
    pub at: Option<String>,
    /// `behind`, `ahead` or `disproven`, where that time contradicts the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odd: Option<&'static str>,
    /// By how much (seconds).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odd_by: Option<i64>,
    /// When it was put into the log, to the minute, by the log's clock.
    pub logged_at: Option<String>,
    /// It was put into the log after this time, with `--policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<String>,
    /// It was in the log by this time, with `--policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<String>,
    /// Who says so.
    pub source: Option<String>,
    /// How that is known: `witnessed`, `declared` or `derived`.
    pub known: &'static str,
    /// Who did it: an agent or a person.
    pub who: Option<String>,
    /// What was done.
    pub action: String,
    /// To what, and with what result.
    pub what: String,
    /// Its execution.
    pub execution: Option<String>,
    /// Its session.
    pub session: Option<String>,
}

/// How the times of one source are.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ClockReport {
    /// The source; none for records that name none.
    pub source: Option<String>,
    /// Its records that say a time.
    pub records: u64,
    /// Those of them that stand after a later time of another source.
    pub behind: u64,
    /// By how much, in the median of these (seconds).
    pub behind_by: i64,
    /// How long after it happened it was recorded, in the median (seconds, to the minute).
    pub lag: i64,
}

pub(in crate::cli) fn run(args: &TimelineArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let wanted = Wanted {
        agent: args.agent.clone(),
        execution: args.execution.clone(),
        path: args.path.clone(),
        commit: args.commit.as_ref().map(|id| id.trim_start_matches("commit:").to_owned()),
        span: Span { since: args.from.clone(), until: args.to.clone() },
        rows: args.rows,
    };
    let Found { what: chosen, holes } = investigate::timeline(&open.log(), &wanted)?;
    let Chosen { events, agents, left_out } = chosen;
    let proven = proven(args, &open, place, &events)?;
    let line = timeline(events, &proven);
    let exit = if line.moments.is_empty() { Exit::No } else { Exit::Done };
    let report = report(&line, &agents, left_out, &holes);
    match common.format {
        Format::Json => Ok(Outcome::json(&report, exit)),
        Format::Csv => Ok(Outcome { stdout: csv(&report).into_bytes(), exit, purpose: Purpose::Data }),
        _ => Ok(Outcome { exit, ..Outcome::shown(text(&report, &line.clocks, &holes, args.policy.is_some())) }),
    }
}

/// Between which times each record was put into the log, where a policy says whose word counts.
fn proven(
    args: &TimelineArgs,
    open: &Open,
    place: &AuditPlace,
    events: &[Event],
) -> Result<BTreeMap<u64, Proven>, Failure> {
    let Some(policy) = args.policy.as_deref().map(trusted::policy).transpose()? else { return Ok(BTreeMap::new()) };
    let log = open.log();
    trusted::names(&policy, log.settings)?;
    let roots = trusted::roots(&args.trusted_root)?;
    let anchors = place.anchored()?;
    let trusted = Trusted { policy: Some(&policy), roots: &roots };
    let outside = witnessed::kept(&anchors, log.settings, trusted, places::now()).outside;
    let markers =
        witnessed::markers(&anchors, (log.store, log.keys), log.index, &policy, (log.settings, places::now()))?;
    let mut out = BTreeMap::new();
    for event in events {
        let stored = open.store.read(event.number, 1)?.into_iter().next().unwrap_or_default();
        let by = witnessed::bracket(log.store, (event.number, &stored.entry), &outside, (Some(&policy), &markers));
        let time = |said: Option<(u64, Vec<String>)>| said.and_then(|(time, _)| i64::try_from(time).ok());
        out.insert(event.number, Proven { after: time(by.not_before), before: time(by.not_after) });
    }
    Ok(out)
}

fn report(line: &Timeline, agents: &BTreeMap<String, String>, left_out: u64, holes: &[Hole]) -> TimelineReport {
    let clock = |clock: &Clock| ClockReport {
        source: clock.source.clone(),
        records: clock.records,
        behind: clock.behind,
        behind_by: clock.by,
        lag: clock.lag,
    };
    TimelineReport {
        schema_version: 1,
        moments: line.moments.iter().map(|moment| of_moment(moment, agents)).collect(),
        sources: line.clocks.iter().map(clock).collect(),
        left_out,
        holes: holes.iter().map(Into::into).collect(),
    }
}

fn of_moment(moment: &Moment, agents: &BTreeMap<String, String>) -> MomentReport {
    let event = &moment.event;
    let text = |name: &str| event.text(name).map(str::to_owned);
    let time = |unix: i64| Timestamp::from_unix(unix).map(|time| time.to_string());
    let (odd, odd_by) = match moment.odd {
        None => (None, None),
        Some(Odd::Behind(by)) => (Some("behind"), Some(by)),
        Some(Odd::Ahead(by)) => (Some("ahead"), Some(by)),
        Some(Odd::Disproven(by)) => (Some("disproven"), Some(by)),
    };
    // What the record is about first is what its source saw, or only says.
    let first = kinds::named(&event.kind).and_then(|kind| kind.needs.first()).and_then(|name| event.cell(name));
    MomentReport {
        record: event.number,
        kind: event.kind.clone(),
        at: moment.at.and_then(time),
        odd,
        odd_by,
        logged_at: time(event.logged),
        not_before: moment.proven.after.and_then(time),
        not_after: moment.proven.before.and_then(time),
        source: text("source"),
        known: first.map_or("declared", |cell| cell.known.name()),
        who: who(event, agents),
        action: event.action(),
        what: what(event),
        execution: text("execution_id"),
        session: text("session_id"),
    }
}

/// Who did it: a person where a person approved or decided, else the agent, else who made the commit.
fn who(event: &Event, agents: &BTreeMap<String, String>) -> Option<String> {
    let person = |name: &str| {
        let is_erased = event.erased.iter().any(|erased| erased == name);
        event.text(name).map(str::to_owned).or_else(|| is_erased.then(|| "(a person who was erased)".to_owned()))
    };
    let of = || ["execution_id", "session_id"].into_iter().find_map(|name| agents.get(event.text(name)?).cloned());
    let agent = || event.text("agent").map(str::to_owned).or_else(of);
    match event.kind.as_str() {
        "approval" => person("approver"),
        "decision" => person("decided_by"),
        _ => agent().or_else(|| person("author")),
    }
}

/// To what, and with what result.
fn what(event: &Event) -> String {
    let text = |name: &str| event.text(name);
    let mut parts: Vec<String> = Vec::new();
    for name in ["target", "subject", "what", "rule", "status", "verdict", "code", "state", "reason"] {
        parts.extend(text(name).map(str::to_owned));
    }
    parts.extend(text("namespace").map(|place| format!("in {place}")));
    parts.extend(text("key").zip(text("value")).map(|(key, value)| format!("{key}={value}")));
    parts.extend(text("lost").filter(|_| event.kind == "loss").map(|n| format!("({n} lost)")));
    let mut more: Vec<String> = Vec::new();
    more.extend(text("result").filter(|result| *result != "ok").map(str::to_owned));
    more.extend(text("exit_code").map(|code| format!("exit {code}")));
    more.extend(text("lines_added").map(|n| format!("+{n}")));
    more.extend(text("lines_removed").map(|n| format!("-{n}")));
    if !more.is_empty() {
        parts.push(format!("({})", more.join(", ")));
    }
    parts.join(" ")
}

fn csv(report: &TimelineReport) -> String {
    let head = [
        "record",
        "kind",
        "at",
        "odd",
        "odd_by",
        "logged_at",
        "not_before",
        "not_after",
        "source",
        "known",
        "who",
        "action",
        "what",
        "execution",
        "session",
    ];
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let row = |one: &MomentReport| {
        let mut row = vec![one.record.to_string(), one.kind.clone(), text(&one.at)];
        row.push(one.odd.unwrap_or_default().to_owned());
        row.push(one.odd_by.map(|by| by.to_string()).unwrap_or_default());
        row.extend([&one.logged_at, &one.not_before, &one.not_after, &one.source].map(text));
        row.extend([one.known.to_owned(), text(&one.who), one.action.clone(), one.what.clone()]);
        row.extend([&one.execution, &one.session].map(text));
        row
    };
    rows::csv(&head, report.moments.iter().map(row))
}

fn text(report: &TimelineReport, clocks: &[Clock], holes: &[Hole], with_proofs: bool) -> String {
    if report.moments.is_empty() {
        return format!("no record fits\n{}", told::holes(holes));
    }
    let shown =
        |time: &Option<String>| time.as_deref().unwrap_or("-").replace('T', " ").trim_end_matches('Z').to_owned();
    let row = |one: &MomentReport| {
        let mark = match one.odd {
            Some("behind") => " !",
            Some("ahead") => " >",
            Some(_) => " x",
            None => "",
        };
        let source = one.source.as_deref().unwrap_or("-");
        let at = match &one.at {
            Some(_) => format!("{}{mark}", shown(&one.at)),
            None => format!("~{}", shown(&one.logged_at).chars().take(16).collect::<String>()),
        };
        let mut row = vec![figures::number(one.record), at];
        if with_proofs {
            row.push(format!("{} .. {}", shown(&one.not_before), shown(&one.not_after)));
        }
        row.push(format!("{source} {}", one.known.chars().next().filter(|_| one.known != "derived").unwrap_or('r')));
        row.extend([one.who.clone().unwrap_or_else(|| "-".into()), one.action.clone(), one.what.clone()]);
        row
    };
    let all: Vec<_> = report.moments.iter().map(row).collect();
    let head: &[&str] = match with_proofs {
        true => &["RECORD", "TIME (AS DECLARED)", "PROVEN BETWEEN", "SOURCE", "WHO", "ACTION", "WHAT"],
        false => &["RECORD", "TIME (AS DECLARED)", "SOURCE", "WHO", "ACTION", "WHAT"],
    };
    let mut out = rows::table(head, &all, &[0]);
    if report.moments.iter().any(|one| one.at.is_none()) {
        out += "~ says no time: when it was recorded, by this log's clock\n";
    }
    let n = figures::number;
    if report.left_out > 0 {
        let _ = writeln!(out, "HOLE  {} older records that fit are not shown (--rows)", n(report.left_out));
    }
    for clock in clocks.iter().filter(|clock| clock.behind > 0) {
        let name = sanitize::line(clock.source.as_deref().unwrap_or("records that name no source"));
        let lag = match clock.lag {
            ..120 => "its clock is behind".to_owned(),
            lag => format!("it was recorded {} after it happened, in the median", figures::span(lag)),
        };
        let (behind, records, by) = (n(clock.behind), n(clock.records), figures::span(clock.by));
        let _ = writeln!(
            out,
            "! {name}: {behind} of {records} stand after a later time of another source, by {by} in the median; {lag}"
        );
    }
    let marked = |word: &str| report.moments.iter().filter(|one| one.odd == Some(word)).count() as u64;
    for (word, mark, said) in [
        ("ahead", '>', "say a later time than when they were recorded, by this log's clock"),
        ("disproven", 'x', "say a later time than when they were proven to be in the log: that time is false"),
    ] {
        if marked(word) > 0 {
            let _ = writeln!(out, "{mark} {} {said}", n(marked(word)));
        }
    }
    out += &told::holes(holes);
    out
}
