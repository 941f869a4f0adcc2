//! Expiring what was kept long enough. Before executions and sessions of a month go, what each agent did in it is recorded for ever
//! ([`Summary`]); only when that is durable are keys destroyed.
//!
//! Every execution is counted once, in the month in which its first record was put into the log. The summary of all agents is
//! written last and says up to which day the month was counted: what a crash interrupted is done again from there on. Of an
//! execution that goes on behind that day, the first record is gone before its last; a tag, which expires later than all of them,
//! says that it was counted.

use super::{catch_up, opened, record};
use crate::audit::keys::{Keys, Random};
use crate::audit::{AuditError, Index, Log, LogStore, Unopened, What, open};
use crate::flow::investigate::event_of;
use crate::inquiry::{ALL_AGENTS, Event, Kept, NOT_SAID, Run, RunId, Runs, Summary};
use crate::model::{Digest, Timestamp};
use crate::record::{Class, Draft, draft::Origin};
use crate::tlog::note::NoteSigner;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The tag of an execution that was counted and goes on.
const TAG: &str = "attest.summary";
/// Runs, and on which days they worked.
type Worked = (Vec<Run>, BTreeMap<RunId, (u32, u32)>);

/// How the program names itself as a source.
const SOURCE: &str = "attest";
/// Records that are read at once.
const BATCH: usize = 4096;

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// Numbers of the summaries that were written.
    pub summaries: Vec<u64>,
    /// Numbers of the redactions.
    pub redactions: Vec<u64>,
}

/// Records what is about to expire in summaries, then destroys its keys.
///
/// # Errors
/// [`AuditError`]: where a summary could not be recorded, nothing was destroyed.
pub fn expire(
    log: &mut Log,
    index: &mut dyn Index,
    officer: &NoteSigner,
    now: Timestamp,
    random: Random<'_>,
) -> Result<Expired, AuditError> {
    log.finish_redaction(now, random)?;
    catch_up(log.store(), log.keys(), log.size(), index)?;
    let mut out = Expired::default();
    let documents = documents(log, index, now)?;
    let read = |document: &Value| {
        Draft::read(document, Origin::Own, &mut *random)
            .map_err(|e| AuditError::Malformed { what: "summary".into(), cause: e.to_string() })
    };
    let drafts: Vec<Draft> = documents.iter().map(read).collect::<Result<_, _>>()?;
    if !drafts.is_empty() {
        // Tags, then each agent's, then the one of all: in this order, so that the last one says that the others are there.
        let recorded = record(log, index, &drafts, now, random)?;
        let summaries = documents.iter().zip(recorded.numbers).filter(|(one, _)| one["kind"] == "summary");
        out.summaries = summaries.map(|(_, number)| number).collect();
    }
    out.redactions = log.retain(officer, now, random)?;
    log.publish()?;
    catch_up(log.store(), log.keys(), log.size(), index)?;
    Ok(out)
}

/// A month of the calendar.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Month(String);

impl Month {
    /// The one of a day (days since 1970).
    fn of(day: u32) -> Self {
        Self(date(day).get(..7).unwrap_or_default().to_owned())
    }

    /// Its last day.
    fn last(&self, some: u32) -> u32 {
        (some..some + 31).take_while(|day| Self::of(*day) == *self).last().unwrap_or(some)
    }
}

/// A day as `2026-08-31`.
fn date(day: u32) -> String {
    let time = Timestamp::from_unix(i64::from(day) * 86_400).map_or_else(String::new, |time| time.to_string());
    time.get(..10).unwrap_or_default().to_owned()
}

/// The day of such a text.
fn day_of(date: &str) -> Option<u32> {
    let time = Timestamp::parse(&format!("{date}T00:00:00Z")).ok()?;
    u32::try_from(time.unix() / 86_400).ok()
}

/// The records that are to be written before anything expires, in their order.
fn documents(log: &Log, index: &dyn Index, now: Timestamp) -> Result<Vec<Value>, AuditError> {
    let counted = counted(log, index)?;
    let is_counted = |day: u32| counted.get(&Month::of(day)).is_some_and(|until| day <= *until);
    let mut due: BTreeMap<Month, u32> = BTreeMap::new();
    for what in log.due(now)? {
        let What::Expired { class, from, until, .. } = what else { continue };
        for day in log.keys().days(class).filter(|day| (from..=until).contains(day) && !is_counted(*day)) {
            let month = Month::of(day);
            let today = u32::try_from(now.unix() / 86_400).unwrap_or(0);
            // A month that is over is counted whole; of one that is not, what goes now.
            let last = month.last(day);
            let end = if last < today { last } else { until };
            let known = due.entry(month).or_insert(end);
            *known = end.max(*known);
        }
    }
    if due.is_empty() {
        return Ok(Vec::new());
    }
    let (runs, days) = all_runs(log.store(), log.keys(), log.size())?;
    let mut tags = Vec::new();
    let mut months: BTreeMap<Month, BTreeMap<String, Kept>> = BTreeMap::new();
    for run in runs {
        let Some((first, last)) = days.get(&run.id).copied() else { continue };
        let month = Month::of(first);
        let Some(until) = due.get(&month).filter(|until| first <= **until) else { continue };
        if is_counted(first) || was_counted(&run, &counted) {
            continue;
        }
        let agent = run.agent.clone().filter(|agent| agent != ALL_AGENTS).unwrap_or_else(|| NOT_SAID.to_owned());
        let agents = months.entry(month.clone()).or_default();
        agents.entry(agent).or_default().add(&run);
        agents.entry(ALL_AGENTS.to_owned()).or_default().add(&run);
        if last > *until {
            tags.push(tag(&run.id, &month, *until));
        }
    }
    let mut out = tags;
    for (month, mut agents) in months {
        let Some(until) = due.get(&month) else { continue };
        let all = agents.remove(ALL_AGENTS).unwrap_or_default();
        out.extend(agents.iter().map(|(agent, kept)| summary(&month, *until, agent, kept)));
        out.push(summary(&month, *until, ALL_AGENTS, &all));
    }
    Ok(out)
}

/// Up to which day each month was counted. The index only says where to look.
fn counted(log: &Log, index: &dyn Index) -> Result<BTreeMap<Month, u32>, AuditError> {
    let question = crate::audit::index::Question::all().of(&["summary"]).with("agent", ALL_AGENTS);
    let mut out: BTreeMap<Month, u32> = BTreeMap::new();
    for row in index.ask(&question)? {
        let Ok(found) = opened(log.store(), log.keys(), row.index)? else { continue };
        let (draft, is_summary) = (&found.draft, found.entry.kind.name == "summary");
        let until =
            draft.text("source_id").and_then(|id| id.strip_prefix("summary:")?.split(':').nth(1)).and_then(day_of);
        let own = is_summary && draft.text("agent") == Some(ALL_AGENTS);
        if let (true, Some(until), Some(month)) = (own, until, draft.text("month")) {
            let known = out.entry(Month(month.to_owned())).or_default();
            *known = until.max(*known);
        }
    }
    Ok(out)
}

/// Whether a tag says that a run was counted, and the summary in which it was is there.
fn was_counted(run: &Run, counted: &BTreeMap<Month, u32>) -> bool {
    let said = run.tags.get(TAG).and_then(|text| text.split_once(':'));
    let said = said.and_then(|(month, until)| Some((Month(month.to_owned()), day_of(until)?)));
    said.is_some_and(|(month, until)| counted.get(&month).is_some_and(|known| until <= *known))
}

/// On which days runs worked, the first and the last of each: what has only tags, approvals and the like is no execution.
#[derive(Default)]
struct Work {
    days: BTreeMap<RunId, (u32, u32)>,
    /// Sessions that are of an execution.
    sessions: BTreeMap<String, String>,
}

impl Work {
    fn take(&mut self, event: &Event, class: Class, day: u32) {
        let (session, execution) = (event.text("session_id"), event.text("execution_id"));
        if let (Some(session), Some(execution)) = (session, execution) {
            self.sessions.entry(session.to_owned()).or_insert_with(|| execution.to_owned());
        }
        let id = match (execution, session) {
            (Some(id), _) => RunId::Execution(id.to_owned()),
            (None, Some(id)) => RunId::Session(id.to_owned()),
            (None, None) => return,
        };
        if [Class::Executions, Class::Sessions].contains(&class) && event.kind != "tag" {
            self.at(id, (day, day));
        }
    }

    fn at(&mut self, id: RunId, (first, last): (u32, u32)) {
        let known = self.days.entry(id).or_insert((first, last));
        *known = (known.0.min(first), known.1.max(last));
    }

    /// The days of every run, those of its sessions among them.
    fn end(mut self) -> BTreeMap<RunId, (u32, u32)> {
        for (session, execution) in std::mem::take(&mut self.sessions) {
            if let Some(days) = self.days.remove(&RunId::Session(session)) {
                self.at(RunId::Execution(execution), days);
            }
        }
        self.days
    }
}

/// Every run of which there is a record, from the log itself: what is written of them stays when the log cannot be asked any more.
fn all_runs(store: &dyn LogStore, keys: &Keys, size: u64) -> Result<Worked, AuditError> {
    let (mut runs, mut work, mut number) = (Runs::default(), Work::default(), 0);
    while number < size {
        let records = store.read(number, BATCH)?;
        if records.is_empty() {
            let cause = format!("the journal ends before record {number}");
            return Err(AuditError::Damaged { index: Some(number), cause });
        }
        for record in records {
            match open(&record, number, keys) {
                Ok(opened) => {
                    let event = event_of(number, &opened);
                    work.take(&event, opened.entry.class, opened.entry.day());
                    runs.take(&event);
                }
                // What it said is not to be passed over in silence, and for ever.
                Err(Unopened::Damaged(cause)) => return Err(AuditError::Damaged { index: Some(number), cause }),
                Err(_) => {}
            }
            number += 1;
        }
    }
    Ok((runs.end(), work.end()))
}

/// A name as a part of an id: a long one would make it longer than a value may be.
fn short(name: &str) -> String {
    if name.len() <= 128 { name.to_owned() } else { Digest::sha256(name.as_bytes()).to_string() }
}

/// What says that a run was counted: it is of the class that expires last, and written after all that it is about.
fn tag(id: &RunId, month: &Month, until: u32) -> Value {
    let (until, Month(month)) = (date(until), month);
    let field = match id {
        RunId::Execution(_) => "execution_id",
        RunId::Session(_) => "session_id",
    };
    json!({ "kind": "tag", field: id.text(), "key": TAG, "value": format!("{month}:{until}"), "source": SOURCE,
        "source_id": format!("counted:{month}:{until}:{}", short(id.text())), "known": { "value": "derived" } })
}

fn summary(Month(month): &Month, until: u32, agent: &str, all: &Kept) -> Value {
    let id = format!("summary:{month}:{}:{}", date(until), short(agent));
    let mut out = json!({ "kind": "summary", "source": SOURCE, "source_id": id });
    let mut known = serde_json::Map::new();
    for (name, value) in Summary::fields(month, agent, all) {
        let is_count = crate::record::fields::named(name).is_some_and(|f| f.form == crate::record::fields::Form::Count);
        out[name] = match value.parse::<u64>() {
            Ok(n) if is_count => json!(n),
            _ => json!(value),
        };
        known.insert(name.to_owned(), json!("derived"));
    }
    out["known"] = Value::Object(known);
    out
}

#[cfg(test)]
mod tests;
