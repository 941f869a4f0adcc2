//! [`Radius`]: what was reached.

use super::{Cut, Edge, Node, Relation, Start, Thing};
use crate::record::Known;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What was reached from one thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Radius {
    /// What was asked about.
    pub start: Start,
    /// Everything that was reached, in the order in which it was; the first is what was asked about.
    pub nodes: Vec<Node>,
    /// Why each of them is there.
    pub edges: Vec<Edge>,
    /// What was not followed.
    pub cut: Cut,
    /// Events that executions lost which were reached.
    pub lost: u64,
    /// Records of what was asked about that are of no execution and no session.
    pub unplaced: u64,
}

/// How much of each there is, without what was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Total {
    /// Executions, and sessions of which no record names one.
    pub executions: u64,
    /// Of a credential: those of them that used it, and how many of these somebody saw.
    pub used: u64,
    /// Those of these that somebody saw.
    pub used_witnessed: u64,
    /// Commits that were made.
    pub commits: u64,
    /// Commits that only build on one of these.
    pub later: u64,
    /// Repositories of both.
    pub repositories: u64,
    /// Pull requests.
    pub pull_requests: u64,
    /// Images.
    pub images: u64,
    /// Other artifacts.
    pub files: u64,
    /// Artifacts that a cluster let run.
    pub admitted: u64,
    /// Where.
    pub places: BTreeSet<String>,
    /// Artifacts that a cluster refused, and let run nowhere.
    pub refused: u64,
    /// What was put into service.
    pub deployments: u64,
    /// The first and the last execution, with their times.
    pub times: Option<((String, String), (String, String))>,
}

impl Radius {
    pub(super) fn of(
        start: Start,
        (mut nodes, edges): (Vec<Node>, Vec<Edge>),
        folded: &HashMap<usize, usize>,
        (cut, lost, unplaced): (Cut, u64, u64),
    ) -> Self {
        // What a session was is what its execution is, and that is worked out.
        let mut kept: Vec<Edge> = Vec::with_capacity(edges.len());
        let mut seen: BTreeMap<(usize, usize, Relation), usize> = BTreeMap::new();
        for mut edge in edges {
            for end in [&mut edge.from, &mut edge.to] {
                if let Some(execution) = folded.get(end) {
                    (*end, edge.known) = (*execution, Known::Derived);
                }
            }
            if edge.from == edge.to {
                continue;
            }
            match seen.get(&(edge.from, edge.to, edge.relation)).and_then(|at| kept.get_mut(*at)) {
                Some(before) if edge.known.distance() < before.known.distance() => *before = edge,
                Some(_) => {}
                None => {
                    seen.insert((edge.from, edge.to, edge.relation), kept.len());
                    kept.push(edge);
                }
            }
        }
        let mut places = vec![0; nodes.len()];
        let mut count = 0;
        for (at, place) in places.iter_mut().enumerate() {
            *place = count;
            count += usize::from(!folded.contains_key(&at));
        }
        for edge in &mut kept {
            (edge.from, edge.to) = (places[edge.from], places[edge.to]);
        }
        let mut at = 0;
        nodes.retain(|_| {
            at += 1;
            !folded.contains_key(&(at - 1))
        });
        Self { start, nodes, edges: kept, cut, lost, unplaced }
    }

    /// Whether anything was reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.reached().next().is_none()
    }

    /// Everything that was reached, with its place.
    pub fn reached(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate().filter(|(_, node)| node.depth > 0)
    }

    /// How each of the nodes was reached first; where a credential was used, that, and not that it was held.
    #[must_use]
    pub fn ways(&self) -> Vec<Option<&Edge>> {
        let mut out = vec![None; self.nodes.len()];
        for edge in &self.edges {
            let better = |way: &Edge| way.relation == Relation::Held && edge.relation == Relation::Used;
            if let Some(way) = out.get_mut(edge.to).filter(|way| way.is_none_or(better)) {
                *way = Some(edge);
            }
        }
        out
    }

    /// How much of each there is.
    #[must_use]
    pub fn total(&self) -> Total {
        let mut out = Total::default();
        let mut repositories = BTreeSet::new();
        let mut times: Vec<(&str, &str)> = Vec::new();
        // A cluster is asked about images alone.
        let asked: BTreeSet<usize> =
            self.edges.iter().filter(|edge| edge.relation == Relation::Asked).map(|edge| edge.from).collect();
        let same: BTreeSet<usize> =
            self.edges.iter().filter(|edge| edge.relation == Relation::Is).map(|edge| edge.from).collect();
        for (at, node) in self.reached().filter(|(at, _)| !same.contains(at)) {
            match node.thing {
                Thing::Execution | Thing::Session => {
                    out.executions += 1;
                    times.extend(node.at.as_deref().map(|at| (at, node.name.as_str())));
                }
                Thing::Commit if node.later => out.later += 1,
                Thing::Commit => out.commits += 1,
                Thing::PullRequest => out.pull_requests += 1,
                Thing::Artifact if is_image(node) || asked.contains(&at) => out.images += 1,
                Thing::Artifact => out.files += 1,
                Thing::Deployment => out.deployments += 1,
                Thing::Start | Thing::Admission => {}
            }
            if node.thing == Thing::Commit {
                repositories.extend(node.repository.as_deref());
            }
        }
        out.repositories = repositories.len() as u64;
        let owned = |(at, name): (&str, &str)| (at.to_owned(), name.to_owned());
        out.times = times.iter().min().zip(times.iter().max()).map(|(first, last)| (owned(*first), owned(*last)));
        self.judged(&mut out);
        out
    }

    /// What clusters said, and who used what is asked about.
    fn judged(&self, out: &mut Total) {
        let (mut allowed, mut refused) = (BTreeSet::new(), BTreeSet::new());
        let mut used: BTreeMap<usize, bool> = BTreeMap::new();
        for edge in &self.edges {
            let Some(node) = self.nodes.get(edge.to) else { continue };
            match edge.relation {
                Relation::Asked if node.state.as_deref() == Some("allow") => {
                    allowed.insert(edge.from);
                    out.places.extend(node.about.clone());
                }
                Relation::Asked => drop(refused.insert(edge.from)),
                Relation::Used => {
                    let is_seen = edge.known == Known::Witnessed;
                    *used.entry(edge.to).or_insert(false) |= is_seen;
                }
                _ => {}
            }
        }
        (out.admitted, out.refused) = (allowed.len() as u64, refused.difference(&allowed).count() as u64);
        out.used = used.len() as u64;
        out.used_witnessed = used.values().filter(|is_seen| **is_seen).count() as u64;
    }
}

/// Whether an artifact is an image, by its name: that of a registry, of a layout, or one with a host.
fn is_image(node: &Node) -> bool {
    let name = node.about.as_deref().unwrap_or(&node.name);
    let host = name.split_once('/').is_some_and(|(host, _)| host.contains(['.', ':']) || host == "localhost");
    name.starts_with("oci:") || (host && !name.starts_with("file:"))
}
