//! Where artifacts and their evidence live: one repository of a registry, or an image layout folder.
//!
//! A back end answers for one repository. It need not be honest: [`Checked`] compares every digest and cap above it, so
//! a back end only transports.

mod checked;
mod error;
mod evidence;
#[cfg(feature = "cli")]
mod guarded;
mod listing;
pub mod memory;
#[cfg(feature = "cli")]
pub mod oci_http;
pub mod oci_layout;
#[cfg(feature = "cli")]
mod remembered;

pub use checked::Checked;
pub use error::{CONTENT_MISSING, DIGEST_MISMATCH, REFERRER_NOT_LISTED, REGISTRY_CONFIGURATION, RegistryError};
pub use evidence::{CODES as EVIDENCE_CODES, RegistryEvidence};
#[cfg(feature = "cli")]
pub use guarded::{Gate, Guarded};
pub use listing::referrer_entry;
pub use memory::Memory;
#[cfg(feature = "cli")]
pub use oci_http::{HttpOptions, OciHttp};
pub use oci_layout::OciLayout;
#[cfg(feature = "cli")]
pub use remembered::{Held, Remembered, Shelf};

use crate::model::{Descriptor, Digest, Reference};
use crate::seam::BoxFuture;
use std::sync::Arc;

/// A manifest as it was served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Served {
    /// Media type it was served with.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// What a repository lists for a subject.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Referrers {
    /// What may be referrers, in the listing's order.
    pub listed: Vec<Descriptor>,
    /// What could not be read of the listing, be it one entry of it: any of it may have been evidence.
    pub unread: Vec<RegistryError>,
    /// What stands where a listing would, and is none: in words.
    pub aside: Vec<String>,
}

impl Referrers {
    /// What is listed; an error where that is nothing and something could not be read.
    fn or_error(self) -> Result<Vec<Descriptor>, RegistryError> {
        match self.unread.into_iter().next() {
            Some(error) if self.listed.is_empty() => Err(error),
            _ => Ok(self.listed),
        }
    }
}

/// Where repositories are, by their names.
pub trait Registries: Send + Sync {
    /// The repository of a reference. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RegistryError`].
    fn open(&self, reference: &Reference) -> Result<Arc<dyn Registry>, RegistryError>;
}

/// The tag under which cosign up to version 2 keeps the attestations of `subject`.
pub(crate) fn legacy_tag(subject: &Digest) -> String {
    format!("{}-{}.att", subject.algorithm().name(), subject.hex())
}

/// One repository.
///
/// Contract:
/// - a reader MUST stop at its limit (bytes or entries) with [`RegistryError::TooLarge`];
/// - absence is `Ok(None)` or an empty list, and MUST be a definite answer of the registry: a refusal, a rate limit or a
///   failure is an error, never an empty list;
/// - nothing is retried above this trait; a back end retries what is safe and says how often it tried;
/// - after `push_*` returned `Ok` the content MUST be readable, and for a referrer MUST be listed.
pub trait Registry: Send + Sync {
    /// The repository in words, for messages: `ghcr.io/acme/app`, `oci:path`.
    fn place(&self) -> String;

    /// The descriptor that a tag names now; `None` when there is no such tag.
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>>;

    /// A manifest by digest, at most `limit` bytes.
    fn manifest<'a>(&'a self, digest: &'a Digest, limit: usize)
    -> BoxFuture<'a, Result<Option<Served>, RegistryError>>;

    /// A blob by digest, at most `limit` bytes.
    fn blob<'a>(&'a self, digest: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>>;

    /// Descriptors of the manifests that name `subject`, at most `limit` of them; no filter is trusted or sent.
    fn referrers<'a>(
        &'a self,
        subject: &'a Digest,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>>;

    /// Whether content could be stored now. Nothing is stored; what was begun for the question is given up.
    fn can_push(&self) -> BoxFuture<'_, Result<(), RegistryError>> {
        crate::seam::ready(Ok(()))
    }

    /// What holds the attestations that cosign up to version 2 made of `subject`, one layer each: what the tag
    /// `sha256-<hex>.att` names now.
    fn legacy<'a>(&'a self, subject: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(async move { Ok(self.resolve(&legacy_tag(subject)).await?.into_iter().collect()) })
    }

    /// Indexes that this repository lists, at most `limit`, as far as that can be asked: others may list an image, too. What
    /// they say is shown, and decides nothing.
    fn indexes(&self, _limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        crate::seam::ready(Ok(Vec::new()))
    }

    /// [`Registry::referrers`] with what could not be read of the listing: one odd entry must not hide the others.
    fn listing<'a>(&'a self, subject: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        Box::pin(async move {
            let listed = self.referrers(subject, limit).await?;
            Ok(Referrers { listed, ..Referrers::default() })
        })
    }

    /// Stores a blob; does nothing when it is there.
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>>;

    /// Stores a manifest by digest. When it has a `subject`, makes it a listed referrer of it.
    fn push_manifest<'a>(
        &'a self,
        descriptor: &'a Descriptor,
        bytes: &'a [u8],
    ) -> BoxFuture<'a, Result<(), RegistryError>>;
}
