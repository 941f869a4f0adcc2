//! `attest audit blast-radius`

mod drawn;
mod report;
mod text;

pub use report::BlastReport;

use super::Open;
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome, Purpose, codes};
use crate::flow::investigate::{self, Found, Span};
use crate::inquiry::blast::{Bounds, Start};
use crate::model::{Timestamp, limits};
use crate::places::AuditPlace;
use clap::Args;

/// Follow an agent, a credential, a dependency, an image or a commit forward to all that it may have reached
///
/// To executions, commits and those that build on them, pull requests, what was attested, where that was admitted and deployed.
/// Behind each line stands by way of what it is there, how that is known, and which record says so. Exit 0: it reached something;
/// 1: nothing that this log knows of.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit blast-radius agent:engineering/issue-solver
  attest audit blast-radius credential:NPM_TOKEN --from 2025-01-14
  attest audit blast-radius dependency:pkg:npm/event-stream@3.3.6      a package URL, or a name alone
  attest audit blast-radius base-image:registry.example/base@sha256:...
  attest audit blast-radius commit:def456
  attest audit blast-radius exec-abc123 --format html > radius.html    also mermaid, dot, csv, json
  attest audit blast-radius --from 2025-01-14T04:00:00Z --to 2025-01-14T05:00:00Z

A commit that builds on one of these is counted apart: it has the change in it, unless somebody took it back. A dependency is
found by what provenances say; which attestations say nothing of theirs is counted. Marks: w witnessed, d declared, r derived.")]
pub(in crate::cli) struct BlastArgs {
    /// agent:NAME, credential:NAME, dependency:NAME, base-image:NAME, commit:ID, execution:ID, NAME@DIGEST; none for a span of time
    #[arg(value_name = "WHAT", required_unless_present_any = ["from", "to"])]
    what: Option<String>,
    /// Only what was done with it from this time on, as 2025-01-14 or 2025-01-14T04:00:00Z
    #[arg(long, value_name = "TIME", value_parser = from)]
    from: Option<String>,
    /// Only what was done with it up to this time, which is included
    #[arg(long, value_name = "TIME", value_parser = to)]
    to: Option<String>,
    /// Follow at most so many steps
    #[arg(long, value_name = "N", default_value_t = limits::BLAST_DEPTH, value_parser = depth)]
    depth: usize,
    /// Follow at most so many things
    #[arg(long, value_name = "N", default_value_t = limits::BLAST_NODES, value_parser = nodes)]
    nodes: usize,
}

fn depth(text: &str) -> Result<usize, String> {
    within(text, limits::BLAST_DEPTH)
}

fn nodes(text: &str) -> Result<usize, String> {
    within(text, limits::BLAST_MOST_NODES)
}

pub(super) fn within(text: &str, most: usize) -> Result<usize, String> {
    text.parse().ok().filter(|n| (1..=most).contains(n)).ok_or_else(|| format!("expected a number from 1 to {most}"))
}

/// A time, or the first second of a day.
pub(super) fn from(text: &str) -> Result<String, String> {
    time(text, "00:00:00")
}

/// A time, or the last second of a day.
pub(super) fn to(text: &str) -> Result<String, String> {
    time(text, "23:59:59")
}

fn time(text: &str, of_day: &str) -> Result<String, String> {
    let whole = if text.len() == 10 { format!("{text}T{of_day}Z") } else { text.to_owned() };
    let time =
        Timestamp::parse(&whole).map_err(|_| "expected a time as 2025-01-14 or 2025-01-14T04:00:00Z".to_owned())?;
    Ok(time.to_string())
}

pub(in crate::cli) fn run(args: &BlastArgs, place: &AuditPlace, common: &Common) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let log = open.log();
    let start = match &args.what {
        Some(what) => super::trace::start(&log, what, common)?,
        None => Start::Span,
    };
    let narrowed = args.from.is_some() || args.to.is_some();
    if narrowed && !matches!(start, Start::Agent(_) | Start::Credential(_) | Start::Span) {
        let said = "--from and --to narrow what was done with an agent or a credential, or stand alone";
        return Err(Failure::usage(codes::USAGE, said));
    }
    let bounds = Bounds { nodes: args.nodes, edges: args.nodes.saturating_mul(limits::BLAST_EDGES), depth: args.depth };
    let span = Span { since: args.from.clone(), until: args.to.clone() };
    let Found { what: found, holes } = investigate::blast(&log, &start, &span, bounds)?;
    let exit = if found.radius.is_empty() { Exit::No } else { Exit::Done };
    match common.format {
        Format::Json => Ok(Outcome::json(&report::report(&found, &holes), exit)),
        Format::Csv => Ok(Outcome { stdout: report::csv(&found.radius).into_bytes(), exit, purpose: Purpose::Data }),
        format => match drawn::of_radius(&found, &holes).rendered(format) {
            Some(picture) => Ok(Outcome { stdout: picture.into_bytes(), exit, purpose: Purpose::Data }),
            None => Ok(Outcome { exit, ..Outcome::shown(text::text(&found, &holes, common.verbose)) }),
        },
    }
}
