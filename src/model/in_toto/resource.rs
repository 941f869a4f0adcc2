//! in-toto ResourceDescriptor v1, and the subject: a descriptor that has a digest.

use crate::model::digest::DigestSet;
use crate::model::json::{Field, JsonError, memory_of};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::{Map, Value};
use std::sync::LazyLock;

/// Annotation that holds the hash of a NAR.
const NAR_HASH: &str = "narHash";

/// Describes a thing by place, digest or content (in-toto attestation framework, `ResourceDescriptor` v1).
///
/// At least one of `uri`, `digest`, `content` is there. Fields this version does not know are kept.
///
/// A lock file has a hundred thousand of them, so one that says little takes little.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDescriptor {
    name: Option<Box<str>>,
    uri: Option<Box<str>>,
    digest: Option<DigestSet>,
    location: Option<Box<str>>,
    annotations: Members,
    /// Everything else, as found: `content`, `mediaType`, unknown fields.
    extra: Members,
}

/// Members of an object, without a table where there are none.
#[derive(Clone, Debug, Default, PartialEq)]
struct Members(Option<Box<Map<String, Value>>>);

impl Members {
    fn of(members: Map<String, Value>) -> Self {
        Self((!members.is_empty()).then(|| Box::new(members)))
    }

    fn all(&self) -> &Map<String, Value> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        self.0.as_deref().unwrap_or(&NONE)
    }

    fn insert(&mut self, key: &str, value: Value) {
        self.0.get_or_insert_default().insert(key.to_owned(), value);
    }

    fn memory(&self) -> usize {
        self.0.iter().flat_map(|all| all.iter()).map(|(key, value)| 256 + key.len() + memory_of(value)).sum()
    }
}

impl ResourceDescriptor {
    /// A thing known by its place.
    #[must_use]
    pub fn at(uri: impl Into<String>) -> Self {
        Self::nothing().uri_of(uri)
    }

    /// A thing known by its digest.
    #[must_use]
    pub fn with_digest(digest: DigestSet) -> Self {
        Self::nothing().digest_of(digest)
    }

    fn nothing() -> Self {
        let (annotations, extra) = (Members::default(), Members::default());
        Self { name: None, uri: None, digest: None, location: None, annotations, extra }
    }

    /// Sets the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// Sets the place.
    #[must_use]
    pub fn uri_of(mut self, uri: impl Into<String>) -> Self {
        self.uri = Some(uri.into().into_boxed_str());
        self
    }

    /// Sets the digest.
    #[must_use]
    pub fn digest_of(mut self, digest: DigestSet) -> Self {
        self.digest = Some(digest);
        self
    }

    /// Sets the media type.
    #[must_use]
    pub fn media_type_of(mut self, media_type: &str) -> Self {
        self.extra.insert("mediaType", media_type.into());
        self
    }

    /// Says the SHA-256 of its NAR, given in hex, in Nix's own form: readers of in-toto refuse a digest algorithm that is none
    /// of theirs.
    #[must_use]
    pub fn nar_hash_of(self, hex: &str) -> Self {
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        match bytes {
            Some(bytes) => self.annotated(NAR_HASH, format!("sha256-{}", STANDARD.encode(bytes))),
            None => self,
        }
    }

    /// The hash of its NAR, `sha256-BASE64`, where it is one.
    #[must_use]
    pub fn nar_hash(&self) -> Option<&str> {
        let text = self.annotations().get(NAR_HASH)?.as_str()?;
        let bytes = STANDARD.decode(text.strip_prefix("sha256-")?).ok()?;
        (bytes.len() == 32).then_some(text)
    }

    /// Whether its content is said: by a digest, or by the hash of its NAR.
    #[must_use]
    pub fn is_pinned(&self) -> bool {
        self.digest.is_some() || self.nar_hash().is_some()
    }

    /// Adds an annotation.
    #[must_use]
    pub fn annotated(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.annotations.insert(key, value.into());
        self
    }

    /// The name, if any: a hint for people, never an identity.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The place, if any.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// The digests, if any.
    #[must_use]
    pub fn digest(&self) -> Option<&DigestSet> {
        self.digest.as_ref()
    }

    /// The annotations.
    #[must_use]
    pub fn annotations(&self) -> &Map<String, Value> {
        self.annotations.all()
    }

    /// An estimate of the memory that it takes (bytes).
    #[must_use]
    pub fn memory(&self) -> usize {
        let texts = [&self.name, &self.uri, &self.location].into_iter().flatten().map(|text| text.len()).sum::<usize>();
        let digest = self.digest.as_ref().map_or(0, DigestSet::memory);
        // A list that grows has room for twice as many.
        2 * size_of::<Self>() + texts + digest + self.annotations.memory() + self.extra.memory()
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When a field has the wrong type or none of `uri`, `digest`, `content` is there.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        let text = |key| field.opt_str(key).map(|o| o.map(Into::into));
        let (name, uri, location) = (text("name")?, text("uri")?, text("downloadLocation")?);
        field.opt_str("mediaType")?;
        let content = field.get("content")?.map(|c| c.base64()).transpose()?;
        // An empty digest object says nothing; it is the same as none (and a subject then has no digest).
        let digest = match field.get("digest")? {
            Some(d) if !d.object()?.is_empty() => Some(DigestSet::from_json(&d)?),
            _ => None,
        };
        let annotations = match field.get("annotations")? {
            Some(a) => Members::of(a.object()?.clone()),
            None => Members::default(),
        };
        if uri.is_none() && digest.is_none() && content.is_none() {
            return Err(field.error("at least one of `uri`, `digest`, `content`", "none"));
        }
        let known = ["name", "uri", "digest", "downloadLocation", "annotations"];
        let extra = field.object()?.iter().filter(|(k, _)| !known.contains(&k.as_str()));
        let extra = Members::of(extra.map(|(k, v)| (k.clone(), v.clone())).collect());
        Ok(Self { name, uri, digest, location, annotations, extra })
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).expect("texts and values have a JSON form")
    }
}

impl Serialize for ResourceDescriptor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (key, text) in [("name", &self.name), ("uri", &self.uri)] {
            if let Some(text) = text {
                map.serialize_entry(key, text)?;
            }
        }
        if let Some(digest) = &self.digest {
            map.serialize_entry("digest", digest)?;
        }
        if !self.annotations().is_empty() {
            map.serialize_entry("annotations", self.annotations())?;
        }
        if let Some(location) = &self.location {
            map.serialize_entry("downloadLocation", location)?;
        }
        for (key, value) in self.extra.all() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// What a statement is about: a descriptor that has at least one digest.
#[derive(Clone, Debug, PartialEq)]
pub struct Subject(ResourceDescriptor);

impl Subject {
    /// A subject by name and digests.
    #[must_use]
    pub fn new(name: impl Into<String>, digest: DigestSet) -> Self {
        Self(ResourceDescriptor::with_digest(digest).named(name))
    }

    /// Whether something that may be a subject has a digest, of whatever form, under whatever spelling.
    pub(super) fn has_digest(field: &Field<'_>) -> bool {
        let Some(members) = field.value().as_object() else { return true };
        let digests = members.iter().filter(|(name, _)| name.eq_ignore_ascii_case("digest"));
        let nothing = |v: &Value| v.is_null() || v.as_object().is_some_and(Map::is_empty);
        digests.map(|(_, value)| value).any(|value| !nothing(value))
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// As [`ResourceDescriptor::from_json`], and when there is no digest.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        field.spelled(&["name", "uri", "digest", "content", "downloadLocation", "mediaType", "annotations"])?;
        let descriptor = ResourceDescriptor::from_json(field)?;
        if descriptor.digest.is_none() {
            return Err(JsonError::Missing { path: format!("{}.digest", field.path()) });
        }
        Ok(Self(descriptor))
    }

    /// The digests.
    #[must_use]
    pub fn digest(&self) -> &DigestSet {
        // `new` and `from_json` are the only makers, and both put one in.
        self.0.digest.as_ref().expect("a subject has a digest")
    }

    /// The whole descriptor.
    #[must_use]
    pub fn descriptor(&self) -> &ResourceDescriptor {
        &self.0
    }
}
