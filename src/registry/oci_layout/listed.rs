//! What `index.json` lists, read once for an opened layout, and what each manifest there refers to, looked at once.

use super::{INDEX, OciLayout};
use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::listing::{
    Listing, REF_NAME, fallback_tag, is_fallback_tag, referrer_entry, too_many, unreadable,
};
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;

/// What a manifest counts as at least against [`limits::LAYOUT_BYTES`]: opening a file costs as much as reading this.
const LEAST: usize = 4 << 10;
/// Bytes that are looked at before others get their turn.
const AT_ONCE: usize = 1 << 20;

/// The entries of `index.json` as they were when it was first asked for.
#[derive(Debug)]
pub(super) struct Listed {
    /// In their order; of their annotations the tag.
    pub(super) entries: Vec<Descriptor>,
    /// Where the first entry of a digest is.
    places: HashMap<Digest, usize>,
    looked: Mutex<Looked>,
}

/// What the manifests are that were looked at so far.
#[derive(Debug, Default)]
struct Looked {
    /// How many entries of `index.json` were looked at.
    next: usize,
    bytes: usize,
    /// Bytes of the manifests whose annotations are kept.
    kept: usize,
    found: HashMap<Digest, Look>,
    /// Entries of `index.json` that were looked at.
    listed: HashSet<Digest>,
    /// Of those, the referrers by the subject that they name.
    by_subject: HashMap<Digest, Vec<Arc<Descriptor>>>,
    /// And those that could not be read: they may refer to anything.
    open: Vec<Arc<Descriptor>>,
}

#[derive(Clone, Debug)]
enum Look {
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

/// Lets everything else that waits have its turn, a deadline among it.
async fn pause() {
    let mut paused = false;
    poll_fn(|context| {
        if paused {
            return Poll::Ready(());
        }
        paused = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl OciLayout {
    /// The entries of `index.json`, read when they are first asked for and after each change by this value.
    pub(super) fn listed(&self) -> Result<Arc<Listed>, RegistryError> {
        let mut listed = self.listed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*listed {
            return Ok(known.clone());
        }
        let mut entries = self.listing()?.1;
        for entry in &mut entries {
            entry.annotations.retain(|name, _| name == REF_NAME);
        }
        let mut places = HashMap::with_capacity(entries.len());
        for (place, entry) in entries.iter().enumerate() {
            places.entry(entry.digest.clone()).or_insert(place);
        }
        Ok(listed.insert(Arc::new(Listed { entries, places, looked: Mutex::default() })).clone())
    }

    /// Forgets what was read: it was changed.
    pub(super) fn forget(&self) {
        *self.listed.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// `index.json` as it is now, and its entries.
    pub(super) fn listing(&self) -> Result<(Listing, Vec<Descriptor>), RegistryError> {
        let what = "the file `index.json`";
        let bytes = self.read(INDEX, what, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(what))?;
        let error = |e| unreadable(&self.name, what, e);
        let listing = Listing::parse(&bytes).map_err(error)?;
        let entries = listing.entries().map_err(error)?;
        Ok((listing, entries))
    }

    /// The referrers of a subject: entries of `index.json`, and of the index that some tools write under its tag.
    pub(super) async fn find_referrers(
        &self,
        subject: &Digest,
        limit: usize,
    ) -> Result<Vec<Descriptor>, RegistryError> {
        let listed = self.listed()?;
        while !self.look_on(&listed)? {
            pause().await;
        }
        let mut candidates = listed.referring(subject, limit);
        let tag = fallback_tag(subject);
        let indexes: HashSet<_> =
            listed.entries.iter().filter(|e| tag_of(e) == Some(&tag)).map(|e| &e.digest).collect();
        for digest in indexes {
            let what = format!("the referrers index {digest}");
            let bytes = self.checked_bytes(digest, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(&what))?;
            listed.looked().charge(self, bytes.len())?;
            let entries =
                Listing::parse(&bytes).and_then(|l| l.entries()).map_err(|e| unreadable(&self.name, &what, e))?;
            for entry in entries.iter().filter(|e| !tag_of(e).is_some_and(is_fallback_tag)) {
                let (look, new) = self.look(&mut listed.looked(), entry)?;
                candidates.extend(look.referring(subject));
                if new {
                    pause().await;
                }
            }
        }
        let mut seen = HashSet::from([subject.clone()]);
        candidates.retain(|entry| seen.insert(entry.digest.clone()));
        if candidates.len() > limit { Err(too_many(&self.name, subject, limit)) } else { Ok(candidates) }
    }

    /// Looks at the next entries of `index.json`; whether all were looked at.
    fn look_on(&self, listed: &Listed) -> Result<bool, RegistryError> {
        let mut looked = listed.looked();
        let enough = looked.bytes + AT_ONCE;
        while looked.bytes < enough {
            let Some(entry) = listed.entries.get(looked.next) else { return Ok(true) };
            looked.next += 1;
            if tag_of(entry).is_some_and(is_fallback_tag) || looked.listed.contains(&entry.digest) {
                continue;
            }
            let look = self.look(&mut looked, entry)?.0;
            looked.listed.insert(entry.digest.clone());
            match look {
                Look::Referrer(subject, entry) => looked.by_subject.entry(subject).or_default().push(entry),
                Look::Open(entry) => looked.open.push(entry),
                Look::Other => {}
            }
        }
        Ok(false)
    }

    /// What the manifest of an entry is, and whether it had to be read for that.
    fn look(&self, looked: &mut Looked, entry: &Descriptor) -> Result<(Look, bool), RegistryError> {
        if let Some(look) = looked.found.get(&entry.digest) {
            return Ok((look.clone(), false));
        }
        let bytes = self.checked_bytes(&entry.digest, limits::MANIFEST_BYTES);
        let size = bytes.as_ref().map_or(0, |b| b.as_ref().map_or(0, Vec::len));
        looked.charge(self, size)?;
        let found = bytes.ok().flatten().and_then(|bytes| referrer_entry(entry, &bytes).ok());
        let look = match found {
            Some(Some((subject, mut entry))) => {
                looked.kept += size;
                if looked.kept > limits::MANIFEST_BYTES {
                    // Hints, of which a listing of a registry would not hold more.
                    entry.annotations.clear();
                }
                Look::Referrer(subject.digest, Arc::new(entry))
            }
            Some(None) => Look::Other,
            // It may refer to the subject: a candidate whose fetching will say what is wrong, not one that is passed
            // over.
            None => Look::Open(Arc::new(entry.clone())),
        };
        looked.found.insert(entry.digest.clone(), look.clone());
        Ok((look, true))
    }
}

impl Listed {
    /// The media type that the first entry of a digest gives it.
    pub(super) fn media_type(&self, digest: &Digest) -> Option<String> {
        self.places.get(digest).map(|place| self.entries[*place].media_type.clone())
    }

    fn looked(&self) -> MutexGuard<'_, Looked> {
        self.looked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries of `index.json` that refer to a subject or may do so: no more than tell that they are over a limit.
    fn referring(&self, subject: &Digest, limit: usize) -> Vec<Descriptor> {
        let looked = self.looked();
        let own = looked.by_subject.get(subject).into_iter().flatten();
        own.chain(&looked.open).take(limit + 2).map(|e| Descriptor::clone(e)).collect()
    }
}

impl Looked {
    /// Counts what is read: an index lists as many manifests as fit in it, each of which may be as large again.
    fn charge(&mut self, layout: &OciLayout, bytes: usize) -> Result<(), RegistryError> {
        self.bytes += bytes.max(LEAST);
        if self.bytes <= limits::LAYOUT_BYTES {
            return Ok(());
        }
        let what = "the manifests that its indexes list (bytes)".to_owned();
        Err(RegistryError::TooLarge { place: layout.name.clone(), what, limit: limits::LAYOUT_BYTES })
    }
}

impl Look {
    fn referring(self, subject: &Digest) -> Option<Descriptor> {
        match self {
            Self::Referrer(found, entry) if found == *subject => Some(Descriptor::clone(&entry)),
            Self::Open(entry) => Some(Descriptor::clone(&entry)),
            Self::Referrer(..) | Self::Other => None,
        }
    }
}
