//! `attest git trailers`

use crate::attribution::own::{Attribution, Key};
use crate::attribution::written;
use crate::cli::exit::{Failure, Outcome, codes};
use crate::model::limits;
use crate::places::files;
use clap::Args;
use std::path::PathBuf;

/// Write the trailers Agent, Squad, Trigger, Execution and Model
///
/// Without FILE they are printed. With FILE, a commit's message that git prepares, they are put into its last paragraph, where git's
/// own `%(trailers)` finds them, with all that a squash left in its middle; nothing is written twice. Where no agent is named the file
/// stays as it is, so that a hook lets commits of people pass.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest git trailers --agent engineering/issue-solver --trigger 'event (issue.labeled)' --execution exec-1 --model claude-sonnet-4
  printf '#!/bin/sh\\nexec attest git trailers \"$@\"\\n' > .git/hooks/prepare-commit-msg; chmod +x .git/hooks/prepare-commit-msg")]
pub(super) struct TrailersArgs {
    /// The agent, as SQUAD/AGENT, or AGENT with --squad
    #[arg(long, value_name = "AGENT", env = "ATTEST_AGENT")]
    agent: Option<String>,
    /// Its squad
    #[arg(long, value_name = "SQUAD", env = "ATTEST_SQUAD")]
    squad: Option<String>,
    /// What set it off: manual, scheduled, event or smart, and more in parentheses
    #[arg(long, value_name = "TRIGGER", env = "ATTEST_TRIGGER")]
    trigger: Option<String>,
    /// The execution
    #[arg(long, value_name = "ID", env = "ATTEST_EXECUTION")]
    execution: Option<String>,
    /// The model, as MODEL or PROVIDER/MODEL
    #[arg(long, value_name = "MODEL", env = "ATTEST_MODEL")]
    model: Option<String>,
    /// The message, as git hands it to `prepare-commit-msg`
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Where the message comes from, which git hands over, too; nothing depends on it
    #[arg(value_name = "SOURCE", hide = true)]
    source: Option<String>,
    /// The commit that is amended
    #[arg(value_name = "COMMIT", hide = true)]
    commit: Option<String>,
}

pub(super) fn run(args: &TrailersArgs) -> Result<Outcome, Failure> {
    let Some(agent) = &args.agent else {
        return match &args.file {
            Some(_) => Ok(Outcome::done("")),
            None => Err(Failure::usage(codes::USAGE, "no agent is named: pass --agent, or set ATTEST_AGENT")),
        };
    };
    let (squad, agent) = match (&args.squad, agent.rsplit_once('/')) {
        (None, Some((squad, agent))) => (Some(squad.to_owned()), agent.to_owned()),
        (squad, _) => (squad.clone(), agent.clone()),
    };
    let mut attribution = Attribution::default();
    for (key, value) in [
        (Key::Agent, Some(&agent)),
        (Key::Squad, squad.as_ref()),
        (Key::Trigger, args.trigger.as_ref()),
        (Key::Execution, args.execution.as_ref()),
        (Key::Model, args.model.as_ref()),
    ] {
        let Some(value) = value else { continue };
        if !key.is_well_formed(value) {
            let message = format!("{}: expected {}", key.name(), key.form());
            return Err(Failure::usage(codes::USAGE, message));
        }
        attribution = attribution.with(key, value);
    }
    let Some(path) = &args.file else { return Ok(Outcome::done(attribution.to_string())) };
    let message = files::read(path, limits::COMMIT_BYTES)?;
    let new = written::bytes_with(&message, &attribution);
    if new != message {
        files::replace(path, &new)?;
    }
    Ok(Outcome::done(""))
}
