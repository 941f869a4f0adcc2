//! `attest audit prove`, `attest audit checkpoint`

use crate::audit::{AuditError, LogStore as _};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::audit;
use crate::places::{AuditPlace, files};
use clap::Args;
use std::path::PathBuf;

/// Make the receipt of a record: a file that proves it to others, without this log
///
/// The receipt is a C2SP `.tlog-proof`. It shows the record's entry, which says nothing but kind and minute, and of its
/// fields only those that are named.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit prove 41207 --field agent --field target --output 41207.tlog-proof
  attest audit verify --proof 41207.tlog-proof --log-key 'audit.example.com/team+...'")]
pub(super) struct ProveArgs {
    /// Number or id of the record, or id of an execution of which one record has the fields
    #[arg(value_name = "RECORD|EXECUTION")]
    record: String,
    /// A field to show (repeatable)
    #[arg(long, value_name = "FIELD")]
    field: Vec<String>,
    /// Where to write it; standard output unless told
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Print the signed checkpoint: keep it elsewhere, and nobody can cut or rewrite what it covers unseen
///
/// `attest audit verify --checkpoint FILE` compares the log with it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  attest audit checkpoint > elsewhere/audit-2026-11-29.checkpoint")]
pub(super) struct CheckpointArgs {}

pub(super) fn prove(args: &ProveArgs, place: &AuditPlace) -> Result<Outcome, Failure> {
    let text = receipt_of(one_meant(&args.record, &args.field, place)?, &args.field, place)?;
    match &args.output {
        Some(path) => {
            files::replace(path, text.as_bytes())?;
            Ok(Outcome::done(format!("wrote {}\n", sanitize::line(&path.display().to_string()))))
        }
        None => Ok(Outcome::done(text)),
    }
}

pub(super) fn checkpoint(place: &AuditPlace) -> Result<Outcome, Failure> {
    let (settings, store) = (place.settings()?, place.reader()?);
    let bytes = store.get(crate::audit::store::CHECKPOINT)?;
    let bytes = bytes.ok_or_else(|| AuditError::Unknown { what: "a checkpoint".into() })?;
    audit::outside("checkpoint", &bytes, &settings, None)?;
    Ok(Outcome::done(bytes))
}

/// The record that is meant. Of a plain number nothing else is asked, so that a log can be read where its index cannot be made.
pub(super) fn one_meant(what: &str, fields: &[String], place: &AuditPlace) -> Result<u64, Failure> {
    if let Ok(number) = what.parse() {
        return Ok(number);
    }
    let (store, keys, mut index) = (place.reader()?, place.keys()?.unwrap_or_default(), place.index()?);
    audit::catch_up(&store, &keys, store.size(), &mut index)?;
    Ok(audit::one_meant(&store, &keys, &index, what, fields)?)
}

/// The receipt of a record that shows some of its fields.
pub(super) fn receipt_of(number: u64, fields: &[String], place: &AuditPlace) -> Result<String, Failure> {
    let (settings, store) = (place.settings()?, place.reader()?);
    let keys = place.keys()?.unwrap_or_default();
    Ok(audit::receipt::receipt((&store, &settings, &keys, &place.anchored()?), number, fields)?)
}
