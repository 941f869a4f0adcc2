//! Whether commits keep ORG-001, by what they say, what the log knows and what a pull request says.

use super::Log;
use crate::attribution::demanded::{self, Fault, Looked, RULE};
use crate::attribution::{described, over_limit};
use crate::audit::AuditError;
use crate::audit::index::{Question, Row, columns};
use crate::sources::CommitRead;
use std::collections::BTreeSet;

/// What commits are held against.
#[derive(Clone, Copy, Default)]
pub struct Against<'a> {
    /// Addresses that are agents'.
    pub listed: &'a [String],
    /// The log in which executions and exceptions are looked up.
    pub log: Option<Log<'a>>,
    /// Description of the pull request.
    pub description: Option<&'a str>,
}

/// How a commit keeps the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The commit's id.
    pub id: String,
    /// Its subject line.
    pub subject: String,
    /// By what it is known to be an agent's; none for a person's, of which nothing is demanded.
    pub agent_by: Option<String>,
    /// What it lacks.
    pub faults: Vec<Fault>,
    /// The exception that lets it pass all the same.
    pub exception: Option<Exception>,
}

/// An exception from the rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// Why.
    pub reason: String,
    /// Who approved it; none where nobody did.
    pub approver: Option<String>,
    /// Where it stands: `commit`, `description` or `log`.
    pub place: &'static str,
}

impl Kept {
    /// Whether it passes.
    #[must_use]
    pub fn passes(&self) -> bool {
        self.faults.is_empty() || self.exception.is_some()
    }
}

/// Holds a commit against the rule.
///
/// # Errors
/// [`AuditError`]; [`AuditError::OverLimit`] where not all of its message was read.
pub fn keeps(commit: &CommitRead, against: &Against<'_>) -> Result<Kept, AuditError> {
    if let Some(over) = over_limit(&commit.message) {
        return Err(AuditError::OverLimit { what: format!("{}: {over}", commit.id) });
    }
    let looked = Looked {
        authors: &commit.authors,
        committers: &commit.committers,
        message: &commit.message,
        is_merge: commit.parents.len() > 1,
    };
    let subject = commit.message.lines().next().unwrap_or_default().to_owned();
    let agent_by = demanded::agent_by(&looked, against.listed);
    let mut kept = Kept { id: commit.id.clone(), subject, agent_by, faults: Vec::new(), exception: None };
    if kept.agent_by.is_none() {
        return Ok(kept);
    }
    kept.faults = demanded::faults(&looked);
    for execution in demanded::executions(&commit.message) {
        if against.description.is_some_and(|text| !described::names(text, &execution)) {
            kept.faults.push(Fault::NotDescribed(execution.clone()));
        }
        if let Some(log) = &against.log
            && !is_recorded(log, &execution)?
        {
            kept.faults.push(Fault::UnknownExecution(execution));
        }
    }
    if !kept.faults.is_empty() {
        kept.exception = exception(commit, against, &mut kept.faults)?;
    }
    Ok(kept)
}

/// Whether the log says anything of an execution.
///
/// # Errors
/// [`AuditError`].
pub fn is_execution(log: &Log<'_>, execution: &str) -> Result<bool, AuditError> {
    let question = Question { execution: Some(execution.to_owned()), last: 1, ..Question::default() };
    Ok(!log.index.ask(&question)?.is_empty())
}

/// The model that the records of an execution name; none where they name none, or several.
///
/// # Errors
/// [`AuditError`].
pub fn model_of(log: &Log<'_>, execution: &str) -> Result<Option<String>, AuditError> {
    let mut named = BTreeSet::new();
    let question = Question { execution: Some(execution.to_owned()), ..Question::all() };
    let at = columns::placed("model");
    let model = |row: &Row| row.columns.get(at?)?.clone();
    log.index.each(&question, &mut |row| {
        if let Some(model) = model(&row).filter(|_| named.len() < 2) {
            named.insert(model);
        }
    })?;
    Ok(named.pop_first().filter(|_| named.is_empty()))
}

/// Whether the log has anything of an execution that is not only what a commit says, as an `attested` record of it is, too.
fn is_recorded(log: &Log<'_>, execution: &str) -> Result<bool, AuditError> {
    let mut found = false;
    let question = Question { execution: Some(execution.to_owned()), ..Question::all() };
    log.index.each(&question, &mut |row| found |= is_of_its_run(&row))?;
    Ok(found)
}

/// Whether a record is made where an execution runs: its start, a session of it, or an action of it that is no commit.
fn is_of_its_run(row: &Row) -> bool {
    let action = columns::placed("action_type").and_then(|at| row.columns.get(at)?.as_deref());
    ["execution_started", "session"].contains(&row.kind.as_str())
        || row.kind == "action" && !["commit", "merge"].map(Some).contains(&action)
}

fn exception(
    commit: &CommitRead,
    against: &Against<'_>,
    faults: &mut Vec<Fault>,
) -> Result<Option<Exception>, AuditError> {
    let described = against.description.map_or(Ok(None), described::exception);
    for (place, found) in [("commit", demanded::exception(&commit.message)), ("description", described)] {
        match found {
            Ok(Some(reason)) => return Ok(Some(Exception { reason, approver: None, place })),
            Ok(None) => {}
            Err(fault) => faults.push(fault),
        }
    }
    let Some(log) = &against.log else { return Ok(None) };
    // The whole id: what begins so is another commit, too.
    let rows = log.index.ask(&Question::all().of(&["exception"]).with("rule", RULE))?;
    let events = log.events(&rows)?;
    let found =
        events.iter().rfind(|event| event.text("target").is_some_and(|t| crate::inquiry::is_whole(t, &commit.id)));
    Ok(found.map(|event| Exception {
        reason: event.text("reason").unwrap_or_default().to_owned(),
        approver: event.text("approver").map(str::to_owned),
        place: "log",
    }))
}
