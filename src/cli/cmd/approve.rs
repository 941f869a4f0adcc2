//! `attest approve`

use crate::capture;
use crate::cli::args::approval;
use crate::cli::args::approval::{Given, Target};
use crate::cli::args::signing::SigningArgs;
use crate::cli::args::target;
use crate::cli::args::target::Resolved;
use crate::cli::args::{CharterApi, Common, EvidenceArgs, Format};
use crate::cli::ask::confirm::confirm;
use crate::cli::cmd::attach::{AttachedReport, attach_one, warn_of_untagged};
use crate::cli::cmd::audit::record_itself;
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::created::{CreatedIdentity, ends};
use crate::cli::ui::Ui;
use crate::flow::Unsigned;
use crate::flow::create::statements;
use crate::model::{Digest, PredicateUri, uri};
use crate::places::{self, files};
use crate::predicate::Approval;
use crate::verify::Signer;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Approve a charter, a commit or an artifact: sign that you do
///
/// What is approved is shown first, by digest, and asked about on a terminal. Whoever signs is the approver. Policies
/// demand approvals with `approvals`, and count one only if it is by another than the requester, the agent and the
/// signer of the provenance, and provably older than that: sign with --timestamp-url or --rekor-url, or as an identity.
///
/// The approval of an image is attached to it; --attach puts that of a charter or commit beside an image.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest approve commit:HEAD --attach ghcr.io/acme/app@sha256:DIGEST
  attest approve commit:HEAD --key alice.key --timestamp-url URL --trusted-root root.json \\
    --output commit.approval.sigstore.json
  attest approve charter:docs/plan.md --output plan.approval.sigstore.json
  attest approve charter:https://github.com/acme/app/issues/42 --output 42.approval.sigstore.json
  attest approve ghcr.io/acme/app@sha256:DIGEST --comment 'tested on staging'")]
pub struct ApproveArgs {
    /// charter:FILE, charter:URL, commit:REVISION, or an artifact: REPOSITORY@sha256:DIGEST, REPOSITORY:TAG,
    /// oci:PATH[:TAG][@sha256:DIGEST], a file
    #[allow(rustdoc::broken_intra_doc_links, reason = "the help shows how a subject is written")]
    #[arg(value_name = "TARGET")]
    pub target: String,
    /// Digest of the charter, as a provenance records it: nothing is read or fetched
    #[arg(long, value_name = "DIGEST", help_heading = "What is approved")]
    pub digest: Option<String>,
    /// Where the charter, or the repository of the commit, is: a provenance that names another place is not supported
    /// [default: the charter's URL, the commit's remote]
    #[arg(long, value_name = "URI", help_heading = "What is approved")]
    pub uri: Option<String>,
    /// API of the charter's host, where that is neither public nor the CI system's own
    #[arg(long, value_name = "API", value_enum, help_heading = "What is approved")]
    pub charter_api: Option<CharterApi>,
    /// Who you are, for people: the signer is what counts
    #[arg(long, value_name = "ID", help_heading = "What is approved")]
    pub approver: Option<String>,
    /// For people
    #[arg(long, value_name = "TEXT", help_heading = "What is approved")]
    pub comment: Option<String>,
    /// Do not ask
    #[arg(long, short = 'y', help_heading = "What is approved")]
    pub yes: bool,
    #[command(flatten)]
    signing: SigningArgs,
    /// Write the bundle to this file [default: standard output, unless it is attached]
    #[arg(long, value_name = "FILE", help_heading = "Where it goes")]
    pub output: Option<PathBuf>,
    /// Attach the bundle to this image or layout, though it is about something else (repeatable)
    #[arg(long, value_name = "SUBJECT", help_heading = "Where it goes")]
    pub attach: Vec<String>,
    /// Repository that keeps the attestations, if not the subject's own
    #[arg(long, value_name = "REPOSITORY", env = "COSIGN_REPOSITORY", help_heading = "Where it goes")]
    pub attestation_repository: Option<String>,
}

/// What `attest approve --format json` prints, where the bundle itself goes elsewhere.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApproveReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// What kind of thing was approved.
    #[schemars(extend("enum" = ["charter", "commit", "artifact"]))]
    pub kind: String,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Its digests by algorithm.
    pub digests: BTreeMap<String, String>,
    /// Id of the key that signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The identity that signed, without a key of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<CreatedIdentity>,
    /// Digest of the signed bytes.
    pub statement_digest: String,
    /// Digest of the bundle.
    pub bundle_digest: String,
    /// The file that the bundle was written to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Where it was attached.
    pub attached: Vec<AttachedReport>,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &ApproveArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let method = args.signing.method(ui.now)?;
    common.registries.prepare(&common.registry_settings(), &Vec::from_iter(method.variable()))?;
    let given = Given {
        digest: args.digest.as_deref(),
        api: args.charter_api,
        uri: args.uri.as_deref(),
        store: args.attestation_repository.as_deref(),
    };
    let target = approval::resolve(&args.target, &given, common).await?;
    let beside = beside(args, common).await?;
    let statement = statement(args, &target, method.variable(), ui)?;
    if let Some(resolved) = &target.artifact {
        resolved.warn(ui);
    }
    confirm(&target.shown, "Approve this?", args.yes)?;
    // Nothing is opened, fetched or sent before a person has agreed.
    let (bundle, signer) = method.open(common, ui).await?.sign(&statement, &places::now).await?;
    let own = target.artifact.as_ref().filter(|r| r.subject.is_some() && args.output.is_none());
    let mut report = report(&target, statement.bytes(), &bundle, &signer);
    if let Some(path) = &args.output {
        let mut line = bundle.clone();
        line.push(b'\n');
        files::replace(path, &line)?;
        report.output = Some(path.display().to_string());
    }
    for resolved in own.into_iter().chain(&beside) {
        report.attached.push(attach_one(resolved, &bundle, ui.now).await?);
    }
    warn_of_untagged(&report.attached, ui);
    record_itself(&[approval_of(args, &report, ui)], false, common, ui)?;
    if report.output.is_none() && report.attached.is_empty() {
        return Ok(Outcome::done([&bundle[..], b"\n"].concat()));
    }
    Ok(match common.format {
        Format::Json => Outcome::json(&report, Exit::Done),
        _ => Outcome::told(text(&report)),
    })
}

/// The images that the approval is attached to besides its own target: found before anybody is asked.
async fn beside(args: &ApproveArgs, common: &Common) -> Result<Vec<Resolved>, Failure> {
    let places =
        EvidenceArgs { attestation_repository: args.attestation_repository.clone(), ..EvidenceArgs::default() };
    let mut out = Vec::new();
    for subject in &args.attach {
        out.push(target::resolve(subject, common, &places, false).await?);
    }
    Ok(out)
}

fn statement(args: &ApproveArgs, target: &Target, variable: Option<String>, ui: &Ui) -> Result<Unsigned, Failure> {
    let approval = Approval {
        kind: target.kind,
        uri: target.uri.clone(),
        approver: args.approver.clone(),
        approved_at: ui.now,
        comment: args.comment.clone(),
    };
    let variables: Vec<String> = variable.into_iter().collect();
    let secrets = capture::secrets(&places::environment()?, &variables).into();
    let subject = vec![target.subject.clone()];
    let kind = PredicateUri::parse(uri::APPROVAL).unwrap_or_else(PredicateUri::slsa_provenance);
    let mut statements =
        statements(subject, &kind, serde_json::Value::Object(approval.to_json()).to_string().into(), &secrets)?;
    // One subject is one statement.
    Ok(statements.remove(0))
}

/// What was approved, as a record: who signed is known, who they say to be is not.
fn approval_of(args: &ApproveArgs, report: &ApproveReport, ui: &Ui) -> serde_json::Value {
    let key = report.key_id.as_ref().map(|id| format!("key:{id}"));
    let identity = report.identity.as_ref().map(|certificate| certificate.identity.clone());
    let signer = key.or(identity).unwrap_or_default();
    let what = match (report.digests.get("gitCommit"), &report.uri) {
        (Some(commit), _) => format!("commit:{commit}"),
        (None, Some(uri)) => uri.clone(),
        (None, None) => report.digests.get("sha256").map(|hex| format!("sha256:{hex}")).unwrap_or_default(),
    };
    let (approver, how) = match &args.approver {
        Some(named) => (named.clone(), "declared"),
        None => (signer.clone(), "witnessed"),
    };
    let mut record = serde_json::json!({ "kind": "approval", "target": what, "approver": approver, "how": "signed",
        "statement": report.statement_digest, "completed_at": ui.now.to_string(), "source": "attest",
        "known": { "target": "witnessed", "how": "witnessed", "statement": "witnessed", "approver": how } });
    // A certificate names a person, who stands in the field that can be erased alone.
    if report.key_id.is_some() {
        record["signer"] = signer.into();
        record["known"]["signer"] = "witnessed".into();
    }
    record
}

fn report(target: &Target, statement: &[u8], bundle: &[u8], signer: &Signer) -> ApproveReport {
    let (key_id, identity) = match signer {
        Signer::Key { key } => (Some(key.id()), None),
        Signer::Certificate { identity, issuer, .. } => {
            (None, Some(CreatedIdentity { identity: identity.clone(), issuer: issuer.clone() }))
        }
    };
    let digests = target.subject.digest().iter();
    ApproveReport {
        schema_version: 1,
        kind: target.kind.name().to_owned(),
        uri: target.uri.clone(),
        digests: digests.map(|(a, v)| (a.to_owned(), v.to_owned())).collect(),
        key_id,
        identity,
        statement_digest: Digest::sha256(statement).to_string(),
        bundle_digest: Digest::sha256(bundle).to_string(),
        output: None,
        attached: Vec::new(),
    }
}

fn text(report: &ApproveReport) -> String {
    let digests = report.digests.iter().map(|(a, v)| format!("{a}:{v}")).collect::<Vec<_>>().join(", ");
    let mut out = String::new();
    let _ = writeln!(out, "signed: {}, approval of {} {digests}", report.statement_digest, report.kind);
    out + &ends(
        report.key_id.as_deref(),
        report.identity.as_ref(),
        report.output.as_deref().map(|path| ("wrote", path)),
        &report.attached,
    )
}
