//! `attest download`

use crate::cli::args::Common;
use crate::cli::args::looked::{self, LookArgs, Wanted};
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
use crate::model::plural::counted;
use crate::places::files;
use clap::Args;
use std::path::{Path, PathBuf};

/// Download the bundles of artifacts: one per line, as they are
///
/// Nothing is verified; what comes out is what `attest verify --bundle` reads, of what is about the artifact.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest download ghcr.io/acme/app@sha256:DIGEST --output app.sigstore.jsonl
  attest download ghcr.io/acme/app:v1 | attest attach registry.example/app:v1 --bundle -
  attest download dist/app --predicate-type spdx")]
pub struct DownloadArgs {
    #[command(flatten)]
    look: LookArgs,
    /// Where to write the bundles; - is standard output [default: standard output]
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &DownloadArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let looked = looked::look(&args.look, Wanted::default(), common, ui).await?;
    let (mut out, mut count) = (Vec::new(), 0);
    for f in looked.shown.iter().map(|s| &s.found) {
        match (&f.claim, f.bytes.contains(&b'\n')) {
            (Ok(_), false) => out.extend_from_slice(&f.bytes),
            // A document of several lines, put on one; its signed payload is base64 and does not change.
            (Ok(_), true) => {
                let Ok(value) = serde_json::from_slice::<serde_json::Value>(&f.bytes) else { continue };
                out.extend_from_slice(value.to_string().as_bytes());
            }
            (Err(e), _) => {
                ui.note(&format!("left out {}: {e}", crate::cli::show::origin(&f.origin)));
                continue;
            }
        }
        count += 1;
        out.push(b'\n');
    }
    if let Some(text) = looked.left_out() {
        ui.note(&format!("left out: {text}"));
    }
    match args.output.as_deref().filter(|path| *path != Path::new("-")) {
        Some(path) => {
            files::replace(path, &out)?;
            ui.note(&format!("wrote {}, not verified, to {}", counted(count, "bundle"), path.display()));
            looked.end(Vec::new(), false, ui)
        }
        None => looked.end(out, false, ui),
    }
}
