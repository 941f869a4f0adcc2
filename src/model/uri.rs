//! Every URI that this project coined, and the ones of others that it writes.

/// The one base of our own URIs. They carry no `@`: some services refuse a predicate type that does.
pub const BASE: &str = "https://agent-attest.github.io/";
/// `buildType` of the provenance that `attest create` writes.
pub const AGENT_BUILD: &str = "https://agent-attest.github.io/agent-build/v1";
/// Predicate type of an approval: somebody approves a charter, a commit or an artifact.
pub const APPROVAL: &str = "https://agent-attest.github.io/approval/v1";
/// `builder.id` on a machine that no certificate and no recognised CI system speaks for.
pub const BUILDER_LOCAL: &str = "https://agent-attest.github.io/builder/local/v1";
/// What a charter said: the predicate type of a snapshot.
pub const CHARTER: &str = "https://agent-attest.github.io/charter/v1";
/// SLSA provenance, version 1.
pub const SLSA_PROVENANCE: &str = "https://slsa.dev/provenance/v1";
/// in-toto Statement, version 1: what we write.
pub const STATEMENT_V1: &str = "https://in-toto.io/Statement/v1";
/// in-toto Statement, version 0.1: read only.
pub const STATEMENT_V01: &str = "https://in-toto.io/Statement/v0.1";

/// `builder.id` of a recognised CI system that no certificate speaks for, for example `jenkins`.
#[must_use]
pub fn builder(name: &str) -> String {
    format!("{BASE}builder/{name}/v1")
}
