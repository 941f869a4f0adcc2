//! `attest audit anchor`

use super::trusted;
use crate::audit::anchor::Anchors as _;
use crate::audit::anchor::{HttpWitness, Said, Witness};
use crate::audit::{AuditError, LogStore as _, Settings};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::cli::show::sanitize;
use crate::flow::audit::anchor::{Anchored, Asking, Public, anchor};
use crate::flow::audit::{self, witnessed};
use crate::model::plural::counted;
use crate::model::{Timestamp, limits};
use crate::places::audit::random;
use crate::places::{self, AuditPlace, files};
use crate::sign::{Evidence, LogVersion, Rekor, ServiceClient, Services, SignError, TimestampAuthority};
use crate::tlog::policy::Policy;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show the checkpoint to witnesses outside, and keep what they say
///
/// The policy (C2SP tlog-policy) names this log, the witnesses with their keys and addresses, and how many must agree. Each
/// cosignature is checked and kept beside the log, in `anchors/`; `attest audit verify --policy FILE` then proves with it that
/// nothing up to there was changed or cut. Without --policy, the file `witnesses.policy` of the log's folder says whom to ask.
///
/// With --timestamp an authority says when the checkpoint was there. With --rekor a public log takes it, signed with the log's key
/// of anchors (`keys/anchor.key`): nobody can then be shown another history without its standing there, too. `attest audit verify
/// --trusted-root FILE` checks both.
///
/// Exit code 1 where the quorum is not met or a witness saw another history of this log, 3 where those were not reached that
/// could have met it, or an authority or a public log.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit anchor --policy witnesses.policy
  attest audit anchor --policy witnesses.policy --timestamp https://timestamp.example.com/api/v1/timestamp
  attest audit anchor --signing-config signing_config.json
  attest audit anchor --rekor https://log2025-1.rekor.sigstore.dev --timestamp https://timestamp.sigstore.dev/api/v1/timestamp")]
pub(super) struct AnchorArgs {
    /// C2SP policy file: this log, its witnesses, and how many must agree
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// RFC 3161 timestamp authority that says when the checkpoint was there (repeatable)
    #[arg(long, value_name = "URL")]
    timestamp: Vec<String>,
    /// Rekor v2 log that takes the checkpoint (repeatable)
    #[arg(long, value_name = "URL")]
    rekor: Vec<String>,
    /// Timestamp authorities and Rekor v2 logs of a Sigstore instance, as a signing config or client trust config
    #[arg(long, value_name = "FILE", conflicts_with_all = ["timestamp", "rekor"])]
    signing_config: Option<PathBuf>,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AnchorReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Whether all that was demanded was got.
    pub ok: bool,
    /// The log's name.
    pub origin: String,
    /// Records under the checkpoint that was shown.
    pub size: u64,
    /// Its root, in base64.
    pub root: String,
    /// Whether as many witnesses cosigned as the policy demands.
    pub quorum_met: bool,
    /// What each witness said.
    pub witnesses: Vec<WitnessSaid>,
    /// What each timestamp authority said.
    pub timestamps: Vec<AuthoritySaid>,
    /// What each public log said.
    pub public_logs: Vec<AuthoritySaid>,
    /// The file of the log's folder in which it is kept, where there is anything to keep.
    pub kept: Option<String>,
}

/// What a witness said.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WitnessSaid {
    /// Its name in the policy.
    pub name: String,
    /// `cosigned`, `refused`, `unreached`, or `disagrees`: it saw what this log does not have.
    pub outcome: String,
    /// When it cosigned, by its clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Why it did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// What a timestamp authority or a public log said.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct AuthoritySaid {
    /// The authority, or the log.
    pub name: String,
    /// Whether there is a timestamp, or an entry.
    pub ok: bool,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

pub(super) async fn run(args: &AnchorArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let settings = place.settings()?;
    let policy = policy(args, place, &settings)?;
    if !policy.logs.iter().any(|(key, _)| *key == settings.key) {
        let cause =
            format!("it names no log with the key {:?} of this one: add the line `log {}`", settings.key, settings.key);
        return Err(AuditError::Malformed { what: "the policy".into(), cause }.into());
    }
    let http = |url: &str| Box::new(HttpWitness::new(url, common.timeout)) as Box<dyn Witness>;
    let addressed = policy.witnesses().filter_map(|(name, _, url)| Some((name.to_owned(), http(url?))));
    let witnesses: BTreeMap<_, _> = addressed.collect();
    let (timestamps, logs) = services(args, common)?;
    let public = match logs.is_empty() {
        true => None,
        false => Some(Public { logs, signer: Box::new(place.anchor_key(&settings)?) }),
    };
    if witnesses.is_empty() && timestamps.is_empty() && public.is_none() {
        let message = "nobody can be asked: the policy has no witness with an address, and there is no --timestamp, --rekor or --signing-config";
        return Err(Failure::usage(codes::USAGE, message));
    }
    let mut anchors = place.anchors(common.timeout)?;
    // Fresh: everything that is in the journal, and behind it what was said of earlier checkpoints.
    let mut log = place.writer(common.timeout)?;
    let now = places::now();
    log.finish_redaction(now, &mut random)?;
    let said = witnessed::drafts(&witnessed::of_anchors(&anchors.all()?, &policy, &settings), &mut random)?;
    audit::record(&mut log, &mut place.index()?, &said, now, &mut random)?;
    drop(log);
    let store = place.reader()?;
    let note = store.get(crate::audit::store::CHECKPOINT)?;
    let note = String::from_utf8(note.unwrap_or_default()).unwrap_or_default();
    let asking = Asking { policy: &policy, witnesses, timestamps, public, now: places::now() };
    let anchored = anchor(&store, &settings, &note, &mut anchors, &asking).await?;
    let exit = exit(&anchored);
    let report = report(&settings.origin, &anchored, exit == Exit::Done);
    Ok(match common.format {
        Format::Json => Outcome::json(&report, exit),
        _ if common.quiet && report.ok => Outcome::done(Vec::new()),
        _ => Outcome { stdout: text(&report).into_bytes(), exit, purpose: Purpose::Shown },
    })
}

/// Timestamp authorities, and public logs that take the checkpoint, none of them asked yet.
type Outside = (Vec<Box<dyn Evidence>>, Vec<Box<dyn Evidence>>);

fn services(args: &AnchorArgs, common: &Common) -> Result<Outside, Failure> {
    let client = ServiceClient::new(common.timeout);
    let Some(path) = &args.signing_config else {
        let authority = |url: &String| Box::new(TimestampAuthority::new(url, client.clone())) as Box<dyn Evidence>;
        let log = |url: &String| Box::new(Rekor::new(url, LogVersion::V2, client.clone())) as Box<dyn Evidence>;
        return Ok((args.timestamp.iter().map(authority).collect(), args.rekor.iter().map(log).collect()));
    };
    let bytes = files::read(path, limits::ROOT_BYTES)?;
    let mut services = Services::from_config(&bytes, &format!("`{}`", path.display()), places::now())?;
    services.logs.among.retain(|(_, (_, version))| *version == LogVersion::V2);
    services.logs.wanted = services.logs.wanted.min(services.logs.among.len());
    let any = [services.timestamps.among.is_empty(), services.logs.among.is_empty()];
    if any == [true, true] {
        let message = format!("--signing-config `{}` has neither a timestamp authority nor a Rekor v2", path.display());
        return Err(Failure::usage(codes::USAGE, message));
    }
    let mut all = services.witnesses(&client).into_iter();
    let mut next = |none: bool| all.next().filter(|_| !none).into_iter().collect();
    Ok((next(any[0]), next(any[1])))
}

fn policy(args: &AnchorArgs, place: &AuditPlace, settings: &Settings) -> Result<Policy, Failure> {
    let beside = place.witnesses();
    let path = match &args.policy {
        Some(path) => path,
        None if files::exists(&beside)? => &beside,
        // No witness is asked, so none is demanded.
        None if !args.timestamp.is_empty() || !args.rekor.is_empty() || args.signing_config.is_some() => {
            let own = format!("log {}\nquorum none\n", settings.key);
            return Ok(Policy::parse(&own).map_err(AuditError::from)?);
        }
        None => {
            let message = format!("name the witnesses with --policy, or put their policy into {}", beside.display());
            return Err(Failure::usage(codes::USAGE, message));
        }
    };
    trusted::policy(path)
}

/// Done where something was got and nothing that was demanded is missing.
fn exit(anchored: &Anchored) -> Exit {
    let disagrees = anchored.witnesses.values().any(|said| matches!(said, Said::Disagrees { .. }));
    let unreached = anchored.witnesses.values().any(|said| matches!(said, Said::Unreached { .. }));
    let services = || anchored.timestamps.iter().chain(&anchored.entries).map(|(_, said)| said);
    let failed = services().find_map(|said| said.as_ref().err());
    let stamped = services().any(Result::is_ok);
    match failed {
        // A witness that saw another history is not outvoted by those that did not.
        _ if disagrees => Exit::No,
        _ if !anchored.met => {
            if anchored.open {
                Exit::Unknown
            } else {
                Exit::No
            }
        }
        Some(SignError::Refused { .. }) => Exit::No,
        Some(_) => Exit::Unknown,
        None if anchored.seen.is_empty() && !stamped => {
            if unreached {
                Exit::Unknown
            } else {
                Exit::No
            }
        }
        None => Exit::Done,
    }
}

fn report(origin: &str, anchored: &Anchored, ok: bool) -> AnchorReport {
    let time = |time: u64| Timestamp::from_unix(i64::try_from(time).ok()?).map(|t| t.to_string());
    let witness = |(name, said): (&String, &Said)| {
        let (outcome, time, because) = match said {
            Said::Cosigned { time: at, .. } => ("cosigned", time(*at), None),
            Said::Unreached { cause } => ("unreached", None, Some(cause.clone())),
            Said::Refused { cause } => ("refused", None, Some(cause.clone())),
            Said::Disagrees { cause } => ("disagrees", None, Some(cause.clone())),
        };
        WitnessSaid { name: name.clone(), outcome: outcome.into(), time, because }
    };
    let stamped = |(name, stamped): &(String, Result<(), SignError>)| AuthoritySaid {
        name: name.clone(),
        ok: stamped.is_ok(),
        because: stamped.as_ref().err().map(ToString::to_string),
    };
    AnchorReport {
        schema_version: 1,
        ok,
        origin: origin.to_owned(),
        size: anchored.checkpoint.size,
        root: anchored.checkpoint.root.to_string(),
        quorum_met: anchored.met,
        witnesses: anchored.witnesses.iter().map(witness).collect(),
        timestamps: anchored.timestamps.iter().map(stamped).collect(),
        public_logs: anchored.entries.iter().map(stamped).collect(),
        kept: anchored.kept.as_ref().map(|name| format!("anchors/{name}.checkpoint")),
    }
}

fn text(report: &AnchorReport) -> String {
    let disagrees = report.witnesses.iter().any(|w| w.outcome == "disagrees");
    let word = match (report.ok, disagrees) {
        (true, _) => "ANCHORED",
        (false, true) => "DISPUTED",
        (false, false) => "NOT ANCHORED",
    };
    let quorum = if report.quorum_met { "the quorum is met" } else { "the quorum is not met" };
    let mut out = format!("{word} {}: {}, {quorum}\n", report.origin, counted(report.size, "record"));
    for witness in &report.witnesses {
        let rest = witness.time.as_ref().or(witness.because.as_ref()).map_or("", String::as_str);
        let _ = writeln!(out, "  {:20} {:10} {}", sanitize::line(&witness.name), witness.outcome, sanitize::line(rest));
    }
    let timestamps = report.timestamps.iter().map(|said| (said, "timestamped"));
    let entries = report.public_logs.iter().map(|said| (said, "entered"));
    for (service, done) in timestamps.chain(entries) {
        let said = match &service.because {
            // Most refusals begin with the service.
            Some(because) if because.starts_with(&service.name) => because.clone(),
            Some(because) => format!("{}: {because}", service.name),
            None => format!("{} {done}", service.name),
        };
        let _ = writeln!(out, "  {}", sanitize::line(&said));
    }
    if let Some(kept) = &report.kept {
        let _ = writeln!(out, "kept in {kept}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::policy::Seen;
    use crate::tlog::{Checkpoint, Hash};

    #[test]
    fn done_is_only_what_was_got_and_lacks_nothing_that_was_demanded() {
        let said = |what: &str| match what {
            "cosigned" => Said::Cosigned { line: String::new(), time: 1 },
            "unreached" => Said::Unreached { cause: String::new() },
            "refused" => Said::Refused { cause: String::new() },
            _ => Said::Disagrees { cause: String::new() },
        };
        let of = |witness: &str, (met, open): (bool, bool), stamp: Option<Result<(), SignError>>| {
            let seen = if witness == "cosigned" { Seen::from([("w".to_owned(), 1)]) } else { Seen::new() };
            let checkpoint =
                Checkpoint { origin: "o".into(), size: 1, root: Hash::of_nothing(), extensions: Vec::new() };
            let (witnesses, timestamps) = (BTreeMap::from([("w".to_owned(), said(witness))]), stamp);
            let timestamps = timestamps.into_iter().map(|stamp| ("t".to_owned(), stamp)).collect();
            let entries = Vec::new();
            let as_stamp = Anchored { checkpoint, witnesses, seen, met, open, timestamps, entries, kept: None };
            let found = exit(&as_stamp);
            let (entries, timestamps) = (as_stamp.timestamps, Vec::new());
            let as_entry = Anchored { entries, timestamps, ..as_stamp };
            assert_eq!(exit(&as_entry), found, "a public log is one more service");
            found
        };
        let down = || Some(Err(SignError::Unavailable { service: "t".into(), cause: "down".into() }));
        let refused = || Some(Err(SignError::Refused { service: "t".into(), status: 400, detail: String::new() }));
        assert_eq!(of("cosigned", (true, false), None), Exit::Done);
        assert_eq!(of("cosigned", (true, false), Some(Ok(()))), Exit::Done);
        assert_eq!(
            of("refused", (true, false), Some(Ok(()))),
            Exit::Done,
            "no quorum is demanded, and a timestamp was got"
        );
        assert_eq!(of("cosigned", (true, false), down()), Exit::Unknown);
        assert_eq!(of("cosigned", (true, false), refused()), Exit::No);
        assert_eq!(of("disagrees", (true, false), Some(Ok(()))), Exit::No);
        assert_eq!(of("refused", (false, false), None), Exit::No);
        assert_eq!(of("unreached", (false, true), None), Exit::Unknown);
        assert_eq!(of("cosigned", (false, false), Some(Ok(()))), Exit::No);
        assert_eq!(of("unreached", (true, false), None), Exit::Unknown, "nothing is not something");
        assert_eq!(of("refused", (true, false), None), Exit::No);
    }
}
