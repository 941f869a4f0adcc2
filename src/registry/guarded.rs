//! [`Guarded`]: a registry over another one, which a server asks only as much as it bears: so many requests at a time, and
//! none for a while after it failed often, or said that it is asked too much.

use super::{Referrers, Registry, RegistryError, Served};
use crate::model::{Descriptor, Digest, limits};
use crate::seam::BoxFuture;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Instant;

/// How one registry is doing: shared by all of its repositories.
#[derive(Debug)]
pub struct Gate {
    room: Semaphore,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// In a row.
    failures: u32,
    /// It is left alone until then.
    until: Option<Instant>,
    /// Because it asked for that itself.
    is_asked: bool,
}

impl Default for Gate {
    fn default() -> Self {
        Self { room: Semaphore::new(limits::REGISTRY_REQUESTS), state: Mutex::default() }
    }
}

impl Gate {
    /// Whether it is left alone now.
    #[must_use]
    pub fn is_shut(&self) -> bool {
        self.left().is_some()
    }

    fn left(&self) -> Option<Duration> {
        let until = self.state().until?;
        until.checked_duration_since(Instant::now()).filter(|d| !d.is_zero())
    }

    fn why(&self) -> &'static str {
        if self.state().is_asked { "it asked to be left alone" } else { "it failed several times" }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an answer says of the registry. What it refuses or does not have, it answered.
    fn heard<T>(&self, answer: &Result<T, RegistryError>) {
        let mut state = self.state();
        let asked = match answer {
            Err(RegistryError::RateLimited { wait, .. }) => {
                state.failures = state.failures.max(limits::REGISTRY_FAILURES);
                *wait
            }
            Err(RegistryError::Failed { wait, .. }) => *wait,
            Err(RegistryError::Unreachable { .. }) => None,
            _ => {
                // One that was asked before it asked to be left alone may answer after that.
                let until = state.until.filter(|until| state.is_asked && *until > Instant::now());
                *state = State { failures: 0, until, is_asked: until.is_some() };
                return;
            }
        };
        state.failures = state.failures.saturating_add(1);
        let over = state.failures.checked_sub(limits::REGISTRY_FAILURES).map(|over| {
            let [first, most] = limits::REGISTRY_PAUSE_SECONDS;
            Duration::from_secs(first.saturating_mul(1 << over.min(10)).min(most))
        });
        let asked = asked.map(|asked| asked.min(Duration::from_secs(limits::REGISTRY_ASKED_PAUSE_SECONDS)));
        let Some(pause) = over.max(asked) else { return };
        let until = Instant::now() + pause;
        // Several are under way at a time: a shorter pause does not end a longer one.
        if state.until.is_none_or(|known| known < until) {
            *state = State { until: Some(until), is_asked: asked.is_some_and(|asked| asked >= pause), ..*state };
        }
    }
}

/// A repository behind a [`Gate`].
pub struct Guarded {
    inner: Arc<dyn Registry>,
    gate: Arc<Gate>,
}

impl std::fmt::Debug for Guarded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guarded").field("gate", &self.gate).finish_non_exhaustive()
    }
}

impl Guarded {
    /// Over a registry, by the gate that all of its repositories share.
    #[must_use]
    pub fn over(inner: Arc<dyn Registry>, gate: Arc<Gate>) -> Self {
        Self { inner, gate }
    }

    fn through<'a, T: Send + 'a>(
        &'a self,
        what: &'static str,
        ask: impl FnOnce() -> BoxFuture<'a, Result<T, RegistryError>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, RegistryError>> {
        Box::pin(async move {
            let shut = |left: Duration| RegistryError::Unreachable {
                place: self.inner.place(),
                what: what.to_owned(),
                cause: format!("{} and is asked again in {} s", self.gate.why(), left.as_secs() + 1),
            };
            let Ok(_permit) = self.gate.room.acquire().await else { return Err(shut(Duration::ZERO)) };
            if let Some(left) = self.gate.left() {
                return Err(shut(left));
            }
            let answer = ask().await;
            self.gate.heard(&answer);
            answer
        })
    }
}

impl Registry for Guarded {
    fn place(&self) -> String {
        self.inner.place()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        self.through("a tag", move || self.inner.resolve(tag))
    }
    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        self.through("a manifest", move || self.inner.manifest(d, limit))
    }
    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        self.through("a blob", move || self.inner.blob(d, limit))
    }
    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        self.through("referrers", move || self.inner.referrers(s, limit))
    }
    fn listing<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        self.through("referrers", move || self.inner.listing(s, limit))
    }
    fn legacy<'a>(&'a self, s: &'a Digest) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        self.through("an old tag", move || self.inner.legacy(s))
    }
    fn indexes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        self.through("tags", move || self.inner.indexes(limit))
    }
    fn can_push(&self) -> BoxFuture<'_, Result<(), RegistryError>> {
        self.through("an upload", move || self.inner.can_push())
    }
    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.through("an upload", move || self.inner.push_blob(digest, bytes))
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        self.through("an upload", move || self.inner.push_manifest(d, bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Memory;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn failing(how: fn(String) -> RegistryError) -> (Guarded, Arc<AtomicUsize>, Arc<AtomicUsize>) {
        let (asked, broken) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(usize::MAX)));
        let (counter, left) = (asked.clone(), broken.clone());
        let memory = Memory::new("r/a").with_faults(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
            (left.load(Ordering::SeqCst) > 0).then(|| how("r/a".into()))
        });
        (Guarded::over(Arc::new(memory), Arc::new(Gate::default())), asked, broken)
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.unwrap().block_on(test);
    }

    async fn ask(guarded: &Guarded, times: usize) {
        for _ in 0..times {
            let _ = guarded.blob(&Digest::sha256(b""), 1).await;
        }
    }

    #[test]
    fn a_registry_that_fails_is_left_alone_for_a_while_and_asked_again() {
        run(async {
            let (guarded, asked, broken) =
                failing(|place| RegistryError::Unreachable { place, what: "it".into(), cause: "down".into() });
            ask(&guarded, 100).await;
            assert_eq!(asked.swap(0, Ordering::SeqCst), limits::REGISTRY_FAILURES as usize);
            assert!(guarded.gate.is_shut());
            let e = guarded.blob(&Digest::sha256(b""), 1).await.unwrap_err();
            assert!(e.code().as_str() == "registry-unavailable" && e.to_string().contains("asked again in"), "{e}");
            // One more failure, and the pause grows, but never over its end.
            for _ in 0..20 {
                tokio::time::sleep(Duration::from_secs(limits::REGISTRY_PAUSE_SECONDS[1])).await;
                ask(&guarded, 3).await;
            }
            assert_eq!(asked.swap(0, Ordering::SeqCst), 20);
            broken.store(0, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(limits::REGISTRY_PAUSE_SECONDS[1])).await;
            ask(&guarded, 100).await;
            assert_eq!(asked.load(Ordering::SeqCst), 100);
        });
    }

    #[test]
    fn one_that_is_asked_too_much_is_left_alone_at_once_and_a_refusal_is_an_answer() {
        run(async {
            let limited =
                |place| RegistryError::RateLimited { place, what: "it".into(), detail: String::new(), wait: None };
            let (guarded, asked, _) = failing(limited);
            ask(&guarded, 100).await;
            assert_eq!(asked.load(Ordering::SeqCst), 1);
            let refused =
                |place| RegistryError::Unauthorized { place, what: "it".into(), status: 401, detail: String::new() };
            let (guarded, asked, _) = failing(refused);
            ask(&guarded, 100).await;
            assert_eq!(asked.load(Ordering::SeqCst), 100);
        });
    }
    #[test]
    fn one_that_asks_to_be_left_alone_is_left_alone_so_long_and_not_for_ever() {
        const MOST: u64 = limits::REGISTRY_ASKED_PAUSE_SECONDS;
        fn asks(place: String, seconds: u64, status: u16) -> RegistryError {
            let (what, detail, wait) = ("it".to_owned(), String::new(), Some(Duration::from_secs(seconds)));
            match status {
                429 => RegistryError::RateLimited { place, what, detail, wait },
                _ => RegistryError::Failed { place, what, status, detail, wait },
            }
        }
        type Fails = fn(String) -> RegistryError;
        let cases: [(Fails, u64); 3] = [
            (|place| asks(place, 100, 429), 100),
            (|place| asks(place, 100, 503), 100),
            (|place| asks(place, 1 << 40, 429), MOST),
        ];
        for (how, seconds) in cases {
            run(async {
                let (guarded, asked, broken) = failing(how);
                ask(&guarded, 100).await;
                assert_eq!(asked.swap(0, Ordering::SeqCst), 1);
                let e = guarded.blob(&Digest::sha256(b""), 1).await.unwrap_err().to_string();
                assert!(e.contains("it asked to be left alone and is asked again in"), "{e}");
                // What was under way when it asked for that, and succeeds, does not end the pause.
                guarded.gate.heard(&Ok(()));
                tokio::time::sleep(Duration::from_secs(seconds - 1)).await;
                ask(&guarded, 100).await;
                assert_eq!(asked.load(Ordering::SeqCst), 0);
                broken.store(0, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(2)).await;
                ask(&guarded, 100).await;
                assert_eq!(asked.load(Ordering::SeqCst), 100);
            });
        }
    }
}
