//! A replica in PostgreSQL: the table `audit_entries` with the entries of logs, and `audit_checkpoints`. Commitments alone go there,
//! as no erasure reaches it. Whoever copies has a role that can add rows and change none; whether that is so is asked each time.

mod tls;

use super::{Copied, Keeps, Opening, Replica, ReplicaError, Taken, size_of};
use crate::audit::log::own;
use crate::audit::{Bad, Settings};
use crate::model::limits;
use crate::net::is_loopback;
use crate::seam::BoxFuture;
use std::str::FromStr as _;
use std::sync::Mutex;
use tls::MakeTls;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, Config, NoTls};

/// What makes the tables and roles.
pub const SCHEMA: &str = include_str!("schema.sql");

/// Whether the role can do more than add rows: where it can, in words. Asked in one question, so that it is of one moment.
const MAY_CHANGE: &str = "
    SELECT CASE
        WHEN to_regclass('audit_entries') IS NULL OR to_regclass('audit_checkpoints') IS NULL THEN 'absent'
        WHEN (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN 'its role is a superuser'
        WHEN (SELECT bool_or(pg_has_role(current_user, relowner, 'MEMBER')) FROM pg_class
              WHERE oid IN (to_regclass('audit_entries'), to_regclass('audit_checkpoints')))
            THEN 'its role owns a table, or can become the owner'
        WHEN (SELECT bool_or(has_table_privilege(oid, 'UPDATE') OR has_any_column_privilege(oid, 'UPDATE')
                  OR has_table_privilege(oid, 'DELETE') OR has_table_privilege(oid, 'TRUNCATE')) FROM pg_class
              WHERE oid IN (to_regclass('audit_entries'), to_regclass('audit_checkpoints')))
            THEN 'its role may update, delete or truncate'
        WHEN (SELECT count(*) FROM pg_class t WHERE oid IN (to_regclass('audit_entries'), to_regclass('audit_checkpoints'))
              AND 58 = (SELECT bit_or(tgtype::int) & 58 FROM pg_trigger
                        WHERE tgrelid = t.oid AND NOT tgisinternal AND tgtype::int & 2 = 2 AND tgenabled IN ('A', 'O'))) < 2
            THEN 'a table has no trigger against update, delete and truncate'
        ELSE '' END";

/// Tables of a database.
pub struct PostgresReplica {
    name: String,
    settings: Settings,
    client: Client,
    /// Checkpoints there that the log did not sign.
    foreign: Mutex<Vec<Bad>>,
}

impl PostgresReplica {
    /// Connects. To a server that is not on this machine it is TLS with a certificate that is good for its name.
    ///
    /// # Errors
    /// [`ReplicaError::Insecure`], [`ReplicaError::NotAppendOnly`], [`ReplicaError::Unusable`].
    pub async fn open(place: &str, opening: &Opening) -> Result<Self, ReplicaError> {
        let name = super::shown(place);
        let unusable = |cause: String| ReplicaError::Unusable { place: name.clone(), cause };
        let mut config = Config::from_str(place).map_err(|e| unusable(said(&e)))?;
        config.application_name("attest").connect_timeout(opening.patience);
        if let (None, Some(password)) = (config.get_password(), (opening.variable)("PGPASSWORD")) {
            config.password(password);
        }
        let near = is_near(&config);
        match (near, config.get_ssl_mode()) {
            (false, SslMode::Disable) => {
                let cause = "`sslmode=disable`, and the server is not on this machine".to_owned();
                return Err(ReplicaError::Insecure { place: name, cause });
            }
            // `prefer`, which is what nobody has to write, takes what comes: also from who stands between and says no.
            (false, _) => drop(config.ssl_mode(SslMode::Require)),
            (true, SslMode::Prefer) => drop(config.ssl_mode(SslMode::Disable)),
            (true, _) => {}
        }
        let client = if config.get_ssl_mode() == SslMode::Disable {
            let (client, connection) = config.connect(NoTls).await.map_err(|e| unusable(said(&e)))?;
            tokio::spawn(connection);
            client
        } else {
            let tls = MakeTls::new().map_err(unusable)?;
            let (client, connection) = config.connect(tls).await.map_err(|e| unusable(said(&e)))?;
            tokio::spawn(connection);
            client
        };
        let own = Self { name, settings: opening.settings.clone(), client, foreign: Mutex::default() };
        own.settle(opening).await?;
        Ok(own)
    }

    async fn settle(&self, opening: &Opening) -> Result<(), ReplicaError> {
        // A server may be set to acknowledge what is not on its disk.
        let patience = opening.patience.as_millis();
        let settings = format!("SET synchronous_commit = on; SET statement_timeout = {patience}");
        self.client.batch_execute(&settings).await.map_err(|e| self.failed(&e))?;
        let found = self.client.query_one(MAY_CHANGE, &[]).await.map_err(|e| self.failed(&e))?;
        match found.get::<_, &str>(0) {
            "absent" => {
                let cause = "it has no table audit_entries: `attest audit replicate --schema` prints what makes it";
                Err(ReplicaError::Unusable { place: self.name.clone(), cause: cause.into() })
            }
            cause if !cause.is_empty() && opening.write => {
                Err(ReplicaError::NotAppendOnly { place: self.name.clone(), cause: cause.to_owned() })
            }
            _ => Ok(()),
        }
    }

    fn failed(&self, e: &tokio_postgres::Error) -> ReplicaError {
        ReplicaError::Unusable { place: self.name.clone(), cause: said(e) }
    }

    fn changed(&self, index: u64, cause: String) -> ReplicaError {
        ReplicaError::Changed { place: self.name.clone(), index: Some(index), cause }
    }

    /// The last checkpoint that the log signed. Who may write there can add others of more records, which prove nothing: they are
    /// said, and hide nothing. Where the log signed none of the last ones, the first of them.
    async fn last(&self) -> Result<Option<Vec<u8>>, ReplicaError> {
        let some =
            "SELECT size, note FROM audit_checkpoints WHERE origin = $1 AND size < $2 AND octet_length(note) <= $3
            ORDER BY size DESC LIMIT 50";
        let most = i32::try_from(limits::NOTE_BYTES).unwrap_or(i32::MAX);
        let (mut below, mut foreign, mut first) = (i64::MAX, Vec::new(), None);
        loop {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&self.settings.origin, &below, &most];
            let rows = self.client.query(some, &values).await.map_err(|e| self.failed(&e))?;
            for row in &rows {
                let (size, note) = (row.get::<_, i64>(0), row.get::<_, String>(1).into_bytes());
                if own(&note, &self.settings).is_ok() {
                    self.notice(foreign);
                    return Ok(Some(note));
                }
                let cause = format!("a checkpoint of {size} records is there that the log did not sign");
                foreign.push(Bad { index: None, cause });
                first.get_or_insert(note);
                below = size;
            }
            if rows.is_empty() {
                return Ok(first);
            }
            if foreign.len() > limits::REPLICA_FILES {
                let cause = "too many checkpoints stand above the last one that the log signed, if there is one".into();
                return Err(ReplicaError::Unusable { place: self.name.clone(), cause });
            }
        }
    }

    fn notice(&self, foreign: Vec<Bad>) {
        *self.foreign.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = foreign;
    }

    /// Entries from a number on, as far as none is missing.
    async fn entries(&self, from: u64, count: usize) -> Result<Vec<Vec<u8>>, ReplicaError> {
        let (first, count) = (number(from), i64::try_from(count).unwrap_or(i64::MAX));
        let some =
            "SELECT number, entry FROM audit_entries WHERE origin = $1 AND number >= $2 ORDER BY number LIMIT $3";
        let rows =
            self.client.query(some, &[&self.settings.origin, &first, &count]).await.map_err(|e| self.failed(&e))?;
        let rows = rows.iter().zip(first..).take_while(|(row, n)| row.get::<_, i64>(0) == *n);
        Ok(rows.map(|(row, _)| row.get(1)).collect())
    }

    async fn add(&self, first: u64, records: &[Taken]) -> Result<(), ReplicaError> {
        let numbers: Vec<i64> = (number(first)..).take(records.len()).collect();
        let entries: Vec<&[u8]> = records.iter().map(|record| record.entry.as_slice()).collect();
        let add = "INSERT INTO audit_entries (origin, number, entry)
            SELECT $1, n, e FROM unnest($2::bigint[], $3::bytea[]) AS new (n, e) ON CONFLICT DO NOTHING";
        self.client.execute(add, &[&self.settings.origin, &numbers, &entries]).await.map_err(|e| self.failed(&e))?;
        // What was there already stays, and what is there now is what counts.
        let there = self.entries(first, records.len()).await?;
        match entries.iter().enumerate().find(|(at, entry)| there.get(*at).map(Vec::as_slice) != Some(entry)) {
            None => Ok(()),
            Some((at, _)) => {
                let index = first + at as u64;
                Err(self.changed(index, format!("its row of record {index} is another one than the log's")))
            }
        }
    }

    async fn add_checkpoint(&self, note: &[u8]) -> Result<(), ReplicaError> {
        let (size, text) = (size_of(note), String::from_utf8_lossy(note));
        let last = self.last().await?.as_deref().map_or(0, size_of);
        if size < last {
            return Err(self.changed(size, format!("it has {last} records, and was to be set back to {size}")));
        }
        let add = "INSERT INTO audit_checkpoints (origin, size, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&self.settings.origin, &number(size), &&*text];
        self.client.execute(add, &values).await.map_err(|e| self.failed(&e))?;
        match self.last().await? {
            Some(there) if there == note => Ok(()),
            _ => Err(self.changed(size, format!("its checkpoint of {size} records is another one than the log's"))),
        }
    }
}

/// Whether the server is on this machine: then what is said to it passes nobody.
fn is_near(config: &Config) -> bool {
    let is_near = |host: &Host| match host {
        Host::Tcp(name) => is_loopback(name),
        Host::Unix(_) => true,
    };
    config.get_hosts().iter().all(is_near) && config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback)
}

/// What a server or the way to it says.
fn said(e: &tokio_postgres::Error) -> String {
    match e.as_db_error() {
        Some(db) => db.message().to_owned(),
        None => {
            let causes = std::iter::successors(Some(e as &dyn std::error::Error), |e| e.source());
            causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
        }
    }
}

fn number(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

impl Replica for PostgresReplica {
    fn name(&self) -> &str {
        &self.name
    }

    fn keeps(&self) -> Keeps {
        Keeps { tiles: false, contents: false, forgets: false }
    }

    fn checkpoint(&self) -> BoxFuture<'_, Result<Option<Vec<u8>>, ReplicaError>> {
        Box::pin(self.last())
    }

    fn checkpoints(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>, ReplicaError>> {
        Box::pin(async move {
            let some =
                "SELECT size, note FROM audit_checkpoints WHERE origin = $1 AND size < $2 AND octet_length(note) <= $3
                ORDER BY size DESC LIMIT 1000";
            let most = i32::try_from(limits::NOTE_BYTES).unwrap_or(i32::MAX);
            let (mut below, mut out) = (i64::MAX, Vec::new());
            loop {
                let values: [&(dyn tokio_postgres::types::ToSql + Sync); 3] = [&self.settings.origin, &below, &most];
                let rows = self.client.query(some, &values).await.map_err(|e| self.failed(&e))?;
                let Some(last) = rows.last() else { return Ok(out) };
                below = last.get(0);
                let notes = rows.iter().map(|row| row.get::<_, String>(1).into_bytes());
                out.extend(notes.filter(|note| own(note, &self.settings).is_ok()));
                if out.len() > limits::REPLICA_FILES {
                    let cause = format!("more than {} checkpoints", limits::REPLICA_FILES);
                    return Err(ReplicaError::Unusable { place: self.name.clone(), cause });
                }
            }
        })
    }

    fn read(&self, from: u64, count: usize) -> BoxFuture<'_, Result<Vec<Copied>, ReplicaError>> {
        Box::pin(async move {
            let entries = self.entries(from, count).await?;
            Ok(entries.into_iter().map(|entry| Copied { entry, content: None }).collect())
        })
    }

    fn file<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, ReplicaError>> {
        crate::seam::ready(Ok(None))
    }

    fn take<'a>(&'a mut self, first: u64, records: &'a [Taken]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        Box::pin(self.add(first, records))
    }

    fn publish<'a>(&'a mut self, _: &'a [(String, Vec<u8>)]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        crate::seam::ready(Ok(()))
    }

    fn seal<'a>(&'a mut self, note: &'a [u8]) -> BoxFuture<'a, Result<(), ReplicaError>> {
        Box::pin(self.add_checkpoint(note))
    }

    fn noticed(&self) -> Vec<Bad> {
        self.foreign.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn opening() -> Opening {
        Opening {
            write: true,
            patience: Duration::from_secs(1),
            variable: |_| None,
            settings: crate::audit::log_tests::settings(),
            memory: None,
        }
    }

    #[test]
    fn a_server_elsewhere_is_spoken_to_over_tls_or_not_at_all() {
        let near = |place: &str| is_near(&Config::from_str(place).unwrap());
        assert!(near("postgresql://localhost/audit") && near("postgresql://127.0.0.1/audit"));
        assert!(near("host=/var/run/postgresql dbname=audit") && near("postgresql://[::1]/audit"));
        assert!(!near("postgresql://db.example/audit") && !near("postgresql://localhost,db.example/audit"));
        assert!(!near("postgresql://localhost/audit?hostaddr=192.0.2.1"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let code = |place: &str| runtime.block_on(PostgresReplica::open(place, &opening())).err().unwrap().code();
        assert_eq!(code("postgresql://u:p@192.0.2.1/audit?sslmode=disable").as_str(), "audit-replica-insecure");
        // The twin: on this machine it is tried, and nobody listens at that port.
        assert_eq!(code("postgresql://u:p@127.0.0.1:1/audit?sslmode=disable").as_str(), "audit-replica-unavailable");
    }
}
