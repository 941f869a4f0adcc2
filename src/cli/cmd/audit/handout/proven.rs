//! `--prove DIR`: beside an answer, what proves the records on which it rests.

use crate::audit::AuditError;
use crate::cli::cmd::audit::ask::{Open, told};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize;
use crate::flow::audit::receipt::Prover;
use crate::inquiry::{Branch, Hole};
use crate::model::limits;
use crate::model::plural::counted;
use crate::places::folder::NewFolder;
use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

/// The list of a folder of proofs.
const LIST: &str = "proofs.json";

/// The flag.
#[derive(Clone, Debug, Default, Args)]
pub(in crate::cli) struct ProveArg {
    /// Write a receipt of each record on which the answer rests into this folder, which must be new or empty, and a list of which line
    /// rests on which; `attest audit verify --proof` checks each without the log. They show all that the records say
    #[arg(long, value_name = "DIR")]
    prove: Option<PathBuf>,
}

/// What `proofs.json` says.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProofsReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// What was asked: the command, and about what.
    pub question: String,
    /// The log's name.
    pub origin: String,
    /// The key that every receipt is checked with, by somebody who has it from elsewhere.
    pub log_key: String,
    /// Lines of the answer.
    pub lines: Vec<LineReport>,
    /// Records on which it rests, and those that cannot be read and may have said something else.
    pub records: Vec<RecordProof>,
}

/// A line of an answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LineReport {
    /// What it says.
    pub line: String,
    /// Numbers of the records that say so; none where it says that something is not known.
    pub records: Vec<u64>,
}

/// A record, and what proves it.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecordProof {
    /// Its number.
    pub record: u64,
    /// The file of its receipt; absent where nothing proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<String>,
    /// What the receipt does not show though the record said it, or why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<String>,
}

impl LineReport {
    /// A line and its records.
    pub(in crate::cli::cmd::audit) fn new(line: impl AsRef<str>, records: impl IntoIterator<Item = u64>) -> Self {
        Self { line: sanitize::line(line.as_ref()), records: records.into_iter().collect() }
    }
}

/// The lines of what a trace found.
pub(in crate::cli::cmd::audit) fn of_branch(branch: &Branch, out: &mut Vec<LineReport>) {
    let line = format!("{} {}", branch.word.text(), branch.what);
    let records = if branch.rests.is_empty() { &branch.records } else { &branch.rests };
    out.push(LineReport::new(line.trim(), records.iter().copied()));
    branch.more.iter().for_each(|more| of_branch(more, out));
}

impl ProveArg {
    /// Whether proofs are wanted.
    pub(in crate::cli::cmd::audit) fn is_given(&self) -> bool {
        self.prove.is_some()
    }

    /// Writes the folder, where one is named; what a person is told of it.
    pub(in crate::cli::cmd::audit) fn write(
        &self,
        open: &Open,
        question: &str,
        mut lines: Vec<LineReport>,
        holes: &[Hole],
    ) -> Result<String, Failure> {
        let Some(folder) = &self.prove else { return Ok(String::new()) };
        let numbers: BTreeSet<u64> = lines.iter().flat_map(|line| line.records.iter().copied()).collect();
        let Some(mut left) = limits::PROVEN_RECORDS.checked_sub(numbers.len() as u64) else {
            let what = format!("it rests on over {} records, too many for --prove", limits::PROVEN_RECORDS);
            return Err(AuditError::OverLimit { what }.into());
        };
        let log = open.log();
        let mut prover = Prover::new((log.store, log.settings, log.keys, open.anchors()));
        numbers.iter().try_for_each(|number| prover.add(*number))?;
        for hole in holes {
            // Of very many the line says which they are.
            let span = (hole.last - hole.first).saturating_add(1);
            let unread = match left.checked_sub(span) {
                Some(rest) => {
                    left = rest;
                    prover.add_unread(hole.first, hole.last)?
                }
                None => Vec::new(),
            };
            lines.push(LineReport::new(told::holes(std::slice::from_ref(hole)).trim_end(), unread));
        }
        let to = NewFolder::make(folder)?;
        let (mut records, mut missing) = (Vec::new(), String::new());
        for (record, proven) in prover.end() {
            let proof = proven.receipt.as_ref().map(|_| format!("{record}.tlog-proof"));
            if let (Some(name), Some(receipt)) = (&proof, &proven.receipt) {
                to.put(name, receipt.as_bytes())?;
            }
            if let Some(why) = &proven.missing {
                let what = if proof.is_some() { "proven to be there, and not all that it said" } else { "not proven" };
                let _ = writeln!(missing, "HOLE  record {record} is {what}: {}", sanitize::line(why));
            }
            records.push(RecordProof { record, proof, missing: proven.missing });
        }
        let written = records.iter().filter(|record| record.proof.is_some()).count();
        let (origin, log_key) = (log.settings.origin.clone(), log.settings.key.to_string());
        let question = question.to_owned();
        let report = ProofsReport { schema_version: 1, question, origin, log_key, lines, records };
        to.put(LIST, &Outcome::json(&report, Exit::Done).stdout)?;
        let folder = sanitize::line(&folder.display().to_string());
        let key = sanitize::line(&report.log_key);
        let mut out = format!(
            "wrote proofs of {} to {folder}, and {LIST}: which line rests on which\n",
            counted(written, "record")
        );
        out += &missing;
        if let Some(one) = report.records.iter().find_map(|record| record.proof.as_ref()) {
            let _ = writeln!(out, "check each anywhere: attest audit verify --proof {folder}/{one} --log-key '{key}'");
        }
        Ok(out)
    }
}
