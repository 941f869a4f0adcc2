//! Follows everything, level by level: who drives it asks the index for what it wants, and hands each row in.

use super::made::{Made, made};
use super::row::{Row, worst};
use super::step::{Ask, Step};
use super::{Cut, Edge, Node, Radius, Relation, Start, Thing};
use crate::record::Known;
use std::collections::{HashMap, VecDeque};

/// How far it is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Things.
    pub nodes: usize,
    /// Relations between them.
    pub edges: usize,
    /// Steps from what is asked about.
    pub depth: usize,
}

/// From where a row leads on.
#[derive(Clone, Copy, Debug)]
struct Source {
    node: usize,
    relation: Relation,
    /// Where it rests upon a record before: how well that is known, and which, where that one says it.
    before: Option<(Known, Option<u64>)>,
}

/// What is asked next, and from where each of its values comes.
struct Waiting {
    ask: Ask,
    of: Vec<Source>,
}

/// Everything forward from one thing.
pub struct Blast {
    start: Start,
    bounds: Bounds,
    nodes: Vec<Node>,
    places: HashMap<(Thing, String), usize>,
    edges: Vec<Edge>,
    pairs: HashMap<(usize, usize, Relation), usize>,
    /// Sessions that turned out to be of an execution.
    folded: HashMap<usize, usize>,
    waiting: VecDeque<Waiting>,
    asked: Option<Waiting>,
    /// Nodes from which nothing was followed yet, of the level that is being found.
    next: Vec<usize>,
    /// What the rows of one ask lead on to, by way of something that is no node.
    through: Vec<(Step, String, Source)>,
    cut: Cut,
    lost: u64,
    unplaced: u64,
}

impl Blast {
    /// Begins.
    #[must_use]
    pub fn of(start: &Start, bounds: Bounds) -> Self {
        let (thing, name) = match start {
            Start::Agent(name) => (Thing::Start, format!("agent {name}")),
            Start::Credential(name) => (Thing::Start, format!("credential {name}")),
            Start::Dependency(name) => (Thing::Start, format!("dependency {name}")),
            Start::BaseImage(name) => (Thing::Start, format!("base image {name}")),
            Start::Span => (Thing::Start, "this time".to_owned()),
            Start::Commit(id) => (Thing::Commit, id.clone()),
            Start::Execution(id) => (Thing::Execution, id.clone()),
            Start::Session(id) => (Thing::Session, id.clone()),
            Start::Artifact(digest) => (Thing::Artifact, digest.clone()),
        };
        let mut all = Self {
            start: start.clone(),
            bounds,
            nodes: Vec::new(),
            places: HashMap::new(),
            edges: Vec::new(),
            pairs: HashMap::new(),
            folded: HashMap::new(),
            waiting: VecDeque::new(),
            asked: None,
            next: Vec::new(),
            through: Vec::new(),
            cut: Cut::default(),
            lost: 0,
            unplaced: 0,
        };
        all.add(thing, &name, 0);
        for (step, values) in Step::first(start) {
            let source = Source { node: 0, relation: first_relation(start), before: None };
            let of = vec![source; values.len().max(1)];
            let ask = Ask { step, values, within: step.is_first() };
            all.waiting.push_back(Waiting { ask, of });
        }
        all
    }

    /// What is wanted next; none where everything was followed.
    pub fn ask(&mut self) -> Option<Ask> {
        self.led_through();
        if self.waiting.is_empty() {
            self.level();
        }
        self.asked = self.waiting.pop_front();
        self.asked.as_ref().map(|waiting| waiting.ask.clone())
    }

    /// Takes a row that stands behind a value of what was wanted last.
    pub fn take(&mut self, value: usize, row: &Row<'_>) {
        let Some((step, source)) = self.asked.as_ref().and_then(|w| Some((w.ask.step, *w.of.get(value)?))) else {
            return;
        };
        match step {
            Step::AgentRuns | Step::NameRuns | Step::SpanRuns => self.run(source, row, &[]),
            Step::CheckedOut => self.run(Source { relation: Relation::CheckedOut, ..source }, row, &["commit"]),
            Step::Container => self.run(Source { relation: Relation::RanIn, ..source }, row, &["container"]),
            Step::Credential => {
                let relation = if row.kind == "action" { Relation::Used } else { Relation::Held };
                self.run(Source { relation, ..source }, row, &["credentials"]);
            }
            Step::About => self.about(source.node, row),
            Step::Sessions => {
                // Which session it was is said elsewhere than what the session made.
                self.lead(Step::SessionMade, row.text("session_id"), source, Some((Known::Derived, None)));
            }
            Step::OfSession => self.fold(source.node, row),
            Step::Lost => {
                self.lost = self.lost.saturating_add(row.text("lost").and_then(|n| n.parse().ok()).unwrap_or(0))
            }
            Step::Material | Step::Base => {
                let relation = if step == Step::Base { Relation::BuiltOn } else { Relation::BuiltOf };
                let field = if step == Step::Base { "base_image" } else { "materials" };
                let before = Some((row.worst(&[field, "statement"]), Some(row.number)));
                self.lead(Step::OfStatement, row.text("statement"), Source { relation, ..source }, before);
            }
            Step::Whole => self.whole(source, row),
            Step::Admissions => self.admission(source.node, row),
            Step::Commit | Step::Artifact => self.itself(source.node, row),
            _ => self.makes(step, source, row),
        }
    }

    /// What was reached.
    #[must_use]
    pub fn end(self) -> Radius {
        let Self { start, nodes, edges, folded, cut, lost, unplaced, .. } = self;
        Radius::of(start, (nodes, edges), &folded, (cut, lost, unplaced))
    }

    /// A node, where there is room for it.
    fn add(&mut self, thing: Thing, name: &str, depth: usize) -> Option<usize> {
        if let Some(at) = self.places.get(&(thing, name.to_owned())) {
            return Some(*at);
        }
        if self.nodes.len() >= self.bounds.nodes {
            self.cut.nodes = true;
            return None;
        }
        let at = self.nodes.len();
        self.nodes.push(Node {
            thing,
            name: name.to_owned(),
            about: None,
            state: None,
            at: None,
            repository: None,
            record: None,
            depth,
            later: false,
        });
        self.places.insert((thing, name.to_owned()), at);
        self.next.push(at);
        Some(at)
    }

    /// A node that another one leads to.
    fn reach(&mut self, source: Source, thing: Thing, name: &str, (known, row): (Known, &Row<'_>)) -> Option<usize> {
        let (before, depth) = (self.nodes.len(), self.nodes.get(source.node).map_or(0, |node| node.depth) + 1);
        let to = self.add(thing, name, depth)?;
        if to == source.node {
            return None;
        }
        let (known, later) = (
            worst([Some(known), source.before.map(|(known, _)| known)].into_iter().flatten()),
            source.relation == Relation::BuildsOn,
        );
        if let Some(node) = self.nodes.get_mut(to) {
            if to >= before {
                (node.record, node.later) = (Some(row.number), later);
                node.at = row.at.map(str::to_owned);
            } else {
                node.later &= later;
            }
        }
        let key = (source.node, to, source.relation);
        let record = source.before.and_then(|(_, record)| record).unwrap_or(row.number);
        if let Some(edge) = self.pairs.get(&key).and_then(|at| self.edges.get_mut(*at)) {
            // What several say is known as well as the best of them knows it.
            if known.distance() < edge.known.distance() {
                (edge.known, edge.record) = (known, record);
            }
            return Some(to);
        }
        if self.edges.len() >= self.bounds.edges {
            self.cut.edges += 1;
            return Some(to);
        }
        self.pairs.insert(key, self.edges.len());
        self.edges.push(Edge { from: source.node, to, relation: source.relation, known, record });
        Some(to)
    }

    /// The run of a row: its execution, else its session. `fields` are those by which it was found.
    fn run(&mut self, source: Source, row: &Row<'_>, fields: &[&str]) {
        let (thing, name, field) = match (row.text("execution_id"), row.text("session_id")) {
            (Some(id), _) => (Thing::Execution, id, "execution_id"),
            (None, Some(id)) => (Thing::Session, id, "session_id"),
            (None, None) => {
                // What was made in no run is asked for apart.
                let is_apart = matches!(self.start, Start::Agent(_) | Start::Span);
                self.unplaced += u64::from(!is_apart);
                return;
            }
        };
        let own: &[&str] = if matches!(source.relation, Relation::Ran) { &["agent"] } else { &[] };
        let known = row.worst(&[fields, own, &[field]].concat());
        self.reach(source, thing, name, (known, row));
    }

    fn about(&mut self, node: usize, row: &Row<'_>) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        if row.kind == "execution_ended" {
            node.state = row.text("status").map(str::to_owned).or_else(|| node.state.take());
        } else {
            node.about = node.about.take().or_else(|| row.text("agent").map(str::to_owned));
            node.at = row.at.map(str::to_owned).or_else(|| node.at.take());
        }
    }

    /// A session is of an execution.
    fn fold(&mut self, session: usize, row: &Row<'_>) {
        let Some(id) = row.text("execution_id").map(str::to_owned) else { return };
        let depth = self.nodes.get(session).map_or(0, |node| node.depth);
        let Some(execution) = self.add(Thing::Execution, &id, depth) else { return };
        if let Some(node) = self.nodes.get_mut(execution) {
            node.record = node.record.or(Some(row.number));
        }
        self.folded.insert(session, execution);
    }

    /// A commit that was named by the beginning of its id; where several begin so, each may be the one.
    fn whole(&mut self, source: Source, row: &Row<'_>) {
        let Some(id) = row.text("target").and_then(|target| target.strip_prefix("commit:")) else { return };
        let is_longer = self.nodes.get(source.node).is_some_and(|node| id.len() > node.name.len());
        if is_longer {
            self.reach(Source { relation: Relation::Is, ..source }, Thing::Commit, id, (Known::Derived, row));
        }
    }

    fn admission(&mut self, artifact: usize, row: &Row<'_>) {
        let (place, verdict) =
            (row.text("namespace").unwrap_or("no namespace"), row.text("verdict").unwrap_or("unknown"));
        let digest = self.nodes.get(artifact).map(|node| node.name.clone()).unwrap_or_default();
        let source = Source { node: artifact, relation: Relation::Asked, before: None };
        let known = row.worst(&["digest", "verdict"]);
        let name = format!("{verdict} in {place} of {digest}");
        if let Some(node) =
            self.reach(source, Thing::Admission, &name, (known, row)).and_then(|at| self.nodes.get_mut(at))
        {
            (node.state, node.about) = (Some(verdict.to_owned()), Some(place.to_owned()));
        }
    }

    /// A record of what is asked about.
    fn itself(&mut self, node: usize, row: &Row<'_>) {
        let Some(node) = self.nodes.get_mut(node) else { return };
        node.record = node.record.or(Some(row.number));
        node.at = node.at.take().or_else(|| row.at.map(str::to_owned));
        node.repository = node.repository.take().or_else(|| row.text("repository").map(str::to_owned));
        node.about = node.about.take().or_else(|| row.text("subject").map(str::to_owned));
    }

    /// What a row says was made of or by something.
    fn makes(&mut self, step: Step, source: Source, row: &Row<'_>) {
        for Made { thing, name, about, relation, fields } in made(row) {
            let followed: &[&str] = match step {
                Step::Children => &["base_commit"],
                Step::MergedInto => &["metadata"],
                Step::Built => &["commit"],
                Step::Made => &["execution_id"],
                Step::SessionMade => &["session_id"],
                Step::PullRequests => &["head_commit"],
                Step::OfStatement => &["statement"],
                Step::AgentMade | Step::NameMade => &["agent"],
                _ => &[],
            };
            let relation = match (step, thing) {
                (Step::Children | Step::MergedInto, Thing::Commit) => Relation::BuildsOn,
                (Step::Children | Step::MergedInto, _) => continue,
                (Step::Built, Thing::Artifact) => Relation::BuiltOf,
                (Step::OfStatement, _) => source.relation,
                (Step::PullRequests, Thing::PullRequest) | (_, Thing::Deployment) => relation,
                (Step::PullRequests | Step::Deployed, _) => continue,
                (Step::OfPullRequest, Thing::Commit) => relation,
                (Step::OfPullRequest, _) => continue,
                _ => relation,
            };
            let known = row.worst(&[followed, fields].concat());
            let reached = self.reach(Source { relation, ..source }, thing, &name, (known, row));
            if let Some(node) = reached.and_then(|at| self.nodes.get_mut(at)) {
                node.about = node.about.take().or(about);
                node.repository = node.repository.take().or_else(|| row.text("repository").map(str::to_owned));
            }
        }
    }

    /// Something that is no node leads on.
    fn lead(&mut self, step: Step, value: Option<&str>, source: Source, before: Option<(Known, Option<u64>)>) {
        if let Some(value) = value {
            self.through.push((step, value.to_owned(), Source { before, ..source }));
        }
    }

    /// Asks for what the rows of the last question lead on to.
    fn led_through(&mut self) {
        let mut by: Vec<(Step, Vec<(String, Source)>)> = Vec::new();
        for (step, value, source) in std::mem::take(&mut self.through) {
            match by.iter_mut().find(|(of, _)| *of == step) {
                Some((_, all)) => all.push((value, source)),
                None => by.push((step, vec![(value, source)])),
            }
        }
        for (step, all) in by {
            let (values, of) = all.into_iter().unzip();
            self.waiting.push_front(Waiting { ask: Ask { step, values, within: false }, of });
        }
    }

    /// Asks for what is behind the things of the level that was found.
    fn level(&mut self) {
        let level = std::mem::take(&mut self.next);
        let things = [Thing::Session, Thing::Execution, Thing::Commit, Thing::PullRequest, Thing::Artifact];
        for thing in things {
            let mut all: Vec<usize> = Vec::new();
            for at in level.iter().copied().filter(|at| self.nodes.get(*at).is_some_and(|node| node.thing == thing)) {
                match self.nodes.get(at).is_some_and(|node| node.depth < self.bounds.depth) {
                    true => all.push(at),
                    false => self.cut.deep += 1,
                }
            }
            if all.is_empty() {
                continue;
            }
            for step in Step::from(thing) {
                let (values, of) = self.behind(*step, &all);
                if !values.is_empty() {
                    self.waiting.push_back(Waiting { ask: Ask { step: *step, values, within: false }, of });
                }
            }
        }
    }

    /// The values of a step for nodes, and from where each comes.
    fn behind(&self, step: Step, all: &[usize]) -> (Vec<String>, Vec<Source>) {
        let (mut values, mut of) = (Vec::with_capacity(all.len()), Vec::with_capacity(all.len()));
        for at in all {
            let Some(node) = self.nodes.get(*at) else { continue };
            let source = Source { node: *at, relation: Relation::Made, before: None };
            let mut add = |value: String| {
                values.push(value);
                of.push(source);
            };
            match (step, &node.about) {
                (Step::Whole, _) if is_whole(&node.name) => {}
                (Step::Whole | Step::Commit, _) => add(format!("commit:{}", node.name)),
                (Step::Deployed, about) => {
                    add(node.name.clone());
                    about.iter().for_each(|name| add(format!("{name}@{}", node.name)));
                }
                _ => add(node.name.clone()),
            }
        }
        (values, of)
    }
}

/// Whether the id of a commit is all of it, or too short to be the beginning of one.
fn is_whole(id: &str) -> bool {
    [40, 64].contains(&id.len()) || id.len() < ID_DIGITS
}

/// How many digits people write at least (as git does).
const ID_DIGITS: usize = 7;

fn first_relation(start: &Start) -> Relation {
    match start {
        Start::Agent(_) => Relation::Ran,
        Start::Span => Relation::During,
        _ => Relation::Made,
    }
}
