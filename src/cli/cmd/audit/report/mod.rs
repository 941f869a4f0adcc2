//! `attest audit report`: what is handed to people who were not there.

mod said;
pub(in crate::cli::cmd::audit) mod week;

pub use week::WeekReport;

use super::handout::incident;
use crate::cli::args::Common;
use crate::cli::exit::{Failure, Outcome};
use crate::places::AuditPlace;
use clap::{Args, Subcommand};

/// Report on a week, or on an incident
#[derive(Clone, Debug, Args)]
pub(in crate::cli) struct ReportArgs {
    #[command(subcommand)]
    which: Which,
}

#[derive(Clone, Debug, Subcommand)]
enum Which {
    Weekly(week::WeeklyArgs),
    Incident(incident::IncidentArgs),
}

pub(in crate::cli) fn run(args: &ReportArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    match &args.which {
        Which::Weekly(args) => week::run(args, place, common),
        Which::Incident(args) => incident::run(args, place, common),
    }
}
