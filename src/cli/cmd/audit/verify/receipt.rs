//! Checking a receipt, which needs no log.

use crate::audit::{AuditError, Disclosed, Disclosure};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::model::plural::counted;
use crate::model::{Timestamp, limits};
use crate::places::files;
use crate::tlog::policy::Policy;
use crate::tlog::proof::Proof;
use crate::tlog::{Hash, LogError};
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::Path;

/// What `--format json` prints of a receipt.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Always true: a receipt that proves nothing is a failure.
    pub ok: bool,
    /// The log's name.
    pub origin: String,
    /// Number of the record.
    pub index: u64,
    /// Records under the checkpoint.
    pub size: u64,
    /// Kind of the record.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// When it was put into the log, to the minute, by the log's clock.
    pub logged_at: String,
    /// The fields that are shown.
    pub fields: Map<String, Value>,
    /// The text of a redaction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How many witnesses cosigned the checkpoint.
    pub witnesses: usize,
}

/// Checks a receipt without any log.
pub(super) fn check(path: &Path, policy: &Policy, common: &Common) -> Result<Outcome, Failure> {
    let bytes = files::read(path, limits::PROOF_BYTES)?;
    let name = path.display().to_string();
    let bad = |cause: String| Failure::from(AuditError::Unproven { what: format!("the receipt {name}"), cause });
    let unread = |e: LogError| AuditError::Malformed { what: name.clone(), cause: e.to_string() };
    let proof = Proof::parse(&bytes).map_err(unread)?;
    let origin = proof.checkpoint.lines().next().unwrap_or_default();
    if !policy.logs.iter().any(|(key, _)| key.name() == origin) {
        let given: Vec<&str> = policy.logs.iter().map(|(key, _)| key.name()).collect();
        return Err(bad(format!("it is of {origin}, and the key that was given is of {}", given.join(", "))));
    }
    let extra = proof.extra.as_deref().ok_or_else(|| bad("it does not show its record".into()))?;
    let (shown, entry) = Disclosure::check(extra).map_err(|e| Failure::from(e).context(&name))?;
    let (checkpoint, seen) = proof.check(Hash::of_entry(&shown.entry), policy).map_err(|e| bad(e.to_string()))?;
    let logged = Timestamp::from_unix(i64::from(entry.minutes) * 60).map_or_else(String::new, |t| t.to_string());
    if common.format == Format::Json {
        let fields: Map<String, Value> = shown.fields.iter().map(|f| (f.name.clone(), f.value.clone())).collect();
        let report = ReceiptReport {
            schema_version: 1,
            ok: true,
            origin: checkpoint.origin,
            index: proof.index,
            size: checkpoint.size,
            kind: entry.kind.name.to_owned(),
            id: entry.id.to_string(),
            logged_at: logged,
            fields,
            text: shown.text,
            witnesses: seen.len(),
        };
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let logged = logged.get(..16).unwrap_or(&logged).replace('T', " ");
    let mut out = format!("OK record {} of {}: {}\n", proof.index, checkpoint.origin, entry.kind.name);
    let _ = writeln!(out, "  logged {logged} by the log's clock; cosigned by {}", counted(seen.len(), "witness"));
    let value = |f: &Disclosed| f.value.as_str().map_or_else(|| f.value.to_string(), str::to_owned);
    for field in &shown.fields {
        let _ = writeln!(out, "  {:20} {} ({})", field.name, sanitize::line(&value(field)), field.known.name());
    }
    for line in shown.text.iter().flat_map(|text| text.lines()).filter(|line| !line.is_empty()) {
        let _ = writeln!(out, "  {}", sanitize::line(line));
    }
    let hidden = shown.of.saturating_sub(shown.fields.len() as u64);
    if hidden > 0 {
        let _ = writeln!(out, "  {} not shown", counted(hidden, "other field"));
    }
    Ok(Outcome::shown(out))
}
