//! `attest attach`

use crate::cli::args::target;
use crate::cli::args::target::Resolved;
use crate::cli::args::{Common, EvidenceArgs, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::evidence::{self, FileEvidence};
use crate::flow::{self, Attached};
use crate::model::{Digest, Timestamp, limits};
use crate::places::files;
use crate::registry::OciLayout;
use crate::verify::{Candidate, Content, EvidenceSource as _};
use clap::Args;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Attach bundles to an artifact in a registry or image layout
///
/// The artifact must be there; each bundle must be an attestation about it. The same bundle again changes nothing, and
/// mends the registry's list where it lost it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest attach ghcr.io/acme/app@sha256:DIGEST --bundle app.sigstore.json
  attest attach oci:build/image --bundle attestations/")]
pub struct AttachArgs {
    /// REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, or oci:PATH[:TAG][@sha256:DIGEST]
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help shows how a subject is written")]
    #[arg(value_name = "SUBJECT")]
    pub subject: String,
    /// Bundle, JSONL of bundles, or folder of them; - is standard input (repeatable)
    #[arg(long, value_name = "FILE", required = true)]
    pub bundle: Vec<PathBuf>,
    /// Repository that keeps the attestations, if not the subject's own
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY")]
    pub attestation_repository: Option<String>,
}

/// One attached bundle.
#[derive(Debug, Clone, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachedReport {
    /// The subject's digest.
    pub subject: String,
    /// Where the attestation was attached.
    pub place: String,
    /// Digest of the referrer's manifest.
    pub referrer: String,
    /// Whether it was there before.
    pub already: bool,
}

/// What `attest attach --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttachReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// One entry per bundle.
    pub attached: Vec<AttachedReport>,
}

/// Attaches one bundle to a resolved subject.
///
/// # Errors
/// Exit 2 for a file; [`Failure`] of the registry.
pub async fn attach_one(resolved: &Resolved, bundle: &[u8], now: Timestamp) -> Result<AttachedReport, Failure> {
    let (Some(subject), Some(store)) = (&resolved.subject, &resolved.store) else {
        let name = &resolved.artifact.name;
        let message = match &resolved.path {
            Some(_) => format!("`{name}` is a file: nothing can be attached to it"),
            None => format!("`{name}` names no place that anything could be attached in: write REPOSITORY@sha256:..."),
        };
        return Err(Failure::usage(codes::USAGE, message));
    };
    let attached = flow::attach(subject.as_ref(), store.as_ref(), &resolved.artifact, bundle, now).await?;
    Ok(report(&resolved.artifact.digest, &store.place(), &attached))
}

/// What attaching did, as it is printed.
pub(in crate::cli) fn report(subject: &Digest, place: &str, done: &Attached) -> AttachedReport {
    AttachedReport {
        subject: subject.to_string(),
        place: place.to_owned(),
        referrer: done.referrer.to_string(),
        already: done.already,
    }
}

/// Says of each layout whose image has no tag what an entry that was added beside it does to other programs.
pub(in crate::cli) fn warn_of_untagged(attached: &[AttachedReport], ui: &Ui) {
    let mut told = BTreeSet::new();
    for one in attached.iter().filter(|one| !one.already) {
        let Some(path) = one.place.strip_prefix("oci:") else { continue };
        let Ok(digest) = Digest::parse(&one.subject) else { continue };
        let untagged = OciLayout::open(Path::new(path)).is_ok_and(|l| l.is_untagged(&digest).unwrap_or(false));
        if untagged && told.insert(&one.place) {
            ui.note(&format!(
                "`{}`: its image has no tag, and skopeo and crane now see two entries and take neither by the folder \
                 alone: give the image a tag where it is made, and name it as oci:PATH:TAG",
                one.place
            ));
        }
    }
}

/// Attached bundles as text.
#[must_use]
pub fn text(attached: &[AttachedReport]) -> String {
    attached.iter().fold(String::new(), |mut out, a| {
        let word = if a.already { "already attached" } else { "attached" };
        let _ = writeln!(out, "{word}: {} to {} in {}", a.referrer, a.subject, a.place);
        out
    })
}

/// The bundles of a file or folder; `-` is standard input.
async fn candidates(path: &Path, resolved: &Resolved) -> Result<Vec<Candidate>, Failure> {
    if path == Path::new("-") {
        return Ok(evidence::candidates_of(path, &files::read(path, limits::EVIDENCE_BYTES)?));
    }
    if !files::exists(path)? {
        return Err(Failure::usage(codes::FILE_UNREADABLE, format!("--bundle `{}` is not there", path.display())));
    }
    Ok(FileEvidence::new(path).candidates(&resolved.artifact).await)
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &AttachArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let places =
        EvidenceArgs { attestation_repository: args.attestation_repository.clone(), ..EvidenceArgs::default() };
    let resolved = target::resolve(&args.subject, common, &places, false).await?;
    let mut attached = Vec::new();
    for path in &args.bundle {
        for candidate in candidates(path, &resolved).await? {
            match candidate.content {
                Content::Evidence(bytes) => attached.push(attach_one(&resolved, bytes.trim_ascii(), ui.now).await?),
                Content::SetAside { code, message } | Content::Unavailable { code, message } => {
                    return Err(Failure::usage(code, message));
                }
            }
        }
    }
    warn_of_untagged(&attached, ui);
    Ok(match common.format {
        Format::Json => Outcome::json(&AttachReport { schema_version: 1, attached }, Exit::Done),
        _ => Outcome::told(text(&attached)),
    })
}
