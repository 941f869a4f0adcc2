//! All that a log has of one execution, or of one session.

use super::history::Found;
use super::{Log, event_of_row, holes, text};
use crate::audit::AuditError;
use crate::audit::index::{Question, Row};
use crate::inquiry::{self, Event, RunId, Sheet, State, each_once, sheet};
use crate::model::limits;
use std::collections::{BTreeMap, BTreeSet};

/// An execution: what is to be said of it, and every record of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Execution {
    /// What is to be said.
    pub sheet: Sheet,
    /// Its records, and those of its sessions and approvals, in their order.
    pub events: Vec<Event>,
}

/// What was done in an execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logs {
    /// Its id.
    pub id: RunId,
    /// Its actions, in the log's order.
    pub actions: Vec<Event>,
    /// All of it, for who wants the rest.
    pub sheet: Sheet,
}

/// An execution by its id, or a session by its own; by the beginning of it where that is the beginning of one alone.
///
/// # Errors
/// [`AuditError::Unknown`] where there is none, or several begin so.
pub fn execution(log: &Log<'_>, id: &str) -> Result<Found<Execution>, AuditError> {
    let (id, found) = of_run(log, id)?;
    let events = log.events(&found)?;
    let unknown = || AuditError::Unknown { what: format!("execution or session `{id}`") };
    let sheet = sheet(&events, &id).ok_or_else(unknown)?;
    let (first, last) = sheet.run.records;
    // Whose they were is not known any more: of those between its records each may have been of it.
    let holes = holes(log, first..=last, &|_| true)?;
    Ok(Found { what: Execution { sheet, events }, holes })
}

/// What is needed to do an execution again, and what of it is missing.
///
/// # Errors
/// As [`execution`].
pub fn state(log: &Log<'_>, id: &str) -> Result<Found<State>, AuditError> {
    let Found { what: Execution { sheet, events }, holes } = execution(log, id)?;
    let attested = events.iter().filter(|event| event.kind == "attested");
    let statements: BTreeSet<&str> = attested.filter_map(|event| event.text("statement")).collect();
    let mut rows = Vec::new();
    for statement in statements {
        rows.extend(log.index.ask(&Question::all().of(&["materials"]).with("statement", statement))?);
    }
    let materials = log.events(&rows)?;
    Ok(Found { what: inquiry::state(&sheet, &events, &materials), holes })
}

/// What is to be said of an execution, its actions as the index has them: that is enough where none of them is shown.
///
/// # Errors
/// As [`execution`].
pub(super) fn outline(log: &Log<'_>, id: &str) -> Result<Sheet, AuditError> {
    let (id, found) = of_run(log, id)?;
    let (actions, others): (Vec<Row>, Vec<Row>) = found.into_iter().partition(|row| row.kind == "action");
    let mut events = log.events(&others)?;
    events.extend(actions.iter().map(event_of_row));
    events.sort_by_key(|event| event.number);
    let unknown = || AuditError::Unknown { what: format!("execution or session `{id}`") };
    sheet(&events, &id).ok_or_else(unknown)
}

/// The whole id of an execution, or of a session that is of none, and the rows that are of it.
pub(super) fn of_run(log: &Log<'_>, id: &str) -> Result<(String, Vec<Row>), AuditError> {
    let unknown = || AuditError::Unknown { what: format!("execution or session `{id}`") };
    let (mut column, mut id) = meant(log, id)?.ok_or_else(unknown)?;
    let mut found = rows(log, column, &id)?;
    // A session that is of an execution says no more than that does.
    let execution = found.values().filter(|_| column == "session_id").find_map(|row| text(row, "execution_id"));
    if let Some(execution) = execution {
        (column, id) = ("execution_id", execution);
        found = rows(log, column, &id)?;
    }
    Ok((id, found.into_values().collect()))
}

/// What was done in an execution.
///
/// # Errors
/// As [`execution`].
pub fn logs(log: &Log<'_>, id: &str) -> Result<Found<Logs>, AuditError> {
    let Found { what: Execution { sheet, events }, holes } = execution(log, id)?;
    let actions = each_once(events.into_iter().filter(|event| event.kind == "action").collect());
    let id = sheet.run.id.clone();
    Ok(Found { what: Logs { id, actions, sheet }, holes })
}

/// The column and the whole id of what is meant.
fn meant(log: &Log<'_>, id: &str) -> Result<Option<(&'static str, String)>, AuditError> {
    const COLUMNS: [&str; 2] = ["execution_id", "session_id"];
    for column in COLUMNS {
        let one = Question { last: 1, ..Question::default().with(column, id) };
        if !log.index.ask(&one)?.is_empty() {
            return Ok(Some((column, id.to_owned())));
        }
    }
    if id.len() < limits::ID_PREFIX {
        return Ok(None);
    }
    let mut found = BTreeSet::new();
    for column in COLUMNS {
        let begins = Question { begins: Some((column, id.to_owned())), ..Question::all() };
        log.index.each(&begins, &mut |row| found.extend(text(&row, column).map(|id| (column, id))))?;
    }
    match found.len() {
        0 | 1 => Ok(found.pop_first()),
        _ => {
            let few: Vec<&str> = found.iter().take(10).map(|(_, id)| id.as_str()).collect();
            let what = format!("one execution that begins with `{id}` (there are {}: {})", found.len(), few.join(", "));
            Err(AuditError::Unknown { what })
        }
    }
}

/// Rows of an execution or session: its own, those of its sessions that name no execution, and approvals of it, of its actions
/// and of its commits.
fn rows(log: &Log<'_>, column: &'static str, id: &str) -> Result<BTreeMap<u64, Row>, AuditError> {
    let mut rows: BTreeMap<u64, Row> = BTreeMap::new();
    let add = |rows: &mut BTreeMap<u64, Row>, question: Question, fits: &dyn Fn(&Row) -> bool| {
        log.index.each(&question, &mut |row| {
            if fits(&row) {
                rows.insert(row.index, row);
            }
        })
    };
    add(&mut rows, Question::all().with(column, id), &|_| true)?;
    let values = |rows: &BTreeMap<u64, Row>, name: &str| -> BTreeSet<String> {
        rows.values().filter_map(|row| text(row, name)).collect()
    };
    if column == "execution_id" {
        for session in values(&rows, "session_id") {
            add(&mut rows, Question::all().with("session_id", &session), &|row| text(row, "execution_id").is_none())?;
        }
    }
    let commits = values(&rows, "target").into_iter().filter(|target| target.starts_with("commit:"));
    let approved: Vec<_> = commits.take(limits::APPROVED_TARGETS).chain([id.to_owned()]).collect();
    for target in approved {
        add(&mut rows, Question::all().of(&["approval"]).with("target", &target), &|_| true)?;
    }
    for approval in values(&rows, "approval_id") {
        add(&mut rows, Question::all().of(&["approval"]).with("approval_id", &approval), &|_| true)?;
    }
    Ok(rows)
}
