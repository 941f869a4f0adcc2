//! The index as a SQLite file beside the log. It holds nothing of a person: those stay encrypted in the log.

use super::{Index, Question, Row};
use crate::audit::{AuditError, Opened};
use rusqlite::{Connection, OptionalExtension as _, ToSql, params_from_iter};
use std::path::Path;

/// Columns that are fields of records, by the names of these.
const COLUMNS: &[&str] = &[
    "execution_id",
    "session_id",
    "agent",
    "task_id",
    "action_type",
    "target",
    "result",
    "status",
    "commit",
    "subject",
    "digest",
    "verdict",
    "source_id",
];

/// The file's form: another one is made again.
const VERSION: i64 = 1;

/// An index in a file.
#[derive(Debug)]
pub struct SqliteIndex {
    connection: Connection,
}

impl SqliteIndex {
    /// Opens the file, or makes it. One of another form, or that is damaged, is cleared.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn open(path: &Path) -> Result<Self, AuditError> {
        let connection = Connection::open(path).map_err(fail)?;
        let mut index = Self { connection };
        index.prepare()?;
        Ok(index)
    }

    /// An index in memory.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn in_memory() -> Result<Self, AuditError> {
        let mut index = Self { connection: Connection::open_in_memory().map_err(fail)? };
        index.prepare()?;
        Ok(index)
    }

    fn prepare(&mut self) -> Result<(), AuditError> {
        // What is deleted is overwritten, and no copy of it stays beside the file.
        let settings = "PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;";
        self.connection.execute_batch(settings).map_err(fail)?;
        let version: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
        if version == VERSION {
            return Ok(());
        }
        let columns: Vec<String> = COLUMNS.iter().map(|name| format!("\"{name}\" TEXT")).collect();
        let tables = format!(
            "DROP TABLE IF EXISTS record; DROP TABLE IF EXISTS seen;
             CREATE TABLE record (\"index\" INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, logged INTEGER NOT NULL, {});
             CREATE INDEX record_execution ON record (execution_id) WHERE execution_id IS NOT NULL;
             CREATE INDEX record_source ON record (source_id) WHERE source_id IS NOT NULL;
             CREATE INDEX record_id ON record (id);
             CREATE TABLE seen (records INTEGER NOT NULL, generation INTEGER NOT NULL); INSERT INTO seen VALUES (0, 0);
             PRAGMA user_version = {VERSION};",
            columns.join(", ")
        );
        self.connection.execute_batch(&tables).map_err(fail)
    }

    fn query(&self, rest: &str, values: &[&dyn ToSql]) -> Result<Vec<Row>, AuditError> {
        let columns: Vec<String> = COLUMNS.iter().map(|name| format!("\"{name}\"")).collect();
        let sql = format!("SELECT \"index\", id, kind, logged, {} FROM record {rest}", columns.join(", "));
        let mut statement = self.connection.prepare(&sql).map_err(fail)?;
        let rows = statement.query_map(values, |row| {
            let index = row.get::<_, i64>(0)?.unsigned_abs();
            let columns = (4..4 + COLUMNS.len()).map(|n| row.get(n)).collect::<Result<_, _>>()?;
            Ok(Row { index, id: row.get(1)?, kind: row.get(2)?, logged: row.get(3)?, columns })
        });
        rows.map_err(fail)?.collect::<Result<_, _>>().map_err(fail)
    }
}

fn fail(e: rusqlite::Error) -> AuditError {
    AuditError::Unusable { what: "the index of the audit log".into(), cause: e.to_string() }
}

impl Index for SqliteIndex {
    fn position(&self) -> Result<u64, AuditError> {
        let seen = self.connection.query_row("SELECT records FROM seen", [], |row| row.get::<_, i64>(0));
        Ok(seen.map_err(fail)?.unsigned_abs())
    }

    fn generation(&self) -> Result<u64, AuditError> {
        let seen = self.connection.query_row("SELECT generation FROM seen", [], |row| row.get::<_, i64>(0));
        Ok(seen.map_err(fail)?.unsigned_abs())
    }

    fn set_generation(&mut self, generation: u64) -> Result<(), AuditError> {
        let generation = generation.cast_signed();
        self.connection.execute("UPDATE seen SET generation = ?1", [generation]).map_err(fail).map(|_| ())
    }

    fn apply(&mut self, records: &[(u64, Option<Opened>)]) -> Result<(), AuditError> {
        let Some((last, _)) = records.last() else { return Ok(()) };
        let names: Vec<String> = COLUMNS.iter().map(|name| format!("\"{name}\"")).collect();
        let places: Vec<String> = (0..COLUMNS.len() + 4).map(|n| format!("?{}", n + 1)).collect();
        let sql = format!(
            "INSERT OR REPLACE INTO record (\"index\", id, kind, logged, {}) VALUES ({})",
            names.join(", "),
            places.join(", ")
        );
        let transaction = self.connection.transaction().map_err(fail)?;
        {
            let mut insert = transaction.prepare(&sql).map_err(fail)?;
            for (index, opened) in records {
                let Some(opened) = opened else { continue };
                let entry = &opened.entry;
                let mut values: Vec<Box<dyn ToSql>> = vec![
                    Box::new(index.cast_signed()),
                    Box::new(entry.id.to_string()),
                    Box::new(entry.kind.name),
                    Box::new(i64::from(entry.minutes) * 60),
                ];
                values.extend(
                    COLUMNS
                        .iter()
                        .map(|name| -> Box<dyn ToSql> { Box::new(opened.draft.text(name).map(str::to_owned)) }),
                );
                insert.execute(params_from_iter(values)).map_err(fail)?;
            }
            let seen = (last + 1).cast_signed();
            transaction.execute("UPDATE seen SET records = ?1", [seen]).map_err(fail)?;
        }
        transaction.commit().map_err(fail)
    }

    fn ask(&self, question: &Question) -> Result<Vec<Row>, AuditError> {
        let last = i64::try_from(question.last).unwrap_or(i64::MAX);
        let mut rows = self.query(
            "WHERE (?1 IS NULL OR execution_id = ?1) AND (?2 IS NULL OR id = ?2) ORDER BY \"index\" DESC LIMIT ?3",
            &[&question.execution, &question.id, &last],
        )?;
        rows.reverse();
        Ok(rows)
    }

    fn of_source(&self, source_id: &str) -> Result<Option<u64>, AuditError> {
        let sql = "SELECT \"index\" FROM record WHERE source_id = ?1 LIMIT 1";
        let found = self.connection.query_row(sql, [source_id], |row| row.get::<_, i64>(0)).optional();
        Ok(found.map_err(fail)?.map(i64::unsigned_abs))
    }

    fn forget(&mut self, records: &[u64]) -> Result<(), AuditError> {
        let transaction = self.connection.transaction().map_err(fail)?;
        {
            let mut delete = transaction.prepare("DELETE FROM record WHERE \"index\" = ?1").map_err(fail)?;
            for index in records {
                delete.execute([index.cast_signed()]).map_err(fail)?;
            }
        }
        transaction.commit().map_err(fail)
    }

    fn clear(&mut self) -> Result<(), AuditError> {
        self.connection.execute_batch("DELETE FROM record; UPDATE seen SET records = 0; VACUUM;").map_err(fail)
    }

    fn rows(&self) -> Result<Vec<Row>, AuditError> {
        self.query("ORDER BY \"index\"", &[])
    }
}
