//! One commit that somebody names, as the real git knows it: its id, its object's digest, what it says of itself.

use crate::capture::error::CaptureError;
use crate::capture::git::answers::is_object_id;
use crate::capture::git::belongs;
use crate::capture::git::call::GitCaller;
use crate::capture::git::checkout::remote_of;
use crate::capture::git::commit;
use crate::capture::git::commit::Commit;
use crate::capture::{Captured, Environment};
use crate::model::{DigestSet, limits};
use std::time::Duration;

/// A commit of the repository around the working folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitObject {
    /// `gitCommit`, and `sha256` of the object.
    pub digests: DigestSet,
    /// Where the repository comes from, a URL without credentials.
    pub repository: Captured<String>,
    /// What it says of itself. Nobody has verified it.
    pub commit: Commit,
}

/// Finds the commit that a revision names. Nothing of the repository runs, and nothing in it can stand for another
/// commit: replaced objects are not looked at, and the object's bytes are hashed again.
///
/// # Errors
/// [`CaptureError::Git`]: no git, no repository, no such commit, an object that is not what its name says;
/// [`CaptureError::TooLarge`] over [`limits::COMMIT_BYTES`].
pub fn commit_object(env: &Environment, revision: &str) -> Result<CommitObject, CaptureError> {
    let failed = |cause: String| CaptureError::Git { revision: crate::capture::error::cut(revision), cause };
    let mut git = GitCaller::find(env, Duration::from_secs(limits::GIT_SECONDS)).map_err(failed)?;
    let name = format!("{revision}^{{commit}}");
    let find = ["rev-parse", "--verify", "--end-of-options", &name];
    let mut found = git.call(&find, Vec::new()).map_err(failed)?;
    if !found.ok && found.complaint.contains("dubious ownership") && git.trust_what_the_user_trusts() {
        found = git.call(&find, Vec::new()).map_err(failed)?;
    }
    let id = String::from_utf8_lossy(&found.stdout).trim_end().to_owned();
    if !found.ok || !is_object_id(&id) {
        let cause = match found.complaint.contains("Needed a single revision") {
            true => "the repository of this folder has no such commit".to_owned(),
            false => format!("git: {}", found.complaint),
        };
        return Err(failed(cause));
    }
    belongs::check(&git).map_err(failed)?;
    let object = git.call(&["cat-file", "commit", &id], Vec::new()).map_err(failed)?;
    if !object.ok {
        return Err(failed(format!("git cat-file: {}", object.complaint)));
    }
    if object.stdout.len() > limits::COMMIT_BYTES {
        return Err(CaptureError::TooLarge { what: format!("commit {id} (bytes)"), limit: limits::COMMIT_BYTES });
    }
    let hashed = git.call(&["hash-object", "-t", "commit", "--stdin"], object.stdout.clone()).map_err(failed)?;
    if !hashed.ok || String::from_utf8_lossy(&hashed.stdout).trim_end() != id {
        return Err(failed(format!("the object {id} is not what its name says: the repository is damaged")));
    }
    let commit = commit::read(&object.stdout);
    let pairs = [("gitCommit", id.as_str()), ("sha256", commit.digest.hex())];
    let digests = DigestSet::new("commit", pairs).map_err(|e| failed(e.to_string()))?;
    Ok(CommitObject { digests, repository: remote_of(&git), commit })
}
