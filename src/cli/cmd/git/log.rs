//! `attest git log`

use crate::attribution::own::{Attribution, Key};
use crate::attribution::wanted::Wanted;
use crate::audit::AuditError;
use crate::capture::{Changes, Commits, HistoryError, each_commit};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::flow::investigate::{Marked, MarkedCommits, Search};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places;
use crate::sources::{CommitRead, read_commit};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// List the commits that agents made, the newest first
///
/// A commit is an agent's where its message has the trailers Agent, Squad, Trigger, Execution or Model, also several sets of them, as a
/// squash leaves them; and where it is the same change (`git patch-id`) as one that has them, which this clone still remembers:
/// a rebase or squash may have lost the message. What a message says is what somebody typed. Exit 1: there is none.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest git log
  attest git log v1.0..HEAD --agent engineering/issue-solver
  attest git log --execution exec-abc123 --format json")]
pub(super) struct LogArgs {
    /// Which commits, as `git rev-list` reads a range
    #[arg(value_name = "RANGE", default_value = "HEAD")]
    range: String,
    /// Of this agent: SQUAD/AGENT, or its name without a squad
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Of this squad
    #[arg(long, value_name = "SQUAD")]
    squad: Option<String>,
    /// Of this execution
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// By this model: PROVIDER/MODEL, or MODEL
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Set off so: manual, scheduled, event or smart
    #[arg(long, value_name = "TRIGGER", value_parser = ["manual", "scheduled", "event", "smart"])]
    trigger: Option<String>,
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitLogReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The commits, the newest first.
    pub commits: Vec<MarkedReport>,
    /// How many commits say nothing and could not be compared with others by what they change.
    pub not_compared: usize,
}

/// A commit that an agent made.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MarkedReport {
    /// Its id.
    pub commit: String,
    /// When it was committed, as it says itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub committed: Option<String>,
    /// Its subject line.
    pub subject: String,
    /// What is said of it: one for each set of trailers.
    pub said: Vec<SaidReport>,
    /// The commit that says so, where this one itself does not: it is the same change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
}

/// One set of trailers. What is absent is not said.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SaidReport {
    /// The agent, as SQUAD/AGENT where both are said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// What set it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// The execution.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<String>,
    /// The model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

pub(super) fn run(args: &LogArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let wanted = Wanted {
        agent: args.agent.clone(),
        squad: args.squad.clone(),
        execution: args.execution.clone(),
        model: args.model.clone(),
        trigger: args.trigger.clone(),
    };
    let mut search = Search::new(&wanted);
    look(Commits::Range(&args.range), common, &mut |commit| search.in_range(commit))?;
    if search.has_silent() {
        look(Commits::Remembered, common, &mut |commit| search.remembered(commit))?;
    }
    let env = places::environment()?;
    let changes = Changes::of(&env, Path::new("."), common.timeout);
    let found = search.end(&mut |ids| match &changes {
        Ok(changes) => changes.ids(ids),
        Err(_) => (Default::default(), ids.len()),
    });
    if found.not_compared > 0 {
        let n = counted(found.not_compared, "commit");
        ui.note(&format!("{n} could not be compared by what they change: whether they are an agent's is not known"));
    }
    Ok(told(&found, common))
}

fn look(which: Commits<'_>, common: &Common, take: &mut dyn FnMut(&CommitRead)) -> Result<(), Failure> {
    let unread = |cause: String| AuditError::Unreadable { what: "the repository".into(), cause };
    let mut seen = 0;
    let mut one = |bytes: &[u8]| {
        seen += 1;
        if seen > limits::CHECKED_COMMITS {
            return Err(unread(format!("more than {} commits to look at", limits::CHECKED_COMMITS)));
        }
        take(&read_commit(bytes).ok_or_else(|| unread("a commit that cannot be read".into()))?);
        Ok(())
    };
    let done = each_commit(&places::environment()?, Path::new("."), which, common.timeout, &mut one);
    done.map(|_| ()).map_err(|e| match e {
        HistoryError::Git(cause) => unread(cause).into(),
        HistoryError::NoSuch(cause) => super::check::no_range(&cause),
        HistoryError::Cut(id) => unread(format!("the history ends at {id}")).into(),
        HistoryError::Taker(e) => e.into(),
    })
}

fn told(found: &MarkedCommits, common: &Common) -> Outcome {
    let exit = if found.commits.is_empty() { Exit::No } else { Exit::Done };
    if common.format == Format::Json {
        let commits = found.commits.iter().map(report).collect();
        let report = GitLogReport { schema_version: 1, commits, not_compared: found.not_compared };
        return Outcome::json(&report, exit);
    }
    let mut out = String::new();
    for commit in &found.commits {
        let short = |id: &str| id.get(..10).unwrap_or(id).to_owned();
        let day = commit.committed.as_deref().and_then(|at| at.get(..10)).unwrap_or("-");
        let _ = writeln!(out, "{}  {day}  {}", short(&commit.id), sanitize::line(&commit.subject));
        for said in &commit.said {
            let _ = writeln!(out, "            {}", sanitize::line(&words(said)));
        }
        if let Some(same) = &commit.same_as {
            let _ = writeln!(out, "            {} says so, which is the same change", short(same));
        }
    }
    let _ = writeln!(out, "{} by agents", counted(found.commits.len(), "commit"));
    Outcome { exit, ..Outcome::shown(out) }
}

fn words(said: &Attribution) -> String {
    let mut out = said.agent_path().unwrap_or_else(|| "no agent named".into());
    for (key, before) in [(Key::Execution, ", execution "), (Key::Model, ", "), (Key::Trigger, ", ")] {
        if let Some(value) = said.get(key) {
            let _ = write!(out, "{before}{value}");
        }
    }
    out
}

fn report(commit: &Marked) -> MarkedReport {
    let said = |said: &Attribution| {
        let value = |key: Key| said.get(key).map(str::to_owned);
        SaidReport {
            agent: said.agent_path(),
            trigger: value(Key::Trigger),
            execution: value(Key::Execution),
            model: value(Key::Model),
        }
    };
    MarkedReport {
        commit: commit.id.clone(),
        committed: commit.committed.clone(),
        subject: commit.subject.clone(),
        said: commit.said.iter().map(said).collect(),
        same_as: commit.same_as.clone(),
    }
}
