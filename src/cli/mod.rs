//! The command line: arguments, rendering, exit codes. The only place that prints.
#![expect(clippy::disallowed_methods, reason = "back end: the process's clock and streams")]

pub mod args;
mod ask;
pub mod cmd;
pub mod code_lists;
mod deadline;
pub mod exit;
mod outbox;
mod panics;
pub mod schema;
mod show;

use crate::model::{Code, Timestamp};
use args::{Common, Format};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use exit::{Exit, Failure, FailureReport, Outcome, codes};
use show::{decision, sanitize};
use std::cell::Cell;
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

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
    Schema(cmd::describe::schema::SchemaArgs),
    Completions(cmd::describe::completions::CompletionsArgs),
    Man(cmd::describe::completions::ManArgs),
}

/// What a command tells a person while it runs.
#[derive(Debug)]
pub struct Ui {
    /// The time at which the command started: the present for everything that it decides.
    pub now: Timestamp,
    quiet: bool,
    /// Whether standard output is a terminal, and whether that shows colours.
    terminal: bool,
    colour: bool,
    hint: Cell<Option<Code>>,
}

impl Ui {
    /// A line on standard error, unless `--quiet`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            let _ = writeln!(io::stderr().lock(), "attest: {}", sanitize::line(text));
        }
    }

    /// How what is printed on standard output is read.
    fn view(&self, common: &Common) -> decision::View {
        decision::View { verbose: common.verbose, terminal: self.terminal, colour: self.colour }
    }

    /// Offers the suggestion of a code at the end.
    pub fn hint(&self, code: Code) {
        self.hint.set(Some(code));
    }
}

/// Whether a terminal is told to show colours: <https://no-color.org>, and a terminal that says it has none.
fn shows_colours() -> bool {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty());
    set("NO_COLOR").is_none() && set("TERM").is_none_or(|term| term != "dumb")
}

/// The clock. Everything else takes the time as an argument.
fn now() -> Timestamp {
    chrono::Utc::now().into()
}

/// Runs the program on the process's arguments.
#[must_use]
pub fn main() -> ExitCode {
    panics::note(std::env::var_os("RUST_BACKTRACE").is_some_and(|v| v != "0"));
    let arguments: Vec<_> = std::env::args_os().collect();
    let json = wants_json(&arguments);
    let has_controls = arguments.iter().any(|a| a.to_string_lossy().chars().any(char::is_control));
    match parse(arguments) {
        Ok(cli) => run(cli),
        Err(e) if !e.use_stderr() => {
            // --help and --version: data that was asked for.
            let _ = e.print();
            Exit::Done.into()
        }
        Err(e) => {
            let text = e.render().to_string();
            if json {
                // What is wrong stands before the first empty line, names of missing arguments included.
                let message: Vec<_> = text.lines().take_while(|l| !l.trim().is_empty()).map(str::trim).collect();
                let message = message.join(" ").trim_start_matches("error: ").to_owned();
                let report = FailureReport::from(&Failure::usage(codes::USAGE, message));
                let _ = print(&Outcome::json(&report, Exit::Usage).stdout);
            }
            if has_controls {
                // Arguments may come from outside; a terminal must not obey them.
                let lines: Vec<_> = text.lines().map(sanitize::line).collect();
                let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
            } else {
                let _ = e.print();
            }
            Exit::Usage.into()
        }
    }
}

/// Reads the arguments, and the variables that stand for some of them.
fn parse(arguments: Vec<std::ffi::OsString>) -> Result<Cli, clap::Error> {
    let mut command = without_empty(Cli::command());
    let found = command.try_get_matches_from_mut(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    found.map_err(|e| e.format(&mut command))
}

/// A variable that is set and empty is as if it were not set: CI systems set those that they have nothing for.
fn without_empty(command: clap::Command) -> clap::Command {
    let is_empty = |name: &std::ffi::OsStr| std::env::var_os(name).is_some_and(|v| v.is_empty());
    let command = command.mut_args(|arg| match arg.get_env().is_some_and(is_empty) {
        true => arg.env(None::<&'static str>),
        false => arg,
    });
    command.mut_subcommands(without_empty)
}

/// A variable of the process; one of our own that is empty is as if it were not set. Another's may mean something: an empty
/// `COSIGN_PASSWORD` is the empty password.
fn variable(name: &str) -> Option<std::ffi::OsString> {
    std::env::var_os(name).filter(|v| !(v.is_empty() && name.starts_with("ATTEST_")))
}

/// Whether `--format json` stands among arguments that may be wrong otherwise.
fn wants_json(arguments: &[std::ffi::OsString]) -> bool {
    let before_command = arguments.iter().take_while(|a| *a != "--");
    let words: Vec<_> = before_command.map(|a| a.to_string_lossy()).collect();
    words.iter().any(|w| w == "--format=json") || words.windows(2).any(|w| w[0] == "--format" && w[1] == "json")
}

fn run(cli: Cli) -> ExitCode {
    let terminal = io::stdout().is_terminal();
    let colour = terminal && shows_colours();
    let ui = Ui { now: now(), quiet: cli.common.quiet, terminal, colour, hint: Cell::new(None) };
    let outcome = match cli.common.format {
        Format::Record if !matches!(cli.command, Command::Inspect(_)) => {
            Err(Failure::usage(codes::USAGE, "--format record is for `attest inspect` only"))
        }
        _ => dispatch(&cli, &ui),
    };
    let outcome = outcome.unwrap_or_else(|failure| {
        let report = FailureReport::from(&failure);
        let mut err = io::stderr().lock();
        let _ = writeln!(err, "error[{}]: {}", failure.code, sanitize::line(&failure.message));
        let _ = write!(err, "{}", failure.detail);
        ui.hint(failure.code);
        let stdout =
            if cli.common.format == Format::Json { Outcome::json(&report, failure.exit).stdout } else { Vec::new() };
        Outcome { stdout, exit: failure.exit }
    });
    let printed = print(&outcome.stdout);
    if let (Some(hint), false) = (ui.hint.get().map(Code::todo), cli.common.quiet) {
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

/// Runs one command without printing anything.
///
/// # Panics
/// For arguments that are none.
#[cfg(feature = "testing")]
#[must_use]
pub fn answer(arguments: &[&str]) -> Answer {
    let cli = Cli::try_parse_from(std::iter::once(&"attest").chain(arguments)).expect("arguments");
    let ui = Ui { now: now(), quiet: true, terminal: false, colour: false, hint: Cell::new(None) };
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
            Command::List(a) => cmd::list::run(a, common).await,
            Command::Download(a) => cmd::download::run(a, common, ui).await,
            Command::Sign(a) => cmd::sign::run(a, common, ui).await,
            Command::Approve(a) => cmd::approve::run(a, common, ui).await,
            Command::Attach(a) => cmd::attach::run(a, common, ui).await,
            Command::Flush(a) => cmd::flush::run(a, common, ui).await,
            Command::Keygen(a) => cmd::keygen::run(a, common),
            Command::Trust(a) => cmd::trust::run(a, common, ui).await,
            Command::Schema(a) => cmd::describe::schema::run(a, common),
            Command::Completions(a) => Ok(cmd::describe::completions::completions(a, Cli::command())),
            Command::Man(a) => cmd::describe::completions::man(a, Cli::command()),
        }
    };
    let outcome = panics::caught(|| runtime.block_on(command));
    // A thread that still reads for an answer that was given up must not hold the answer that was given instead.
    runtime.shutdown_background();
    outcome
}
