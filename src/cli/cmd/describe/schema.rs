//! `attest schema`

use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::schema::{ALL, SchemasReport, document};
use clap::Args;
use clap::builder::PossibleValuesParser;

/// Print the JSON Schema of a document that this program reads or writes
///
/// Without a name it lists the names.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest schema
  attest schema decision               what `attest verify --format json` prints
  attest schema policy > policy.schema.json")]
pub struct SchemaArgs {
    /// Which document
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(ALL.iter().map(|(name, _)| *name)))]
    pub name: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] for a name that does not exist.
pub fn run(args: &SchemaArgs, common: &Common) -> Result<Outcome, Failure> {
    let names = || ALL.iter().map(|(name, _)| (*name).to_owned());
    match &args.name {
        Some(name) => document(name)
            .map(Outcome::done)
            .ok_or_else(|| Failure::usage(codes::USAGE, format!("there is no schema `{name}`"))),
        None if common.format == Format::Json => {
            Ok(Outcome::json(&SchemasReport { schema_version: 1, schemas: names().collect() }, Exit::Done))
        }
        None => Ok(Outcome::done(names().map(|name| name + "\n").collect::<String>())),
    }
}
