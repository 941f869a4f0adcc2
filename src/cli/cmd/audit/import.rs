//! `attest audit import`

use super::worked::prices::{self, UnpricedReport};
use crate::audit::AuditError;
use crate::capture::{Commits, Environment, HistoryError, each_commit, main_branch, normalise_remote};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::flow::audit::repository::take_in;
use crate::flow::audit::session::{Intake, Taken};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random, lines};
use crate::sources::documents::Documents;
use crate::sources::{self, Kept, Source, Units, merge_into};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Take in what others recorded: a git history, session files of agents, pull requests, telemetry
///
/// Again, it adds only what is new. `git`: each commit of every branch and tag, with the agent and execution that its trailers name
/// (Agent, Squad, Trigger, Execution, Model), its author as a person who can be erased, and nothing of its text. `claude-code`,
/// `codex`: a session file. `pull-requests`: what `gh api` prints of them and their reviews. `agent-trace`, `otlp`: files of these
/// formats. `git-ai`, `entire`, `gittuf`: what these keep in a repository beside its history. What all of these say is only claimed, and
/// recorded so: docs/audit/sources.md.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit import git .
  attest audit import git ~/app --range v1.0..main
  attest audit import claude-code session.jsonl --agent platform/builder --execution exec-1
  gh api repos/acme/app/pulls/57/reviews > reviews.json && attest audit import pull-requests reviews.json
  attest audit import codex rollout.jsonl --prices prices.yaml
  attest audit import gittuf .")]
pub(super) struct ImportArgs {
    /// What it is
    #[arg(value_name = "SOURCE", value_parser = names())]
    source: String,
    /// Where it is: a repository, a file
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Of git: only these commits, as `git rev-list` reads a range [default: every branch and tag]
    #[arg(long, value_name = "RANGE")]
    range: Option<String>,
    /// Of git: the branch into which a merge is somebody's approval of what is merged [default: that of origin, else the one that is
    /// checked out]
    #[arg(long, value_name = "BRANCH")]
    main: Option<String>,
    /// Of a repository: its address [default: that of its remote]
    #[arg(long, value_name = "URL")]
    repository: Option<String>,
    /// Of a session, traces or telemetry: the agent, as SQUAD/AGENT
    #[arg(long, value_name = "AGENT")]
    agent: Option<String>,
    /// Of the same: the execution
    #[arg(long, value_name = "ID")]
    execution: Option<String>,
    /// What models cost, by day: where the source says tokens and no cost, the cost is worked out of them (derived). Of a model without a
    /// price it stays unknown, and that is said. The form: docs/audit/sources.md
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
}

fn names() -> clap::builder::PossibleValuesParser {
    sources::ALL.iter().map(|source| source.name()).collect::<Vec<_>>().into()
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImportReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The source.
    pub source: String,
    /// What was read: commits, lines that are not empty, documents, log records and spans, notes, attestations.
    pub read: u64,
    /// Records that are new.
    pub new: u64,
    /// Records that were in the log already, and say the same.
    pub known: u64,
    /// Numbers of records under whose id something else is said now, which was not recorded: what was recorded stays.
    pub differs: Vec<u64>,
    /// Of what was read, what says nothing of an agent: commits by people, lines that are no action.
    pub other: u64,
    /// What could not be read: the log says so.
    pub broken: u64,
    /// Fields that were withheld, because they looked like a secret or a path of this machine.
    pub withheld: u64,
    /// What was used without a price, where --prices was given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unpriced: Vec<UnpricedReport>,
    /// How many records the log has now.
    pub size: u64,
}

pub(super) fn run(args: &ImportArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let source = sources::named(&args.source)
        .ok_or_else(|| Failure::usage(codes::USAGE, format!("`{}` is no source", args.source)))?;
    let is_git = source.units() == Units::Commits;
    let of_agents = [("--agent", &args.agent), ("--execution", &args.execution)];
    let of_git = [("--range", &args.range), ("--main", &args.main)];
    if is_git && args.prices.is_some() {
        return Err(Failure::usage(codes::USAGE, "--prices says nothing of git: no commit says tokens"));
    }
    let mut wrong = Vec::new();
    wrong.extend(of_agents.into_iter().filter(|_| !source.is_of_one_agent()));
    wrong.extend(of_git.into_iter().filter(|_| !is_git));
    wrong.extend([("--repository", &args.repository)].into_iter().filter(|_| !source.is_about_a_repository()));
    if let Some((flag, _)) = wrong.iter().find(|(_, value)| value.is_some()) {
        return Err(Failure::usage(codes::USAGE, format!("{flag} says nothing of {}", args.source)));
    }
    let (taken, size) = match source.units() {
        Units::Commits => git(args, source, place, common)?,
        Units::Kept(of) => kept(args, source, of, place, common)?,
        Units::Lines | Units::Documents => file(args, source, place, common)?,
    };
    let report = ImportReport {
        schema_version: 1,
        source: taken.format.to_owned(),
        read: taken.counts.lines,
        new: taken.new,
        known: taken.known,
        differs: taken.differing,
        other: taken.counts.other,
        broken: taken.counts.broken,
        withheld: taken.withheld,
        unpriced: prices::report(&taken.unpriced),
        size,
    };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let other = if is_git { "without an agent" } else { "that say nothing of what was done" };
    let read = counted(report.read, source.part());
    let mut text = format!(
        "{}: {read} read; records: {} new, {} known; {other}: {}; broken: {}; fields withheld: {}\n",
        report.source, report.new, report.known, report.other, report.broken, report.withheld
    );
    text += &super::record::differing(&report.differs);
    text += &prices::told(&report.unpriced);
    Ok(Outcome::done(text))
}

/// A session file.
fn file(
    args: &ImportArgs,
    source: &'static dyn Source,
    place: &AuditPlace,
    common: &Common,
) -> Result<(Taken, u64), Failure> {
    let given = [("agent", &args.agent), ("execution_id", &args.execution)];
    let given = given.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
    let prices = args.prices.as_deref().map(prices::read).transpose()?;
    let mut log = place.writer(common.timeout)?;
    let (now, mut index, mut random) = (places::now(), place.index()?, random);
    log.finish_redaction(now, &mut random)?;
    let mut intake = Intake::new(&mut log, &mut index, now, &mut random, given).only(source);
    intake = intake.priced_by(prices.as_ref());
    let mut line = |line: Option<&[u8]>| intake.line(line).map_err(Failure::from);
    let digest = match source.units() {
        Units::Documents => {
            let mut documents = Documents::default();
            let digest = lines::pieces(&args.path, |piece| documents.feed(piece, &mut line))?;
            documents.end(&mut line)?;
            digest
        }
        _ => lines::each(&args.path, limits::SESSION_LINE_BYTES, line)?,
    };
    let taken = intake.end(&digest).map_err(|e| Failure::from(e).context(args.path.display()))?;
    Ok((taken, log.size()))
}

/// A git history.
fn git(args: &ImportArgs, source: &dyn Source, place: &AuditPlace, common: &Common) -> Result<(Taken, u64), Failure> {
    let env = places::environment()?;
    let which = args.range.as_deref().map_or(Commits::All, Commits::Range);
    let remote = remote(args, &env, common)?;
    let main = match &args.main {
        Some(branch) => Some(branch.clone()),
        None => main_branch(&env, &args.path, common.timeout).map_err(|cause| unread(args, cause))?,
    };
    let given = remote.map(|url| ("repository", url)).into_iter().collect();
    let mut log = place.writer(common.timeout)?;
    let (now, mut index, mut random) = (places::now(), place.index()?, random);
    log.finish_redaction(now, &mut random)?;
    let mut intake = Intake::new(&mut log, &mut index, now, &mut random, given).of(source);
    let failed = |e| failed(args, e);
    each_commit(&env, &args.path, which, common.timeout, &mut |commit| intake.line(Some(commit))).map_err(failed)?;
    if let Some(main) = &main {
        let short = main.trim_start_matches("refs/heads/").trim_start_matches("refs/remotes/origin/");
        let mut merge = |merge: &[u8]| intake.line(Some(&merge_into(short, merge)));
        each_commit(&env, &args.path, Commits::Merges(main), common.timeout, &mut merge).map_err(failed)?;
    }
    let taken = intake.end("")?;
    Ok((taken, log.size()))
}

/// What is kept in a repository beside its history.
fn kept(
    args: &ImportArgs,
    source: &dyn Source,
    kept: &Kept,
    place: &AuditPlace,
    common: &Common,
) -> Result<(Taken, u64), Failure> {
    let env = places::environment()?;
    let given = match source.is_about_a_repository() {
        true => remote(args, &env, common)?.map(|url| ("repository", url)).into_iter().collect(),
        false => Vec::new(),
    };
    let prices = args.prices.as_deref().map(prices::read).transpose()?;
    let mut log = place.writer(common.timeout)?;
    let (now, mut index, mut random) = (places::now(), place.index()?, random);
    log.finish_redaction(now, &mut random)?;
    let mut intake = Intake::new(&mut log, &mut index, now, &mut random, given).of(source);
    intake = intake.priced_by(prices.as_ref());
    take_in(&env, &args.path, kept, common.timeout, &mut intake).map_err(|e| failed(args, e))?;
    let taken = intake.end("")?;
    Ok((taken, log.size()))
}

/// The address of the repository: what a record says must be known before the first is made.
fn remote(args: &ImportArgs, env: &Environment, common: &Common) -> Result<Option<String>, Failure> {
    match &args.repository {
        Some(url) => {
            let url = normalise_remote(url, Path::new("/")).filter(|url| !url.starts_with("file:"));
            let wrong = || Failure::usage(codes::USAGE, "--repository: expected the address of a repository");
            url.ok_or_else(wrong).map(Some)
        }
        None => {
            let mut nothing = |_: &[u8]| Ok::<(), AuditError>(());
            let one = each_commit(env, &args.path, Commits::One("HEAD"), common.timeout, &mut nothing);
            Ok(one.map_err(|e| failed(args, e))?)
        }
    }
}

fn unread(args: &ImportArgs, cause: String) -> AuditError {
    AuditError::Unreadable { what: format!("the repository `{}`", args.path.display()), cause }
}

fn failed(args: &ImportArgs, e: HistoryError<AuditError>) -> AuditError {
    match e {
        HistoryError::Git(cause) | HistoryError::Cut(cause) | HistoryError::NoSuch(cause) => unread(args, cause),
        HistoryError::Taker(e) => e,
    }
}
