//! Flags of every command that a command has no use for: its help does not show them, and it refuses them. A flag that is taken
//! and does nothing would leave whoever gave it in a wrong belief.

use super::is_given;
use clap::error::ErrorKind;
use clap::{ArgMatches, Command};

/// What commands do without.
struct Unused {
    /// Ids of the flags.
    flags: &'static [&'static str],
    commands: &'static [&'static str],
    /// Why.
    because: &'static str,
}

const UNUSED: &[Unused] = &[
    Unused {
        flags: &["allow_http_registry", "registry_ca"],
        commands: &["quickstart", "sign", "keygen", "trust", "audit", "git", "schema", "completions", "man"],
        because: "asks no registry",
    },
    Unused { flags: &["format"], commands: &["action"], because: "answers where a runner reads it" },
    Unused { flags: &["timeout"], commands: &["schema", "completions", "man"], because: "waits for nothing" },
];

/// The command line whose help shows of the flags of every command those that a command uses.
pub(super) fn hidden(command: Command) -> Command {
    let global = |id: &str| command.get_arguments().find(|a| a.get_id() == id).cloned();
    let all = UNUSED.iter().flat_map(|u| u.flags.iter().map(move |flag| (u, global(flag))));
    let all: Vec<_> = all.filter_map(|(u, arg)| Some((u, arg?.hide(true)))).collect();
    command.mut_subcommands(|sub| {
        let name = sub.get_name().to_owned();
        let own = all.iter().filter(|(u, _)| u.commands.contains(&name.as_str()));
        // What a command has itself it is not given by the whole program.
        own.fold(sub, |sub, (_, arg)| sub.arg(arg.clone()))
    })
}

/// That no such flag was given.
///
/// # Errors
/// Wrong usage, with the flag and why the command has no use for it.
pub(super) fn refuse(matches: &ArgMatches) -> Result<(), clap::Error> {
    let Some((command, _)) = matches.subcommand() else { return Ok(()) };
    for unused in UNUSED.iter().filter(|u| u.commands.contains(&command)) {
        if let Some(flag) = unused.flags.iter().find(|flag| is_given(matches, flag)) {
            let message = format!("--{}: `attest {command}` {}", flag.replace('_', "-"), unused.because);
            return Err(clap::Error::raw(ErrorKind::UnknownArgument, message));
        }
    }
    Ok(())
}
