//! `attest audit match`

use crate::audit::AuditError;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::flow::audit;
use crate::model::limits;
use crate::places::{AuditPlace, files};
use crate::record::fields::Form;
use crate::record::{Committed, Said};
use clap::Args;
use std::path::{Path, PathBuf};

/// Tell whether a text is the one that a record commits to
///
/// The text comes from FILE, or standard input, to the byte. Exit 0: it is; 1: it is another one.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  printf %s 'cargo test' | attest audit match 41241 --field command")]
pub(super) struct MatchArgs {
    /// Number or id of the record, or id of an execution of which one record has the field
    #[arg(value_name = "RECORD|EXECUTION")]
    record: String,
    /// Which field: command, input, output or diff
    #[arg(long, value_name = "FIELD")]
    field: String,
    /// The text
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MatchReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Whether it is the text.
    pub matches: bool,
    /// Size of the text that was recorded (bytes).
    pub recorded_size: u64,
    /// Size of the text that was given (bytes).
    pub given_size: u64,
}

pub(super) fn run(args: &MatchArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let record = super::proof::one_meant(&args.record, std::slice::from_ref(&args.field), place)?;
    let (store, keys) = (place.reader()?, place.keys()?.unwrap_or_default());
    let gone = |_| AuditError::Gone { index: record, why: "its key is not there".into() };
    let opened = audit::opened(&store, &keys, record)?.map_err(gone)?;
    let unknown = || {
        let kept = |said: &Said| (said.field.form == Form::Committed).then_some(said.field.name);
        let kept: Vec<&str> = opened.draft.said.iter().filter_map(kept).collect();
        let has = if kept.is_empty() { "no text that is known by its hash".into() } else { kept.join(", ") };
        AuditError::Unknown { what: format!("`{}` as a hash (record {} has {has})", args.field, record) }
    };
    let said = opened.draft.get(&args.field).ok_or_else(unknown)?;
    let committed = Committed::read(&args.field, said.told.value()).map_err(|_| unknown())?;
    let text = files::read(Path::new(&args.file), limits::TRAIL_BYTES)?;
    let matches = committed.is(&text);
    let exit = if matches { Exit::Done } else { Exit::No };
    let (recorded_size, given_size) = (committed.size, text.len() as u64);
    if common.format == Format::Json {
        let report = MatchReport { schema_version: 1, matches, recorded_size, given_size };
        return Ok(Outcome::json(&report, exit));
    }
    let what = format!("`{}` of record {}", args.field, record);
    let stdout = match (matches, text.split_last()) {
        (true, _) => format!("yes: this is the {what}\n"),
        (false, Some((b'\n', before))) if committed.is(before) => {
            format!("no: the {what} is this without the line's end\n")
        }
        (false, _) if recorded_size == given_size => format!("no: the {what} is as long, and another\n"),
        (false, _) => format!("no: the {what} had {recorded_size} bytes, this has {given_size}\n"),
    };
    Ok(Outcome { stdout: stdout.into_bytes(), exit, purpose: Purpose::Data })
}
