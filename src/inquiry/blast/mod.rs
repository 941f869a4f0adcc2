//! [`Blast`]: from one thing forward to everything that it may have reached.
//!
//! | file | job |
//! |---|---|
//! | `step.rs` | [`Step`]: the one table of what leads on from what, and by which columns of the index |
//! | `walk.rs` | [`Blast`]: follows them, level by level, and asks for the rows behind all of a level at once |
//! | `row.rs` | [`Row`]: what an index has behind a value, and how that is known |
//! | `made.rs` | what a row says was made: a commit, a pull request, an artifact, a deployment |
//! | `radius.rs` | [`Radius`]: what was reached, and how much of each there is |

mod made;
mod radius;
mod row;
mod step;
#[cfg(test)]
mod tests;
mod walk;

pub use radius::{Radius, Total};
pub use row::Row;
pub use step::{Ask, Step};
pub use walk::{Blast, Bounds};

use crate::record::Known;

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// An agent: `squad/agent`, or its name alone for one of any squad.
    Agent(String),
    /// A credential, by its name, or with one scope as `NAME:SCOPE`.
    Credential(String),
    /// A package or another thing of which artifacts are built.
    Dependency(String),
    /// An image on which others are built, or in which executions ran.
    BaseImage(String),
    /// A commit, by its whole id.
    Commit(String),
    /// An execution, by its whole id.
    Execution(String),
    /// A session of which no record names an execution.
    Session(String),
    /// An artifact, by its digest.
    Artifact(String),
    /// All that happened in a span of time.
    Span,
}

/// What a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Thing {
    /// What was asked about, where it is none of the others.
    Start,
    /// An execution.
    Execution,
    /// A session of which no record names an execution.
    Session,
    /// A commit.
    Commit,
    /// A pull request.
    PullRequest,
    /// An image or a file that was attested.
    Artifact,
    /// A cluster let an artifact run, or did not.
    Admission,
    /// Something was put into service.
    Deployment,
}

impl Thing {
    /// Its name, as it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Execution => "execution",
            Self::Session => "session",
            Self::Commit => "commit",
            Self::PullRequest => "pull request",
            Self::Artifact => "artifact",
            Self::Admission => "admission",
            Self::Deployment => "deployment",
        }
    }
}

/// How one thing leads to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relation {
    /// The agent worked in it.
    Ran,
    /// It could use the credential.
    Held,
    /// It used the credential.
    Used,
    /// It ran in the image.
    RanIn,
    /// It had the commit checked out.
    CheckedOut,
    /// It was at that time.
    During,
    /// It made it.
    Made,
    /// It opened it.
    Opened,
    /// It merged it.
    Merged,
    /// It said or did something there.
    ActedOn,
    /// It is the same, by its whole id.
    Is,
    /// The commit after builds on it.
    BuildsOn,
    /// The artifact was built of it.
    BuiltOf,
    /// The image is built on it.
    BuiltOn,
    /// It was attested to be of it.
    Attested,
    /// It was put into service.
    Deployed,
    /// A cluster was asked whether it may run.
    Asked,
}

impl Relation {
    /// What the second is to the first, as it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Held => "held by",
            Self::Used => "used by",
            Self::RanIn => "ran",
            Self::CheckedOut => "checked out by",
            Self::During => "during it",
            Self::Made => "made",
            Self::Opened => "opened",
            Self::Merged => "merged",
            Self::ActedOn => "acted on",
            Self::Is => "is",
            Self::BuildsOn => "is before",
            Self::BuiltOf => "built into",
            Self::BuiltOn => "is under",
            Self::Attested => "attested",
            Self::Deployed => "deployed",
            Self::Asked => "admission of",
        }
    }
}

impl Relation {
    /// What the first is to the second, as it is printed.
    #[must_use]
    pub fn back(self) -> &'static str {
        match self {
            Self::Ran => "run of",
            Self::Held => "held",
            Self::Used => "used",
            Self::RanIn => "ran in",
            Self::CheckedOut => "checked out",
            Self::During => "during",
            Self::Made => "made by",
            Self::Opened => "opened by",
            Self::Merged => "merged by",
            Self::ActedOn => "acted on by",
            Self::Is => "is",
            Self::BuildsOn => "builds on",
            Self::BuiltOf => "built of",
            Self::BuiltOn => "built on",
            Self::Attested => "attested by",
            Self::Deployed => "deployed by",
            Self::Asked => "asked for",
        }
    }
}

/// A thing that was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it is.
    pub thing: Thing,
    /// Its name: an id, a digest, `acme/app#57`.
    pub name: String,
    /// What else is known of it, for people: the agent of an execution, the name of an artifact, where it was admitted.
    pub about: Option<String>,
    /// How it stands: how an execution ended, what an admission said.
    pub state: Option<String>,
    /// When, in the words of who says so.
    pub at: Option<String>,
    /// Of a commit or an artifact, its repository.
    pub repository: Option<String>,
    /// The record that led to it first; none of what was asked about.
    pub record: Option<u64>,
    /// How many steps from what was asked about.
    pub depth: usize,
    /// Of a commit: nobody of those who were reached made it, it only builds on one that was.
    pub later: bool,
}

/// Why a thing is among what was reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Place of the first among the nodes.
    pub from: usize,
    /// Place of the second.
    pub to: usize,
    /// How the first leads to the second.
    pub relation: Relation,
    /// How that is known: as well as the worst of what it rests upon.
    pub known: Known,
    /// The record that says so.
    pub record: u64,
}

/// What was not followed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// There are more things than may be followed.
    pub nodes: bool,
    /// Things from which more may lead on, and which are too many steps away.
    pub deep: u64,
    /// Relations between things that are there, which were left out.
    pub edges: u64,
}

impl Cut {
    /// Whether anything was left out.
    #[must_use]
    pub fn is_some(self) -> bool {
        self != Self::default()
    }
}
