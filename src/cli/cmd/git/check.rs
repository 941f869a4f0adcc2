//! `attest git check`

use crate::attribution::demanded::{Fault, RULE};
use crate::audit::AuditError;
use crate::capture::{Commits, HistoryError, each_commit};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::Open;
use crate::cli::exit::{Exit, Failure, Outcome, codes};
use crate::cli::show::sanitize;
use crate::cli::ui::Ui;
use crate::flow::investigate::{Against, Kept, keeps};
use crate::model::code::codes;
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, files};
use crate::sources::read_commit;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Check that commits of agents say which one they are of (ORG-001)
///
/// An agent's is a commit with one of the trailers Agent, Squad, Trigger, Execution and Model, whose author or committer is a known agent
/// or listed, or in whose message an agent left its sign, or a line looks like one. It must have all five, well-formed, and a subject line of Conventional
/// Commits; with --log its execution is in that log, with --pull-request the description names it. A trailer
/// `Audit-Exception: ORG-001; REASON`, such a line of the description, or an `exception` in the log, lets it pass, and is told. Exit 1: one
/// does not keep the rule.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest git check origin/main..HEAD
  attest git check origin/main..HEAD --pull-request description.md --log /var/lib/audit
  attest git check --pre-receive            as a server's hook, which reads refs on standard input")]
pub(super) struct CheckArgs {
    /// Which commits, as `git rev-list` reads a range
    #[arg(value_name = "RANGE", required_unless_present = "pre_receive")]
    range: Option<String>,
    /// Read `OLD NEW REF` lines on standard input, as git's hook `pre-receive` does
    #[arg(long, conflicts_with = "range")]
    pre_receive: bool,
    /// The description of the pull request
    #[arg(long, value_name = "FILE")]
    pull_request: Option<PathBuf>,
    /// Addresses of agents, one a line
    #[arg(long, value_name = "FILE")]
    agents: Option<PathBuf>,
    /// Audit log in which the executions must be, and exceptions may be
    #[arg(long, value_name = "DIR")]
    log: Option<PathBuf>,
}

codes! {
    /// Codes of this command.
    pub CODES;
    NOTHING = "git-check-nothing", [Caller],
        "the range has no commit, so nothing was checked",
        "name the commits that are to be checked; in CI, fetch the whole history";
    NO_RANGE = "git-check-range", [Caller],
        "the range names a branch, tag or commit that is not in this repository",
        "name two that are there, as `git rev-list` reads a range: `origin/main..HEAD`; in CI, fetch the branch that is merged into";
    CUT = "git-check-cut", [Operator],
        "the clone is shallow, and the range goes on behind where its history ends, so that not every commit was looked at",
        "fetch the whole history: `fetch-depth: 0` of actions/checkout, else `git fetch --unshallow`";
}

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The rule.
    pub rule: &'static str,
    /// Whether every commit passes.
    pub passes: bool,
    /// How many commits were looked at.
    pub commits: usize,
    /// Those of agents.
    pub agents: Vec<CommitReport>,
}

/// A commit of an agent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommitReport {
    /// Its id.
    pub commit: String,
    /// Its subject line.
    pub subject: String,
    /// By what it is known to be an agent's.
    pub agent_by: String,
    /// What it lacks.
    pub faults: Vec<FaultReport>,
    /// The exception that lets it pass.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exception: Option<ExceptionReport>,
}

/// What a commit lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FaultReport {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
}

/// An exception from the rule.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExceptionReport {
    /// Why.
    pub reason: String,
    /// Who approved it; none where nobody did.
    pub approver: Option<String>,
    /// Where it stands: `commit`, `description` or `log`.
    pub place: &'static str,
}

pub(super) fn run(args: &CheckArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let listed = args.agents.as_deref().map(listed).transpose()?.unwrap_or_default();
    let description = args.pull_request.as_deref().map(text).transpose()?;
    let open = match &args.log {
        Some(folder) => Some(Open::at(&AuditPlace::find(Some(folder))?)?),
        None => None,
    };
    let log = open.as_ref().map(Open::log);
    let against = Against { listed: &listed, log, description: description.as_deref() };
    let mut all: Vec<Kept> = Vec::new();
    if args.pre_receive {
        let refs = files::read(Path::new("-"), limits::PUSHED_REFS_BYTES)?;
        for line in String::from_utf8_lossy(&refs).lines() {
            let mut words = line.split(' ');
            let (Some(old), Some(new)) = (words.next().filter(|id| is_id(id)), words.next().filter(|id| is_id(id)))
            else {
                return Err(Failure::usage(codes::USAGE, "--pre-receive: expected lines `OLD NEW REF`"));
            };
            // A ref that is removed brings nothing.
            if !new.bytes().all(|b| b == b'0') {
                look(Commits::Pushed { old, new }, &against, common, &mut all)?;
            }
        }
    } else {
        look(Commits::Whole(args.range.as_deref().unwrap_or_default()), &against, common, &mut all)?;
        if all.is_empty() {
            return Err(Failure::of(NOTHING, "the range has no commit"));
        }
    }
    Ok(told(&all, common, ui))
}

fn is_id(text: &str) -> bool {
    [40, 64].contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

fn text(path: &Path) -> Result<String, Failure> {
    Ok(String::from_utf8_lossy(&files::read(path, limits::COMMIT_BYTES)?).into_owned())
}

fn listed(path: &Path) -> Result<Vec<String>, Failure> {
    let text = text(path)?;
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim().to_owned());
    Ok(lines.filter(|line| !line.is_empty()).collect())
}

fn look(which: Commits<'_>, against: &Against<'_>, common: &Common, all: &mut Vec<Kept>) -> Result<(), Failure> {
    let unread = |cause: String| AuditError::Unreadable { what: "the repository".into(), cause };
    let mut take = |bytes: &[u8]| {
        let commit = read_commit(bytes).ok_or_else(|| unread("a commit that cannot be read".into()))?;
        all.push(keeps(&commit, against)?);
        if all.len() > limits::CHECKED_COMMITS {
            return Err(unread(format!("more than {} commits to check", limits::CHECKED_COMMITS)));
        }
        Ok(())
    };
    let done = each_commit(&places::environment()?, Path::new("."), which, common.timeout, &mut take);
    done.map(|_| ()).map_err(|e| match e {
        HistoryError::Git(cause) => unread(cause).into(),
        HistoryError::NoSuch(cause) => no_range(&cause),
        HistoryError::Cut(id) => Failure::of(
            CUT,
            format!("could not find out: the history ends at {id} here, whose parents are not there; fetch the whole history (fetch-depth: 0)"),
        ),
        HistoryError::Taker(e) => e.into(),
    })
}

/// That RANGE names what is not there.
pub(super) fn no_range(cause: &str) -> Failure {
    Failure::of(NO_RANGE, format!("RANGE: expected commits of this repository, as `git rev-list` reads them: {cause}"))
}

fn told(all: &[Kept], common: &Common, ui: &Ui) -> Outcome {
    let agents: Vec<&Kept> = all.iter().filter(|kept| kept.agent_by.is_some()).collect();
    let failing = agents.iter().filter(|kept| !kept.passes()).count();
    let excepted = agents.iter().filter(|kept| kept.exception.is_some()).count();
    let exit = if failing == 0 { Exit::Done } else { Exit::No };
    if common.format == Format::Json {
        let report = CheckReport {
            schema_version: 1,
            rule: RULE,
            passes: failing == 0,
            commits: all.len(),
            agents: agents.iter().map(|kept| report(kept)).collect(),
        };
        return Outcome::json(&report, exit);
    }
    let mut out = String::new();
    for kept in &agents {
        let short = kept.id.get(..10).unwrap_or(&kept.id);
        let word = match (&kept.exception, kept.faults.is_empty()) {
            (_, true) if !common.verbose => continue,
            (_, true) => "OK",
            (Some(_), false) => "EXCEPTION",
            (None, false) => "FAIL",
        };
        let _ = writeln!(out, "{word:9} {short}  {}", sanitize::line(&kept.subject));
        let by = kept.agent_by.as_deref().unwrap_or_default();
        let _ = writeln!(out, "          an agent's by {}", sanitize::line(by));
        for fault in &kept.faults {
            let _ = writeln!(out, "          {}: {}", fault.code(), sanitize::line(&fault.to_string()));
        }
        if let Some(exception) = &kept.exception {
            let by = exception.approver.as_ref().map_or_else(|| "nobody".into(), |who| sanitize::line(who));
            let reason = sanitize::line(&exception.reason);
            let _ = writeln!(out, "          passes all the same ({}): {reason}, approved by {by}", exception.place);
        }
    }
    let kept = agents.len() - failing - excepted;
    let _ = writeln!(
        out,
        "{RULE}: {} of {} by agents: {kept} kept it, {}, {failing} did not",
        agents.len(),
        counted(all.len(), "commit"),
        counted(excepted, "exception")
    );
    if let Some(fault) = agents.iter().filter(|kept| !kept.passes()).find_map(|kept| kept.faults.first()) {
        ui.hint(Fault::code(fault));
    }
    Outcome { exit, ..Outcome::shown(out) }
}

fn report(kept: &Kept) -> CommitReport {
    let fault = |fault: &Fault| FaultReport { code: fault.code().to_string(), message: fault.to_string() };
    let exception = kept.exception.as_ref();
    CommitReport {
        commit: kept.id.clone(),
        subject: kept.subject.clone(),
        agent_by: kept.agent_by.clone().unwrap_or_default(),
        faults: kept.faults.iter().map(fault).collect(),
        exception: exception.map(|e| ExceptionReport {
            reason: e.reason.clone(),
            approver: e.approver.clone(),
            place: e.place,
        }),
    }
}
