//! The command line: arguments, rendering, exit codes. The only place that prints.

pub mod args;
mod ask;
pub mod cmd;
pub mod code_lists;
pub mod exit;
mod panics;
pub mod schema;
mod show;
pub mod ui;
mod unused;

use crate::places;
use args::{Common, Format};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use cmd::describe::version::VersionReport;
use exit::{Decided, Exit, Failure, FailureReport, Outcome, Purpose, codes};
use show::{decision, sanitize};
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use ui::Ui;

/// Prove who made an artifact: which agent, asked by whom, under which charter, from which source
///
/// Exit codes: 0 done or verified, 1 the answer is no, 2 wrong usage or configuration, 3 could not find out.
#[derive(Debug, Parser)]
#[command(name = "attest", version, propagate_version = true, max_term_width = 100)]
#[command(
    after_help = "Start with `attest quickstart`: the whole route on this checkout, with no server and no account."
)]
pub struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

/// The commands. A new one is a file in `cmd/` and a variant here.
#[derive(Debug, Subcommand)]
enum Command {
    Quickstart(cmd::quickstart::QuickstartArgs),
    Create(Box<cmd::create::CreateArgs>),
    Generate(Box<cmd::generate::GenerateArgs>),
    Verify(Box<cmd::verify::VerifyArgs>),
    Inspect(cmd::inspect::InspectArgs),
    List(cmd::list::ListArgs),
    Download(cmd::download::DownloadArgs),
    Sign(cmd::sign::SignArgs),
    Approve(Box<cmd::approve::ApproveArgs>),
    Attach(cmd::attach::AttachArgs),
    Flush(cmd::flush::FlushArgs),
    Keygen(cmd::keygen::KeygenArgs),
    Trust(cmd::trust::TrustCommand),
    Admission(Box<cmd::admission::AdmissionCommand>),
    Audit(Box<cmd::audit::AuditCommand>),
    Git(Box<cmd::git::GitCommand>),
    Action(cmd::action::ActionCommand),
    Schema(cmd::describe::schema::SchemaArgs),
    Completions(cmd::describe::completions::CompletionsArgs),
    Man(cmd::describe::completions::ManArgs),
}

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args_os().collect();
    // An agent stands still until its hook has ended.
    if cmd::audit::hook::taken(&arguments) {
        return ExitCode::SUCCESS;
    }
    panics::note(places::variable("RUST_BACKTRACE").is_some_and(|v| v != "0"));
    let json = wants_json(&arguments);
    let forgot = arguments.get(1).is_some_and(|a| a == "create") && !arguments.iter().any(|a| a == "--");
    let has_controls = arguments.iter().any(|a| a.to_string_lossy().chars().any(char::is_control));
    match parse(arguments) {
        Ok(cli) => run(cli),
        Err(e) if !e.use_stderr() => {
            // --help and --version: data that was asked for.
            let _ = match json && e.kind() == clap::error::ErrorKind::DisplayVersion {
                true => print(&Outcome::json(&VersionReport::of_this_build(), Exit::Done).stdout),
                false => e.print(),
            };
            Exit::Done.into()
        }
        Err(e) => {
            let text = e.render().to_string();
            if json {
                let report = FailureReport::from(&Failure::usage(codes::USAGE, said_by(&e)));
                let _ = print(&Outcome::json(&report, Exit::Usage).stdout);
            }
            if has_controls {
                // Arguments may come from outside; a terminal must not obey them.
                let lines: Vec<_> = text.lines().map(sanitize::line).collect();
                let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
            } else {
                let _ = e.print();
            }
            if forgot && e.kind() == clap::error::ErrorKind::UnknownArgument {
                let _ = writeln!(io::stderr().lock(), "\nhint: {}", cmd::create::FORGOTTEN);
            }
            Exit::Usage.into()
        }
    }
}

/// What is wrong with arguments, in a line: it stands before the first empty one, names of missing arguments included.
fn said_by(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let message: Vec<_> = text.lines().take_while(|l| !l.trim().is_empty()).map(str::trim).collect();
    message.join(" ").trim_start_matches("error: ").to_owned()
}

/// Reads the arguments, and the variables that stand for some of them.
fn parse(arguments: Vec<std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let command = Cli::command().long_version(VersionReport::of_this_build().to_string());
    let mut command = without_empty(unused::hidden(command));
    let found = command.try_get_matches_from_mut(arguments).and_then(|matches| {
        unused::refuse(&matches)?;
        let mut cli = Cli::from_arg_matches(&matches)?;
        cli.common.timeout_is_given = is_given(&matches, "timeout");
        Ok(cli)
    });
    found.map_err(|e| e.format(&mut command))
}

/// Whether an argument of every command was typed, before or behind the command's name.
fn is_given(matches: &clap::ArgMatches, name: &str) -> bool {
    let here = matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine);
    here || matches.subcommand().is_some_and(|(_, inner)| is_given(inner, name))
}

/// A variable that is set and empty is as if it were not set: CI systems set those that they have nothing for.
fn without_empty(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|arg| match arg.get_env().is_some_and(places::is_set_to_nothing) {
        true => arg.env(None::<&'static str>),
        false => arg,
    });
    command.mut_subcommands(without_empty)
}

/// Whether `--format json` stands among arguments that may be wrong otherwise.
fn wants_json(arguments: &[std::ffi::OsString]) -> bool {
    let before_command = arguments.iter().take_while(|a| *a != "--");
    let words: Vec<_> = before_command.map(|a| a.to_string_lossy()).collect();
    words.iter().any(|w| w == "--format=json") || words.windows(2).any(|w| w[0] == "--format" && w[1] == "json")
}

/// Tells a person of a failure; what was decided beside it is for standard output.
fn tell_of(failure: &Failure, ui: &Ui) -> Vec<u8> {
    let mut err = io::stderr().lock();
    let _ = writeln!(err, "error[{}]: {}", failure.code, sanitize::line(&failure.message));
    let _ = write!(err, "{}", failure.detail);
    ui.suggest(failure.todo());
    match failure.decided.as_deref() {
        Some(Decided::Text(page)) => page.clone().into_bytes(),
        _ => Vec::new(),
    }
}

fn run(cli: Cli) -> ExitCode {
    let ui = Ui::of_process(cli.common.quiet);
    let outcome = match cli.common.format {
        Format::Record if !matches!(cli.command, Command::Inspect(_)) => {
            Err(Failure::usage(codes::USAGE, "--format record is for `attest inspect` only"))
        }
        Format::Csv if !matches!(&cli.command, Command::Audit(audit) if audit.gives_rows()) => Err(Failure::usage(
            codes::USAGE,
            "--format csv is for questions to the audit log that give rows: history, logs, query, ...",
        )),
        Format::Mermaid | Format::Dot | Format::Html if !matches!(&cli.command, Command::Audit(audit) if audit.gives_pictures()) =>
        {
            let said = "--format mermaid, dot and html are for `attest audit blast-radius` and `trace`";
            Err(Failure::usage(codes::USAGE, said))
        }
        _ => dispatch(&cli, &ui),
    };
    let outcome = outcome.unwrap_or_else(|failure| {
        let report = FailureReport::from(&failure);
        let decided = tell_of(&failure, &ui);
        let stdout = match cli.common.format {
            Format::Json => Outcome::json(&report, failure.exit).stdout,
            _ => decided,
        };
        Outcome { stdout, exit: failure.exit, purpose: Purpose::Data }
    });
    let printed = match outcome.purpose {
        Purpose::Done if cli.common.quiet && outcome.exit == Exit::Done => Ok(()),
        Purpose::Done | Purpose::Shown => print(ui.told(&outcome.stdout, cli.common.verbose).as_bytes()),
        Purpose::Data => print(&outcome.stdout),
    };
    if let (Some(hint), false) = (ui.hinted(), cli.common.quiet) {
        let mut hint = format!("hint: {hint}");
        if io::stderr().is_terminal() {
            hint = decision::wrapped(&hint);
        }
        let _ = writeln!(io::stderr().lock(), "\n{hint}");
    }
    if let Exit::StepSignal(signal) = outcome.exit {
        crate::capture::step::end_by(signal);
    }
    match printed {
        Ok(()) => outcome.exit.into(),
        // A reader that has seen enough is no failure; the answer stands.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => outcome.exit.into(),
        Err(e) => {
            let _ = writeln!(io::stderr().lock(), "error[{}]: standard output: {e}", codes::OUTPUT);
            Exit::Unknown.into()
        }
    }
}

/// What the program would answer: for those that drive it in process.
#[cfg(feature = "testing")]
#[derive(Debug)]
pub struct Answer {
    /// Its exit code.
    pub exit: u8,
    /// The code of a failure.
    pub code: Option<&'static str>,
    /// Standard output.
    pub stdout: Vec<u8>,
}

/// Every command with its arguments, as its help shows them: the reference page is made from it.
#[cfg(feature = "testing")]
#[must_use]
pub fn command_line() -> clap::Command {
    let mut command = unused::hidden(Cli::command());
    command.build();
    command
}

/// Runs one command without printing anything.
///
/// # Panics
/// For arguments that are none.
#[cfg(feature = "testing")]
#[must_use]
pub fn answer(arguments: &[&str]) -> Answer {
    let cli = Cli::try_parse_from(std::iter::once(&"attest").chain(arguments)).expect("arguments");
    let ui = Ui::silent();
    match dispatch(&cli, &ui) {
        Ok(outcome) => Answer { exit: outcome.exit.number(), code: None, stdout: outcome.stdout },
        Err(e) => Answer { exit: e.exit.number(), code: Some(e.code.as_str()), stdout: Vec::new() },
    }
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn dispatch(cli: &Cli, ui: &Ui) -> Result<Outcome, Failure> {
    let common = &cli.common;
    // One thread waits for all sockets; work that needs cores takes threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::unknown(codes::OUTPUT, format!("the runtime could not be started: {e}")))?;
    let command = async {
        match &cli.command {
            Command::Quickstart(a) => cmd::quickstart::run(a, common).await,
            Command::Create(a) => cmd::create::run(a, common, ui).await,
            Command::Generate(a) => cmd::generate::run(a, common, ui).await,
            Command::Verify(a) => cmd::verify::run(a, common, ui).await,
            Command::Inspect(a) => cmd::inspect::run(a, common, ui).await,
            Command::List(a) => cmd::list::run(a, common, ui).await,
            Command::Download(a) => cmd::download::run(a, common, ui).await,
            Command::Sign(a) => cmd::sign::run(a, common, ui).await,
            Command::Approve(a) => cmd::approve::run(a, common, ui).await,
            Command::Attach(a) => cmd::attach::run(a, common, ui).await,
            Command::Flush(a) => cmd::flush::run(a, common, ui).await,
            Command::Keygen(a) => cmd::keygen::run(a, common),
            Command::Trust(a) => cmd::trust::run(a, common, ui).await,
            Command::Admission(a) => cmd::admission::run(a, common, ui).await,
            Command::Audit(a) => cmd::audit::run(a, common, ui).await,
            Command::Git(a) => cmd::git::run(a, common, ui),
            Command::Action(a) => cmd::action::run(a, common, ui).await,
            Command::Schema(a) => cmd::describe::schema::run(a, common),
            Command::Completions(a) => Ok(cmd::describe::completions::completions(a, unused::hidden(Cli::command()))),
            Command::Man(a) => cmd::describe::completions::man(a, unused::hidden(Cli::command())),
        }
    };
    let outcome = panics::caught(|| runtime.block_on(command));
    // A thread that still reads for an answer that was given up must not hold the answer that was given instead.
    runtime.shutdown_background();
    outcome
}
