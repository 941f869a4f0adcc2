//! YAML of files that people write: positions for errors, no aliases, no duplicate keys, bounded.
//!
//! JSON is YAML, so both forms are read here. Anchors, aliases, tags and merge keys are refused: they make a file mean
//! something else than it shows, and let a small file stand for a huge one. A key that stands twice is refused, too: which of
//! the two counts would depend on the reader.

use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashSet;

/// How much of a document is read, and what it is called in errors.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// What the document is, such as `a policy`.
    pub what: &'static str,
    /// Its most bytes.
    pub bytes: usize,
    /// Its most values: scalars, lists and maps together.
    pub nodes: usize,
    /// Its deepest nesting.
    pub depth: usize,
}

/// Why a document could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum YamlError {
    /// No YAML or JSON, or a form of it that is not taken.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Over a cap.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
}

/// One value of a document, with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// What it is.
    pub kind: Kind,
}

/// What a [`Node`] is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Nothing: empty, `~`, `null`.
    Null,
    /// `true` or `false`, not quoted.
    Bool(bool),
    /// Any other scalar, as written.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the file's order; keys are unique.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads one document.
    ///
    /// # Errors
    /// [`YamlError::Syntax`] for what is no YAML or JSON, more than one document, an anchor, alias or tag, or a duplicate
    /// key; [`YamlError::TooLarge`] over one of the bounds.
    pub fn parse(text: &str, bounds: &Bounds) -> Result<Self, YamlError> {
        let mut all = Self::documents(text, bounds, 1)?;
        all.pop().ok_or_else(|| YamlError::Syntax {
            line: 1,
            column: 1,
            message: format!("expected {}, found an empty file", bounds.what),
        })
    }

    /// The documents of a text, at most `most` of them; those that are empty are left out.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn documents(text: &str, bounds: &Bounds, most: usize) -> Result<Vec<Self>, YamlError> {
        if text.len() > bounds.bytes {
            return Err(YamlError::TooLarge { what: "the file (bytes)", limit: bounds.bytes });
        }
        let mut reader = Reader { parser: Parser::new_from_str(text), bounds, nodes: 0 };
        let mut documents = Vec::new();
        loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamEnd => return Ok(documents),
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if documents.len() == most && most == 1 => {
                    return Err(syntax(span, "expected one document, found another"));
                }
                _ if documents.len() == most => {
                    return Err(YamlError::TooLarge { what: "the number of documents", limit: most });
                }
                event => documents.push(reader.node(event, span, 0)?),
            }
        }
    }

    /// A plain scalar that stands in no document: a default.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        Self { line: 0, column: 0, kind: scalar(text.to_owned(), ScalarStyle::Plain) }
    }

    /// What it is, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.kind {
            Kind::Null => "nothing".into(),
            Kind::Bool(b) => format!("`{b}`"),
            Kind::Text(t) => format!("`{}`", t.chars().take(80).collect::<String>()),
            Kind::List(_) => "a list".into(),
            Kind::Map(_) => "a map".into(),
        }
    }
}

fn syntax(span: Span, message: impl Into<String>) -> YamlError {
    YamlError::Syntax { line: span.start.line(), column: span.start.col() + 1, message: message.into() }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    bounds: &'a Bounds,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), YamlError> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(e)) => {
                let m = e.marker();
                Err(YamlError::Syntax { line: m.line(), column: m.col() + 1, message: e.info().to_owned() })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, YamlError> {
        self.nodes += 1;
        if self.nodes > self.bounds.nodes {
            return Err(YamlError::TooLarge { what: "the number of values", limit: self.bounds.nodes });
        }
        if depth > self.bounds.depth {
            return Err(YamlError::TooLarge { what: "the nesting", limit: self.bounds.depth });
        }
        let what = self.bounds.what;
        let plain = |anchor: usize, tag: bool| {
            if anchor != 0 || tag {
                Err(syntax(span, format!("anchors and tags are not allowed in {what}")))
            } else {
                Ok(())
            }
        };
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                scalar(text.into_owned(), style)
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.list(depth)?
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                self.map(depth)?
            }
            Event::Alias(_) => return Err(syntax(span, format!("aliases are not allowed in {what}"))),
            _ => return Err(syntax(span, "expected a value")),
        };
        Ok(Node { line: span.start.line(), column: span.start.col() + 1, kind })
    }

    fn list(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Kind::List(items)),
                (e, s) => items.push(self.node(e, s, depth + 1)?),
            }
        }
    }

    fn map(&mut self, depth: usize) -> Result<Kind, YamlError> {
        let mut members: Vec<(String, Node)> = Vec::new();
        // A map of a hundred thousand keys must not be searched for each of them.
        let mut seen = HashSet::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(Kind::Map(members));
            }
            let key = match self.node(event, key_span, depth + 1)?.kind {
                Kind::Text(key) => key,
                Kind::Bool(b) => b.to_string(),
                _ => return Err(syntax(key_span, "expected a field's name")),
            };
            if !seen.insert(key.clone()) {
                return Err(syntax(key_span, format!("duplicate field `{key}`")));
            }
            let (event, span) = self.next()?;
            members.push((key, self.node(event, span, depth + 1)?));
        }
    }
}

fn scalar(text: String, style: ScalarStyle) -> Kind {
    if style != ScalarStyle::Plain {
        return Kind::Text(text);
    }
    match text.as_str() {
        "" | "~" | "null" | "Null" | "NULL" => Kind::Null,
        "true" | "True" | "TRUE" => Kind::Bool(true),
        "false" | "False" | "FALSE" => Kind::Bool(false),
        _ => Kind::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { what: "a policy", bytes: 1 << 20, nodes: 100_000, depth: 64 };

    fn read(text: &str) -> Result<Node, YamlError> {
        Node::parse(text, &BOUNDS)
    }

    #[test]
    fn what_would_hide_the_meaning_is_refused() {
        assert!(read("a: 1\nb: [x, {c: d}]\n").is_ok());
        assert!(read(r#"{"a": 1, "b": ["x", {"c": "d"}]}"#).is_ok());
        for (bad, word) in [
            ("a: &x 1\nb: *x\n", "anchors and tags are not allowed in a policy"),
            ("a: 1\na: 2\n", "duplicate field `a`"),
            ("a: !!str 1\n", "tags"),
            ("a: 1\n---\nb: 2\n", "another"),
            ("", "expected a policy, found an empty file"),
            ("a: [1\n", ""),
        ] {
            let e = read(bad).unwrap_err().to_string();
            assert!(e.contains(word), "{bad:?}: {e}");
        }
    }

    #[test]
    fn depth_and_size_are_capped() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(read(&deep(60)).is_ok());
        // The parser has a cap of its own, further out.
        let limit = BOUNDS.depth + 1;
        assert!(read(&deep(limit)).is_ok());
        assert_eq!(
            read(&deep(limit + 1)).map(|_| ()),
            Err(YamlError::TooLarge { what: "the nesting", limit: BOUNDS.depth })
        );
        // The list is one, too.
        let wide = |n: usize| read(&"- a\n".repeat(n)).map(|_| ());
        let limit = BOUNDS.nodes;
        assert_eq!(wide(limit - 1), Ok(()));
        assert_eq!(wide(limit), Err(YamlError::TooLarge { what: "the number of values", limit }));
        assert!(matches!(read(&deep(10_000)), Err(YamlError::TooLarge { .. } | YamlError::Syntax { .. })));
        assert!(matches!(read(&"# x\n".repeat(300_000)), Err(YamlError::TooLarge { .. })));
    }
}
