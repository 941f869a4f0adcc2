//! `attest audit retain`, `attest audit keys`, `attest audit hold`

pub(super) mod hold;

use crate::audit::keys::{FolderKeys, KeyStore as _};
use crate::audit::{LogStore as _, Redaction};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::flow::audit::{self, expire::expire};
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random};
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Destroy what was kept long enough, as the log's settings say
///
/// Before executions and sessions of a month go, what each agent did in it is recorded for ever: counts, tokens, cost, first and last
/// time. Then the keys of each day that is older go, and a signed redaction says so. Days of which a hold keeps a record stay (attest audit
/// hold). Run it daily.
#[derive(Clone, Debug, Args)]
pub(super) struct RetainArgs {
    /// Private key of redactions; the one that was made with the log unless told
    #[arg(long, value_name = "FILE")]
    redaction_key: Option<PathBuf>,
}

/// Show the log's public keys, and how often keys were destroyed
#[derive(Clone, Debug, Args)]
pub(super) struct KeysArgs {}

/// What `attest audit retain --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RetainReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Numbers of the records that say what agents did in the months of which something expired.
    pub summaries: Vec<u64>,
    /// Numbers of the records of redactions that were made.
    pub redactions: Vec<u64>,
    /// Numbers of the records of holds that keep something from expiring.
    pub holds: Vec<u64>,
}

/// What `attest audit keys --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KeysReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Public key of checkpoints.
    pub log: String,
    /// Public key of redactions.
    pub redactions: String,
    /// Public key under which public logs know its checkpoints: DER in base64, ECDSA P-256; none of a log that was made without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub anchor: Option<String>,
    /// How often keys were destroyed: as many redactions have authority and are carried out.
    pub destroyed: u64,
    /// How many people have a key of their own.
    pub people: usize,
    /// Days that classes of records are kept; others are kept for ever.
    pub retention_days: BTreeMap<String, u32>,
}

pub(super) fn retain(args: &RetainArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let officer = place.officer(args.redaction_key.as_deref())?;
    let mut log = place.writer(common.timeout)?;
    let now = places::now();
    let done = expire(&mut log, &mut place.index()?, &officer, now, &mut random)?;
    let holds: Vec<u64> = log.holds()?.in_force().map(|one| one.at).collect();
    let report = RetainReport { schema_version: 1, summaries: done.summaries, redactions: done.redactions, holds };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let mut out = String::new();
    if let (Some(first), Some(last)) = (report.summaries.first(), report.summaries.last()) {
        let count = counted(report.summaries.len() as u64, "record");
        let _ = writeln!(out, "what agents did is kept in {count}, {first} to {last}: `attest audit history` shows it");
    }
    for number in &report.redactions {
        let _ = writeln!(out, "keys destroyed; the redaction is record {number}");
    }
    if report.redactions.is_empty() {
        out += if report.holds.is_empty() {
            "nothing is old enough to expire\n"
        } else {
            "nothing that is not held is old enough to expire\n"
        };
    }
    if !report.holds.is_empty() {
        let _ = writeln!(out, "{} in force: `attest audit hold` lists them", counted(report.holds.len(), "hold"));
    }
    Ok(Outcome::done(out))
}

pub(super) fn keys(place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let store = place.reader()?;
    let settings = place.bound(&store)?;
    let keys = FolderKeys::open(&place.folder.join("keys"))?.load()?.unwrap_or_default();
    // One that was begun and not carried out has destroyed nothing yet.
    let begun = |(at, _): &(u64, Redaction)| {
        let record = store.read(*at, 1).ok().and_then(|records| records.into_iter().next());
        record.is_some_and(|record| keys.pending.as_ref().is_some_and(|note| note.as_bytes() == record.content))
    };
    let done = audit::redactions(&store, &settings)?.iter().filter(|one| !begun(one)).count() as u64;
    let report = KeysReport {
        schema_version: 1,
        log: settings.key.to_string(),
        redactions: settings.officer.to_string(),
        anchor: settings.anchor.as_ref().map(crate::audit::shown_anchor),
        destroyed: done,
        people: keys.people(),
        retention_days: settings.retention.iter().map(|(class, days)| (class.name().to_owned(), *days)).collect(),
    };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let mut out = format!("log          {}\nredactions   {}\n", report.log, report.redactions);
    if let Some(anchor) = &report.anchor {
        let _ = writeln!(out, "anchors      {anchor}");
    }
    let kept: Vec<String> = report.retention_days.iter().map(|(class, days)| format!("{class} {days} days")).collect();
    let _ = writeln!(out, "kept         {}; everything else for ever", kept.join(", "));
    let _ = writeln!(out, "destroyed    keys were destroyed {}", times(report.destroyed));
    let _ = writeln!(out, "people       {} stand in records under a key of their own", report.people);
    Ok(Outcome::done(out))
}

fn times(n: u64) -> String {
    match n {
        0 => "never".into(),
        1 => "once".into(),
        n => format!("{n} times"),
    }
}
