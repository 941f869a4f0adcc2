//! What leads on from what: the one table of steps.

use super::{Start, Thing};
use crate::record::material;

/// A question for the rows behind many values of one column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Runs of an agent, by `squad/agent`.
    AgentRuns,
    /// Runs of an agent, by its name alone.
    NameRuns,
    /// What an agent made in no run.
    AgentMade,
    /// The same, by its name alone.
    NameMade,
    /// Runs that held or used a credential.
    Credential,
    /// Statements of what was built of something.
    Material,
    /// Statements of what is built on an image.
    Base,
    /// Runs in an image.
    Container,
    /// Runs in a span of time.
    SpanRuns,
    /// What was made in a span of time in no run.
    SpanMade,
    /// Start and end of executions.
    About,
    /// What executions made.
    Made,
    /// Sessions of executions.
    Sessions,
    /// What sessions made of which no record names an execution.
    SessionMade,
    /// Executions of which a session is.
    OfSession,
    /// What was lost of executions.
    Lost,
    /// Records of commits.
    Commit,
    /// Commits that are named by the beginning of their ids.
    Whole,
    /// Commits whose first parent one is.
    Children,
    /// Merges of commits.
    MergedInto,
    /// What was built of commits.
    Built,
    /// Runs that had a commit checked out.
    CheckedOut,
    /// Pull requests with a commit.
    PullRequests,
    /// What became of pull requests.
    OfPullRequest,
    /// Artifacts of a statement.
    OfStatement,
    /// Attestations of an artifact.
    Artifact,
    /// Answers of clusters.
    Admissions,
    /// What was put into service.
    Deployed,
}

/// What is asked of the index for a step.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The column.
    pub column: &'static str,
    /// Kinds of records.
    pub kinds: &'static [&'static str],
    /// Columns that must have something.
    pub some: &'static [&'static str],
    /// Columns that must have nothing.
    pub none: &'static [&'static str],
    /// Columns that are wanted.
    pub wants: &'static [&'static str],
    /// Rows in which all that is wanted is the same are given once.
    pub once: bool,
    /// Whether the column only has to begin with the value.
    pub begins: bool,
    /// Whether it does not matter how that is known.
    pub bare: bool,
}

const RUN: &[&str] = &["execution_id", "session_id"];
const MADE: &[&str] =
    &["action_type", "target", "head_commit", "outcome_kind", "subject", "digest", "repository", "agent"];

const fn shape(column: &'static str, kinds: &'static [&'static str], wants: &'static [&'static str]) -> Shape {
    Shape { column, kinds, some: &[], none: &[], wants, once: false, begins: false, bare: false }
}

const fn once(column: &'static str, kinds: &'static [&'static str], wants: &'static [&'static str]) -> Shape {
    Shape { once: true, ..shape(column, kinds, wants) }
}

const fn made(column: &'static str, kinds: &'static [&'static str]) -> Shape {
    Shape { some: &["artifact_ref"], ..shape(column, kinds, MADE) }
}

/// Kinds of records that say what was made.
const MAKING: &[&str] = &["action", "attested", "outcome"];

impl Step {
    /// What is asked of the index for it.
    #[must_use]
    pub fn shape(self) -> Shape {
        match self {
            Self::AgentRuns => once("agent", &[], RUN),
            Self::NameRuns => once("name", &[], RUN),
            Self::AgentMade => Shape { none: RUN, ..made("agent", MAKING) },
            Self::NameMade => Shape { none: RUN, ..made("name", MAKING) },
            Self::Credential => shape("credentials", &[], RUN),
            Self::Material => shape("materials", &["materials"], &["statement"]),
            Self::Base => shape("base_image", &["materials"], &["statement"]),
            Self::Container => once("container", &[], RUN),
            Self::SpanRuns => once("timestamp", &[], RUN),
            Self::SpanMade => Shape { none: RUN, ..made("timestamp", MAKING) },
            Self::About => Shape {
                bare: true,
                ..shape("execution_id", &["execution_started", "execution_ended"], &["agent", "status"])
            },
            Self::Made => made("execution_id", MAKING),
            Self::Sessions => once("execution_id", &[], &["session_id"]),
            Self::SessionMade => Shape { none: &["execution_id"], ..made("session_id", MAKING) },
            Self::OfSession => Shape { some: &["execution_id"], ..once("session_id", &[], &["execution_id"]) },
            Self::Lost => shape("execution_id", &["loss"], &["lost"]),
            Self::Commit => made("target", &["action"]),
            Self::Whole => Shape { begins: true, ..once("target", &["action"], &["target"]) },
            Self::Children => made("base_commit", &["action"]),
            Self::MergedInto => made("merged", &["action"]),
            Self::Built => made("commit", &["action", "attested"]),
            Self::CheckedOut => once("commit", &["execution_started", "execution_ended", "action", "session"], RUN),
            Self::PullRequests => made("head_commit", &["action"]),
            Self::OfPullRequest => made("target", &["action"]),
            Self::OfStatement => made("statement", &["attested"]),
            Self::Artifact => made("digest", &["attested"]),
            Self::Admissions => shape("digest", &["admitted"], &["namespace", "verdict"]),
            Self::Deployed => made("target", &["action"]),
        }
    }

    /// Steps that lead on from a thing.
    pub(super) fn from(thing: Thing) -> &'static [Self] {
        match thing {
            Thing::Execution => &[Self::About, Self::Made, Self::Sessions, Self::Lost],
            Thing::Session => &[Self::OfSession, Self::SessionMade],
            Thing::Commit => &[Self::Whole, Self::Built, Self::Children, Self::MergedInto, Self::PullRequests],
            Thing::PullRequest => &[Self::OfPullRequest],
            Thing::Artifact => &[Self::Admissions, Self::Deployed, Self::Material, Self::Base, Self::Container],
            Thing::Start | Thing::Admission | Thing::Deployment => &[],
        }
    }

    /// Steps that lead on from what is asked about, each with its values.
    pub(super) fn first(start: &Start) -> Vec<(Self, Vec<String>)> {
        let one = |text: &str| vec![text.to_owned()];
        match start {
            Start::Agent(name) if name.contains('/') => {
                vec![(Self::AgentRuns, one(name)), (Self::AgentMade, one(name))]
            }
            Start::Agent(name) => vec![(Self::NameRuns, one(name)), (Self::NameMade, one(name))],
            Start::Credential(name) => vec![(Self::Credential, one(name))],
            Start::Dependency(name) => {
                vec![(Self::Material, material::asked(name)), (Self::Base, material::asked(name))]
            }
            Start::BaseImage(name) => {
                let digest = name.rsplit_once('@').map_or(name.as_str(), |(_, digest)| digest);
                let all = || material::asked(name);
                vec![(Self::Base, all()), (Self::Material, all()), (Self::Container, one(digest))]
            }
            Start::Commit(id) => vec![(Self::Commit, one(&format!("commit:{id}"))), (Self::CheckedOut, one(id))],
            Start::Artifact(digest) => vec![(Self::Artifact, one(digest))],
            Start::Execution(_) | Start::Session(_) => Vec::new(),
            Start::Span => vec![(Self::SpanRuns, Vec::new()), (Self::SpanMade, Vec::new())],
        }
    }

    /// Whether its rows are those of what is asked about, which alone a span of time narrows.
    pub(super) fn is_first(self) -> bool {
        let all = [Self::AgentRuns, Self::NameRuns, Self::AgentMade, Self::NameMade, Self::Credential];
        all.contains(&self) || [Self::SpanRuns, Self::SpanMade].contains(&self)
    }
}

/// A question to the index: rows behind all of the values at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Which.
    pub step: Step,
    /// The values; none for all rows.
    pub values: Vec<String>,
    /// Whether a span of time narrows it.
    pub within: bool,
}
