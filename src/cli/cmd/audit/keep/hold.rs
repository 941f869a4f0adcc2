//! `attest audit hold`

use crate::audit::{Held, Holds, Keep, OneHold};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::erase::{numbers, range};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::audit;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random};
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Keep records from expiring and from being erased, until the hold is let go
///
/// For a dispute or an investigation. A hold is signed by the key of redactions and stands in the log in clear, with its reason.
/// Whole days are kept: what was recorded on the same day as a held record stays, too. Without arguments, the holds in force.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit hold --execution exec-abc123 --basis case-2026-7
  attest audit hold --record 5 9-12 --basis case-2026-7
  attest audit hold --everything --basis 'incident of 2026-11-29'
  attest audit hold
  attest audit hold --release 48215 --basis 'case-2026-7 is closed'")]
pub(in crate::cli::cmd::audit) struct HoldArgs {
    /// Numbers of records, or ranges of them with both ends: 5 9-12
    #[arg(long, value_name = "N|N-M", group = "what", num_args = 1.., value_parser = range, requires = "basis")]
    record: Vec<(u64, u64)>,
    /// Every record that an execution has now
    #[arg(long, value_name = "ID", group = "what", requires = "basis")]
    execution: Option<String>,
    /// Every record, those to come among them
    #[arg(long, group = "what", requires = "basis")]
    everything: bool,
    /// Let the hold go whose record has this number
    #[arg(long, value_name = "NUMBER", group = "what", requires = "basis")]
    release: Option<u64>,
    /// Why: the number of a case, for example. It stays in the log for ever, in clear
    #[arg(long, value_name = "TEXT", requires = "what")]
    basis: Option<String>,
    /// Private key of redactions; the one that was made with the log unless told
    #[arg(long, value_name = "FILE", requires = "what")]
    redaction_key: Option<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Number of the record that was written, if one was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The holds in force after that.
    pub holds: Vec<HoldInForce>,
}

/// A hold in force.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoldInForce {
    /// Number of its record.
    pub record: u64,
    /// What it keeps: `everything`, or `records 5-5,9-12`.
    pub keeps: String,
    /// Why.
    pub basis: String,
    /// Since when.
    pub since: String,
}

impl From<&OneHold> for HoldInForce {
    fn from(one: &OneHold) -> Self {
        Self { record: one.at, keeps: one.held.to_string(), basis: one.basis.clone(), since: one.time.to_string() }
    }
}

pub(in crate::cli::cmd::audit) fn run(
    args: &HoldArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let (record, holds) = match &args.basis {
        Some(basis) => write(args, basis, place, common)?,
        None => {
            let store = place.reader()?;
            (None, Holds::of(&store, &place.bound(&store)?)?)
        }
    };
    let report = HoldReport { schema_version: 1, record, holds: holds.in_force().map(HoldInForce::from).collect() };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let mut out = String::new();
    match (record, args.release) {
        (Some(record), Some(hold)) => {
            let _ = writeln!(out, "released: the hold of record {hold}; record {record} says so");
        }
        (Some(record), None) => {
            let _ = writeln!(out, "held: the hold is record {record}");
        }
        (None, _) => {}
    }
    match report.holds.len() {
        0 => out += "nothing is held\n",
        n => {
            let _ = writeln!(out, "{} in force", counted(n, "hold"));
        }
    }
    for one in &report.holds {
        let _ = writeln!(
            out,
            "{:>8}  {}  {}  {}",
            one.record,
            one.since.get(..10).unwrap_or(&one.since),
            sanitize::line(&one.keeps),
            sanitize::line(&one.basis)
        );
    }
    Ok(Outcome::done(out))
}

fn write(args: &HoldArgs, basis: &str, place: &AuditPlace, common: &Common) -> Result<(Option<u64>, Holds), Failure> {
    let officer = place.officer(args.redaction_key.as_deref())?;
    let mut log = place.writer(common.timeout)?;
    let now = places::now();
    let mut index = place.index()?;
    audit::catch_up(log.store(), log.keys(), log.size(), &mut index)?;
    let keep = match (args.release, &args.execution) {
        (Some(hold), _) => Keep::Release(hold),
        (None, Some(id)) => Keep::Hold(Held::records(&log.remaining(&audit::of_execution(&index, id)?)?)),
        (None, None) if args.everything => Keep::Hold(Held::Everything),
        (None, None) => Keep::Hold(Held::records(&log.remaining(&numbers(&args.record, log.size())?)?)),
    };
    let record = log.hold(keep, basis, &officer, now, &mut random)?;
    audit::catch_up(log.store(), log.keys(), log.size(), &mut index)?;
    Ok((Some(record), log.holds()?))
}
