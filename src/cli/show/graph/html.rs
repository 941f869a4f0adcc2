//! As one page: a picture and the same as a table, without a script, and with a rule that forbids each of them.

use super::{Drawing, Drawn, marked};
use crate::cli::show::sanitize;
use crate::record::Known;
use std::fmt::Write as _;

/// How far things stand apart, and how large they are (CSS pixels).
const COLUMN: usize = 330;
const ROW: usize = 46;
const BOX: (usize, usize) = (250, 34);
/// How much of a text stands on a thing (characters); the whole is its tooltip and in the table.
const SHOWN: usize = 32;

const STYLE: &str = "body{font:14px/1.5 system-ui,sans-serif;margin:1.5rem;color:#1a1a1a;background:#fff}\
h1{font-size:1.15rem;overflow-wrap:anywhere}ul{padding-left:1.2rem}li{color:#a00}\
.picture{overflow:auto;border:1px solid #ccc;border-radius:6px;margin:1rem 0}\
svg{display:block;font:12px system-ui,sans-serif}rect{fill:#f4f6f8;stroke:#57606a}\
.hole rect{fill:#fff5f5;stroke:#c00;stroke-dasharray:4 3}path{fill:none;stroke:#8c959f;stroke-dasharray:5 3}path.w{stroke-dasharray:none}path.n{stroke-dasharray:1 4}\
text{fill:#1a1a1a}text.kind{fill:#57606a;font-size:10px}table{border-collapse:collapse;width:100%}\
th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}\
@media (prefers-color-scheme:dark){body{background:#0d1117;color:#e6edf3}rect{fill:#161b22;stroke:#8b949e}\
text{fill:#e6edf3}text.kind{fill:#9da7b3}li{color:#ff8080}.picture{border-color:#333}th,td{border-color:#333}\
.hole rect{fill:#2a1215}}";

pub(super) fn render(drawing: &Drawing) -> String {
    let title = escaped(&drawing.title);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<h1>{title}</h1>\n"
    );
    if !drawing.notes.is_empty() {
        out += "<ul>\n";
        drawing.notes.iter().for_each(|note| out += &format!("<li>{}</li>\n", escaped(note)));
        out += "</ul>\n";
    }
    picture(&mut out, drawing);
    out += "<p>A solid line is witnessed; a dashed one is declared (d) or derived (r); a dotted one stands for several.</p>\n";
    table(&mut out, drawing);
    out += "</body>\n</html>\n";
    out
}

fn picture(out: &mut String, drawing: &Drawing) {
    let mut heights: Vec<usize> = Vec::new();
    let places: Vec<(usize, usize)> = drawing
        .nodes
        .iter()
        .map(|node| {
            heights.resize(heights.len().max(node.column + 1), 0);
            let row = heights.get_mut(node.column).map_or(0, |height| {
                *height += 1;
                *height - 1
            });
            (16 + node.column * COLUMN, 16 + row * ROW)
        })
        .collect();
    let width = heights.len() * COLUMN;
    let height = heights.iter().max().copied().unwrap_or(0) * ROW + 32;
    let _ = writeln!(
        out,
        "<div class=\"picture\"><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"what leads to what; the table below says the same\">"
    );
    for line in &drawing.lines {
        let (Some(from), Some(to)) = (places.get(line.from), places.get(line.to)) else { continue };
        let class = line.known.map_or("n", letter);
        let (x1, y1, y2) = (from.0 + BOX.0, from.1 + BOX.1 / 2, to.1 + BOX.1 / 2);
        let middle = (x1 + to.0) / 2;
        let label = escaped(&marked(line));
        let _ = writeln!(
            out,
            "<path class=\"{class}\" d=\"M{x1} {y1} C{middle} {y1} {middle} {y2} {} {y2}\"><title>{label}</title></path>",
            to.0
        );
    }
    for (node, (x, y)) in drawing.nodes.iter().zip(&places) {
        thing(out, node, *x, *y);
    }
    *out += "</svg></div>\n";
}

fn thing(out: &mut String, node: &Drawn, x: usize, y: usize) {
    let (whole, kind) = (escaped(&node.label), escaped(node.kind));
    let label = sanitize::line(&node.label);
    let short = match label.chars().count() {
        0..=SHOWN => whole.clone(),
        _ => escaped(&(label.chars().take(SHOWN - 3).collect::<String>() + "...")),
    };
    let class = if node.is_hole { " class=\"hole\"" } else { "" };
    let (w, h) = BOX;
    let _ = writeln!(
        out,
        "<g{class}><title>{kind}: {whole}</title><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" rx=\"4\"/>\
         <text class=\"kind\" x=\"{0}\" y=\"{1}\">{kind}</text><text x=\"{0}\" y=\"{2}\">{short}</text></g>",
        x + 8,
        y + 13,
        y + 27
    );
}

fn table(out: &mut String, drawing: &Drawing) {
    *out += "<table>\n<tr><th>From</th><th></th><th>To</th></tr>\n";
    let said = |at: usize| {
        drawing.nodes.get(at).map(|node| escaped(&format!("{}: {}", node.kind, node.label))).unwrap_or_default()
    };
    for line in &drawing.lines {
        let _ = writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            said(line.from),
            escaped(&marked(line)),
            said(line.to)
        );
    }
    *out += "</table>\n";
}

fn letter(known: Known) -> &'static str {
    match known {
        Known::Witnessed => "w",
        Known::Declared => "d",
        Known::Derived => "r",
    }
}

/// A text as HTML: nothing of it is a tag, an entity or the end of an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in sanitize::line(text).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            c => out.push(c),
        }
    }
    out
}
