//! OCI names: references, descriptors, manifests and indexes (image-spec v1.1, distribution-spec v1.1). No transport.

use super::digest::{Digest, DigestAlgorithm};
use super::json::{self, Field, JsonError};
use super::limits;
use serde_json::{Map, Value, json};
use std::fmt;

/// An OCI image manifest.
pub const IMAGE_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// An OCI image index.
pub const IMAGE_INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// The config of an image that can be run.
pub const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Docker's config of an image.
pub const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";
/// The empty descriptor's media type; its content is `{}`.
pub const EMPTY: &str = "application/vnd.oci.empty.v1+json";
/// Docker's manifest, schema 2.
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
/// Docker's manifest list.
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// The registry that a name without one means.
pub(crate) const DOCKER_HUB: &str = "docker.io";
/// What else it is called.
const DOCKER_HUB_ALIASES: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// A reference to an artifact in a registry: `registry/repository[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

/// Not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected registry/repository@sha256:DIGEST or registry/repository:TAG, found `{found}`: {why}")]
pub struct ReferenceError {
    /// The text, cut at 300 characters.
    pub found: String,
    /// Which part is wrong.
    pub why: &'static str,
}

impl Reference {
    /// Reads a reference as Docker does: `name` is `docker.io/library/name:latest`.
    ///
    /// # Errors
    /// [`ReferenceError`] says which part is wrong.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let error = |why| ReferenceError { found: text.chars().take(300).collect(), why };
        if text.len() > 1024 {
            return Err(error("it is longer than 1,024 characters"));
        }
        let is_algorithm = |name: &str| DigestAlgorithm::ALL.iter().any(|a| a.name() == name);
        if text.split_once(':').is_some_and(|(name, _)| is_algorithm(name)) {
            // Docker would take it for the tag of a repository `sha256` of Docker Hub.
            return Err(error("a digest alone names no repository"));
        }
        let (rest, digest) = match text.split_once('@') {
            Some((rest, d)) => (
                rest,
                Some(
                    Digest::parse(d)
                        .map_err(|_| error("the digest is not sha256, sha384 or sha512 in lower-case hex"))?,
                ),
            ),
            None => (text, None),
        };
        // A colon after the last slash separates a tag; before it, a port.
        let (name, tag) = match rest.rsplit_once(':') {
            Some((n, t)) if !t.contains('/') && (n.contains('/') || !rest.contains('/')) => (n, Some(t)),
            _ => (rest, None),
        };
        let (registry, repository) = match name.split_once('/') {
            Some((r, p)) if r.contains('.') || r.contains(':') || r == "localhost" => (r, p.to_owned()),
            Some(_) => (DOCKER_HUB, name.to_owned()),
            None => (DOCKER_HUB, format!("library/{name}")),
        };
        let registry =
            registry_name(registry).ok_or_else(|| error("the registry is not a host name with an optional port"))?;
        let official = registry == DOCKER_HUB && !repository.contains('/');
        let repository = if official { format!("library/{repository}") } else { repository };
        let part_ok = |p: &str| {
            p.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && p.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
                && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b))
        };
        if repository.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(error("the repository has capitals, and lower case is needed"));
        }
        if repository.len() > 255 || !repository.split('/').all(part_ok) {
            return Err(error("the repository is not up to 255 lower-case letters, digits, `.`, `_`, `-` and `/`"));
        }
        if let Some(t) = tag {
            let ok = !t.is_empty()
                && t.len() <= 128
                && t.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
                && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
            if !ok {
                return Err(error("the tag is not up to 128 letters, digits, `.`, `_`, `-`"));
            }
        }
        let tag = match (tag, &digest) {
            (None, None) => Some("latest".to_owned()),
            (t, _) => t.map(str::to_owned),
        };
        Ok(Self { registry, repository, tag, digest })
    }

    /// Host and optional port; `docker.io` for Docker Hub.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Path below the registry.
    #[must_use]
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag, if any.
    #[must_use]
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest, if the reference is pinned.
    #[must_use]
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// `registry/repository`: what policies match.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// The same artifact, pinned.
    #[must_use]
    pub fn pinned(&self, digest: Digest) -> Self {
        Self { registry: self.registry.clone(), repository: self.repository.clone(), tag: None, digest: Some(digest) }
    }
}

/// A registry as references name it, from how it may be written; `None` for what is no host with an optional port.
///
/// One registry, one spelling: policies' globs compare names. `GHCR.io:443` is no other registry than `ghcr.io`.
pub(crate) fn registry_name(text: &str) -> Option<String> {
    let registry = text.to_ascii_lowercase();
    let registry = registry.strip_suffix(":443").unwrap_or(&registry);
    if DOCKER_HUB_ALIASES.contains(&registry) {
        return Some(DOCKER_HUB.to_owned());
    }
    // An address of IPv6 stands in brackets.
    let (host, port) = match registry.strip_prefix('[').and_then(|r| r.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, port)) => (host, Some(port.strip_prefix(':')?)),
        None => registry.split_once(':').map_or((registry, None), |(host, port)| (host, Some(port))),
    };
    let letters = match registry.starts_with('[') {
        true => host.bytes().all(|b| b.is_ascii_hexdigit() || b".:".contains(&b)),
        false => host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)),
    };
    let edges = !host.is_empty() && !host.starts_with(['-', '.']) && !host.ends_with('.');
    // `:0443` is the same port under another name.
    let port_ok = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|p| p > 0 && p.to_string() == port));
    (registry.len() <= 261 && letters && edges && port_ok).then(|| registry.to_owned())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(t) = &self.tag {
            write!(f, ":{t}")?;
        }
        match &self.digest {
            Some(d) => write!(f, "@{d}"),
            None => Ok(()),
        }
    }
}

/// Points at content: media type, size in bytes, digest (image-spec, `descriptor.md`).
#[derive(Clone, Debug, PartialEq)]
pub struct Descriptor {
    /// Media type of the content.
    pub media_type: String,
    /// Size of the content in bytes; a claim until the content was read.
    pub size: u64,
    /// Digest of the content.
    pub digest: Digest,
    /// `artifactType`, where a listing carries it; a hint.
    pub artifact_type: Option<String>,
    /// Annotations; hints.
    pub annotations: Map<String, Value>,
    /// `os/architecture`, where an index carries it.
    pub platform: Option<String>,
}

impl Descriptor {
    /// Describes bytes.
    #[must_use]
    pub fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self::new(media_type, bytes.len() as u64, Digest::sha256(bytes))
    }

    /// A descriptor of media type, size and digest.
    #[must_use]
    pub fn new(media_type: &str, size: u64, digest: Digest) -> Self {
        Self {
            media_type: media_type.to_owned(),
            size,
            digest,
            artifact_type: None,
            annotations: Map::new(),
            platform: None,
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When a field is missing or has another form.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        field.spelled(&["mediaType", "digest", "size", "urls", "annotations", "data", "platform", "artifactType"])?;
        let digest = field.need("digest")?;
        let digest =
            Digest::parse(digest.str()?).map_err(|e| digest.error("a sha256, sha384 or sha512 digest", e.found))?;
        let size = field.need("size")?;
        let size = size.value().as_u64().ok_or_else(|| size.error("a size in bytes", size.value()))?;
        let annotations = match field.get("annotations")? {
            Some(a) => a.object()?.clone(),
            None => Map::new(),
        };
        let platform = match field.get("platform")? {
            Some(p) => {
                p.spelled(&["os", "architecture", "variant", "os.version", "os.features"])?;
                // Not `unknown`: that is a word of its own, for what no machine runs.
                let member = |key| Ok(p.opt_str(key)?.filter(|t| !t.is_empty()).unwrap_or("unnamed"));
                let mut text = format!("{}/{}", member("os")?, member("architecture")?);
                if let Some(v) = p.opt_str("variant")? {
                    text = format!("{text}/{v}");
                }
                Some(text)
            }
            None => None,
        };
        Ok(Self {
            media_type: field.need("mediaType")?.str()?.to_owned(),
            size,
            digest,
            artifact_type: field.opt_str("artifactType")?.map(str::to_owned),
            annotations,
            platform,
        })
    }

    /// The JSON form: `mediaType`, `size`, `digest`, `artifactType`, `annotations`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut out = json!({ "mediaType": self.media_type, "size": self.size, "digest": self.digest.to_string() });
        if let Some(t) = &self.artifact_type {
            out["artifactType"] = t.clone().into();
        }
        if !self.annotations.is_empty() {
            out["annotations"] = Value::Object(self.annotations.clone());
        }
        out
    }
}

/// A manifest or index as far as a verifier reads it. Parsed from bytes whose digest the caller has checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Media type: the document's own, or the one it was served with.
    pub media_type: String,
    /// `artifactType`, or the config's media type (image-spec 1.1, "Guidelines for Artifact Usage").
    pub artifact_type: Option<String>,
    /// What this manifest refers to.
    pub subject: Option<Descriptor>,
    /// The config, for a manifest.
    pub config: Option<Descriptor>,
    /// Layers of a manifest.
    pub layers: Vec<Descriptor>,
    /// Manifests of an index.
    pub manifests: Vec<Descriptor>,
    /// Annotations.
    pub annotations: Map<String, Value>,
}

impl Manifest {
    /// Reads a manifest or index; `served_as` is the media type it was served or described with.
    ///
    /// # Errors
    /// Not JSON, a duplicate key, a document that is both manifest and index, over [`limits::MANIFEST_BYTES`].
    pub fn parse(bytes: &[u8], served_as: &str) -> Result<Self, JsonError> {
        let value = json::parse(bytes, limits::MANIFEST_BYTES)?;
        let root = Field::root("manifest", &value);
        root.spelled(&[
            "schemaVersion",
            "mediaType",
            "artifactType",
            "config",
            "layers",
            "fsLayers",
            "manifests",
            "subject",
            "annotations",
        ])?;
        let own = root.opt_str("mediaType")?;
        let layers = root.get("layers")?;
        let manifests = root.get("manifests")?;
        // CVE-2021-41190: one document, two meanings, chosen by a header.
        for of_a_manifest in ["layers", "config", "fsLayers"] {
            if manifests.is_some() && root.get(of_a_manifest)?.is_some() {
                return Err(root.error(format!("`{of_a_manifest}` or `manifests`"), "both"));
            }
        }
        if let Some(own) = own {
            let index = [IMAGE_INDEX, DOCKER_LIST].contains(&own);
            if (index && layers.is_some()) || (!index && manifests.is_some()) {
                return Err(root.error("content that its `mediaType` names", format!("`{own}`")));
            }
        }
        let read = |f: Option<Field<'_>>, limit| -> Result<Vec<Descriptor>, JsonError> {
            f.map_or(Ok(Vec::new()), |f| f.list(limit)?.iter().map(Descriptor::from_json).collect())
        };
        let config = root.get("config")?.map(|c| Descriptor::from_json(&c)).transpose()?;
        let artifact_type = match root.opt_str("artifactType")? {
            Some(t) if !t.is_empty() => Some(t.to_owned()),
            _ => config.as_ref().map(|c| c.media_type.clone()),
        };
        Ok(Self {
            media_type: own.unwrap_or(served_as).to_owned(),
            artifact_type,
            subject: root.get("subject")?.map(|s| Descriptor::from_json(&s)).transpose()?,
            config,
            layers: read(layers, limits::REFERRERS * 16)?,
            manifests: read(manifests, limits::REFERRERS * 16)?,
            annotations: match root.get("annotations")? {
                Some(a) => a.object()?.clone(),
                None => Map::new(),
            },
        })
    }

    /// Whether this is an index.
    #[must_use]
    pub fn is_index(&self) -> bool {
        [IMAGE_INDEX, DOCKER_LIST].contains(&self.media_type.as_str()) || !self.manifests.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_alone_is_no_tag_of_docker_hub_and_capitals_are_named() {
        let why = |text: &str| Reference::parse(text).unwrap_err().why;
        assert_eq!(why(&format!("sha256:{}", "a".repeat(64))), "a digest alone names no repository");
        assert_eq!(why("sha512:abc"), "a digest alone names no repository");
        assert_eq!(why("ghcr.io/Acme/app:v1"), "the repository has capitals, and lower case is needed");
        assert!(Reference::parse("GHCR.io/acme/app:V1").is_ok() && Reference::parse("sha256sum:1").is_ok());
    }

    #[test]
    fn a_port_has_one_spelling() {
        assert!(Reference::parse("ghcr.io:5000/a/b").is_ok());
        for other in ["ghcr.io:0443/a/b", "ghcr.io:05000/a/b", "ghcr.io:/a/b", "ghcr.io:99999/a/b", "ghcr.io:+443/a/b"]
        {
            assert!(Reference::parse(other).is_err(), "{other}");
        }
    }

    #[test]
    fn an_index_that_others_would_read_as_something_else_is_refused() {
        let d = Digest::sha256(b"");
        let entry = |more: &str| format!(r#"{{"mediaType":"{IMAGE_MANIFEST}","digest":"{d}","size":0{more}}}"#);
        let index = |more: &str, entry: &str| {
            let text = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]{more}}}"#);
            Manifest::parse(text.as_bytes(), IMAGE_INDEX)
        };
        assert!(index("", &entry("")).is_ok());
        for more in [r#""Manifests":[]"#, r#""manifeſts":[]"#, r#""fsLayers":[]"#, r#""config":{}"#, r#""layers":[]"#]
        {
            assert!(index(&format!(",{more}"), &entry("")).is_err(), "{more}");
        }
        for more in [
            format!(r#","Digest":"{d}""#),
            r#","Platform":{"os":"linux"}"#.to_owned(),
            r#","platform":{"os":"unknown","OS":"linux"}"#.to_owned(),
        ] {
            assert!(index("", &entry(&more)).is_err(), "{more}");
        }
    }

    #[test]
    fn a_platform_that_is_not_named_is_not_called_unknown() {
        let platform = |p: &str| {
            let text = format!(r#"{{"mediaType":"a/b","digest":"{}","size":0,"platform":{p}}}"#, Digest::sha256(b""));
            Descriptor::from_json(&Field::root("d", &json::parse(text.as_bytes(), 1000).unwrap())).unwrap().platform
        };
        assert_eq!(platform(r#"{"os":"unknown","architecture":"unknown"}"#).as_deref(), Some("unknown/unknown"));
        for open in ["{}", r#"{"os":"","architecture":""}"#, r#"{"architecture":"unknown"}"#] {
            assert_ne!(platform(open).as_deref(), Some("unknown/unknown"), "{open}");
        }
    }

    #[test]
    fn references_are_read_as_docker_reads_them() {
        let d = Digest::sha256(b"");
        for (text, name, tag, pinned) in [
            ("nginx", "docker.io/library/nginx", Some("latest"), false),
            ("acme/app:v1", "docker.io/acme/app", Some("v1"), false),
            ("ghcr.io/acme/app", "ghcr.io/acme/app", Some("latest"), false),
            ("127.0.0.1:5000/a/b:t", "127.0.0.1:5000/a/b", Some("t"), false),
            ("localhost/a", "localhost/a", Some("latest"), false),
            ("docker.io/nginx", "docker.io/library/nginx", Some("latest"), false),
            ("index.docker.io/nginx:1", "docker.io/library/nginx", Some("1"), false),
            ("GHCR.io:443/acme/app", "ghcr.io/acme/app", Some("latest"), false),
            ("index.docker.io/library/nginx", "docker.io/library/nginx", Some("latest"), false),
            ("GHCR.io/acme/app:v1", "ghcr.io/acme/app", Some("v1"), false),
            ("Index.Docker.IO/acme/app:v1", "docker.io/acme/app", Some("v1"), false),
            ("registry.hub.docker.com/nginx:1", "docker.io/library/nginx", Some("1"), false),
            ("[::1]:5000/a/b:t", "[::1]:5000/a/b", Some("t"), false),
            (&format!("127.0.0.1:5000/a@{d}"), "127.0.0.1:5000/a", None, true),
            (&format!("ghcr.io/a/b:v1@{d}"), "ghcr.io/a/b", Some("v1"), true),
        ] {
            let r = Reference::parse(text).unwrap();
            assert_eq!((r.name().as_str(), r.tag(), r.digest().is_some()), (name, tag, pinned), "{text}");
        }
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in [
            "",
            "UPPER/case",
            "a b",
            "ghcr.io/a@sha256:00",
            "ghcr.io/../x",
            "ghcr.io/a:",
            "ghcr.io//a",
            "-x.io/a",
            "ghcr.io/a@sha256:",
            "ghcr.io/a/../../b",
            "ghcr.io./a",
            "ghcr.io.:443/a",
            "[gh]cr.io/a",
            "[::1]5000/a",
            &"a".repeat(256),
            &format!("{}.io/a", "a".repeat(260)),
        ] {
            assert!(Reference::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_document_that_is_both_manifest_and_index_is_refused() {
        let both = json!({"layers": [], "manifests": []});
        assert!(Manifest::parse(both.to_string().as_bytes(), IMAGE_MANIFEST).is_err());
        let one = json!({"layers": []});
        assert!(Manifest::parse(one.to_string().as_bytes(), IMAGE_MANIFEST).is_ok());
        let lying = json!({"mediaType": IMAGE_MANIFEST, "manifests": []});
        assert!(Manifest::parse(lying.to_string().as_bytes(), IMAGE_MANIFEST).is_err());
    }
}
