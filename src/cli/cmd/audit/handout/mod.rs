//! `attest audit export`, `attest audit report incident`: a folder of records for somebody else, who checks it without the log.

pub(super) mod export;
pub(super) mod incident;
pub(super) mod proven;

pub use crate::audit::handout::{Line, Manifest};
pub use proven::ProofsReport;

use super::ask::{Open, rows};
use super::{proof, record};
use crate::audit::AuditError;
use crate::audit::handout::{self, Check, FILES, Show, Showing};
use crate::cli::args::Common;
use crate::cli::exit::Failure;
use crate::flow::handout::{Chosen, Written, checkpoint, event_of, lines};
use crate::inquiry::ocsf;
use crate::inquiry::week::{Gathering, Week};
use crate::places::folder::{NewFile, NewFolder};
use crate::places::{self, AuditPlace, audit::random};
use crate::record::draft::Origin;
use crate::record::fields::{self, Form};
use crate::record::{Draft, Said};
use crate::tlog::Checkpoint;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

/// The file of events for programs of others.
const OCSF: &str = "records.ocsf.jsonl";

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExportReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// What was handed out: `month/2026-10`, `person`, `incident`.
    pub what: String,
    /// The folder.
    pub folder: String,
    /// How many records.
    pub records: u64,
    /// The first number and the last, where it is a whole range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub range: Option<(u64, u64)>,
    /// Number of the record that says so in the log.
    pub recorded: u64,
    /// Digest of the manifest.
    pub manifest: String,
    /// Records that cannot be read.
    pub holes: Vec<super::ask::told::HoleReport>,
}

/// A folder while records are handed out.
struct HandingOut<'a> {
    open: &'a Open,
    folder: NewFolder,
    note: String,
    checkpoint: Checkpoint,
    files: BTreeMap<String, String>,
}

/// How a handout is named, and how its fields are shown.
struct Shown<'a> {
    what: &'a str,
    anonymized: bool,
    /// Whether there are events of the Open Cybersecurity Schema Framework, too.
    ocsf: bool,
    showing: Showing<'a>,
}

/// Shows every field.
fn whole(said: &Said) -> Show {
    crate::flow::handout::whole(said)
}

impl<'a> HandingOut<'a> {
    fn begin(open: &'a Open, to: &Path) -> Result<Self, Failure> {
        let (note, checkpoint) = checkpoint(open.log().store, open.log().settings)?;
        Ok(Self { open, folder: NewFolder::make(to)?, note, checkpoint, files: BTreeMap::new() })
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let digest = self.folder.put(name, bytes)?;
        self.files.insert(name.to_owned(), digest);
        Ok(())
    }

    /// Writes the records as lines of JSON and as CSV; what they come to.
    fn records(&mut self, chosen: &Chosen, shown: &Shown<'_>) -> Result<(Written, Week), Failure> {
        let (mut json, mut csv) = (self.folder.file(FILES.0)?, self.folder.file("records.csv")?);
        let names: Vec<&str> = fields::ALL.iter().filter(|f| f.form != Form::Committed).map(|f| f.name).collect();
        let head = ["index", "id", "kind", "logged_at", "hole"].into_iter().chain(names.iter().copied());
        csv.add(rows::csv_line(head).as_bytes())?;
        let mut events = shown.ocsf.then(|| self.folder.file(OCSF)).transpose()?;
        let mut week = Gathering::default();
        let unwritten =
            |e: places::PlaceError| AuditError::Unusable { what: "the export".into(), cause: e.to_string() };
        let written = lines(
            &self.open.log(),
            (chosen, &self.checkpoint),
            (shown.showing, !shown.anonymized),
            &mut |line, bytes| {
                let both = json.add(bytes).and_then(|()| json.add(b"\n"));
                both.and_then(|()| csv_of(&mut csv, line, &names)).map_err(unwritten)?;
                let event = event_of(line);
                if let Some(events) = events.as_mut().filter(|_| !line.record.is_empty()) {
                    events.add(format!("{}\n", ocsf(&event, &line.id)).as_bytes()).map_err(unwritten)?;
                }
                week.take(&event);
                Ok(())
            },
        )?;
        self.files.insert(FILES.0.to_owned(), json.end()?);
        self.files.insert("records.csv".to_owned(), csv.end()?);
        if let Some(events) = events {
            self.files.insert(OCSF.to_owned(), events.end()?);
        }
        Ok((written, week.end()))
    }

    /// Writes the manifest, once a record of the log has its digest, and the receipt of that record.
    fn end(
        mut self,
        (chosen, written): (&Chosen, &Written),
        shown: &Shown<'_>,
        (place, recipient, common): (&AuditPlace, Option<&str>, &Common),
    ) -> Result<(u64, String), Failure> {
        let log = self.open.log();
        let range = match chosen {
            Chosen::Range(first, end) => Some(handout::range(log.store, (*first, *end), &self.checkpoint)?),
            Chosen::Single(_) => None,
        };
        let anchors = self.anchors(place)?;
        let manifest = Manifest {
            schema_version: 1,
            what: shown.what.to_owned(),
            anonymized: shown.anonymized,
            origin: log.settings.origin.clone(),
            log_key: log.settings.key.to_string(),
            checkpoint: self.note.clone(),
            records: written.records,
            last_line: written.last.clone(),
            range,
            anchors,
            files: std::mem::take(&mut self.files),
        };
        let bytes = manifest.write();
        let digest = Check::digest(&bytes);
        let number = recorded((shown.what, &digest, written.records), (place, recipient, common))?;
        self.folder.put(FILES.1, &bytes)?;
        let fields = ["target", "digest"].map(str::to_owned);
        // A server signs its checkpoint a moment after it answered.
        let mut receipt = proof::receipt_of(number, &fields, place);
        for _ in 0..100 {
            if receipt.is_ok() {
                break;
            }
            places::pause(Duration::from_millis(50));
            receipt = proof::receipt_of(number, &fields, place);
        }
        self.folder.put(FILES.2, receipt?.as_bytes())?;
        Ok((number, digest))
    }

    /// What others said of checkpoints, up to the one that is published.
    fn anchors(&mut self, place: &AuditPlace) -> Result<Vec<handout::AnchorProof>, Failure> {
        let (all, log, mut out) = (place.anchored()?, self.open.log(), Vec::new());
        for anchor in all.iter().rev().take(crate::model::limits::HANDOUT_ANCHORS).rev() {
            let file = format!("anchors/{}.note", anchor.name);
            let Some(proof) = handout::anchored(log.store, log.settings, (anchor, file.clone()), &self.checkpoint)?
            else {
                continue;
            };
            self.put(&file, &anchor.note)?;
            for (at, token) in anchor.timestamps.iter().enumerate() {
                self.put(&format!("anchors/{}.{at}.tsr", anchor.name), token)?;
            }
            for (at, entry) in anchor.entries.iter().enumerate() {
                self.put(&format!("anchors/{}.{at}.entry.json", anchor.name), entry)?;
            }
            out.push(proof);
        }
        Ok(out)
    }
}

fn csv_of(csv: &mut NewFile, line: &Line, names: &[&str]) -> Result<(), places::PlaceError> {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(all) => {
            let all: Vec<String> =
                all.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect();
            all.join(" ")
        }
        other => other.to_string(),
    };
    let hole = line.hole.as_ref().map(|hole| hole.why.clone()).unwrap_or_default();
    let mut cells = vec![line.index.to_string(), line.id.clone(), line.kind.clone(), line.logged_at.clone(), hole];
    cells.extend(names.iter().map(|name| line.record.get(*name).map(text).unwrap_or_default()));
    csv.add(rows::csv_line(cells.iter().map(String::as_str)).as_bytes())
}

/// Puts into the log that records are handed out: which, to whom, and the digest of what says so.
fn recorded(
    (what, digest, records): (&str, &str, u64),
    (place, recipient, common): (&AuditPlace, Option<&str>, &Common),
) -> Result<u64, Failure> {
    let mut document = json!({ "kind": "exported", "target": format!("export:{what}"), "digest": digest,
        "completed_at": places::now().to_string(), "result": format!("{records} records"), "source": "attest",
        "known": { "target": "witnessed", "digest": "witnessed", "result": "witnessed" } });
    if let Some(recipient) = recipient {
        document["recipient"] = json!(recipient);
    }
    let draft = Draft::read(&document, Origin::Typed, &mut random)?;
    let said = record::through_server_or_lock(&[draft], place, common.timeout)?;
    said.numbers.first().copied().ok_or_else(|| AuditError::Unknown { what: "the record of the export".into() }.into())
}
