//! What would raise a field's assurance: what a verifier would need to see to hold it for more than declared.

use crate::capture::{Captured, Context, TokenClaims};
use crate::policy::PROVIDERS;
use crate::predicate::field;
use crate::predicate::field::fact::{self, Fact};

/// How a job comes by the identity of its platform.
const IDENTITIES: &[(&str, &str)] = &[
    ("github", "GitHub Actions (`permissions: id-token: write`)"),
    ("gitlab", "GitLab (`id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore`)"),
    ("buildkite", "Buildkite (its agent gives the token)"),
    ("circleci", "CircleCI (its command line gives the token)"),
];

impl Context {
    /// What would raise the assurance of a field that is there.
    pub(in crate::capture) fn raised_by(&self, path: &str) -> String {
        let other = field::raised_by(path);
        let claims = field::by_path(path).map(field::Row::claims).unwrap_or_default();
        let claim = |fact: &Fact| fact.claim.unwrap_or_default();
        let (repository, commit) = (claim(fact::REPOSITORY), claim(fact::COMMIT));
        // Of a source it is the commit that counts first.
        let Some(arc) = claims.iter().find(|c| **c == commit).or_else(|| claims.first()).copied() else { return other };
        let own: Option<&TokenClaims> =
            crate::capture::named(self.platform_name).and_then(crate::capture::Capture::token);
        let provider = own.and_then(|own| PROVIDERS.iter().find(|p| p.name == own.provider));
        let says: Vec<u32> = match provider {
            _ if !self.certified.is_empty() => self.certified.clone(),
            Some(provider) => provider.rows.iter().map(|r| r.claim).collect(),
            None => Vec::new(),
        };
        let part = match (arc == commit, says.contains(&repository), says.contains(&commit)) {
            (true, true, true) => "",
            (true, false, true) => " of the commit, not of repository and ref",
            (true, true, false) => " of repository and ref, not of the commit",
            _ if says.contains(&arc) => "",
            _ => return other,
        };
        let identity = IDENTITIES.iter().find(|(name, _)| provider.is_some_and(|p| p.name == *name));
        match identity {
            _ if !self.certified.is_empty() => {
                format!("certificate if this token signs: its certificate will say the same{part}")
            }
            Some((_, identity)) => {
                format!("certificate if the identity of {identity} signs: it says the same{part}")
            }
            None => other,
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
