//! Which images an object of Kubernetes runs, whatever kind of object it is.
//!
//! Objects are read as untyped values: a typed reader would drop a field that it does not know, and the image in it. Nothing in
//! an object's metadata leaves an image out: who creates a pod writes its labels, its annotations and its `deletionTimestamp`.

use crate::model::code::{LIMIT_EXCEEDED, codes};
use crate::model::{Code, limits};
use serde_json::Value;
use std::fmt::Write as _;

codes! {
    /// Codes of this file.
    pub CODES;
    pub KIND_UNKNOWN = "kind-unknown", [Operator],
        "the webhook was asked about a kind of object whose images it does not know how to find",
        "say where its images are with --images GROUP/KIND=/path/to/image, or leave the kind out of the webhook's rules";
    pub(super) OBJECT_MALFORMED = "object-malformed", [Producer],
        "an object has something else where an image's name belongs",
        "mend the object at the field that the message names";
}

/// An image that an object runs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ImageUse {
    /// Where it stands: a JSON pointer.
    pub pointer: String,
    /// What tells it from others when an object is changed: the list that it is in, and its container's or volume's name there.
    pub place: (String, String),
    /// The image, as it was written.
    pub image: String,
}

impl ImageUse {
    /// Where it stands, as Kubernetes writes it: `spec.containers[0].image`.
    #[must_use]
    pub fn field(&self) -> String {
        field(&self.pointer)
    }
}

fn field(pointer: &str) -> String {
    let mut out = String::new();
    for part in pointer.split('/').skip(1) {
        if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) {
            let _ = write!(out, "[{part}]");
        } else {
            out += if out.is_empty() { "" } else { "." };
            out += &part.replace("~1", "/").replace("~0", "~");
        }
    }
    out
}

/// Why the images of an object are not known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ImagesError {
    /// Stable code.
    pub code: Code,
    /// Why.
    pub message: String,
}

/// A kind whose objects run images.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Bearer {
    /// Its API group; empty for the core.
    group: String,
    /// Its kind.
    kind: String,
    /// Where they are.
    at: At,
}

/// Where images are in an object.
#[derive(Clone, Debug, PartialEq, Eq)]
enum At {
    /// In the pod specification at this JSON pointer.
    PodSpec(String),
    /// At JSON pointers of which a part may be `*`.
    Pointers(Vec<String>),
    /// Nowhere: it is known to run none.
    Nowhere,
}

/// Kinds of Kubernetes itself: group, kind, and where the pod specification is; none for those that run nothing.
const KNOWN: [(&str, &str, Option<&str>); 11] = [
    ("", "Pod", Some("/spec")),
    ("", "ReplicationController", Some("/spec/template/spec")),
    ("", "PodTemplate", Some("/template/spec")),
    ("apps", "Deployment", Some("/spec/template/spec")),
    ("apps", "ReplicaSet", Some("/spec/template/spec")),
    ("apps", "StatefulSet", Some("/spec/template/spec")),
    ("apps", "DaemonSet", Some("/spec/template/spec")),
    ("batch", "Job", Some("/spec/template/spec")),
    ("batch", "CronJob", Some("/spec/jobTemplate/spec/template/spec")),
    ("autoscaling", "Scale", None),
    ("apps", "Scale", None),
];

/// Lists of containers of a pod specification.
const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// The kinds whose images are known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bearers(Vec<Bearer>);

impl Bearers {
    /// Those of Kubernetes, and custom ones: `GROUP/KIND=/pointer`, of which a part may be `*`; several of one kind add up.
    ///
    /// # Errors
    /// What was expected, in words.
    pub fn with(custom: &[String]) -> Result<Self, String> {
        let mut more: Vec<Bearer> = Vec::new();
        for text in custom {
            let expected = || {
                format!("expected GROUP/KIND=/path/to/image, such as example.com/Engine=/spec/image, found `{text}`")
            };
            let (kind, pointer) = text.split_once('=').ok_or_else(expected)?;
            let (group, kind) = kind.rsplit_once('/').ok_or_else(expected)?;
            if kind.is_empty() || !pointer.starts_with('/') || pointer.ends_with('/') {
                return Err(expected());
            }
            if KNOWN.iter().any(|(g, k, _)| (*g, *k) == (group, kind)) {
                return Err(format!("the images of {kind} are known, and cannot be looked for elsewhere"));
            }
            match more.iter_mut().find(|b| (b.group.as_str(), b.kind.as_str()) == (group, kind)) {
                Some(Bearer { at: At::Pointers(pointers), .. }) => pointers.push(pointer.to_owned()),
                _ => more.push(Bearer {
                    group: group.to_owned(),
                    kind: kind.to_owned(),
                    at: At::Pointers(vec![pointer.to_owned()]),
                }),
            }
        }
        Ok(Self(more))
    }

    /// Where the images of a kind are; none where it is not known.
    fn at(&self, group: &str, kind: &str) -> Option<At> {
        let known = KNOWN.iter().find(|(g, k, _)| (*g, *k) == (group, kind));
        if let Some((_, _, spec)) = known {
            return Some(spec.map_or(At::Nowhere, |s| At::PodSpec(s.to_owned())));
        }
        self.0.iter().find(|b| b.group == group && b.kind == kind).map(|b| b.at.clone())
    }

    /// The images of an object: each place where one stands, in the object's order.
    ///
    /// # Errors
    /// [`ImagesError`]: the kind is not known, something else stands where an image belongs, or there are too many. Each has to
    /// be a denial: an image that was not found would run unchecked.
    pub fn images(&self, group: &str, kind: &str, object: &Value) -> Result<Vec<ImageUse>, ImagesError> {
        let at = self.at(group, kind).ok_or_else(|| {
            let shown = if group.is_empty() { kind.to_owned() } else { format!("{group}/{kind}") };
            let message = format!("where the images of kind `{shown}` are is not known");
            ImagesError { code: KIND_UNKNOWN, message }
        })?;
        let mut found = Found::default();
        match at {
            At::Nowhere => {}
            At::PodSpec(pointer) => {
                if let Some(spec) = object.pointer(&pointer).filter(|v| !v.is_null()) {
                    found.pod_spec(&pointer, spec)?;
                }
            }
            At::Pointers(pointers) => {
                for pointer in &pointers {
                    let parts: Vec<_> = pointer[1..].split('/').collect();
                    found.walk(&parts, object, "", pointer)?;
                }
            }
        }
        Ok(found.0)
    }
}

#[derive(Default)]
struct Found(Vec<ImageUse>);

impl Found {
    fn add(&mut self, pointer: String, list: &str, name: &str, image: &Value) -> Result<(), ImagesError> {
        let Value::String(image) = image else { return Err(malformed(&pointer, "a text", image)) };
        if self.0.len() >= limits::REVIEW_IMAGES {
            let message = format!("the object runs more than {} images", limits::REVIEW_IMAGES);
            return Err(ImagesError { code: LIMIT_EXCEEDED, message });
        }
        self.0.push(ImageUse { pointer, place: (list.to_owned(), name.to_owned()), image: image.clone() });
        Ok(())
    }

    fn pod_spec(&mut self, at: &str, spec: &Value) -> Result<(), ImagesError> {
        let Value::Object(members) = spec else { return Err(malformed(at, "an object", spec)) };
        for name in CONTAINERS {
            let list = format!("{at}/{name}");
            for (i, container) in items(&list, members.get(name))?.iter().enumerate() {
                self.one(&list, i, container, "image")?;
            }
        }
        let list = format!("{at}/volumes");
        for (i, volume) in items(&list, members.get("volumes"))?.iter().enumerate() {
            let Some(source) = volume.get("image").filter(|v| !v.is_null()) else { continue };
            if !source.is_object() {
                return Err(malformed(&format!("{list}/{i}/image"), "an object", source));
            }
            self.one(&list, i, volume, "image/reference")?;
        }
        Ok(())
    }

    /// The image of a container or volume. One without runs none: the API server refuses it in a pod.
    fn one(&mut self, list: &str, i: usize, item: &Value, part: &str) -> Result<(), ImagesError> {
        if !item.is_object() {
            return Err(malformed(&format!("{list}/{i}"), "an object", item));
        }
        let name = item.get("name").and_then(Value::as_str).unwrap_or_default();
        match item.pointer(&format!("/{part}")).filter(|v| !is_empty(v)) {
            Some(image) => self.add(format!("{list}/{i}/{part}"), list, name, image),
            None => Ok(()),
        }
    }

    /// What stands at a pointer, of which a part may be `*`: every element or member.
    fn walk(&mut self, parts: &[&str], value: &Value, at: &str, wanted: &str) -> Result<(), ImagesError> {
        let Some((part, rest)) = parts.split_first() else {
            return if is_empty(value) { Ok(()) } else { self.add(at.to_owned(), wanted, at, value) };
        };
        let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
        match (value, *part) {
            (Value::Array(list), "*") => {
                for (i, item) in list.iter().enumerate() {
                    self.walk(rest, item, &format!("{at}/{i}"), wanted)?;
                }
            }
            (Value::Object(members), "*") => {
                for (name, member) in members {
                    self.walk(rest, member, &below(name), wanted)?;
                }
            }
            (Value::Object(members), name) => {
                let name = name.replace("~1", "/").replace("~0", "~");
                if let Some(member) = members.get(&name) {
                    self.walk(rest, member, &below(&name), wanted)?;
                }
            }
            (Value::Array(list), index) => {
                if let Some(item) = index.parse::<usize>().ok().and_then(|i| list.get(i)) {
                    self.walk(rest, item, &format!("{at}/{index}"), wanted)?;
                }
            }
            (Value::Null, _) => {}
            (other, _) => return Err(malformed(at, "an object or a list", other)),
        }
        Ok(())
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

fn items<'v>(pointer: &str, value: Option<&'v Value>) -> Result<&'v [Value], ImagesError> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(malformed(pointer, "a list", other)),
    }
}

fn malformed(pointer: &str, expected: &str, found: &Value) -> ImagesError {
    let message = format!("{}: expected {expected}, found {}", field(pointer), crate::model::json::kind(found));
    ImagesError { code: OBJECT_MALFORMED, message }
}
