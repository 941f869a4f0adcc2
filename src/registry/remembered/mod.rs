//! [`Remembered`]: a registry over another one, which remembers what it was told.
//!
//! Content is remembered by digest, after it was compared with it: whoever answers wrongly must not make others hear it.
//! Listings are remembered with the time when they were read; how old a listing may be is said by whoever asks. Using an old
//! one is safe for an Allow, because more evidence never makes that worse; it is not safe for a no, which the next
//! attestation would turn around. What is asked for by several at once is asked once, and the question outlives who asked it.
//! What is absent is not remembered, nor what a tag names, nor an error.

mod recall;

pub use recall::Held;
use recall::Recall;

use super::listing::too_many;
use super::{Referrers, Registry, RegistryError, Served};
use crate::model::{Descriptor, Digest, Timestamp, limits};
use crate::seam::BoxFuture;
use futures_util::FutureExt as _;
use futures_util::future::Shared;
use recall::{Kept, Key};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Answer = Result<Option<Kept>, RegistryError>;
type Question = Shared<BoxFuture<'static, Answer>>;

/// What all [`Remembered`] of one process share: the memory, and what is being asked now.
pub struct Shelf {
    recall: Recall,
    asked: Mutex<HashMap<(Key, usize), Question>>,
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
}

impl std::fmt::Debug for Shelf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shelf").field("recall", &self.recall).finish_non_exhaustive()
    }
}

impl Shelf {
    /// An empty one, of at most `capacity` bytes; `now` is the clock.
    pub fn new(capacity: usize, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self { recall: Recall::new(capacity), asked: Mutex::default(), now: Box::new(now) })
    }

    /// How much is remembered.
    #[must_use]
    pub fn held(&self) -> Held {
        self.recall.held()
    }

    fn asked(&self) -> MutexGuard<'_, HashMap<(Key, usize), Question>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, unless somebody is asking the same; the question ends by itself, whoever waits for it.
    fn ask(self: &Arc<Self>, key: Key, limit: usize, how: BoxFuture<'static, Answer>) -> Question {
        let slot = (key.clone(), limit);
        let mut asked = self.asked();
        if let Some(question) = asked.get(&slot) {
            return question.clone();
        }
        let shelf = self.clone();
        let ended = slot.clone();
        let task = tokio::spawn(async move {
            // When it was begun: what was attached while it was answered may not be in it.
            let begun = (shelf.now)();
            let answer = std::panic::AssertUnwindSafe(how).catch_unwind().await;
            if let Ok(Ok(Some(kept))) = &answer
                && kept.is_whole()
            {
                shelf.recall.put(key, kept.clone(), begun);
            }
            shelf.asked().remove(&ended);
            answer
        });
        let stopped = || RegistryError::Unreachable {
            place: "the registry".into(),
            what: "a question".into(),
            cause: "it was stopped by a defect of attest".into(),
        };
        let question: BoxFuture<'static, Answer> =
            Box::pin(async move { task.await.ok().and_then(Result::ok).unwrap_or_else(|| Err(stopped())) });
        let question = question.shared();
        asked.insert(slot, question.clone());
        question
    }
}

impl Kept {
    /// Whether nothing of it could not be read: a listing with a hole is no answer for later.
    fn is_whole(&self) -> bool {
        !matches!(self, Self::Listing(listed) if !listed.unread.is_empty())
    }

    /// The bytes of content; none of a listing.
    fn content(&self) -> &[u8] {
        match self {
            Self::Blob(bytes) => bytes,
            Self::Manifest(served) => &served.bytes,
            Self::Listing(_) | Self::Legacy(_) => &[],
        }
    }
}

/// A repository whose answers are remembered.
pub struct Remembered {
    shelf: Arc<Shelf>,
    inner: Arc<dyn Registry>,
    place: Arc<str>,
    /// How old a listing may be that is used (seconds).
    oldest: i64,
    /// The age of the oldest listing that was used (seconds).
    used: AtomicI64,
    /// Whether the registry is not asked.
    alone: bool,
}

impl std::fmt::Debug for Remembered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remembered").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Remembered {
    /// Over a registry. A listing is used up to `oldest` seconds after it was read; one of over
    /// [`LISTING_SECONDS`](limits::LISTING_SECONDS) is asked again meanwhile.
    #[must_use]
    pub fn over(inner: Arc<dyn Registry>, shelf: Arc<Shelf>, oldest: i64) -> Self {
        let place = inner.place().into();
        Self { shelf, inner, place, oldest, used: AtomicI64::new(0), alone: false }
    }

    /// The same, by what is remembered alone: the registry is not asked.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn ask(&self, key: Key, limit: usize, how: BoxFuture<'static, Answer>) -> Question {
        if !self.alone {
            return self.shelf.ask(key, limit, how);
        }
        let place = self.place.to_string();
        let (what, cause) = ("what is not remembered".to_owned(), "too much is being asked already".to_owned());
        let refused: BoxFuture<'static, Answer> =
            crate::seam::ready(Err(RegistryError::Unreachable { place, what, cause }));
        refused.shared()
    }

    /// The age of the oldest listing that was used so far (seconds).
    pub fn oldest_used(&self) -> i64 {
        self.used.load(Ordering::Relaxed)
    }

    /// Content: what is remembered never changes.
    async fn content(&self, key: Key, limit: usize, what: &str, digest: &Digest) -> Answer {
        if let Some((kept, _)) = self.shelf.recall.get(&key) {
            if kept.content().len() > limit {
                let (place, what) = (self.place.to_string(), format!("{what} {digest} (bytes)"));
                return Err(RegistryError::TooLarge { place, what, limit });
            }
            return Ok(Some(kept));
        }
        let (inner, digest) = (self.inner.clone(), digest.clone());
        let (place, what) = (self.place.to_string(), format!("{what} {digest}"));
        let is_blob = matches!(key, Key::Blob(_));
        let ask: BoxFuture<'static, Answer> = Box::pin(async move {
            let served = match is_blob {
                true => inner.blob(&digest, limit).await?.map(|bytes| Kept::Blob(Arc::new(bytes))),
                false => inner.manifest(&digest, limit).await?.map(|served| Kept::Manifest(Arc::new(served))),
            };
            let Some(kept) = served else { return Ok(None) };
            if digest.matches(kept.content()) {
                return Ok(Some(kept));
            }
            let (expected, found) = (digest.to_string(), Digest::sha256(kept.content()).to_string());
            Err(RegistryError::DigestMismatch { place, what, expected, found })
        });
        self.ask(key, limit, ask).await
    }

    /// A listing: the one that is remembered, where it is not too old; asked again where it is not new.
    async fn list(&self, key: Key, limit: usize, subject: &Digest) -> Answer {
        let ask = || -> BoxFuture<'static, Answer> {
            let (inner, subject) = (self.inner.clone(), subject.clone());
            let is_legacy = matches!(key, Key::Legacy(..));
            Box::pin(async move {
                Ok(Some(match is_legacy {
                    true => {
                        let mut listed = inner.legacy(&subject).await?;
                        bare(&mut listed);
                        Kept::Legacy(Arc::new(listed))
                    }
                    false => {
                        let mut listing = inner.listing(&subject, limit).await?;
                        bare(&mut listing.listed);
                        Kept::Listing(Arc::new(listing))
                    }
                }))
            })
        };
        if let Some((kept, read)) = self.shelf.recall.get(&key) {
            // A clock that was set back makes nothing new.
            let age = ((self.shelf.now)().unix() - read.unix()).abs();
            if age <= self.oldest {
                self.used.fetch_max(age, Ordering::Relaxed);
                if age > limits::LISTING_SECONDS {
                    drop(self.ask(key.clone(), limit, ask()));
                }
                let listed = matches!(&kept, Kept::Listing(l) if l.listed.len() > limit);
                return if listed { Err(too_many(&self.place, subject, limit)) } else { Ok(Some(kept)) };
            }
        }
        self.ask(key.clone(), limit, ask()).await
    }
}

/// Takes long annotations from a listing: they are hints, nothing is decided by them, and they are as long as whoever may push
/// liked. A few hundred images with megabytes of them would take the memory that the evidence of all others is remembered in.
fn bare(listed: &mut [Descriptor]) {
    let is_long = |d: &Descriptor| {
        let bytes: usize =
            d.annotations.iter().map(|(name, note)| name.len() + note.as_str().map_or(0, str::len)).sum();
        bytes > limits::REMEMBERED_ANNOTATIONS
    };
    listed.iter_mut().filter(|descriptor| is_long(descriptor)).for_each(|descriptor| {
        descriptor.annotations = serde_json::Map::new();
    });
}

impl Registry for Remembered {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        self.inner.resolve(tag)
    }
    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        Box::pin(async move {
            let key = Key::Manifest(self.place.clone(), d.clone());
            let kept = self.content(key, limit, "manifest", d).await?;
            Ok(kept.and_then(|k| if let Kept::Manifest(served) = k { Some((*served).clone()) } else { None }))
        })
    }
    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        Box::pin(async move {
            let kept = self.content(Key::Blob(d.clone()), limit, "blob", d).await?;
            Ok(kept.and_then(|k| if let Kept::Blob(bytes) = k { Some((*bytes).clone()) } else { None }))
        })
    }
    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(async move { self.listing(s, limit).await?.or_error() })
    }
    fn listing<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        Box::pin(async move {
            let kept = self.list(Key::Listing(self.place.clone(), s.clone()), limit, s).await?;
            Ok(match kept {
                Some(Kept::Listing(listed)) => (*listed).clone(),
                _ => Referrers::default(),
            })
        })
    }
    fn legacy<'a>(&'a self, s: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(async move {
            let kept = self.list(Key::Legacy(self.place.clone(), s.clone()), limits::REFERRERS, s).await?;
            Ok(match kept {
                Some(Kept::Legacy(listed)) => (*listed).clone(),
                _ => Vec::new(),
            })
        })
    }
    fn indexes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        self.inner.indexes(limit)
    }
    fn can_push(&self) -> BoxFuture<'_, Result<(), RegistryError>> {
        self.inner.can_push()
    }
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.inner.push_blob(digest, bytes)
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        Box::pin(async move {
            self.inner.push_manifest(d, bytes).await?;
            // What it is about is listed anew now.
            if let Ok(manifest) = crate::model::oci::Manifest::parse(bytes, &d.media_type)
                && let Some(subject) = manifest.subject
            {
                self.shelf.recall.forget(&Key::Listing(self.place.clone(), subject.digest.clone()));
                self.shelf.recall.forget(&Key::Legacy(self.place.clone(), subject.digest));
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
