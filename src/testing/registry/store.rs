//! What a registry has stored, per repository.

use crate::model::oci::Manifest;
use crate::model::{Descriptor, Digest};
use std::collections::{BTreeMap, HashMap};

#[derive(Default)]
pub(super) struct Store(HashMap<String, Repository>);

#[derive(Default)]
struct Repository {
    tags: BTreeMap<String, Digest>,
    manifests: HashMap<Digest, Stored>,
    blobs: HashMap<Digest, Vec<u8>>,
    /// Manifests in the order of their coming, for stable listings.
    order: Vec<Digest>,
}

#[derive(Clone)]
pub(super) struct Stored {
    pub(super) media_type: String,
    pub(super) bytes: Vec<u8>,
}

impl Store {
    fn of(&mut self, repository: &str) -> &mut Repository {
        self.0.entry(repository.to_owned()).or_default()
    }

    pub(super) fn put_manifest(&mut self, repository: &str, descriptor: &Descriptor, bytes: &[u8]) {
        let repository = self.of(repository);
        let stored = Stored { media_type: descriptor.media_type.clone(), bytes: bytes.to_vec() };
        if repository.manifests.insert(descriptor.digest.clone(), stored).is_none() {
            repository.order.push(descriptor.digest.clone());
        }
    }

    pub(super) fn tag(&mut self, repository: &str, tag: &str, digest: &Digest) {
        self.of(repository).tags.insert(tag.to_owned(), digest.clone());
    }

    pub(super) fn put_blob(&mut self, repository: &str, digest: &Digest, bytes: &[u8]) {
        self.of(repository).blobs.insert(digest.clone(), bytes.to_vec());
    }

    pub(super) fn remove(&mut self, repository: &str, digest: &Digest) {
        let repository = self.of(repository);
        repository.manifests.remove(digest);
        repository.blobs.remove(digest);
    }

    pub(super) fn tagged(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.0.get(repository)?.tags.get(tag).cloned()
    }

    pub(super) fn tags(&self, repository: &str) -> Vec<String> {
        self.0.get(repository).map_or_else(Vec::new, |r| r.tags.keys().cloned().collect())
    }

    pub(super) fn manifest(&self, repository: &str, digest: &Digest) -> Option<&Stored> {
        self.0.get(repository)?.manifests.get(digest)
    }

    pub(super) fn blob(&self, repository: &str, digest: &Digest) -> Option<&[u8]> {
        Some(self.0.get(repository)?.blobs.get(digest)?)
    }

    /// Entries of the referrers API.
    pub(super) fn referrers(&self, repository: &str, subject: &Digest) -> Vec<Descriptor> {
        let Some(repository) = self.0.get(repository) else { return Vec::new() };
        let entry = |digest: &Digest| {
            let stored = repository.manifests.get(digest)?;
            let manifest = Manifest::parse(&stored.bytes, &stored.media_type).ok()?;
            (manifest.subject?.digest == *subject).then(|| {
                let mut entry = Descriptor::of(&stored.media_type, &stored.bytes);
                entry.artifact_type = manifest.artifact_type;
                entry.annotations = manifest.annotations;
                entry
            })
        };
        repository.order.iter().filter_map(entry).collect()
    }
}
