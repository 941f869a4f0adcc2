//! Subjects as they are typed, and what they stand for.

use super::exit::{Failure, codes};
use super::files;
use crate::model::{Digest, Reference};
use std::path::PathBuf;

/// What a subject argument names. Nothing was resolved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SubjectSpec {
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
    /// Reads an argument. `oci:` and `file:` decide; a digest makes it a registry's; else a file that exists, a path
    /// that looks like one, and last a registry's.
    ///
    /// # Errors
    /// Exit 2 for what is neither.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
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
        let looks_like_path = text.starts_with(['/', '.']) || (!text.contains('@') && files::exists(text.as_ref()));
        if looks_like_path {
            return Ok(Self::File(text.into()));
        }
        Reference::parse(text).map(Self::Image).map_err(|e| {
            Failure::usage(codes::USAGE, format!("subject `{text}` is no file that exists and no reference: {e}"))
        })
    }
}
