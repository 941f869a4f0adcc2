//! `attest audit record --session`

use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::flow::audit::session::Intake;
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::{self, AuditPlace, audit::random, lines};
use std::path::Path;

/// What `--format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SessionReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// The file's format.
    pub source: String,
    /// Lines of the file, empty ones not among them.
    pub lines: u64,
    /// Tool calls in it.
    pub actions: u64,
    /// Lines that say nothing of what was done.
    pub other: u64,
    /// Lines, and parts of lines, that could not be read. The log says so.
    pub broken: u64,
    /// Records that are new.
    pub new: u64,
    /// Records that were in the log already, and say the same.
    pub known: u64,
    /// Numbers of records under whose id the file says something else, which was not recorded: what was recorded stays.
    pub differs: Vec<u64>,
    /// Fields that were withheld, because they looked like a secret or led out of the session's folder.
    pub withheld: u64,
    /// How many records the log has now.
    pub size: u64,
}

/// Records what a session file says was done.
pub(super) fn run(
    file: &Path,
    given: Vec<(&'static str, String)>,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let mut log = place.writer(common.timeout)?;
    let (now, mut index) = (places::now(), place.index()?);
    log.finish_redaction(now, &mut random)?;
    let mut random = random;
    let mut intake = Intake::new(&mut log, &mut index, now, &mut random, given);
    let digest = lines::each(file, limits::SESSION_LINE_BYTES, |line| intake.line(line).map_err(Failure::from))?;
    let taken = intake.end(&digest).map_err(|e| Failure::from(e).context(file.display()))?;
    let report = SessionReport {
        schema_version: 1,
        source: taken.format.to_owned(),
        lines: taken.counts.lines,
        actions: taken.counts.actions,
        other: taken.counts.other,
        broken: taken.counts.broken,
        new: taken.new,
        known: taken.known,
        differs: taken.differing,
        withheld: taken.withheld,
        size: log.size(),
    };
    if common.format == Format::Json {
        return Ok(Outcome::json(&report, Exit::Done));
    }
    let mut text = format!(
        "{}: {} in {}; {} new, {} in the log already\n",
        report.source,
        counted(report.actions, "tool call"),
        counted(report.lines, "line"),
        counted(report.new, "record"),
        report.known
    );
    text += &super::record::differing(&report.differs);
    if report.broken > 0 {
        text += &format!(
            "{} could not be read: the log says so\n",
            match report.broken {
                1 => "1 line or part".to_owned(),
                n => format!("{n} lines or parts"),
            }
        );
    }
    if report.withheld > 0 {
        text +=
            &format!("{} withheld: what looked like a secret, or led elsewhere\n", counted(report.withheld, "field"));
    }
    Ok(Outcome::done(text))
}
