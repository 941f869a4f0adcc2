//! Fields that must be there before anything is signed, and those that are missing: values only, `record/missing.rs` finds them.

use crate::predicate::field::{self, Fact, Group, Row};
use std::fmt;

/// What stands, in the source of a charter that has no digest, before the reason.
pub const NO_CHARTER_DIGEST: &str = "; no digest: ";

/// A field that should be there and is not, or is there with a flaw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// Its path.
    pub field: &'static str,
    /// What is missing and why, in a line.
    pub text: String,
}

/// A field that must be there before anything is signed.
#[derive(Clone, Copy, Debug)]
pub struct Required {
    pub(super) row: &'static Row,
    /// The part of it that is meant. Otherwise what is said beside it counts, too: of the source that the work tree equals the
    /// commit, of the dependencies that every lock file could be read.
    pub(super) fact: Option<&'static Fact>,
}

impl PartialEq for Required {
    fn eq(&self, other: &Self) -> bool {
        self.row.path == other.row.path && self.fact.map(|f| f.name) == other.fact.map(|f| f.name)
    }
}

impl Required {
    /// The field of a name, as [`field::named`] finds it.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (row, fact) = field::named(name)?;
        Some(Self { row, fact })
    }

    /// Whether a flaw of another field is one of this, too.
    pub(super) fn covers(&self, path: &str) -> bool {
        let below = path == self.row.path || path.strip_prefix(self.row.path).is_some_and(|rest| rest.starts_with('.'));
        below || (self.fact.is_none() && self.row.group().is_some() && field::group_of(path) == self.row.group())
    }
}

/// What is still to happen to a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// A build step will run.
    pub step: bool,
    /// An identity token will say more of the run.
    pub identity: bool,
}

impl Open {
    /// Whether what is absent now may still be found.
    pub(super) fn may_bring(self, path: &str) -> bool {
        let by_step = ["metadata", "byproducts", field::SUBJECTS_NOT_WRITTEN.path, field::SIGNING_KEY.path];
        let own = [Group::Source, Group::Dependencies, Group::Agent, Group::Task, Group::Charter];
        (self.step && by_step.iter().any(|begin| path.starts_with(begin)))
            || (self.identity && !field::group_of(path).is_some_and(|group| own.contains(&group)))
    }
}

/// What is required and missing, for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lacking(pub Vec<Missing>);

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, Missing { field, text }) in self.0.iter().enumerate() {
            write!(f, "{}`{}`: {text}", if i == 0 { "" } else { "; " }, field::short(field))?;
        }
        Ok(())
    }
}
