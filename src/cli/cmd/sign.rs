//! `attest sign`

use crate::capture;
use crate::cli::args::Common;
use crate::cli::args::signing::SigningArgs;
use crate::cli::exit::{Failure, Outcome};
use crate::cli::ui::Ui;
use crate::flow::create::find_secret;
use crate::flow::{STATEMENT_REFUSED, Unsigned};
use crate::model::limits;
use crate::places::{self, files};
use crate::secrets::{Allowed, Search};
use clap::Args;
use std::path::PathBuf;

/// Sign a statement of any predicate type: to a Sigstore bundle
///
/// The statement's bytes are signed as they are. A statement that `attest verify` would refuse to read is not signed.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest sign statement.json --key attest.key --output statement.sigstore.json
  attest generate app.tar.gz | attest sign - --key attest.key > app.tar.gz.sigstore.json")]
pub struct SignArgs {
    /// in-toto statement, JSON; - for standard input
    #[arg(value_name = "STATEMENT")]
    pub statement: PathBuf,
    #[command(flatten)]
    signing: SigningArgs,
    /// Where to write the bundle [default: standard output]
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
    /// A text that looks like a secret and is none, as the refusal prints it (repeatable)
    #[arg(long, value_name = "FIELD=DIGEST")]
    pub allow_secret_like: Vec<Allowed>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &SignArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let method = args.signing.method(ui.now)?;
    let env = places::environment()?;
    let statement = files::read_published(&args.statement, &env, limits::STATEMENT_BYTES)?;
    if !statement.trim_ascii_start().starts_with(b"{") {
        let path = args.statement.display();
        let message = format!("`{path}` is no in-toto statement, which is a JSON object");
        let failure = Failure::usage(STATEMENT_REFUSED, message);
        return Err(Failure {
            hint: Some("`attest create FILE` attests a file; `attest generate FILE` prints its statement"),
            ..failure
        });
    }
    // A statement made elsewhere may hold what its maker did not look for.
    let variables: Vec<String> = method.variable().into_iter().collect();
    let search = Search { secrets: capture::secrets(&env, &variables), allowed: args.allow_secret_like.clone() };
    find_secret(&statement, &search)?;
    let (mut bundle, _) = method.open(common, ui).await?.sign(&Unsigned::parse(statement)?, &places::now).await?;
    bundle.push(b'\n');
    match &args.output {
        Some(path) => {
            files::replace(path, &bundle)?;
            ui.note(&format!("wrote {}", path.display()));
            Ok(Outcome::done(Vec::new()))
        }
        None => Ok(Outcome::done(bundle)),
    }
}
