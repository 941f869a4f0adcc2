//! A trace as a picture.

use super::told;
use crate::cli::show::graph::{Drawing, Drawn, Line};
use crate::inquiry::{Branch, Hole, Word};

/// A thing with what hangs on it.
pub(super) fn of_branch(branch: &Branch, holes: &[Hole]) -> Drawing {
    let notes = told::holes(holes).lines().map(str::to_owned).collect();
    let mut drawing = Drawing { title: branch.what.clone(), notes, ..Drawing::default() };
    hang(&mut drawing, branch, None, 0);
    drawing
}

fn hang(drawing: &mut Drawing, branch: &Branch, on: Option<usize>, column: usize) {
    let at = drawing.nodes.len();
    let kind = if branch.word == Word::Itself { "asked about" } else { branch.word.text() };
    let is_hole = branch.word == Word::Hole;
    drawing.nodes.push(Drawn { kind, label: branch.what.clone(), column, is_hole });
    if let Some(from) = on {
        let records = match branch.records.as_slice() {
            [] => String::new(),
            [one] => format!(" [{one}]"),
            [first, .., last] => format!(" [{first}..{last}]"),
        };
        let label = format!("{}{records}", branch.word.text());
        drawing.lines.push(Line { from, to: at, label, known: branch.known });
    }
    for more in &branch.more {
        hang(drawing, more, Some(at), column + 1);
    }
}
