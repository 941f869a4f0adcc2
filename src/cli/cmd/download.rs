//! `attest download`

use crate::cli::args::target;
use crate::cli::args::{Common, EvidenceArgs};
use crate::cli::cmd::inspect::something;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
use crate::flow;
use crate::model::plural::counted;
use crate::places::files;
use clap::Args;
use std::path::PathBuf;

/// Download the bundles of an artifact: one per line, as they are
///
/// Nothing is verified; what comes out is what `attest verify --bundle` reads.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest download ghcr.io/acme/app@sha256:DIGEST --output app.sigstore.jsonl
  attest download oci:build/image | wc -l")]
pub struct DownloadArgs {
    /// Artifact
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    #[command(flatten)]
    evidence: EvidenceArgs,
    /// Where to write the bundles [default: standard output]
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &DownloadArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let resolved = target::resolve(&args.subject, common, &args.evidence, false).await?;
    let sources = resolved.sources();
    let sources: Vec<_> = sources.iter().map(AsRef::as_ref).collect();
    let found = flow::look(&sources, &resolved.artifact).await;
    something(&found, Some(&resolved.artifact.digest))?;
    let mut out = Vec::new();
    let mut count = 0;
    for f in &found {
        match (&f.claim, f.bytes.contains(&b'\n')) {
            (Ok(_), false) => out.extend_from_slice(&f.bytes),
            // A document of several lines, put on one; its signed payload is base64 and does not change.
            (Ok(_), true) => {
                let Ok(value) = serde_json::from_slice::<serde_json::Value>(&f.bytes) else { continue };
                out.extend_from_slice(value.to_string().as_bytes());
            }
            (Err(e), _) => {
                ui.note(&format!("left out {}: {e}", f.origin.id));
                continue;
            }
        }
        count += 1;
        out.push(b'\n');
    }
    match &args.output {
        Some(path) => {
            files::replace(path, &out)?;
            ui.note(&format!("wrote {} to {}", counted(count, "bundle"), path.display()));
            Ok(Outcome::done(Vec::new()))
        }
        None => Ok(Outcome::done(out)),
    }
}
