//! What is being verified: the name as typed, and the digests that were found out, not claimed.

use super::digest::{Digest, DigestSet};
use super::oci::Descriptor;

/// An artifact whose digests are known from its own bytes or from a pinned reference.
///
/// Evidence is matched against these digests; `name` is what the user typed and what policies' `images` match.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    /// The subject as typed: a registry reference, `oci:PATH`, or `file:PATH`.
    pub name: String,
    /// What policies match: `registry/repository`, `oci:PATH` or `file:PATH`; no tag, no digest.
    pub scope: String,
    /// Other names of the same path that policies match, too: whole, and below the working folder.
    pub other_scopes: Vec<String>,
    /// At least one of sha256, sha384, sha512.
    pub digests: DigestSet,
    /// The primary digest: the one by which referrers are listed.
    pub digest: Digest,
    /// Descriptor, where the artifact is in a registry or layout.
    pub descriptor: Option<Descriptor>,
}

impl Artifact {
    /// An artifact by name and primary digest.
    #[must_use]
    pub fn new(name: impl Into<String>, scope: impl Into<String>, digest: Digest) -> Self {
        let digests = DigestSet::of(&digest);
        Self { name: name.into(), scope: scope.into(), other_scopes: Vec::new(), digests, digest, descriptor: None }
    }

    /// With other names of the same path.
    #[must_use]
    pub fn also_called(mut self, scopes: Vec<String>) -> Self {
        self.other_scopes = scopes;
        self
    }

    /// Every name that policies match.
    pub fn scopes(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.scope).chain(&self.other_scopes).map(String::as_str)
    }

    /// Computes all binding digests from the artifact's own bytes.
    ///
    /// Returns `None` when the bytes do not have the digest that is already known.
    #[must_use]
    pub fn with_bytes(mut self, bytes: &[u8]) -> Option<Self> {
        for algorithm in super::digest::DigestAlgorithm::ALL {
            let digest = Digest::from_hex(algorithm, &algorithm.hex_of(bytes))?;
            self.digests = self.digests.with(&digest)?;
        }
        Some(self)
    }

    /// Adds digests that were computed from the artifact's own bytes.
    ///
    /// Returns `None` when one of them contradicts what is already known.
    #[must_use]
    pub fn with_set(mut self, digests: &DigestSet) -> Option<Self> {
        for digest in digests.strong() {
            self.digests = self.digests.with(&digest)?;
        }
        Some(self)
    }
}
