//! `attest audit match`

use crate::audit::AuditError;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::flow::audit;
use crate::model::limits;
use crate::places::{AuditPlace, files};
use crate::record::Committed;
use clap::Args;
use std::path::{Path, PathBuf};

/// Tell whether a text is the one that a record commits to
///
/// The text comes from FILE, or standard input, to the byte. Exit 0: it is; 1: it is another one.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Example:
  printf %s 'cargo test' | attest audit match 41241 --field command")]
pub(super) struct MatchArgs {
    /// Number of the record
    #[arg(value_name = "RECORD")]
    record: u64,
    /// Which field: command, input, output or diff
    #[arg(long, value_name = "FIELD")]
    field: String,
    /// The text
    #[arg(value_name = "FILE", default_value = "-")]
    file: PathBuf,
}

pub(super) fn run(args: &MatchArgs, place: &AuditPlace) -> Result<Outcome, Failure> {
    let (store, keys) = (place.reader()?, place.keys()?.unwrap_or_default());
    let unknown =
        || AuditError::Unknown { what: format!("`{}` of record {}, as a commitment,", args.field, args.record) };
    let gone = |_| AuditError::Gone { index: args.record, why: "its key is not there".into() };
    let opened = audit::opened(&store, &keys, args.record)?.map_err(gone)?;
    let said = opened.draft.get(&args.field).ok_or_else(unknown)?;
    let committed = Committed::read(&args.field, said.told.value()).map_err(|_| unknown())?;
    let text = files::read(Path::new(&args.file), limits::TRAIL_BYTES)?;
    Ok(if committed.is(&text) {
        Outcome::done(format!("yes: this is the `{}` of record {}\n", args.field, args.record))
    } else {
        let found = format!("no: another text than the `{}` of record {}: ", args.field, args.record);
        let sizes = match committed.size == text.len() as u64 {
            true => "it is as long, and not the same\n".to_owned(),
            false => format!("that had {} bytes, this has {}\n", committed.size, text.len()),
        };
        Outcome { stdout: (found + &sizes).into_bytes(), exit: Exit::No, told: false }
    })
}
