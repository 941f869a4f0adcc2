//! [`Memory`]: a repository in memory, for tests and for routes that need none.

use super::listing::{referrer_entry, too_many, unreadable};
use super::{Registry, RegistryError, Served};
use crate::model::oci::{DOCKER_LIST, IMAGE_INDEX};
use crate::model::{Descriptor, Digest};
use crate::seam::{BoxFuture, ready};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// What a repository is asked to do; what a fault hook sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Operation<'a> {
    /// [`Registry::resolve`] of a tag.
    Resolve(&'a str),
    /// [`Registry::manifest`].
    Manifest(&'a Digest),
    /// [`Registry::blob`].
    Blob(&'a Digest),
    /// [`Registry::referrers`] of a subject.
    Referrers(&'a Digest),
    /// [`Registry::push_blob`].
    PushBlob(&'a Digest),
    /// [`Registry::push_manifest`].
    PushManifest(&'a Digest),
}

type Hook = dyn Fn(Operation<'_>) -> Option<RegistryError> + Send + Sync;

/// A repository in memory.
#[derive(Default)]
pub struct Memory {
    place: String,
    state: Mutex<State>,
    hook: Option<Box<Hook>>,
}

#[derive(Default)]
struct State {
    tags: BTreeMap<String, Descriptor>,
    manifests: HashMap<Digest, Served>,
    blobs: HashMap<Digest, Vec<u8>>,
    /// Subject to its referrers, in the order of their coming.
    referrers: HashMap<Digest, Vec<Descriptor>>,
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Memory {
    /// An empty repository; `place` is its name in messages.
    #[must_use]
    pub fn new(place: impl Into<String>) -> Self {
        Self { place: place.into(), ..Self::default() }
    }

    /// Asks `hook` before every operation; an error that it returns is the operation's answer.
    #[must_use]
    pub fn with_faults(
        mut self,
        hook: impl Fn(Operation<'_>) -> Option<RegistryError> + Send + Sync + 'static,
    ) -> Self {
        self.hook = Some(Box::new(hook));
        self
    }

    /// Lets `tag` name a manifest.
    pub fn tag(&self, tag: impl Into<String>, descriptor: Descriptor) {
        self.state().tags.insert(tag.into(), descriptor);
    }

    /// Stores bytes under a digest they need not have, as a dishonest registry would.
    pub fn corrupt(&self, digest: &Digest, bytes: Vec<u8>) {
        let mut state = self.state();
        if let Some(m) = state.manifests.get_mut(digest) {
            m.bytes = bytes;
        } else {
            state.blobs.insert(digest.clone(), bytes);
        }
    }

    /// Forgets a manifest or blob that listings still name.
    pub fn forget(&self, digest: &Digest) {
        let mut state = self.state();
        state.manifests.remove(digest);
        state.blobs.remove(digest);
    }

    /// Lists a referrer of `subject`, whatever is or is not behind it.
    pub fn list(&self, subject: &Digest, entry: Descriptor) {
        self.state().referrers.entry(subject.clone()).or_default().push(entry);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn begin(&self, operation: Operation<'_>) -> Result<MutexGuard<'_, State>, RegistryError> {
        match self.hook.as_ref().and_then(|h| h(operation)) {
            Some(error) => Err(error),
            None => Ok(self.state()),
        }
    }

    fn within(&self, what: String, len: usize, limit: usize) -> Result<(), RegistryError> {
        if len > limit {
            return Err(RegistryError::TooLarge { place: self.place.clone(), what: format!("{what} (bytes)"), limit });
        }
        Ok(())
    }

    fn check(&self, what: &str, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        if digest.matches(bytes) {
            return Ok(());
        }
        Err(RegistryError::DigestMismatch {
            place: self.place.clone(),
            what: format!("{what} {digest}"),
            expected: digest.to_string(),
            found: Digest::sha256(bytes).to_string(),
        })
    }

    fn read_manifest(&self, digest: &Digest, limit: usize) -> Result<Option<Served>, RegistryError> {
        let state = self.begin(Operation::Manifest(digest))?;
        let Some(served) = state.manifests.get(digest) else { return Ok(None) };
        self.within(format!("manifest {digest}"), served.bytes.len(), limit)?;
        Ok(Some(served.clone()))
    }

    fn read_blob(&self, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        let state = self.begin(Operation::Blob(digest))?;
        let Some(bytes) = state.blobs.get(digest) else { return Ok(None) };
        self.within(format!("blob {digest}"), bytes.len(), limit)?;
        Ok(Some(bytes.clone()))
    }

    fn read_referrers(&self, subject: &Digest, limit: usize) -> Result<Vec<Descriptor>, RegistryError> {
        let list = self.begin(Operation::Referrers(subject))?.referrers.get(subject).cloned().unwrap_or_default();
        if list.len() > limit { Err(too_many(&self.place, subject, limit)) } else { Ok(list) }
    }

    fn store_manifest(&self, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let digest = &descriptor.digest;
        let mut state = self.begin(Operation::PushManifest(digest))?;
        self.check("manifest", digest, bytes)?;
        let entry =
            referrer_entry(descriptor, bytes).map_err(|e| unreadable(&self.place, &format!("manifest {digest}"), e))?;
        let served = Served { media_type: descriptor.media_type.clone(), bytes: bytes.to_vec() };
        state.manifests.insert(digest.clone(), served);
        if let Some((subject, entry)) = entry {
            let list = state.referrers.entry(subject.digest).or_default();
            if !list.iter().any(|e| e.digest == entry.digest) {
                list.push(entry);
            }
        }
        Ok(())
    }

    fn store_blob(&self, digest: &Digest, bytes: &[u8]) -> Result<(), RegistryError> {
        let mut state = self.begin(Operation::PushBlob(digest))?;
        self.check("blob", digest, bytes)?;
        state.blobs.entry(digest.clone()).or_insert_with(|| bytes.to_vec());
        Ok(())
    }

    fn tagged_indexes(&self, limit: usize) -> Vec<Digest> {
        let state = self.state();
        let is_index = |d: &&Descriptor| [IMAGE_INDEX, DOCKER_LIST].contains(&d.media_type.as_str());
        state.tags.values().filter(is_index).map(|d| d.digest.clone()).take(limit).collect()
    }
}

impl Registry for Memory {
    fn place(&self) -> String {
        self.place.clone()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        ready(self.begin(Operation::Resolve(tag)).map(|s| s.tags.get(tag).cloned()))
    }
    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        ready(self.read_manifest(d, limit))
    }
    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        ready(self.read_blob(d, limit))
    }
    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        ready(self.read_referrers(s, limit))
    }
    fn indexes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        ready(Ok(self.tagged_indexes(limit)))
    }
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.store_blob(digest, bytes))
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        ready(self.store_manifest(d, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Checked;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    fn now<T>(f: impl Future<Output = T>) -> T {
        match pin!(f).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(v) => v,
            Poll::Pending => panic!("an in-memory repository waited"),
        }
    }

    #[test]
    fn checked_refuses_what_a_dishonest_registry_serves() {
        let memory = Memory::new("memory");
        let digest = Digest::sha256(b"good");
        now(memory.push_blob(&digest, b"good")).unwrap();
        assert_eq!(now(Checked::new(&memory).blob(&digest, 10)).unwrap().unwrap(), b"good");
        memory.corrupt(&digest, b"evil".to_vec());
        let e = now(Checked::new(&memory).blob(&digest, 10)).unwrap_err();
        assert_eq!(e.code().as_str(), "digest-mismatch");
        memory.forget(&digest);
        assert_eq!(now(Checked::new(&memory).need_blob(&digest, 10)).unwrap_err().code().as_str(), "content-missing");
    }

    #[test]
    fn a_hook_decides_the_answer() {
        let refused = |place: &str| RegistryError::RateLimited {
            place: place.into(),
            what: "a test".into(),
            detail: String::new(),
            wait: None,
        };
        let memory = Memory::new("memory")
            .with_faults(move |op| matches!(op, Operation::Referrers(_)).then(|| refused("memory")));
        let d = Digest::sha256(b"");
        assert_eq!(now(memory.referrers(&d, 1)).unwrap_err().code().as_str(), "rate-limited");
        assert!(now(memory.blob(&d, 1)).unwrap().is_none());
    }
}
