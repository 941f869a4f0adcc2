//! `attest list`

use crate::cli::args::looked::{self, Kind, LookArgs, Looked, Shown, Wanted};
use crate::cli::args::{Common, Format};
use crate::cli::exit::{Exit, Failure, Outcome};
use crate::cli::show::listed;
use crate::cli::ui::Ui;
use crate::model::Artifact;
use clap::Args;

/// List the attestations of artifacts as a table, without verifying them
///
/// Nothing that this prints is verified; `attest verify` decides.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:
  attest list ghcr.io/acme/app@sha256:DIGEST
  attest list dist/SHA256SUMS
  attest list oci:build/image --predicate-type spdx --format json")]
pub struct ListArgs {
    #[command(flatten)]
    look: LookArgs,
}

/// One row.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListRow {
    /// What names the attestation at its place.
    pub id: String,
    /// Where it is.
    pub place: String,
    /// Names of the subjects that it was found for.
    pub subjects: Vec<String>,
    /// Whether it is about the `subject`; a `support` of one: about something that such a one may name, as a charter;
    /// `listed`: about an image that the subject lists; `unclear`: it has only digests of other algorithms than are known of
    /// the subject. Absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<&'static str>,
    /// Type of its predicate; absent when it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub predicate_type: Option<String>,
    /// When what it tells of ended, in its own words; else when a log took it, it was captured, or approved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// The agent, or who approves, in its own words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// Whose signature it claims to carry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Digest of the signed bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub statement_digest: Option<String>,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A subject about which something was looked for.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LookedFor {
    /// As it was typed or listed.
    pub name: String,
    /// Its digest.
    pub digest: String,
}

/// What `attest list --format json` prints.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ListReport {
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
    /// Every attestation that is about one of them, once; nothing in it is verified.
    pub attestations: Vec<ListRow>,
    /// How many more there are that are about something else.
    pub others: usize,
}

/// Runs the command.
///
/// # Errors
/// [`Failure`].
pub async fn run(args: &ListArgs, common: &Common, ui: &Ui) -> Result<Outcome, Failure> {
    let wanted = Wanted { inside: true, ..Wanted::default() };
    let looked = looked::look(&args.look, wanted, common, ui).await?;
    if common.format == Format::Json {
        let report = ListReport {
            schema_version: 1,
            verified: false,
            digest: only_digest(&looked.subjects),
            subjects: looked_for(&looked.subjects),
            attestations: looked.shown.iter().map(|s| row(s, &looked)).collect(),
            others: looked.others,
        };
        let printed = Outcome::json(&report, Exit::Done).stdout;
        return looked.end(printed, true, ui);
    }
    let printed = listed::page(&looked, ui.view(common.verbose));
    looked.end(printed.into_bytes(), false, ui)
}

/// The digest of the only subject.
pub(in crate::cli) fn only_digest(subjects: &[(Artifact, Kind)]) -> Option<String> {
    if let [(one, _)] = subjects { Some(one.digest.to_string()) } else { None }
}

pub(in crate::cli) fn looked_for(subjects: &[(Artifact, Kind)]) -> Vec<LookedFor> {
    subjects.iter().map(|(a, _)| LookedFor { name: a.name.clone(), digest: a.digest.to_string() }).collect()
}

fn row(s: &Shown, looked: &Looked) -> ListRow {
    let (f, claim) = (&s.found, s.found.claim.as_ref().ok());
    ListRow {
        id: f.origin.id.clone(),
        place: f.origin.place.clone(),
        subjects: s.subjects.iter().map(|n| looked.subjects[*n].0.name.clone()).collect(),
        about: s.about.map(|about| about.name()),
        predicate_type: claim.map(|c| c.statement.predicate_type().to_string()),
        time: claim.and_then(|c| c.time()).map(|time| time.to_string()),
        agent: claim.and_then(|c| c.actor()),
        signer: claim.map(|c| c.signer.clone()),
        statement_digest: claim.map(|c| c.payload_digest.to_string()),
        problem: f.claim.as_ref().err().cloned(),
    }
}
