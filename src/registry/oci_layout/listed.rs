//! What `index.json` lists, read once for an opened layout, and what is known of each manifest there.

use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::listing::{Odd, REF_NAME};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a manifest counts as at least against [`limits::LAYOUT_BYTES`]: opening a file costs as much as reading this.
const LEAST: usize = 4 << 10;

/// The entries of `index.json` as they were when it was first asked for.
#[derive(Debug)]
pub(super) struct Listed {
    /// In their order; of their annotations the tag, and what cosign says that they are.
    pub(super) entries: Vec<Descriptor>,
    /// Those that cannot be looked at.
    pub(super) odd: Vec<Odd>,
    /// Where the first entry of a digest is.
    places: HashMap<Digest, usize>,
    looked: Mutex<Looked>,
}

/// What the manifests are that were looked at so far.
#[derive(Debug, Default)]
pub(super) struct Looked {
    /// How many entries of `index.json` were looked at.
    pub(super) next: usize,
    pub(super) bytes: usize,
    /// Bytes of the manifests whose annotations are kept.
    pub(super) kept: usize,
    pub(super) found: HashMap<Digest, Look>,
    /// Entries of `index.json` that were looked at.
    pub(super) listed: HashSet<Digest>,
    /// Of those, the referrers by the subject that they name.
    pub(super) by_subject: HashMap<Digest, Vec<Arc<Descriptor>>>,
    /// Whether the blobs that nothing lists were looked at, too.
    pub(super) among_blobs: bool,
    /// And those that could not be read: they may refer to anything.
    pub(super) open: Vec<Arc<Descriptor>>,
}

#[derive(Clone, Debug)]
pub(super) enum Look {
    /// The subject, and the entry that lists the referrer.
    Referrer(Digest, Arc<Descriptor>),
    /// Something that refers to nothing.
    Other,
    /// It could not be read; the entry that names it.
    Open(Arc<Descriptor>),
}

/// The tag of an entry of `index.json`.
pub(super) fn tag_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME)?.as_str()
}

/// The annotation by which cosign says what an entry is.
pub(super) const KIND: &str = "kind";
const KINDS: &str = "dev.cosignproject.cosign/";

/// What cosign says of an entry: `image`, `imageIndex`, `sigs`, `atts`.
pub(super) fn kind_of(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(KIND)?.as_str()?.strip_prefix(KINDS)
}

/// Whether an entry says that it is an image which cosign saved.
pub(super) fn is_image(entry: &Descriptor) -> bool {
    matches!(kind_of(entry), Some("image" | "imageIndex"))
}

/// The attestations that cosign saved behind an image: each entry of that kind between it and the next image. What is in
/// them says of what they are.
pub(super) fn attestations<'a>(listed: &'a Listed, subject: &Digest) -> Vec<&'a Descriptor> {
    let (mut image, mut found) = (None, Vec::new());
    for entry in &listed.entries {
        if is_image(entry) {
            image = Some(&entry.digest);
        } else if kind_of(entry) == Some("atts") && image == Some(subject) {
            found.push(entry);
        }
    }
    found
}

impl Listed {
    /// Of the entries of an `index.json`.
    pub(super) fn of(mut entries: Vec<Descriptor>, odd: Vec<Odd>) -> Self {
        for entry in &mut entries {
            entry.annotations.retain(|name, _| [REF_NAME, KIND].contains(&name.as_str()));
        }
        let mut places = HashMap::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            places.entry(entry.digest.clone()).or_insert(place);
        }
        Self { entries, odd, places, looked: Mutex::default() }
    }

    /// The media type that the first entry of a digest gives it.
    pub(super) fn media_type(&self, digest: &Digest) -> Option<String> {
        let said = self.places.get(digest).map(|place| self.entries[*place].media_type.clone());
        said.filter(|media_type| !media_type.is_empty())
    }

    /// Whether an entry has this digest.
    pub(super) fn has(&self, digest: &Digest) -> bool {
        self.places.contains_key(digest)
    }

    pub(super) fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries of `index.json` that refer to a subject or may do so: no more than tell that they are over a limit.
    pub(super) fn referring(&self, subject: &Digest, limit: usize) -> Vec<Descriptor> {
        let looked = self.looked();
        let own = looked.by_subject.get(subject).into_iter().flatten();
        own.chain(&looked.open).take(limit + 2).map(|e| Descriptor::clone(e)).collect()
    }
}

impl Looked {
    /// Counts what is read: an index lists as many manifests as fit in it, each of which may be as large again.
    pub(super) fn charge(&mut self, layout: &str, bytes: usize) -> Result<(), RegistryError> {
        self.bytes += bytes.max(LEAST);
        if self.bytes <= limits::LAYOUT_BYTES {
            return Ok(());
        }
        let what = "the manifests that its indexes list (bytes)".to_owned();
        Err(RegistryError::TooLarge { place: layout.to_owned(), what, limit: limits::LAYOUT_BYTES })
    }
}

impl Look {
    pub(super) fn referring(self, subject: &Digest) -> Option<Descriptor> {
        match self {
            Self::Referrer(found, entry) if found == *subject => Some(Descriptor::clone(&entry)),
            Self::Open(entry) => Some(Descriptor::clone(&entry)),
            Self::Referrer(..) | Self::Other => None,
        }
    }
}
