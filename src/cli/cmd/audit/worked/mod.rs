//! `attest audit start`, `finish`, and what is said of an execution: `run`, `tag`, `decide`, `exception`, `outcome`.

pub(super) mod prices;
pub(super) mod run;
pub(super) mod said;

use super::ask::Open;
use super::record::{document, once, put};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::flow::audit::prices::Pricing;
use crate::flow::investigate;
use crate::places::{self, AuditPlace, audit::random};
use crate::record::Draft;
use crate::record::draft::Origin;
use clap::Args;
use serde_json::{Map, Value, json};
use std::path::PathBuf;

/// Record that an agent begins to work; prints the execution's id
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  id=$(attest audit start --agent platform/builder --task task-42 --requested-by github:583231 --tag team=core)")]
pub(super) struct StartArgs {
    #[command(flatten)]
    work: WorkArgs,
    /// Further fields: FIELD=VALUE
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
}

/// Who works, for whom and why.
#[derive(Clone, Debug, Args)]
pub(super) struct WorkArgs {
    /// The agent, as SQUAD/AGENT
    #[arg(long, value_name = "AGENT", env = "ATTEST_AGENT")]
    agent: String,
    /// The execution's id; a new one unless told
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// The task
    #[arg(long, value_name = "ID")]
    task: Option<String>,
    /// The issue that authorises the work
    #[arg(long, value_name = "URI")]
    charter: Option<String>,
    /// Who asked for it
    #[arg(long, value_name = "WHO")]
    requested_by: Option<String>,
    /// What set it off: manual, scheduled, event or smart
    #[arg(long, value_name = "TRIGGER")]
    trigger: Option<String>,
    /// The model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// A word that is given to it: KEY=VALUE
    #[arg(long = "tag", value_name = "KEY=VALUE")]
    tags: Vec<String>,
}

impl WorkArgs {
    /// The agent with its squad, where the squad stands in a variable of its own.
    fn agent(&self) -> String {
        let squad = places::variable("ATTEST_SQUAD").and_then(|squad| squad.into_string().ok());
        match squad.filter(|_| !self.agent.contains('/')) {
            Some(squad) => format!("{squad}/{}", self.agent),
            None => self.agent.clone(),
        }
    }

    /// The execution's id, and what is recorded when it begins.
    fn begins(&self, mut document: Map<String, Value>) -> Result<(String, Vec<Draft>), Failure> {
        let id = self.execution.clone().unwrap_or_else(|| {
            let mut bytes = [0; 8];
            random(&mut bytes);
            format!("exec-{}", crate::model::digest::hex(&bytes))
        });
        let given = [
            ("execution_id", Some(&id)),
            ("agent", Some(&self.agent())),
            ("task_id", self.task.as_ref()),
            ("charter", self.charter.as_ref()),
            ("requested_by", self.requested_by.as_ref()),
            ("trigger", self.trigger.as_ref()),
            ("model", self.model.as_ref()),
        ];
        for (name, value) in given {
            if let Some(value) = value {
                once(&mut document, name, json!(value))?;
            }
        }
        document.entry("started_at").or_insert_with(|| json!(places::now().to_string()));
        let mut drafts = vec![Draft::read(&Value::Object(document), Origin::Typed, &mut random)?];
        for tag in &self.tags {
            drafts.push(said::tag(&id, tag)?);
        }
        Ok((id, drafts))
    }
}

/// Record that an execution ended
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit finish \"$id\" --status success tokens_in=81200 tokens_out=4100
  attest audit finish \"$id\" model=m-1 tokens_in=81200 tokens_out=4100 --prices prices.yaml")]
pub(super) struct FinishArgs {
    /// The execution's id
    #[arg(value_name = "EXECUTION")]
    execution: String,
    /// How: success, failed, cancelled, timeout or unknown
    #[arg(long, value_name = "STATUS", default_value = "success")]
    status: String,
    /// What models cost, by day: where tokens are given and no cost, the cost is worked out of them (derived). The model is the one that is
    /// given, else that of the start. The form: docs/audit/sources.md
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// Further fields: FIELD=VALUE
    #[arg(value_name = "FIELD=VALUE")]
    fields: Vec<String>,
}

pub(super) fn start(args: &StartArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let (id, drafts) = args.work.begins(document("execution_started", &args.fields)?)?;
    let mut report = put(&drafts, place, common)?;
    report.execution = Some(id.clone());
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::done(format!("{id}\n")),
    })
}

pub(super) fn finish(args: &FinishArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let mut document = document("execution_ended", &args.fields)?;
    once(&mut document, "execution_id", json!(args.execution))?;
    once(&mut document, "status", json!(args.status))?;
    document.entry("completed_at").or_insert_with(|| json!(places::now().to_string()));
    let prices = args.prices.as_deref().map(prices::read).transpose()?;
    let mut unpriced = Vec::new();
    if prices.is_some() && !document.contains_key("model") {
        // Who cannot read the log says the model.
        let model = Open::at(place).ok().and_then(|open| investigate::model_of(&open.log(), &args.execution).ok());
        document.extend(model.flatten().map(|model| ("model".to_owned(), json!(model))));
    }
    let mut draft = Draft::read(&Value::Object(document), Origin::Typed, &mut random)?;
    if let Some(prices) = &prices {
        let mut pricing = Pricing::new(prices);
        pricing.price(&mut draft);
        unpriced = pricing.end();
    }
    let odd = odd(&args.execution, place);
    let mut report = put(&[draft], place, common)?;
    report.unpriced = prices::report(&unpriced);
    let without = prices::told(&report.unpriced);
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::done(format!("recorded that {} ended: {}\n{odd}{without}", args.execution, args.status)),
    })
}

/// What is odd about the end of an execution that is recorded now: a line, or none. Who cannot read the log is told nothing.
fn odd(id: &str, place: &AuditPlace) -> String {
    let Ok(open) = Open::at(place) else { return String::new() };
    let id = crate::cli::show::sanitize::line(id);
    match investigate::execution(&open.log(), &id) {
        Err(_) => format!("no record says that {id} began: look at the id\n"),
        Ok(found) => match &found.what.sheet.run.status {
            Some(before) => format!("it had ended already: {before}; the last word counts, and both stay\n"),
            None => String::new(),
        },
    }
}

/// A name and a value.
fn pair(text: &str) -> Result<(&str, &str), Failure> {
    let expected = || Failure::usage(codes::USAGE, format!("expected KEY=VALUE, found `{text}`"));
    text.split_once('=').filter(|(key, value)| !key.is_empty() && !value.is_empty()).ok_or_else(expected)
}
