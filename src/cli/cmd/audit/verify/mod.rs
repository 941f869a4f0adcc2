//! `attest audit verify`

mod bundle;
mod claims;
mod receipt;

pub use bundle::BundleReport;
pub use receipt::ReceiptReport;

use super::{replicate, trusted};
use crate::audit::replica::{self, Opening, compare};
use crate::audit::{AuditError, Bad, Index, Keys, LogStore, Outside};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::sanitize;
use crate::flow::audit::witnessed::{self, Kept, Trusted};
use crate::flow::audit::{self, Checked};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, files};
use crate::tlog::policy::{Policy, Seen};
use crate::tlog::{LogError, NoteKey};
use crate::verify::VerifyError;
use claims::Claim;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// What is said of an index that is not the log's.
const INDEX: &str = "the index says something else than the log: remove index.sqlite, it is made again";

/// Check the log whole, or a receipt or a folder of records by itself
///
/// Every record is counted: verified, redacted with authority, expired under the policy, or unexplained, which is what
/// tampering looks like (exit 1). A log that nobody outside has seen is only this machine's word: have witnesses cosign it or public
/// logs take it (`attest audit anchor`) and name them with --policy and --trusted-root, or keep checkpoints elsewhere (`attest audit checkpoint`) and name these.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit verify
  attest audit verify --policy witnesses.policy
  attest audit verify --log-key 'audit.example.com/team+...' --trusted-root trusted_root.json
  attest audit verify --replica /mnt/backup/audit
  attest audit verify --checkpoint elsewhere/audit-2026-11-29.checkpoint
  attest audit verify --proof 41207.tlog-proof --log-key 'audit.example.com/team+...'
  attest audit verify --bundle october/ --log-key 'audit.example.com/team+...'")]
pub(super) struct VerifyArgs {
    /// A checkpoint or receipt that was kept elsewhere (repeatable)
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// A copy that `attest audit replicate` made, compared record by record (repeatable)
    #[arg(long, value_name = "PLACE", conflicts_with = "proof")]
    replica: Vec<String>,
    /// C2SP policy file: which log and witnesses count
    #[arg(long, value_name = "FILE", group = "named")]
    policy: Option<PathBuf>,
    /// Sigstore trusted root (JSON) with the timestamp authorities and public logs that count (repeatable)
    #[arg(long, value_name = "FILE", requires = "named")]
    trusted_root: Vec<PathBuf>,
    /// The log's key, from a place that the log's owner cannot change
    #[arg(long, value_name = "VKEY", group = "named", conflicts_with = "policy")]
    log_key: Option<String>,
    /// Check a copy that has no keys: only that every record is where it was
    #[arg(long)]
    without_keys: bool,
    /// Check this receipt instead; needs --log-key or --policy, and no log
    #[arg(long, value_name = "FILE", conflicts_with = "checkpoint")]
    proof: Option<PathBuf>,
    /// Check this folder instead, which `attest audit export` or `report incident` made; needs no log. --log-key or --policy say whose it must be
    #[arg(long, value_name = "DIR", conflicts_with_all = ["checkpoint", "proof", "replica", "trusted_root", "without_keys"])]
    bundle: Option<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct VerifyReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Whether nothing is unexplained, in the log and in the replicas that were named, and the quorum of a policy that was named is met.
    pub ok: bool,
    /// The log's name.
    pub origin: String,
    /// Records in the log.
    pub size: u64,
    /// Records under the published checkpoint.
    pub published: u64,
    /// Records that say what their entry commits to.
    pub verified: u64,
    /// Of these, records in which a person was redacted.
    pub partly_redacted: u64,
    /// Records that could not be opened, as the keys are not here.
    pub unopened: u64,
    /// Records whose keys were destroyed by order.
    pub redacted: u64,
    /// Records that were kept as long as the policy says.
    pub expired: u64,
    /// Holds that keep something from expiring and from being erased.
    pub holds: u64,
    /// The record of a redaction that is not carried out yet: the next command that writes to the log does it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<u64>,
    /// Records that were destroyed and of which the index still has a row, as the command was interrupted: the next one takes it away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_in_index: Option<usize>,
    /// Whether the log's first record binds the key of redactions and the days that things are kept.
    pub bound: bool,
    /// How many things are unexplained.
    pub unexplained: u64,
    /// The first of them.
    pub faults: Vec<Fault>,
    /// What is kept beside checkpoints and proves nothing by the roots that were named: no sign of tampering, and no proof.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub uncounted: Vec<Uncounted>,
    /// What each replica that was named has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replicas: Vec<SeenReplica>,
    /// What is proved of the log, and what is not.
    pub claims: Vec<Claim>,
    /// How many events were lost, as the log itself says.
    pub lost: u64,
    /// Whether witnesses met the quorum of the policy that was named, for any checkpoint that is kept; absent without a policy file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quorum_met: Option<bool>,
}

/// A replica that was compared.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct SeenReplica {
    /// The place, without a password.
    pub place: String,
    /// Records that it has, under the log's own signature.
    pub size: u64,
    /// What of the replica itself is not as it was copied, the first first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
}

/// A file of the log's folder that proves nothing.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Uncounted {
    /// The file.
    pub file: String,
    /// Why, as a code.
    pub code: String,
    /// Why, in words.
    pub because: String,
}

/// Something that is unexplained.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Fault {
    /// Which record, where that is known.
    pub index: Option<u64>,
    /// What was found.
    pub cause: String,
}

pub(super) async fn run(args: &VerifyArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let policy = policy(args)?;
    if let Some(path) = &args.proof {
        let policy = policy.ok_or_else(|| {
            Failure::usage(codes::USAGE, "--proof: name the log's key with --log-key, or a policy with --policy")
        })?;
        return receipt::check(path, &policy, common);
    }
    if let Some(folder) = &args.bundle {
        return bundle::check(folder, policy.as_ref(), common);
    }
    let settings = place.settings()?;
    if let Some(policy) = &policy {
        trusted::names(policy, &settings)?;
    }
    // Before the records are opened: an anchor of a moment later would else look like a cut.
    let roots = trusted::roots(&args.trusted_root)?;
    let trusted = Trusted { policy: policy.as_ref(), roots: &roots };
    let Kept { mut outside, bad: changed, uncounted } =
        witnessed::kept(&place.anchored()?, &settings, trusted, places::now());
    let store = place.reader()?;
    let keys = if args.without_keys { None } else { place.keys()? };
    if keys.is_none() && !args.without_keys {
        let cause = "they are gone, so what records say cannot be checked; --without-keys checks a copy that has none";
        return Err(AuditError::Unusable { what: "the keys of the audit log".into(), cause: cause.into() }.into());
    }
    for path in &args.checkpoint {
        let bytes = files::read(path, limits::PROOF_BYTES)?;
        outside.push(audit::outside(&path.display().to_string(), &bytes, &settings, policy.as_ref())?);
    }
    let mut replicas = Vec::new();
    for at in &args.replica {
        let (seen, found) = compared(at, &store, &replicate::opening(common, &settings, false, place)).await?;
        replicas.push(seen);
        outside.extend(found);
    }
    let run = |store: &dyn LogStore, keys: Option<&Keys>| {
        let index = place.index().ok();
        audit::check(store, &settings, keys, &outside, index.as_ref().map(|index| index as &dyn Index), places::now())
    };
    let mut checked = run(&store, keys.as_ref())?;
    if checked.account.faults > 0 || checked.lying.is_some() {
        // Somebody may have written in between: once more, while nobody may. A journal that cannot be opened to write is
        // damaged, and a copy that this user may not write to has no writer: what was found stands.
        match place.locked(common.timeout) {
            Ok(store) => {
                let keys = if args.without_keys { None } else { place.keys()? };
                checked = run(&store, keys.as_ref())?;
            }
            Err(e @ AuditError::Locked { .. }) => return Err(e.into()),
            Err(_) => {}
        }
    }
    let mut report = report(&settings.origin, &checked, &changed, (policy.is_some(), replicas));
    report.uncounted = uncounted.iter().map(Uncounted::of).collect();
    report.quorum_met = policy.as_ref().filter(|_| args.policy.is_some()).map(|policy| met(policy, &outside));
    report.ok &= report.quorum_met != Some(false);
    let exit = if report.ok { Exit::Done } else { Exit::No };
    Ok(match common.format {
        Format::Json => Outcome::json(&report, exit),
        _ if common.quiet && report.ok => Outcome::done(Vec::new()),
        _ => Outcome { stdout: text(&report).into_bytes(), exit, purpose: Purpose::Shown },
    })
}

/// Whether a policy's witnesses saw any of the log. Whoever puts an old copy back, with what was kept beside it, would else pass for
/// who never anchored.
fn met(policy: &Policy, outside: &[Outside]) -> bool {
    policy.is_met(&Seen::new()) || outside.iter().any(|one| policy.is_met(&one.seen))
}

impl Uncounted {
    fn of((file, why): &(String, VerifyError)) -> Self {
        Self { file: format!("anchors/{file}"), code: why.code().to_string(), because: why.to_string() }
    }
}

fn policy(args: &VerifyArgs) -> Result<Option<Policy>, Failure> {
    let text = match (&args.policy, &args.log_key) {
        (Some(path), _) => return trusted::policy(path).map(Some),
        (None, Some(key)) => {
            let wrong = |e: LogError| AuditError::Malformed { what: "--log-key".into(), cause: e.to_string() };
            format!("log {}\nquorum none\n", NoteKey::parse(key).map_err(wrong)?)
        }
        (None, None) => return Ok(None),
    };
    Ok(Some(Policy::parse(&text).map_err(AuditError::from)?))
}

/// Compares the log with one replica: what the replica has, and the checkpoint that the log signed for it.
async fn compared(at: &str, store: &dyn LogStore, opening: &Opening) -> Result<(SeenReplica, Vec<Outside>), Failure> {
    let replica = replica::open(at, opening).await?;
    let found = compare(store, &opening.settings, &*replica, places::now()).await?;
    let fault = |bad: &Bad| Fault { index: bad.index, cause: bad.cause.clone() };
    let faults = found.bad.iter().map(fault).collect();
    let seen = found.outside.into_iter().chain(found.earlier).collect();
    Ok((SeenReplica { place: replica.name().to_owned(), size: found.size, faults }, seen))
}

fn report(
    origin: &str,
    checked: &Checked,
    changed: &[Bad],
    (named, replicas): (bool, Vec<SeenReplica>),
) -> VerifyReport {
    let account = &checked.account;
    let mut faults: Vec<Fault> =
        account.unexplained.iter().map(|bad| Fault { index: bad.index, cause: bad.cause.clone() }).collect();
    let mut unexplained = account.faults + changed.len() as u64;
    faults.extend(changed.iter().map(|bad| Fault { index: bad.index, cause: bad.cause.clone() }));
    if let Some(index) = checked.lying {
        unexplained += 1;
        faults.push(Fault { index: Some(index), cause: INDEX.into() });
    }
    VerifyReport {
        schema_version: 1,
        ok: unexplained == 0 && replicas.iter().all(|replica| replica.faults.is_empty()),
        origin: origin.to_owned(),
        size: account.size,
        published: account.published,
        verified: account.verified,
        partly_redacted: account.partly,
        unopened: account.unopened,
        redacted: account.redacted,
        expired: account.expired,
        holds: account.holds,
        unfinished: account.unfinished,
        left_in_index: Some(checked.left).filter(|left| *left > 0),
        bound: account.bound,
        unexplained,
        faults,
        uncounted: Vec::new(),
        replicas,
        claims: claims::of(account, named),
        lost: account.losses.1,
        quorum_met: None,
    }
}

fn text(report: &VerifyReport) -> String {
    let mut out = String::new();
    let counts = format!(
        "{}: {} verified, {} redacted, {} expired under policy, {} unexplained",
        counted(report.size, "record"),
        report.verified,
        report.redacted,
        report.expired,
        report.unexplained
    );
    match report.faults.first() {
        None if report.replicas.iter().any(|replica| !replica.faults.is_empty()) => {
            let _ = writeln!(out, "REPLICA CHANGED {}: the log itself is as it was", report.origin);
            let _ = writeln!(out, "{counts}");
        }
        None if report.quorum_met == Some(false) => {
            let why =
                "no checkpoint that is kept meets the quorum of the policy; `attest audit anchor` asks its witnesses";
            let _ = writeln!(out, "NOT WITNESSED {}: {why}", report.origin);
            let _ = writeln!(out, "{counts}");
        }
        None if report.unopened > 0 => {
            let _ = writeln!(out, "OK WITHOUT KEYS {}: {counts}", report.origin);
        }
        None => {
            let _ = writeln!(out, "OK {}: {counts}", report.origin);
        }
        Some(first) if report.unexplained == 1 && first.cause == INDEX => {
            let place = first.index.map_or(String::new(), |n| format!("record {n}: "));
            let _ = writeln!(out, "INDEX DIFFERS {}: {place}{INDEX}", report.origin);
            let _ = writeln!(out, "{counts}");
        }
        Some(first) => {
            let place = first.index.map_or(String::new(), |n| format!("record {n}: "));
            let _ = writeln!(out, "TAMPERED {}: {place}{}", report.origin, sanitize::line(&first.cause));
            let _ = writeln!(out, "{counts}");
        }
    }
    for fault in report.faults.iter().skip(1).take(20) {
        let place = fault.index.map_or_else(|| "-".to_owned(), |n| n.to_string());
        let _ = writeln!(out, "  {place:>8}  {}", sanitize::line(&fault.cause));
    }
    if report.faults.len() > 21 {
        let _ = writeln!(out, "  and {} more; --format json lists them", report.unexplained.saturating_sub(21));
    }
    for replica in &report.replicas {
        let place = sanitize::line(&replica.place);
        let state = if replica.faults.is_empty() { "whole" } else { "CHANGED" };
        let _ = writeln!(out, "replica {place}: {}, {state}", counted(replica.size, "record"));
        for fault in replica.faults.iter().take(20) {
            let place = fault.index.map_or_else(|| "-".to_owned(), |n| n.to_string());
            let _ = writeln!(out, "  {place:>8}  {}", sanitize::line(&fault.cause));
        }
    }
    out += &notes(report);
    for claim in &report.claims {
        let _ = writeln!(out, "{:12} {:12} {}", claim.claim, claim.standing, sanitize::line(&claim.because));
    }
    out
}

/// What is to be told of a log, whether it is whole or not.
fn notes(report: &VerifyReport) -> String {
    let mut out = String::new();
    if report.partly_redacted > 0 {
        let _ = writeln!(out, "{} of the verified: a person was erased in them", report.partly_redacted);
    }
    if report.unopened > 0 {
        let _ = writeln!(out, "{} not opened: only that each is where it was", counted(report.unopened, "record"));
    }
    if report.holds > 0 {
        let _ = writeln!(out, "{} in force: `attest audit hold` lists them", counted(report.holds, "hold"));
    }
    if let Some(index) = report.unfinished {
        let _ = writeln!(
            out,
            "the redaction of record {index} was interrupted: the next command that writes carries it out"
        );
    }
    if let Some(left) = report.left_in_index {
        let _ = writeln!(
            out,
            "the index has a row of {} whose keys were destroyed, by a command that was interrupted: the next one takes it away",
            counted(left as u64, "record")
        );
    }
    if !report.bound && report.size > 0 {
        out += "the log was made without a record of its settings: who may erase is by the word of log.json alone\n";
    }
    if report.published < report.size {
        let _ = writeln!(out, "{} not under a checkpoint yet", report.size - report.published);
    }
    for one in &report.uncounted {
        let _ = writeln!(out, "not counted: {}: {}", sanitize::line(&one.file), sanitize::line(&one.because));
    }
    out
}
