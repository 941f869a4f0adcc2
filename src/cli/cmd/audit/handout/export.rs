//! `attest audit export`

use super::{ExportReport, HandingOut, Shown, whole};
use crate::audit::handout::{Pseudonyms, Show};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::audit::ask::{Open, figures, told};
use crate::cli::cmd::audit::report::WeekReport;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::handout::{self, Anonymous, Chosen, Written};
use crate::inquiry::week::Week;
use crate::model::{Timestamp, limits};
use crate::places::{AuditPlace, audit::random, files};
use crate::record::Said;
use clap::Args;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Hand out records: a whole month, or those that name a person, with what proves them
///
/// The folder gets the records as lines of JSON (each with the hash of the one before) and as CSV, a report, and a manifest with what
/// proves that they are in the log, and of a month that none is missing: `attest audit verify --bundle DIR` checks it without the log.
/// That it was handed out, and to whom, is recorded. Exit 1: there is nothing to export.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit export --month 2026-10 --to october/ --recipient auditor@example.com
  attest audit export --month 2026-10 --anonymize --to october/
  attest audit export --person github:583231 --to alice/

A month is when records were put into the log (UTC). Commands, inputs and outputs are in no export.
Of a person's records no other person is shown. The recipient is a person of that record, and can be erased.")]
pub(in crate::cli) struct ExportArgs {
    /// Every record that was put into the log in this month
    #[arg(long, value_name = "YYYY-MM", required_unless_present = "person")]
    month: Option<String>,
    /// Every record that names this person, as the records do
    #[arg(long, value_name = "WHO", conflicts_with_all = ["month", "anonymize"])]
    person: Option<String>,
    /// The folder, which is made
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// To whom it goes
    #[arg(long, value_name = "WHO")]
    recipient: Option<String>,
    /// People, machines, paths, commits and ids under pseudonyms, and no text that people wrote
    #[arg(long)]
    anonymize: bool,
    /// A secret for pseudonyms, so that several exports have the same; unless told, one that is forgotten
    #[arg(long, value_name = "FILE", requires = "anonymize")]
    pseudonym_key: Option<PathBuf>,
    /// The records as events of the Open Cybersecurity Schema Framework (OCSF 1.5), too
    #[arg(long)]
    ocsf: bool,
}

pub(in crate::cli) fn run(args: &ExportArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let pseudonyms = match &args.pseudonym_key {
        Some(path) => Pseudonyms::under(&files::read(path, limits::PSEUDONYM_KEY_BYTES)?),
        None => Pseudonyms::once(&mut random),
    };
    let open = Open::at(place)?;
    let (log, size) = (open.log(), handout::checkpoint(open.log().store, open.log().settings)?.1.size);
    let (what, chosen) = match (&args.month, &args.person) {
        (Some(month), _) => (format!("month/{month}"), handout::of_month(log.store, size, month)?),
        (None, person) => {
            let person = person.as_deref().unwrap_or_default();
            ("person".to_owned(), handout::of_person(&log, size, person)?)
        }
    };
    let anonymous = args.anonymize.then(|| Anonymous::of(&log, &chosen, pseudonyms)).transpose()?;
    let showing = |said: &Said| -> Show {
        match (&anonymous, &args.person) {
            (Some(anonymous), _) => anonymous.show(said),
            (None, Some(person)) => handout::own(said, person),
            (None, None) => whole(said),
        }
    };
    let shown = Shown { what: &what, anonymized: args.anonymize, ocsf: args.ocsf, showing: &showing };
    let mut out = HandingOut::begin(&open, &args.to)?;
    let (written, week) = out.records(&chosen, &shown)?;
    if let Some(month) = &args.month {
        let report = report_of(&week, &written, month, size);
        out.put("report.json", &Outcome::json(&report, Exit::Done).stdout)?;
    }
    let recipient = args.recipient.as_deref().or(args.person.as_deref());
    let (recorded, manifest) = out.end((&chosen, &written), &shown, (place, recipient, common))?;
    let to = (args.to.display().to_string(), log.settings.key.to_string());
    Ok(told((&what, &chosen, &written), (recorded, manifest), &to, common))
}

/// What the records of a month come to. Without a person's doing the span is the one of the month.
fn report_of(week: &Week, written: &Written, month: &str, size: u64) -> WeekReport {
    let start = |month: &str| Timestamp::parse(&format!("{month}-01T00:00:00Z")).map_or(0, Timestamp::unix);
    let (year, number) = month.split_once('-').unwrap_or((month, "1"));
    let next = match (year.parse::<u32>(), number.parse::<u32>()) {
        (Ok(year), Ok(12)) => format!("{:04}-01", year + 1),
        (Ok(year), Ok(number)) => format!("{year:04}-{:02}", number + 1),
        _ => month.to_owned(),
    };
    WeekReport::of(week, &written.holes, (start(month), start(&next)), size)
}

/// What was handed out, as a person or a program is told.
pub(super) fn told(
    (what, chosen, written): (&str, &Chosen, &Written),
    (recorded, manifest): (u64, String),
    (folder, log_key): &(String, String),
    common: &Common,
) -> Outcome {
    let range = match chosen {
        Chosen::Range(first, end) => Some((*first, end.saturating_sub(1))),
        Chosen::Single(_) => None,
    };
    if common.format == Format::Json {
        let report = ExportReport {
            schema_version: 1,
            what: what.to_owned(),
            folder: folder.clone(),
            records: written.records,
            range,
            recorded,
            manifest,
            holes: written.holes.iter().map(Into::into).collect(),
        };
        return Outcome::json(&report, Exit::Done);
    }
    let of = range.map_or_else(String::new, |(first, last)| {
        format!(", all from {} to {}", figures::number(first), figures::number(last))
    });
    let records = figures::counted(written.records, "record");
    let folder = sanitize::line(folder);
    let mut out = format!("wrote {records}{of} to {folder}; that is record {}\n", figures::number(recorded));
    out += &told::holes(&written.holes);
    let key = sanitize::line(log_key);
    let _ = writeln!(out, "check it anywhere: attest audit verify --bundle {folder} --log-key '{key}'");
    Outcome::told(out)
}
