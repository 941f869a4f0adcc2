//! The source of a build, from what git and the platform say of it.

use crate::capture::record::prefer::prefer;
use crate::capture::{Captured, CiContext, SourceState};
use crate::model::{DigestSet, ResourceDescriptor};
use crate::predicate::{field, source_uri};

/// Submodules as what the build is made of. One whose address is the source's own is named by its path alone: it is the
/// same repository at another commit.
pub(in crate::capture) fn submodules(git: &SourceState, source: Option<&str>) -> Vec<ResourceDescriptor> {
    let all = git.submodules.value().into_iter().flatten();
    let named = all.filter_map(|s| {
        let digest = DigestSet::new("submodule", [("gitCommit", s.commit.as_str())]).ok()?;
        let descriptor = ResourceDescriptor::with_digest(digest).named(s.path.as_str());
        let uri = s.url.as_ref().map(|url| format!("git+{url}")).filter(|uri| Some(uri.as_str()) != source);
        let descriptor = match uri {
            Some(uri) => descriptor.uri_of(uri),
            None => descriptor,
        };
        Some(descriptor.annotated("submodule", true))
    });
    named.collect()
}

/// The source: what git says. Only what git cannot know comes from the platform, and only for the same commit.
pub(in crate::capture) fn of(
    git: &SourceState,
    ci: &CiContext,
) -> (Captured<ResourceDescriptor>, Vec<(&'static str, String)>) {
    let mut disagreements = Vec::new();
    if let (Some(ours), Some(theirs)) = (git.commit.value(), ci.commit.value())
        && ours != theirs
    {
        let text = format!("git has checked out {ours}, the platform runs for {theirs}");
        disagreements.push((field::SOURCE_DIGEST.path, text));
    }
    if let (Some(ours), Some(theirs)) = (git.remote.value(), ci.repository.value())
        && !ours.eq_ignore_ascii_case(theirs)
    {
        let text = format!("git's remote is {ours}, the platform runs for {theirs}");
        disagreements.push((field::SOURCE_URI.path, text));
    }
    let same = git.commit.value().is_some() && git.commit.value() == ci.commit.value();
    // Without a checkout by git (a downloaded archive) the platform's word is all there is.
    let (commit, platform) = match (&git.commit, &ci.commit) {
        (Captured::Absent { reason }, Captured::Found { value, source }) => {
            (Captured::found(value.clone(), &format!("{source} ({reason})")), true)
        }
        _ => (git.commit.clone(), same),
    };
    let from_platform = |ours: &Captured<String>, theirs: &Captured<String>| match (ours, theirs) {
        _ if platform => prefer(ours.clone(), theirs),
        (Captured::Absent { reason }, Captured::Found { source, .. }) => {
            Captured::absent(&format!("{reason}; {source} is for another commit, or for none that is named"))
        }
        _ => ours.clone(),
    };
    let reference = from_platform(&git.reference, &ci.reference);
    let remote = from_platform(&git.remote, &ci.repository);
    // The object is the checked-out commit's, and no other's.
    let object =
        git.object.value().filter(|_| git.commit.value().is_some()).map(|o| ("sha256", o.digest.hex().to_owned()));
    let (commit, by) = match commit {
        Captured::Found { value, source } => (value, source),
        Captured::Absent { reason } => return (Captured::Absent { reason }, disagreements),
    };
    let digest = match DigestSet::new("source.digest", std::iter::once(("gitCommit", commit)).chain(object)) {
        Ok(digest) => digest,
        Err(e) => return (Captured::absent(&e.to_string()), disagreements),
    };
    let source = match remote {
        Captured::Found { value: remote, source: from } => {
            let (uri, at) = match &reference {
                Captured::Found { value, source } => (source_uri(&remote, Some(value)), source.clone()),
                Captured::Absent { reason } => (source_uri(&remote, None), format!("no ref: {reason}")),
            };
            Captured::found(ResourceDescriptor::at(uri).digest_of(digest), &format!("{by}; {from}; {at}"))
        }
        // The commit says which source it was, and nothing of this machine.
        Captured::Absent { reason } => {
            Captured::found(ResourceDescriptor::with_digest(digest), &format!("{by}; no address: {reason}"))
        }
    };
    (source, disagreements)
}
