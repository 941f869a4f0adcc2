//! The flags of `attest verify`.

use crate::cli::args::{DemandArgs, EvidenceArgs, TrustArgs};
use clap::Args;
use std::path::PathBuf;

/// Verify attestations of artifacts and decide
///
/// Exits 0 when there is positive proof of everything demanded, 1 when the answer is no, 2 for wrong usage or
/// configuration, 3 when it could not be found out.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest verify ghcr.io/acme/app@sha256:DIGEST                  by the policy of this machine
  attest verify ghcr.io/acme/app@sha256:DIGEST --key attest.pub
  attest verify oci:build/image --key attest.pub --agent 'platform/*' --source-ref refs/heads/main
  attest verify ghcr.io/acme/app@sha256:DIGEST --key attest.pub --recheck-charter
  attest verify ghcr.io/acme/app@sha256:DIGEST --repo acme/app  by a GitHub workflow of that repository
  attest verify app.tar.gz --key attest.pub                     evidence in app.tar.gz.sigstore.json
  attest verify app.tar.gz --bundle app.sigstore.json --policy policy.yaml --format json")]
pub struct VerifyArgs {
    /// REPOSITORY@sha256:DIGEST, REPOSITORY:TAG, oci:PATH[:TAG][@sha256:DIGEST], a file, a glob, a checksum file, sha256:DIGEST,
    /// NAME@sha256:DIGEST; - reads a list
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help shows how a subject is written")]
    #[arg(value_name = "SUBJECT", required_unless_present = "list")]
    pub subjects: Vec<String>,
    /// File of further subjects, one per line, or as sha256sum writes them; - is standard input
    #[arg(id = "list", long = "subjects", value_name = "FILE")]
    pub list: Option<PathBuf>,
    #[command(flatten)]
    pub(super) trust: TrustArgs,
    #[command(flatten)]
    pub(super) demands: DemandArgs,
    #[command(flatten)]
    pub(super) evidence: EvidenceArgs,
    /// Namespace of a cluster: of policies that name namespaces, those alone that apply in this one
    #[arg(long, value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// Fail where the answer could not be recorded in the audit log (see `attest audit`)
    #[arg(long)]
    pub(super) require_audit: bool,
}
