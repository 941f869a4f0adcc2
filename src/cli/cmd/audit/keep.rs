//! `attest audit retain`, `attest audit keys`

use crate::audit::keys::{FolderKeys, KeyStore as _};
use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::places::{self, AuditPlace, audit::random};
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Destroy what was kept long enough, as the log's settings say
///
/// The keys of each day that is older go, and a signed redaction says so. Run it daily.
#[derive(Clone, Debug, Args)]
pub(super) struct RetainArgs {
    /// Private key of redactions; the one that was made with the log unless told
    #[arg(long, value_name = "FILE")]
    redaction_key: Option<PathBuf>,
}

/// Show the log's public keys, and how often keys were destroyed
#[derive(Clone, Debug, Args)]
pub(super) struct KeysArgs {}

pub(super) fn retain(args: &RetainArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let officer = place.officer(args.redaction_key.as_deref())?;
    let mut log = place.writer(common.timeout)?;
    let now = places::now();
    log.finish_redaction(now, &mut random)?;
    let done = log.retain(&officer, now, &mut random)?;
    log.publish()?;
    super::erase::forget_unreadable(&log, place)?;
    let mut out = String::new();
    match done.as_slice() {
        [] => out += "nothing is old enough to expire\n",
        numbers => {
            for number in numbers {
                let _ = writeln!(out, "keys destroyed; the redaction is record {number}");
            }
        }
    }
    Ok(Outcome::done(out))
}

pub(super) fn keys(place: &AuditPlace) -> Result<Outcome, Failure> {
    let settings = place.settings()?;
    let keys = FolderKeys::open(&place.folder.join("keys"))?;
    let people = keys.load()?.map_or(0, |k| k.people());
    let mut out = format!("log            {}\nredactions     {}\n", settings.key, settings.officer);
    let _ =
        writeln!(out, "generation     {} of the keys of records; each destruction makes another", keys.generation());
    let _ = writeln!(out, "people         {people} with a key of their own");
    Ok(Outcome::done(out))
}
