//! What CI systems say of a run. A new one is one file here and one row in [`ALL`].

mod azure;
mod buildkite;
mod circleci;
mod forgejo;
mod github;
mod gitlab;
pub(in crate::capture) mod identity;
mod jenkins;
mod plain;
pub(in crate::capture) mod run;
mod tekton;
pub(in crate::capture) mod variables;

use crate::capture::{CiContext, Environment, TokenClaims};

/// A CI system, or a machine without one.
///
/// Contract: pure over the environment; a value that a platform did not give, or gave in another form than its
/// documentation says, is absent with a reason that names the variable.
pub trait Capture: Sync {
    /// Short name, as in `builder.id` (`github-actions`).
    fn name(&self) -> &'static str;

    /// Whether this process runs there.
    fn detects(&self, env: &Environment) -> bool;

    /// What the platform says of this run.
    fn capture(&self, env: &Environment) -> CiContext;

    /// What the claims of its identity tokens say that its variables say too, if it gives any.
    fn token(&self) -> Option<&'static TokenClaims> {
        None
    }

    /// The file in which the platform describes what set the run off, if it writes one.
    fn event_file<'e>(&self, _env: &'e Environment) -> Option<&'e str> {
        None
    }

    /// What that file adds.
    fn with_event(&self, _event: &serde_json::Value, context: CiContext, _env: &Environment) -> CiContext {
        context
    }
}

/// Every platform, the most particular first; the last one is everywhere.
pub const ALL: &[&dyn Capture] = &[
    // Before GitHub, whose variables it sets too.
    &forgejo::Forgejo,
    &github::GitHubActions,
    &gitlab::GitLab,
    &buildkite::Buildkite,
    &circleci::CircleCi,
    &azure::AzurePipelines,
    // Last of the platforms: their variables may be left over around another.
    &jenkins::Jenkins,
    &tekton::Tekton,
    &plain::Plain,
];

/// The platform that this process runs on.
#[must_use]
pub fn detect(env: &Environment) -> &'static dyn Capture {
    ALL.iter().copied().find(|c| c.detects(env)).unwrap_or(&plain::Plain)
}

/// The platform of a name.
pub(crate) fn named(name: &str) -> Option<&'static dyn Capture> {
    ALL.iter().copied().find(|c| c.name() == name)
}
