//! `attest audit state`

use super::{Open, sheet, told};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::investigate::{self, Found};
use crate::inquiry::{Fact, Hole, State};
use crate::places::AuditPlace;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Say what is needed to do an execution again, and what of it the log has not
///
/// Source, task, conversation, agent, model, environment, authority, dependencies, steps, and what came of it, to compare with. A model
/// does not give the same answer twice: this is what whoever looks into an incident can put together again, and no promise that it ends
/// alike. Exit 1: there is no such execution.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit state exec-abc123
  attest audit state exec-abc123 --format json")]
pub(in crate::cli) struct StateArgs {
    /// The execution, or a session; the beginning of its id is enough where no other begins so
    #[arg(value_name = "EXECUTION")]
    execution: String,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StateReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The execution, or the session that is of none.
    pub id: String,
    /// Everything that is needed.
    pub parts: Vec<PartReport>,
    /// Records that may be of it, and cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// One of the things that are needed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PartReport {
    /// `source`, `task`, `conversation`, `agent`, `model`, `environment`, `authority`, `dependencies`, `steps` or `results`.
    pub name: &'static str,
    /// What is known of it.
    pub known: Vec<sheet::FactReport>,
    /// What is not, for people.
    pub missing: Vec<String>,
}

pub(in crate::cli) fn run(args: &StateArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let Found { what: state, holes } = investigate::state(&open.log(), &args.execution)?;
    if common.format == Format::Json {
        return Ok(Outcome::json(&report(&state, &holes), Exit::Done));
    }
    Ok(Outcome::shown(text(&state, &holes)))
}

fn report(state: &State, holes: &[Hole]) -> StateReport {
    let fact = |fact: &Fact| sheet::FactReport {
        value: fact.cell.text.clone(),
        known: fact.cell.known.name(),
        record: fact.record,
    };
    let parts = state.parts.iter().map(|part| PartReport {
        name: part.name,
        known: part.known.iter().map(fact).collect(),
        missing: part.missing.clone(),
    });
    StateReport {
        schema_version: 1,
        id: state.run.id.text().to_owned(),
        parts: parts.collect(),
        holes: holes.iter().map(Into::into).collect(),
    }
}

fn text(state: &State, holes: &[Hole]) -> String {
    let (all, whole) = (state.parts.len(), state.parts.iter().filter(|part| part.missing.is_empty()).count());
    let id = sanitize::line(state.run.id.text());
    let mut out = format!("{id}: {whole} of {all} parts are whole; of {} something is missing\n", all - whole);
    for part in &state.parts {
        let known: Vec<String> =
            part.known.iter().map(|fact| format!("{} {}", fact.cell.text, char::from(fact.cell.known as u8))).collect();
        let known = if known.is_empty() { "-".to_owned() } else { known.join(", ") };
        let _ = writeln!(out, "  {:14}{}", part.name, sanitize::line(&known));
        for missing in &part.missing {
            let _ = writeln!(out, "  {:14}MISSING  {}", "", sanitize::line(missing));
        }
    }
    out += &told::holes(holes);
    out += "w witnessed, d declared, r derived; `attest audit trace` says what became of it\n";
    out
}
