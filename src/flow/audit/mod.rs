//! Recording, reading and checking an audit log.

pub mod anchor;
pub mod expire;
pub mod hooked;
mod known;
pub mod prices;
pub mod receipt;
pub mod repository;
pub mod session;
mod statement;
pub mod telemetry;
pub mod witnessed;

pub use statement::of_statement;

use crate::audit::index::{Question, Row};
use crate::audit::keys::{Keys, Random};
use crate::audit::{
    Account, AuditError, Index, Log, LogStore, Opened, Outside, Redaction, Settings, Unopened, What, account, open,
};
use crate::model::Timestamp;
use crate::policy::{Decision, SubjectDecision, Verdict};
use crate::record::{Draft, Entry, kinds};
use crate::tlog::policy::Policy;
use crate::tlog::{Checkpoint, LogError, Note};
use serde_json::{Value, json};

/// Records that are read at once.
const BATCH: usize = 4096;

/// What was recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Number of each record, in the order in which they were handed in; of one that was there already, the number it has.
    pub numbers: Vec<u64>,
    /// How many were there already, and say the same.
    pub known: usize,
    /// Numbers of records under whose id something else was handed in: what was recorded stays.
    pub differing: Vec<u64>,
}

/// Records drafts; one whose source and id are in the log is there already.
///
/// # Errors
/// [`AuditError`].
pub fn record(
    log: &mut Log,
    index: &mut dyn Index,
    drafts: &[Draft],
    now: Timestamp,
    random: Random<'_>,
) -> Result<Recorded, AuditError> {
    catch_up(log.store(), log.keys(), log.size(), index)?;
    let drafts: Vec<&Draft> = drafts.iter().collect();
    let out = append(log, index, &drafts, now, random)?.into_iter().collect();
    log.publish()?;
    catch_up(log.store(), log.keys(), log.size(), index)?;
    Ok(out)
}

/// Records what several hand in at the same time, the drafts of each all or none; they are durable when this returns, and not
/// published yet. Where one of them cannot be recorded the others are.
///
/// # Errors
/// [`AuditError`] where the log cannot be written to: then it has to be opened anew.
pub fn commit(
    log: &mut Log,
    index: &mut dyn Index,
    jobs: &[Vec<Draft>],
    now: Timestamp,
    random: Random<'_>,
) -> Result<Vec<Result<Recorded, AuditError>>, AuditError> {
    let all: Vec<&Draft> = jobs.iter().flatten().collect();
    if all.iter().any(|draft| draft.text("source_id").is_some()) {
        catch_up(log.store(), log.keys(), log.size(), index)?;
    }
    match append(log, index, &all, now, random) {
        Ok(placed) => {
            let mut placed = placed.into_iter();
            Ok(jobs.iter().map(|job| Ok(placed.by_ref().take(job.len()).collect())).collect())
        }
        // One is too large, which was found before anything was written.
        Err(e @ AuditError::TooLarge { .. }) if jobs.len() == 1 => Ok(vec![Err(e)]),
        Err(AuditError::TooLarge { .. }) => {
            let mut out = Vec::new();
            for job in jobs {
                out.append(&mut commit(log, index, std::slice::from_ref(job), now, random)?);
            }
            Ok(out)
        }
        Err(e) => Err(e),
    }
}

/// What became of a draft.
enum Placed {
    /// It is new.
    New,
    /// It was there already.
    Known,
    /// Under its id stands something else.
    Differs,
}

/// Appends drafts that are not in the log yet: the number of each, and what became of it.
fn append(
    log: &mut Log,
    index: &dyn Index,
    drafts: &[&Draft],
    now: Timestamp,
    random: Random<'_>,
) -> Result<Vec<(u64, Placed)>, AuditError> {
    let (mut out, mut new): (Vec<_>, Vec<Draft>) = (Vec::with_capacity(drafts.len()), Vec::new());
    let mut first = std::collections::HashMap::new();
    for draft in drafts {
        let id = known::name_of(draft);
        let known = match &id {
            Some(id) => match first.get(id).and_then(|at: &usize| Some((*at, new.get(*at)?))) {
                Some((at, before)) => Some((log.size() + at as u64, draft.differs(before, &[]))),
                None => known::of_source(log.store(), log.keys(), index, draft)?,
            },
            None => None,
        };
        if let Some((number, differs)) = known {
            out.push((number, if differs { Placed::Differs } else { Placed::Known }));
            continue;
        }
        first.extend(id.map(|id| (id, new.len())));
        out.push((log.size() + new.len() as u64, Placed::New));
        new.push((*draft).clone());
    }
    log.append(&new, now, random)?;
    Ok(out)
}

impl FromIterator<(u64, Placed)> for Recorded {
    fn from_iter<I: IntoIterator<Item = (u64, Placed)>>(all: I) -> Self {
        let mut out = Self::default();
        for (number, placed) in all {
            out.numbers.push(number);
            match placed {
                Placed::New => {}
                Placed::Known => out.known += 1,
                Placed::Differs => out.differing.push(number),
            }
        }
        out
    }
}

/// Brings an index up to a log. One that says to have seen more than there is is made again.
///
/// # Errors
/// [`AuditError`].
pub fn catch_up(store: &dyn LogStore, keys: &Keys, size: u64, index: &mut dyn Index) -> Result<(), AuditError> {
    if index.position()? > size {
        index.clear()?;
    }
    // After a crash in the middle of an erasure, too, nothing of what was erased may stay here.
    if index.generation()? != keys.generation {
        let gone = unreadable(store, keys, &index.rows()?)?;
        index.forget(&gone)?;
        index.set_generation(keys.generation)?;
    }
    let mut at = index.position()?;
    while at < size {
        let records = store.read(at, BATCH)?;
        if records.is_empty() {
            return Err(AuditError::Damaged { index: Some(at), cause: format!("the journal ends before record {at}") });
        }
        let opened: Vec<_> = (at..size).zip(&records).map(|(n, record)| (n, open(record, n, keys).ok())).collect();
        at += opened.len() as u64;
        index.apply(&opened)?;
    }
    Ok(())
}

/// Rows of records that cannot be read any more.
fn unreadable(store: &dyn LogStore, keys: &Keys, rows: &[Row]) -> Result<Vec<u64>, AuditError> {
    let mut gone = Vec::new();
    for row in rows {
        let record = store.read(row.index, 1)?;
        let readable = record.first().is_some_and(|record| open(record, row.index, keys).is_ok());
        if !readable {
            gone.push(row.index);
        }
    }
    Ok(gone)
}

/// A record by its number, or why it says nothing.
///
/// # Errors
/// [`AuditError::Unknown`] when there is none.
pub fn opened(store: &dyn LogStore, keys: &Keys, number: u64) -> Result<Result<Opened, Unopened>, AuditError> {
    let records = store.read(number, 1)?;
    let record = records.first().ok_or_else(|| AuditError::Unknown { what: format!("record {number}") })?;
    Ok(open(record, number, keys))
}

/// Whether somebody means a record, by its number or its id, and not all of an execution.
#[must_use]
pub fn is_record(index: &dyn Index, size: u64, what: &str) -> bool {
    let by_id = || index.ask(&Question { id: Some(what.to_owned()), last: 1, ..Question::default() });
    numbered(what, size).is_some() || by_id().is_ok_and(|rows| !rows.is_empty())
}

/// A record's number as people write it.
fn numbered(text: &str, size: u64) -> Option<u64> {
    text.replace(',', "").parse().ok().filter(|number| *number < size)
}

/// Numbers of the records that somebody means: a number, the id of a record or of an execution, or the last ones.
///
/// # Errors
/// [`AuditError::Unknown`] when nothing matches.
pub fn meant(index: &dyn Index, size: u64, what: Option<&str>, last: usize) -> Result<Vec<u64>, AuditError> {
    let Some(text) = what else { return Ok((size.saturating_sub(last as u64)..size).collect()) };
    if let Some(number) = numbered(text, size) {
        return Ok(vec![number]);
    }
    let by = |question: Question| index.ask(&question).map(|rows| rows.iter().map(|row| row.index).collect::<Vec<_>>());
    let mut found = by(Question { id: Some(text.to_owned()), last: 1, ..Question::default() })?;
    if found.is_empty() {
        found = by(Question { execution: Some(text.to_owned()), last: usize::MAX, ..Question::default() })?;
    }
    if found.is_empty() { Err(AuditError::Unknown { what: format!("`{text}`") }) } else { Ok(found) }
}

/// Numbers of the records of an execution.
///
/// # Errors
/// [`AuditError::Unknown`] when there are none, or none that can be read.
pub fn of_execution(index: &dyn Index, id: &str) -> Result<Vec<u64>, AuditError> {
    let rows = index.ask(&Question { execution: Some(id.to_owned()), last: usize::MAX, ..Question::default() })?;
    let found: Vec<u64> = rows.iter().map(|row| row.index).collect();
    if found.is_empty() { Err(AuditError::Unknown { what: format!("`{id}`") }) } else { Ok(found) }
}

/// The one record that somebody means who names it, or its execution, and fields that it has.
///
/// # Errors
/// [`AuditError::Unknown`] where there is none, or several: then it names them.
pub fn one_meant(
    store: &dyn LogStore,
    keys: &Keys,
    index: &dyn Index,
    what: &str,
    fields: &[String],
) -> Result<u64, AuditError> {
    let mut found = meant(index, store.size(), Some(what), 0)?;
    if found.len() > 1 {
        let all = found.len();
        let mut fitting = Vec::new();
        for number in found {
            if opened(store, keys, number)?.is_ok_and(|one| fields.iter().all(|f| one.draft.get(f).is_some())) {
                fitting.push(number);
            }
        }
        found = fitting;
        if found.len() != 1 {
            let few: Vec<String> = found.iter().take(10).map(u64::to_string).collect();
            let with = match few.as_slice() {
                [] => "none has what was asked for".to_owned(),
                few => format!("name one of them: {}{}", few.join(", "), if found.len() > 10 { ", ..." } else { "" }),
            };
            return Err(AuditError::Unknown { what: format!("one record of `{what}` (it has {all}; {with})") });
        }
    }
    found.first().copied().ok_or_else(|| AuditError::Unknown { what: format!("`{what}`") })
}

/// The redactions of a log by the numbers of their records, those alone that have authority.
///
/// # Errors
/// [`AuditError::Unusable`], [`AuditError::Damaged`].
pub fn redactions(store: &dyn LogStore, settings: &Settings) -> Result<Vec<(u64, Redaction)>, AuditError> {
    let (mut out, mut at) = (Vec::new(), 0);
    while at < store.size() {
        let records = store.read(at, BATCH)?;
        if records.is_empty() {
            return Err(AuditError::Damaged { index: Some(at), cause: format!("the journal ends before record {at}") });
        }
        for record in records {
            let is_one = Entry::parse(&record.entry).is_ok_and(|entry| entry.kind.number == kinds::REDACTION);
            if is_one
                && let Ok(found) = Redaction::authorised(&record.content, &settings.origin, &settings.officer)
                && found.at == at
            {
                out.push((at, found));
            }
            at += 1;
        }
    }
    Ok(out)
}

/// The redaction that took away what a record said.
#[must_use]
pub fn redacted_by<'a>(list: &'a [(u64, Redaction)], index: u64, entry: &Entry) -> Option<&'a (u64, Redaction)> {
    list.iter().find(|(at, redaction)| {
        index < *at
            && match &redaction.what {
                What::Records(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&index)),
                What::Expired { class, from, until, .. } => {
                    entry.class == *class && (*from..=*until).contains(&entry.day())
                }
                What::Person(_) => false,
            }
    })
}

/// Reads a checkpoint that was kept elsewhere, or a receipt with one: signed by the log, and seen by whom a policy demands.
///
/// # Errors
/// [`AuditError::Malformed`] when it cannot be read, [`AuditError::Unproven`] when it is not of this log.
pub fn outside(name: &str, bytes: &[u8], settings: &Settings, policy: Option<&Policy>) -> Result<Outside, AuditError> {
    let receipt = crate::tlog::proof::Proof::parse(bytes).map(|proof| proof.checkpoint);
    let text = receipt.unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned());
    let unread = |e: LogError| AuditError::Malformed { what: name.to_owned(), cause: e.to_string() };
    let note = Note::parse(text.as_bytes()).map_err(unread)?;
    let wrong = |cause: String| AuditError::Unproven { what: name.to_owned(), cause };
    if let Some(policy) = policy {
        let (checkpoint, seen) = policy.check(&note).map_err(|e| wrong(e.to_string()))?;
        let seen = anchor::later(seen, settings);
        if !policy.is_met(&seen) {
            return Err(wrong("a witness cosigned it at a time before the log was made".into()));
        }
        let time = policy.met_at(&seen).map(|time| (time, seen.keys().cloned().collect()));
        return Ok(Outside { seen, time, ..Outside::kept(name, checkpoint) });
    }
    match note.is_signed_by(&settings.key) {
        Ok(true) => {
            let checkpoint = Checkpoint::parse(note.text).map_err(unread)?;
            Ok(Outside::kept(name, checkpoint))
        }
        Ok(false) => {
            let origin = note.text.lines().next().unwrap_or_default();
            Err(wrong(format!("it is of {origin}, and not signed by the key of {}", settings.origin)))
        }
        Err(e) => Err(wrong(e.to_string())),
    }
}

/// A decision as records, one for each subject.
#[must_use]
pub fn of_decision(decision: &Decision) -> Vec<Value> {
    let policies: Vec<&str> = decision.policies.iter().map(|p| p.name.as_str()).collect();
    let record = |subject: &SubjectDecision| {
        let verdict = match subject.verdict {
            Verdict::Allow => "allow",
            Verdict::Deny => "deny",
            Verdict::Unavailable => "unknown",
        };
        let mut out = json!({ "kind": "verified", "subject": statement::named(&subject.artifact.scope), "verdict": verdict,
            "digest": subject.artifact.digest.to_string(), "completed_at": decision.decided_at.to_string(), "source": "attest",
            "known": { "subject": "witnessed", "verdict": "witnessed", "digest": "witnessed" } });
        if !policies.is_empty() {
            out["policy"] = json!(policies.join(", "));
        }
        if let Some(code) = subject.code() {
            out["code"] = json!(code.as_str());
        }
        out
    };
    decision.subjects.iter().map(record).collect()
}

/// What checking a log found, its index included.
#[derive(Debug)]
pub struct Checked {
    /// Of the log.
    pub account: Account,
    /// How far the index goes.
    pub indexed: Option<u64>,
    /// The first row of the index that the log does not say.
    pub lying: Option<u64>,
    /// Rows of what was destroyed, which a destruction that was interrupted left there: the next command takes them away.
    pub left: usize,
}

/// Checks a log, and its index against it.
///
/// # Errors
/// [`AuditError::Unusable`].
pub fn check(
    store: &dyn LogStore,
    settings: &Settings,
    keys: Option<&Keys>,
    outside: &[Outside],
    index: Option<&dyn Index>,
    now: Timestamp,
) -> Result<Checked, AuditError> {
    let mut account = account(store, settings, keys, outside)?;
    account.as_of(now);
    let (mut indexed, mut lying, mut left) = (None, None, 0);
    if let (Some(index), Some(keys)) = (index, keys) {
        let position = index.position()?.min(account.size);
        indexed = Some(position);
        let mut rows = index.rows()?;
        if index.generation()? != keys.generation {
            let gone = unreadable(store, keys, &rows)?;
            rows.retain(|row| !gone.contains(&row.index));
            left = gone.len();
        }
        lying = first_lie(store, keys, position, &rows)?;
    }
    Ok(Checked { account, indexed, lying, left })
}

/// The first row that a fresh index of the same records would not have, or would have otherwise.
fn first_lie(store: &dyn LogStore, keys: &Keys, size: u64, rows: &[Row]) -> Result<Option<u64>, AuditError> {
    let mut fresh = crate::audit::index::SqliteIndex::in_memory()?;
    match catch_up(store, keys, size, &mut fresh) {
        Ok(()) => {}
        // The log itself is not whole, which the account says.
        Err(AuditError::Damaged { .. }) => return Ok(None),
        Err(e) => return Err(e),
    }
    let expected = fresh.rows()?;
    let differs = expected.iter().zip(rows).find(|(a, b)| a != b).map(|(a, b)| a.index.min(b.index));
    let longer = || rows.get(expected.len()).or_else(|| expected.get(rows.len())).map(|row| row.index);
    Ok(differs.or_else(longer))
}
