//! `attest flush`

use crate::cli::args::signing::SigningArgs;
use crate::cli::args::target;
use crate::cli::args::{Common, EvidenceArgs, Format};
use crate::cli::cmd::attach::{AttachedReport, attach_one};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::ui::Ui;
use crate::evidence::{self, AddError};
use crate::flow::create::{agrees, agrees_beforehand};
use crate::flow::{PublishError, Unsigned};
use crate::model::envelope::Envelope;
use crate::model::plural::counted;
use crate::model::{Digest, json, limits};
use crate::outbox::{self, Destination, Entry, Outbox, OutboxError, Waiting};
use crate::places;
use crate::verify::{in_toto_envelope, read_evidence};
use clap::Args;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Send what an outage left in the outbox
///
/// Signed bundles are published, each once, however often this is run or interrupted. An unsigned statement is signed
/// only when its digest is given, which `attest create` printed, by the identity and in the run that left it.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest flush --outbox .attest-outbox
  attest flush --outbox .attest-outbox --key attest.key --sign sha256:DIGEST")]
pub struct FlushArgs {
    /// The outbox
    #[arg(long, value_name = "DIR", env = "ATTEST_OUTBOX")]
    pub outbox: PathBuf,
    /// Sign the statement of this digest (repeatable)
    #[arg(long, value_name = "DIGEST", num_args = 1..)]
    pub sign: Vec<String>,
    /// Add what goes to a file to this one, instead of the one that was named when it was left; needed for a file that
    /// is hidden, or not below the present folder
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    #[command(flatten)]
    signing: SigningArgs,
}

/// What `--format json` prints.
#[derive(Debug, Default, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FlushReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Digests of the entries that were signed now.
    pub signed: Vec<String>,
    /// What was attached.
    pub attached: Vec<AttachedReport>,
    /// Files that bundles were added to.
    pub written: Vec<String>,
    /// Digests of unsigned entries that wait on.
    pub unsigned: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`]: what could not be published waits on.
pub async fn run(args: &FlushArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let wanted = args.sign.iter().map(|d| digest(d)).collect::<Result<Vec<_>, _>>()?;
    let outbox = Outbox::existing(&args.outbox)?;
    let _lock = outbox.lock(common.timeout)?;
    let mut report = FlushReport { schema_version: 1, ..FlushReport::default() };
    let mut failures = Vec::new();
    let mut entries = Vec::new();
    for entry in outbox.entries()? {
        match entry {
            Ok((digest, entry)) => match readable(&digest, &entry.waiting) {
                Ok(()) => entries.push((digest, entry)),
                Err(e) => failures.push(Failure::from(e)),
            },
            // A damaged file keeps no good one from going.
            Err(e) => failures.push(Failure::from(e)),
        }
    }
    finish_interrupted(&outbox, &mut entries, &mut failures)?;
    if !wanted.is_empty() {
        report.signed = sign(args, common, &outbox, &wanted, &mut entries, ui).await?;
    }
    for (digest, entry) in &entries {
        match &entry.waiting {
            Waiting::Unsigned { .. } => report.unsigned.push(digest.to_string()),
            Waiting::Signed { bundle, .. } => {
                match publish(args, bundle, &entry.destinations, common, &mut report, ui).await {
                    Ok(()) => outbox.remove(digest)?,
                    Err(failure) => failures.push(failure.context(format!("entry {digest}"))),
                }
            }
        }
    }
    if !report.unsigned.is_empty() {
        ui.note(&format!("waiting unsigned: {}; name them with --sign", counted(report.unsigned.len(), "statement")));
    }
    if let Some(first) = failures.into_iter().next() {
        return Err(first);
    }
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::told(text(&report)),
    })
}

fn digest(text: &str) -> Result<Digest, Failure> {
    Digest::parse(text).map_err(|_| OutboxError::NotWaiting { digest: text.chars().take(100).collect() }.into())
}

/// That what waits as signed is one line, a bundle of a statement: nothing else is ever sent anywhere.
fn readable(digest: &Digest, waiting: &Waiting) -> Result<(), OutboxError> {
    let Waiting::Signed { bundle, .. } = waiting else { return Ok(()) };
    let damaged = |cause: String| OutboxError::Damaged { name: format!("{}.json", digest.hex()), cause };
    if bundle.contains(&b'\n') {
        return Err(damaged("its bundle is more than one line".into()));
    }
    let parsed = read_evidence(bundle).map_err(|e| damaged(e.to_string()))?;
    in_toto_envelope(&parsed).map(|_| ()).map_err(|e| damaged(e.to_string()))
}

/// An unsigned entry whose signed one is there was signed by a flush that was killed: it must not be signed again. One
/// that only says so takes nothing away, and goes nowhere.
fn finish_interrupted(
    outbox: &Outbox,
    entries: &mut Vec<(Digest, Entry)>,
    failures: &mut Vec<Failure>,
) -> Result<(), Failure> {
    let (mut done, mut false_ones) = (Vec::new(), Vec::new());
    for (digest, entry) in &*entries {
        let Waiting::Signed { bundle, made_from: Some(made_from) } = &entry.waiting else { continue };
        match entries.iter().find(|(d, _)| d == made_from) {
            Some((_, from)) if is_made_from(bundle, &entry.destinations, from) => done.push(made_from.clone()),
            Some(_) => false_ones.push(digest.clone()),
            None => {}
        }
    }
    for digest in &done {
        outbox.remove(digest)?;
    }
    for digest in &false_ones {
        let cause = "it was not made from the entry that it says it was made from; both are kept".into();
        failures.push(OutboxError::Damaged { name: format!("{}.json", digest.hex()), cause }.into());
    }
    entries.retain(|(digest, _)| !done.contains(digest) && !false_ones.contains(digest));
    Ok(())
}

/// Whether a bundle holds the statement of an unsigned entry, with whatever builder was open, for the same places.
fn is_made_from(bundle: &[u8], destinations: &[Destination], from: &Entry) -> bool {
    let Ok(bundle) = read_evidence(bundle) else { return false };
    let Ok(payload) = in_toto_envelope(&bundle).map(Envelope::payload) else { return false };
    let value = json::parse(payload, limits::STATEMENT_BYTES).unwrap_or_default();
    let builder = value.pointer("/predicate/runDetails/builder/id").and_then(|id| id.as_str());
    let expected = from.waiting.statement(builder).and_then(Result::ok);
    expected.is_some_and(|expected| expected == payload) && destinations == from.destinations
}

/// Signs the entries that are wanted, each in place; gives their digests.
async fn sign(
    args: &FlushArgs,
    common: &Common,
    outbox: &Outbox,
    wanted: &[Digest],
    entries: &mut [(Digest, Entry)],
    ui: &Ui,
) -> Result<Vec<String>, Failure> {
    let mut done = Vec::new();
    let run = places::run_of(&places::environment()?);
    let method = args.signing.method(ui.now)?;
    common.registries.prepare(&common.registry_settings(), &Vec::from_iter(method.variable()))?;
    let signing = method.open(common, ui).await?;
    // All are looked at before one is signed.
    for digest in wanted {
        let found = entries.iter().find(|(d, _)| d == digest).map(|(_, e)| &e.waiting);
        match found {
            Some(Waiting::Unsigned { context, .. }) => context.permits(digest, &run, &signing.names)?,
            _ => return Err(OutboxError::NotWaiting { digest: digest.to_string() }.into()),
        }
    }
    let builder = signing.identity.as_ref().and_then(|identity| identity.builder());
    for (digest, entry) in entries.iter_mut().filter(|(d, _)| wanted.contains(d)) {
        let Some(statement) = entry.waiting.statement(builder) else { continue };
        let statement = statement.map_err(PublishError::Statement)?;
        let statement = Unsigned::parse(statement)?;
        let note = |text: &str| ui.note(text);
        let read = signing.certificate.as_ref().filter(|_| entry.waiting.builder_is_open());
        if let Some(certificate) = read {
            agrees_beforehand(&statement, certificate, &note)?;
        }
        let (bundle, signer) = signing.sign(&statement, &places::now).await?;
        // A provenance of ours, made when it was not known yet what the certificate would say.
        if entry.waiting.builder_is_open() && read.is_none() {
            agrees(&statement, &signer, &note)?;
        }
        let waiting = Waiting::Signed { bundle, made_from: Some(digest.clone()) };
        let signed = Entry { waiting, destinations: entry.destinations.clone() };
        // In this order: killed in between, both are there, and the next run knows.
        let kept = outbox.keep(&signed)?;
        outbox.remove(digest)?;
        done.push(digest.to_string());
        (*digest, *entry) = (kept, signed);
    }
    Ok(done)
}

async fn publish(
    args: &FlushArgs,
    bundle: &[u8],
    destinations: &[Destination],
    common: &Common,
    report: &mut FlushReport,
    ui: &Ui,
) -> Result<(), Failure> {
    let mut failed = None;
    for destination in destinations {
        let sent = match destination {
            Destination::Image { subject, store } => {
                let places = EvidenceArgs { attestation_repository: store.clone(), ..EvidenceArgs::default() };
                match target::resolve(subject, common, &places, true).await {
                    Ok(resolved) => attach_one(&resolved, bundle, ui.now).await.map(|a| report.attached.push(a)),
                    Err(failure) => Err(failure),
                }
            }
            Destination::File { path } => {
                write(args, path, bundle).map(|path| report.written.push(path.display().to_string()))
            }
        };
        // What is sent twice is there once: the rest goes now, and the entry stays.
        if let Err(failure) = sent {
            failed.get_or_insert(failure);
        }
    }
    failed.map_or(Ok(()), Err)
}

/// Writes to the file that the person names, else to the entry's: that may be anybody's word.
fn write(args: &FlushArgs, path: &str, bundle: &[u8]) -> Result<PathBuf, Failure> {
    let path = match &args.output {
        Some(path) => path.clone(),
        None => outbox::place(Path::new(path))?,
    };
    let added = evidence::add(&path, &[bundle.to_vec()], &|_, _| false, evidence::PATIENCE);
    let added = added.map_err(|e| match e {
        AddError::Unwritable { path, cause } => OutboxError::Place { path, cause }.into(),
        e => Failure::from(e),
    })?;
    Ok(added.into_iter().next().map_or(path, |a| a.path))
}

fn text(report: &FlushReport) -> String {
    let mut out = String::new();
    for digest in &report.signed {
        let _ = writeln!(out, "signed: {digest}");
    }
    for path in &report.written {
        let _ = writeln!(out, "wrote: {}", crate::cli::show::sanitize::line(path));
    }
    out += &crate::cli::cmd::attach::text(&report.attached);
    if out.is_empty() {
        out.push_str("nothing to send\n");
    }
    out
}
