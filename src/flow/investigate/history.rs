//! Which executions there were.

use super::{Log, event_of_row, holes};
use crate::audit::AuditError;
use crate::audit::index::Question;
use crate::inquiry::{Asked, History, Hole, Runs, Summary, summaries};
use crate::model::Timestamp;
use crate::record::Class;
use std::collections::BTreeSet;

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
    match asked.since.and_then(Timestamp::from_unix) {
        None => log.index.each(&Question::all(), &mut |row| runs.take(&event_of_row(&row)))?,
        Some(since) => {
            // Runs that were at work since then, each with all of its records.
            let since = Question { since: Some(since.to_string()), ..Question::all() };
            let mut ids = BTreeSet::new();
            log.index.each(&since, &mut |row| {
                let event = event_of_row(&row);
                for column in ["execution_id", "session_id"] {
                    ids.extend(event.text(column).map(|id| (column, id.to_owned())));
                }
            })?;
            let mut rows = std::collections::BTreeMap::new();
            for (column, id) in ids {
                log.index.each(&Question::all().with(column, &id), &mut |row| drop(rows.insert(row.index, row)))?;
            }
            rows.values().for_each(|row| runs.take(&event_of_row(row)));
        }
    }
    let since = asked.since.unwrap_or(i64::MIN);
    let of_runs = |entry: &crate::record::Entry| {
        [Class::Executions, Class::Sessions].contains(&entry.class) && i64::from(entry.minutes) * 60 >= since
    };
    let holes = holes(log, 0..=u64::MAX, &of_runs)?;
    Ok(Found { what: History::of(runs.end(), asked), holes })
}
