//! `attest inspect`

use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::target;
use crate::cli::args::{Common, EvidenceArgs, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::sanitize::line;
use crate::cli::ui::Ui;
use crate::flow::{self, Claim, Found};
use crate::model::{Digest, ResourceDescriptor, Statement, limits, uri};
use crate::places::files;
use crate::policy::NO_ATTESTATION;
use crate::predicate::record::ProvenanceRecord;
use crate::predicate::{Approval, Charter, Field, Provenance};
use crate::registry::Checked;
use crate::verify::{Candidate, Content, Origin};
use clap::Args;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::path::Path;

/// Show the attestations of an artifact, or a bundle or statement in a file, without verifying them
///
/// Nothing that this prints is verified; `attest verify` decides.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest inspect ghcr.io/acme/app@sha256:DIGEST
  attest inspect app.tar.gz.sigstore.json --format json
  attest inspect oci:build/image --format record")]
pub struct InspectArgs {
    /// Artifact, or a file that holds a bundle or statement
    #[arg(value_name = "SUBJECT|FILE")]
    pub subject: String,
    #[command(flatten)]
    evidence: EvidenceArgs,
}

/// What `attest inspect --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Digest of the artifact, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Every attestation.
    pub attestations: Vec<AttestationReport>,
}

/// An attestation as it describes itself.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AttestationReport {
    /// Where it was found.
    pub place: String,
    /// What names it there.
    pub id: String,
    /// Always `unverified`.
    pub assurance: String,
    /// Whose signature it claims to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Digest of the signed bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_digest: Option<String>,
    /// The statement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement: Option<Value>,
    /// Every field of a provenance but its dependencies, as the provenance itself has it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldReport>,
    /// Log entries that it carries.
    pub log_entries: usize,
    /// Timestamps that it carries.
    pub timestamps: usize,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A field of a provenance. Nobody has verified it: `attest verify` says how each is known.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldReport {
    /// Path below `predicate.buildDefinition` or `predicate.runDetails`.
    pub field: String,
    /// Its value.
    pub value: Value,
    /// Where its maker says that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What two places said differently of it when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
    /// Always `unverified`.
    pub assurance: String,
}

impl From<Field> for FieldReport {
    fn from(f: Field) -> Self {
        Self {
            field: f.path,
            value: f.value,
            source: f.source,
            disagreement: f.disagreement,
            assurance: "unverified".into(),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &InspectArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    if let SubjectSpec::File(path) = SubjectSpec::parse(&args.subject)?
        && let Some(found) = document(&path)?
    {
        return render(&[found], None, None, common);
    }
    let resolved = target::resolve(&args.subject, common, &args.evidence, false).await?;
    resolved.warn(ui);
    let sources = resolved.sources();
    let sources: Vec<_> = sources.iter().map(AsRef::as_ref).collect();
    let mut found = flow::look(&sources, &resolved.artifact).await;
    if let Some(registry) = &resolved.subject {
        found.extend(flow::look_inside(&Checked::new(registry.as_ref()), &resolved.artifact).await);
    }
    let is_file = matches!(SubjectSpec::parse(&args.subject)?, SubjectSpec::File(_));
    render(&found, Some(&resolved.artifact.digest), Some(is_file), common)
}

/// A file that is itself a bundle, an envelope or a statement.
fn document(path: &Path) -> Result<Option<Found>, Failure> {
    let Ok(bytes) = files::read(path, limits::BUNDLE_BYTES) else { return Ok(None) };
    let origin = Origin { place: path.display().to_string(), id: String::new() };
    if let Ok(statement) = Statement::parse(&bytes) {
        return Ok(Some(Found { origin, claim: Ok(Claim::unsigned(statement, &bytes)), bytes }));
    }
    let found = Found::read(Candidate { origin, content: Content::Evidence(bytes) });
    Ok(found.claim.is_ok().then_some(found))
}

/// That nothing, or nothing readable, was found.
///
/// # Errors
/// Exit 1 or 3.
pub fn something(found: &[Found], digest: Option<&Digest>) -> Result<(), Failure> {
    if found.iter().any(|f| f.claim.is_ok()) {
        return Ok(());
    }
    let what = digest.map_or_else(|| "it".to_owned(), ToString::to_string);
    match found.first().and_then(|f| f.claim.as_ref().err()) {
        Some(e) => {
            Err(Failure::unknown(crate::evidence::UNREADABLE, format!("no attestation of {what} could be read: {e}")))
        }
        None => Err(Failure::no(NO_ATTESTATION, format!("no attestation of {what} was found"))),
    }
}

fn render(
    found: &[Found],
    digest: Option<&Digest>,
    is_file: Option<bool>,
    common: &Common,
) -> Result<Outcome, Failure> {
    something(found, digest)?;
    match common.format {
        Format::Json => {
            let attestations = found.iter().map(report).collect();
            let report = InspectReport { schema_version: 1, digest: digest.map(ToString::to_string), attestations };
            Ok(Outcome::json(&report, Exit::Done))
        }
        Format::Record => record(found, digest, is_file),
        Format::Text => Ok(Outcome::done(text(found, digest))),
    }
}

fn report(f: &Found) -> AttestationReport {
    let claim = f.claim.as_ref().ok();
    AttestationReport {
        place: f.origin.place.clone(),
        id: f.origin.id.clone(),
        assurance: "unverified".into(),
        signer: claim.map(|c| c.signer.clone()),
        statement_digest: claim.map(|c| c.payload_digest.to_string()),
        statement: claim.map(|c| serde_json::from_slice(&c.statement.to_bytes()).unwrap_or(Value::Null)),
        fields: claim
            .and_then(|c| c.provenance.as_ref())
            .map_or_else(Vec::new, |p| p.fields().into_iter().map(Into::into).collect()),
        log_entries: claim.map_or(0, |c| c.log_entries),
        timestamps: claim.map_or(0, |c| c.timestamps),
        problem: f.claim.as_ref().err().cloned(),
    }
}

/// One record per subject of every provenance that is about the artifact.
fn record(found: &[Found], digest: Option<&Digest>, is_file: Option<bool>) -> Result<Outcome, Failure> {
    let mut records = Vec::new();
    for claim in found.iter().filter_map(|f| f.claim.as_ref().ok()) {
        let Some(provenance) = &claim.provenance else { continue };
        for subject in claim.statement.subjects() {
            let Some(d) = subject.digest().strong().find(|d| digest.is_none_or(|wanted| wanted == d)) else { continue };
            let name = subject.descriptor().name().unwrap_or("unnamed");
            let kind = kind_of(name, is_file);
            let signature = (!claim.signature.is_empty()).then_some(claim.signature.as_slice());
            let artifact = format!("{kind}{name}");
            records.push(ProvenanceRecord::new(&artifact, &d.to_string(), provenance, signature, claim.logged));
        }
    }
    match records.as_slice() {
        [] => Err(Failure::no(NO_ATTESTATION, "there is no SLSA provenance of it, so there is no record")),
        [one] => Ok(Outcome::json(one, Exit::Done)),
        many => Ok(Outcome::json(&many, Exit::Done)),
    }
}

/// The kind of an artifact before its name in a record: what was asked about is known for a file or an image; where a bundle
/// alone was given, a name that begins with a registry's host is an image's.
fn kind_of(name: &str, is_file: Option<bool>) -> &'static str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_host = |host: &str| match host.split_once(':') {
        Some((_, port)) => is_port(port),
        None => host == "localhost" || (host.contains('.') && !host.starts_with('.')),
    };
    let in_registry = || name.split_once('/').is_some_and(|(host, _)| is_host(host));
    match is_file {
        Some(true) => "file:",
        Some(false) => "docker-image:",
        None if in_registry() => "docker-image:",
        // A name that says its own kind, as package URLs do.
        None if name.contains(':') => "",
        None => "file:",
    }
}

fn text(found: &[Found], digest: Option<&Digest>) -> String {
    let mut out = String::new();
    if let Some(d) = digest {
        let _ = writeln!(out, "{d}");
    }
    for f in found {
        let id = crate::cli::show::origin(&f.origin);
        match &f.claim {
            Err(e) => {
                let _ = writeln!(out, "attestation {id}\n  cannot be read: {}", line(e));
            }
            Ok(c) => {
                let _ = writeln!(out, "attestation {id} (unverified)");
                claim(&mut out, c);
            }
        }
    }
    out
}

fn claim(out: &mut String, c: &Claim) {
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(out, "  {name}: {}", line(value));
    };
    row("type", c.statement.predicate_type().as_str());
    row("signer", &c.signer);
    row("log entries, timestamps", &format!("{}, {}", c.log_entries, c.timestamps));
    for s in c.statement.subjects().iter().take(10) {
        let digests: Vec<_> = s.digest().iter().map(|(a, v)| format!("{a}:{v}")).collect();
        row("subject", &format!("{} {}", s.descriptor().name().unwrap_or("(no name)"), digests.join(" ")));
    }
    if c.statement.subjects().len() > 10 {
        row("subject", &format!("and {} more", c.statement.subjects().len() - 10));
    }
    if c.statement.predicate_type().as_str() == uri::CHARTER
        && let Ok(charter) = c.statement.predicate().and_then(|p| Charter::from_json(&p))
    {
        row("charter", &shown_charter(&charter.uri, &charter.annotations));
        row("title", &charter.snapshot.title);
        row("text", &format!("{} bytes; --format json shows it", charter.snapshot.body.len()));
    }
    if c.statement.predicate_type().as_str() == uri::APPROVAL
        && let Ok(approval) = c.statement.predicate().and_then(|p| Approval::from_json(&p))
    {
        row("approves", &format!("the {} {}", approval.kind.name(), approval.uri.unwrap_or_default()));
        row("approver, in their words", &approval.approver.unwrap_or_else(|| "not said".into()));
        row("comment", &approval.comment.unwrap_or_else(|| "none".into()));
    }
    let Some(p) = &c.provenance else { return };
    row("builder", &p.builder_id);
    if let Some(s) = p.source() {
        let dirty = if s.dirty == Some(true) { " (work tree differs)" } else { "" };
        row(
            "source",
            &format!(
                "{} {} {}{dirty}",
                s.repository.unwrap_or_else(|| "(no remote)".into()),
                s.reference.unwrap_or_default(),
                s.commit.unwrap_or_default()
            ),
        );
    }
    let fields = [
        ("agent", p.agent().map(str::to_owned)),
        ("model", p.model()),
        ("task", p.task().map(str::to_owned)),
        ("charter", p.charter_descriptor().map(|d| shown_descriptor(&d))),
        ("requested by", p.requested_by().map(str::to_owned)),
        ("started", p.metadata("startedOn").map(str::to_owned)),
        ("finished", p.metadata("finishedOn").map(str::to_owned)),
    ];
    for (name, value) in fields {
        if let Some(v) = value {
            row(name, &v);
        }
    }
    // Packages of lock files come by the hundred: what stands beside them is what a person looks for.
    let is_package = |d: &&ResourceDescriptor| d.name().is_none() && d.uri().is_some_and(|u| u.starts_with("pkg:"));
    let (packages, others): (Vec<_>, Vec<_>) = p.dependencies.iter().partition(is_package);
    for d in others.iter().take(20) {
        let digests: Vec<_> =
            d.digest().map(|d| d.iter().map(|(a, v)| format!("{a}:{v}")).collect()).unwrap_or_default();
        row("dependency", &format!("{} {}", d.name().or_else(|| d.uri()).unwrap_or("(no name)"), digests.join(" ")));
    }
    let rest = others.len().saturating_sub(20) + packages.len();
    if rest > 0 {
        let bare = packages.iter().filter(|d| !d.is_pinned()).count();
        row("dependency", &format!("and {rest} more, {bare} packages of them without digest; --format json shows all"));
    }
    every_field(out, p);
}

/// Every field with where its maker says that it came from.
fn every_field(out: &mut String, p: &Provenance) {
    let _ = writeln!(out, "  every field, unverified:");
    for f in p.fields() {
        let from = f.source.map_or_else(String::new, |s| format!(" (from {})", line(&s)));
        let _ = writeln!(out, "    {}: {}{from}", line(&f.path), line(&shown(&f.value)));
        if let Some(other) = f.disagreement {
            let _ = writeln!(out, "      disagreement: {}", line(&other));
        }
    }
}

/// A value as a person reads it: a resource by its place and digests, a principal or model by its ids.
fn shown(value: &Value) -> String {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let digests = value.get("digest").and_then(Value::as_object).into_iter().flatten();
    let digests: String =
        digests.filter_map(|(algorithm, hex)| Some(format!(" {algorithm}:{}", hex.as_str()?))).collect();
    match (value, text("uri"), text("id")) {
        (Value::String(text), ..) => text.clone(),
        (_, Some(uri), _) => format!("{uri}{digests}"),
        (_, _, Some(id)) => match (text("provider"), text("name")) {
            (Some(provider), _) => format!("{provider}/{id}"),
            (_, Some(name)) => format!("{id}, {name}"),
            _ => id.to_owned(),
        },
        _ => match (text("repository"), text("path"), text("ref")) {
            (Some(repository), Some(path), Some(reference)) => format!("{repository} {path} {reference}"),
            _ => value.to_string(),
        },
    }
}

/// A charter by its place, digest, and what was so when it was captured.
fn shown_descriptor(charter: &ResourceDescriptor) -> String {
    let digests = charter.digest().map(|d| d.iter().map(|(a, v)| format!(" {a}:{v}")).collect::<String>());
    let place = charter.uri().unwrap_or("(no place)");
    shown_charter(&format!("{place}{}", digests.unwrap_or_default()), charter.annotations())
}

fn shown_charter(what: &str, annotations: &Map<String, Value>) -> String {
    let note = |key: &str, before: &str| Some(format!("{before}{}", annotations.get(key)?.as_str()?));
    let notes = [note("state", ""), note("author", "by "), note("capturedAt", "captured ")];
    let notes: Vec<_> = notes.into_iter().flatten().collect();
    if notes.is_empty() { what.to_owned() } else { format!("{what} ({})", notes.join(", ")) }
}
