//! [`Checked`]: the digest checks and caps that hold for every back end, in one place.

use super::listing::too_many;
use super::{Referrers, Registry, RegistryError, Served};
use crate::model::{Descriptor, Digest, limits};
use crate::seam::BoxFuture;

/// A back end whose answers have been compared with what was asked.
///
/// What comes out of `manifest` and `blob` has the digest that was asked for and is within its limit, whatever the
/// back end did; what is absent although a descriptor names it is [`RegistryError::NotFound`] in the `need_*` forms.
pub struct Checked<'r>(&'r dyn Registry);

impl<'r> Checked<'r> {
    /// Wraps a back end.
    #[must_use]
    pub fn new(registry: &'r dyn Registry) -> Self {
        Self(registry)
    }

    /// The repository in words.
    #[must_use]
    pub fn place(&self) -> String {
        self.0.place()
    }

    /// The descriptor that a tag names now.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn resolve(&self, tag: &str) -> Result<Option<Descriptor>, RegistryError> {
        self.0.resolve(tag).await
    }

    /// A manifest, at most [`limits::MANIFEST_BYTES`].
    ///
    /// # Errors
    /// [`RegistryError`]; `DigestMismatch` when the bytes are not what was asked for.
    pub async fn manifest(&self, digest: &Digest) -> Result<Option<Served>, RegistryError> {
        let limit = limits::MANIFEST_BYTES;
        match self.0.manifest(digest, limit).await? {
            Some(s) => {
                self.check(&format!("manifest {digest}"), digest, &s.bytes, limit)?;
                Ok(Some(s))
            }
            None => Ok(None),
        }
    }

    /// A blob, at most `limit` bytes.
    ///
    /// # Errors
    /// [`RegistryError`]; `DigestMismatch` when the bytes are not what was asked for.
    pub async fn blob(&self, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        match self.0.blob(digest, limit).await? {
            Some(bytes) => {
                self.check(&format!("blob {digest}"), digest, &bytes, limit)?;
                Ok(Some(bytes))
            }
            None => Ok(None),
        }
    }

    /// A manifest that must be there.
    ///
    /// # Errors
    /// As [`Checked::manifest`], and `NotFound`.
    pub async fn need_manifest(&self, digest: &Digest) -> Result<Served, RegistryError> {
        self.manifest(digest).await?.ok_or_else(|| self.not_found(format!("manifest {digest}")))
    }

    /// A blob that must be there.
    ///
    /// # Errors
    /// As [`Checked::blob`], and `NotFound`.
    pub async fn need_blob(&self, digest: &Digest, limit: usize) -> Result<Vec<u8>, RegistryError> {
        self.blob(digest, limit).await?.ok_or_else(|| self.not_found(format!("blob {digest}")))
    }

    /// The referrers of a subject, each digest once, at most [`limits::REFERRERS`].
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn referrers(&self, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let mut list = self.0.referrers(subject, limits::REFERRERS).await?;
        let mut seen = std::collections::HashSet::new();
        list.retain(|d| seen.insert(d.digest.clone()));
        if list.len() > limits::REFERRERS { Err(self.too_many(subject)) } else { Ok(list) }
    }

    /// The same with what could not be read of the listing.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn listing(&self, subject: &Digest) -> Result<Referrers, RegistryError> {
        let mut found = self.0.listing(subject, limits::REFERRERS).await?;
        let mut seen = std::collections::HashSet::new();
        found.listed.retain(|d| seen.insert(d.digest.clone()));
        let count = found.listed.len() + found.unread.len();
        if count > limits::REFERRERS { Err(self.too_many(subject)) } else { Ok(found) }
    }

    /// What holds the attestations that cosign up to version 2 made of a subject, each digest once.
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn legacy(&self, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let mut found = self.0.legacy(subject).await?;
        let mut seen = std::collections::HashSet::new();
        found.retain(|d| seen.insert(d.digest.clone()));
        if found.len() > limits::REFERRERS { Err(self.too_many(subject)) } else { Ok(found) }
    }

    /// Indexes that the repository lists, as far as that can be asked: at most [`limits::INDEXES`].
    ///
    /// # Errors
    /// [`RegistryError`].
    pub async fn indexes(&self) -> Result<Vec<Digest>, RegistryError> {
        let mut found = self.0.indexes(limits::INDEXES).await?;
        found.truncate(limits::INDEXES);
        Ok(found)
    }

    /// The back end, for pushing.
    #[must_use]
    pub fn inner(&self) -> &'r dyn Registry {
        self.0
    }

    fn too_many(&self, subject: &Digest) -> RegistryError {
        too_many(&self.place(), subject, limits::REFERRERS)
    }

    fn not_found(&self, what: String) -> RegistryError {
        RegistryError::NotFound { place: self.place(), what }
    }

    fn check(&self, what: &str, digest: &Digest, bytes: &[u8], limit: usize) -> Result<(), RegistryError> {
        if bytes.len() > limit {
            return Err(RegistryError::TooLarge { place: self.place(), what: format!("{what} (bytes)"), limit });
        }
        if !digest.matches(bytes) {
            return Err(RegistryError::DigestMismatch {
                place: self.place(),
                what: what.to_owned(),
                expected: digest.to_string(),
                found: Digest::sha256(bytes).to_string(),
            });
        }
        Ok(())
    }
}

impl Registry for Checked<'_> {
    fn can_push(&self) -> BoxFuture<'_, Result<(), RegistryError>> {
        self.0.can_push()
    }

    fn place(&self) -> String {
        self.0.place()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        self.0.resolve(tag)
    }
    fn manifest<'a>(&'a self, digest: &'a Digest, _: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        Box::pin(Checked::manifest(self, digest))
    }
    fn blob<'a>(&'a self, digest: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        Box::pin(Checked::blob(self, digest, limit))
    }
    fn referrers<'a>(&'a self, s: &'a Digest, _: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(Checked::referrers(self, s))
    }
    fn listing<'a>(&'a self, s: &'a Digest, _: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        Box::pin(Checked::listing(self, s))
    }
    fn legacy<'a>(&'a self, s: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(Checked::legacy(self, s))
    }
    fn indexes(&self, _: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        Box::pin(Checked::indexes(self))
    }
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.0.push_blob(digest, bytes)
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.0.push_manifest(d, bytes)
    }
}
