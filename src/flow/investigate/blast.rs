//! Everything that one thing may have reached, by what the index has.

use super::execution::of_run;
use super::history::Found;
use super::{Log, commit_id, holes};
use crate::audit::AuditError;
use crate::audit::index::{Following, Question};
use crate::inquiry::Subject;
use crate::inquiry::blast::{Blast, Bounds, Radius, Row, Start};
use crate::record::Class;
use std::collections::BTreeSet;

/// A span of time, with both ends, as RFC 3339 in UTC to the second.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Not before.
    pub since: Option<String>,
    /// Not after.
    pub until: Option<String>,
}

/// What was reached, and what might have been and is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// What was reached.
    pub radius: Radius,
    /// Events that were lost, of which nobody says whose they were.
    pub lost: u64,
    /// Of a dependency: attestations that do not say, or not wholly, what was built of what.
    pub unlisted: u64,
}

/// What somebody means by a word from which something may have spread.
///
/// # Errors
/// [`AuditError::Unknown`] where the log has nothing of that name, or several.
pub fn start(log: &Log<'_>, word: &str) -> Result<Start, AuditError> {
    let (kind, name) = word.split_once(':').unwrap_or(("", word));
    let unknown = |what: &str| AuditError::Unknown { what: what.to_owned() };
    match kind {
        "agent" => return Ok(Start::Agent(name.to_owned())),
        "credential" => return Ok(Start::Credential(name.to_owned())),
        "dependency" => return Ok(Start::Dependency(name.to_owned())),
        "base-image" => return Ok(Start::BaseImage(name.to_owned())),
        "pkg" => return Ok(Start::Dependency(word.to_owned())),
        _ => {}
    }
    match super::meant(log, word)? {
        Subject::Commit(id) => Ok(Start::Commit(commit_id(log, &id)?)),
        Subject::Artifact(digest) => Ok(Start::Artifact(digest)),
        Subject::Execution(id) => {
            let (whole, rows) = of_run(log, &id)?;
            let is_execution = rows.iter().any(|row| super::text(row, "execution_id").as_ref() == Some(&whole));
            Ok(if is_execution { Start::Execution(whole) } else { Start::Session(whole) })
        }
        Subject::File(path) => Err(unknown(&format!("`{path}` as something that spreads: ask `trace` for a file"))),
    }
}

/// Everything that something may have reached.
///
/// # Errors
/// [`AuditError`].
pub fn blast(log: &Log<'_>, start: &Start, span: &Span, bounds: Bounds) -> Result<Found<Reached>, AuditError> {
    let mut blast = Blast::of(start, bounds);
    while let Some(ask) = blast.ask() {
        let shape = ask.step.shape();
        let (since, until) = (span.since.as_deref(), span.until.as_deref());
        let following = Following {
            column: shape.column,
            values: &ask.values,
            kinds: shape.kinds,
            some: shape.some,
            none: shape.none,
            wants: shape.wants,
            once: shape.once,
            begins: shape.begins,
            bare: shape.bare,
            since: since.filter(|_| ask.within),
            until: until.filter(|_| ask.within),
        };
        log.index.follow(&following, &mut |behind| {
            let row = Row {
                number: behind.number,
                kind: &behind.kind,
                at: behind.at.as_deref(),
                known: behind.known.as_deref().unwrap_or_default(),
                wants: shape.wants,
                cells: &behind.cells,
            };
            blast.take(behind.value, &row);
        })?;
    }
    let radius = blast.end();
    let (lost, unlisted) = (lost(log, span)?, unlisted(log, start)?);
    // Of what cannot be read nobody knows whose it was: each may have been of it.
    let of_it = |entry: &crate::record::Entry| {
        let says = ["action", "attested", "admitted", "materials", "outcome"].contains(&entry.kind.name);
        says || [Class::Executions, Class::Sessions].contains(&entry.class)
    };
    let holes = holes(log, 0..=u64::MAX, &of_it)?;
    Ok(Found { what: Reached { radius, lost, unlisted }, holes })
}

/// Events of no execution and no session that were lost in a span of time.
fn lost(log: &Log<'_>, span: &Span) -> Result<u64, AuditError> {
    let losses = Following {
        column: "kind",
        kinds: &["loss"],
        none: &["execution_id", "session_id"],
        wants: &["lost"],
        since: span.since.as_deref(),
        until: span.until.as_deref(),
        ..Following::default()
    };
    let mut lost: u64 = 0;
    log.index.follow(&losses, &mut |row| {
        let count = row.cells.first().and_then(|cell| cell.as_deref()?.parse().ok()).unwrap_or(0);
        lost = lost.saturating_add(count);
    })?;
    Ok(lost)
}

/// Attestations of which the log does not have, or not wholly, what was built of what.
fn unlisted(log: &Log<'_>, start: &Start) -> Result<u64, AuditError> {
    if !matches!(start, Start::Dependency(_) | Start::BaseImage(_)) {
        return Ok(0);
    }
    let statements = |kinds: &'static [&'static str], some: &'static [&'static str]| {
        let all = Following { column: "kind", kinds, some, wants: &["statement"], once: true, ..Following::default() };
        let mut out = BTreeSet::new();
        log.index.follow(&all, &mut |row| out.extend(row.cells.into_iter().flatten()))?;
        Ok::<_, AuditError>(out)
    };
    let listed = statements(&["materials"], &["statement"])?;
    let partly = statements(&["materials"], &["statement", "left_out"])?;
    let attested = statements(&["attested"], &["statement"])?;
    // An attestation without a statement's digest leads to nothing either.
    let bare = Question::all().of(&["attested"]);
    let mut without: u64 = 0;
    log.index.each(&bare, &mut |row| without += u64::from(super::text(&row, "statement").is_none()))?;
    Ok(attested.difference(&listed).count() as u64 + partly.len() as u64 + without)
}
