//! The index as a SQLite file beside the log. It holds nothing of a person: those stay encrypted in the log.

use super::columns::{self, Form};
use super::value::{fail, plain};
use super::{Behind, Following, Index, Question, Row, follow};
use crate::audit::{AuditError, Opened};
use rusqlite::{Connection, ToSql, params_from_iter};
use std::path::Path;

/// The file's form: another one is made again.
const VERSION: i64 = 7;

/// What of the table `record` is looked up by, each where it has something: names and columns. Those that are followed by the
/// thousand have beside them what is asked of them, so that no row has to be read.
const LOOKED_UP: &[(&str, &str)] = &[
    ("execution", "execution_id, kind, timestamp, agent, status"),
    ("session", "session_id, execution_id"),
    ("agent", "agent, execution_id, session_id"),
    ("name", "name, execution_id, session_id"),
    ("source", "source_id, source"),
    ("time", "timestamp, execution_id, session_id"),
    ("target", "target"),
    ("path", "path"),
    ("digest", "digest"),
    ("checkout", "\"commit\""),
    ("base_commit", "base_commit"),
    ("head_commit", "head_commit"),
    ("approval", "approval_id"),
    ("statement", "statement"),
    ("container", "container"),
];

/// Of an execution and of a session what it did to anything but a path: its commits, pull requests, artifacts. And the sessions of an
/// execution.
const MADE: &str =
    "CREATE INDEX record_made ON record (execution_id) WHERE execution_id IS NOT NULL AND artifact_ref IS NOT NULL;
    CREATE INDEX record_made_alone ON record (session_id)
    WHERE session_id IS NOT NULL AND artifact_ref IS NOT NULL AND execution_id IS NULL;
    CREATE INDEX record_session_of ON record (execution_id, session_id) WHERE execution_id IS NOT NULL AND session_id IS NOT NULL;";

/// Each part of a field that holds several things.
const PARTS: &str = "CREATE TABLE part (field TEXT NOT NULL, value TEXT NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (field, value, number)) WITHOUT ROWID; CREATE INDEX part_number ON part (number);";

/// Notes that a record is not here: only its number.
const GONE: &str = "INSERT OR IGNORE INTO gone (number) VALUES (?1)";

/// What is asked most, without knowing how records are made: one row for each thing that was done. An action that names no agent
/// or task has those of its execution, and of an execution the first agent and task that are named count and the last end, as
/// `attest audit history` has them.
const VIEWS: &str = r#"
CREATE VIEW audit_log AS SELECT r.timestamp, coalesce(r.name, s.name) AS agent, coalesce(r.agent, s.agent) AS agent_path,
    CASE WHEN r.agent IS NULL THEN s.squad ELSE r.squad END AS squad, coalesce(r.task_id, s.task_id) AS task_id, r.action,
    r.path, r.artifact_ref, r.execution_id, r.session_id, r.result, r.exit_code, coalesce(r.model, s.model) AS model,
    coalesce(r.charter, s.charter) AS charter, r.repository, r.branch, r.tokens_in, r.tokens_out, r.tokens_cache_read,
    r.tokens_cache_write, r.cost, r.source, r.kind, r.number AS record
    FROM record r LEFT JOIN record s ON s.number =
        (SELECT min(number) FROM record WHERE execution_id = r.execution_id AND kind = 'execution_started')
    WHERE NOT AGAIN;
CREATE VIEW execution AS SELECT execution_id,
    substr(min(CASE WHEN agent IS NOT NULL THEN printf('%020d', number) || name END), 21) AS agent,
    substr(min(CASE WHEN agent IS NOT NULL THEN printf('%020d', number) || agent END), 21) AS agent_path,
    nullif(substr(min(CASE WHEN agent IS NOT NULL THEN printf('%020d', number) || coalesce(squad, '') END), 21), '') AS squad,
    substr(min(CASE WHEN task_id IS NOT NULL THEN printf('%020d', number) || task_id END), 21) AS task_id,
    max(trigger) AS trigger, max(charter) AS charter,
    coalesce(min(CASE kind WHEN 'execution_started' THEN timestamp END),
        min(CASE WHEN kind IN ('action', 'session') THEN timestamp END)) AS started_at,
    max(CASE kind WHEN 'execution_ended' THEN timestamp END) AS ended_at,
    substr(max(CASE WHEN kind = 'execution_ended' AND status IS NOT NULL THEN printf('%020d', number) || status END), 21) AS status,
    count(CASE WHEN kind = 'action' AND NOT AGAIN THEN 1 END) AS actions,
    count(CASE WHEN kind = 'action' AND (result NOT IN ('ok', 'success', 'unanswered') OR exit_code <> 0) THEN 1 END) AS failed,
    coalesce(max(CASE kind WHEN 'execution_ended' THEN tokens_in END), sum(tokens_in)) AS tokens_in,
    coalesce(max(CASE kind WHEN 'execution_ended' THEN tokens_out END), sum(tokens_out)) AS tokens_out,
    max(CASE kind WHEN 'execution_ended' THEN cost END) AS cost, min(number) AS first_record, max(number) AS last_record
    FROM record r WHERE execution_id IS NOT NULL GROUP BY execution_id;
"#;

/// Whether a row `r` is an action that another row tells, too: of one that was told before it happened the one that says how it went,
/// of one that a transcript tells the one of its hook, and of one that two hooks tell the first.
const AGAIN: &str = "(r.kind = 'action' AND r.source_id IS NOT NULL AND (
    (r.result = 'unanswered' AND r.source_id LIKE '%/unanswered' AND EXISTS (SELECT 1 FROM record o
        WHERE o.source_id = substr(r.source_id, 1, length(r.source_id) - 11) AND o.kind = 'action'))
    OR (r.source LIKE 'import %' AND EXISTS (SELECT 1 FROM record o
        WHERE o.source_id = r.source_id AND o.kind = 'action' AND o.source = 'hook' || substr(r.source, 7)))
    OR (r.source LIKE 'hook %' AND EXISTS (SELECT 1 FROM record o
        WHERE o.source_id = r.source_id AND o.kind = 'action' AND o.source = r.source AND o.number < r.number))))";

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

    /// What it asks.
    #[cfg(test)]
    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    fn prepare(&mut self) -> Result<(), AuditError> {
        // What is deleted is overwritten, and no copy of it stays beside the file.
        let settings = "PRAGMA secure_delete = ON; PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = NORMAL;";
        self.connection.execute_batch(settings).map_err(fail)?;
        let version: i64 = self.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
        if version == VERSION {
            return Ok(());
        }
        let form = |form: Form| if form == Form::Number { "INTEGER" } else { "TEXT" };
        let columns: Vec<String> =
            columns::ALL.iter().map(|column| format!("\"{}\" {}", column.name, form(column.form))).collect();
        let indexes: Vec<String> = LOOKED_UP
            .iter()
            .map(|(name, columns)| {
                let first = columns.split(',').next().unwrap_or(columns);
                format!("CREATE INDEX record_{name} ON record ({columns}) WHERE {first} IS NOT NULL;")
            })
            .collect();
        let tables = format!(
            "BEGIN IMMEDIATE; DROP VIEW IF EXISTS audit_log; DROP VIEW IF EXISTS execution;
             DROP TABLE IF EXISTS record; DROP TABLE IF EXISTS seen; DROP TABLE IF EXISTS gone; DROP TABLE IF EXISTS part;
             CREATE TABLE gone (number INTEGER PRIMARY KEY);
             CREATE TABLE record (number INTEGER PRIMARY KEY, id TEXT NOT NULL, kind TEXT NOT NULL, logged INTEGER NOT NULL, {});
             {} {MADE} {PARTS} CREATE INDEX record_id ON record (id); CREATE INDEX record_kind ON record (kind, timestamp); {}
             CREATE TABLE seen (records INTEGER NOT NULL, generation INTEGER NOT NULL); INSERT INTO seen VALUES (0, 0);
             PRAGMA user_version = {VERSION}; COMMIT; VACUUM;",
            columns.join(", "),
            indexes.join(" "),
            VIEWS.replace("AGAIN", AGAIN)
        );
        self.connection.execute_batch(&tables).map_err(fail)
    }

    fn query(&self, rest: &str, values: &[&dyn ToSql], take: &mut dyn FnMut(Row)) -> Result<(), AuditError> {
        let sql = format!("SELECT number, id, kind, logged, {} FROM record {rest}", names());
        let mut statement = self.connection.prepare(&sql).map_err(fail)?;
        let rows = statement.query_map(values, |row| {
            let index = row.get::<_, i64>(0)?.unsigned_abs();
            let columns = (4..4 + columns::ALL.len()).map(|n| Ok(plain(row.get_ref(n)?)));
            let columns = columns.collect::<Result<_, rusqlite::Error>>()?;
            Ok(Row { index, id: row.get(1)?, kind: row.get(2)?, logged: row.get(3)?, columns })
        });
        for row in rows.map_err(fail)? {
            take(row.map_err(fail)?);
        }
        Ok(())
    }
}

fn names() -> String {
    columns::ALL.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>().join(", ")
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
        let places: Vec<String> = (0..columns::ALL.len() + 4).map(|n| format!("?{}", n + 1)).collect();
        let sql = format!(
            "INSERT OR REPLACE INTO record (number, id, kind, logged, {}) VALUES ({})",
            names(),
            places.join(", ")
        );
        let transaction = self.connection.transaction().map_err(fail)?;
        {
            let mut insert = transaction.prepare(&sql).map_err(fail)?;
            let mut missing = transaction.prepare(GONE).map_err(fail)?;
            let mut part = transaction.prepare("INSERT OR IGNORE INTO part VALUES (?1, ?2, ?3)").map_err(fail)?;
            for (index, opened) in records {
                let Some(opened) = opened else {
                    missing.execute([index.cast_signed()]).map_err(fail)?;
                    continue;
                };
                let entry = &opened.entry;
                let mut values: Vec<Box<dyn ToSql>> = vec![
                    Box::new(index.cast_signed()),
                    Box::new(entry.id.to_string()),
                    Box::new(entry.kind.name),
                    Box::new(i64::from(entry.minutes) * 60),
                ];
                values.extend(columns::of(opened).into_iter().map(|value| -> Box<dyn ToSql> { Box::new(value) }));
                insert.execute(params_from_iter(values)).map_err(fail)?;
                for (field, value) in columns::parts(opened) {
                    part.execute((field, value, index.cast_signed())).map_err(fail)?;
                }
            }
            let seen = (last + 1).cast_signed();
            transaction.execute("UPDATE seen SET records = ?1", [seen]).map_err(fail)?;
        }
        transaction.commit().map_err(fail)
    }

    fn each(&self, question: &Question, take: &mut dyn FnMut(Row)) -> Result<(), AuditError> {
        let mut conditions = vec!["1".to_owned()];
        let mut values: Vec<String> = Vec::new();
        let mut is = |condition: &str, value: &str| {
            values.push(value.to_owned());
            conditions.push(condition.replace('?', &format!("?{}", values.len())));
        };
        let text = [("execution_id = ?", &question.execution), ("id = ?", &question.id)];
        let time = [("timestamp >= ?", &question.since), ("timestamp <= ?", &question.until)];
        for (condition, value) in text.into_iter().chain(time) {
            value.iter().for_each(|value| is(condition, value));
        }
        for (column, value) in &question.equal {
            is(&format!("\"{column}\" = ?"), value);
        }
        if let Some((column, start)) = &question.begins {
            is(&format!("\"{column}\" >= ?"), start);
            is(&format!("\"{column}\" < ? || char(0x10ffff)"), start);
        }
        if !question.kinds.is_empty() {
            conditions.push(format!("kind IN ('{}')", question.kinds.join("', '")));
        }
        let fit = format!("WHERE {}", conditions.join(" AND "));
        let rest = match question.last {
            usize::MAX => format!("{fit} ORDER BY number"),
            last => {
                let last = format!("SELECT number FROM record {fit} ORDER BY number DESC LIMIT {last}");
                format!("WHERE number IN ({last}) ORDER BY number")
            }
        };
        let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
        self.query(&rest, &values, take)
    }

    fn missing(&self) -> Result<Vec<(u64, u64)>, AuditError> {
        let mut statement = self.connection.prepare("SELECT number FROM gone ORDER BY number").map_err(fail)?;
        let numbers = statement.query_map([], |row| row.get::<_, i64>(0).map(i64::unsigned_abs)).map_err(fail)?;
        let mut out: Vec<(u64, u64)> = Vec::new();
        for number in numbers {
            let number = number.map_err(fail)?;
            match out.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => out.push((number, number)),
            }
        }
        Ok(out)
    }

    fn of_source(&self, source_id: &str) -> Result<Vec<u64>, AuditError> {
        let sql = "SELECT number FROM record WHERE source_id = ?1 ORDER BY number LIMIT 64";
        let mut statement = self.connection.prepare(sql).map_err(fail)?;
        let found = statement.query_map([source_id], |row| row.get::<_, i64>(0)).map_err(fail)?;
        found.map(|number| number.map(i64::unsigned_abs)).collect::<Result<_, _>>().map_err(fail)
    }

    fn follow(&self, following: &Following<'_>, take: &mut dyn FnMut(Behind)) -> Result<(), AuditError> {
        follow::follow(&self.connection, following, take)
    }

    fn forget(&mut self, records: &[u64]) -> Result<(), AuditError> {
        let transaction = self.connection.transaction().map_err(fail)?;
        {
            let mut missing = transaction.prepare(GONE).map_err(fail)?;
            let mut delete = transaction.prepare("DELETE FROM record WHERE number = ?1").map_err(fail)?;
            let mut parts = transaction.prepare("DELETE FROM part WHERE number = ?1").map_err(fail)?;
            for index in records {
                delete.execute([index.cast_signed()]).map_err(fail)?;
                parts.execute([index.cast_signed()]).map_err(fail)?;
                missing.execute([index.cast_signed()]).map_err(fail)?;
            }
        }
        transaction.commit().map_err(fail)
    }

    fn clear(&mut self) -> Result<(), AuditError> {
        self.connection
            .execute_batch(
                "DELETE FROM record; DELETE FROM part; DELETE FROM gone; UPDATE seen SET records = 0; VACUUM;",
            )
            .map_err(fail)
    }

    fn rows(&self) -> Result<Vec<Row>, AuditError> {
        let mut rows = Vec::new();
        self.query("ORDER BY number", &[], &mut |row| rows.push(row))?;
        Ok(rows)
    }
}
