//! `attest audit report weekly`

use super::said;
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::ask::history::{TotalReport, time};
use crate::cli::cmd::audit::ask::stats::CountReport;
use crate::cli::cmd::audit::ask::{Open, told};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::flow::investigate::{self, Found};
use crate::inquiry::Hole;
use crate::inquiry::week::{Exempt, Outcome as Reached, Part, Used, Violation, Week};
use crate::model::Timestamp;
use crate::places::{self, AuditPlace};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

/// Say what a week came to: outcomes and what each cost, executions, exceptions, violations, losses
///
/// What an execution used is divided evenly among the outcomes of one kind that it is of: docs/audit/report.md has the rule. What is of no outcome is
/// a row of its own. Exit 1: nothing was recorded of that time.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit report weekly
  attest audit report weekly --until 2026-11-29
  attest audit report weekly --until 2026-10-31 --days 31 --markdown > october.md

Cost is what sources said; what nobody said is `-`, and absent in JSON; it is never 0.")]
pub(in crate::cli) struct WeeklyArgs {
    /// To the end of this day (UTC), or to just before this time (RFC 3339); now, unless told
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
    /// How many days
    #[arg(long, value_name = "N", default_value = "7", value_parser = clap::value_parser!(u32).range(1..=3660))]
    days: u32,
    /// As Markdown, for a page or a chat
    #[arg(long)]
    markdown: bool,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WeekReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many records the log has.
    pub size: u64,
    /// From this time on.
    pub from: String,
    /// To just before this time.
    pub until: String,
    /// Executions that worked the last time in this span, together.
    pub total: TotalReport,
    /// Outcomes by kind: `goal`, `pr`, `issue`.
    pub outcomes: Vec<PartReport>,
    /// What executions used that are of no outcome.
    pub unattributed: UsedReport,
    /// Rules that were not kept.
    pub exceptions: Vec<ExemptReport>,
    /// What was refused.
    pub violations: Vec<ViolationReport>,
    /// Events that were not recorded.
    pub lost: u64,
    /// The same by reason.
    pub losses: Vec<CountReport>,
    /// All actions.
    pub actions: u64,
    /// Those that name neither a task nor a charter, nor does their execution.
    pub actions_without_task_or_charter: u64,
    /// Records of this span that cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// What executions used.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UsedReport {
    /// How many executions.
    pub executions: u64,
    /// Their tokens.
    pub tokens: told::TokensReport,
    /// What those cost of which it is known, in US dollars, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<String>,
    /// Of how many the cost is known.
    pub cost_known: u64,
}

/// Outcomes of one kind.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartReport {
    /// `goal`, `pr` or `issue`.
    pub kind: &'static str,
    /// How many were reached.
    pub count: u64,
    /// What executions used that are of at least one of them.
    pub used: UsedReport,
    /// What one of them cost on average, of those of which it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_each: Option<String>,
    /// Of how many outcomes that is known.
    pub cost_each_of: u64,
    /// The outcomes.
    pub reached: Vec<ReachedReport>,
}

/// An outcome.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReachedReport {
    /// What.
    pub target: String,
    /// The last record that says so.
    pub record: u64,
    /// Its share of what the executions used that are of it.
    pub used: UsedReport,
}

/// A rule that was not kept.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExemptReport {
    /// The record.
    pub record: u64,
    /// The rule.
    pub rule: String,
    /// By what.
    pub target: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who approved it; absent where nobody did, or that person was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approver: Option<String>,
    /// Whether somebody approved it who was erased.
    pub approver_erased: bool,
}

/// What was refused.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ViolationReport {
    /// The record.
    pub record: u64,
    /// `verified` or `admitted`.
    pub kind: String,
    /// What.
    pub subject: String,
    /// The code of the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The policies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
}

impl From<&Used> for UsedReport {
    fn from(used: &Used) -> Self {
        Self {
            executions: used.runs,
            tokens: used.tokens.into(),
            cost: used.cost.map(crate::inquiry::Amount::exact),
            cost_known: used.cost_known,
        }
    }
}

impl From<&Part> for PartReport {
    fn from(part: &Part) -> Self {
        let reached =
            |one: &Reached| ReachedReport { target: one.target.clone(), record: one.record, used: (&one.used).into() };
        let each = part.each();
        Self {
            kind: part.kind,
            count: part.outcomes.len() as u64,
            used: (&part.used).into(),
            cost_each: each.map(|(each, _)| each.exact()),
            cost_each_of: each.map_or(0, |(_, of)| of),
            reached: part.outcomes.iter().map(reached).collect(),
        }
    }
}

impl From<&Exempt> for ExemptReport {
    fn from(one: &Exempt) -> Self {
        Self {
            record: one.record,
            rule: one.rule.clone(),
            target: one.target.clone(),
            reason: one.reason.clone(),
            approver: one.approver.as_ref().map(|cell| cell.text.clone()),
            approver_erased: one.erased,
        }
    }
}

impl From<&Violation> for ViolationReport {
    fn from(one: &Violation) -> Self {
        let Violation { record, kind, subject, code, policy } = one.clone();
        Self { record, kind, subject, code, policy }
    }
}

impl WeekReport {
    /// Of what a span of time came to.
    pub(in crate::cli::cmd::audit) fn of(week: &Week, holes: &[Hole], (from, until): (i64, i64), size: u64) -> Self {
        Self {
            schema_version: 1,
            size,
            from: time(from).unwrap_or_default(),
            until: time(until).unwrap_or_default(),
            total: (&week.all).into(),
            outcomes: week.parts.iter().map(Into::into).collect(),
            unattributed: (&week.unattributed).into(),
            exceptions: week.exceptions.iter().map(Into::into).collect(),
            violations: week.violations.iter().map(Into::into).collect(),
            lost: week.lost(),
            losses: week.losses.iter().map(|(name, n)| CountReport { name: name.clone(), count: *n }).collect(),
            actions: week.actions,
            actions_without_task_or_charter: week.adrift,
            holes: holes.iter().map(Into::into).collect(),
        }
    }
}

/// The span that is asked for (seconds since 1970).
fn span(args: &WeeklyArgs) -> Result<(i64, i64), Failure> {
    const DAY: i64 = 86_400;
    let until = match &args.until {
        None => places::now().unix() + 1,
        Some(text) => {
            let day = Timestamp::parse(&format!("{text}T00:00:00Z")).map(|day| day.unix() + DAY);
            let time = day.or_else(|_| Timestamp::parse(text).map(Timestamp::unix));
            let wrong =
                |_| Failure::usage(codes::USAGE, "--until: expected a day as 2026-11-29, or a time as RFC 3339");
            time.map_err(wrong)?
        }
    };
    Ok((until - i64::from(args.days) * DAY, until))
}

pub(super) fn run(args: &WeeklyArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let span = span(args)?;
    let open = Open::at(place)?;
    let Found { what: week, holes } = investigate::week(&open.log(), span)?;
    let exit = if week.is_empty() && holes.is_empty() { Exit::No } else { Exit::Done };
    let size = open.log().store.size();
    if common.format == Format::Json {
        return Ok(Outcome::json(&WeekReport::of(&week, &holes, span, size), exit));
    }
    if args.markdown {
        let text = said::markdown(&week, &holes, span);
        return Ok(Outcome { stdout: text.into_bytes(), exit, purpose: Purpose::Data });
    }
    Ok(Outcome { exit, ..Outcome::shown(said::text(&week, &holes, span)) })
}
