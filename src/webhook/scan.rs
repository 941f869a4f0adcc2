//! Objects of files, or of what `kubectl get -o json` prints: what would be reviewed of them.

use super::images::{Bearers, ImageUse};
use crate::model::json::{self, JsonError};
use crate::model::yaml::{Bounds, Kind, Node, YamlError};
use crate::model::{Reference, limits};
use serde_json::{Map, Value};

/// An object.
#[derive(Clone, Debug)]
pub struct Item {
    /// API group; empty for the core.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// Namespace, where it says one.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    object: Value,
}

/// An image of an object, and what runs of it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands.
    pub used: ImageUse,
    /// The image to decide on: by the digest that runs, where the object says which.
    pub image: String,
}

/// Why a text holds no objects.
#[derive(Debug, thiserror::Error)]
pub enum ItemsError {
    /// It is no JSON, or over a limit.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is no YAML, or over a limit.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// It is no object of Kubernetes.
    #[error("document {number}: expected an object with `apiVersion` and `kind`")]
    NoObject {
        /// Which, from 1.
        number: usize,
    },
}

/// The objects of a text in JSON, or in YAML of several documents; a list stands for what it lists.
///
/// # Errors
/// [`ItemsError`].
pub fn items(bytes: &[u8]) -> Result<Vec<Item>, ItemsError> {
    let is_json = bytes.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
    if is_json {
        let mut listed = Vec::new();
        let (rest, _) = json::parse_apart(bytes, limits::SCAN_BYTES, &["items"], &mut |item| {
            listed.push(item);
            0
        })?;
        if listed.is_empty() && !is_list(&rest) {
            listed.push(rest);
        }
        return of(listed);
    }
    let text = String::from_utf8_lossy(bytes);
    let bounds = Bounds {
        what: "a manifest",
        bytes: limits::MANIFEST_FILE_BYTES,
        nodes: limits::MANIFEST_FILE_NODES,
        depth: limits::JSON_DEPTH,
    };
    let documents = Node::documents(&text, &bounds, limits::MANIFEST_FILE_DOCUMENTS)?;
    let values = documents.into_iter().filter(|d| !matches!(d.kind, Kind::Null)).map(value);
    of(values.collect())
}

fn is_list(value: &Value) -> bool {
    value.get("kind").and_then(Value::as_str).is_some_and(|k| k.ends_with("List")) && value.get("items").is_some()
}

fn of(values: Vec<Value>) -> Result<Vec<Item>, ItemsError> {
    let mut out = Vec::new();
    for (n, mut value) in values.into_iter().enumerate() {
        if is_list(&value) {
            if let Some(Value::Array(inner)) = value.get_mut("items").map(Value::take) {
                out.extend(of(inner)?);
            }
            continue;
        }
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let (Some(version), Some(kind)) = (text("/apiVersion"), text("/kind")) else {
            return Err(ItemsError::NoObject { number: n + 1 });
        };
        let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let (namespace, name) = (text("/metadata/namespace"), text("/metadata/name").unwrap_or_default());
        out.push(Item { group, kind, namespace, name, object: value });
    }
    Ok(out)
}

fn value(node: Node) -> Value {
    match node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(truth) => Value::Bool(truth),
        Kind::Text(text) => Value::String(text),
        Kind::List(items) => Value::Array(items.into_iter().map(value).collect()),
        Kind::Map(members) => Value::Object(members.into_iter().map(|(k, v)| (k, value(v))).collect::<Map<_, _>>()),
    }
}

impl Item {
    /// The images of the object; of a pod that runs, by the digest that runs.
    ///
    /// # Errors
    /// [`ImagesError`](super::ImagesError).
    pub fn images(&self, bearers: &Bearers) -> Result<Vec<Found>, super::ImagesError> {
        let images = bearers.images(&self.group, &self.kind, &self.object)?;
        Ok(images.into_iter().map(|used| Found { image: self.running(&used), used }).collect())
    }

    /// The same image by the digest that its container's status names: a tag may name another one by now. Where the status names
    /// none in a registry, the image as it was written.
    fn running(&self, used: &ImageUse) -> String {
        let as_written = || used.image.clone();
        let Ok(reference) = Reference::parse(&used.image) else { return as_written() };
        if reference.digest().is_some() {
            return as_written();
        }
        let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
        let statuses = lists.iter().filter_map(|l| self.object.pointer(&format!("/status/{l}"))?.as_array()).flatten();
        let id = statuses
            .filter(|s| s.get("name").and_then(Value::as_str) == Some(used.place.1.as_str()))
            .find_map(|s| s.get("imageID").and_then(Value::as_str));
        // `docker-pullable://repository@sha256:...` or without the scheme; a digest alone is that of a configuration.
        let digest = id.and_then(|id| id.rsplit_once('@')).map(|(_, digest)| digest);
        match digest {
            Some(digest) if digest.starts_with("sha256:") => format!("{}@{digest}", reference.name()),
            _ => as_written(),
        }
    }
}
