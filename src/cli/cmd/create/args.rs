//! The flags of `attest create`.

use crate::cli::args::BuildArgs;
use crate::cli::args::signing::SigningArgs;
use clap::Args;
use std::path::PathBuf;

/// Run a build step, capture its context, sign it and attach it
///
/// The attestation of an image is attached to it; that of one file is written beside it as FILE.sigstore.json, further
/// ones are added to FILE.sigstore.jsonl, and those of several files or a checksum file to attest.sigstore.jsonl in the
/// folder that they have in common. The same statement again adds nothing. The bundle is verified before it is published. The exit code of a build step that
/// fails is passed through, and nothing is attested.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest create ghcr.io/acme/app@sha256:DIGEST --key attest.key --agent platform/builder
  attest create target/release/app --key attest.key -- cargo build --release
  attest create oci:build/image --key attest.key --charter https://github.com/acme/app/issues/42 \\
    --charter-snapshot required
  attest create oci:build/image --key attest.key \\
    --predicate scan.json --predicate-type https://acme.example/scan/v1")]
pub struct CreateArgs {
    /// What is attested: REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH, files, globs, checksum files, sha256:DIGEST,
    /// NAME@sha256:DIGEST; - reads a list
    #[arg(value_name = "SUBJECT", required_unless_present = "list")]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    /// Folder that keeps what an outage keeps from being signed or published; `attest flush` sends it
    #[arg(long, value_name = "DIR", env = "ATTEST_OUTBOX")]
    pub outbox: Option<PathBuf>,
    /// Hand the build step what asks for identity tokens, so that it can sign as this build; this is recorded
    #[arg(long, requires = "command")]
    pub share_identity: bool,
    /// Files whose change by the build step is recorded [default: those that git tracks or does not ignore] (repeatable)
    #[arg(long, value_name = "GLOB", requires = "command", conflicts_with = "predicate")]
    pub products: Vec<String>,
    /// The build step
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    #[command(flatten)]
    pub(super) build: BuildArgs,
    #[command(flatten)]
    pub(super) signing: SigningArgs,
    /// Fail where this could not be recorded in the audit log (see `attest audit`)
    #[arg(long)]
    pub(super) require_audit: bool,
    /// Write the bundles to this file, one per line; it replaces one that is there
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
    /// Attach nothing; needs --output for images
    #[arg(long, help_heading = "Where it goes")]
    pub no_attach: bool,
    /// Repository that keeps the attestations, if not the subject's own
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY", help_heading = "Where it goes")]
    pub attestation_repository: Option<String>,
    /// Sign the charter's snapshot too, its title and text, and attach it beside the attestation
    #[arg(long, help_heading = "Where it goes", conflicts_with = "predicate")]
    pub attach_charter: bool,
}
