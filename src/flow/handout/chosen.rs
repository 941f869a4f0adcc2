//! Which records are handed out.

use crate::audit::index::Question;
use crate::audit::{AuditError, LogStore, Stored, Unopened, open};
use crate::flow::investigate::{self, Log};
use crate::model::{Timestamp, limits};
use crate::record::{Entry, reading};
use std::collections::BTreeSet;

/// Which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// From a number on to just before another: all of them.
    Range(u64, u64),
    /// Single ones.
    Single(BTreeSet<u64>),
}

impl Chosen {
    /// Gives each, in their order.
    pub(super) fn each(
        &self,
        store: &dyn LogStore,
        take: &mut dyn FnMut(u64, &Stored) -> Result<(), AuditError>,
    ) -> Result<(), AuditError> {
        match self {
            Self::Range(first, end) => each(store, (*first, *end), take),
            Self::Single(numbers) => {
                for number in numbers {
                    each(store, (*number, *number + 1), take)?;
                }
                Ok(())
            }
        }
    }
}

fn each(
    store: &dyn LogStore,
    (first, end): (u64, u64),
    take: &mut dyn FnMut(u64, &Stored) -> Result<(), AuditError>,
) -> Result<(), AuditError> {
    let mut at = first;
    while at < end {
        let count = usize::try_from(end - at).unwrap_or(usize::MAX).min(limits::READ_TOGETHER);
        let records = store.read(at, count)?;
        if records.is_empty() {
            return Err(AuditError::Damaged { index: Some(at), cause: format!("the journal ends before record {at}") });
        }
        for record in &records {
            take(at, record)?;
            at += 1;
        }
    }
    Ok(())
}

/// The records that were put into the log in a month, as `2026-10`, of the first so many: from the first of them to the last. What
/// stands between them and has another time, as a clock was set, is among them.
///
/// # Errors
/// [`AuditError::Malformed`] where it is no month, [`AuditError::Nothing`] where there is none.
pub fn of_month(store: &dyn LogStore, size: u64, month: &str) -> Result<Chosen, AuditError> {
    let is_month = month.len() == 7 && Timestamp::parse(&format!("{month}-01T00:00:00Z")).is_ok();
    if !is_month {
        let cause = "expected a year and a month, as 2026-10".to_owned();
        return Err(AuditError::Malformed { what: "the month".into(), cause });
    }
    let mut found: Option<(u64, u64)> = None;
    each(store, (0, size), &mut |number, stored| {
        let minutes = Entry::parse(&stored.entry).map_or(0, |entry| entry.minutes);
        let time = Timestamp::from_unix(i64::from(minutes) * 60).map(|time| time.to_string());
        if time.is_some_and(|time| time.starts_with(month)) {
            found = Some((found.map_or(number, |(first, _)| first), number + 1));
        }
        Ok(())
    })?;
    let (first, end) = found.ok_or_else(|| AuditError::Nothing {
        what: "to export",
        why: format!("no record was put into the log in {month}"),
    })?;
    Ok(Chosen::Range(first, end))
}

/// The records, of the first so many, that name a person.
///
/// # Errors
/// [`AuditError::Nothing`] where none does that can be read.
pub fn of_person(log: &Log<'_>, size: u64, person: &str) -> Result<Chosen, AuditError> {
    let mut found = BTreeSet::new();
    each(log.store, (0, size), &mut |number, stored| {
        if let Ok(opened) = open(stored, number, log.keys)
            && opened.draft.said.iter().any(|said| said.field.person && said.told.value() == person)
        {
            found.insert(number);
        }
        Ok(())
    })?;
    single(found, || format!("no record that can be read names {person}"))
}

/// The records of an incident, of the first so many: of executions and sessions all that is of them; of a commit what is about it, and
/// the executions that these records name. With them what cannot be read between them, the redactions that say why, and what the log is.
///
/// # Errors
/// [`AuditError::Unknown`] where one of them is not known.
pub fn of_incident(log: &Log<'_>, size: u64, things: &[String]) -> Result<(Chosen, Vec<String>), AuditError> {
    let (mut found, mut executions) = (BTreeSet::new(), Vec::new());
    for thing in things {
        match thing.strip_prefix("commit:").or_else(|| reading::is_commit_id(thing).then_some(thing.as_str())) {
            Some(id) => executions.extend(of_commit(log, id, &mut found)?),
            None => executions.push(thing.clone()),
        }
    }
    let mut ids = Vec::new();
    for id in &executions {
        let execution = investigate::execution(log, id)?.what;
        let (first, last) = execution.sheet.run.records;
        found.extend(execution.events.iter().map(|event| event.number));
        let own = execution.sheet.run.id.text().to_owned();
        if !ids.contains(&own) {
            ids.push(own);
        }
        unread(log, (first, last), &mut found)?;
    }
    found.insert(0);
    found.retain(|number| *number < size);
    Ok((single(found, || "nothing is known of it".to_owned())?, ids))
}

/// Records about a commit; the executions, or else sessions, that they name.
fn of_commit(log: &Log<'_>, id: &str, found: &mut BTreeSet<u64>) -> Result<Vec<String>, AuditError> {
    let (before, mut out) = (found.len(), BTreeSet::new());
    for (column, value) in [("target", format!("commit:{id}")), ("head_commit", id.to_owned())] {
        let rows = log.index.ask(&Question::all().with(column, &value))?;
        for event in log.events(&rows)? {
            found.insert(event.number);
            out.extend(event.text("execution_id").or_else(|| event.text("session_id")).map(str::to_owned));
        }
    }
    match found.len() > before {
        true => Ok(out.into_iter().collect()),
        false => Err(AuditError::Unknown { what: format!("commit `{id}`: its whole id is needed") }),
    }
}

/// Adds what cannot be read between two numbers, and the redactions that say why.
fn unread(log: &Log<'_>, (first, last): (u64, u64), found: &mut BTreeSet<u64>) -> Result<(), AuditError> {
    let redactions = crate::flow::audit::redactions(log.store, log.settings)?;
    for (from, to) in log.index.missing()? {
        let (from, end) = (from.max(first), to.min(last).saturating_add(1));
        each(log.store, (from, end.max(from)), &mut |number, stored| {
            if let Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) = open(stored, number, log.keys) {
                found.insert(number);
                found.extend(crate::flow::audit::redacted_by(&redactions, number, &entry).map(|(at, _)| *at));
            }
            Ok(())
        })?;
    }
    Ok(())
}

fn single(found: BTreeSet<u64>, why: impl Fn() -> String) -> Result<Chosen, AuditError> {
    match found.len() {
        0 => Err(AuditError::Nothing { what: "to export", why: why() }),
        n if n > limits::HANDOUT_SINGLE => {
            let most = limits::HANDOUT_SINGLE;
            Err(AuditError::OverLimit { what: format!("{n} records, where at most {most} are handed out one by one") })
        }
        _ => Ok(Chosen::Single(found)),
    }
}
