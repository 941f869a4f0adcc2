//! in-toto ResourceDescriptor v1, and the subject: a descriptor that has a digest.

use crate::model::digest::DigestSet;
use crate::model::json::{Field, JsonError};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

/// Annotation that holds the hash of a NAR.
const NAR_HASH: &str = "narHash";

/// Describes a thing by place, digest or content (in-toto attestation framework, `ResourceDescriptor` v1).
///
/// At least one of `uri`, `digest`, `content` is there. Fields this version does not know are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ResourceDescriptor {
    name: Option<String>,
    uri: Option<String>,
    digest: Option<DigestSet>,
    annotations: Map<String, Value>,
    /// Everything else, as found: `content`, `downloadLocation`, `mediaType`, unknown fields.
    extra: Map<String, Value>,
}

impl ResourceDescriptor {
    /// A thing known by its place.
    #[must_use]
    pub fn at(uri: impl Into<String>) -> Self {
        Self { name: None, uri: Some(uri.into()), digest: None, annotations: Map::new(), extra: Map::new() }
    }

    /// A thing known by its digest.
    #[must_use]
    pub fn with_digest(digest: DigestSet) -> Self {
        Self { name: None, uri: None, digest: Some(digest), annotations: Map::new(), extra: Map::new() }
    }

    /// Sets the name.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the place.
    #[must_use]
    pub fn uri_of(mut self, uri: impl Into<String>) -> Self {
        self.uri = Some(uri.into());
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
        self.extra.insert("mediaType".to_owned(), media_type.into());
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
        let text = self.annotations.get(NAR_HASH)?.as_str()?;
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
        self.annotations.insert(key.to_owned(), value.into());
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
        &self.annotations
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When a field has the wrong type or none of `uri`, `digest`, `content` is there.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        let text = |key| field.opt_str(key).map(|o| o.map(str::to_owned));
        let (name, uri) = (text("name")?, text("uri")?);
        text("downloadLocation")?;
        text("mediaType")?;
        let content = field.get("content")?.map(|c| c.base64()).transpose()?;
        // An empty digest object says nothing; it is the same as none (and a subject then has no digest).
        let digest = match field.get("digest")? {
            Some(d) if !d.object()?.is_empty() => Some(DigestSet::from_json(&d)?),
            _ => None,
        };
        let annotations = match field.get("annotations")? {
            Some(a) => a.object()?.clone(),
            None => Map::new(),
        };
        if uri.is_none() && digest.is_none() && content.is_none() {
            return Err(field.error("at least one of `uri`, `digest`, `content`", "none"));
        }
        let known = ["name", "uri", "digest", "annotations"];
        let extra = field.object()?.iter().filter(|(k, _)| !known.contains(&k.as_str()));
        let extra = extra.map(|(k, v)| (k.clone(), v.clone())).collect();
        Ok(Self { name, uri, digest, annotations, extra })
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = Map::new();
        let mut put = |key: &str, value: Option<Value>| {
            if let Some(v) = value {
                out.insert(key.to_owned(), v);
            }
        };
        put("name", self.name.clone().map(Value::String));
        put("uri", self.uri.clone().map(Value::String));
        put("digest", self.digest.as_ref().map(DigestSet::to_json));
        put("annotations", (!self.annotations.is_empty()).then(|| Value::Object(self.annotations.clone())));
        out.extend(self.extra.clone());
        Value::Object(out)
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
