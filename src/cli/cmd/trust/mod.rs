//! `attest trust`

mod init;
mod show;
mod update;

pub use show::ShowReport;
pub use update::UpdateReport;

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
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
    Show(show::ShowArgs),
    Update(update::UpdateArgs),
    Init(init::InitArgs),
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(command: &TrustCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    match &command.which {
        Which::Show(args) => show::run(args, common, ui).await,
        Which::Update(args) => update::run(args, common, ui).await,
        Which::Init(args) => init::run(args, common, ui).await,
    }
}
