//! `attest trust`

pub use super::trust_show::ShowReport;
pub use super::trust_update::UpdateReport;

use super::{trust_init, trust_show, trust_update};
use crate::cli::Ui;
use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use clap::{Args, Subcommand};

/// Show, update or make trusted roots: whose certificates, logs and timestamps count
///
/// Verification never asks a network for trust. It uses the roots that are built in, each replaced by a newer one that
/// `attest trust update` fetched, or only those that --trusted-root names.
#[derive(Clone, Debug, Args)]
pub struct TrustCommand {
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    Show(trust_show::ShowArgs),
    Update(trust_update::UpdateArgs),
    Init(trust_init::InitArgs),
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(command: &TrustCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    match &command.which {
        Which::Show(args) => trust_show::run(args, common, ui).await,
        Which::Update(args) => trust_update::run(args, common, ui).await,
        Which::Init(args) => trust_init::run(args, common, ui).await,
    }
}
