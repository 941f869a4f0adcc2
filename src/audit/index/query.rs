#![expect(clippy::disallowed_methods, reason = "back end: a question has a time, which is looked at while it runs")]
//! A question in SQL to the index, by whoever may read the log: it reads the documented tables and nothing else, and ends in time.
//!
//! What it may do is decided when it is compiled, by SQLite's authorizer, on the parsed statement: no text is searched for words.

use super::value::plain;
use crate::model::code::codes;
use crate::model::{Code, limits};
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// Tables and views that a question may read.
pub const TABLES: &[&str] = &["audit_log", "execution", "record"];

/// Tables that are made of a list in a column, such as `credentials`.
const LISTS: &[&str] = &["json_each", "json_tree"];

/// How names of the program's own tables begin.
const OWN: &[&str] = &["sqlite_", "pragma_", "seen", "gone", "part"];

/// Functions that a question may not call: they read memory, files or the program's own state, or load code.
const NO_FUNCTIONS: &[&str] = &["load_extension", "fts3_tokenizer", "sqlite_compileoption_get", "sqlite_log", "edit"];

/// How far a question may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// How long it may take.
    pub time: Duration,
    /// How many rows it may give.
    pub rows: usize,
}

/// A value of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Nothing.
    Null,
    /// A whole number.
    Number(i64),
    /// Another number.
    Real(f64),
    /// A text.
    Text(String),
}

/// Why an answer is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its time was over.
    Time,
    /// There are more rows.
    Rows,
    /// It would be larger than an answer may be.
    Size,
}

/// An answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The rows, as far as they were given.
    pub rows: Vec<Vec<Cell>>,
    /// Why it ends where it does, where more would follow.
    pub cut: Option<Cut>,
    /// How long it took.
    pub took: Duration,
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// It would do something else than read.
    #[error("a question only reads {}, and this one {what}", TABLES.join(", "))]
    Refused {
        /// What it would do.
        what: String,
    },
    /// It is no question.
    #[error("{cause}")]
    Wrong {
        /// The words of SQLite.
        cause: String,
    },
    /// The index cannot be read.
    #[error("the index of the audit log: {cause}")]
    Unreadable {
        /// The words of SQLite.
        cause: String,
    },
}

codes! {
    /// Codes of [`QueryError`], and of an answer that was cut.
    LIST;
    REFUSED = "audit-query-refused", [Caller],
        "a question to the audit log would do something else than read its documented tables",
        "ask one SELECT of `audit_log`, `execution` or `record`: docs/audit/ask.md lists their columns";
    WRONG = "audit-query-wrong", [Caller],
        "the question is not written as SQLite reads it, or names a column that is not there",
        "see the message; docs/audit/ask.md lists tables and columns";
    UNREADABLE = "audit-query-unreadable", [Operator],
        "the index of the audit log could not be read",
        "try again; where that does not help, remove `index.sqlite` from the log's folder: it is made again from the log";
    pub CUT = "audit-query-cut", [Operator],
        "the answer is not whole: the question took too long, or has more rows than were asked for",
        "ask for less, with a span of time in WHERE or with LIMIT; or give more with `--timeout` and `--rows`";
}

impl QueryError {
    /// Every code that this error can have.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Refused { .. } => REFUSED,
            Self::Wrong { .. } => WRONG,
            Self::Unreadable { .. } => UNREADABLE,
        }
    }
}

/// Asks the index in a file.
///
/// # Errors
/// [`QueryError`].
pub fn ask(path: &Path, sql: &str, bounds: Bounds) -> Result<Answer, QueryError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let unreadable = |e: rusqlite::Error| QueryError::Unreadable { cause: e.to_string() };
    let mut connection = Connection::open_with_flags(path, flags).map_err(unreadable)?;
    let refused = Arc::new(Mutex::new(None));
    confine(&mut connection, bounds.time, &refused).map_err(unreadable)?;
    let answer = rows(&connection, sql, bounds);
    answer.map_err(|e| {
        let refused = refused.lock().ok().and_then(|mut what| what.take());
        match (refused, e) {
            (Some(what), _) => QueryError::Refused { what },
            (None, rusqlite::Error::MultipleStatement) => {
                QueryError::Refused { what: "is more than one statement".into() }
            }
            (None, e) => failed(&e),
        }
    })
}

fn failed(e: &rusqlite::Error) -> QueryError {
    match e.sqlite_error_code() {
        Some(
            ErrorCode::CannotOpen | ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase | ErrorCode::DatabaseBusy,
        ) => QueryError::Unreadable { cause: e.to_string() },
        Some(ErrorCode::ReadOnly) => QueryError::Refused { what: "writes".into() },
        // Before anything is asked of the authorizer.
        _ if e.to_string().contains("cannot modify ") => QueryError::Refused { what: "writes".into() },
        _ => QueryError::Wrong { cause: e.to_string() },
    }
}

/// Takes from a connection everything but reading the documented tables, for a time, within a size.
fn confine(
    connection: &mut Connection,
    time: Duration,
    refused: &Arc<Mutex<Option<String>>>,
) -> Result<(), rusqlite::Error> {
    // What does not fit in memory must not fill a disk; LIKE tells letters apart as other databases do.
    let heap = limits::QUERY_HEAP_BYTES;
    connection.execute_batch(&format!(
        "PRAGMA query_only = ON; PRAGMA temp_store = MEMORY; PRAGMA hard_heap_limit = {heap}; PRAGMA trusted_schema = OFF;
         PRAGMA case_sensitive_like = ON;"
    ))?;
    let long = i32::try_from(limits::QUERY_VALUE_BYTES).unwrap_or(i32::MAX);
    for (limit, most) in [
        (Limit::SQLITE_LIMIT_LENGTH, long),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, long),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_EXPR_DEPTH, 200),
        (Limit::SQLITE_LIMIT_COMPOUND_SELECT, 50),
        (Limit::SQLITE_LIMIT_COLUMN, 500),
    ] {
        connection.set_limit(limit, most)?;
    }
    let until = Instant::now() + time;
    // After few steps: one call of a function is a step, and may compare long texts.
    connection.progress_handler(20, Some(move || Instant::now() >= until))?;
    let refused = Arc::clone(refused);
    connection.authorizer(Some(move |asked: AuthContext<'_>| match refusal(&asked) {
        None => Authorization::Allow,
        Some(what) => {
            if let Ok(mut refused) = refused.lock() {
                refused.get_or_insert(what);
            }
            Authorization::Deny
        }
    }))
}

/// What a statement would do that it may not.
fn refusal(asked: &AuthContext<'_>) -> Option<String> {
    match asked.action {
        AuthAction::Select | AuthAction::Recursive => None,
        AuthAction::Read { table_name, .. } => {
            // A name that WITH gives is no table of the file, and is said to be in none.
            let is_given = asked.database_name.is_none() && !OWN.iter().any(|own| table_name.starts_with(own));
            let may = TABLES.contains(&table_name) || LISTS.contains(&table_name) || is_given;
            (!may).then(|| format!("reads `{table_name}`"))
        }
        AuthAction::Function { function_name } => {
            let name = function_name.to_ascii_lowercase();
            NO_FUNCTIONS.contains(&name.as_str()).then(|| format!("calls `{name}`"))
        }
        AuthAction::Pragma { pragma_name, .. } => Some(format!("sets or asks PRAGMA `{pragma_name}`")),
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Some("opens or closes another file".into()),
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Some("holds the index".into()),
        _ => Some("writes".into()),
    }
}

fn rows(connection: &Connection, sql: &str, bounds: Bounds) -> Result<Answer, rusqlite::Error> {
    let begun = Instant::now();
    let mut statement = connection.prepare(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut answer = Answer { columns, rows: Vec::new(), cut: None, took: Duration::ZERO };
    let (mut found, mut bytes) = (statement.query([])?, 0);
    loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => break,
            Err(e) => {
                answer.cut = Some(match e.sqlite_error_code() {
                    Some(ErrorCode::OperationInterrupted) => Cut::Time,
                    Some(ErrorCode::OutOfMemory | ErrorCode::TooBig) => Cut::Size,
                    _ => return Err(e),
                });
                break;
            }
        };
        if answer.rows.len() >= bounds.rows {
            answer.cut = Some(Cut::Rows);
            break;
        }
        let mut cells = Vec::with_capacity(answer.columns.len());
        for n in 0..answer.columns.len() {
            let cell = cell(row.get_ref(n)?);
            bytes += 32 + if let Cell::Text(text) = &cell { text.len() } else { 0 };
            cells.push(cell);
        }
        if bytes > limits::QUERY_ANSWER_BYTES {
            answer.cut = Some(Cut::Size);
            break;
        }
        answer.rows.push(cells);
    }
    answer.took = begun.elapsed();
    Ok(answer)
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Integer(number) => Cell::Number(number),
        ValueRef::Real(number) => Cell::Real(number),
        other => plain(other).map_or(Cell::Null, Cell::Text),
    }
}
