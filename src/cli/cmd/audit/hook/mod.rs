//! `attest audit hook`

mod event;
mod settings;
mod take;

pub(in crate::cli) use event::taken;
pub(in crate::cli) use take::take_in;

use crate::audit::AuditError;
use crate::cli::args::Common;
use crate::cli::ask::confirm::confirm;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::cli::ui::Ui;
use crate::model::limits;
use crate::places::{self, AuditPlace, Spool, files};
use crate::record::Draft;
use crate::server::Late;
use crate::sources::hook::AGENTS;
use clap::Args;
use serde_json::Value;
use settings::{KINDS, Kind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Record what an agent does while it does it
///
/// It is run by the agent, which hands over each event on standard input: put it into the settings of the agent with --install. Each event goes to the server of the log, where one listens, else into a spool
/// that the next command takes in. It prints nothing, exits with 0 and takes no longer than a moment, whatever happens; what is lost is
/// counted, and the log says so. Commands, inputs and outputs are not kept, and nothing of them leaves this process but salted hashes.
/// When a session ends its transcript is imported. `json` is for programs of your own: one record as `attest schema audit-record`
/// describes it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit hook claude-code --install
  attest audit hook codex --install --yes
  attest audit hook claude-code --uninstall
  echo '{\"kind\": \"action\", \"action_type\": \"deploy\", \"session_id\": \"s-1\"}' | attest audit hook json")]
pub(super) struct HookArgs {
    /// The agent: claude-code, codex, json
    #[arg(value_name = "AGENT", value_parser = names(), required_unless_present = "take")]
    agent: Option<String>,
    /// Show what the agent's settings lack for it, and put that there once you agree
    #[arg(long, conflicts_with_all = ["uninstall", "take"])]
    install: bool,
    /// Take it out of the agent's settings again
    #[arg(long, conflicts_with = "take")]
    uninstall: bool,
    /// The file of the settings [default: the user's own]
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Agree to the change without being asked
    #[arg(long, short = 'y')]
    yes: bool,
    /// Take in what hooks left
    #[arg(long, hide = true)]
    take: bool,
}

fn names() -> clap::builder::PossibleValuesParser {
    AGENTS.iter().map(|agent| agent.name).collect::<Vec<_>>().into()
}

pub(super) fn run(
    args: &HookArgs,
    log: Option<&Path>,
    place: &AuditPlace,
    common: &Common,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    if args.take {
        take_in(place, common.timeout)?;
        return Ok(Outcome::done(Vec::new()));
    }
    let agent = args.agent.as_deref().unwrap_or_default();
    if !args.install && !args.uninstall {
        let message = "it is run by an agent, which hands over an event on standard input; to have it do so: --install";
        return Err(Failure::usage(codes::USAGE, message));
    }
    let kind = KINDS.iter().find(|kind| kind.agent == agent);
    let kind = kind.ok_or_else(|| {
        Failure::usage(
            codes::USAGE,
            format!("`{agent}` has no settings: have your program run `attest audit hook {agent}`"),
        )
    })?;
    let path = match &args.settings {
        Some(path) => path.clone(),
        None => own_settings(kind)?,
    };
    change(args, (kind, &path), log, place, ui)
}

/// The file of the user's own settings.
fn own_settings(kind: &Kind) -> Result<PathBuf, Failure> {
    let (folder, file) = kind.place;
    let named = places::variable(kind.variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let home = || places::variable("HOME").map(|home| PathBuf::from(home).join(folder));
    let unknown = || Failure::usage(codes::USAGE, "HOME is not set: name the file with --settings");
    Ok(named.or_else(home).ok_or_else(unknown)?.join(file))
}

fn change(
    args: &HookArgs,
    (kind, path): (&Kind, &Path),
    log: Option<&Path>,
    place: &AuditPlace,
    ui: &Ui,
) -> Result<Outcome, Failure> {
    // Where settings are kept elsewhere and linked to, the link stays.
    let real = files::real(path);
    let text = match files::exists(&real)? {
        true => {
            let bytes = files::read(&real, limits::AGENT_SETTINGS_BYTES)?;
            String::from_utf8(bytes).map_err(|_| unread(path, "it is not UTF-8"))?
        }
        false => "{}\n".to_owned(),
    };
    let command = command(kind, log)?;
    let changed = match args.install {
        true => settings::with(kind, &text, &command),
        false => settings::without(kind, &text),
    };
    let changed = changed.map_err(|e| unread(path, &e.without_value().to_string()))?;
    let Some(changed) = changed else {
        let is = if args.install { "is there already" } else { "is not there" };
        return Ok(Outcome::told(format!("{}: the hook {is}, so nothing was changed\n", path.display())));
    };
    let (sign, doing) = if args.install { ("+", "put there") } else { ("-", "taken out") };
    let mut lines = vec![format!("{}:", path.display())];
    match args.install {
        true => lines.extend(kind.events.iter().map(|event| format!("  {sign} hooks.{event}: {command}"))),
        false => lines.push(format!("  {sign} every hook of `attest audit hook {}`", kind.agent)),
    }
    lines.push("everything else in it stays as it is".into());
    confirm(&lines, "Change it?", args.yes)?;
    files::make_folder_of(&real)?;
    files::replace(&real, changed.as_bytes())?;
    if args.install && !place.exists() {
        ui.note(&format!(
            "there is no audit log in {} yet, so nothing is recorded: attest audit init",
            place.folder.display()
        ));
    }
    let note = if args.install { format!("; {}", kind.note) } else { String::new() };
    Ok(Outcome::told(format!("{}: the hook was {doing}{note}\n", path.display())))
}

fn unread(path: &Path, cause: &str) -> Failure {
    AuditError::Malformed { what: path.display().to_string(), cause: cause.to_owned() }.into()
}

/// What the agent runs: this program by its whole path, so that no other is found in its place.
fn command(kind: &Kind, log: Option<&Path>) -> Result<String, Failure> {
    let program = places::input::own_program();
    let program = program.map_err(|e| Failure::unknown(codes::OUTPUT, format!("where this program lies: {e}")))?;
    let mut out = format!("{} audit hook {}", quoted(&program)?, kind.agent);
    if let Some(log) = log {
        out += &format!(" --log {}", quoted(&files::real(log))?);
    }
    Ok(out)
}

/// A path as a word of a shell's command.
fn quoted(path: &Path) -> Result<String, Failure> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
    match path.to_str() {
        Some(text) if text.chars().all(plain) => Ok(text.to_owned()),
        Some(text) if !text.contains(char::is_control) => Ok(format!("'{}'", text.replace('\'', r"'\''"))),
        _ => Err(Failure::usage(codes::USAGE, "a path that is not text cannot stand in settings")),
    }
}

/// Keeps what a server could not write just now, so that it is taken in later. What cannot be kept either is missed by its number.
pub(super) fn late(place: &AuditPlace) -> Late {
    let place = place.clone();
    Arc::new(move |drafts: &[Draft]| {
        let Some(spool) = Spool::of(&place).filter(|spool| spool.ready().is_ok()) else { return };
        for draft in drafts {
            let agent = draft.text("source").and_then(|source| source.strip_prefix("hook "));
            let agent = agent.filter(|name| AGENTS.iter().any(|agent| agent.name == *name)).unwrap_or("json");
            let session = draft.text("session_id");
            let line = Value::Object(draft.document()).to_string();
            let noted = spool.note_session((agent, session), None, false);
            let _ = noted.and_then(|()| spool.add(agent, session, line.as_bytes()));
        }
    })
}

/// Takes in again and again what hooks left while a server runs.
pub(super) fn beside(place: &AuditPlace) {
    let place = place.clone();
    let pause = Duration::from_secs(limits::HOOK_QUIET_SECONDS);
    places::again_and_again(pause, move || {
        // What fails now is tried again.
        let _ = take_in(&place, pause);
    });
}
