//! Checking a folder of records that was handed out, which needs no log.

use crate::audit::AuditError;
use crate::audit::handout::{Check, Checked, FILES, Manifest};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::audit::witnessed;
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::{files, folder, lines};
use crate::tlog::policy::Policy;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

/// What `--format json` prints of a folder.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BundleReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Whether it is proven to be of the log whose key was given. False where none was: whoever makes a folder can sign it with a
    /// key of their own and name that.
    pub ok: bool,
    /// What was handed out: `month/2026-10`, `person`, `incident`.
    pub what: String,
    /// The log's name.
    pub origin: String,
    /// The key that all of it is signed with.
    pub log_key: String,
    /// Whether that key was given, and not only named by the folder itself.
    pub key_given: bool,
    /// How many records.
    pub records: u64,
    /// The first number and the last, where it is proven that none between them is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// Whether values were replaced by pseudonyms.
    pub anonymized: bool,
    /// Records that say something.
    pub opened: u64,
    /// Notes in clear: redactions, holds, and what the log is.
    pub in_clear: u64,
    /// Records that say nothing, by why: `erased`, `expired`, `no-key`.
    pub holes: BTreeMap<String, u64>,
    /// How many of these are explained by redactions with authority that are among the records, as is the first one, which says whose.
    pub explained_holes: u64,
    /// Fields that are proven.
    pub proven_fields: u64,
    /// Fields that are left out, or stand under a pseudonym.
    pub hidden_fields: u64,
    /// Witnesses that saw a checkpoint in it, with `--policy`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
}

/// Checks a folder without any log.
pub(super) fn check(path: &Path, policy: Option<&Policy>, common: &Common) -> Result<Outcome, Failure> {
    let here = |name: &str| path.join(name);
    let manifest = files::read(&here(FILES.1), limits::HANDOUT_MANIFEST_BYTES)?;
    let receipt = files::read(&here(FILES.2), limits::PROOF_BYTES)?;
    let mut check = Check::begin(&manifest, policy)?;
    lines::each::<Failure>(&here(FILES.0), limits::HANDOUT_LINE_BYTES, |line| {
        let long = || AuditError::OverLimit { what: format!("a line of {} is too long", FILES.0) };
        Ok(check.line(line.ok_or_else(long)?)?)
    })?;
    let mut found = folder::digests(path, limits::HANDOUT_FILES)?;
    found.retain(|name, _| ![FILES.1, FILES.2].contains(&name.as_str()));
    let mut anchors = Vec::new();
    for anchor in &check.manifest().anchors {
        // What it names is read as one of the files that are there, and as no path that leads elsewhere.
        if !found.contains_key(&anchor.file) {
            let cause = format!("the file {} is not there", anchor.file);
            return Err(AuditError::Unproven { what: "the bundle".into(), cause }.into());
        }
        anchors.push(files::read(&here(&anchor.file), limits::PROOF_BYTES)?);
    }
    let said = check.manifest().clone();
    let checked = check.end(&found, &anchors, (&manifest, &receipt), policy)?;
    let report = report(&said, checked, policy.is_some());
    let exit = if report.ok { Exit::Done } else { Exit::Unknown };
    match common.format {
        Format::Json => Ok(Outcome::json(&report, exit)),
        _ => Ok(Outcome { exit, ..Outcome::shown(text(&report)) }),
    }
}

fn report(manifest: &Manifest, checked: Checked, key_given: bool) -> BundleReport {
    BundleReport {
        schema_version: 1,
        ok: key_given,
        what: manifest.what.clone(),
        origin: manifest.origin.clone(),
        log_key: manifest.log_key.clone(),
        key_given,
        records: manifest.records,
        range: manifest.range.as_ref().map(|range| (range.first, range.end.saturating_sub(1))),
        anonymized: manifest.anonymized,
        opened: checked.opened,
        in_clear: checked.in_clear,
        holes: checked.holes,
        explained_holes: checked.explained,
        proven_fields: checked.proven,
        hidden_fields: checked.hidden,
        witnesses: checked.seen.map(|(_, seen)| seen.into_keys().collect()).unwrap_or_default(),
    }
}

fn text(report: &BundleReport) -> String {
    let mut out = format!(
        "{} {} of {}: {}{}\n",
        if report.ok { "OK" } else { "UNKNOWN" },
        sanitize::line(&report.what),
        sanitize::line(&report.origin),
        counted(report.records, "record"),
        if report.ok { "" } else { ": whose log it is nobody said" },
    );
    let _ = match report.range {
        Some((first, last)) => writeln!(out, "  all from {first} to {last}: none is missing, and none was changed"),
        None => writeln!(out, "  each is in the log as it stands here; that there are no others is not proven"),
    };
    let (proven, hidden) = (report.proven_fields, report.hidden_fields);
    let _ = writeln!(out, "  {} proven; {} not shown as they are", counted(proven, "field"), counted(hidden, "field"));
    for (why, count) in &report.holes {
        let _ = writeln!(out, "  HOLE  {} cannot be read: {}", counted(*count, "record"), sanitize::line(why));
    }
    let holes: u64 = report.holes.values().sum();
    if holes > 0 {
        let explained = report.explained_holes;
        let rest = holes.saturating_sub(explained);
        let _ = writeln!(
            out,
            "  {explained} of these by redactions with authority that are in it; of {rest} only whoever made it says why"
        );
    }
    if !report.witnesses.is_empty() {
        let _ = writeln!(out, "  a checkpoint in it was seen by {}", witnessed::names(report.witnesses.iter()));
    }
    let _ = match report.key_given {
        true => writeln!(out, "  signed by the key that was given"),
        false => writeln!(
            out,
            "  signed by the key that it names itself, as whoever makes such a folder can: name the log's key, from a place that they\n  \
             cannot change: --log-key '{}'",
            sanitize::line(&report.log_key)
        ),
    };
    out
}
