//! [`OciLayout`]: an OCI image layout folder (image-spec, `image-layout.md`) as a repository.
//!
//! Referrers have no place of their own in a layout. Each is an entry of `index.json`; so every manifest named there is
//! read, and its own `subject` decides. The `sha256-<hex>` index that some tools write instead is read too.

mod content;
mod docker_save;
mod folder;
mod images;
mod listed;
mod referrers;
mod saved;
mod signatures;

pub use content::ContentReport;

use super::listing::{Listing, Odd, REF_NAME, referrer_entry, unreadable};
use super::{Referrers, Registry, RegistryError, Served, legacy_tag};
use crate::model::json::{self, Field};
use crate::model::oci::{DOCKER_LIST, IMAGE_INDEX, Manifest};
use crate::model::{Descriptor, Digest, limits};
use crate::seam::{BoxFuture, ready};
use folder::{Folder, ReadError};
use listed::{Listed, attestations, tag_of};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

const MARKER: &str = "oci-layout";
const INDEX: &str = "index.json";
/// `imageLayoutVersion` of the image-spec.
const VERSION: &str = "1.0.0";
/// The marker is a few bytes.
const MARKER_BYTES: usize = 4 << 10;

/// An OCI image layout folder.
///
/// Writers of this type exclude one another with a lock, also across processes; every file is replaced by rename. No
/// link is followed out of the folder, and digests alone decide the names of files.
///
/// `index.json` is read once: what another writer lists later is seen by whoever opens the layout again, and what this
/// value writes at once.
#[derive(Debug)]
pub struct OciLayout {
    /// `oci:PATH`, as typed.
    name: String,
    folder: Folder,
    listed: Mutex<Option<Arc<Listed>>>,
}

impl OciLayout {
    /// Opens a layout.
    ///
    /// # Errors
    /// `NotFound` when there is no `oci-layout` file, `Malformed` for a version other than 1.x.
    pub fn open(path: &Path) -> Result<Self, RegistryError> {
        let name = format!("oci:{}", path.display());
        let folder = Folder::open(path).map_err(|e| io_error(&name, "the folder", &e))?;
        let this = Self { name, folder, listed: Mutex::default() };
        let what = "the file `oci-layout`";
        let bytes = this.read(MARKER, what, MARKER_BYTES)?.ok_or_else(|| this.not_found(what))?;
        let error = |e| unreadable(&this.name, what, e);
        let value = json::parse(&bytes, MARKER_BYTES).map_err(error)?;
        let version = Field::root(MARKER, &value).need("imageLayoutVersion").map_err(error)?;
        if !version.str().map_err(error)?.starts_with("1.") {
            return Err(error(version.error("1.0.0", version.value())));
        }
        Ok(this)
    }

    /// Makes an empty layout in a folder that is new or empty.
    ///
    /// # Errors
    /// `Configuration` when the folder cannot be made or holds something.
    pub fn create(path: &Path) -> Result<Self, RegistryError> {
        let name = format!("oci:{}", path.display());
        let folder = Folder::create(path).map_err(|e| RegistryError::Configuration {
            place: name.clone(),
            cause: format!("cannot make an image layout there: {e}"),
        })?;
        let this = Self { name, folder, listed: Mutex::default() };
        this.write(INDEX, &Listing::empty().to_bytes())?;
        // Last: a folder is a layout once it has its marker.
        this.write(MARKER, format!(r#"{{"imageLayoutVersion":"{VERSION}"}}"#).as_bytes())?;
        Ok(this)
    }

    /// Lets `tag` name a manifest, and nothing else.
    ///
    /// # Errors
    /// When the manifest is not there, or the layout cannot be written.
    pub fn tag(&self, tag: &str, descriptor: &Descriptor) -> Result<(), RegistryError> {
        let what = format!("manifest {}", descriptor.digest);
        self.checked_bytes(&descriptor.digest, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(&what))?;
        let mut entry = descriptor.clone();
        entry.annotations.insert(REF_NAME.to_owned(), tag.into());
        self.change(|listing| {
            listing.untag(tag);
            listing.push(&entry);
            true
        })
    }

    /// The entries of `index.json`, read when they are first asked for and after each change by this value.
    fn listed(&self) -> Result<Arc<Listed>, RegistryError> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*listed {
            return Ok(known.clone());
        }
        let (_, entries, odd) = self.listing()?;
        Ok(listed.insert(Arc::new(Listed::of(entries, odd))).clone())
    }

    /// Forgets what was read: it was changed.
    fn forget(&self) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// `index.json` as it is now, its entries, and those that cannot be looked at.
    fn listing(&self) -> Result<(Listing, Vec<Descriptor>, Vec<Odd>), RegistryError> {
        let what = "the file `index.json`";
        let bytes = self.read(INDEX, what, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(what))?;
        let error = |e| unreadable(&self.name, what, e);
        let listing = Listing::parse(&bytes).map_err(error)?;
        let (entries, odd) = listing.entries_and_odd().map_err(error)?;
        Ok((listing, entries, odd))
    }

    fn read(&self, name: &str, what: &str, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        self.folder.read(name, limit).map_err(|e| match e {
            ReadError::TooLarge => {
                RegistryError::TooLarge { place: self.name.clone(), what: format!("{what} (bytes)"), limit }
            }
            ReadError::Io(e) => self.io_error(what, &e),
        })
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RegistryError> {
        self.forget();
        self.folder.replace(name, bytes).map_err(|e| self.io_error(&format!("writing `{name}`"), &e))?;
        self.forget();
        Ok(())
    }

    /// Changes `index.json` under the lock, if `edit` says that it changed it.
    fn change(&self, edit: impl FnOnce(&mut Listing) -> bool) -> Result<(), RegistryError> {
        let _guard = self.folder.lock(MARKER).map_err(|e| self.io_error("locking the layout", &e))?;
        let (mut listing, ..) = self.listing()?;
        if !edit(&mut listing) {
            return Ok(());
        }
        let bytes = listing.to_bytes();
        if bytes.len() > limits::MANIFEST_BYTES {
            // What could be written and not read again would be lost.
            let (what, limit) = ("the file `index.json` (bytes)".to_owned(), limits::MANIFEST_BYTES);
            return Err(RegistryError::TooLarge { place: self.name.clone(), what, limit });
        }
        self.write(INDEX, &bytes)
    }

    fn bytes(&self, what: &str, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        self.read(&Folder::blob_name(digest), &format!("{what} {digest}"), limit)
    }

    fn checked_bytes(&self, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        let Some(bytes) = self.bytes("manifest", digest, limit)? else { return Ok(None) };
        self.check("manifest", digest, &bytes)?;
        Ok(Some(bytes))
    }

    fn check(&self, what: &str, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        if digest.matches(bytes) {
            return Ok(());
        }
        Err(RegistryError::DigestMismatch {
            place: self.name.clone(),
            what: format!("{what} {digest}"),
            expected: digest.to_string(),
            found: format!("{}:{}", digest.algorithm().name(), digest.algorithm().hex_of(bytes)),
        })
    }

    fn find_tag(&self, tag: &str) -> Result<Option<Descriptor>, RegistryError> {
        let listed = self.listed()?;
        if let Some(odd) = listed.odd.iter().find(|o| o.tag.as_deref() == Some(tag)) {
            return Err(unreadable(&self.name, &format!("tag `{tag}`"), odd.error.clone()));
        }
        let mut found: Option<&Descriptor> = None;
        for entry in listed.entries.iter().filter(|e| tag_of(e) == Some(tag)) {
            match &found {
                Some(f) if f.digest != entry.digest => {
                    return Err(RegistryError::Malformed {
                        place: self.name.clone(),
                        what: format!("tag `{tag}`"),
                        cause: "several entries of `index.json` have it: name one by digest".into(),
                    });
                }
                _ => found = Some(entry),
            }
        }
        Ok(found.cloned())
    }

    /// Whether `index.json` lists a manifest, and gives it no tag.
    ///
    /// # Errors
    /// When `index.json` cannot be read.
    pub fn is_untagged(&self, digest: &Digest) -> Result<bool, RegistryError> {
        let listed = self.listed()?;
        let tagged = |entry: &Descriptor| entry.digest == *digest && tag_of(entry).is_some();
        Ok(listed.has(digest) && !listed.entries.iter().any(tagged))
    }

    /// Indexes of images that `index.json` lists.
    fn listed_indexes(&self, limit: usize) -> Result<Vec<Digest>, RegistryError> {
        let is_index = |entry: &&Descriptor| [IMAGE_INDEX, DOCKER_LIST].contains(&entry.media_type.as_str());
        let digests =
            self.listed()?.entries.iter().filter(is_index).map(|entry| entry.digest.clone()).take(limit).collect();
        Ok(digests)
    }

    /// What has the tag of a registry, and what cosign saved behind the image.
    fn find_legacy(&self, subject: &Digest) -> Result<Vec<Descriptor>, RegistryError> {
        let tagged = self.find_tag(&legacy_tag(subject))?;
        let listed = self.listed()?;
        Ok(tagged.into_iter().chain(attestations(&listed, subject).into_iter().cloned()).collect())
    }

    fn store_blob(&self, what: &str, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        self.check(what, digest, bytes)?;
        let there = match self.bytes(what, digest, bytes.len()) {
            Ok(Some(old)) => old == bytes,
            Ok(None) | Err(RegistryError::TooLarge { .. }) => false,
            Err(e) => return Err(e),
        };
        // Wrong bytes under the right name are replaced: what is reported as stored must be readable.
        if there { Ok(()) } else { self.write(&Folder::blob_name(digest), bytes) }
    }

    fn store_manifest(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let entry = referrer_entry(descriptor, bytes)
            .map_err(|e| unreadable(&self.name, &format!("manifest {}", descriptor.digest), e))?;
        self.store_blob("manifest", &descriptor.digest, bytes)?;
        match entry {
            Some((_, entry)) => self.change(|listing| {
                let new = !listing.contains(&entry.digest);
                if new {
                    listing.push(&entry);
                }
                new
            }),
            None => Ok(()),
        }
    }

    /// A manifest as stored, with the media type that `index.json` or its own bytes give it.
    fn read_manifest(&self, digest: &Digest, limit: usize) -> Result<Option<Served>, RegistryError> {
        let Some(bytes) = self.bytes("manifest", digest, limit)? else { return Ok(None) };
        let described = self.listed()?.media_type(digest);
        // A layout serves no media type; without a descriptor the document's own is all there is.
        let media_type = match described {
            Some(m) => m,
            None => Manifest::parse(&bytes, "").map(|m| m.media_type).unwrap_or_default(),
        };
        Ok(Some(Served { media_type, bytes }))
    }

    fn not_found(&self, what: &str) -> RegistryError {
        RegistryError::NotFound { place: self.name.clone(), what: what.to_owned() }
    }

    fn io_error(&self, what: &str, error: &io::Error) -> RegistryError {
        io_error(&self.name, what, error)
    }
}

fn io_error(place: &str, what: &str, error: &io::Error) -> RegistryError {
    let (place, what) = (place.to_owned(), what.to_owned());
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => RegistryError::NotFound { place, what },
        _ => RegistryError::Unreachable { place, what, cause: error.to_string() },
    }
}

impl Registry for OciLayout {
    fn place(&self) -> String {
        self.name.clone()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        ready(self.find_tag(tag))
    }
    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        ready(self.read_manifest(d, limit))
    }
    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        ready(self.bytes("blob", d, limit))
    }
    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(async move { self.find_referrers(s, limit).await?.or_error() })
    }
    fn listing<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        Box::pin(self.find_referrers(s, limit))
    }
    fn legacy<'a>(&'a self, s: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        ready(self.find_legacy(s))
    }
    fn indexes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        ready(self.listed_indexes(limit))
    }
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.store_blob("blob", digest, bytes))
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.store_manifest(d, bytes))
    }
}
