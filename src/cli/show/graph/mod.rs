//! [`Drawing`]: things and how they lead to each other, as a picture in one of three forms. What stands in it was said by
//! strangers: each form has one renderer, and each text goes through its escaping.

mod dot;
mod html;
mod mermaid;

use crate::cli::args::Format;
use crate::model::limits;
use crate::record::Known;

/// A picture.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Drawing {
    /// What it is of, and the answer in a line.
    pub title: String,
    /// What else is to be said of all of it: what is not known, what was left out.
    pub notes: Vec<String>,
    /// The things.
    pub nodes: Vec<Drawn>,
    /// How they lead to each other.
    pub lines: Vec<Line>,
}

/// A thing in a picture.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Drawn {
    /// What it is, in a word.
    pub kind: &'static str,
    /// What is written on it.
    pub label: String,
    /// In which column it stands, from the left.
    pub column: usize,
    /// Whether it stands for something that is not known.
    pub is_hole: bool,
}

/// A line from one thing to another.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Line {
    /// Place of the first.
    pub from: usize,
    /// Place of the second.
    pub to: usize,
    /// What stands at it.
    pub label: String,
    /// How it is known; none where it is no one value.
    pub known: Option<Known>,
}

impl Drawing {
    /// In a form; none where the form is none of a picture.
    pub(in crate::cli) fn rendered(mut self, format: Format) -> Option<String> {
        let render = match format {
            Format::Mermaid => mermaid::render,
            Format::Dot => dot::render,
            Format::Html => html::render,
            _ => return None,
        };
        self.bound();
        Some(render(&self))
    }

    /// So much of it as a person can look at; what is left out is said.
    fn bound(&mut self) {
        let (nodes, lines) = (self.nodes.len(), self.lines.len());
        self.nodes.truncate(limits::DRAWN_NODES);
        self.lines.retain(|line| line.from < limits::DRAWN_NODES && line.to < limits::DRAWN_NODES);
        self.lines.truncate(limits::DRAWN_NODES * limits::BLAST_EDGES);
        if nodes > self.nodes.len() || lines > self.lines.len() {
            let (shown, drawn) = (self.nodes.len(), self.lines.len());
            let note = format!(
                "{shown} of {nodes} things and {drawn} of {lines} lines between them are drawn; --format json has all of them"
            );
            self.notes.push(note);
        }
    }
}

/// `d`, `w` or `r` behind what stands at a line.
fn marked(line: &Line) -> String {
    match line.known {
        Some(known) => format!("{} {}", line.label, char::from(known as u8)),
        None => line.label.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a stranger may call a record.
    const HOSTILE: &str = "<script>alert(1)</script>\"]; x --> y %% `#\\N\n\"' onload=1 &lt; \u{202e}";

    fn drawing() -> Drawing {
        let drawn = |label: &str, column| Drawn { kind: "commit", label: label.to_owned(), column, is_hole: false };
        Drawing {
            title: HOSTILE.to_owned(),
            notes: vec![HOSTILE.to_owned()],
            nodes: vec![drawn(HOSTILE, 0), drawn("plain-1", 1)],
            lines: vec![Line { from: 0, to: 1, label: HOSTILE.to_owned(), known: Some(Known::Witnessed) }],
        }
    }

    #[test]
    fn what_a_stranger_wrote_stays_a_text_in_each_form() {
        for (format, bad) in [
            (Format::Html, &["<script", "&lt; \u{202e}", "alert(1)<", "\" onload"][..]),
            (Format::Mermaid, &["<script", "\"]; x", "%%", "`", "\u{202e}"]),
            (Format::Dot, &["script>\"]; x", "#\\N", "\u{202e}"]),
        ] {
            let text = drawing().rendered(format).unwrap();
            for bad in bad {
                assert!(!text.contains(bad), "{format:?} {bad}\n{text}");
            }
            assert!(text.contains("plain-1") && text.contains("alert(1)"), "{format:?} the twin: {text}");
        }
        assert!(drawing().rendered(Format::Text).is_none());
    }

    #[test]
    fn only_what_was_witnessed_is_drawn_solid() {
        let solid = |known: Option<Known>| {
            let mut all = drawing();
            all.lines[0].known = known;
            let text = |format: Format| all.clone().rendered(format).unwrap();
            [
                text(Format::Html).contains("<path class=\"w\""),
                text(Format::Mermaid).contains(" -->|"),
                text(Format::Dot).contains("style=solid"),
            ]
        };
        assert_eq!(solid(Some(Known::Witnessed)), [true; 3]);
        for known in [None, Some(Known::Declared), Some(Known::Derived)] {
            assert_eq!(solid(known), [false; 3], "{known:?}");
        }
    }

    #[test]
    fn a_drawing_is_bounded_and_says_so() {
        let mut all = drawing();
        all.nodes = vec![all.nodes[1].clone(); limits::DRAWN_NODES + 1];
        let text = all.rendered(Format::Dot).unwrap();
        assert!(text.contains(&format!("{} of {} things", limits::DRAWN_NODES, limits::DRAWN_NODES + 1)), "{text}");
        assert!(!drawing().rendered(Format::Dot).unwrap().contains("are drawn"));
    }
}
