//! The JSON of listings: an index read without losing what is not understood, and the entry that makes a manifest a
//! listed referrer. Shared by the back ends; no transport.

use super::RegistryError;
use crate::model::json::{self, Field, JsonError};
use crate::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST, Manifest};
use crate::model::{Descriptor, Digest, limits};
use serde_json::{Value, json};

/// Annotation of an image layout's index entry that holds its tag (image-spec, `annotations.md`).
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The tag under which clients keep the referrers of `subject` where the registry lists none (distribution-spec,
/// "Referrers Tag Schema"): the encoded part is cut at 64 characters.
pub(super) fn fallback_tag(subject: &Digest) -> String {
    let hex: String = subject.hex().chars().take(64).collect();
    format!("{}-{hex}", subject.algorithm().name())
}

/// Whether a tag has the form of [`fallback_tag`].
pub(super) fn is_fallback_tag(tag: &str) -> bool {
    tag.split_once('-').is_some_and(|(algorithm, hex)| {
        crate::model::digest::DigestAlgorithm::by_name(algorithm).is_some()
            && hex.len() == 64
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

/// An index as raw JSON, so that writing it back drops nothing.
#[derive(Clone, Debug)]
pub(super) struct Listing(Value);

/// Names of an index document's fields (OCI image index, 1.1).
const NAMES: &[&str] = &["schemaVersion", "mediaType", "artifactType", "manifests", "subject", "annotations", "layers"];

impl Listing {
    /// One with no entries.
    pub(super) fn empty() -> Self {
        Self(json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [] }))
    }

    /// Reads an index document of at most [`limits::MANIFEST_BYTES`].
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let value = json::parse(bytes, limits::MANIFEST_BYTES)?;
        let root = Field::root("index", &value);
        // Go's readers take `Manifests` for `manifests`: a loader would run what was not looked at here.
        root.spelled(NAMES)?;
        if root.get("layers")?.is_some() {
            return Err(root.error("an index", "a document with `layers`"));
        }
        match root.get("manifests")? {
            Some(list) => list.list(usize::MAX).map(|_| ())?,
            // Go writes an empty list as null.
            None if root.object()?.get("manifests").is_some_and(Value::is_null) => {}
            None => return Err(JsonError::Missing { path: "index.manifests".into() }),
        }
        Ok(Self(value))
    }

    /// The entries of a layout's `index.json`, of which one that lacks its media type or size still is one; and those without a
    /// digest that can be looked at.
    pub(super) fn entries_and_odd(&self) -> Result<(Vec<Descriptor>, Vec<Odd>), JsonError> {
        let Some(list) = Field::root("index", &self.0).get("manifests")? else { return Ok(Default::default()) };
        let (mut entries, mut odd) = (Vec::new(), Vec::new());
        for entry in list.list(usize::MAX)? {
            match described(&entry) {
                Ok(descriptor) => entries.push(descriptor),
                Err(error) => {
                    let tag = entry.value()["annotations"][REF_NAME].as_str().map(str::to_owned);
                    odd.push(Odd { tag, error });
                }
            }
        }
        Ok((entries, odd))
    }

    /// The entries as a list of referrers: each by its digest alone, as nothing else that is said of it counts; and why those
    /// that have none cannot be looked at.
    pub(super) fn referrers(&self) -> Result<(Vec<Descriptor>, Vec<JsonError>), JsonError> {
        let Some(list) = Field::root("index", &self.0).get("manifests")? else { return Ok(Default::default()) };
        let (mut listed, mut odd) = (Vec::new(), Vec::new());
        for entry in list.list(usize::MAX)? {
            match by_digest(&entry) {
                Ok(descriptor) => listed.push(descriptor),
                Err(e) => odd.push(e),
            }
        }
        Ok((listed, odd))
    }

    /// Whether it lists images for several platforms, as no list of referrers does.
    pub(super) fn lists_platforms(&self) -> bool {
        self.0["manifests"].as_array().is_some_and(|l| l.iter().any(|e| e["platform"].is_object()))
    }

    /// Whether an entry has this digest.
    pub(super) fn contains(&self, digest: &Digest) -> bool {
        let digest = digest.to_string();
        self.0["manifests"].as_array().is_some_and(|l| l.iter().any(|e| e["digest"].as_str() == Some(&digest)))
    }

    /// Appends an entry; every other one stays as it is.
    pub(super) fn push(&mut self, entry: &Descriptor) {
        let entry = entry.to_json();
        match self.0["manifests"].as_array_mut() {
            Some(list) => list.push(entry),
            None => self.0["manifests"] = Value::Array(vec![entry]),
        }
    }

    /// Takes a tag from the entry that has it. The entry goes with it, since it was there as the tag's, unless it says
    /// that it is an artifact: that may be a referrer, which stays listed.
    pub(super) fn untag(&mut self, tag: &str) {
        let Some(list) = self.0["manifests"].as_array_mut() else { return };
        let tagged = |e: &Value| e["annotations"][REF_NAME].as_str() == Some(tag);
        list.retain(|e| !tagged(e) || e["artifactType"].is_string());
        for entry in list.iter_mut().filter(|e| tagged(e)) {
            if let Some(annotations) = entry["annotations"].as_object_mut() {
                annotations.shift_remove(REF_NAME);
            }
        }
    }

    /// The document's bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.0.to_string().into_bytes()
    }
}

/// An entry that cannot be looked at.
#[derive(Clone, Debug)]
pub(super) struct Odd {
    /// The tag that it has all the same.
    pub(super) tag: Option<String>,
    /// Why not.
    pub(super) error: JsonError,
}

fn digest_of(entry: &Field<'_>) -> Result<Digest, JsonError> {
    let digest = entry.need("digest")?;
    Digest::parse(digest.str()?)
        .map_err(|e| digest.error("a digest that can be looked at (sha256, sha384, sha512)", e.found))
}

/// An entry of a list of referrers.
fn by_digest(entry: &Field<'_>) -> Result<Descriptor, JsonError> {
    let digest = digest_of(entry)?;
    Ok(Descriptor::from_json(entry).unwrap_or_else(|_| Descriptor::new(IMAGE_MANIFEST, 0, digest)))
}

/// An entry of `index.json`: by its digest, with what else can be read of it. The manifest itself says what it is.
fn described(entry: &Field<'_>) -> Result<Descriptor, JsonError> {
    let digest = digest_of(entry)?;
    Ok(Descriptor::from_json(entry).unwrap_or_else(|_| {
        let mut descriptor = Descriptor::new("", 0, digest);
        let members = entry.value();
        descriptor.media_type = members["mediaType"].as_str().unwrap_or_default().to_owned();
        descriptor.annotations = members["annotations"].as_object().cloned().unwrap_or_default();
        descriptor
    }))
}

/// What a manifest says of itself as a referrer: its subject, and the entry that lists it, with `artifactType` and
/// annotations from its own bytes (distribution-spec, "Listing Referrers"). `None` without a `subject`.
pub fn referrer_entry(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<(Descriptor, Descriptor)>, JsonError> {
    let manifest = Manifest::parse(bytes, &descriptor.media_type)?;
    Ok(manifest.subject.map(|subject| {
        let mut entry = Descriptor::new(&manifest.media_type, bytes.len() as u64, descriptor.digest.clone());
        entry.artifact_type = manifest.artifact_type;
        entry.annotations = manifest.annotations;
        (subject, entry)
    }))
}

/// An error of reading JSON, as one of the repository.
pub(super) fn unreadable(place: &str, what: &str, error: JsonError) -> RegistryError {
    match error {
        JsonError::TooLarge { what: counted, limit } => {
            RegistryError::TooLarge { place: place.to_owned(), what: format!("{what}: {counted}"), limit }
        }
        e => RegistryError::Malformed { place: place.to_owned(), what: what.to_owned(), cause: e.to_string() },
    }
}

/// More referrers than are looked at.
pub(super) fn too_many(place: &str, subject: &Digest, limit: usize) -> RegistryError {
    RegistryError::TooLarge { place: place.to_owned(), what: format!("the number of referrers of {subject}"), limit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_survives_a_merge() {
        let text = br#"{"schemaVersion":2,"x":{"y":1},"manifests":[{"mediaType":"a/b","size":3,"digest":"blake3:00","z":[1]}]}"#;
        let mut l = Listing::parse(text).unwrap();
        l.push(&Descriptor::of(IMAGE_INDEX, b"{}"));
        let out = String::from_utf8(l.to_bytes()).unwrap();
        assert!(out.contains(r#""x":{"y":1}"#) && out.contains(r#""digest":"blake3:00","z":[1]"#), "{out}");
        assert!(l.contains(&Digest::sha256(b"{}")) && !l.contains(&Digest::sha256(b"")));
    }

    #[test]
    fn one_odd_entry_hides_no_other() {
        let hex = "0".repeat(64);
        let text = format!(
            r#"{{"manifests":[{{"digest":"blake3:00"}},{{"digest":"sha256:{hex}"}},7,{{"mediaType":"a/b"}},{{"mediaType":"a/b","size":1,"digest":"sha512:{hex}{hex}"}}]}}"#
        );
        let listing = Listing::parse(text.as_bytes()).unwrap();
        let (listed, odd) = listing.referrers().unwrap();
        let digests: Vec<_> = listed.iter().map(|d| d.digest.to_string()).collect();
        assert_eq!(digests, [format!("sha256:{hex}"), format!("sha512:{hex}{hex}")]);
        assert_eq!(odd.len(), 3);
        assert!(odd[0].to_string().contains("blake3:00"));
        let (entries, odd) = listing.entries_and_odd().unwrap();
        assert_eq!((entries.len(), odd.len()), (2, 3));
    }

    #[test]
    fn an_image_manifest_is_no_listing() {
        assert!(Listing::parse(br#"{"layers":[],"manifests":[]}"#).is_err());
        assert!(Listing::parse(br#"{"schemaVersion":2}"#).is_err());
        assert!(Listing::parse(br#"{"manifests":null}"#).is_ok());
    }

    #[test]
    fn fallback_tags_fit_a_tag() {
        let d = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap();
        assert_eq!(fallback_tag(&d), format!("sha512-{}", "a".repeat(64)));
        assert!(is_fallback_tag(&fallback_tag(&Digest::sha256(b""))) && !is_fallback_tag("sha256-1"));
    }
}
