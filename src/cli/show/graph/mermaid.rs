//! As Mermaid, which GitHub and GitLab draw in a document.

use super::{Drawing, marked};
use crate::cli::show::sanitize;
use crate::record::Known;
use std::fmt::Write as _;

pub(super) fn render(drawing: &Drawing) -> String {
    let mut out = format!("---\ntitle: {}\n---\nflowchart LR\n", quoted(&drawing.title));
    for (at, node) in drawing.nodes.iter().enumerate() {
        let class = if node.is_hole { ":::hole" } else { "" };
        let _ = writeln!(out, "  n{at}[{}]{class}", quoted(&format!("{}: {}", node.kind, node.label)));
    }
    for line in &drawing.lines {
        let arrow = if line.known == Some(Known::Witnessed) { "-->" } else { "-.->" };
        let _ = writeln!(out, "  n{} {arrow}|{}| n{}", line.from, quoted(&marked(line)), line.to);
    }
    for (at, note) in drawing.notes.iter().enumerate() {
        let _ = writeln!(out, "  note{at}[{}]:::hole", quoted(note));
    }
    out += "  classDef hole stroke-dasharray: 4 3,stroke:#b00\n";
    out
}

/// A text in quotes. Everything that Mermaid, YAML or Markdown could take for its own is written as its number.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in sanitize::line(text).chars() {
        if c.is_alphanumeric() || " -_./:@,()=+".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out.push('"');
    out
}
