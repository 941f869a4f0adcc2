//! `attest git`

mod check;
mod log;
mod trailers;

pub use check::{CODES, CheckReport};
pub use log::GitLogReport;

use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
use clap::{Args, Subcommand};

/// Say in commits which agent made them, and check that they say so
#[derive(Clone, Debug, Args)]
pub struct GitCommand {
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    Trailers(trailers::TrailersArgs),
    Check(check::CheckArgs),
    Log(log::LogArgs),
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub fn run(command: &GitCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    match &command.which {
        Which::Trailers(args) => trailers::run(args),
        Which::Check(args) => check::run(args, common, ui),
        Which::Log(args) => log::run(args, common, ui),
    }
}
