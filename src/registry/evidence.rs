//! Evidence attached to an artifact in a repository: its referrers, and the legacy `.att` tag.

use super::{Checked, Referrers, RegistryError, Served, legacy_tag};
use crate::model::code::codes;
use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Descriptor, Digest, limits};
use crate::seam::BoxFuture;
use crate::verify::{Basket, Budget, Candidate, Content, EvidenceSource, OTHER_KIND, Origin};
use futures_util::stream::{self, StreamExt as _};

codes! {
    /// Codes of this file.
    pub CODES;
    REFERRER_SUBJECT = "referrer-subject-mismatch", [Producer],
        "the registry lists a referrer whose own `subject` is another artifact",
        "nothing needs doing: the referrer is about another artifact and is set aside";
}

/// Media types of layers that hold evidence begin with one of these.
const BUNDLE: &str = "application/vnd.dev.sigstore.bundle";
const ENVELOPE: &str = "application/vnd.dsse.envelope";

/// Whether a layer says that it holds evidence.
pub(super) fn holds_evidence(layer: &Descriptor) -> bool {
    layer.media_type.starts_with(BUNDLE) || layer.media_type.starts_with(ENVELOPE)
}

/// The evidence of a repository.
///
/// What a listing says of a referrer is a hint and is not used: each referrer's own bytes, digest and `subject` decide.
pub struct RegistryEvidence<'r> {
    registry: Checked<'r>,
}

impl<'r> RegistryEvidence<'r> {
    /// Evidence of a repository.
    #[must_use]
    pub fn new(registry: &'r dyn super::Registry) -> Self {
        Self { registry: Checked::new(registry) }
    }

    /// One referrer: its manifest, then every layer that holds evidence.
    async fn referrer(&self, digest: &Digest, subject: Option<&Digest>, at: Place<'_>) {
        let origin = Origin { place: self.registry.place(), id: digest.to_string() };
        let one = |content| at.put(Candidate { origin: origin.clone(), content });
        let served = match self.manifest(digest, at.basket.budget()).await {
            Ok(s) => s,
            Err(e) => return one(unavailable(&e)),
        };
        let manifest = match Manifest::parse(&served.bytes, IMAGE_MANIFEST) {
            Ok(m) => m,
            Err(e) => return one(Content::Unavailable { code: e.code(), message: format!("manifest {digest}: {e}") }),
        };
        if let Some(subject) = subject {
            let found = manifest.subject.as_ref().map(|s| &s.digest);
            if found != Some(subject) {
                let found = found.map_or_else(|| "none".to_owned(), ToString::to_string);
                let message = format!("a listed referrer names another subject: expected {subject}, found {found}");
                return one(Content::SetAside { code: REFERRER_SUBJECT, message });
            }
        }
        let layers = || manifest.layers.iter().filter(|l| holds_evidence(l));
        if subject.is_some() && layers().next().is_none() {
            let kind = manifest.artifact_type.as_deref().unwrap_or("no kind");
            let message = format!("`{kind}`, which holds no bundle and no envelope");
            return one(Content::SetAside { code: OTHER_KIND, message });
        }
        for layer in layers() {
            if !at.basket.budget().piece() {
                let error = self.too_large("the pieces of evidence of one check".into(), limits::EVIDENCE_PIECES);
                return one(unavailable(&error));
            }
            let content = match self.layer(layer, at.basket.budget()).await {
                Ok(bytes) => Content::Evidence(bytes),
                Err(e) => unavailable(&e),
            };
            // The referrer's digest names its evidence; several layers (legacy) are told apart by their own.
            let id = if manifest.layers.len() == 1 { digest.to_string() } else { layer.digest.to_string() };
            at.put(Candidate { origin: Origin { id, ..origin.clone() }, content });
        }
    }

    async fn manifest(&self, digest: &Digest, budget: &Budget) -> Result<Served, RegistryError> {
        self.may_ask(budget)?;
        self.registry.need_manifest(digest).await
    }

    async fn layer(&self, layer: &Descriptor, budget: &Budget) -> Result<Vec<u8>, RegistryError> {
        let size = usize::try_from(layer.size).unwrap_or(usize::MAX);
        if size > limits::BUNDLE_BYTES {
            let what = format!("bundle {} of {} bytes", layer.digest, layer.size);
            return Err(self.too_large(what, limits::BUNDLE_BYTES));
        }
        // The size is a claim; it reserves the budget and is also the most that is read.
        if !budget.bytes(size) {
            return Err(self.too_large("the evidence of one check (bytes)".into(), limits::EVIDENCE_BYTES));
        }
        self.may_ask(budget)?;
        self.registry.need_blob(&layer.digest, size).await
    }

    fn too_large(&self, what: String, limit: usize) -> RegistryError {
        RegistryError::TooLarge { place: self.registry.place(), what, limit }
    }

    /// That the registry may be asked once more.
    fn may_ask(&self, budget: &Budget) -> Result<(), RegistryError> {
        let error = || self.too_large("the requests of one check".into(), limits::EVIDENCE_REQUESTS);
        budget.request().then_some(()).ok_or_else(error)
    }

    /// Layers of the manifests that cosign up to version 2 keeps under the tag `sha256-<hex>.att`, or saved in a layout.
    async fn legacy(&self, subject: &Digest, at: Place<'_>) {
        let found = match self.may_ask(at.basket.budget()) {
            Ok(()) => self.registry.legacy(subject).await,
            Err(e) => Err(e),
        };
        match found {
            Ok(found) => {
                for d in found {
                    self.referrer(&d.digest, None, at).await;
                }
            }
            Err(e) => {
                let origin = Origin { place: self.registry.place(), id: legacy_tag(subject) };
                at.put(Candidate { origin, content: unavailable(&e) });
            }
        }
    }

    async fn all(&self, artifact: &Artifact, basket: &Basket) {
        let subject = &artifact.digest;
        let listed = async {
            let listing = match self.may_ask(basket.budget()) {
                Ok(()) => self.registry.listing(subject).await,
                Err(e) => Err(e),
            };
            match listing {
                Ok(Referrers { listed, unread, aside }) => {
                    let origin = || Origin { place: self.registry.place(), id: format!("referrers of {subject}") };
                    for error in unread {
                        basket.put(listed.len(), Candidate { origin: origin(), content: unavailable(&error) });
                    }
                    for message in aside {
                        let content = Content::SetAside { code: OTHER_KIND, message };
                        basket.put(listed.len(), Candidate { origin: origin(), content });
                    }
                    let mut fetches: Vec<BoxFuture<'_, ()>> = Vec::with_capacity(listed.len());
                    for (rank, d) in listed.into_iter().enumerate() {
                        let at = Place { basket, rank };
                        fetches.push(Box::pin(async move { self.referrer(&d.digest, Some(subject), at).await }));
                    }
                    stream::iter(fetches).buffer_unordered(limits::PARALLEL_FETCHES).collect::<()>().await;
                }
                Err(e) => {
                    let origin = Origin { place: self.registry.place(), id: format!("referrers of {subject}") };
                    basket.put(0, Candidate { origin, content: unavailable(&e) });
                }
            }
        };
        futures_util::future::join(listed, self.legacy(subject, Place { basket, rank: usize::MAX })).await;
    }
}

/// Where in a basket a referrer's evidence goes.
#[derive(Clone, Copy)]
struct Place<'a> {
    basket: &'a Basket,
    /// The referrer's place in the listing.
    rank: usize,
}

impl Place<'_> {
    fn put(self, candidate: Candidate) {
        self.basket.put(self.rank, candidate);
    }
}

fn unavailable(e: &RegistryError) -> Content {
    Content::Unavailable { code: e.code(), message: e.to_string() }
}

impl EvidenceSource for RegistryEvidence<'_> {
    fn place(&self) -> String {
        self.registry.place()
    }

    fn gather<'a>(&'a self, artifact: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        Box::pin(self.all(artifact, basket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::code::LIMIT_EXCEEDED;
    use crate::registry::{Memory, Registry as _};
    use serde_json::json;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Waker};

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("memory waited"),
        }
    }

    fn found(layers: usize) -> Vec<Candidate> {
        let registry = Memory::new("r/a");
        let subject = Descriptor::of(IMAGE_MANIFEST, b"subject");
        let layer = Descriptor::of("application/vnd.dsse.envelope.v1+json", b"{}");
        ready(registry.push_blob(&layer.digest, b"{}")).unwrap();
        let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": vec![layer.to_json(); layers],
            "subject": subject.to_json() });
        let bytes = manifest.to_string().into_bytes();
        ready(registry.push_manifest(&Descriptor::of(IMAGE_MANIFEST, &bytes), &bytes)).unwrap();
        ready(RegistryEvidence::new(&registry).candidates(&Artifact::new("r/a", "r/a", subject.digest)))
    }

    #[test]
    fn the_layers_of_referrers_are_capped_together() {
        let unavailable = |c: &Candidate| matches!(c.content, Content::Unavailable { .. });
        assert!(!found(limits::EVIDENCE_PIECES).iter().any(unavailable));
        let over = found(limits::EVIDENCE_PIECES + 5);
        assert_eq!((over.len(), over.iter().filter(|c| unavailable(c)).count()), (limits::EVIDENCE_PIECES + 1, 1));
    }

    #[test]
    fn no_more_is_asked_than_the_budget_of_requests_has() {
        let registry = Memory::new("r/a");
        let subject = Descriptor::of(IMAGE_MANIFEST, b"subject");
        for n in 0..3 {
            let manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [],
                "subject": subject.to_json(), "annotations": { "n": n.to_string() } });
            let bytes = manifest.to_string().into_bytes();
            ready(registry.push_manifest(&Descriptor::of(IMAGE_MANIFEST, &bytes), &bytes)).unwrap();
        }
        let artifact = Artifact::new("r/a", "r/a", subject.digest);
        // The listing, the old tag, and the manifest of each referrer.
        let over = |left: usize| {
            let budget = Arc::new(Budget::default());
            let spent = (left..limits::EVIDENCE_REQUESTS).all(|_| budget.request());
            let basket = Basket::sharing(&budget);
            ready(RegistryEvidence::new(&registry).gather(&artifact, &basket));
            let found = basket.into_candidates();
            let limit =
                |c: &&Candidate| matches!(c.content, Content::Unavailable { code, .. } if code == LIMIT_EXCEEDED);
            assert!(spent);
            (found.iter().filter(limit).count(), found.len())
        };
        // A manifest without evidence is set aside; what was not asked is a candidate, the old tag too.
        assert_eq!([over(5), over(4), over(2)], [(0, 3), (1, 4), (3, 4)]);
    }
}
