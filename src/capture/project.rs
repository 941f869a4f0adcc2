//! The project file `.attest.yaml`: defaults for what is captured. It is part of the checkout, so whoever writes the
//! source writes it: it names no key, no policy and nobody to trust, and reads nothing outside the checkout.

use crate::capture::Captured;
use crate::capture::error::CaptureError;
use crate::capture::input::materials::path_of;
use crate::capture::input::unasked::Unasked;
use crate::capture::required::Required;
use crate::model::limits;
use crate::model::yaml::{Bounds, Kind, Node, YamlError};

/// Its name, at the top of the checkout.
pub(super) const NAME: &str = ".attest.yaml";

/// As much of it is read as of a policy.
const BOUNDS: Bounds =
    Bounds { what: NAME, bytes: limits::POLICY_BYTES, nodes: limits::POLICY_NODES, depth: limits::JSON_DEPTH };

/// What it says.
#[derive(Debug)]
pub(super) struct Project {
    /// `agent`, written `squad/agent`.
    pub(super) agent: Captured<String>,
    /// `taskPrefix`: what stands before a task's id in its address.
    pub(super) task_prefix: Captured<String>,
    /// `materials`, as `--materials` takes them, relative to the top of the checkout; each with its line.
    pub(super) materials: Vec<(usize, String)>,
    /// `require`: fields that must be there, besides those of `--require`.
    pub(super) require: Vec<Required>,
}

/// Reads it, if it is there.
///
/// # Errors
/// What is no YAML of this form, with its line: a field that it does not have is no default that could be ignored. Errors
/// quote names of fields and no value: under this name may stand a file of secrets.
pub(super) fn read(unasked: &mut Unasked<'_>) -> Result<Project, CaptureError> {
    let none = |reason: &str| Project {
        agent: Captured::absent(reason),
        task_prefix: Captured::absent(reason),
        materials: Vec::new(),
        require: Vec::new(),
    };
    let bytes = match unasked.read(&unasked.root.join(NAME), BOUNDS.bytes)? {
        Ok(bytes) => bytes,
        Err(reason) => return Ok(none(&reason)),
    };
    let text = String::from_utf8(bytes).map_err(|_| line(1, "UTF-8", "other bytes"))?;
    let node = Node::parse(&text, &BOUNDS).map_err(|e| match e {
        YamlError::TooLarge { what, limit } => CaptureError::TooLarge { what: format!("{NAME}: {what}"), limit },
        YamlError::Syntax { line: at, .. } => {
            line(at, "YAML without anchors, tags and duplicate fields", "something else")
        }
    })?;
    let mut project = none(&format!("{NAME} does not say"));
    let Kind::Map(members) = &node.kind else { return Err(line(node.line, "a map", kind(&node))) };
    for (key, value) in members {
        match key.as_str() {
            "agent" => project.agent = Captured::found(scalar(value)?, &format!("agent of {NAME}")),
            "taskPrefix" => project.task_prefix = Captured::found(scalar(value)?, &format!("taskPrefix of {NAME}")),
            "materials" => {
                let Kind::List(items) = &value.kind else {
                    return Err(line(value.line, "a list of materials", kind(value)));
                };
                for item in items {
                    project.materials.push((item.line, material(item)?));
                }
            }
            "require" => {
                let Kind::List(items) = &value.kind else {
                    return Err(line(value.line, "a list of fields", kind(value)));
                };
                for item in items {
                    let found = Required::named(&scalar(item)?);
                    let expected = "the name of a field of the provenance (docs/provenance.md)";
                    project.require.push(found.ok_or_else(|| line(item.line, expected, "another text"))?);
                }
            }
            _ => return Err(line(value.line, "agent, taskPrefix, materials or require", &field(key))),
        }
    }
    Ok(project)
}

fn line(line: usize, expected: &'static str, found: &str) -> CaptureError {
    CaptureError::MalformedLine { file: NAME.to_owned(), line, expected, found: found.to_owned() }
}

/// What a value is, without what it says.
fn kind(node: &Node) -> &'static str {
    match &node.kind {
        Kind::Null => "nothing",
        Kind::Bool(_) => "true or false",
        Kind::Text(_) => "a text",
        Kind::List(_) => "a list",
        Kind::Map(_) => "a map",
    }
}

/// A key, where it is a word as names of fields are; a token that stands before a colon is longer or has other characters.
fn field(key: &str) -> String {
    let word = key.len() <= 24 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if word { format!("`{key}`") } else { "another field".to_owned() }
}

/// An error about a material, at its line and without its text.
pub(super) fn of_material(at: usize, error: CaptureError) -> CaptureError {
    match error {
        CaptureError::Value { expected, .. } => line(at, expected, "another text"),
        CaptureError::NothingMatches { .. } => {
            CaptureError::NothingMatches { pattern: format!("the material in line {at} of {NAME}") }
        }
        other => other,
    }
}

fn scalar(node: &Node) -> Result<String, CaptureError> {
    match &node.kind {
        Kind::Text(text)
            if !text.trim().is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(line(node.line, "one line of text", kind(node))),
    }
}

/// A digest of a file elsewhere would be published on the word of whoever wrote the source: every path is looked at, also
/// one that looks like an address (`nar:a://../../outside`).
fn material(node: &Node) -> Result<String, CaptureError> {
    let text = scalar(node)?;
    if path_of(&text).is_some_and(|path| path.starts_with('/') || path.split('/').any(|part| part == "..")) {
        return Err(line(node.line, "a path below the top of the checkout", "another path"));
    }
    Ok(text)
}
