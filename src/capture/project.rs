//! The project file `.attest.yaml`: defaults for what is captured. It is part of the checkout, so whoever writes the
//! source writes it: it names no key, no policy and nobody to trust, and reads nothing outside the checkout.

use crate::capture::error::{CaptureError, cut};
use crate::capture::{Captured, Checkout};
use crate::model::limits;
use crate::policy::{Kind, Node, PolicyError};
use std::path::Path;

/// Its name, at the top of the checkout.
pub(super) const NAME: &str = ".attest.yaml";

/// What it says.
#[derive(Debug)]
pub(super) struct Project {
    /// `agent`, written `squad/agent`.
    pub(super) agent: Captured<String>,
    /// `taskPrefix`: what stands before a task's id in its address.
    pub(super) task_prefix: Captured<String>,
    /// `materials`, as `--materials` takes them, relative to the top of the checkout.
    pub(super) materials: Vec<String>,
}

/// Reads it, if it is there.
///
/// # Errors
/// What is no YAML of this form, with its line: a field that it does not have is no default that could be ignored.
pub(super) fn read(root: &Path, checkout: &dyn Checkout) -> Result<Project, CaptureError> {
    let none = |reason: &str| Project {
        agent: Captured::absent(reason),
        task_prefix: Captured::absent(reason),
        materials: Vec::new(),
    };
    let Some(bytes) = checkout.read(&root.join(NAME), limits::POLICY_BYTES)? else {
        return Ok(none(&format!("there is no {NAME}")));
    };
    let text = String::from_utf8(bytes).map_err(|_| line(1, "UTF-8", "other bytes"))?;
    let node = Node::parse(&text).map_err(|e| match e {
        PolicyError::TooLarge { what, limit } => CaptureError::TooLarge { what: format!("{NAME}: {what}"), limit },
        PolicyError::Syntax { line: at, message, .. } => line(at, "YAML without anchors and tags", &message),
        other => line(1, "YAML", &other.to_string()),
    })?;
    let mut project = none(&format!("{NAME} does not say"));
    let Kind::Map(members) = &node.kind else { return Err(line(node.line, "a map", &node.describe())) };
    for (key, value) in members {
        match key.as_str() {
            "agent" => project.agent = Captured::found(scalar(value)?, &format!("agent of {NAME}")),
            "taskPrefix" => project.task_prefix = Captured::found(scalar(value)?, &format!("taskPrefix of {NAME}")),
            "materials" => {
                let Kind::List(items) = &value.kind else {
                    return Err(line(value.line, "a list of materials", &value.describe()));
                };
                for item in items {
                    project.materials.push(material(item)?);
                }
            }
            _ => return Err(line(value.line, "agent, taskPrefix or materials", key)),
        }
    }
    Ok(project)
}

fn line(line: usize, expected: &'static str, found: &str) -> CaptureError {
    CaptureError::MalformedLine { file: NAME.to_owned(), line, expected, found: cut(found) }
}

fn scalar(node: &Node) -> Result<String, CaptureError> {
    match &node.kind {
        Kind::Text(text)
            if !text.trim().is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control) =>
        {
            Ok(text.clone())
        }
        _ => Err(line(node.line, "one line of text", &node.describe())),
    }
}

/// A digest of a file elsewhere would be published on the word of whoever wrote the source.
fn material(node: &Node) -> Result<String, CaptureError> {
    let text = scalar(node)?;
    let value = text.split_once('=').map_or(text.as_str(), |(_, v)| v);
    let path = value.strip_prefix("nar:").unwrap_or(value);
    if !path.contains("://") && (path.starts_with('/') || path.split('/').any(|part| part == "..")) {
        return Err(line(node.line, "a path below the top of the checkout", &text));
    }
    Ok(text)
}
