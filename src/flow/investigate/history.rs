//! Which executions there were.

use super::{Log, event_of_row, holes, text};
use crate::audit::AuditError;
use crate::audit::index::Question;
use crate::inquiry::{Asked, Event, History, Hole, Runs, Session, Sessions, SessionsAsked, Summary, summaries};
use crate::model::Timestamp;
use crate::record::{Class, Entry};
use std::collections::{BTreeMap, BTreeSet};

/// An answer, and what of the log could not be read for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<T> {
    /// The answer.
    pub what: T,
    /// Records that might say more, and cannot be read.
    pub holes: Vec<Hole>,
}

/// What is kept of months whose executions expire: for each month and agent that is asked for. How executions ended and how they were
/// tagged is not among what can be asked of them.
///
/// # Errors
/// [`AuditError`].
pub fn months(log: &Log<'_>, asked: &Asked) -> Result<Vec<Summary>, AuditError> {
    if asked.status.is_some() || !asked.tags.is_empty() {
        return Ok(Vec::new());
    }
    let rows = log.index.ask(&Question::all().of(&["summary"]))?;
    let (squad, agent) = (asked.squad.as_deref(), asked.agent.as_deref());
    let fits = |summary: &Summary| {
        summary.is_of(squad, agent)
            && asked.since.is_none_or(|since| summary.all.last.is_some_and(|last| last >= since))
    };
    Ok(summaries(&log.events(&rows)?).into_iter().filter(fits).collect())
}

/// The runs that are asked for.
///
/// # Errors
/// [`AuditError`].
pub fn history(log: &Log<'_>, asked: &Asked) -> Result<Found<History>, AuditError> {
    let mut runs = Runs::default();
    each_since(log, asked.since, &mut |event| runs.take(event))?;
    Ok(Found { what: History::of(runs.end(), asked), holes: of_work(log, asked.since)? })
}

/// The sessions that are asked for.
///
/// # Errors
/// [`AuditError`].
pub fn sessions(log: &Log<'_>, asked: &SessionsAsked) -> Result<Found<Vec<Session>>, AuditError> {
    let mut sessions = Sessions::default();
    each_since(log, asked.since, &mut |event| sessions.take(event))?;
    Ok(Found { what: sessions.end(asked), holes: of_work(log, asked.since)? })
}

/// Every record, or every one of the executions and sessions that were at work since a time, in their order.
pub(super) fn each_since(log: &Log<'_>, since: Option<i64>, take: &mut dyn FnMut(&Event)) -> Result<(), AuditError> {
    let Some(since) = since.and_then(Timestamp::from_unix) else {
        return log.index.each(&Question::all(), &mut |row| take(&event_of_row(&row)));
    };
    let since = Question { since: Some(since.to_string()), ..Question::all() };
    let mut ids = BTreeSet::new();
    log.index.each(&since, &mut |row| {
        for column in ["execution_id", "session_id"] {
            ids.extend(text(&row, column).map(|id| (column, id)));
        }
    })?;
    let mut rows = BTreeMap::new();
    for (column, id) in ids {
        log.index.each(&Question::all().with(column, &id), &mut |row| drop(rows.insert(row.index, row)))?;
    }
    rows.values().for_each(|row| take(&event_of_row(row)));
    Ok(())
}

/// What may have said something of executions and sessions since a time, and cannot be read.
fn of_work(log: &Log<'_>, since: Option<i64>) -> Result<Vec<Hole>, AuditError> {
    let since = since.unwrap_or(i64::MIN);
    let of_runs = |entry: &Entry| {
        [Class::Executions, Class::Sessions].contains(&entry.class) && i64::from(entry.minutes) * 60 >= since
    };
    holes(log, 0..=u64::MAX, &of_runs)
}
