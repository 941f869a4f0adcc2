//! `attest audit show`

use super::ask::{Open, sheet};
use super::handout::proven::ProveArg;
use super::trusted;
use crate::audit::keys::PersonId;
use crate::audit::{AuditError, LogStore as _, Opened, Redaction, Unopened, What};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::audit;
use crate::flow::audit::witnessed::{self, Trusted};
use crate::flow::investigate::{self, Execution, Found, Log};
use crate::inquiry::Run;
use crate::model::plural::counted;
use crate::model::{Timestamp, json};
use crate::places::{self, AuditPlace};
use crate::record::{Entry, kinds};
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Show a record by its number or id, an execution by its own, or the last records
///
/// Of an execution it is said who asked for it, what it did and used, and what is not known of it; `--format json` has its records,
/// too. Behind each value stands how it is known: `w` witnessed, `d` declared, `r` derived.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit show                     the last 20 records
  attest audit show 41207
  attest audit show 41207 --policy witnesses.policy    with the times between which it was recorded
  attest audit show exec-abc123         all that is known of an execution, or of a session
  attest audit show exec-abc123 --prove proofs         with a file for each record that proves it to others
  attest audit show exec-abc123 --format json")]
pub(super) struct ShowArgs {
    /// Number or id of a record, or id of an execution or session: its beginning is enough where no other begins so
    #[arg(value_name = "RECORD|EXECUTION")]
    what: Option<String>,
    /// How many of the last records
    #[arg(long, value_name = "N", default_value = "20", conflicts_with = "what")]
    last: usize,
    /// C2SP policy file: the witnesses whose word on times counts
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Sigstore trusted root (JSON) with the timestamp authorities that count (repeatable)
    #[arg(long, value_name = "FILE", requires = "policy")]
    trusted_root: Vec<PathBuf>,
    #[command(flatten)]
    prove: ProveArg,
}

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShowReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How many records the log has.
    pub size: u64,
    /// Of an execution, what its records say together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution: Option<sheet::ExecutionReport>,
    /// The records.
    pub records: Vec<Shown>,
}

/// A record.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Its number.
    pub index: u64,
    /// Its id; none of a record that cannot be read.
    pub id: Option<String>,
    /// When it was put into the log, to the minute, by the log's clock.
    pub logged_at: Option<String>,
    /// What it says, as `attest schema audit-record` describes it. Where nothing can be read any more, only its kind.
    pub record: Map<String, Value>,
    /// Fields of people who were erased.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// Why it says nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hole: Option<String>,
    /// Number of the redaction's record that says what was destroyed here: all that it said, or a person in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<u64>,
    /// It was put into the log after this time, with `--policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Proven>,
    /// It was in the log by this time, with `--policy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Proven>,
}

/// A time that others prove.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
pub struct Proven {
    /// The time.
    pub time: String,
    /// Who says so: witnesses by the names of the policy, or a timestamp authority.
    pub by: Vec<String>,
}

pub(super) fn run(args: &ShowArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let store = place.reader()?;
    let settings = place.bound(&store)?;
    let policy = args.policy.as_deref().map(trusted::policy).transpose()?;
    if let Some(policy) = &policy {
        trusted::names(policy, &settings)?;
    }
    let roots = trusted::roots(&args.trusted_root)?;
    let keys = place.keys()?.unwrap_or_default();
    let mut index = place.index()?;
    audit::catch_up(&store, &keys, store.size(), &mut index)?;
    let log = Log { store: &store, settings: &settings, keys: &keys, index: &index };
    let (numbers, execution) = meant(args, &log)?;
    let receipts = match args.prove.is_given() {
        true => prove(args, place, &numbers, execution.as_ref())?,
        false => String::new(),
    };
    let anchors = if policy.is_some() { place.anchored()? } else { Vec::new() };
    let trusted = Trusted { policy: policy.as_ref(), roots: &roots };
    let outside = witnessed::kept(&anchors, &settings, trusted, places::now()).outside;
    let markers = match &policy {
        Some(policy) => witnessed::markers(&anchors, (&store, &keys), &index, policy, (&settings, places::now()))?,
        None => Vec::new(),
    };
    // Of an execution a person is shown what its records say together; what is proven of them stands at its ends.
    let numbers = match &execution {
        Some(found) if common.format != Format::Json => {
            let (first, last) = found.what.sheet.run.records;
            let ends = numbers.into_iter().filter(|number| policy.is_some() && [first, last].contains(number));
            ends.collect()
        }
        _ => numbers,
    };
    let (mut records, mut redactions) = (Vec::new(), None);
    for number in numbers {
        let stored = store.read(number, 1)?.into_iter().next().unwrap_or_default();
        let found = audit::opened(&store, &keys, number)?;
        let gone = match &found {
            Ok(opened) => opened.redacted.first().map(|(_, id)| Gone::Person(*id)),
            Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) => Some(Gone::Record(entry.clone())),
            Err(_) => None,
        };
        let mut one = shown(number, found, &stored.content);
        if let Some(gone) = gone {
            let list = match redactions.take() {
                Some(list) => list,
                None => audit::redactions(&store, &settings)?,
            };
            one.told(&gone, &list);
            redactions = Some(list);
        }
        let known = (policy.as_ref(), markers.as_slice());
        let bracket = witnessed::bracket(&store, (number, &stored.entry), &outside, known);
        (one.not_before, one.not_after) = (proven(bracket.not_before), proven(bracket.not_after));
        records.push(one);
    }
    let shown = execution.as_ref().map(|found| sheet::ExecutionReport::of(&found.what.sheet, &found.holes));
    let report = ShowReport { schema_version: 1, size: store.size(), execution: shown, records };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    if let Some(Found { what, holes }) = &execution {
        let bracket = between(&report.records, &what.sheet.run);
        return Ok(Outcome::shown(sheet::page(&what.sheet, holes, &bracket) + &receipts));
    }
    let mut out = String::new();
    match report.records.as_slice() {
        [one] if args.what.is_some() => whole(&mut out, one),
        many => {
            let _ = writeln!(out, "{:>8}  {:16}  {:18} WHAT", "RECORD", "LOGGED", "KIND");
            many.iter().for_each(|one| line(&mut out, one));
        }
    }
    if args.what.is_none() {
        let _ = writeln!(out, "{} of {}", report.records.len(), counted(report.size, "record"));
    }
    out += &receipts;
    Ok(Outcome::shown(out))
}

/// What proves the records that are shown.
fn prove(
    args: &ShowArgs,
    place: &AuditPlace,
    numbers: &[u64],
    execution: Option<&Found<Execution>>,
) -> Result<String, Failure> {
    let open = Open::at(place)?;
    let (mut lines, holes) = match execution {
        Some(found) => (sheet::lines(&found.what.sheet), found.holes.as_slice()),
        None => (Vec::new(), [].as_slice()),
    };
    match execution {
        Some(_) => lines.push(sheet::all(numbers)),
        None => lines.extend(numbers.iter().map(|number| sheet::all(&[*number]))),
    }
    let what = args.what.as_deref().map_or_else(|| format!("show --last {}", args.last), |what| format!("show {what}"));
    args.prove.write(&open, &what, lines, holes)
}

/// Numbers of the records that are meant, and the execution where one is.
fn meant(args: &ShowArgs, log: &Log<'_>) -> Result<(Vec<u64>, Option<Found<Execution>>), Failure> {
    let unknown = match audit::meant(log.index, log.store.size(), args.what.as_deref(), args.last) {
        Ok(numbers) if args.what.as_deref().is_none_or(|what| audit::is_record(log.index, log.store.size(), what)) => {
            return Ok((numbers, None));
        }
        found => found.err(),
    };
    match investigate::execution(log, args.what.as_deref().unwrap_or_default()) {
        Ok(found) => Ok((found.what.events.iter().map(|event| event.number).collect(), Some(found))),
        Err(e @ AuditError::Unknown { .. }) => Err(unknown.unwrap_or(e).into()),
        Err(e) => Err(e.into()),
    }
}

/// Between which times an execution was recorded, where others prove it.
fn between(records: &[Shown], run: &Run) -> String {
    let of = |number: u64| records.iter().find(|one| one.index == number);
    let after = of(run.records.0).and_then(|one| one.not_before.as_ref()).map(|p| ("after", p));
    let before = of(run.records.1).and_then(|one| one.not_after.as_ref()).map(|p| ("before", p));
    let said = |(word, proven): (&str, &Proven)| format!("{word} {} ({})", proven.time, proven.by.join(", "));
    let said: Vec<String> = [after, before].into_iter().flatten().map(said).collect();
    if said.is_empty() { String::new() } else { format!("proven: recorded {}", said.join(", ")) }
}

fn proven(by: Option<(u64, Vec<String>)>) -> Option<Proven> {
    let (time, by) = by?;
    Some(Proven { time: Timestamp::from_unix(i64::try_from(time).ok()?)?.to_string(), by })
}

/// What is gone of a record.
enum Gone {
    /// A person in it.
    Person(PersonId),
    /// All that it said.
    Record(Box<Entry>),
}

impl Shown {
    /// Names the redaction that took something away, where one did.
    fn told(&mut self, gone: &Gone, redactions: &[(u64, Redaction)]) {
        let by = match gone {
            Gone::Person(id) => redactions.iter().find(|(at, r)| self.index < *at && r.what == What::Person(*id)),
            Gone::Record(entry) => audit::redacted_by(redactions, self.index, entry),
        };
        self.redaction = by.map(|(at, _)| *at);
        if let Gone::Record(_) = gone {
            self.hole = Some(match by {
                Some((at, redaction)) => format!("what it said was destroyed: redaction {at}, {}", redaction.basis),
                None => "its key is not here, and no redaction says that it was destroyed".to_owned(),
            });
        }
    }
}

fn shown(index: u64, found: Result<Opened, Unopened>, content: &[u8]) -> Shown {
    let of = |entry: &Entry| {
        (Some(entry.id.to_string()), Timestamp::from_unix(i64::from(entry.minutes) * 60).map(|t| t.to_string()))
    };
    let kind = |entry: &Entry| Map::from_iter([("kind".to_owned(), Value::from(entry.kind.name))]);
    match found {
        Ok(opened) => {
            let (id, logged_at) = of(&opened.entry);
            let redacted = opened.redacted.iter().map(|(name, _)| (*name).to_owned()).collect();
            Shown {
                index,
                id,
                logged_at,
                record: opened.draft.document(),
                redacted,
                hole: None,
                not_before: None,
                not_after: None,
                redaction: None,
            }
        }
        Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) => {
            let (id, logged_at) = of(&entry);
            let hole = Some("what it said was destroyed, or its key is not here".to_owned());
            Shown {
                index,
                id,
                logged_at,
                record: kind(&entry),
                redacted: Vec::new(),
                hole,
                not_before: None,
                not_after: None,
                redaction: None,
            }
        }
        Err(Unopened::InClear(entry)) => {
            let (id, logged_at) = of(&entry);
            let mut record = kind(&entry);
            record.extend(in_clear(&entry, &String::from_utf8_lossy(content)));
            Shown {
                index,
                id,
                logged_at,
                record,
                redacted: Vec::new(),
                hole: None,
                not_before: None,
                not_after: None,
                redaction: None,
            }
        }
        Err(Unopened::Damaged(cause)) => {
            let hole = Some(format!("it was changed: {cause}"));
            Shown {
                index,
                id: None,
                logged_at: None,
                record: Map::new(),
                redacted: Vec::new(),
                hole,
                not_before: None,
                not_after: None,
                redaction: None,
            }
        }
    }
}

/// What a note in clear says, by its lines: a redaction, or what the log is.
fn in_clear(entry: &Entry, note: &str) -> Map<String, Value> {
    let lines: Vec<&str> = note.lines().take_while(|line| !line.is_empty()).collect();
    let line = |start: &str| lines.iter().find_map(|l| l.strip_prefix(start).map(Value::from));
    let named = |name: &str, value: Value| (name.to_owned(), value);
    if entry.kind.number != kinds::SETTINGS {
        let basis = line("basis ").map(|basis| named("basis", basis));
        return basis.into_iter().chain(lines.get(5).map(|what| named("what", Value::from(*what)))).collect();
    }
    let kept: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix("kept ")).collect();
    let kept = if kept.is_empty() { "everything for ever".to_owned() } else { kept.join(", ") };
    let said = ["created", "redactions"].into_iter().filter_map(|name| Some(named(name, line(&format!("{name} "))?)));
    said.chain([named("kept", Value::from(kept))]).collect()
}

/// A value in a line.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "(withheld)".into(),
        Value::Object(m) if m.contains_key("salt") => {
            format!("(hash of a text, {} bytes)", m.get("size").unwrap_or(&Value::Null))
        }
        other => json::compact(&other.to_string()),
    }
}

fn line(out: &mut String, one: &Shown) {
    let text = |name: &str| one.record.get(name).map(plain).unwrap_or_default();
    let time = one.logged_at.as_deref().map_or("", |t| t.get(..16).unwrap_or(t)).replace('T', " ");
    let what = match one.hole.as_deref() {
        Some(hole) => format!("HOLE {hole}"),
        None => {
            let names = [
                "agent",
                "action_type",
                "target",
                "status",
                "result",
                "subject",
                "verdict",
                "what",
                "kept",
                "reason",
                "execution_id",
            ];
            names.iter().map(|name| text(name)).filter(|t| !t.is_empty()).collect::<Vec<_>>().join("  ")
        }
    };
    let _ = writeln!(out, "{:>8}  {time:16}  {:18} {}", one.index, text("kind"), sanitize::line(&what));
}

fn whole(out: &mut String, one: &Shown) {
    let text = |name: &str| one.record.get(name).map(plain).unwrap_or_default();
    let _ = writeln!(out, "record {}  {}", one.index, text("kind"));
    if let Some(hole) = &one.hole {
        let _ = writeln!(out, "  HOLE  {}", sanitize::line(hole));
    }
    let known = one.record.get("known");
    for (name, value) in one.record.iter().filter(|(name, _)| !["kind", "known"].contains(&name.as_str())) {
        let letter = known.and_then(|k| k.get(name)).and_then(Value::as_str).unwrap_or("declared");
        let letter = if letter == "derived" { "r" } else { letter.get(..1).unwrap_or("d") };
        let letter = if one.record.get("kind").is_some_and(|k| k == "redaction" || k == "settings" || k == "hold") {
            ""
        } else {
            letter
        };
        let _ = writeln!(out, "  {name:20} {} {letter}", sanitize::line(&plain(value)));
    }
    for name in &one.redacted {
        let by = one.redaction.map_or(String::new(), |at| format!(": redaction {at}"));
        let _ = writeln!(out, "  {name:20} (a person who was erased{by})");
    }
    let says = |by: &[String]| sanitize::line(&by.join(", "));
    for (name, proven) in [("proven not before", &one.not_before), ("proven not after", &one.not_after)] {
        if let Some(proven) = proven {
            let _ = writeln!(out, "  {name:20} {} ({})", proven.time, says(&proven.by));
        }
    }
    let _ = writeln!(out, "  {:20} {}", "id", one.id.as_deref().unwrap_or("-"));
    let _ = writeln!(
        out,
        "  {:20} {}, to the minute, by the log's clock\nw witnessed, d declared, r derived; (hash of a text, N bytes): the text itself is not kept",
        "logged",
        one.logged_at.as_deref().unwrap_or("-")
    );
}
