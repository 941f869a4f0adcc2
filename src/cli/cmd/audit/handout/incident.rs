//! `attest audit report incident`

use super::{HandingOut, Shown, export, whole};
use crate::action::encode;
use crate::cli::args::Common;
use crate::cli::cmd::audit::ask::{Open, logs, sheet};
use crate::cli::exit::{Failure, Outcome};
use crate::flow::handout;
use crate::flow::investigate::{self, Log};
use crate::places::AuditPlace;
use clap::Args;
use std::path::PathBuf;

/// Hand out an incident: the records of executions and commits, with what proves each, and a page to read
///
/// Whoever gets the folder checks it with `attest audit verify --bundle DIR --log-key KEY`, and needs neither the log nor what opens it. Of records that cannot be
/// read there is what says so. That it was handed out, and to whom, is recorded.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest audit report incident exec-abc123 --to incident/
  attest audit report incident commit:def4567aaaabbbbccccddddeeeeffff000011112 exec-9 --to incident/ --recipient 'counsel'

Commands, inputs and outputs are not in it: who has one compares it by `attest audit match` with the log.")]
pub(in crate::cli) struct IncidentArgs {
    /// Executions or sessions, and commits by their whole ids
    #[arg(value_name = "EXECUTION|COMMIT", required = true)]
    things: Vec<String>,
    /// The folder, which is made
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// To whom it goes
    #[arg(long, value_name = "WHO")]
    recipient: Option<String>,
}

pub(in crate::cli::cmd::audit) fn run(
    args: &IncidentArgs,
    place: &AuditPlace,
    common: &Common,
) -> Result<Outcome, Failure> {
    let open = Open::at(place)?;
    let log = open.log();
    let size = handout::checkpoint(log.store, log.settings)?.1.size;
    let (chosen, executions) = handout::of_incident(&log, size, &args.things)?;
    let shown = Shown { what: "incident", anonymized: false, ocsf: false, showing: &whole };
    let page = page(&log, &args.things, &executions)?;
    let mut out = HandingOut::begin(&open, &args.to)?;
    let (written, _) = out.records(&chosen, &shown)?;
    out.put("index.html", page.as_bytes())?;
    let ended = out.end((&chosen, &written), &shown, (place, args.recipient.as_deref(), common))?;
    let to = (args.to.display().to_string(), log.settings.key.to_string());
    Ok(export::told(("incident", &chosen, &written), ended, &to, common))
}

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem;max-width:80rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.3rem}h2{font-size:1.05rem;margin-top:2rem}h1,h2{overflow-wrap:anywhere}\
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f6f8;border:1px solid #ccc;border-radius:6px;padding:.8rem}\
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}pre{background:#161b22;border-color:#333}}";

/// What is said of the executions, as one page without a script.
fn page(log: &Log<'_>, things: &[String], executions: &[String]) -> Result<String, Failure> {
    let title = encode::xml(&format!("Incident: {}", things.join(", ")));
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n<p>From the audit log {}. This page is for reading; what proves it is in the files beside it: \
         <code>attest audit verify --bundle</code> with this folder and the log's key, which is not to be taken from here, checks all of them. w witnessed, d declared, r derived.</p>\n",
        encode::xml(&log.settings.origin)
    );
    for id in executions {
        let found = investigate::execution(log, id)?;
        let whole = sheet::page(&found.what.sheet, &found.holes, "");
        let actions = logs::listed(&investigate::logs(log, id)?.what);
        out += &format!("<h2>{}</h2>\n{}{}", encode::xml(id), preformatted(&whole), preformatted(&actions));
    }
    Ok(out + "</body>\n</html>\n")
}

/// Lines as they are, in which nothing is a tag.
fn preformatted(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(encode::xml).collect();
    format!("<pre>{}</pre>\n", lines.join("\n"))
}
