//! `attest audit trace`, `attest audit who-approved`

use super::{Open, drawn, told};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::handout::proven::{self, LineReport, ProveArg};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::show::sanitize;
use crate::flow::investigate::{self, Found, Log};
use crate::inquiry::blast::Start;
use crate::inquiry::{Branch, Hole, Subject, Verdict, Voice, Word};
use crate::places::{self, AuditPlace};
use crate::{audit::AuditError, capture};
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;
use std::path::Path;

/// Follow a commit, a file, an image or an execution back to who asked for it, and forward to what became of it
///
/// Whatever is not known stands there as a HOLE. Exit 1: the log has nothing of it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit trace commit:def456               the beginning of an id, from seven digits on without `commit:`
  attest audit trace commit:HEAD                 of the repository around this folder
  attest audit trace src/auth/login.ts
  attest audit trace ghcr.io/acme/app@sha256:...
  attest audit trace exec-abc123
  attest audit trace commit:def456 --prove proofs    with a file for each record that proves it to others")]
pub(in crate::cli) struct TraceArgs {
    /// commit:ID, file:PATH, NAME@DIGEST or execution:ID; the kind may be left out where it is clear
    #[arg(value_name = "COMMIT|FILE|IMAGE|EXECUTION")]
    what: String,
    #[command(flatten)]
    prove: ProveArg,
}

/// Say who approved a commit, and by which means
///
/// Whoever made it or asked for it, an agent, and an approval that was taken back do not count, and are shown so. Exit 0: somebody
/// did; 1: nobody did, as far as this log knows; 3: what would be needed to know cannot be read, or the way to its merges is too long.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit who-approved commit:def456
  attest audit who-approved commit:def456 --prove proofs    with a file for each record that proves it to others")]
pub(in crate::cli) struct WhoArgs {
    /// The commit: `commit:` and its id, or the beginning of it
    #[arg(value_name = "COMMIT")]
    commit: String,
    #[command(flatten)]
    prove: ProveArg,
}

/// What `attest audit trace --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TraceReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The thing itself.
    pub trace: BranchReport,
    /// How many branches say that something is not known.
    pub unknown: usize,
    /// Records that may be of it, and cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// One thing that is known, and what hangs on it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BranchReport {
    /// How it is related to the one that it hangs on: `made by`, `asked by`, `approved`, `HOLE`, ...; empty for the thing itself.
    pub relation: &'static str,
    /// What, for people.
    pub what: String,
    /// `witnessed`, `declared` or `derived`, where it is one value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known: Option<&'static str>,
    /// Records that say so.
    pub records: Vec<u64>,
    /// What hangs on it.
    pub more: Vec<Self>,
}

/// What `attest audit who-approved --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WhoReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The whole id of the commit.
    pub commit: String,
    /// Who approved.
    pub approved: Vec<VoiceReport>,
    /// Who said yes and does not count, and who said no.
    pub not_counted: Vec<VoiceReport>,
    /// Whether the log has a record of the commit that says who made it, or had one: without it nobody counts.
    pub recorded: bool,
    /// What would have been needed for an answer and cannot be read; the exit code is then 3.
    pub unread: Vec<&'static str>,
    /// Records that cannot be read: approvals, and what else may have said who made it or asked for it.
    pub holes: Vec<told::HoleReport>,
}

/// Somebody who said yes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VoiceReport {
    /// Who; none where that person was erased.
    pub who: Option<String>,
    /// `signed`, `review`, `merge`, `rule`, `click` or `policy`; none where that is not said.
    pub how: Option<String>,
    /// When.
    pub at: Option<String>,
    /// Of what, where it is not the commit itself.
    pub of: Option<String>,
    /// Digest of the signed statement.
    pub statement: Option<String>,
    /// Who said so.
    pub source: Option<String>,
    /// `witnessed`, `declared` or `derived`.
    pub known: &'static str,
    /// The record.
    pub record: u64,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

impl From<&Branch> for BranchReport {
    fn from(branch: &Branch) -> Self {
        Self {
            relation: branch.word.text(),
            what: branch.what.clone(),
            known: branch.known.map(crate::record::Known::name),
            records: branch.records.clone(),
            more: branch.more.iter().map(Into::into).collect(),
        }
    }
}

impl From<&Voice> for VoiceReport {
    fn from(voice: &Voice) -> Self {
        let Voice { who, how, at, of, statement, source, known, record, not } = voice.clone();
        Self { who, how, at, of, statement, source, known: known.name(), record, why_not: not }
    }
}

pub(in crate::cli) fn run(args: &TraceArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let log = open.log();
    let subject = match args.what.strip_prefix("commit:") {
        Some(name) => Subject::Commit(commit(&log, name, common)?),
        None => investigate::meant(&log, &args.what)?,
    };
    let Found { what, holes } = investigate::trace(&log, &subject, &places::Until::within(common.timeout))?;
    let mut lines = Vec::new();
    proven::of_branch(&what, &mut lines);
    let proven = args.prove.write(&open, &format!("trace {}", args.what), lines, &holes)?;
    if common.format == Format::Json {
        let unknown = what.holes();
        let holes = holes.iter().map(Into::into).collect();
        let report = TraceReport { schema_version: 1, trace: (&what).into(), unknown, holes };
        return Ok(Outcome::json(&report, Exit::Done));
    }
    if let Some(picture) = drawn::of_branch(&what, &holes).rendered(common.format) {
        return Ok(Outcome { stdout: picture.into_bytes(), exit: Exit::Done, purpose: Purpose::Data });
    }
    let mut out = String::new();
    tree(&mut out, &what, "");
    out += &told::holes(&holes);
    out += &proven;
    out += "w witnessed, d declared, r derived; `attest audit show NUMBER` has a record\n";
    Ok(Outcome::shown(out))
}

pub(in crate::cli) fn who(args: &WhoArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let log = open.log();
    let id = commit(&log, args.commit.strip_prefix("commit:").unwrap_or(&args.commit), common)?;
    let Found { what, holes } = investigate::who_approved(&log, &id, &places::Until::within(common.timeout))?;
    let proven = approvals_proven(args, &open, &id, (&what, &holes), common)?;
    let Verdict { counted, not_counted, unread, is_recorded } = what;
    let answer = if counted.is_empty() { Exit::No } else { Exit::Done };
    let exit = if unread.is_empty() { answer } else { Exit::Unknown };
    if common.format == Format::Json {
        let report = WhoReport {
            schema_version: 1,
            commit: id,
            approved: counted.iter().map(Into::into).collect(),
            not_counted: not_counted.iter().map(Into::into).collect(),
            recorded: is_recorded,
            unread,
            holes: holes.iter().map(Into::into).collect(),
        };
        return Ok(Outcome::json(&report, exit));
    }
    let mut out = String::new();
    if counted.is_empty() {
        let _ = writeln!(out, "nobody approved commit {id}, as far as this log knows");
    }
    if !is_recorded {
        out += "the log has no record of who made it, so nobody counts: `attest audit import git`\n";
    }
    for voice in &counted {
        let _ = writeln!(out, "{}", sanitize::line(&said(voice)));
    }
    for voice in &not_counted {
        let why = voice.not.as_deref().unwrap_or_default();
        let _ = writeln!(out, "not counted, {}: {}", sanitize::line(why), sanitize::line(&said(voice)));
    }
    for what in &unread {
        let _ = writeln!(out, "HOLE  {what}");
    }
    out += &told::holes(&holes);
    out += &proven;
    Ok(Outcome { exit, ..Outcome::shown(out) })
}

/// What proves who approved a commit: each voice, and what the log says of who made it and asked for it, as neither counts.
fn approvals_proven(
    args: &WhoArgs,
    open: &Open,
    id: &str,
    (verdict, holes): (&Verdict, &[Hole]),
    common: &Common,
) -> Result<String, Failure> {
    if !args.prove.is_given() {
        return Ok(String::new());
    }
    let mut lines: Vec<LineReport> =
        verdict.counted.iter().map(|voice| LineReport::new(said(voice), [voice.record])).collect();
    lines.extend(verdict.not_counted.iter().map(|voice| {
        let why = voice.not.as_deref().unwrap_or_default();
        LineReport::new(format!("not counted, {why}: {}", said(voice)), [voice.record])
    }));
    lines.extend(verdict.unread.iter().map(|what| LineReport::new(format!("HOLE {what}"), [])));
    let subject = Subject::Commit(id.to_owned());
    match investigate::trace(&open.log(), &subject, &places::Until::within(common.timeout)) {
        Ok(found) => proven::of_branch(&found.what, &mut lines),
        // The log has no record of the commit, which the answer says.
        Err(AuditError::Unknown { .. }) => {}
        Err(e) => return Err(e.into()),
    }
    args.prove.write(open, &format!("who-approved commit:{id}"), lines, holes)
}

/// What is meant by a word from which something may have spread.
pub(super) fn start(log: &Log<'_>, what: &str, common: &Common) -> Result<Start, Failure> {
    match what.strip_prefix("commit:") {
        Some(name) => Ok(Start::Commit(commit(log, name, common)?)),
        None => Ok(investigate::start(log, what)?),
    }
}

/// The whole id of a commit, by the log, or for a name that is none by the repository around the working folder.
fn commit(log: &Log<'_>, name: &str, common: &Common) -> Result<String, Failure> {
    if name.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(investigate::commit_id(log, name)?);
    }
    let id = capture::commit_id(&places::environment()?, Path::new("."), name, common.timeout);
    let unread = |cause| AuditError::Unreadable { what: format!("the commit `{name}` of this repository"), cause };
    Ok(investigate::commit_id(log, &id.map_err(unread)?)?)
}

/// Who, how, and how that is known.
fn said(voice: &Voice) -> String {
    let mark = char::from(voice.known as u8);
    let source = voice.source.as_ref().map_or_else(String::new, |source| format!(", said by {source}"));
    format!("{} {mark}{source} (record {})", voice.line(), voice.record)
}

fn tree(out: &mut String, branch: &Branch, indent: &str) {
    let mark = branch.known.map_or_else(String::new, |known| format!(" {}", char::from(known as u8)));
    let records = match branch.records.as_slice() {
        [] => String::new(),
        [one] => format!("  [{one}]"),
        [first, .., last] => format!("  [{first}..{last}]"),
    };
    let what = sanitize::line(&branch.what);
    let word = match branch.word {
        Word::Itself => String::new(),
        word => format!("{:10}", word.text()),
    };
    let _ = writeln!(out, "{word}{what}{mark}{records}");
    for (at, more) in branch.more.iter().enumerate() {
        let last = at + 1 == branch.more.len();
        let _ = write!(out, "{indent}{}", if last { "`- " } else { "|- " });
        tree(out, more, &format!("{indent}{}", if last { "   " } else { "|  " }));
    }
}
