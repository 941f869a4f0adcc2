//! From a commit, a file, an image or an execution back to who asked for it, and forward to what became of it.

use super::approvals::verdict;
use super::asking::{Asking, Of};
use super::execution::outline;
use super::history::Found;
use super::{Log, holes, text};
use crate::audit::AuditError;
use crate::audit::index::{Question, Row};
use crate::inquiry::{self, Branch, Event, Material, Subject, Verdict};
use crate::model::limits;
use crate::seam::Deadline;
use std::collections::{BTreeMap, BTreeSet};

/// What somebody means by a word: a commit, an artifact, an execution, a file.
///
/// # Errors
/// [`AuditError::Unknown`] where the log has nothing of that name, or several.
pub fn meant(log: &Log<'_>, word: &str) -> Result<Subject, AuditError> {
    let (kind, name) = word.split_once(':').unwrap_or(("", word));
    match kind {
        "commit" => return commit_id(log, name).map(Subject::Commit),
        "execution" | "session" => return Ok(Subject::Execution(name.to_owned())),
        "file" => return Ok(Subject::File(name.to_owned())),
        "sha256" | "sha512" => return Ok(Subject::Artifact(word.to_owned())),
        _ => {}
    }
    if let Some((_, digest)) = word.split_once('@').filter(|(_, digest)| digest.starts_with("sha")) {
        return Ok(Subject::Artifact(digest.to_owned()));
    }
    let is_hex = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
    if is_hex && let Ok(id) = commit_id(log, word) {
        return Ok(Subject::Commit(id));
    }
    let file = Question { last: 1, ..Question::default().with("path", word) };
    if !log.index.ask(&file)?.is_empty() {
        return Ok(Subject::File(word.to_owned()));
    }
    Ok(Subject::Execution(word.to_owned()))
}

/// The whole id of a commit of which the log says anything, by its beginning.
///
/// # Errors
/// [`AuditError::Unknown`] where there is none, or several.
pub fn commit_id(log: &Log<'_>, name: &str) -> Result<String, AuditError> {
    let name = name.to_ascii_lowercase();
    let mut found = BTreeSet::new();
    let begins = Question { begins: Some(("target", format!("commit:{name}"))), ..Question::all() };
    log.index.each(&begins, &mut |row| {
        let id = text(&row, "target").and_then(|target| target.strip_prefix("commit:").map(str::to_owned));
        found.extend(id);
    })?;
    let begins = Question { begins: Some(("commit", name.clone())), ..Question::all().of(&["attested"]) };
    log.index.each(&begins, &mut |row| found.extend(text(&row, "commit")))?;
    let unknown = |what: String| Err(AuditError::Unknown { what });
    if found.contains(&name) {
        return Ok(name);
    }
    // What is the beginning of another is another way to name it.
    let whole: Vec<&String> =
        found.iter().filter(|id| !found.iter().any(|other| other != *id && other.starts_with(id.as_str()))).collect();
    match (whole.as_slice(), name.len()) {
        ([id], limits::ID_PREFIX..) => Ok((*id).clone()),
        ([], _) | ([_], _) => unknown(format!("commit `{name}`")),
        (several, _) => unknown(format!("one commit that begins with `{name}` (there are {})", several.len())),
    }
}

/// Traces what is meant.
///
/// # Errors
/// [`AuditError::Unknown`] where the log has nothing of it.
pub fn trace(log: &Log<'_>, subject: &Subject, until: &dyn Deadline) -> Result<Found<Branch>, AuditError> {
    let mut material = Material::default();
    let asking = Asking::of(log, until);
    match subject {
        Subject::Commit(id) => add_commit(&asking, &mut material, id)?,
        Subject::Execution(id) => {
            let id = add_execution(log, &mut material, id)?;
            add_outcome(&asking, &mut material, &id)?;
            let subject = Subject::Execution(id);
            return traced(log, &subject, &material);
        }
        Subject::Artifact(digest) => {
            add_artifact(log, &mut material, digest)?;
            let commits: BTreeSet<String> =
                material.attested.iter().filter_map(|event| event.text("commit")).map(str::to_owned).collect();
            for id in commits.iter().take(limits::TRACED) {
                add_commit(&asking, &mut material, id)?;
            }
        }
        Subject::File(path) => add_file(&asking, &mut material, path)?,
    }
    traced(log, subject, &material)
}

/// Who approved a commit.
///
/// # Errors
/// [`AuditError::OverLimit`] where the way to the merges of it is too long.
pub fn who_approved(log: &Log<'_>, id: &str, until: &dyn Deadline) -> Result<Found<Verdict>, AuditError> {
    let asking = Asking::of(log, until);
    let mut material = Material::default();
    add_commit(&asking, &mut material, id)?;
    let verdict = material.approved.remove(id).unwrap_or_default();
    let mut all = asking.unread(Of::Approvals)?;
    for (what, of) in [
        (inquiry::MAKER_UNREAD, Of::Makers),
        (inquiry::REQUESTER_UNREAD, Of::Requesters),
        (inquiry::MERGES_UNREAD, Of::Commits),
    ] {
        if verdict.unread.contains(&what) {
            all.extend(asking.unread(of)?);
        }
    }
    Ok(Found { what: verdict, holes: all })
}

fn traced(log: &Log<'_>, subject: &Subject, material: &Material) -> Result<Found<Branch>, AuditError> {
    let unknown = || AuditError::Unknown { what: named(subject) };
    let what = inquiry::trace(subject, material).ok_or_else(unknown)?;
    let spans: Vec<(u64, u64)> = material.sheets.values().map(|sheet| sheet.run.records).collect();
    let first = spans.iter().map(|(first, _)| *first).min();
    let last = spans.iter().map(|(_, last)| *last).max();
    let holes = match first.zip(last) {
        Some((first, last)) => holes(log, first..=last, &|_| true)?,
        None => Vec::new(),
    };
    Ok(Found { what, holes })
}

fn named(subject: &Subject) -> String {
    match subject {
        Subject::Commit(name) => format!("commit `{name}`"),
        Subject::Execution(name) => format!("`{name}`"),
        Subject::Artifact(name) => format!("artifact `{name}`"),
        Subject::File(name) => format!("file `{name}`"),
    }
}

/// All that is known of a commit: its records, executions, approvals, and what was built of it.
///
/// # Errors
/// [`AuditError`].
pub(super) fn add_commit(asking: &Asking<'_>, material: &mut Material, id: &str) -> Result<(), AuditError> {
    if material.commits.contains_key(id) {
        return Ok(());
    }
    let log = &asking.log;
    asking.spend(1)?;
    let short = id.get(..7).unwrap_or(id);
    let begins = Question { begins: Some(("target", format!("commit:{short}"))), ..Question::all() };
    let mut rows: Vec<Row> = Vec::new();
    log.index.each(&begins, &mut |row| {
        if text(&row, "target").is_some_and(|target| inquiry::names(&target, id)) {
            rows.push(row);
        }
    })?;
    let mut events = log.events(&rows)?;
    let attested = log.index.ask(&Question::all().of(&["attested"]).with("commit", id))?;
    add_attested(log, material, log.events(&attested)?)?;
    let is_built = material.attested.iter().any(|event| event.text("commit") == Some(id));
    if events.is_empty() && !is_built {
        return Ok(());
    }
    let of = material.attested.iter().filter(|event| event.text("commit") == Some(id));
    let executions = events.iter().chain(of).filter_map(|event| event.text("execution_id")).map(str::to_owned);
    for execution in executions.collect::<BTreeSet<String>>().iter().take(limits::TRACED) {
        add_execution(log, material, execution)?;
    }
    let verdict = verdict(asking, material, id, &mut events)?;
    material.approved.insert(id.to_owned(), verdict);
    material.commits.insert(id.to_owned(), events);
    Ok(())
}

/// An execution, under the id that it has.
fn add_execution(log: &Log<'_>, material: &mut Material, id: &str) -> Result<String, AuditError> {
    if material.sheets.contains_key(id) {
        return Ok(id.to_owned());
    }
    let sheet = outline(log, id)?;
    let whole = sheet.run.id.text().to_owned();
    // A session that is of an execution is known under both names.
    if whole != id {
        material.sheets.insert(id.to_owned(), sheet.clone());
    }
    material.sheets.insert(whole.clone(), sheet);
    Ok(whole)
}

/// What became of an execution: its commits, and what was attested to be of it.
fn add_outcome(asking: &Asking<'_>, material: &mut Material, id: &str) -> Result<(), AuditError> {
    let log = &asking.log;
    let commits = material.sheets.get(id).map(|sheet| sheet.commits.clone()).unwrap_or_default();
    for (_, name) in commits.iter().take(limits::TRACED) {
        add_commit(asking, material, name.trim_start_matches("commit:"))?;
    }
    let attested = log.index.ask(&Question::all().of(&["attested"]).with("execution_id", id))?;
    add_attested(log, material, log.events(&attested)?)
}

fn add_attested(log: &Log<'_>, material: &mut Material, events: Vec<Event>) -> Result<(), AuditError> {
    for event in events {
        if material.attested.iter().any(|known| known.number == event.number) {
            continue;
        }
        let digest = event.text("digest").map(str::to_owned);
        material.attested.push(event);
        if let Some(digest) = digest {
            add_checked(log, material, &digest)?;
        }
    }
    Ok(())
}

fn add_artifact(log: &Log<'_>, material: &mut Material, digest: &str) -> Result<(), AuditError> {
    let attested = log.index.ask(&Question::all().of(&["attested"]).with("digest", digest))?;
    add_attested(log, material, log.events(&attested)?)?;
    add_checked(log, material, digest)
}

/// How an artifact was judged, the last times.
fn add_checked(log: &Log<'_>, material: &mut Material, digest: &str) -> Result<(), AuditError> {
    let question = Question::default().of(&["verified", "admitted"]).with("digest", digest);
    let rows = log.index.ask(&Question { last: limits::TRACED, ..question })?;
    for event in log.events(&rows)? {
        if !material.checked.iter().any(|known| known.number == event.number) {
            material.checked.push(event);
        }
    }
    Ok(())
}

/// Who worked on a file: the last actions on it, with their executions and what these committed.
fn add_file(asking: &Asking<'_>, material: &mut Material, path: &str) -> Result<(), AuditError> {
    let log = &asking.log;
    let rows = log.index.ask(&Question::all().of(&["action"]).with("path", path))?;
    let kept = &rows[rows.len().saturating_sub(limits::TRACED_ACTIONS)..];
    material.left_out = (rows.len() - kept.len()) as u64;
    material.files = log.events(kept)?;
    let mut runs: BTreeMap<String, ()> = BTreeMap::new();
    for event in &material.files {
        runs.extend(event.text("execution_id").or_else(|| event.text("session_id")).map(|id| (id.to_owned(), ())));
    }
    for id in runs.keys() {
        let id = add_execution(log, material, id)?;
        let commits = material.sheets.get(&id).map(|sheet| sheet.commits.clone()).unwrap_or_default();
        for (_, name) in commits.iter().take(limits::TRACED) {
            add_commit(asking, material, name.trim_start_matches("commit:"))?;
        }
    }
    Ok(())
}
