//! `attest audit replicate`

use crate::audit::Settings;
use crate::audit::replica::{self, Lock, Opening, ReplicaError, Replicated, kind, replicate, shown};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose};
use crate::cli::show::sanitize;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random};
use clap::Args;
use std::fmt::Write as _;

/// Copy what the log published to other places, in one direction
///
/// Entries, tiles, checkpoints and encrypted contents go there, never a key. Before anything is copied, the log has to prove that
/// it continues what the place has: a log that was cut, written anew or replaced by an old copy is refused, with the first record
/// that is another one (exit code 1). What expired or was erased is deleted there, too. Run it every few minutes.
///
/// A folder has to be there, and should be one that the log's owner cannot change: another machine's disk, or another user's.
///
/// A bucket of S3 has to have object lock. Everything that a lock has to refuse is tried there each time, and a bucket that allows
/// any of it is refused. Who comes is said by AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
///
/// A PostgreSQL database gets the entries alone, which are commitments, into tables that only grow. The password is that of the
/// address or of PGPASSWORD. A server elsewhere is reached over TLS alone. `attest audit verify --replica PLACE` compares.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit replicate /mnt/backup/audit
  attest audit replicate 's3://acme-audit/team?region=eu-central-1'
  attest audit replicate --schema | psql -h db.example.com audit
  PGPASSWORD=... attest audit replicate postgresql://attest_audit_writer@db.example.com/audit
  attest audit verify --replica /mnt/backup/audit")]
pub(super) struct ReplicateArgs {
    /// Where to: a folder, s3://BUCKET[/PREFIX][?region=NAME&endpoint=URL&keep=DAYS], or postgresql://USER@HOST/DATABASE
    /// (repeatable)
    #[arg(value_name = "PLACE", required_unless_present = "schema")]
    place: Vec<String>,
    /// Print the SQL that makes the tables and roles of a PostgreSQL replica, and do nothing else
    #[arg(long, conflicts_with = "place")]
    schema: bool,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplicateReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Whether every place has all that is published.
    pub ok: bool,
    /// The log's name.
    pub origin: String,
    /// What came of each place.
    pub replicas: Vec<OneReplica>,
}

/// What came of one place.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OneReplica {
    /// The place, without a password.
    pub place: String,
    /// Which kind of place it is.
    pub kind: String,
    /// Records that it has now, where it has all of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// How many of them are new there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<u64>,
    /// What was deleted there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deleted: Vec<Deleted>,
    /// Whether a lock keeps what is there: `tried` (all that it has to refuse was tried, and refused) or `untried` (it was refused,
    /// and might have been without a lock). Absent where nothing locks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock: Option<String>,
    /// Why it was not tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lock_cause: Option<String>,
    /// Whether the log is another one than what was copied there.
    pub disputed: bool,
    /// Why it has not: the stable code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The same for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The first record that is another one, where one is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index: Option<u64>,
}

/// Contents that were deleted in a replica.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Deleted {
    /// The redaction that destroyed their keys.
    pub redaction: u64,
    /// How many.
    pub contents: u64,
}

impl ReplicateArgs {
    /// Whether only the SQL is wanted, for which no log is needed.
    pub(super) fn prints_schema(&self) -> bool {
        self.schema
    }
}

/// What makes the tables.
#[cfg(feature = "postgresql")]
pub(super) fn schema() -> Result<Outcome, Failure> {
    Ok(Outcome::done(replica::SCHEMA))
}

/// What makes the tables.
#[cfg(not(feature = "postgresql"))]
pub(super) fn schema() -> Result<Outcome, Failure> {
    Err(Failure::usage(crate::cli::exit::codes::NOT_SUPPORTED, "this build has no PostgreSQL"))
}

pub(super) async fn run(args: &ReplicateArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let settings = place.settings()?;
    // Fresh: everything that is in the journal.
    let mut log = place.writer(common.timeout)?;
    log.finish_redaction(places::now(), &mut random)?;
    log.publish()?;
    drop(log);
    let store = place.reader()?;
    let opening = opening(common, &settings, true, place);
    let mut report =
        ReplicateReport { schema_version: 1, ok: true, origin: settings.origin.clone(), replicas: Vec::new() };
    let mut exit = Exit::Done;
    for at in &args.place {
        place.not_inside(at)?;
        let done = one(at, &opening, &store, &settings).await;
        let kind = kind(at).map_or("", |kind| kind.name).to_owned();
        let found = match done {
            Ok((place, done, lock)) => copied((place, kind), &done, lock),
            Err(e) => {
                exit = worse(exit, Failure::from(e.clone()).exit);
                let (code, index) = (Some(e.code().to_string()), e.index());
                let because = Some(e.to_string());
                let hint = Some(e.code().todo().to_owned());
                let disputed = matches!(e, ReplicaError::Differs { .. });
                let (place, deleted) = (shown(at), Vec::new());
                let (lock, lock_cause) = (None, None);
                OneReplica {
                    place,
                    kind,
                    size: None,
                    copied: None,
                    deleted,
                    lock,
                    lock_cause,
                    disputed,
                    code,
                    because,
                    hint,
                    index,
                }
            }
        };
        report.replicas.push(found);
    }
    report.ok = exit == Exit::Done;
    Ok(match common.format {
        Format::Json => Outcome::json(&report, exit),
        _ if common.quiet && report.ok => Outcome::done(Vec::new()),
        _ => Outcome { stdout: text(&report).into_bytes(), exit, purpose: Purpose::Shown },
    })
}

async fn one(
    at: &str,
    opening: &Opening,
    store: &dyn crate::audit::LogStore,
    settings: &Settings,
) -> Result<(String, Replicated, Option<Lock>), ReplicaError> {
    let mut replica = replica::open(at, opening).await?;
    let done = replicate(store, settings, &mut *replica, places::now()).await?;
    Ok((replica.name().to_owned(), done, replica.lock()))
}

/// How replicas are opened, here and where they are compared.
pub(super) fn opening(common: &Common, settings: &Settings, write: bool, place: &AuditPlace) -> Opening {
    let variable = |name: &str| places::variable(name).and_then(|value| value.into_string().ok());
    let memory = write.then(|| place.copied_folder());
    Opening { write, patience: common.timeout, variable, settings: settings.clone(), memory }
}

fn copied((place, kind): (String, String), done: &Replicated, lock: Option<Lock>) -> OneReplica {
    let (lock, lock_cause) = match lock {
        None => (None, None),
        Some(Lock::Tried) => (Some("tried".to_owned()), None),
        Some(Lock::Untried { cause }) => (Some("untried".to_owned()), Some(cause)),
    };
    let deleted = done.forgotten.iter().map(|f| Deleted { redaction: f.redaction, contents: f.contents });
    OneReplica {
        place,
        kind,
        size: Some(done.size),
        copied: Some(done.size - done.before),
        deleted: deleted.collect(),
        lock,
        lock_cause,
        disputed: false,
        code: None,
        because: None,
        hint: None,
        index: None,
    }
}

/// A log that is another one weighs more than a place that was not reached.
fn worse(one: Exit, other: Exit) -> Exit {
    let weight = |exit: Exit| [Exit::Done, Exit::Usage, Exit::Unknown, Exit::No].iter().position(|e| *e == exit);
    if weight(one) >= weight(other) { one } else { other }
}

fn text(report: &ReplicateReport) -> String {
    let mut out = String::new();
    for one in &report.replicas {
        let place = sanitize::line(&one.place);
        match (one.size, one.copied) {
            (Some(size), Some(copied)) => {
                let new = if copied == 0 { "nothing new".to_owned() } else { format!("{copied} new") };
                let _ = writeln!(out, "REPLICATED {} to {place}: {}, {new}", report.origin, counted(size, "record"));
            }
            _ => {
                let word = if one.disputed { "DISPUTED" } else { "NOT REPLICATED" };
                let code = one.code.as_deref().unwrap_or_default();
                let because = sanitize::line(one.because.as_deref().unwrap_or_default());
                // The place stands before it.
                let own = [format!("the replica {place}: "), format!("the replica {place} ")];
                let because = own.iter().find_map(|own| because.strip_prefix(own.as_str())).unwrap_or(&because);
                let _ = writeln!(out, "{word} to {place}: {code}: {because}");
                if let Some(hint) = &one.hint {
                    let _ = writeln!(out, "  hint: {hint}");
                }
            }
        }
        match (one.lock.as_deref(), &one.lock_cause) {
            (Some("tried"), _) => {
                out.push_str("  locked: to delete, to shorten and to go round the lock were tried there, and refused\n")
            }
            (Some(_), cause) => {
                let cause = sanitize::line(cause.as_deref().unwrap_or_default());
                let _ = writeln!(out, "  lock not tried: {cause}");
            }
            _ => {}
        }
        for deleted in one.deleted.iter().filter(|deleted| deleted.contents > 0) {
            let contents = counted(deleted.contents, "record");
            let _ = writeln!(out, "  deleted there: what {contents} said, by redaction {}", deleted.redaction);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_shown_without_its_password_and_a_history_weighs_most() {
        assert_eq!(shown("postgresql://me:sec@ret@db/audit?password=x"), "postgresql://me@db/audit");
        assert_eq!(shown("postgresql://db/audit"), "postgresql://db/audit");
        assert_eq!(shown("postgresql://me:sec/re?t@db?password=x"), "postgresql://me@db");
        assert_eq!(shown("s3://acme-audit?endpoint=https://h/"), "s3://acme-audit");
        assert_eq!(shown("/mnt/a:b@c"), "/mnt/a:b@c");
        assert_eq!(worse(worse(Exit::Unknown, Exit::No), Exit::Usage), Exit::No);
        assert_eq!(worse(Exit::Done, Exit::Usage), Exit::Usage);
    }
}
