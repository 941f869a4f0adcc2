//! Everything that was reached, as a person reads it: the answer first.

use super::super::{figures, rows, told};
use crate::cli::show::sanitize;
use crate::flow::investigate::Reached;
use crate::inquiry::Hole;
use crate::inquiry::blast::{Node, Radius, Start, Thing};
use crate::model::plural::counted;
use std::fmt::Write as _;

/// How many things of one kind are listed unless more is asked for.
const LISTED: usize = 25;
/// The same of commits that only build on others.
const LISTED_LATER: usize = 5;

pub(super) fn text(found: &Reached, holes: &[Hole], all: bool) -> String {
    let radius = &found.radius;
    let mut out = format!("{}\n", sanitize::line(&verdict(radius)));
    let more = notes(found);
    for line in more {
        let _ = writeln!(out, "  {}", sanitize::line(&line));
    }
    out += &listed(radius, all);
    for line in unknown(found) {
        let _ = writeln!(out, "HOLE  {}", sanitize::line(&line));
    }
    out += &told::holes(holes);
    if !radius.is_empty() {
        out += "w witnessed, d declared, r derived; `attest audit show NUMBER` has a record, `trace` the way back; -v whole ids\n";
    }
    out
}

/// The answer in a line: `agent x: 3 executions, 4 commits in 2 repositories, 2 images, 1 admitted`.
pub(super) fn verdict(radius: &Radius) -> String {
    let name = radius.nodes.first().map_or("it", |node| node.name.as_str());
    let name = match radius.nodes.first().map(|node| node.thing) {
        Some(Thing::Start) | None => name.to_owned(),
        Some(thing) => format!("{} {name}", thing.name()),
    };
    if radius.is_empty() {
        return format!("{name}: nothing that this log knows of");
    }
    let total = radius.total();
    let one = |n: u64, word: &str, more: &str| {
        (n > 0).then(|| format!("{} {}", figures::number(n), if n == 1 { word } else { more }))
    };
    let mut all: Vec<String> = Vec::new();
    all.extend(one(total.executions, "execution", "executions"));
    all.extend(one(total.commits, "commit", "commits").map(|text| match total.repositories {
        0 | 1 => text,
        n => format!("{text} in {} repositories", figures::number(n)),
    }));
    all.extend(one(total.pull_requests, "pull request", "pull requests"));
    all.extend(one(total.images, "image", "images"));
    all.extend(one(total.files, "file", "files"));
    all.extend(one(total.deployments, "deployment", "deployments"));
    if total.images + total.files > 0 {
        all.push(format!("{} admitted", figures::number(total.admitted)));
    }
    all.extend(one(total.later, "later commit", "later commits"));
    format!("{name}: {}", all.join(", "))
}

/// What else is to be said of all of it.
fn notes(found: &Reached) -> Vec<String> {
    let (radius, total) = (&found.radius, found.radius.total());
    let mut out = Vec::new();
    if matches!(radius.start, Start::Credential(_)) && total.executions > 0 {
        let seen = match total.used_witnessed {
            0 => String::new(),
            n if n == total.used => " (w)".to_owned(),
            n => format!(" ({} w)", figures::number(n)),
        };
        let only = figures::number(total.executions.saturating_sub(total.used));
        out.push(format!("{} used it{seen}, {only} only could have", figures::number(total.used)));
    }
    if let Some(((first, of), (last, by))) = &total.times {
        let shown = |text: &str| text.replace('T', " ").trim_end_matches('Z').to_owned();
        out.push(match of == by {
            true => format!("{} {of}", shown(first)),
            false => format!("first {} {of}, last {} {by}", shown(first), shown(last)),
        });
    }
    if !total.places.is_empty() {
        let few: Vec<&str> = total.places.iter().take(10).map(String::as_str).collect();
        out.push(format!(
            "admitted in {}{}",
            few.join(", "),
            if total.places.len() > few.len() { ", ..." } else { "" }
        ));
    }
    if total.refused > 0 {
        out.push(format!("{} refused by every cluster that was asked", figures::number(total.refused)));
    }
    out
}

/// What is not known, and may be of it.
pub(super) fn unknown(found: &Reached) -> Vec<String> {
    let (radius, mut out) = (&found.radius, Vec::new());
    let cut = radius.cut;
    let n = figures::number;
    if cut.nodes {
        out.push(format!(
            "not all was followed: there are more than {} things (--nodes)",
            n(radius.nodes.len() as u64)
        ));
    }
    if cut.deep > 0 {
        out.push(format!("nothing was followed from {} that many steps away (--depth)", counted(cut.deep, "thing")));
    }
    if cut.edges > 0 {
        out.push(format!("{} more ways between these things are not listed (--nodes)", n(cut.edges)));
    }
    if radius.lost > 0 {
        out.push(format!("{} events of these executions were lost", n(radius.lost)));
    }
    if found.lost > 0 {
        out.push(format!("{} lost, and nobody says whose", figures::counted(found.lost, "event")));
    }
    if radius.unplaced > 0 {
        out.push(format!("{} of it without an execution and a session", figures::counted(radius.unplaced, "record")));
    }
    if found.unlisted > 0 {
        let (one, many) = (
            "attestation does not say, or not wholly, what was built of what",
            "attestations do not say, or not wholly, what was built of what",
        );
        out.push(format!("{} {}", n(found.unlisted), if found.unlisted == 1 { one } else { many }));
    }
    out
}

fn listed(radius: &Radius, all: bool) -> String {
    let (ways, mut out) = (radius.ways(), Vec::new());
    let order = |node: &Node| (node.later, node.thing);
    let mut places: Vec<usize> = radius.reached().map(|(at, _)| at).collect();
    places.sort_by_key(|at| radius.nodes.get(*at).map(order));
    let (mut before, mut count, mut more) = (None, 0, 0);
    let mut left_out: Vec<String> = Vec::new();
    let end = |before: Option<(bool, Thing)>, more: usize, left_out: &mut Vec<String>| {
        if let Some((later, thing)) = before.filter(|_| more > 0) {
            let noun = format!("{}{}", if later { "later " } else { "" }, thing.name());
            left_out.push(counted(more as u64, &noun));
        }
    };
    for at in places {
        let Some(node) = radius.nodes.get(at) else { continue };
        if before != Some(order(node)) {
            end(before, more, &mut left_out);
            (before, count, more) = (Some(order(node)), 0, 0);
        }
        count += 1;
        if count > (if node.later { LISTED_LATER } else { LISTED }) && !all {
            more += 1;
            continue;
        }
        let (by, record) = ways.get(at).copied().flatten().map_or_else(Default::default, |edge| {
            let from = radius.nodes.get(edge.from).map(|from| shown(from, all)).unwrap_or_default();
            let by = format!("{} {from} {}", edge.relation.back(), char::from(edge.known as u8));
            (by, figures::number(edge.record))
        });
        out.push(vec![kind(node), shown(node, all), about(node), when(node), by, record]);
    }
    end(before, more, &mut left_out);
    if out.is_empty() {
        return String::new();
    }
    let mut text = rows::table(&["WHAT", "NAME", "OF", "WHEN", "BY WAY OF", "RECORD"], &out, &[]);
    if !left_out.is_empty() {
        let _ = writeln!(text, "and, not listed, {}: --verbose, or --format csv", left_out.join(", "));
    }
    text
}

fn kind(node: &Node) -> String {
    if node.later { format!("later {}", node.thing.name()) } else { node.thing.name().to_owned() }
}

/// The name of a thing as a person knows it.
pub(super) fn name(node: &Node) -> String {
    match (node.thing, &node.about) {
        (Thing::Artifact, Some(about)) if *about != node.name => format!("{about}@{}", node.name),
        (Thing::Admission, Some(place)) => place.clone(),
        _ => node.name.clone(),
    }
}

/// The same with no more of an id or a digest than tells it apart; all of it where more is asked for.
fn shown(node: &Node, all: bool) -> String {
    let is_hex = |text: &str| text.len() > SHORT && text.bytes().all(|b| b.is_ascii_hexdigit());
    let name = name(node);
    let (before, last) = name.rsplit_once(':').map_or(("", name.as_str()), |(before, last)| (before, last));
    match name.get(..name.len() - last.len() + SHORT) {
        Some(short) if !all && is_hex(last) && (before.is_empty() || before.ends_with("sha256")) => short.to_owned(),
        _ => name,
    }
}

/// How much of an id is shown (digits).
const SHORT: usize = 12;

fn about(node: &Node) -> String {
    let parts = match node.thing {
        Thing::Artifact => vec![],
        Thing::Admission => vec![node.state.clone()],
        Thing::Commit => vec![node.repository.clone()],
        _ => vec![node.about.clone(), node.state.clone()],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn when(node: &Node) -> String {
    let at = node.at.as_deref().unwrap_or_default();
    at.replace('T', " ").chars().take(16).collect()
}
