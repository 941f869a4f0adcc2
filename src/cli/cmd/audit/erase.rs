//! `attest audit erase`

use crate::audit::{AuditError, Erase, Index as _, Log};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::flow::audit;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random, files};
use clap::Args;
use std::path::PathBuf;

/// Destroy what records say, so that every proof still holds
///
/// Of a person every field with the name, in every record; of a record or an execution all that it says. The keys are
/// destroyed, a redaction that says so and why is signed and recorded, and the index forgets. Nothing can bring it back.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit erase --person github:583231 --basis request-2026-114
  attest audit erase --execution exec-abc123 --basis 'recorded by mistake' --redaction-key officer.key
  attest audit erase --record 5 9-12 --basis 'recorded by mistake'

What a hold keeps (attest audit hold) is not erased: audit-held, exit code 1.
What is erased already is erased once: where nothing else is meant, the answer is audit-unknown, exit code 1.")]
pub(super) struct EraseArgs {
    /// A person, as the records name it
    #[arg(long, value_name = "WHO", group = "what")]
    person: Option<String>,
    /// Numbers of records, or ranges of them with both ends: 5 9-12
    #[arg(long, value_name = "N|N-M", group = "what", num_args = 1.., value_parser = range)]
    record: Vec<(u64, u64)>,
    /// Every record of an execution
    #[arg(long, value_name = "ID", group = "what")]
    execution: Option<String>,
    /// Why: the number of a request, for example. It stays in the log for ever, in clear
    #[arg(long, value_name = "TEXT")]
    basis: String,
    /// Private key of redactions; the one that was made with the log unless told
    #[arg(long, value_name = "FILE")]
    redaction_key: Option<PathBuf>,
    /// Where to write the receipt of the redaction; erase-N.tlog-proof unless told
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EraseReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Numbers of the records of which something was erased.
    pub records: Vec<u64>,
    /// Number of the redaction's record.
    pub redaction: u64,
    /// The file with the redaction's receipt.
    pub receipt: String,
}

pub(super) fn run(args: &EraseArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let officer = place.officer(args.redaction_key.as_deref())?;
    if let Some(path) = &args.receipt {
        files::writable(path, false)?;
    }
    let mut log = place.writer(common.timeout)?;
    let now = places::now();
    log.finish_redaction(now, &mut random)?;
    let mut index = place.index()?;
    audit::catch_up(log.store(), log.keys(), log.size(), &mut index)?;
    let (erase, records) = match (&args.person, &args.execution) {
        (Some(person), _) => {
            let records = log.records_of(person)?;
            (Erase::Person(person.clone()), records)
        }
        (None, Some(id)) => {
            let none = |e| match e {
                AuditError::Unknown { what } => {
                    let why =
                        format!("the execution {what} has no record here that can be read: it may be erased already");
                    AuditError::Nothing { what: "to erase", why }
                }
                e => e,
            };
            let records = log.remaining(&audit::of_execution(&index, id).map_err(none)?)?;
            (Erase::Records(records.clone()), records)
        }
        (None, None) if args.record.is_empty() => {
            return Err(Failure::usage(
                crate::cli::exit::codes::USAGE,
                "name what to erase: --person, --record or --execution",
            ));
        }
        (None, None) => {
            let records = log.remaining(&numbers(&args.record, log.size())?)?;
            (Erase::Records(records.clone()), records)
        }
    };
    let number = log.erase(&erase, &args.basis, &officer, now, &mut random)?;
    log.publish()?;
    if matches!(erase, Erase::Records(_)) {
        index.forget(&records)?;
    }
    // Of a person it holds nothing.
    index.set_generation(log.keys().generation)?;
    audit::catch_up(log.store(), log.keys(), log.size(), &mut index)?;
    let readable = records.iter().filter(|n| readable(&log, **n, &erase).unwrap_or(true)).count();
    if readable > 0 {
        let cause = format!("{readable} of the records can still be read");
        return Err(AuditError::Damaged { index: Some(number), cause }.into());
    }
    let receipt = args.receipt.clone().unwrap_or_else(|| PathBuf::from(format!("erase-{number}.tlog-proof")));
    let told = super::proof::receipt_of(number, &[], place)?;
    files::replace(&receipt, told.as_bytes()).map_err(|e| {
        Failure::from(e)
            .context(format!("erased, and the redaction is record {number}; its receipt could not be written"))
    })?;
    let report = EraseReport { schema_version: 1, records, redaction: number, receipt: receipt.display().to_string() };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    Ok(Outcome::done(format!(
        "erased: {}; keys destroyed, the redaction is record {number}, its receipt {}\n",
        counted(report.records.len(), "record"),
        crate::cli::show::sanitize::line(&report.receipt)
    )))
}

/// A number, or two with `-` between them.
pub(in crate::cli::cmd::audit) fn range(text: &str) -> Result<(u64, u64), String> {
    let (low, high) = text.split_once('-').unwrap_or((text, text));
    let range = low.parse().ok().zip(high.parse().ok()).filter(|(low, high)| low <= high);
    range.ok_or_else(|| "expected the number of a record, or two as 9-12, the lower one first".into())
}

/// The records of ranges, each of which is there.
pub(in crate::cli::cmd::audit) fn numbers(ranges: &[(u64, u64)], size: u64) -> Result<Vec<u64>, AuditError> {
    let beyond = ranges.iter().map(|(_, high)| *high).find(|high| *high >= size);
    match beyond {
        Some(high) => Err(AuditError::Unknown { what: format!("record {high}") }),
        None => Ok(ranges.iter().flat_map(|(low, high)| *low..=*high).collect()),
    }
}

/// Whether what was erased can still be read: it is tried.
fn readable(log: &Log, number: u64, erase: &Erase) -> Result<bool, AuditError> {
    Ok(match (audit::opened(log.store(), log.keys(), number)?, erase) {
        (Ok(opened), Erase::Person(name)) => {
            opened.draft.said.iter().any(|s| s.field.person && s.told.value() == name.as_str())
        }
        (Ok(_), Erase::Records(_)) => true,
        (Err(_), _) => false,
    })
}
