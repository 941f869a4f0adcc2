//! What would raise a field's assurance: what a verifier would need to see to hold it for more than declared.

use crate::capture::{Captured, Context, TokenClaims};
use crate::policy::PROVIDERS;

/// Fields that a certificate can say, and the last arc of its claim.
const CERTIFIED: &[(&str, u32)] = &[
    ("externalParameters.source", 13),
    ("externalParameters.trigger", 20),
    ("externalParameters.workflow", 18),
    ("internalParameters.environment.kind", 11),
    ("builder.id", 9),
    ("metadata.invocationId", 21),
    ("internalParameters.github.event_name", 20),
    ("internalParameters.github.repository_id", 15),
    ("internalParameters.github.repository_owner_id", 17),
    ("internalParameters.github.runner_environment", 11),
    ("internalParameters.github.sha", 13),
    ("internalParameters.github.ref", 14),
    ("internalParameters.gitlab.pipeline_source", 20),
    ("internalParameters.gitlab.project_id", 15),
    ("internalParameters.gitlab.namespace_id", 17),
    ("internalParameters.gitlab.runner_environment", 11),
    ("internalParameters.gitlab.sha", 13),
    ("internalParameters.buildkite.build_source", 20),
];

/// Other fields, the most particular first, and what else could stand behind them.
const OTHERS: &[(&str, &str)] = &[
    (
        "externalParameters.charter",
        "signed if an identity that the policy names signs an approval of it (`attest approve`) or a snapshot (--attach-charter), measured if a policy says of the signer `measures: [charter]`",
    ),
    ("externalParameters.requestedBy", "measured if a policy says of the signer `measures: [requestedBy]`"),
    ("externalParameters.agent", "measured if a policy says of the signer `measures: [agent]`"),
    ("externalParameters.task", "measured if a policy says of the signer `measures: [task]`"),
    (
        "externalParameters.source",
        "signed if an identity that the policy names signs an approval of the commit (`attest approve`), measured if a policy says of the signer `measures: [source]`",
    ),
    ("resolvedDependencies.source", "measured if a policy says of the signer `measures: [source]`"),
    ("resolvedDependencies", "measured if a policy says of the signer `measures: [dependencies]`"),
    ("builder.id", "bound if a policy lists it under `builders` of the signer"),
    ("", "nothing in this version raises it"),
];

/// How a job comes by the identity of its platform.
const IDENTITIES: &[(&str, &str)] = &[
    ("github", "GitHub Actions (`permissions: id-token: write`)"),
    ("gitlab", "GitLab (`id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore`)"),
    ("buildkite", "Buildkite (its agent gives the token)"),
    ("circleci", "CircleCI (its command line gives the token)"),
];

impl Context {
    /// What would raise the assurance of a field that is there.
    pub(in crate::capture) fn raised_by(&self, field: &str) -> String {
        let other = OTHERS.iter().find(|(prefix, _)| field.starts_with(prefix)).map_or("", |(_, text)| text);
        let arc = CERTIFIED.iter().find(|(name, _)| *name == field).map(|(_, arc)| *arc);
        let Some(arc) = arc else { return other.to_owned() };
        let own: Option<&TokenClaims> =
            crate::capture::named(self.platform_name).and_then(crate::capture::Capture::token);
        let provider = own.and_then(|own| PROVIDERS.iter().find(|p| p.name == own.provider));
        let says: Vec<u32> = match provider {
            _ if !self.certified.is_empty() => self.certified.clone(),
            Some(provider) => provider.rows.iter().map(|r| r.claim).collect(),
            None => Vec::new(),
        };
        let part = match (arc, says.contains(&12), says.contains(&13)) {
            (13, true, true) => "",
            (13, false, true) => " of the commit, not of repository and ref",
            (13, true, false) => " of repository and ref, not of the commit",
            _ if says.contains(&arc) => "",
            _ => return other.to_owned(),
        };
        let identity = IDENTITIES.iter().find(|(name, _)| provider.is_some_and(|p| p.name == *name));
        match identity {
            _ if !self.certified.is_empty() => {
                format!("certificate if this token signs: its certificate will say the same{part}")
            }
            Some((_, identity)) => {
                format!("certificate if the identity of {identity} signs: it says the same{part}")
            }
            None => other.to_owned(),
        }
    }

    /// What a finished provenance says of where its fields came from.
    pub(in crate::capture) fn recorded_sources(&self) -> serde_json::Map<String, serde_json::Value> {
        // Where a trail of an agent lies on this machine is nobody's business; its digest says which it is.
        let written = |row: &crate::capture::Explained| {
            row.value.as_ref().is_some_and(|v| !is_empty(v)) && !row.field.starts_with("byproducts.")
        };
        let rows = self.explain().into_iter().filter(written);
        rows.filter_map(|row| Some((row.field, row.source?.into()))).collect()
    }

    /// What two places say differently, by field.
    pub(in crate::capture) fn recorded_disagreements(&self) -> serde_json::Map<String, serde_json::Value> {
        self.explain().into_iter().filter_map(|row| Some((row.field, row.disagreement?.into()))).collect()
    }
}

/// Nothing that would be written.
fn is_empty(value: &serde_json::Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

/// The subjects that the build step left as they were.
pub(in crate::capture) fn unwritten(names: Option<&Vec<String>>) -> Captured<Vec<String>> {
    match names {
        None => Captured::absent("no build step was run"),
        Some(names) if names.is_empty() => Captured::absent("the build step wrote every subject"),
        Some(names) => Captured::found(names.clone(), "the subjects before and after the build step"),
    }
}
