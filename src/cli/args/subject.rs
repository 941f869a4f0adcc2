//! Subjects as they are typed, and what they stand for.

use crate::cli::exit::{Failure, codes};
use crate::model::digest::DigestAlgorithm;
use crate::model::{Digest, Reference};
use crate::places::files;
use std::path::PathBuf;

/// What a subject argument names. Nothing was resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum SubjectSpec {
    /// An artifact in a registry.
    Image(Reference),
    /// An image layout folder: `oci:PATH[:TAG][@sha256:...]`.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The tag in it, where one is named.
        tag: Option<String>,
        /// The manifest, where it is named.
        digest: Option<Digest>,
    },
    /// A file.
    File(PathBuf),
    /// Bytes that need not be here: `sha256:...`, or `file:NAME@sha256:...`.
    Digest {
        /// Where they would be.
        path: Option<PathBuf>,
        /// What they are.
        digest: Digest,
    },
}

/// How others write that a reference is one; none of it belongs to the reference.
const SCHEMES: [&str; 2] = ["oci://", "docker://"];

impl SubjectSpec {
    /// Reads an argument. `oci:` and `file:` decide; a digest makes it a registry's; else a path that looks like one or
    /// a file that exists, and last a reference that shows it is one by its host or tag.
    ///
    /// # Errors
    /// Exit 2 for what is neither.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, Failure> {
        let usage = |why: String| Failure::usage(codes::USAGE, format!("subject `{text}`: {why}"));
        if let Some(reference) = without_scheme(text) {
            return Reference::parse(reference).map(Self::Image).map_err(|e| usage(e.to_string()));
        }
        if let Some(rest) = text.strip_prefix("oci:") {
            let (path, digest) = pinned(rest).map_err(usage)?;
            // As skopeo writes it. A folder that is there by the whole name is that folder.
            let (path, tag) = match path.rsplit_once(':').filter(|(_, tag)| is_tag(tag)) {
                Some((folder, tag)) if !files::is_folder(path.as_ref()) => (folder, Some(tag.to_owned())),
                _ => (path, None),
            };
            return Ok(Self::Layout { path: path.into(), tag, digest });
        }
        if let Some(rest) = text.strip_prefix("file:") {
            return Ok(match pinned(rest).map_err(usage)? {
                (path, Some(digest)) => Self::Digest { path: Some(path.into()), digest },
                (path, None) => Self::File(path.into()),
            });
        }
        if names_algorithm(text) {
            let digest = Digest::parse(text).map_err(|e| usage(e.to_string()))?;
            return Ok(Self::Digest { path: None, digest });
        }
        if text.starts_with(['/', '.']) {
            return Ok(match pinned(text).map_err(usage)? {
                (path, Some(digest)) => Self::Digest { path: Some(path.into()), digest },
                (_, None) => Self::File(text.into()),
            });
        }
        if let Some((_, rest)) = text.split_once("://") {
            return Err(usage(format!("a registry's reference has no scheme: expected {rest}")));
        }
        let is_pinned = text.rsplit_once('@').is_some_and(|(_, end)| names_algorithm(end));
        if let Ok((name, Some(digest))) = pinned(text)
            && !shows_a_registry(name)
        {
            if looks_like_a_file(name) {
                return Ok(Self::Digest { path: Some(name.into()), digest });
            }
            // As below: of a name that may be both, whoever wrote the working folder must not choose.
            if files::exists(name.as_ref())? {
                let message = format!(
                    "`{name}` is a file here and a repository of Docker Hub: write file:{text} or docker://{text}"
                );
                return Err(Failure::usage(codes::SUBJECT_AMBIGUOUS, message));
            }
        }
        if !is_pinned && files::exists(text.as_ref())? {
            // Whoever wrote the working folder must not choose what a registry's name means.
            if names_a_registry(text) {
                let message = format!(
                    "`{text}` is a file here and a reference: write ./{text} for the file, or pin the reference with @sha256:..."
                );
                return Err(Failure::usage(codes::SUBJECT_AMBIGUOUS, message));
            }
            return Ok(Self::File(text.into()));
        }
        if !is_pinned && !shows_a_registry(text) {
            // A file that is not there, much more often than an image of Docker Hub.
            let owner = if text.contains('/') { "" } else { "library/" };
            let on_hub = format!("docker.io/{owner}{text}");
            let example = if Reference::parse(&on_hub).is_ok() { &on_hub } else { "ghcr.io/acme/app:v1" };
            let message = format!(
                "`{text}` is no file that exists; a registry's reference shows its host, a tag or a digest, such as {example}"
            );
            return Err(Failure::usage(codes::FILE_UNREADABLE, message));
        }
        Reference::parse(text).map(Self::Image).map_err(|e| {
            Failure::usage(codes::USAGE, format!("subject `{text}` is no file that exists and no reference: {e}"))
        })
    }

    /// The path of a file, whether it is here or not.
    pub(in crate::cli) fn path(&self) -> Option<&PathBuf> {
        match self {
            Self::File(path) | Self::Digest { path: Some(path), .. } => Some(path),
            _ => None,
        }
    }
}

/// The reference in a text that has a scheme of others, such as `docker://`. `oci:///folder` is a folder's.
fn without_scheme(text: &str) -> Option<&str> {
    SCHEMES.iter().find_map(|scheme| text.strip_prefix(scheme)).filter(|rest| !rest.starts_with('/'))
}

/// What a person who typed a subject in another program's way is told.
pub(in crate::cli) fn remark(text: &str) -> Option<String> {
    let reference = without_scheme(text)?;
    Some(format!("`{text}` is read as the reference {reference}; a layout's folder is written oci:PATH"))
}

/// Whether a text is a tag of the distribution-spec.
fn is_tag(text: &str) -> bool {
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
    begins && text.len() <= 128 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// What stands before an `@`, and the digest behind it. An `@` before anything else belongs to the name.
fn pinned(text: &str) -> Result<(&str, Option<Digest>), String> {
    match text.rsplit_once('@').filter(|(_, end)| names_algorithm(end)) {
        Some((name, digest)) => Ok((name, Some(Digest::parse(digest).map_err(|e| e.to_string())?))),
        None => Ok((text, None)),
    }
}

/// Whether a text begins as a digest does.
fn names_algorithm(text: &str) -> bool {
    let algorithm = text.split_once(':').map(|(algorithm, _)| algorithm);
    algorithm.is_some_and(|name| DigestAlgorithm::ALL.iter().any(|a| a.name() == name))
}

/// Whether a text is a reference that shows it: by a tag, or by a registry's host before the first slash.
fn names_a_registry(text: &str) -> bool {
    shows_a_registry(text) && Reference::parse(text).is_ok()
}

/// Whether a name without a registry's host is one of a file: it ends as files do, or can be no repository.
fn looks_like_a_file(name: &str) -> bool {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.contains('.') || Reference::parse(name).is_err()
}

/// Whether a text would be a reference, if it were one.
fn shows_a_registry(text: &str) -> bool {
    let host = text.split_once('/').is_some_and(|(h, _)| h.contains('.') || h == "localhost");
    host || text.contains(':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_shows_that_it_names_a_registry_is_ambiguous() {
        for reference in ["ghcr.io/acme/app", "ghcr.io/acme/app:v1", "localhost/app", "app:v1", "127.0.0.1:5000/a"] {
            assert!(names_a_registry(reference), "{reference}");
        }
        for file in ["app", "app.tar.gz", "target/release/app", "dist/app-1.0.tgz", "a b:c"] {
            assert!(!names_a_registry(file), "{file}");
        }
    }

    #[test]
    fn subjects_as_people_type_them() {
        let hex = "4f53a1c0".repeat(8);
        let digest = format!("sha256:{hex}");
        let image = |text: &str| match SubjectSpec::parse(text).unwrap_or_else(|e| panic!("{text}: {}", e.message)) {
            SubjectSpec::Image(r) => r.to_string(),
            other => panic!("{text}: {other:?}"),
        };
        for text in ["oci://ghcr.io/acme/app:v1", "docker://ghcr.io/acme/app:v1"] {
            assert_eq!(image(text), "ghcr.io/acme/app:v1");
            assert!(remark(text).unwrap().contains("read as the reference ghcr.io/acme/app:v1"));
        }
        assert_eq!(image(&format!("docker://nginx@{digest}")), format!("docker.io/library/nginx@{digest}"));
        assert_eq!(remark("ghcr.io/acme/app:v1"), None);
        let layout = |path: &str| SubjectSpec::Layout { path: path.into(), tag: None, digest: None };
        assert_eq!(SubjectSpec::parse("oci:///srv/image").unwrap(), layout("///srv/image"));
        let tagged =
            |path: &str, tag: &str| SubjectSpec::Layout { path: path.into(), tag: Some(tag.to_owned()), digest: None };
        assert_eq!(SubjectSpec::parse("oci:build/image:v1").unwrap(), tagged("build/image", "v1"));
        assert_eq!(SubjectSpec::parse("oci:a:b:v1").unwrap(), tagged("a:b", "v1"));
        for path in ["build:x/image", "build/image:", "build/image:-x", "image: v"] {
            assert_eq!(SubjectSpec::parse(&format!("oci:{path}")).unwrap(), layout(path));
        }
        assert_eq!(SubjectSpec::parse("oci:build/image@2x").unwrap(), layout("build/image@2x"));
        // An `@` in a name is no digest.
        assert_eq!(SubjectSpec::parse("./icon@2x.png").unwrap(), SubjectSpec::File("./icon@2x.png".into()));
        assert_eq!(SubjectSpec::parse("file:icon@2x.png").unwrap(), SubjectSpec::File("icon@2x.png".into()));
        assert_eq!(SubjectSpec::parse("icon@2x.png").unwrap_err().code, codes::FILE_UNREADABLE);
        // A digest is one, and no repository `sha256` of Docker Hub.
        let parsed = Digest::parse(&digest).unwrap();
        let of = |path: Option<&str>| SubjectSpec::Digest { path: path.map(Into::into), digest: parsed.clone() };
        assert_eq!(SubjectSpec::parse(&digest).unwrap(), of(None));
        assert_eq!(SubjectSpec::parse(&format!("file:dist/app@{digest}")).unwrap(), of(Some("dist/app")));
        assert_eq!(SubjectSpec::parse(&format!("./app@{digest}")).unwrap(), of(Some("./app")));
        assert_eq!(SubjectSpec::parse(&format!("dist/app.tar.gz@{digest}")).unwrap(), of(Some("dist/app.tar.gz")));
        assert_eq!(SubjectSpec::parse(&format!("My App@{digest}")).unwrap(), of(Some("My App")));
        assert_eq!(image(&format!("acme/app@{digest}")), format!("docker.io/acme/app@{digest}"));
        // One that may be both: there is a folder of that name here.
        assert_eq!(SubjectSpec::parse(&format!("src@{digest}")).unwrap_err().code, codes::SUBJECT_AMBIGUOUS);
        assert_eq!(image(&format!("docker://src@{digest}")), format!("docker.io/library/src@{digest}"));
        let refused = |text: &str, why: &str| {
            let e = SubjectSpec::parse(text).unwrap_err();
            assert!(e.code == codes::USAGE && e.message.contains(why), "{text}: {}", e.message);
        };
        refused(&digest[..40], "sha256");
        refused(&format!("file:app@{}", &digest[..40]), "sha256");
        refused("ghcr.io/Acme/App:v1", "lower case");
        refused(&format!("ghcr.io/Acme/App@{digest}"), "lower case");
        refused("https://ghcr.io/acme/app:v1", "expected ghcr.io/acme/app:v1");
    }

    #[test]
    fn a_file_that_is_there_is_a_file() {
        // The test's working folder is the package's root.
        assert_eq!(SubjectSpec::parse("Cargo.toml").unwrap(), SubjectSpec::File("Cargo.toml".into()));
        assert_eq!(SubjectSpec::parse("src/lib.rs").unwrap(), SubjectSpec::File("src/lib.rs".into()));
        for image in ["ghcr.io/acme/app:v1", "nginx:1.27", "localhost/app"] {
            assert!(matches!(SubjectSpec::parse(image).unwrap(), SubjectSpec::Image(_)), "{image}");
        }
        for absent in ["not-there", "dist/not-there"] {
            assert_eq!(SubjectSpec::parse(absent).unwrap_err().code, codes::FILE_UNREADABLE, "{absent}");
        }
    }
}
