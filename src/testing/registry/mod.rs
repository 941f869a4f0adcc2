#![expect(clippy::disallowed_methods, reason = "a server on a thread of its own")]
//! [`TestRegistry`]: an OCI registry on a loopback port that behaves as told, well or badly.
//!
//! It runs on a thread with its own runtime, so that tests without one and child processes can use it too.

mod connection;
mod fault;
mod serve;
mod store;

pub use fault::{Action, Fault};

use crate::model::oci::IMAGE_MANIFEST;
use crate::model::{Descriptor, Digest};
use crate::registry::Registry as _;
use connection::{Breaking, Handle};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use store::Store;
use tokio::sync::oneshot;

/// What a registry does about conditional writes of manifests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conditional {
    /// No `ETag`, `If-Match` ignored.
    #[default]
    None,
    /// An `ETag`, and `If-Match` ignored, as docker-registry 2.8 does.
    Pretended,
    /// An `ETag`, and 412 where `If-Match` or `If-None-Match` does not hold.
    Honoured,
}

/// Who may use a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    #[default]
    Open,
    /// Who sends this user name and password with every request.
    Basic {
        /// User name.
        username: String,
        /// Password.
        password: String,
    },
    /// Who has a token of its `/token`, which gives one to everybody for pulling, and for pushing to who has the password
    /// or the identity token.
    Bearer {
        /// User name.
        username: String,
        /// Password.
        password: String,
        /// A refresh token that serves instead of both.
        identity: String,
        /// Whether pulling needs them too.
        private: bool,
        /// Another token service than the own one: an absolute URL.
        realm: Option<String>,
    },
}

/// How a registry behaves. The default is a modern one: referrers API in one page, `OCI-Subject`, open to all.
#[derive(Clone, Debug)]
pub struct Behaviour {
    /// Whether there is a referrers API; without it, 404.
    pub referrers_api: bool,
    /// Entries of one page of the referrers API; `None` for all in one.
    pub page: Option<usize>,
    /// Whether a push of a manifest with a subject is answered with `OCI-Subject`.
    pub oci_subject: bool,
    /// Conditional writes.
    pub conditional: Conditional,
    /// Who may use it.
    pub access: Access,
    /// Whether upload locations are relative.
    pub relative_locations: bool,
    /// Whether HEAD of a manifest names its digest.
    pub content_digest: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            referrers_api: true,
            page: None,
            oci_subject: true,
            conditional: Conditional::None,
            access: Access::Open,
            relative_locations: false,
            content_digest: true,
        }
    }
}

impl Behaviour {
    /// A registry from before the referrers API.
    #[must_use]
    pub fn without_referrers_api(conditional: Conditional) -> Self {
        Self { referrers_api: false, oci_subject: false, conditional, ..Self::default() }
    }
}

/// A request as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Method.
    pub method: String,
    /// Path, without the query.
    pub path: String,
    /// Query, or empty.
    pub query: String,
    /// The `Authorization` header.
    pub authorization: Option<String>,
    /// The `If-Match` header.
    pub if_match: Option<String>,
}

/// What the server's thread and the test share.
struct Shared {
    address: SocketAddr,
    state: Mutex<State>,
}

struct State {
    behaviour: Behaviour,
    store: Store,
    faults: Vec<Fault>,
    seen: Vec<Seen>,
    serial: u64,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registry on a loopback port, until it is dropped.
pub struct TestRegistry {
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TestRegistry {
    /// Starts one.
    ///
    /// # Panics
    /// When no loopback port can be had.
    #[must_use]
    pub fn start(behaviour: Behaviour) -> Self {
        Self::start_at(0, behaviour)
    }

    /// Starts an empty one at a port of the loopback address that nobody listens at.
    ///
    /// # Panics
    /// When the port cannot be had.
    #[must_use]
    pub fn start_at(port: u16, behaviour: Behaviour) -> Self {
        let listener = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a loopback port");
        listener.set_nonblocking(true).expect("a non-blocking listener");
        let address = listener.local_addr().expect("the port's number");
        let state = State { behaviour, store: Store::default(), faults: Vec::new(), seen: Vec::new(), serial: 0 };
        let shared = Arc::new(Shared { address, state: Mutex::new(state) });
        let (stop, stopped) = oneshot::channel::<()>();
        let served = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
                let app = axum::Router::new().fallback(serve::handle).with_state(served);
                let service = app.into_make_service_with_connect_info::<Handle>();
                let server = axum::serve(Breaking(listener), service);
                tokio::select! {
                    _ = server.into_future() => {}
                    _ = stopped => {}
                }
            });
        });
        Self { shared, stop: Some(stop), thread: Some(thread) }
    }

    /// Host and port, `127.0.0.1:PORT`: the first part of a reference.
    #[must_use]
    pub fn host(&self) -> String {
        self.shared.address.to_string()
    }

    /// A reference to a repository here: `127.0.0.1:PORT/NAME`.
    #[must_use]
    pub fn name(&self, repository: &str) -> String {
        format!("{}/{repository}", self.host())
    }

    /// Behaves differently from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.shared.state().behaviour);
    }

    /// Adds a fault; the first that fits a request and is not used up applies.
    pub fn fault(&self, fault: Fault) {
        self.shared.state().faults.push(fault);
    }

    /// Forgets all faults.
    pub fn heal(&self) {
        self.shared.state().faults.clear();
    }

    /// All requests so far, in the order of their coming.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        self.shared.state().seen.clone()
    }

    /// How many requests had this method and a path with this text.
    #[must_use]
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.shared.state().seen.iter().filter(|s| s.method == method && s.path.contains(path)).count()
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        self.shared.state().seen.clear();
    }

    /// Stores a manifest without a request, and lets `tag` name it; gives back its descriptor.
    pub fn put_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: &[u8]) -> Descriptor {
        let descriptor = Descriptor::of(media_type, bytes);
        self.shared.state().store.put_manifest(repository, &descriptor, bytes);
        if let Some(tag) = tag {
            self.tag(repository, tag, &descriptor.digest);
        }
        descriptor
    }

    /// Lets `tag` name a manifest.
    pub fn tag(&self, repository: &str, tag: &str, digest: &Digest) {
        self.shared.state().store.tag(repository, tag, digest);
    }

    /// Stores a blob without a request.
    pub fn put_blob(&self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.shared.state().store.put_blob(repository, &digest, bytes);
        digest
    }

    /// Takes a manifest or blob away, whatever lists it.
    pub fn remove(&self, repository: &str, digest: &Digest) {
        self.shared.state().store.remove(repository, digest);
    }

    /// An image without layers, under a tag.
    pub fn put_image(&self, repository: &str, tag: &str) -> Descriptor {
        let config = self.put_blob(repository, b"{}");
        let manifest = serde_json::json!({
            "schemaVersion": 2,
            "mediaType": IMAGE_MANIFEST,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.to_string(), "size": 2 },
            "layers": [],
        });
        self.put_manifest(repository, Some(tag), IMAGE_MANIFEST, manifest.to_string().as_bytes())
    }

    /// Copies everything that a back end reaches from a manifest into a repository: the manifest, its config and layers.
    ///
    /// # Panics
    /// When the back end is not an in-memory one, or does not have it all.
    pub fn load(&self, repository: &str, tag: Option<&str>, from: &crate::registry::Memory, digest: &Digest) {
        let served = now(from.manifest(digest, usize::MAX)).expect("readable").expect("a manifest");
        let manifest = crate::model::oci::Manifest::parse(&served.bytes, &served.media_type).expect("a manifest");
        for blob in manifest.config.iter().chain(&manifest.layers) {
            let bytes = now(from.blob(&blob.digest, usize::MAX)).expect("readable").expect("a blob");
            self.shared.state().store.put_blob(repository, &blob.digest, &bytes);
        }
        self.put_manifest(repository, tag, &served.media_type, &served.bytes);
    }

    /// The digest that a tag names now.
    #[must_use]
    pub fn tagged(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.shared.state().store.tagged(repository, tag)
    }

    /// The bytes of a manifest.
    #[must_use]
    pub fn manifest(&self, repository: &str, digest: &Digest) -> Option<Vec<u8>> {
        self.shared.state().store.manifest(repository, digest).map(|m| m.bytes.clone())
    }
}

impl std::fmt::Debug for TestRegistry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TestRegistry").field("host", &self.host()).finish_non_exhaustive()
    }
}

impl Drop for TestRegistry {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server has been printed; the test has its own opinion.
            let _ = thread.join();
        }
    }
}

/// The value of a future that does not wait.
fn now<T>(future: impl Future<Output = T>) -> T {
    match std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("an in-memory repository waited"),
    }
}
