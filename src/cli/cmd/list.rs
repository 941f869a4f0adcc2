//! `attest list`

use crate::cli::args::target;
use crate::cli::args::{Common, EvidenceArgs, Format};
use crate::cli::cmd::inspect::something;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize::line;
use crate::flow;
use clap::Args;
use std::fmt::Write as _;

/// List the attestations of an artifact as a table, without verifying them
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest list ghcr.io/acme/app@sha256:DIGEST
  attest list oci:build/image --format json")]
pub struct ListArgs {
    /// Artifact
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// One row.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListRow {
    /// What names the attestation at its place.
    pub id: String,
    /// Where it is.
    pub place: String,
    /// Type of its predicate; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// Whose signature it claims to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// What `attest list --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Digest of the artifact.
    pub digest: String,
    /// Every attestation; nothing in it is verified.
    pub attestations: Vec<ListRow>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &ListArgs, common: &Common) -> Result<Outcome, Failure> {
    let resolved = target::resolve(&args.subject, common, &args.evidence, false).await?;
    let sources = resolved.sources();
    let sources: Vec<_> = sources.iter().map(AsRef::as_ref).collect();
    let found = flow::look(&sources, &resolved.artifact).await;
    something(&found, Some(&resolved.artifact.digest))?;
    let rows: Vec<_> = found
        .iter()
        .map(|f| ListRow {
            id: f.origin.id.clone(),
            place: f.origin.place.clone(),
            predicate_type: f.claim.as_ref().ok().map(|c| c.statement.predicate_type().to_string()),
            signer: f.claim.as_ref().ok().map(|c| c.signer.clone()),
            problem: f.claim.as_ref().err().cloned(),
        })
        .collect();
    if common.format == Format::Json {
        let report = ListReport { schema_version: 1, digest: resolved.artifact.digest.to_string(), attestations: rows };
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let cell = |row: &ListRow| {
        let kind = row.predicate_type.clone().or_else(|| row.problem.clone()).unwrap_or_default();
        [line(&row.id), line(&kind), line(row.signer.as_deref().unwrap_or("-"))]
    };
    let head = ["ID", "PREDICATE TYPE", "SIGNER (UNVERIFIED)"].map(str::to_owned);
    let table: Vec<[String; 3]> = std::iter::once(head).chain(rows.iter().map(cell)).collect();
    let width = |i: usize| table.iter().map(|r| r[i].chars().count()).max().unwrap_or(0);
    let (first, second) = (width(0), width(1));
    let mut out = String::new();
    for [id, kind, signer] in &table {
        let _ = writeln!(out, "{id:first$}  {kind:second$}  {signer}");
    }
    Ok(Outcome::done(out))
}
