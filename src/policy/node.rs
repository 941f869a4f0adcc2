//! YAML as a policy must be read: positions for errors, no aliases, no duplicate keys, bounded.
//!
//! JSON is YAML, so both forms of a policy are read here. Anchors, aliases, tags and merge keys are refused: they make
//! a policy mean something else than it shows, and let a small file stand for a huge one.

use super::PolicyError;
use crate::model::limits;
use saphyr_parser::{Event, Parser, ScalarStyle, Span};
use std::collections::HashSet;

/// One value of a policy file, with its place.
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
    /// [`PolicyError::Syntax`] for what is no YAML or JSON, more than one document, an anchor, alias or tag, or a
    /// duplicate key; [`PolicyError::TooLarge`] over a cap.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > limits::POLICY_BYTES {
            return Err(PolicyError::TooLarge { what: "the file (bytes)", limit: limits::POLICY_BYTES });
        }
        let mut reader = Reader { parser: Parser::new_from_str(text), nodes: 0 };
        let mut document = None;
        loop {
            let (event, span) = reader.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                _ if document.is_some() => return Err(syntax(span, "expected one document, found another")),
                event => document = Some(reader.node(event, span, 0)?),
            }
        }
        document.ok_or_else(|| PolicyError::Syntax {
            line: 1,
            column: 1,
            message: "expected a policy, found an empty file".into(),
        })
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

fn syntax(span: Span, message: impl Into<String>) -> PolicyError {
    PolicyError::Syntax { line: span.start.line(), column: span.start.col() + 1, message: message.into() }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    nodes: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), PolicyError> {
        match self.parser.next_event() {
            Some(Ok(pair)) => Ok(pair),
            Some(Err(e)) => {
                let m = e.marker();
                Err(PolicyError::Syntax { line: m.line(), column: m.col() + 1, message: e.info().to_owned() })
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, PolicyError> {
        self.nodes += 1;
        if self.nodes > limits::POLICY_NODES {
            return Err(PolicyError::TooLarge { what: "the number of values", limit: limits::POLICY_NODES });
        }
        if depth > limits::JSON_DEPTH {
            return Err(PolicyError::TooLarge { what: "the nesting", limit: limits::JSON_DEPTH });
        }
        let plain = |anchor: usize, tag: bool| {
            if anchor != 0 || tag { Err(syntax(span, "anchors and tags are not allowed in a policy")) } else { Ok(()) }
        };
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                plain(anchor, tag.is_some())?;
                scalar(text.into_owned(), style)
            }
            Event::SequenceStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break Kind::List(items),
                        (e, s) => items.push(self.node(e, s, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(anchor, tag) => {
                plain(anchor, tag.is_some())?;
                let mut members: Vec<(String, Node)> = Vec::new();
                // A map of a hundred thousand keys must not be searched for each of them.
                let mut seen = HashSet::new();
                loop {
                    let (event, key_span) = self.next()?;
                    if matches!(event, Event::MappingEnd) {
                        break Kind::Map(members);
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
            Event::Alias(_) => return Err(syntax(span, "aliases are not allowed in a policy")),
            _ => return Err(syntax(span, "expected a value")),
        };
        Ok(Node { line: span.start.line(), column: span.start.col() + 1, kind })
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

/// A node together with its path, so that every error names the field and its place.
#[derive(Clone, Debug)]
pub struct At<'a> {
    /// Dotted path from the document's root.
    pub path: String,
    /// The value.
    pub node: &'a Node,
}

impl<'a> At<'a> {
    /// The document.
    #[must_use]
    pub fn root(node: &'a Node) -> Self {
        Self { path: String::new(), node }
    }

    /// An error about this field.
    pub fn error(&self, expected: impl Into<String>) -> PolicyError {
        PolicyError::Unexpected {
            line: self.node.line,
            column: self.node.column,
            path: if self.path.is_empty() { "the policy".into() } else { self.path.clone() },
            expected: expected.into(),
            found: self.node.describe(),
        }
    }

    /// Checks that this is a map of known fields; `later` are fields of the format that this version does not enforce.
    ///
    /// # Errors
    /// When it is no map, or has a field of `later`, an unknown one or one without a value: a demand whose value was
    /// not filled in is a mistake, not "no demand".
    pub fn fields(&self, known: &[&str], later: &[&str]) -> Result<(), PolicyError> {
        let Kind::Map(members) = &self.node.kind else { return Err(self.error("a map")) };
        for (key, value) in members {
            let (line, column, path) = (value.line, value.column, self.join(key));
            if later.contains(&key.as_str()) {
                return Err(PolicyError::NotEnforced { line, column, path });
            }
            if !known.contains(&key.as_str()) {
                let known = known.join(", ");
                return Err(PolicyError::UnknownField { line, column, path, known });
            }
            if matches!(value.kind, Kind::Null) {
                let field = Self { path, node: value };
                return Err(field.error("a value (leave the field out where nothing is demanded)"));
            }
        }
        Ok(())
    }

    /// A member, if there. One without a value is there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        let Kind::Map(members) = &self.node.kind else { return None };
        let (_, node) = members.iter().find(|(k, _)| k == key)?;
        Some(Self { path: self.join(key), node })
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// [`PolicyError::Missing`].
    pub fn need(&self, key: &str) -> Result<Self, PolicyError> {
        self.get(key).ok_or_else(|| PolicyError::Missing {
            line: self.node.line,
            column: self.node.column,
            path: self.join(key),
        })
    }

    /// The elements of the list this is: at least one.
    ///
    /// # Errors
    /// When it is something else, or empty: an empty list of what is allowed is a mistake, not "anything".
    pub fn list(&self) -> Result<Vec<Self>, PolicyError> {
        match &self.node.kind {
            Kind::List(items) if !items.is_empty() => Ok(items
                .iter()
                .enumerate()
                .map(|(i, node)| Self { path: format!("{}[{i}]", self.path), node })
                .collect()),
            _ => Err(self.error("a list with at least one element")),
        }
    }

    /// The text this is.
    ///
    /// # Errors
    /// When it is something else, or empty.
    pub fn str(&self) -> Result<&'a str, PolicyError> {
        match &self.node.kind {
            Kind::Text(t) if !t.is_empty() => Ok(t),
            _ => Err(self.error("a text")),
        }
    }

    /// The truth value this is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn bool(&self) -> Result<bool, PolicyError> {
        match self.node.kind {
            Kind::Bool(b) => Ok(b),
            _ => Err(self.error("true or false")),
        }
    }

    /// The texts of a list.
    ///
    /// # Errors
    /// As [`At::list`] and [`At::str`].
    pub fn texts(&self) -> Result<Vec<&'a str>, PolicyError> {
        self.list()?.iter().map(Self::str).collect()
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_hide_the_meaning_is_refused() {
        assert!(Node::parse("a: 1\nb: [x, {c: d}]\n").is_ok());
        assert!(Node::parse(r#"{"a": 1, "b": ["x", {"c": "d"}]}"#).is_ok());
        for (bad, word) in [
            ("a: &x 1\nb: *x\n", "anchors"),
            ("a: 1\na: 2\n", "duplicate field `a`"),
            ("a: !!str 1\n", "tags"),
            ("a: 1\n---\nb: 2\n", "another"),
            ("", "empty"),
            ("a: [1\n", ""),
        ] {
            let e = Node::parse(bad).unwrap_err().to_string();
            assert!(e.contains(word), "{bad:?}: {e}");
        }
    }

    #[test]
    fn depth_and_size_are_capped() {
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(Node::parse(&deep(60)).is_ok());
        // The parser has a cap of its own, further out.
        let limit = limits::JSON_DEPTH + 1;
        assert!(Node::parse(&deep(limit)).is_ok());
        assert_eq!(
            Node::parse(&deep(limit + 1)).map(|_| ()),
            Err(PolicyError::TooLarge { what: "the nesting", limit: limits::JSON_DEPTH })
        );
        // The list is one, too.
        let wide = |n: usize| Node::parse(&"- a\n".repeat(n)).map(|_| ());
        let limit = limits::POLICY_NODES;
        assert_eq!(wide(limit - 1), Ok(()));
        assert_eq!(wide(limit), Err(PolicyError::TooLarge { what: "the number of values", limit }));
        assert!(matches!(Node::parse(&deep(10_000)), Err(PolicyError::TooLarge { .. } | PolicyError::Syntax { .. })));
        assert!(matches!(Node::parse(&"# x\n".repeat(300_000)), Err(PolicyError::TooLarge { .. })));
    }

    #[test]
    fn an_error_names_field_and_place() {
        let n = Node::parse("spec:\n  mode: [1]\n").unwrap();
        let e = At::root(&n).need("spec").unwrap().need("mode").unwrap().str().unwrap_err();
        assert_eq!(e.to_string(), "line 2, column 9: field `spec.mode`: expected a text, found a list");
    }
}
