//! Records of several sources in the log's order.

use super::blast::Span;
use super::execution::of_run;
use super::history::Found;
use super::{Log, commit_id, holes, text};
use crate::audit::AuditError;
use crate::audit::index::{Following, Question, Row};
use crate::inquiry::{self, Event};
use std::collections::{BTreeMap, BTreeSet};

/// Which records: every condition that is given holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of this agent: `squad/agent`, or its name alone.
    pub agent: Option<String>,
    /// Of this execution or session.
    pub execution: Option<String>,
    /// On this path; on all below it, where it ends with `/`.
    pub path: Option<String>,
    /// About this commit, or what was built of it.
    pub commit: Option<String>,
    /// In this span of time.
    pub span: Span,
    /// At most so many, the last ones.
    pub rows: usize,
}

/// Records that fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The records, in the log's order.
    pub events: Vec<Event>,
    /// The agents of their executions and sessions, where they name none themselves.
    pub agents: BTreeMap<String, String>,
    /// How many older ones were left out.
    pub left_out: u64,
}

/// The records that are wanted.
///
/// # Errors
/// [`AuditError::Unknown`] where an execution or a commit is not known, or several are meant.
pub fn timeline(log: &Log<'_>, wanted: &Wanted) -> Result<Found<Chosen>, AuditError> {
    let mut sets: Vec<BTreeMap<u64, Row>> = Vec::new();
    if let Some(id) = &wanted.execution {
        let (_, rows) = of_run(log, id)?;
        sets.push(rows.into_iter().map(|row| (row.index, row)).collect());
    }
    if let Some(agent) = &wanted.agent {
        sets.push(of_agent(log, agent)?);
    }
    if let Some(path) = &wanted.path {
        let all = Question::all();
        let question = if path.ends_with('/') {
            Question { begins: Some(("path", path.clone())), ..all }
        } else {
            all.with("path", path)
        };
        sets.push(asked(log, &question)?);
    }
    if let Some(commit) = &wanted.commit {
        sets.push(of_commit(log, &commit_id(log, commit)?)?);
    }
    let Span { since, until } = wanted.span.clone();
    if sets.is_empty() {
        sets.push(asked(log, &Question { since: since.clone(), until: until.clone(), ..Question::all() })?);
    }
    let mut sets = sets.into_iter();
    let first = sets.next().unwrap_or_default();
    let mut rows = sets.fold(first, |mut all, other| {
        all.retain(|number, _| other.contains_key(number));
        all
    });
    let within = |row: &Row| {
        let at = text(row, "timestamp").unwrap_or_default();
        since.as_ref().is_none_or(|since| at >= *since) && until.as_ref().is_none_or(|until| at <= *until)
    };
    rows.retain(|_, row| within(row));
    let left_out = rows.len().saturating_sub(wanted.rows);
    let rows: Vec<Row> = rows.into_values().skip(left_out).collect();
    let events = log.events(&rows)?;
    let range = rows.first().zip(rows.last()).map_or(0..=u64::MAX, |(first, last)| first.index..=last.index);
    let holes = holes(log, range, &|entry| entry.kind.name != "heartbeat")?;
    Ok(Found { what: Chosen { agents: agents(log, &events)?, events, left_out: left_out as u64 }, holes })
}

fn asked(log: &Log<'_>, question: &Question) -> Result<BTreeMap<u64, Row>, AuditError> {
    let mut rows = BTreeMap::new();
    log.index.each(question, &mut |row| drop(rows.insert(row.index, row)))?;
    Ok(rows)
}

/// What an agent did: records that name it, and those of its executions and sessions.
fn of_agent(log: &Log<'_>, agent: &str) -> Result<BTreeMap<u64, Row>, AuditError> {
    let column = if agent.contains('/') { "agent" } else { "name" };
    let mut rows = asked(log, &Question::all().with(column, agent))?;
    for column in ["execution_id", "session_id"] {
        let ids: BTreeSet<String> = rows.values().filter_map(|row| text(row, column)).collect();
        for id in ids {
            rows.extend(asked(log, &Question::all().with(column, &id))?);
        }
    }
    // What another agent did in one of them is that one's.
    rows.retain(|_, row| text(row, column).is_none_or(|named| named == agent));
    Ok(rows)
}

/// Records about a commit, about what was built of it, and how that was judged.
fn of_commit(log: &Log<'_>, id: &str) -> Result<BTreeMap<u64, Row>, AuditError> {
    let short = id.get(..7).unwrap_or(id);
    let mut rows = asked(log, &Question { begins: Some(("target", format!("commit:{short}"))), ..Question::all() })?;
    rows.retain(|_, row| text(row, "target").is_some_and(|target| inquiry::names(&target, id)));
    for (column, value) in [("commit", id.to_owned()), ("head_commit", id.to_owned())] {
        rows.extend(asked(log, &Question::all().with(column, &value))?);
    }
    let digests: BTreeSet<String> = rows.values().filter_map(|row| text(row, "digest")).collect();
    for digest in digests {
        rows.extend(asked(log, &Question::all().with("digest", &digest))?);
    }
    let approvals: BTreeSet<String> = rows.values().filter_map(|row| text(row, "approval_id")).collect();
    for approval in approvals {
        rows.extend(asked(log, &Question::all().of(&["approval"]).with("approval_id", &approval))?);
    }
    Ok(rows)
}

/// The agents of executions and sessions of which records name none.
fn agents(log: &Log<'_>, events: &[Event]) -> Result<BTreeMap<String, String>, AuditError> {
    let mut out = BTreeMap::new();
    for column in ["execution_id", "session_id"] {
        let ids: BTreeSet<&str> = events
            .iter()
            .filter(|event| event.text("agent").is_none())
            .filter_map(|event| event.text(column))
            .collect();
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        if ids.is_empty() {
            continue;
        }
        let following =
            Following { column, values: &ids, some: &["agent"], wants: &["agent"], once: true, ..Following::default() };
        log.index.follow(&following, &mut |behind| {
            let agent = behind.cells.into_iter().next().flatten();
            if let Some((id, agent)) = ids.get(behind.value).zip(agent) {
                out.entry(id.clone()).or_insert(agent);
            }
        })?;
    }
    Ok(out)
}
