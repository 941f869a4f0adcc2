//! Evidence attached to an artifact in a repository: its referrers, and the legacy `.att` tag.

use super::{Checked, RegistryError};
use crate::model::code::codes;
use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Descriptor, Digest, limits};
use crate::seam::BoxFuture;
use crate::verify::{Candidate, Content, EvidenceSource, Origin};
use futures_util::stream::{self, StreamExt as _};
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// The evidence of a repository.
///
/// What a listing says of a referrer is a hint and is not used: each referrer's own bytes, digest and `subject` decide.
pub struct RegistryEvidence<'r> {
    registry: Checked<'r>,
}

/// What may still be read for one subject.
struct Budget {
    bytes: AtomicUsize,
    pieces: AtomicUsize,
}

impl Budget {
    fn new() -> Self {
        Self { bytes: AtomicUsize::new(limits::EVIDENCE_BYTES), pieces: AtomicUsize::new(limits::EVIDENCE_PIECES) }
    }

    /// Takes `n`, if as many are left.
    fn take(left: &AtomicUsize, n: usize) -> bool {
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n)).is_ok()
    }
}

impl<'r> RegistryEvidence<'r> {
    /// Evidence of a repository.
    #[must_use]
    pub fn new(registry: &'r dyn super::Registry) -> Self {
        Self { registry: Checked::new(registry) }
    }

    /// One referrer: its manifest, then every layer that holds evidence.
    async fn referrer(&self, digest: &Digest, subject: Option<&Digest>, budget: &Budget) -> Vec<Candidate> {
        let origin = Origin { place: self.registry.place(), id: digest.to_string() };
        let one = |content| vec![Candidate { origin: origin.clone(), content }];
        let served = match self.registry.need_manifest(digest).await {
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
        let holds = |l: &&Descriptor| l.media_type.starts_with(BUNDLE) || l.media_type.starts_with(ENVELOPE);
        let mut out = Vec::new();
        for layer in manifest.layers.iter().filter(holds) {
            if !Budget::take(&budget.pieces, 1) {
                let what = "the pieces of evidence of one subject".to_owned();
                let (place, limit) = (self.registry.place(), limits::EVIDENCE_PIECES);
                out.extend(one(unavailable(&RegistryError::TooLarge { place, what, limit })));
                break;
            }
            let content = match self.layer(layer, budget).await {
                Ok(bytes) => Content::Evidence(bytes),
                Err(e) => unavailable(&e),
            };
            // The referrer's digest names its evidence; several layers (legacy) are told apart by their own.
            let id = if manifest.layers.len() == 1 { digest.to_string() } else { layer.digest.to_string() };
            out.push(Candidate { origin: Origin { id, ..origin.clone() }, content });
        }
        out
    }

    async fn layer(&self, layer: &Descriptor, budget: &Budget) -> Result<Vec<u8>, RegistryError> {
        let too_large = |what: String, limit| RegistryError::TooLarge { place: self.registry.place(), what, limit };
        let size = usize::try_from(layer.size).unwrap_or(usize::MAX);
        if size > limits::BUNDLE_BYTES {
            return Err(too_large(format!("bundle {} of {} bytes", layer.digest, layer.size), limits::BUNDLE_BYTES));
        }
        // The size is a claim; it reserves the budget and is also the most that is read.
        if !Budget::take(&budget.bytes, size) {
            return Err(too_large("the evidence of one subject (bytes)".into(), limits::EVIDENCE_BYTES));
        }
        self.registry.need_blob(&layer.digest, size).await
    }

    /// Layers of the manifest that cosign up to version 2 keeps under the tag `sha256-<hex>.att`.
    async fn legacy(&self, subject: &Digest, budget: &Budget) -> Vec<Candidate> {
        let tag = format!("{}-{}.att", subject.algorithm().name(), subject.hex());
        match self.registry.resolve(&tag).await {
            Ok(None) => Vec::new(),
            Ok(Some(d)) => self.referrer(&d.digest, None, budget).await,
            Err(e) => {
                vec![Candidate { origin: Origin { place: self.registry.place(), id: tag }, content: unavailable(&e) }]
            }
        }
    }

    async fn all(&self, artifact: &Artifact) -> Vec<Candidate> {
        let budget = Budget::new();
        let subject = &artifact.digest;
        let listed = async {
            match self.registry.referrers(subject).await {
                Ok(list) => {
                    let mut fetches: Vec<BoxFuture<'_, Vec<Candidate>>> = Vec::with_capacity(list.len());
                    for d in list {
                        let budget = &budget;
                        fetches.push(Box::pin(async move { self.referrer(&d.digest, Some(subject), budget).await }));
                    }
                    let found: Vec<_> = stream::iter(fetches).buffered(limits::PARALLEL_FETCHES).collect().await;
                    found.into_iter().flatten().collect()
                }
                Err(e) => {
                    let origin = Origin { place: self.registry.place(), id: format!("referrers of {subject}") };
                    vec![Candidate { origin, content: unavailable(&e) }]
                }
            }
        };
        let (mut listed, legacy): (Vec<Candidate>, _) =
            futures_util::future::join(listed, self.legacy(subject, &budget)).await;
        listed.extend(legacy);
        listed
    }
}

fn unavailable(e: &RegistryError) -> Content {
    Content::Unavailable { code: e.code(), message: e.to_string() }
}

impl EvidenceSource for RegistryEvidence<'_> {
    fn place(&self) -> String {
        self.registry.place()
    }

    fn candidates<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Vec<Candidate>> {
        Box::pin(self.all(artifact))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::{Memory, Registry as _};
    use serde_json::json;
    use std::pin::pin;
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
}
