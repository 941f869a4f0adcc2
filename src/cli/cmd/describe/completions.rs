//! `attest completions` and `attest man`: the command line described to other programs.

use crate::cli::exit::{Failure, Outcome, codes};
use clap::{Args, Command};
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest completions bash > ~/.local/share/bash-completion/completions/attest
  attest completions zsh > ~/.zfunc/_attest
  attest completions fish > ~/.config/fish/completions/attest.fish")]
pub struct CompletionsArgs {
    /// Shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Print a manual page
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest man | man -l -
  attest man verify > attest-verify.1
  attest man admission serve | man -l -")]
pub struct ManArgs {
    /// Which command's page [default: the program's]
    #[arg(value_name = "COMMAND")]
    pub command: Vec<String>,
}

/// Runs `attest completions` for a command line.
#[must_use]
pub fn completions(args: &CompletionsArgs, mut program: Command) -> Outcome {
    let mut out = Vec::new();
    clap_complete::generate(args.shell, &mut program, "attest", &mut out);
    Outcome::done(out)
}

/// Runs `attest man` for a command line.
///
/// # Errors
/// [`Failure`] for a command that does not exist.
pub fn man(args: &ManArgs, mut program: Command) -> Result<Outcome, Failure> {
    program.build();
    let mut page = program;
    for name in &args.command {
        let known = || page.get_subcommands().map(Command::get_name).collect::<Vec<_>>().join(", ");
        let Some(found) = page.find_subcommand(name) else {
            let message = match known() {
                none if none.is_empty() => {
                    format!("`{}` has no commands, found `{name}`", page.get_name().replace('-', " "))
                }
                known => format!("expected one of {known}, found `{name}`"),
            };
            return Err(Failure::usage(codes::USAGE, message));
        };
        page = found.clone().name(format!("{}-{}", page.get_name(), found.get_name()));
    }
    let mut out = Vec::new();
    clap_mangen::Man::new(page)
        .render(&mut out)
        .map_err(|e| Failure::unknown(codes::OUTPUT, format!("the page could not be made: {e}")))?;
    Ok(Outcome::done(out))
}
