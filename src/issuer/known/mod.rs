//! Each CI system and identity provider that is known: one file here, and one row in [`ALL`].

mod azure;
mod bitbucket;
mod buildkite;
mod circleci;
mod codefresh;
mod email;
mod forgejo;
mod github;
mod gitlab;
mod jenkins;
pub(super) mod local;
mod tekton;

use super::Issuer;

/// Where GitHub's tokens are from that are no tenant's.
pub(crate) use github::TOKENS as GITHUB_TOKENS;

/// All of them, the most particular first; the last one is everywhere.
pub static ALL: &[&Issuer] = &[
    // Before GitHub, whose variables it sets too.
    &forgejo::ISSUER,
    &github::ISSUER,
    &gitlab::ISSUER,
    &buildkite::ISSUER,
    &circleci::ISSUER,
    &bitbucket::ISSUER,
    &azure::ISSUER,
    // Last of the platforms: their variables may be left over around another.
    &jenkins::ISSUER,
    &tekton::ISSUER,
    &codefresh::ISSUER,
    &email::ISSUER,
    &local::ISSUER,
];
