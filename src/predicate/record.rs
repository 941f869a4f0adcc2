//! The flat provenance record that an auditor reads: fixed field names, derived from a provenance.

use super::Provenance;
use crate::model::{ResourceDescriptor, Timestamp};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::Serialize;

/// One artifact and how it came to be: what `attest inspect --format record` prints, in an array where there are
/// several. What the provenance does not say is absent.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ProvenanceRecord {
    /// Kind and name of the artifact, for example `docker-image:ghcr.io/acme/app:v1.2.3` or `file:app.tar.gz`.
    pub artifact: String,
    /// Digest of the artifact, `sha256:HEX`.
    pub digest: String,
    /// Always `false`: the record is what a provenance says of itself. `attest verify` decides whether that counts.
    #[schemars(extend("const" = false))]
    pub verified: bool,
    /// When it was made, RFC 3339, as `createdFrom` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// What `created` is: when the build `step` ended; else the time in the entry of a transparency `log`; else the time of
    /// the `capture` of the build's context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_from: Option<CreatedFrom>,
    /// How it came to be.
    pub provenance: RecordProvenance,
}

/// Where the time of a record comes from, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CreatedFrom {
    /// `runDetails.metadata.finishedOn`.
    Step,
    /// The time in a transparency log's entry.
    Log,
    /// `internalParameters.capturedAt`.
    Capture,
}

/// How an artifact came to be.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordProvenance {
    /// Who built it, for what task.
    pub builder: RecordBuilder,
    /// From which source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<RecordSource>,
    /// The issue or document that authorised the work, without scheme.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub charter: Option<String>,
    /// Who asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<String>,
    /// Where it was built.
    pub environment: RecordEnvironment,
    /// What it was built from.
    pub dependencies: Vec<RecordDependency>,
    /// Base64 of the signature over the statement; absent while it is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

/// Who built it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordBuilder {
    /// The agent's full id, `squad/agent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The task's id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// The source.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordSource {
    /// Repository, without scheme; absent where the checkout had no remote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Branch, where the ref is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// Where it was built.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordEnvironment {
    /// The runner; outside CI the host's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner: Option<String>,
    /// The pinned package set, for example `nixpkgs#COMMIT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nix_hash: Option<String>,
}

/// One input of the build.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RecordDependency {
    /// Its name; of a lock file its path.
    pub name: String,
    /// Its digest, `ALGORITHM:HEX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Digest of a lock file, `sha256:HEX`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lockfile_hash: Option<String>,
}

impl ProvenanceRecord {
    /// The record of one artifact; `signature` is the envelope's, `logged` the time in its log entry.
    #[must_use]
    pub fn new(
        artifact: &str,
        digest: &str,
        provenance: &Provenance,
        signature: Option<&[u8]>,
        logged: Option<Timestamp>,
    ) -> Self {
        let captured = || provenance.internal.get("capturedAt")?.as_str().map(str::to_owned);
        let finished = provenance.metadata("finishedOn").map(|t| (t.to_owned(), CreatedFrom::Step));
        let logged = logged.map(|t| (t.to_string(), CreatedFrom::Log));
        let created = finished.or(logged).or_else(|| Some((captured()?, CreatedFrom::Capture)));
        let source = provenance.source();
        let environment = |path: &[&str]| {
            let first = provenance.internal.get("environment");
            path.iter().fold(first, |v, key| v?.get(key)).and_then(|v| v.as_str()).map(str::to_owned)
        };
        Self {
            artifact: artifact.to_owned(),
            digest: digest.to_owned(),
            verified: false,
            created_from: created.as_ref().map(|(_, from)| *from),
            created: created.map(|(time, _)| time),
            provenance: RecordProvenance {
                builder: RecordBuilder {
                    agent: provenance.agent().map(str::to_owned),
                    task_id: provenance.task().map(str::to_owned),
                },
                source: source.as_ref().map(|s| RecordSource {
                    repo: s.repository.as_deref().map(without_scheme),
                    commit: s.commit.clone(),
                    branch: s.reference.as_deref().and_then(|r| r.strip_prefix("refs/heads/")).map(str::to_owned),
                }),
                charter: provenance.charter().map(without_scheme),
                requested_by: provenance.requested_by().map(str::to_owned),
                environment: RecordEnvironment {
                    runner: environment(&["id"]),
                    nix_hash: environment(&["nix", "flake"]),
                },
                dependencies: provenance.dependencies.iter().filter_map(dependency).collect(),
                signature: signature.map(|s| STANDARD.encode(s)),
            },
        }
    }
}

/// A dependency of the record; the source repository itself has a place of its own there.
fn dependency(d: &ResourceDescriptor) -> Option<RecordDependency> {
    let in_source = d.uri().filter(|u| u.starts_with("git+"));
    let digest = shown(d);
    match in_source {
        Some(uri) if uri.contains('#') => {
            Some(RecordDependency { name: d.name()?.to_owned(), digest: None, lockfile_hash: digest })
        }
        Some(_) if d.name().is_none() => None,
        _ => Some(RecordDependency { name: d.name().or_else(|| d.uri())?.to_owned(), digest, lockfile_hash: None }),
    }
}

/// The strongest digest as one text.
fn shown(d: &ResourceDescriptor) -> Option<String> {
    let Some(digests) = d.digest() else { return d.nar_hash().map(str::to_owned) };
    let strong = digests.strong().next().map(|d| d.to_string());
    strong.or_else(|| digests.iter().next().map(|(a, v)| format!("{a}:{v}")))
}

fn without_scheme(uri: &str) -> String {
    uri.split_once("://").map_or(uri, |(_, rest)| rest).to_owned()
}
