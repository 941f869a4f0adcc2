//! Everything that was reached, as JSON and as CSV.

use super::super::{rows, told};
use crate::flow::investigate::Reached;
use crate::inquiry::Hole;
use crate::inquiry::blast::{Edge, Node, Radius, Total};
use schemars::JsonSchema;
use serde::Serialize;

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlastReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// How much of each was reached.
    pub total: TotalReport,
    /// What was asked about, and everything that was reached, in the order in which it was.
    pub nodes: Vec<NodeReport>,
    /// Why each of them is there.
    pub edges: Vec<EdgeReport>,
    /// What was not followed; absent where everything was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cut: Option<CutReport>,
    /// Events of the executions that were lost, by the records that say so.
    pub lost: u64,
    /// Events that were lost of which nobody says whose they were.
    pub lost_of_nobody: u64,
    /// Records of what was asked about that are of no execution and no session.
    pub unplaced: u64,
    /// Of a dependency: attestations that do not say, or not wholly, what was built of what.
    pub unlisted: u64,
    /// Records that may be of it, and cannot be read.
    pub holes: Vec<told::HoleReport>,
}

/// How much of each was reached.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TotalReport {
    /// Executions, and sessions of which no record names one.
    pub executions: u64,
    /// Of a credential: executions that used it; the others only could have.
    pub used: u64,
    /// Commits that were made.
    pub commits: u64,
    /// Commits that build on one of these.
    pub later_commits: u64,
    /// Repositories of both.
    pub repositories: u64,
    /// Pull requests.
    pub pull_requests: u64,
    /// Images that were attested.
    pub images: u64,
    /// Other artifacts that were attested.
    pub files: u64,
    /// Artifacts that a cluster let run.
    pub admitted: u64,
    /// Artifacts that a cluster refused, and let run nowhere.
    pub refused: u64,
    /// What was put into service.
    pub deployments: u64,
}

/// A thing that was reached.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NodeReport {
    /// `start`, `execution`, `session`, `commit`, `pull request`, `artifact`, `admission` or `deployment`.
    pub thing: &'static str,
    /// Its name.
    pub name: String,
    /// Agent of an execution, name of an artifact, namespace of an admission.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// How an execution ended, what an admission said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// When, by the clock of whoever says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
    /// Of a commit, its repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The record that led to it first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// How many steps from what was asked about.
    pub depth: usize,
    /// Of a commit: it only builds on one that was made.
    pub later: bool,
}

/// Why a thing is there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EdgeReport {
    /// Place of the first among `nodes`.
    pub from: usize,
    /// Place of the second.
    pub to: usize,
    /// How the first leads to the second.
    pub relation: &'static str,
    /// `witnessed`, `declared` or `derived`: as the worst of what it rests upon.
    pub known: &'static str,
    /// The record that says so.
    pub record: u64,
}

/// What was not followed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CutReport {
    /// There are more things than may be followed.
    pub nodes: bool,
    /// Things from which more may lead on, too many steps away.
    pub deep: u64,
    /// Relations that were left out.
    pub edges: u64,
}

impl From<&Total> for TotalReport {
    fn from(total: &Total) -> Self {
        Self {
            executions: total.executions,
            used: total.used,
            commits: total.commits,
            later_commits: total.later,
            repositories: total.repositories,
            pull_requests: total.pull_requests,
            images: total.images,
            files: total.files,
            admitted: total.admitted,
            refused: total.refused,
            deployments: total.deployments,
        }
    }
}

impl From<&Node> for NodeReport {
    fn from(node: &Node) -> Self {
        Self {
            thing: node.thing.name(),
            name: node.name.clone(),
            about: node.about.clone(),
            state: node.state.clone(),
            at: node.at.clone(),
            repository: node.repository.clone(),
            record: node.record,
            depth: node.depth,
            later: node.later,
        }
    }
}

impl From<&Edge> for EdgeReport {
    fn from(edge: &Edge) -> Self {
        Self {
            from: edge.from,
            to: edge.to,
            relation: edge.relation.name(),
            known: edge.known.name(),
            record: edge.record,
        }
    }
}

pub(super) fn report(found: &Reached, holes: &[Hole]) -> BlastReport {
    let Reached { radius, lost, unlisted } = found;
    let cut = radius.cut;
    BlastReport {
        schema_version: 1,
        total: (&radius.total()).into(),
        nodes: radius.nodes.iter().map(Into::into).collect(),
        edges: radius.edges.iter().map(Into::into).collect(),
        cut: cut.is_some().then_some(CutReport { nodes: cut.nodes, deep: cut.deep, edges: cut.edges }),
        lost: radius.lost,
        lost_of_nobody: *lost,
        unplaced: radius.unplaced,
        unlisted: *unlisted,
        holes: holes.iter().map(Into::into).collect(),
    }
}

pub(super) fn csv(radius: &Radius) -> String {
    let head = [
        "thing",
        "name",
        "about",
        "state",
        "at",
        "repository",
        "later",
        "depth",
        "relation",
        "from_thing",
        "from",
        "known",
        "record",
    ];
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let row = |edge: &Edge| {
        let (from, node) = (radius.nodes.get(edge.from)?, radius.nodes.get(edge.to)?);
        let mut row = vec![node.thing.name().to_owned(), node.name.clone(), text(&node.about), text(&node.state)];
        row.extend([text(&node.at), text(&node.repository), node.later.to_string(), node.depth.to_string()]);
        row.extend([edge.relation.name().to_owned(), from.thing.name().to_owned(), from.name.clone()]);
        row.extend([edge.known.name().to_owned(), edge.record.to_string()]);
        Some(row)
    };
    rows::csv(&head, radius.edges.iter().filter_map(row))
}
