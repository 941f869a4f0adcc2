//! Subjects as they are typed, and what they stand for.

use crate::cli::exit::{Failure, codes};
use crate::model::{Digest, Reference};
use crate::places::files;
use std::path::PathBuf;

/// What a subject argument names. Nothing was resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) enum SubjectSpec {
    /// An artifact in a registry.
    Image(Reference),
    /// An image layout folder: `oci:PATH[@sha256:...]`.
    Layout {
        /// The folder.
        path: PathBuf,
        /// The manifest, where it is named.
        digest: Option<Digest>,
    },
    /// A file.
    File(PathBuf),
}

impl SubjectSpec {
    /// Reads an argument. `oci:` and `file:` decide; a digest makes it a registry's; else a path that looks like one or
    /// a file that exists, and last a reference that shows it is one by its host or tag.
    ///
    /// # Errors
    /// Exit 2 for what is neither.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, Failure> {
        if let Some(rest) = text.strip_prefix("oci:") {
            let (path, digest) = match rest.rsplit_once('@') {
                Some((path, d)) => {
                    let digest =
                        Digest::parse(d).map_err(|e| Failure::usage(codes::USAGE, format!("subject `{text}`: {e}")))?;
                    (path, Some(digest))
                }
                None => (rest, None),
            };
            return Ok(Self::Layout { path: path.into(), digest });
        }
        if let Some(path) = text.strip_prefix("file:") {
            return Ok(Self::File(path.into()));
        }
        if text.starts_with(['/', '.']) {
            return Ok(Self::File(text.into()));
        }
        if !text.contains('@') && files::exists(text.as_ref())? {
            // Whoever wrote the working folder must not choose what a registry's name means.
            if names_a_registry(text) {
                let message = format!(
                    "`{text}` is a file here and a reference: write ./{text} for the file, or pin the reference with @sha256:..."
                );
                return Err(Failure::usage(codes::SUBJECT_AMBIGUOUS, message));
            }
            return Ok(Self::File(text.into()));
        }
        if !text.contains('@') && !names_a_registry(text) {
            // A file that is not there, much more often than an image of Docker Hub.
            let message = format!(
                "`{text}` is no file that exists; a registry's reference shows its host, a tag or a digest, such as docker.io/library/{text}"
            );
            return Err(Failure::usage(codes::FILE_UNREADABLE, message));
        }
        Reference::parse(text).map(Self::Image).map_err(|e| {
            Failure::usage(codes::USAGE, format!("subject `{text}` is no file that exists and no reference: {e}"))
        })
    }
}

/// Whether a text is a reference that shows it: by a tag, or by a registry's host before the first slash.
fn names_a_registry(text: &str) -> bool {
    let host = text.split_once('/').is_some_and(|(h, _)| h.contains('.') || h == "localhost");
    (host || text.contains(':')) && Reference::parse(text).is_ok()
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
