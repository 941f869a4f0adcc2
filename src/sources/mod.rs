//! Files in which agents keep what they did: one file here per format, and the list [`ALL`].
//!
//! A source is read line by line and never as a whole; what it says is only claimed, so every field of it is `declared`.
//! Nobody's lines are trusted: what cannot be read is counted and recorded as a loss, and stops nothing.

mod agent_trace;
mod calls;
mod claude_code;
mod codex;
pub mod documents;
mod entire;
mod git_ai;
mod git_history;
mod gittuf;
pub mod hook;
mod kept;
mod otlp;
mod plain;
mod pull_requests;

pub use agent_trace::AgentTrace;
pub use claude_code::ClaudeCode;
pub use codex::Codex;
pub use entire::Entire;
pub use git_ai::GitAi;
pub use git_history::{CommitRead, GIT_SOURCE, GitHistory, merge_into, read_commit, tree_and_parent};
pub use gittuf::{Gittuf, tree_wanted};
pub use kept::{About, Kept, kept_unit};
pub use otlp::Otlp;
pub use pull_requests::PullRequests;

use serde_json::Value;

/// A format.
///
/// A source MUST keep to this: the same lines give the same records, each with `source` and a `source_id` of its own, however
/// often the file is read and however much it has grown; of what an agent was told or wrote, only fields that the log commits
/// to hold anything; and what it keeps in memory is bounded, whatever the lines are.
pub trait Source: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether a line is of this format.
    fn recognises(&self, line: &[u8]) -> bool;

    /// What a file of it is handed in by.
    fn units(&self) -> Units {
        Units::Lines
    }

    /// What each part is called of which there is a count.
    fn part(&self) -> &'static str {
        "line"
    }

    /// Whether all of a file is what one agent did, so that it can be said which one, and in which execution.
    fn is_of_one_agent(&self) -> bool {
        self.units() == Units::Lines
    }

    /// Whether all of it is about the repository that it is kept in.
    fn is_about_a_repository(&self) -> bool {
        matches!(self.units(), Units::Commits | Units::Kept(_))
    }

    /// Begins to read a file.
    fn begin(&self) -> Box<dyn Reader>;
}

/// What a source is handed in by, each as if it were a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Units {
    /// Lines of a file.
    Lines,
    /// JSON documents of a file, however they stand in it: [`documents`].
    Documents,
    /// Commits of a repository.
    Commits,
    /// Files that are kept in a repository beside its history.
    Kept(&'static Kept),
}

/// A file that is being read.
pub trait Reader {
    /// Takes a line, and gives the records that it completes, in the form of `attest schema audit-record`. None for a line that
    /// is longer than [`crate::model::limits::SESSION_LINE_BYTES`].
    fn line(&mut self, line: Option<&[u8]>, out: &mut Vec<Value>);

    /// The file ended; `digest` is that of all of it, as `sha256:HEX`.
    fn end(&mut self, digest: &str, out: &mut Vec<Value>);

    /// What was found so far.
    fn counts(&self) -> Counts;
}

/// What a file held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Lines, empty ones not among them.
    pub lines: u64,
    /// Things that were done.
    pub actions: u64,
    /// Lines of the format that say nothing of what was done.
    pub other: u64,
    /// Lines, and parts of lines, that could not be read.
    pub broken: u64,
}

/// Every format. The first that recognises a line of a file is the one of the file.
pub const ALL: &[&dyn Source] =
    &[&ClaudeCode, &GitHistory, &Codex, &PullRequests, &AgentTrace, &Otlp, &GitAi, &Entire, &Gittuf];

/// The format of a name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Source> {
    ALL.iter().find(|source| source.name() == name).copied()
}
