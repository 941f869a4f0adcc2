//! What is known of the source: values only; `git.rs` finds them.

use crate::capture::{Captured, Commit, Secret};
use crate::model::Digest;
use std::path::PathBuf;

/// The state of a checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The top folder of the work tree.
    pub root: Option<PathBuf>,
    /// The commit, 40 or 64 hex digits.
    pub commit: Captured<String>,
    /// The commit's tree, 40 or 64 hex digits.
    pub tree: Captured<String>,
    /// The full name of the branch that is checked out, for example `refs/heads/main`.
    pub reference: Captured<String>,
    /// Where the repository comes from, a URL without credentials.
    pub remote: Captured<String>,
    /// How the work tree differs from the commit.
    pub dirty: Captured<Difference>,
    /// What the commit says of itself.
    pub object: Captured<Commit>,
    /// Full names of the tags that stand at the commit, sorted.
    pub tags: Captured<Vec<String>>,
    /// The repositories that the commit's tree names by commit.
    pub submodules: Captured<Vec<Submodule>>,
    /// What is unusual about the checkout: `shallow`, `detached`, `linked-worktree`, `bare`, `partial`, `git-dir`.
    pub shape: Captured<Vec<&'static str>>,
    /// What of the repository and of the variables git would run or believe otherwise, and was passed over; names only.
    pub passed_over: Captured<Vec<String>>,
    /// Why a repository was not looked at that the checkout leads to: whoever signs should know.
    pub refused: Option<String>,
    /// Passwords in the addresses of remotes: looked for in what is signed, and written nowhere.
    pub secrets: Vec<Secret>,
}

/// A repository inside a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// Its path in the tree.
    pub path: String,
    /// Its commit, as the tree names it.
    pub commit: String,
    /// Its address as `.gitmodules` of the commit gives it, without credentials; `None` for what is no address.
    pub url: Option<String>,
}

impl SourceState {
    /// Nothing is known, for one reason.
    #[must_use]
    pub fn absent(reason: &str) -> Self {
        Self {
            root: None,
            commit: Captured::absent(reason),
            tree: Captured::absent(reason),
            reference: Captured::absent(reason),
            remote: Captured::absent(reason),
            dirty: Captured::absent(reason),
            object: Captured::absent(reason),
            tags: Captured::absent(reason),
            submodules: Captured::absent(reason),
            shape: Captured::absent(reason),
            passed_over: Captured::absent(reason),
            refused: None,
            secrets: Vec::new(),
        }
    }
}

/// How a work tree differs from its commit: changed, missing and added files, and files that are not tracked and not
/// ignored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Number of differing files; 0 is clean.
    pub files: usize,
    /// SHA-256 of the RFC 8785 JSON of the sorted `[path, mode, sha256]` of the differing files; a missing file has mode
    /// `000000` and an empty sha256. Absent when clean, or over a limit.
    pub digest: Captured<Digest>,
    /// Some of the differing files, each with the way it differs.
    pub examples: Vec<(String, &'static str)>,
}
