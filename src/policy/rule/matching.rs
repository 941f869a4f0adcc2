//! What rules share: patterns over values of a provenance, and levels of assurance.

use crate::model::Code;
use crate::policy::form::{At, Field, Form, ListOf, OneOf, Parsed, pattern};
use crate::policy::{Assurance, Glob, PolicyError, Reason};
use serde_json::{Value, json};

/// A demand that a value matches one of several patterns.
pub(super) fn any_of(code: Code, what: &str, patterns: &[Glob], found: Option<&str>) -> Option<Reason> {
    if found.is_some_and(|f| patterns.iter().any(|p| p.matches(f))) {
        return None;
    }
    let hint = found.and_then(|f| patterns.iter().map(|p| p.at_hint(f)).find(|h| !h.is_empty()));
    Some(Reason::unmet(code, what, listed(patterns) + hint.unwrap_or_default(), found))
}

/// The same of a text in which an `@` is a character like any other.
pub(super) fn any_of_texts(code: Code, what: &str, patterns: &[Glob], found: Option<&str>) -> Option<Reason> {
    let met = found.is_some_and(|f| patterns.iter().any(|p| p.matches_text(f)));
    (!met).then(|| Reason::unmet(code, what, listed(patterns), found))
}

fn listed(patterns: &[Glob]) -> String {
    patterns.iter().map(|p| format!("`{p}`")).collect::<Vec<_>>().join(" or ")
}

/// Whether there are no reasons against.
pub(super) fn verdict(reasons: Vec<Option<Reason>>) -> Result<(), Vec<Reason>> {
    let reasons: Vec<_> = reasons.into_iter().flatten().collect();
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

/// Globs, any of which must match.
pub(super) const GLOBS: ListOf<Parsed<Glob>> =
    ListOf(Parsed { read: pattern, schema: || Glob::schema("A text or glob.") });

/// `assurance`: what must stand behind `of`.
pub(super) const fn assurance(of: &'static str) -> Field<Level> {
    Field::new("assurance", "", Level(of))
}

/// A level of assurance that is demanded of something.
pub(super) struct Level(&'static str);

const LEVELS: OneOf<Assurance> = OneOf(|| Assurance::ALL.to_vec());

impl Form for Level {
    type Value = Assurance;

    fn read(&self, at: &At<'_>) -> Result<Assurance, PolicyError> {
        LEVELS.read(at)
    }

    fn schema(&self) -> Value {
        let of = self.0;
        let mut schema = json!({
            "description": format!("What must stand behind {of}. Certificate meets every demand; signed and measured stand for different things, and neither for the other."),
        });
        schema["enum"] = LEVELS.schema()["enum"].take();
        schema
    }
}
