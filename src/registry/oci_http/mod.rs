//! [`OciHttp`]: a repository of an OCI registry (distribution-spec v1.1) over HTTP.
//!
//! `oci-client` is not used. Its requests have no limit on what they read and no retries, and its errors do not tell a
//! refusal or a rate limit from absence; those that do not matter for a client that pulls images decide here whether
//! an artifact "has no attestation". See also `auth.rs`.

mod answer;
mod auth;
mod challenge;
mod credential;
mod credentials;
mod docker_config;
mod locks;
mod options;
mod push;
mod referrers;
mod tags;
mod transport;

pub use credential::{Anonymous, Credential, CredentialError, CredentialStore};
pub use credentials::DockerCredentials;
pub use options::HttpOptions;

use super::{Referrers, Registry, RegistryError, Served};
use crate::model::oci::{DOCKER_LIST, DOCKER_MANIFEST, IMAGE_INDEX, IMAGE_MANIFEST};
use crate::model::{Descriptor, Digest, Reference, limits};
use crate::net::{Answer, deadline};
use crate::seam::BoxFuture;
use auth::Auth;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE};
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::Instant;
use transport::{Ask, Transport};

/// Docker Hub: the name in references, the host that serves it, and the key of its credentials.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// What a manifest may be.
const MANIFESTS: [&str; 4] = [IMAGE_MANIFEST, IMAGE_INDEX, DOCKER_MANIFEST, DOCKER_LIST];

/// A repository of a registry.
///
/// Making one is cheap: nothing is connected and no certificate is read before the first request. Its futures need
/// tokio with timers and I/O.
pub struct OciHttp {
    repository: String,
    transport: Transport,
    auth: Auth,
    timeout: Duration,
    locks: Option<PathBuf>,
}

impl fmt::Debug for OciHttp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OciHttp").field("place", &self.transport.place).finish_non_exhaustive()
    }
}

impl OciHttp {
    /// The repository of a reference; its tag and digest do not matter.
    ///
    /// # Errors
    /// `Configuration` when the registry's name is no host.
    pub fn new(reference: &Reference, options: HttpOptions) -> Result<Self, RegistryError> {
        let registry = reference.registry();
        let (host, server) = if registry == HUB { (HUB_HOST, HUB_SERVER) } else { (registry, registry) };
        let repository = reference.repository().to_owned();
        let auth = Auth::new(repository.clone(), server.to_owned(), options.credentials.clone());
        let transport = Transport::new(reference.name(), host.to_owned(), &options)?;
        Ok(Self { repository, transport, auth, timeout: options.timeout, locks: options.locks })
    }

    /// Sends a request, with credentials if the registry asks for them, and gives back its last answer whatever the
    /// status. A 401 is answered once with the cached or a new token, and once more if that was an old one.
    async fn send(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        if !self.transport.is_own(&ask.url) {
            return self.transport.tries(ask, None).await;
        }
        let mut secret = self.auth.known(ask.scope).await;
        for _ in 0..2 {
            let answer = self.transport.tries(ask, secret.as_ref()).await?;
            // What the registry redirected to is another party, and says nothing of the registry's token service.
            if answer.status != 401 || !self.transport.is_own(&answer.url) {
                return Ok(answer);
            }
            let had = secret.is_some();
            match self.auth.answer(&self.transport, &answer, ask.scope, secret.as_ref(), ask.deadline).await? {
                Some(new) => secret = Some(new),
                None => return Ok(answer),
            }
            if !had {
                // The first token of this scope: a refusal of it is final.
                return self.transport.tries(ask, secret.as_ref()).await;
            }
        }
        self.transport.tries(ask, secret.as_ref()).await
    }

    fn deadline(&self) -> Instant {
        deadline(self.timeout)
    }

    /// HEAD and its digest, or else GET and the digest of its bytes.
    async fn find_tag(&self, tag: &str) -> Result<Option<Descriptor>, RegistryError> {
        let deadline = self.deadline();
        let what = format!("resolving tag `{tag}`");
        let accept = MANIFESTS.join(", ");
        let url = self.url(&format!("manifests/{tag}"), deadline).await?;
        let answer = self.send(&Ask::head(url.clone(), &what, &accept, deadline)).await?;
        match answer.status {
            200 => {
                let digest = answer.header("docker-content-digest").and_then(|d| Digest::parse(d).ok());
                let size = answer.header(CONTENT_LENGTH).and_then(|l| l.parse().ok());
                if let (Some(digest), Some(size), Some(media_type)) = (digest, size, media_type(&answer)) {
                    return Ok(Some(Descriptor::new(&media_type, size, digest)));
                }
            }
            404 => return Ok(None),
            // Without HEAD, or without a word in its answer's body: GET says more.
            405 => {}
            _ => return Err(self.transport.refused(&what, &answer)),
        }
        let ask = Ask::get(url, &what, &accept, limits::MANIFEST_BYTES, deadline);
        let found = self.read(&ask).await?;
        Ok(found.map(|a| Descriptor::of(&media_type(&a).unwrap_or_default(), &a.body)))
    }

    async fn read_manifest(&self, digest: &Digest, limit: usize) -> Result<Option<Served>, RegistryError> {
        let deadline = self.deadline();
        let (what, accept) = (format!("manifest {digest}"), MANIFESTS.join(", "));
        let url = self.url(&format!("manifests/{digest}"), deadline).await?;
        let answer = self.read(&Ask::get(url, &what, &accept, limit, deadline)).await?;
        Ok(answer.map(|a| Served { media_type: media_type(&a).unwrap_or_default(), bytes: a.body }))
    }

    async fn read_blob(&self, digest: &Digest, limit: usize) -> Result<Option<Vec<u8>>, RegistryError> {
        let deadline = self.deadline();
        let what = format!("blob {digest}");
        let url = self.url(&format!("blobs/{digest}"), deadline).await?;
        Ok(self.read(&Ask::get(url, &what, "*/*", limit, deadline)).await?.map(|a| a.body))
    }

    /// An answer with content, or the registry's definite "no".
    async fn read(&self, ask: &Ask<'_>) -> Result<Option<Answer>, RegistryError> {
        let answer = self.send(ask).await?;
        match answer.status {
            200 => Ok(Some(answer)),
            404 => Ok(None),
            _ => Err(self.transport.refused(ask.what, &answer)),
        }
    }
}

/// The media type of an answer, without parameters.
fn media_type(answer: &Answer) -> Option<String> {
    let text = answer.header(CONTENT_TYPE)?;
    Some(text.split(';').next().unwrap_or(text).trim().to_owned())
}

impl Registry for OciHttp {
    fn place(&self) -> String {
        self.transport.place.clone()
    }
    fn resolve<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<Option<Descriptor>, RegistryError>> {
        Box::pin(self.find_tag(tag))
    }
    fn manifest<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Served>, RegistryError>> {
        Box::pin(self.read_manifest(d, limit))
    }
    fn blob<'a>(&'a self, d: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Option<Vec<u8>>, RegistryError>> {
        Box::pin(self.read_blob(d, limit))
    }
    fn referrers<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Vec<Descriptor>, RegistryError>> {
        Box::pin(async move { self.list(s, limit, self.deadline()).await?.or_error() })
    }
    fn listing<'a>(&'a self, s: &'a Digest, limit: usize) -> BoxFuture<'a, Result<Referrers, RegistryError>> {
        Box::pin(async move { self.list(s, limit, self.deadline()).await })
    }
    fn indexes(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Digest>, RegistryError>> {
        Box::pin(self.tagged_indexes(limit))
    }
    fn can_push(&self) -> BoxFuture<'_, Result<(), RegistryError>> {
        Box::pin(self.begin(self.deadline()))
    }

    fn push_blob<'a>(&'a self, digest: &'a Digest, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        Box::pin(async move { self.upload(digest, bytes, self.deadline()).await })
    }
    fn push_manifest<'a>(&'a self, d: &'a Descriptor, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), RegistryError>> {
        Box::pin(async move { self.store(d, bytes, self.deadline()).await })
    }
}
