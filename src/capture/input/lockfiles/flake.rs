//! `flake.lock`, versions 5 to 7 (Nix manual, "nix flake", lock files).

use crate::capture::input::lockfiles::{LockFile, Package, address, digest_of, integrity, sorted, word};
use crate::model::json::{self, Field, JsonError};
use crate::model::{ResourceDescriptor, limits};
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// Nix flakes.
pub(super) struct FlakeLock;

impl LockFile for FlakeLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["flake.lock"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let document = json::parse(bytes, limits::LOCK_FILE_BYTES)?;
        let root = Field::root("flake.lock", &document);
        let version = root.need("version")?;
        if !version.value().as_u64().is_some_and(|v| (5..=7).contains(&v)) {
            return Err(version.error("a version from 5 to 7", version.value()));
        }
        let nodes = root.need("nodes")?;
        if nodes.object()?.len() > limits::DEPENDENCIES {
            let what = "the number of nodes of flake.lock".to_owned();
            return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
        }
        let top = root.need("root")?.str()?;
        // The name an input has for the flake itself; a node's own name may carry a number. The first input of a node
        // gives it its name, and `nixpkgs` where it is one of them.
        let all = nodes.object()?;
        let inputs = match nodes.need(top)?.get("inputs")? {
            Some(inputs) => inputs.object()?.clone(),
            None => Map::new(),
        };
        let mut steps = limits::DEPENDENCIES;
        let mut by_node: HashMap<String, &str> = HashMap::new();
        for (input, target) in inputs.iter().rev() {
            if let Some(node) = follow(all, top, target, &mut steps)
                && by_node.get(&node) != Some(&"nixpkgs")
            {
                by_node.insert(node, input.as_str());
            }
        }
        let mut out = Vec::new();
        for node in nodes.object()?.keys().filter(|n| *n != top) {
            let field = nodes.need(node)?;
            let Some(locked) = field.get("locked")? else { continue };
            let name = by_node.get(node).copied();
            if let Some(descriptor) = read_input(name.unwrap_or(node), name.is_some(), &locked)? {
                out.push(descriptor);
            }
        }
        Ok(sorted(out))
    }

    fn nixpkgs(&self, inputs: &[ResourceDescriptor]) -> Option<String> {
        let named = |d: &&ResourceDescriptor| d.name() == Some("nixpkgs") && d.annotations().get("direct").is_some();
        let input = inputs.iter().find(named)?;
        Some(format!("nixpkgs#{}", input.digest()?.get("gitCommit")?))
    }
}

/// The node that an input is: named, or said by a path of inputs from the top, which the inputs on it may say in turn. `None`
/// for what leads nowhere, or in a circle.
fn follow(nodes: &Map<String, Value>, top: &str, target: &Value, steps: &mut usize) -> Option<String> {
    let mut left: Vec<&Value> = match target {
        Value::String(node) => return Some(node.clone()),
        Value::Array(path) => path.iter().rev().collect(),
        _ => return None,
    };
    let mut node = top;
    while let Some(input) = left.pop() {
        *steps = steps.checked_sub(1)?;
        match nodes.get(node)?.get("inputs")?.get(input.as_str()?)? {
            Value::String(next) => node = next,
            Value::Array(path) => {
                left.extend(path.iter().rev());
                node = top;
                if left.len() > limits::JSON_DEPTH {
                    return None;
                }
            }
            _ => return None,
        }
    }
    Some(node.to_owned())
}

/// Whether a path is one below the flake, which is part of the checkout.
fn stays_inside(path: &str) -> bool {
    let mut depth = 0_i64;
    !path.starts_with('/')
        && path.split('/').all(|part| {
            depth += match part {
                "" | "." => 0,
                ".." => -1,
                _ => 1,
            };
            depth >= 0
        })
}

fn read_input(name: &str, direct: bool, locked: &Field<'_>) -> Result<Option<ResourceDescriptor>, JsonError> {
    let text = |key: &str| -> Result<Option<&str>, JsonError> { locked.get(key)?.map(|f| word(&f)).transpose() };
    let need = |key: &str| -> Result<&str, JsonError> {
        text(key)?.ok_or_else(|| JsonError::Missing { path: format!("{}.{key}", locked.path()) })
    };
    let revision = text("rev")?;
    let at = |sep: &str| revision.map_or_else(String::new, |r| format!("{sep}{r}"));
    let uri = match need("type")? {
        kind @ ("github" | "gitlab" | "sourcehut") => {
            let host = text("host")?.map_or_else(String::new, |h| format!("?host={h}"));
            format!("{kind}:{}/{}{}{host}", need("owner")?, need("repo")?, at("/"))
        }
        kind @ ("git" | "hg") => format!("{kind}+{}{}", address(need("url")?), at("?rev=")),
        "tarball" | "file" => address(need("url")?),
        "path" if text("path")?.is_none_or(stays_inside) => return Ok(None),
        // Where it lies on this machine is nobody's business; what it holds is said by its digest.
        "path" => format!("path:{name}"),
        other => return Err(locked.need("type")?.error("a kind of flake reference", format!("`{other}`"))),
    };
    let algorithm = if need("type")? == "hg" { "hgRevision" } else { "gitCommit" };
    let digest = revision.map_or_else(Map::new, |r| digest_of(algorithm, r));
    let mut nar_hash = None;
    if let Some(hash) = locked.get("narHash")? {
        let mut all = integrity(&hash)?;
        let nar = all.digest.remove("sha256").ok_or_else(|| hash.error("sha256- and base64", hash.value()))?;
        nar_hash = Some(nar);
    }
    let annotations = if direct { Map::from_iter([("direct".to_owned(), json!(true))]) } else { Map::new() };
    let input = Package { at: locked, name: Some(name), uri, digest, location: None, annotations }.descriptor()?;
    Ok(Some(match nar_hash.as_ref().and_then(serde_json::Value::as_str) {
        Some(hex) => input.nar_hash_of(hex),
        None => input,
    }))
}
