//! `attest action`

use crate::action::{self, ActionError, Commands, Ended, Trouble};
use crate::cli::args::Common;
use crate::cli::args::subject::SubjectSpec;
use crate::cli::cmd::{create, generate, verify};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::created;
use crate::cli::ui::Ui;
use crate::cli::{Command, parse, print, said_by, tell_of};
use crate::model::Digest;
use crate::places;
use crate::policy::Decision;
use clap::{Args, Subcommand};
use std::time::Duration;

/// Attest or verify in a step of GitHub Actions
///
/// This is what action.yml and verify/action.yml run: inputs come from ATTEST_INPUT_* variables; outputs and the job summary go
/// where the runner reads them. Everywhere else, use `attest create` and `attest verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Inputs and outputs: docs/github-actions.md")]
pub struct ActionCommand {
    #[command(subcommand)]
    which: Which,
}

/// Which action.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Which {
    /// Attest what the inputs name, as `attest create` does; with a policy or public key, verify what was published
    Create,
    /// Verify what the inputs name, as `attest verify` does
    Verify,
}

impl From<ActionError> for Failure {
    fn from(e: ActionError) -> Self {
        match e {
            ActionError::Place(e) => e.into(),
            e => Self::usage(e.code(), e.to_string()),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`] outside of a runner. What failed in a step was told by then.
pub async fn run(args: &ActionCommand, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let env = places::environment()?;
    let here = Here { common, ui };
    let ended = match args.which {
        Which::Create => action::create(&env, &here).await?,
        Which::Verify => action::verify(&env, &here).await?,
    };
    let exit = match ended {
        Ended::Decided(verdict) => verdict.into(),
        Ended::Skipped => Exit::Done,
        Ended::Failed(failure) => failure.exit,
    };
    Ok(Outcome { stdout: Vec::new(), exit, purpose: Purpose::Data })
}

/// The command line, as what an action is carried out with.
struct Here<'a> {
    common: &'a Common,
    ui: &'a Ui,
}

/// The command that arguments name.
fn command(arguments: &[String]) -> Result<Command, Failure> {
    let words = std::iter::once("attest").chain(arguments.iter().map(String::as_str));
    let cli = parse(words.map(Into::into).collect()).map_err(|e| Failure::usage(codes::USAGE, said_by(&e)))?;
    Ok(cli.command)
}

/// Arguments of ours that name another command than they were made for.
fn another() -> Failure {
    Failure::usage(codes::USAGE, "expected the arguments of another command")
}

fn printed(bytes: &[u8]) -> Result<(), Failure> {
    print(bytes).map_err(|e| Failure::unknown(codes::OUTPUT, format!("standard output: {e}")))
}

impl Commands for Here<'_> {
    type Error = Failure;

    async fn create(&self, arguments: &[String]) -> Result<action::Made, Failure> {
        let Command::Create(args) = command(arguments)? else { return Err(another()) };
        let made = create::make(&args, self.common, self.ui).await?;
        printed(created::text(&made.report, made.beside_others).as_bytes())?;
        let attached = made.report.attached.iter();
        let attached = attached.filter_map(|a| Some((a.place.clone(), Digest::parse(&a.referrer).ok()?))).collect();
        Ok(action::Made {
            statements: made.signed.into_iter().map(|signed| signed.statement).collect(),
            key_id: made.report.key_id,
            identity: made.report.identity.map(|i| (i.identity, i.issuer)),
            attached,
            stored: Vec::new(),
        })
    }

    async fn generate(&self, arguments: &[String]) -> Result<Vec<u8>, Failure> {
        let Command::Generate(args) = command(arguments)? else { return Err(another()) };
        Ok(generate::run(&args, self.common, self.ui).await?.stdout)
    }

    async fn verify(&self, arguments: &[String]) -> Result<Decision, Failure> {
        let Command::Verify(args) = command(arguments)? else { return Err(another()) };
        let decision = verify::decide(&args, self.common, self.ui).await?;
        printed(&verify::shown(&decision, self.common, self.ui).stdout)?;
        Ok(decision)
    }

    fn is_image(&self, subject: &str) -> bool {
        matches!(SubjectSpec::parse(subject), Ok(SubjectSpec::Image(_) | SubjectSpec::Layout { .. }))
    }

    fn trouble(&self, error: &Failure) -> Trouble {
        Trouble {
            code: error.code,
            message: error.message.clone(),
            detail: error.detail.clone(),
            todo: error.todo().to_owned(),
            lacks_identity: error.code == codes::NO_SIGNER,
            waits: error.code == codes::OUTBOX_KEPT,
        }
    }

    fn fail(&self, error: &Failure) {
        let decided = tell_of(error, self.ui);
        // The exit code tells of the failure, whatever becomes of this.
        let _ = print(&decided);
    }

    fn patience(&self) -> Duration {
        self.common.timeout
    }

    fn tell(&self, line: &str) {
        let _ = print(format!("{line}\n").as_bytes());
    }
}
