//! Which commits of a history an agent made: those that say so, and those that are the same change as one that says so, whose own
//! message lost it in a rebase or squash.

use crate::attribution::own::{Attribution, attributions};
use crate::attribution::wanted::Wanted;
use crate::model::limits;
use crate::sources::CommitRead;
use std::collections::HashMap;

/// A commit that an agent made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marked {
    /// Its id.
    pub id: String,
    /// When it was committed, as it says itself; none where it says no time.
    pub committed: Option<String>,
    /// Its subject line.
    pub subject: String,
    /// What was asked for and is said of it.
    pub said: Vec<Attribution>,
    /// The commit that says so, where this one itself does not: it is the same change.
    pub same_as: Option<String>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MarkedCommits {
    /// The commits, the newest first.
    pub commits: Vec<Marked>,
    /// How many commits say nothing and were not compared with others by what they change: there are too many, or git could
    /// not tell.
    pub not_compared: usize,
}

/// The id of the change of each of some commits, and of how many it is not known; see [`crate::capture::Changes::ids`].
pub type ChangesOf<'a> = &'a mut dyn FnMut(&[String]) -> (HashMap<String, String>, usize);

/// A search that is under way: commits of the range go in first, the oldest first, then all that the repository remembers.
#[derive(Debug)]
pub struct Search<'a> {
    wanted: &'a Wanted,
    /// Those of the range: with nothing said of them, those that do not say anything themselves.
    range: Vec<Marked>,
    /// Elsewhere: what meets the question, by its id.
    elsewhere: Vec<(String, Vec<Attribution>)>,
}

impl<'a> Search<'a> {
    /// A search for what one attribution has to say.
    #[must_use]
    pub fn new(wanted: &'a Wanted) -> Self {
        Self { wanted, range: Vec::new(), elsewhere: Vec::new() }
    }

    fn met(&self, message: &str) -> (bool, Vec<Attribution>) {
        let all = attributions(message);
        let is_silent = all.is_empty();
        (is_silent, all.into_iter().filter(|said| self.wanted.is_met_by(said)).collect())
    }

    /// Takes a commit of the range.
    pub fn in_range(&mut self, commit: &CommitRead) {
        let (is_silent, said) = self.met(&commit.message);
        // A merge changes nothing itself.
        if said.is_empty() && (!is_silent || commit.parents.len() > 1) {
            return;
        }
        self.range.push(Marked {
            id: commit.id.clone(),
            committed: commit.committed.clone(),
            subject: commit.message.lines().next().unwrap_or_default().to_owned(),
            said,
            same_as: None,
        });
    }

    /// Whether a commit of the range says nothing, so that it may be the same change as another.
    #[must_use]
    pub fn has_silent(&self) -> bool {
        self.range.iter().any(|commit| commit.said.is_empty())
    }

    /// Takes a commit that the repository remembers, whichever branch it was of.
    pub fn remembered(&mut self, commit: &CommitRead) {
        let (_, said) = self.met(&commit.message);
        if !said.is_empty() && commit.parents.len() < 2 {
            self.elsewhere.push((commit.id.clone(), said));
        }
    }

    /// What was found, with what is the same change as one that says what was asked for.
    #[must_use]
    pub fn end(self, changes_of: ChangesOf<'_>) -> MarkedCommits {
        let mut out = MarkedCommits::default();
        let mut known = |mut ids: Vec<String>| {
            out.not_compared += ids.len().saturating_sub(limits::COMPARED_CHANGES);
            ids.truncate(limits::COMPARED_CHANGES);
            let (found, unknown) = changes_of(&ids);
            out.not_compared += unknown;
            found
        };
        let is_silent = |commit: &&Marked| commit.said.is_empty();
        let silent: Vec<String> = self.range.iter().rev().filter(is_silent).map(|commit| commit.id.clone()).collect();
        let mut said: HashMap<String, (String, Vec<Attribution>)> = HashMap::new();
        let mut changes = HashMap::new();
        if !silent.is_empty() && !self.elsewhere.is_empty() {
            let theirs = known(self.elsewhere.iter().map(|(id, _)| id.clone()).collect());
            for (id, all) in self.elsewhere {
                if let Some(change) = theirs.get(&id) {
                    said.entry(change.clone()).or_insert((id, all));
                }
            }
            changes = known(silent);
        }
        for mut commit in self.range.into_iter().rev() {
            if commit.said.is_empty() {
                let Some((id, all)) = changes.get(&commit.id).and_then(|change| said.get(change)) else { continue };
                (commit.same_as, commit.said) = (Some(id.clone()), all.clone());
            }
            out.commits.push(commit);
        }
        out
    }
}
