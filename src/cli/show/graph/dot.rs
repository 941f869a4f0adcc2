//! As DOT, which Graphviz draws.

use super::{Drawing, marked};
use crate::cli::show::sanitize;
use crate::record::Known;
use std::fmt::Write as _;

pub(super) fn render(drawing: &Drawing) -> String {
    let mut out =
        format!("digraph attest {{\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n  label={};\n", {
            let all: Vec<&str> =
                std::iter::once(drawing.title.as_str()).chain(drawing.notes.iter().map(String::as_str)).collect();
            quoted(&all.join("; "))
        });
    for (at, node) in drawing.nodes.iter().enumerate() {
        let style = if node.is_hole { ", style=dashed, color=red" } else { "" };
        let _ = writeln!(out, "  n{at} [label={}{style}];", quoted(&format!("{}: {}", node.kind, node.label)));
    }
    for line in &drawing.lines {
        let style = if line.known == Some(Known::Witnessed) { "solid" } else { "dashed" };
        let _ = writeln!(out, "  n{} -> n{} [label={}, style={style}];", line.from, line.to, quoted(&marked(line)));
    }
    out += "}\n";
    out
}

/// A text in quotes: Graphviz reads escapes of its own behind a backslash, and nothing else.
fn quoted(text: &str) -> String {
    format!("\"{}\"", sanitize::line(text).replace('\\', "\\\\").replace('"', "\\\""))
}
