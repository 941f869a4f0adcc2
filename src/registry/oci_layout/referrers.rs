//! Which manifests of a layout refer to one: each that `index.json` names is looked at, once.

use super::OciLayout;
use super::listed::{Listed, Look, Looked, tag_of};
use crate::model::{Descriptor, Digest, limits};
use crate::registry::listing::{Listing, fallback_tag, is_fallback_tag, referrer_entry, too_many, unreadable};
use crate::registry::{Referrers, RegistryError};
use std::collections::HashSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// Bytes that are looked at before others get their turn.
const AT_ONCE: usize = 1 << 20;

/// Lets everything else that waits have its turn, a deadline among it.
pub(super) async fn pause() {
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
    /// The referrers of a subject: entries of `index.json`, and of the index that some tools write under its tag; and in a
    /// folder that cosign saved what stands among its blobs alone.
    pub(super) async fn find_referrers(&self, subject: &Digest, limit: usize) -> Result<Referrers, RegistryError> {
        let listed = self.listed()?;
        while !self.look_on(&listed)? {
            pause().await;
        }
        self.look_among_blobs(&listed).await?;
        // An entry without a digest that can be looked at may be one.
        let odd = listed.odd.iter().map(|o| unreadable(&self.name, "an entry of `index.json`", o.error.clone()));
        let mut unread: Vec<_> = odd.take(limit + 1).collect();
        let mut candidates = listed.referring(subject, limit);
        let tag = fallback_tag(subject);
        let indexes: HashSet<_> =
            listed.entries.iter().filter(|e| tag_of(e) == Some(&tag)).map(|e| &e.digest).collect();
        for digest in indexes {
            let what = format!("the referrers index {digest}");
            let bytes = self.checked_bytes(digest, limits::MANIFEST_BYTES)?.ok_or_else(|| self.not_found(&what))?;
            listed.looked().charge(&self.name, bytes.len())?;
            let (entries, odd) =
                Listing::parse(&bytes).and_then(|l| l.referrers()).map_err(|e| unreadable(&self.name, &what, e))?;
            unread.extend(odd.into_iter().take(limit + 1).map(|e| unreadable(&self.name, &what, e)));
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
        if candidates.len() > limit {
            return Err(too_many(&self.name, subject, limit));
        }
        Ok(Referrers { listed: candidates, unread, ..Referrers::default() })
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
    pub(super) fn look(&self, looked: &mut Looked, entry: &Descriptor) -> Result<(Look, bool), RegistryError> {
        if let Some(look) = looked.found.get(&entry.digest) {
            return Ok((look.clone(), false));
        }
        let bytes = self.checked_bytes(&entry.digest, limits::MANIFEST_BYTES);
        let size = bytes.as_ref().map_or(0, |b| b.as_ref().map_or(0, Vec::len));
        looked.charge(&self.name, size)?;
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
