//! `attest inspect`

use crate::cli::args::looked::{self, Kind, LookArgs, Looked, Shown, Wanted};
use crate::cli::args::{Common, Format};
use crate::cli::cmd::list::{LookedFor, looked_for, only_digest};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::inspected;
use crate::cli::ui::Ui;
use crate::flow::Claim;
use crate::model::json;
use crate::policy::NO_ATTESTATION;
use crate::predicate::Field;
use crate::predicate::record::ProvenanceRecord;
use clap::Args;
use serde_json::Value;
use serde_json::value::RawValue;

/// Show the attestations of artifacts, or the bundles or statement in a file, without verifying them
///
/// Nothing that this prints is verified; `attest verify` decides. A file that holds bundles or a statement is shown itself.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest inspect ghcr.io/acme/app@sha256:DIGEST
  attest inspect app.tar.gz.sigstore.json --format json
  attest inspect oci:build/image --format record")]
pub struct InspectArgs {
    #[command(flatten)]
    look: LookArgs,
}

/// What `attest inspect --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InspectReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Always `false`: `attest verify` decides.
    #[schemars(extend("const" = false))]
    pub verified: bool,
    /// Digest of the artifact, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// What was looked for.
    pub subjects: Vec<LookedFor>,
    /// Every attestation that is about one of them, or that a file holds, once.
    pub attestations: Vec<AttestationReport>,
    /// How many more there are that are about something else.
    pub others: usize,
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
    /// Names of the subjects that it was found for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Whether it is about the `subject`; a `support` of one: about something that such a one may name, as a charter;
    /// `listed`: about an image that the subject lists; `unclear`: it has only digests of other algorithms than are known of
    /// the subject. Absent without a subject, and when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<&'static str>,
    /// Whose signature it claims to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Digest of the signed bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_digest: Option<String>,
    /// The statement, its predicate as it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Value>")]
    pub statement: Option<Box<RawValue>>,
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
    /// Its value, as it is written.
    #[schemars(with = "Value")]
    pub value: Box<RawValue>,
    /// Where its maker says that it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What two places said differently of it when it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
    /// Always `unverified`.
    pub assurance: String,
}

impl FieldReport {
    /// Of a field of a claim's provenance.
    fn of(f: Field, claim: &Claim) -> Self {
        Self {
            value: raw(&inspected::written(claim, &f), LEVEL_OF_VALUES),
            field: f.path,
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
    let wanted = Wanted { documents: true, inside: true };
    let looked = looked::look(&args.look, wanted, common, ui).await?;
    let printed = match common.format {
        Format::Json => {
            let report = InspectReport {
                schema_version: 1,
                verified: false,
                digest: only_digest(&looked.subjects),
                subjects: looked_for(&looked.subjects),
                attestations: looked.shown.iter().map(|s| report(s, &looked)).collect(),
                others: looked.others,
            };
            Outcome::json(&report, Exit::Done).stdout
        }
        Format::Record => records(&looked)?,
        _ => inspected::page(&looked, ui.view(common.verbose)).into_bytes(),
    };
    looked.end(printed, common.format != Format::Text, ui)
}

/// How many levels in a statement, and a value of a field, stand in the report.
const LEVEL_OF_STATEMENTS: usize = 3;
const LEVEL_OF_VALUES: usize = 5;

/// Text that was read as JSON, in lines.
fn raw(text: &str, level: usize) -> Box<RawValue> {
    RawValue::from_string(json::spread(text, level)).unwrap_or_default()
}

fn report(s: &Shown, looked: &Looked) -> AttestationReport {
    let (f, claim) = (&s.found, s.found.claim.as_ref().ok());
    AttestationReport {
        place: f.origin.place.clone(),
        id: f.origin.id.clone(),
        assurance: "unverified".into(),
        subjects: s.subjects.iter().map(|n| looked.subjects[*n].0.name.clone()).collect(),
        about: s.about.map(|about| about.name()),
        signer: claim.map(|c| c.signer.clone()),
        statement_digest: claim.map(|c| c.payload_digest.to_string()),
        statement: claim.map(|c| raw(&String::from_utf8_lossy(&c.statement.to_bytes()), LEVEL_OF_STATEMENTS)),
        fields: claim
            .and_then(|c| Some((c, c.provenance.as_ref()?)))
            .map_or_else(Vec::new, |(c, p)| p.fields().into_iter().map(|f| FieldReport::of(f, c)).collect()),
        log_entries: claim.map_or(0, |c| c.log_entries),
        timestamps: claim.map_or(0, |c| c.timestamps),
        problem: f.claim.as_ref().err().cloned(),
    }
}

/// One record per subject of every provenance that is about an artifact, or that a file holds.
fn records(looked: &Looked) -> Result<Vec<u8>, Failure> {
    let mut records = Vec::new();
    for s in &looked.shown {
        let Ok(claim) = &s.found.claim else { continue };
        let Some(provenance) = &claim.provenance else { continue };
        let asked: Vec<_> = s.subjects.iter().map(|n| &looked.subjects[*n]).collect();
        for subject in claim.statement.subjects() {
            let named = || subject.digest().strong();
            let found = asked.iter().find_map(|(a, kind)| {
                let is_this = |d: &crate::model::Digest| a.digests.get(d.algorithm().name()) == Some(d.hex());
                Some((named().find(is_this)?, Some(*kind)))
            });
            let whole = || named().next().filter(|_| asked.is_empty()).map(|d| (d, None));
            let Some((digest, kind)) = found.or_else(whole) else { continue };
            let name = subject.descriptor().name().unwrap_or("unnamed");
            let signature = (!claim.signature.is_empty()).then_some(claim.signature.as_slice());
            let artifact = format!("{}{name}", kind_of(name, kind));
            records.push(ProvenanceRecord::new(&artifact, &digest.to_string(), provenance, signature, claim.logged));
        }
    }
    match records.as_slice() {
        [] => Err(Failure::no(NO_ATTESTATION, "there is no SLSA provenance of it, so there is no record")),
        [one] => Ok(Outcome::json(one, Exit::Done).stdout),
        many => Ok(Outcome::json(&many, Exit::Done).stdout),
    }
}

/// The kind of an artifact before its name in a record: what was asked about is known for a file or an image; where a bundle
/// or a digest alone was given, a name that begins with a registry's host is an image's.
fn kind_of(name: &str, kind: Option<Kind>) -> &'static str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    let is_host = |host: &str| match host.split_once(':') {
        Some((_, port)) => is_port(port),
        None => host == "localhost" || (host.contains('.') && !host.starts_with('.')),
    };
    let in_registry = || name.split_once('/').is_some_and(|(host, _)| is_host(host));
    match kind {
        Some(Kind::File) => "file:",
        Some(Kind::Image) => "docker-image:",
        Some(Kind::Digest) | None if in_registry() => "docker-image:",
        // A name that says its own kind, as package URLs do.
        Some(Kind::Digest) | None if name.contains(':') => "",
        Some(Kind::Digest) | None => "file:",
    }
}
