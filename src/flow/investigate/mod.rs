//! Questions to an audit log: the index says where to look, the log says what was recorded, `inquiry` puts it together.

mod approvals;
mod asking;
mod blast;
mod execution;
mod history;
mod holes;
mod marked;
mod merged;
mod rule;
mod timeline;
mod trace;
mod week;

pub use blast::{Reached, Span, blast, start};
pub use execution::{Execution, Logs, execution, logs, state};
pub use history::{Found, history, months, sessions};
pub use holes::holes;
pub use marked::{ChangesOf, Marked, MarkedCommits, Search};
pub use rule::{Against, Exception, Kept, is_execution, keeps, model_of};
pub use timeline::{Chosen, Wanted, timeline};
pub use trace::{commit_id, meant, trace, who_approved};
pub use week::week;

use crate::audit::index::{Row, columns};
use crate::audit::keys::Keys;
use crate::audit::{AuditError, Index, LogStore, Opened, Settings, Stored, open};
use crate::inquiry::{Cell, Event};
use crate::model::limits;
use crate::record::Known;
use serde_json::Value;

/// A log that questions are put to.
#[derive(Clone, Copy)]
pub struct Log<'a> {
    /// Its records.
    pub store: &'a dyn LogStore,
    /// What it is.
    pub settings: &'a Settings,
    /// The keys of its contents.
    pub keys: &'a Keys,
    /// Its index, which has seen all of it.
    pub index: &'a dyn Index,
}

impl Log<'_> {
    /// Records by their numbers, as the log has them.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn numbered(&self, numbers: &[u64]) -> Result<Vec<Event>, AuditError> {
        let mut out = Vec::new();
        for number in numbers {
            let read = self.store.read(*number, 1)?;
            let opened = read.first().and_then(|record| open(record, *number, self.keys).ok());
            out.extend(opened.map(|opened| event_of(*number, &opened)));
        }
        Ok(out)
    }

    /// The records of rows, as the log has them: with people, and with how each value is known.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn events(&self, rows: &[Row]) -> Result<Vec<Event>, AuditError> {
        let mut out = Vec::with_capacity(rows.len());
        // What was recorded together is read together: one record costs as much as all of its frame.
        let (mut first, mut read): (u64, Vec<Stored>) = (0, Vec::new());
        for row in rows {
            let at = |first: u64| row.index.checked_sub(first).and_then(|at| usize::try_from(at).ok());
            if at(first).is_none_or(|at| at >= read.len()) {
                (first, read) = (row.index, self.store.read(row.index, limits::READ_TOGETHER)?);
            }
            let record = at(first).and_then(|at| read.get(at));
            // The index was brought up before: what it has can be read, unless the log was changed meanwhile.
            if let Some(Ok(opened)) = record.map(|record| open(record, row.index, self.keys)) {
                out.push(event_of(row.index, &opened));
            }
        }
        Ok(out)
    }
}

/// A record as a question sees it. What was withheld is not among it.
#[must_use]
pub fn event_of(number: u64, opened: &Opened) -> Event {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    let cell = |said: &crate::record::Said| {
        let (name, known) = (said.field.name.to_owned(), said.known);
        Some(Cell { name, text: text(said.told.value())?, known })
    };
    Event {
        number,
        kind: opened.entry.kind.name.to_owned(),
        logged: i64::from(opened.entry.minutes) * 60,
        said: opened.draft.said.iter().filter_map(cell).collect(),
        erased: opened.redacted.iter().map(|(name, _)| (*name).to_owned()).collect(),
    }
}

/// A row as a question sees it: nothing of people is among it.
#[must_use]
pub fn event_of_row(row: &Row) -> Event {
    let known = columns::placed("known").and_then(|at| row.columns.get(at)?.as_deref()).unwrap_or_default();
    let known_of = |name: &str| {
        let letter = known.split(',').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        letter.and_then(Known::named).unwrap_or(Known::Declared)
    };
    let fields = columns::ALL.iter().zip(&row.columns).filter(|(column, _)| column.from == columns::From::Field);
    let said = fields.filter_map(|(column, value)| {
        Some(Cell { name: column.name.to_owned(), text: value.clone()?, known: known_of(column.name) })
    });
    Event { number: row.index, kind: row.kind.clone(), logged: row.logged, said: said.collect(), erased: Vec::new() }
}

/// What a row has in a column.
fn text(row: &Row, name: &str) -> Option<String> {
    row.columns.get(columns::placed(name)?).cloned().flatten()
}
