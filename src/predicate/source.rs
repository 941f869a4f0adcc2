//! The source among what a provenance names: its address, its commit, and what says it a second time.

use crate::model::{DigestSet, ResourceDescriptor, uri};

/// The commit among digests: `gitCommit`, or `sha1` as tools wrote it before there was that name.
pub(super) fn commit_of(digests: &DigestSet) -> Option<&str> {
    let id = |d: &&str| d.len() == 40 && d.bytes().all(|b| b.is_ascii_hexdigit());
    digests.get("gitCommit").or_else(|| digests.get("sha1").filter(id))
}

/// Whether a dependency is the source again: of the same place; without one of the same commit, and no name.
pub(super) fn is_source(dependency: &ResourceDescriptor, source: &ResourceDescriptor) -> bool {
    let commit = |d: &ResourceDescriptor| d.digest().and_then(commit_of).map(str::to_owned);
    match source.uri() {
        Some(uri) => dependency.uri() == Some(uri),
        None => {
            let bare = dependency.uri().is_none() && dependency.name().is_none();
            bare && commit(source).is_some() && commit(dependency) == commit(source)
        }
    }
}

/// `git+REPOSITORY@REF`, the ref as part of an address.
#[must_use]
pub fn source_uri(repository: &str, reference: Option<&str>) -> String {
    match reference {
        Some(reference) => format!("git+{repository}@{}", uri::encoded(reference.as_bytes())),
        None => format!("git+{repository}"),
    }
}

/// Splits `git+https://host/path@refs/heads/main` into repository and ref, as they are written.
///
/// The first `@refs/` separates, since a branch may contain one too; where there is none, the first `@`.
#[must_use]
pub fn split_source(text: &str) -> Option<(String, Option<String>)> {
    let rest = text.strip_prefix("git+")?;
    let at = rest.find("@refs/").or_else(|| rest.find('@'));
    Some(match at.map(|at| (&rest[..at], &rest[at + 1..])) {
        Some((repository, reference)) => (repository.to_owned(), Some(reference.to_owned())),
        None => (rest.to_owned(), None),
    })
}

/// The repository that a `git+` URI names, without the ref.
#[must_use]
pub fn source_repository(uri: &str) -> Option<String> {
    split_source(uri).map(|(repository, _)| repository)
}
