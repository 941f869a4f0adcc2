//! Everything that was reached, as a picture.

use super::super::told;
use super::text::{name, unknown, verdict};
use crate::cli::show::graph::{Drawing, Drawn, Line};
use crate::flow::investigate::Reached;
use crate::inquiry::Hole;
use crate::inquiry::blast::Thing;

/// Everything that was reached from one thing.
pub(super) fn of_radius(found: &Reached, holes: &[Hole]) -> Drawing {
    let radius = &found.radius;
    let mut notes = unknown(found);
    notes.extend(told::holes(holes).lines().map(str::to_owned));
    let column = |thing: Thing, depth: usize, later: bool| match thing {
        _ if depth == 0 => 0,
        Thing::Start => 0,
        Thing::Execution | Thing::Session => 1,
        Thing::Commit if later => 3,
        Thing::Commit => 2,
        Thing::PullRequest => 3,
        Thing::Artifact => 4,
        Thing::Admission | Thing::Deployment => 5,
    };
    let nodes = radius.nodes.iter().map(|node| {
        let state = node.state.as_ref().filter(|_| node.thing != Thing::Artifact);
        let label = state.map_or_else(|| name(node), |state| format!("{} ({state})", name(node)));
        let kind = if node.later { "later commit" } else { node.thing.name() };
        Drawn { kind, label, column: column(node.thing, node.depth, node.later), is_hole: false }
    });
    let lines = radius.edges.iter().map(|edge| Line {
        from: edge.from,
        to: edge.to,
        label: format!("{} [{}]", edge.relation.name(), edge.record),
        known: Some(edge.known),
    });
    Drawing { title: verdict(radius), notes, nodes: nodes.collect(), lines: lines.collect() }
}
