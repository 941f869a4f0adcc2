//! Which images a layout holds: everything that is listed and is not proven to be evidence.

use super::OciLayout;
use super::listed::{is_image, kind_of, tag_of};
use super::signatures::SIGNATURES;
use crate::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST, Manifest};
use crate::model::unrunnable::{EMPTY_CONFIG, is_archive, starts_nothing};
use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::evidence::holds_evidence;
use crate::registry::listing::{is_fallback_tag, unreadable};
use crate::verify::read_evidence;
use std::collections::{HashMap, HashSet};

impl OciLayout {
    /// The images of the layout: every entry of `index.json` but those whose content proves that they are evidence, each
    /// digest once.
    ///
    /// Whoever loads the folder runs what looks like an image to *their* program, whatever it says of itself: a
    /// `subject`, a tag of the form in which referrers are listed, or an odd type of config. So nothing of that excuses
    /// an entry. Evidence is a manifest with a `subject`, the config `{}`, and layers each of which is a bundle, an
    /// envelope or a signature of its subject; or, under the tag of a list of referrers, an index of such manifests alone. What has
    /// another tag, cannot be read, or is over [`limits::EVIDENCE_BYTES`] together counts as an image. So does what cosign
    /// saved as signatures or attestations, unless its layers are proven so and its config starts nothing.
    ///
    /// # Errors
    /// When `index.json` cannot be read or has an entry that cannot be looked at, which may be an image, or a `manifest.json`
    /// beside it names another image.
    pub fn images(&self) -> Result<Vec<Descriptor>, RegistryError> {
        let listed = self.listed()?;
        if let Some(odd) = listed.odd.first() {
            let what = "an entry of `index.json`, which may be an image: name yours by its digest";
            return Err(unreadable(&self.name, what, odd.error.clone()));
        }
        let mut proofs = Proofs { layout: self, left: limits::EVIDENCE_BYTES, known: HashMap::new() };
        let (mut seen, mut out) = (HashSet::new(), Vec::new());
        let mut saved_with = None;
        for entry in &listed.entries {
            if is_image(entry) {
                saved_with = Some(&entry.digest);
            }
            let beside = saved_with.is_some_and(|image| proofs.saved_beside(entry, image));
            if !seen.contains(&entry.digest) && !beside && !proofs.only_evidence(entry) {
                seen.insert(entry.digest.clone());
                out.push(entry.clone());
            }
        }
        self.same_for_docker(&out)?;
        Ok(out)
    }
}

/// What was proven so far, and how many bytes may still be read for it.
struct Proofs<'a> {
    layout: &'a OciLayout,
    left: usize,
    known: HashMap<Digest, bool>,
}

impl Proofs<'_> {
    fn only_evidence(&mut self, entry: &Descriptor) -> bool {
        match tag_of(entry) {
            None => self.evidence(&entry.digest),
            Some(tag) => is_fallback_tag(tag) && self.listing(&entry.digest),
        }
    }

    /// Whether an entry is what cosign saved beside an image: signatures of it or attestations, from which nothing can be
    /// started. There is no `subject` and no config `{}` there, so all that it holds is looked at.
    fn saved_beside(&mut self, entry: &Descriptor, image: &Digest) -> bool {
        if tag_of(entry).is_some() || !matches!(kind_of(entry), Some("sigs" | "atts")) {
            return false;
        }
        let Some(manifest) = self.manifest(&entry.digest) else { return false };
        let Some(config) = manifest.config.as_ref() else { return false };
        if manifest.layers.is_empty() {
            return false;
        }
        let config = self.bytes(&config.digest, limits::MANIFEST_BYTES);
        manifest.media_type == IMAGE_MANIFEST
            && config.is_some_and(|bytes| starts_nothing(&bytes, &manifest.layers))
            && manifest.layers.iter().all(|layer| self.layer(layer, image))
    }

    /// Whether the manifest is one of evidence; read once, however often it is listed.
    fn evidence(&mut self, digest: &Digest) -> bool {
        if let Some(known) = self.known.get(digest) {
            return *known;
        }
        let proven = self.manifest(digest).is_some_and(|m| self.holds_only_evidence(&m));
        self.known.insert(digest.clone(), proven);
        proven
    }

    /// Whether the manifest is an index that lists evidence and nothing else.
    fn listing(&mut self, digest: &Digest) -> bool {
        let Some(index) = self.manifest(digest) else { return false };
        let plain = index.media_type == IMAGE_INDEX && index.subject.is_none();
        plain && index.manifests.iter().all(|entry| self.evidence(&entry.digest))
    }

    fn holds_only_evidence(&mut self, manifest: &Manifest) -> bool {
        let empty = manifest.config.as_ref().is_some_and(|c| c.digest.matches(EMPTY_CONFIG));
        let Some(subject) = manifest.subject.as_ref().map(|s| &s.digest) else { return false };
        manifest.media_type == IMAGE_MANIFEST
            && empty
            && !manifest.layers.is_empty()
            && manifest.layers.iter().all(|layer| self.layer(layer, subject))
    }

    /// Whether a layer is evidence by its type and by its content.
    fn layer(&mut self, layer: &Descriptor, subject: &Digest) -> bool {
        let signature = SIGNATURES.iter().find(|(media_type, _)| *media_type == layer.media_type);
        if signature.is_none() && !holds_evidence(layer) {
            return false;
        }
        let Some(bytes) = self.bytes(&layer.digest, limits::BUNDLE_BYTES).filter(|bytes| !is_archive(bytes)) else {
            return false;
        };
        signature.map_or_else(|| read_evidence(&bytes).is_ok(), |(_, proves)| proves(&bytes, subject))
    }

    fn manifest(&mut self, digest: &Digest) -> Option<Manifest> {
        let bytes = self.bytes(digest, limits::MANIFEST_BYTES)?;
        Manifest::parse(&bytes, "").ok()
    }

    /// Bytes with this digest, within what may still be read.
    fn bytes(&mut self, digest: &Digest, limit: usize) -> Option<Vec<u8>> {
        let bytes = self.layout.checked_bytes(digest, limit.min(self.left)).ok()??;
        self.left = self.left.saturating_sub(bytes.len().max(LEAST));
        Some(bytes)
    }
}

/// What a file counts as at least: opening one takes time, too.
const LEAST: usize = 4 << 10;
