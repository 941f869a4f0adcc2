//! `attest admission`

mod given;
mod manifests;
mod scan;
mod serve;
mod test;

pub use scan::ScanReport;
pub use test::TestReport;

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
use clap::{Args, Subcommand};

/// Let a Kubernetes cluster run only images that policies allow
///
/// The same policies and the same decision as `attest verify`, asked by the API server before anything is stored. Begin with `scan`,
/// which shows what runs now and would be refused; then `manifests`, which writes what is applied to the cluster.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  kubectl get pods -A -o json | attest admission scan - --policy policy.yaml
  attest admission test deployment.yaml --policy policy.yaml
  attest admission manifests --image ghcr.io/acme/attest@sha256:DIGEST --policy policy.yaml | kubectl apply -f -
  attest admission serve --policy policies/ --tls-cert tls.crt --tls-key tls.key")]
pub struct AdmissionCommand {
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    Scan(scan::ScanArgs),
    Test(test::TestArgs),
    Manifests(manifests::ManifestsArgs),
    Serve(Box<serve::ServeArgs>),
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(command: &AdmissionCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    match &command.which {
        Which::Scan(args) => scan::run(args, common, ui).await,
        Which::Test(args) => test::run(args, common, ui).await,
        Which::Manifests(args) => manifests::run(args),
        Which::Serve(args) => serve::run(args, common).await,
    }
}
