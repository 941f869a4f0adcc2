//! `attest audit tag`, `decide`, `exception`, `outcome`: what people and agents say of what was done.

use super::pair;
use crate::audit::AuditError;
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::Open;
use crate::cli::cmd::audit::record::put;
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::flow::investigate;
use crate::places::{self, AuditPlace, audit::random};
use crate::record::Draft;
use crate::record::draft::Origin;
use crate::{attribution, capture};
use clap::Args;
use serde_json::{Value, json};
use std::path::Path;

/// Give an execution a word by which it is found: `attest audit history --tag KEY=VALUE`
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  attest audit tag exec-abc123 reviewed=yes incident=2026-11")]
pub(in crate::cli::cmd::audit) struct TagArgs {
    /// The execution's id
    #[arg(value_name = "EXECUTION")]
    execution: String,
    /// Name and value; a later one of the same name counts
    #[arg(value_name = "KEY=VALUE", required = true)]
    tags: Vec<String>,
}

/// Record what was decided, why, when and by whom: the log keeps it for ever
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  attest audit decide 'keep sessions for 30 days' --reason 'the law says no longer' --by github:583231")]
pub(in crate::cli::cmd::audit) struct DecideArgs {
    /// What was decided
    #[arg(value_name = "WHAT")]
    what: String,
    /// Why
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// Which person decided
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Which agent decided, as SQUAD/AGENT
    #[arg(long, value_name = "AGENT", env = "ATTEST_AGENT")]
    agent: Option<String>,
    /// When [default: now]
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// The execution in which it was decided
    #[arg(long, value_name = "ID", env = "ATTEST_EXECUTION")]
    execution: Option<String>,
}

/// Record that a rule was not kept, why, and who allowed it; `attest git check --log` lets the commit pass then
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  attest audit exception --rule ORG-001 --target commit:HEAD --reason 'the site is down' --approved-by github:1024")]
pub(in crate::cli::cmd::audit) struct ExceptionArgs {
    /// The rule, as ORG-001
    #[arg(long, value_name = "RULE")]
    rule: String,
    /// What did not keep it: commit:ID, or anything else by its address
    #[arg(long, value_name = "TARGET")]
    target: String,
    /// Why
    #[arg(long, value_name = "WHY")]
    reason: String,
    /// Who approved it; an exception that nobody approved is reported so
    #[arg(long, value_name = "WHO")]
    approved_by: Option<String>,
    /// The execution that it is about
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
}

/// Record what became of a goal, a pull request or an issue
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit outcome pr acme/app#57 --state merged --execution exec-abc123
  attest audit outcome goal 'login without passwords' --state achieved")]
pub(in crate::cli::cmd::audit) struct OutcomeArgs {
    /// goal, pr or issue
    #[arg(value_name = "KIND", value_parser = ["goal", "pr", "issue"])]
    kind: String,
    /// Which
    #[arg(value_name = "REF")]
    target: String,
    /// How it stands: achieved, merged, resolved, closed, ...
    #[arg(long, value_name = "STATE")]
    state: String,
    /// The execution that brought it about
    #[arg(long, value_name = "ID", env = "ATTEST_EXECUTION")]
    execution: Option<String>,
    /// The task
    #[arg(long, value_name = "ID", env = "ATTEST_TASK")]
    task: Option<String>,
}

/// A tag as a record.
pub(super) fn tag(execution: &str, text: &str) -> Result<Draft, Failure> {
    let (key, value) = pair(text)?;
    let record = json!({ "kind": "tag", "execution_id": execution, "key": key, "value": value,
        "at": places::now().to_string() });
    Ok(Draft::read(&record, Origin::Typed, &mut random)?)
}

pub(in crate::cli::cmd::audit) fn tags(
    args: &TagArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let drafts = args.tags.iter().map(|text| tag(&args.execution, text)).collect::<Result<Vec<_>, _>>()?;
    // A tag of what never was would be found by nobody. Who cannot read the log is believed.
    if let Ok(open) = Open::at(place)
        && !investigate::is_execution(&open.log(), &args.execution)?
    {
        return Err(AuditError::Unknown { what: format!("execution `{}`", args.execution) }.into());
    }
    told(&drafts, place, common, &format!("tagged {}: {}", args.execution, args.tags.join(", ")))
}

pub(in crate::cli::cmd::audit) fn decide(
    args: &DecideArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    if args.by.is_none() && args.agent.is_none() {
        let message = "who decided is not said: --by WHO for a person, --agent SQUAD/AGENT for an agent";
        return Err(Failure::usage(codes::USAGE, message));
    }
    let at = args.at.clone().unwrap_or_else(|| places::now().to_string());
    let mut record = json!({ "kind": "decision", "what": args.what, "reason": args.reason, "completed_at": at });
    with(&mut record, "decided_by", args.by.as_deref());
    with(&mut record, "agent", args.agent.as_deref());
    with(&mut record, "execution_id", args.execution.as_deref());
    one(&record, place, common, "the decision")
}

pub(in crate::cli::cmd::audit) fn exception(
    args: &ExceptionArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let target = target(&args.target, common)?;
    if args.rule == attribution::demanded::RULE && !target.starts_with("commit:") {
        let message = format!("{} is about commits: --target commit:ID", args.rule);
        return Err(Failure::usage(codes::USAGE, message));
    }
    let mut record = json!({ "kind": "exception", "rule": args.rule, "target": target, "reason": args.reason,
        "completed_at": places::now().to_string() });
    with(&mut record, "approver", args.approved_by.as_deref());
    with(&mut record, "execution_id", args.execution.as_deref());
    let by =
        args.approved_by.as_ref().map_or_else(|| "approved by nobody".to_owned(), |by| format!("approved by {by}"));
    one(&record, place, common, &format!("an exception of {target} from {}, {by},", args.rule))
}

pub(in crate::cli::cmd::audit) fn outcome(
    args: &OutcomeArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let mut record = json!({ "kind": "outcome", "outcome_kind": args.kind, "target": args.target, "state": args.state,
        "completed_at": places::now().to_string() });
    with(&mut record, "execution_id", args.execution.as_deref());
    with(&mut record, "task_id", args.task.as_deref());
    one(&record, place, common, &format!("that {} {} is {}", args.kind, args.target, args.state))
}

/// A commit by its whole id: one by another name is looked up in the repository around the working folder.
fn target(text: &str, common: &Common) -> Result<String, Failure> {
    let is_hex = |name: &str| name.bytes().all(|b| b.is_ascii_hexdigit());
    let bare = (text.len() >= 7 && is_hex(text)).then_some(text);
    let Some(name) = text.strip_prefix("commit:").or(bare) else {
        return Ok(text.to_owned());
    };
    if [40, 64].contains(&name.len()) && is_hex(name) {
        return Ok(format!("commit:{}", name.to_ascii_lowercase()));
    }
    let id = capture::commit_id(&places::environment()?, Path::new("."), name, common.timeout);
    let unread = |cause| AuditError::Unreadable { what: format!("the commit `{name}` of this repository"), cause };
    Ok(format!("commit:{}", id.map_err(unread)?))
}

fn with(record: &mut Value, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        record[name] = json!(value);
    }
}

fn one(record: &Value, place: &AuditPlace, common: &Common, what: &str) -> Result<Outcome, Failure> {
    let draft = Draft::read(record, Origin::Typed, &mut random)?;
    told(&[draft], place, common, &format!("recorded {what}"))
}

fn told(drafts: &[Draft], place: &AuditPlace, common: &Common, what: &str) -> Result<Outcome, Failure> {
    let report = put(drafts, place, common)?;
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let last = report.records.last().copied().unwrap_or_default();
    Ok(Outcome::done(format!("{what} as record {last}\n")))
}
