//! Verify: gather evidence, verify it, decide, explain.

use super::found::is_buildkit_attestation;
use super::support;
use crate::model::code::codes;
use crate::model::json::JsonError;
use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::plural::counted;
use crate::model::{Artifact, Descriptor, DigestSet, Timestamp, limits};
use crate::policy::{Evidence, Finding, NO_ATTESTATION, NO_POLICY, Policy, Reason, SubjectDecision, Verdict, decide};
use crate::registry::{CONTENT_MISSING, Checked};
use crate::seam::BoxFuture;
use crate::trust::{TrustMaterial, TrustedRoot};
use crate::verify::{Basket, Budget, Candidate, Content, EvidenceSource, Verifier, VerifyError};
use futures_util::future::join_all;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One subject of a verification.
pub struct Target<'a> {
    /// What is decided on.
    pub artifact: Artifact,
    /// Where evidence is looked for.
    pub sources: Vec<&'a dyn EvidenceSource>,
    /// Where the artifact's own manifest can be read, for children of an index and further digests.
    pub content: Option<Checked<'a>>,
    /// Computes all binding digests of an artifact that is no manifest; asked only when evidence carries one more.
    pub digests: Option<Digests<'a>>,
}

/// Computes all binding digests of an artifact; the error is for people.
pub(super) type Digests<'a> = &'a (dyn Fn() -> Result<DigestSet, String> + Send + Sync);

/// Decides on one subject.
///
/// The subject's digest is fixed before: nothing is resolved here. Where the subject is an index that is not itself
/// attested, each manifest that it lists is decided on by the same policies, and the index is allowed when all are.
/// An index pins its manifests by digest, so that what a machine pulls from it is one of those.
pub async fn check(target: &Target<'_>, policies: &[Policy], roots: &[TrustedRoot], now: Timestamp) -> SubjectDecision {
    // Of all levels together: an index of indexes of indexes grows with a power of what one may list.
    let left = AtomicUsize::new(limits::CHILDREN);
    let budget = Arc::new(Budget::default());
    let below = Below { depth: 0, left: &left, budget: &budget };
    check_at(target, &target.artifact, Given { policies, roots, now }, below).await
}

/// What a decision is made with; the same for an index and its manifests.
#[derive(Clone, Copy)]
struct Given<'a> {
    policies: &'a [Policy],
    roots: &'a [TrustedRoot],
    now: Timestamp,
}

/// Where in an index the check is.
#[derive(Clone, Copy)]
struct Below<'a> {
    /// Levels above.
    depth: usize,
    /// Manifests that may still be looked at.
    left: &'a AtomicUsize,
    /// What may still be read, over all levels: else each manifest that an index lists would have all of it again.
    budget: &'a Arc<Budget>,
}

fn check_at<'a>(
    target: &'a Target<'_>,
    artifact: &'a Artifact,
    given: Given<'a>,
    below: Below<'a>,
) -> BoxFuture<'a, SubjectDecision> {
    Box::pin(async move {
        let candidates = candidates(target, artifact, below.budget).await;
        let Given { policies, roots, now } = given;
        let matching = || policies.iter().filter(|p| p.matches(&artifact.scope));
        let mut trust = TrustMaterial::of_keys(matching().flat_map(Policy::keys).cloned()).with_roots(roots);
        // Each requirement decides again for itself.
        trust.witnesses = matching().flat_map(Policy::witnesses).cloned().collect();
        trust.allow_promise_only = matching().any(Policy::allows_promise_only);
        let verifier = Verifier { trust: &trust, now };
        // One at a time, so that only what was verified stays in memory.
        let mut known = Known { target, artifact: artifact.clone(), complete: false, note: None };
        let (mut evidence, mut aside) = (Vec::with_capacity(candidates.len()), Vec::new());
        for candidate in candidates {
            if let Some(bytes) = finding(candidate, &verifier, &mut known, &mut evidence).await {
                aside.push((evidence.len() - 1, bytes));
            }
        }
        support::look_again(&verifier, &mut evidence, aside);
        let Known { artifact, note, .. } = known;
        let mut decision = decide(policies, &artifact, &evidence);
        decision.notes.extend(note);
        // Where nothing speaks about the index, nothing speaks about what it lists.
        let spoken = decision.reasons.iter().all(|r| r.code != NO_POLICY);
        if decision.verdict != Verdict::Allow && spoken {
            children(target, &artifact, given, below, &mut decision).await;
        }
        decision
    })
}

/// What all sources have about an artifact: asked at once, in one budget, in the sources' order.
async fn candidates(target: &Target<'_>, artifact: &Artifact, budget: &Arc<Budget>) -> Vec<Candidate> {
    let baskets: Vec<_> = target.sources.iter().map(|_| Basket::sharing(budget)).collect();
    let asked = target.sources.iter().zip(&baskets).map(|(source, basket)| source.gather(artifact, basket));
    join_all(asked).await;
    baskets.into_iter().flat_map(Basket::into_candidates).collect()
}

/// Verifies one candidate; gives its bytes back where it may yet support another one.
async fn finding(
    candidate: Candidate,
    verifier: &Verifier<'_>,
    known: &mut Known<'_, '_>,
    evidence: &mut Vec<Evidence>,
) -> Option<Vec<u8>> {
    let mut kept = None;
    let finding = match candidate.content {
        Content::Evidence(bytes) => {
            let mut verified = verifier.verify(&bytes, &known.artifact);
            if matches!(verified, Err(VerifyError::SubjectDigestUnknown { .. })) && !known.complete {
                known.complete().await;
                verified = verifier.verify(&bytes, &known.artifact);
            }
            if verified.as_ref().is_err_and(|e| support::may_support(e, &bytes)) {
                kept = Some(bytes);
            }
            verified.map_or_else(Finding::Rejected, |statement| Finding::Verified(Arc::new(statement)))
        }
        Content::SetAside { code, message } => Finding::SetAside { code, message },
        Content::Unavailable { code, message } => Finding::Unavailable { code, message },
    };
    evidence.push(Evidence { origin: candidate.origin, finding });
    kept
}

/// The artifact as far as its digests are known. Most evidence asks for the one that it was named by; the others are
/// computed once, when a piece of evidence carries one.
struct Known<'t, 'a> {
    target: &'t Target<'a>,
    artifact: Artifact,
    complete: bool,
    note: Option<String>,
}

impl Known<'_, '_> {
    async fn complete(&mut self) {
        self.complete = true;
        let artifact = self.artifact.clone();
        let computed = match (&self.target.content, self.target.digests) {
            (Some(content), _) => match content.need_manifest(&artifact.digest).await {
                Ok(served) => Ok(artifact.with_bytes(&served.bytes)),
                Err(e) => Err(e.to_string()),
            },
            (None, Some(digests)) => digests().map(|d| artifact.with_set(&d)),
            (None, None) => return,
        };
        match computed {
            Ok(Some(artifact)) => self.artifact = artifact,
            // Content that no longer has the digest that was fixed: what is missing stays missing, and is said.
            Ok(None) => self.note = Some("the artifact changed while it was verified".into()),
            Err(e) => self.note = Some(format!("further digests could not be computed: {e}")),
        }
    }
}

/// Decides on what an index lists, and allows the index when all of it is allowed.
async fn children(
    target: &Target<'_>,
    artifact: &Artifact,
    given: Given<'_>,
    at: Below<'_>,
    decision: &mut SubjectDecision,
) {
    let Some(content) = &target.content else { return };
    let unread = |decision: &mut SubjectDecision, code, why: String| {
        if decision.verdict == Verdict::Deny {
            // It may be an index of manifests that are all attested.
            decision.verdict = Verdict::Unavailable;
            decision.reasons.clear();
            decision.reasons.push(Reason::new(code, format!("the subject's manifest could not be read: {why}")));
        }
    };
    let manifest = match content.manifest(&artifact.digest).await {
        Ok(Some(served)) => match Manifest::parse(&served.bytes, &served.media_type) {
            Ok(m) if m.is_index() => m,
            Ok(_) => return,
            Err(e @ JsonError::TooLarge { .. }) => return unread(decision, e.code(), e.to_string()),
            Err(e) => return decision.notes.push(format!("the subject's manifest is not acceptable: {e}")),
        },
        // The subject's manifest need not be there. Where nothing speaks of the subject either, it may be an index of
        // manifests that are all attested.
        Ok(None) if decision.code() != Some(NO_ATTESTATION) => return,
        Ok(None) => return unread(decision, CONTENT_MISSING, format!("{} does not have it", content.place())),
        Err(e) => return unread(decision, e.code(), e.to_string()),
    };
    // BuildKit lists its unsigned attestations as manifests of platform unknown/unknown and marks them: no machine runs
    // those.
    let runs = |d: &&Descriptor| !(d.platform.as_deref() == Some("unknown/unknown") && is_buildkit_attestation(d));
    let mut seen = HashSet::new();
    let listed: Vec<_> = manifest.manifests.iter().filter(runs).filter(|d| seen.insert(&d.digest)).collect();
    if listed.is_empty() {
        return;
    }
    let enough = at.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(listed.len()));
    if enough.is_err() || at.depth >= limits::INDEX_DEPTH {
        let message = format!(
            "the index lists {} more manifests, over the limit of {} in all, or is nested too deep",
            listed.len(),
            limits::CHILDREN
        );
        // Not looked at is not denied: they may all be attested.
        decision.verdict = Verdict::Unavailable;
        decision.reasons = vec![Reason::new(crate::model::code::LIMIT_EXCEEDED, message)];
        return;
    }
    for child in listed {
        let name = format!("{}@{}", artifact.scope, child.digest);
        let name = child.platform.as_ref().map_or_else(|| name.clone(), |p| format!("{name} ({p})"));
        let one = Artifact {
            descriptor: Some(child.clone()),
            ..Artifact::new(name, artifact.scope.clone(), child.digest.clone())
        };
        decision.children.push(check_at(target, &one, given, Below { depth: at.depth + 1, ..at }).await);
    }
    let verdict = decision.children.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Deny);
    if verdict == Verdict::Allow {
        decision.verdict = Verdict::Allow;
        decision.reasons.clear();
        let skipped = manifest.manifests.iter().filter(|d| !runs(d)).count();
        let mut note = String::from("the index itself is not attested; each image that it lists is");
        if skipped > 0 {
            note += &format!(" (passed over: {} of BuildKit's unsigned attestations)", counted(skipped, "manifest"));
        }
        decision.notes.push(note);
    } else if verdict == Verdict::Unavailable {
        // An answer about a child that is missing could have made the index allowed.
        let unavailable =
            decision.children.iter().find(|c| c.verdict == Verdict::Unavailable).and_then(SubjectDecision::code);
        decision.verdict = Verdict::Unavailable;
        decision.reasons.clear();
        let code = unavailable.unwrap_or(CHILD);
        decision.reasons.push(Reason::new(code, "a manifest that the index lists could not be checked"));
    }
}

codes! {
    /// Codes of deciding on what an index lists.
    pub CODES;
    CHILD = "child-unavailable", [Operator],
        "a manifest that the index lists could not be checked",
        "try again; if it stays, push the whole index again: the registry lacks one of its manifests";
}

/// Reads the manifest that a subject's digest names, for callers that need its descriptor.
///
/// # Errors
/// [`RegistryError`](crate::registry::RegistryError), `NotFound` when it is not there.
pub(super) async fn describe(
    content: &Checked<'_>,
    artifact: &Artifact,
) -> Result<Descriptor, crate::registry::RegistryError> {
    let served = content.need_manifest(&artifact.digest).await?;
    let media_type =
        Manifest::parse(&served.bytes, &served.media_type).map_or_else(|_| IMAGE_MANIFEST.to_owned(), |m| m.media_type);
    Ok(Descriptor::new(&media_type, served.bytes.len() as u64, artifact.digest.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::model::oci::IMAGE_INDEX;
    use crate::policy;
    use crate::registry::memory::Operation;
    use crate::registry::{Memory, Registry as _, RegistryError, RegistryEvidence};
    use serde_json::json;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n";

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => value,
            Poll::Pending => panic!("memory waited"),
        }
    }

    fn push(registry: &Memory, media_type: &str, document: &serde_json::Value) -> Descriptor {
        let bytes = document.to_string().into_bytes();
        let descriptor = Descriptor::of(media_type, &bytes);
        ready(registry.push_manifest(&descriptor, &bytes)).unwrap();
        descriptor
    }

    fn image(registry: &Memory, name: &str) -> Descriptor {
        push(registry, IMAGE_MANIFEST, &json!({ "schemaVersion": 2, "layers": [], "annotations": { "n": name } }))
    }

    fn index(registry: &Memory, entries: &[Descriptor]) -> Descriptor {
        let entries: Vec<_> = entries.iter().map(Descriptor::to_json).collect();
        push(registry, IMAGE_INDEX, &json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries }))
    }

    fn decide_on(registry: &Memory, digest: &Digest) -> SubjectDecision {
        let text = format!(
            "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: t}}, spec: {{images: [{{glob: '**'}}], require: [{{signers: [{{key: \"{PEM}\"}}]}}]}}}}"
        );
        let policies = [policy::parse(&text, "t", &|_| Err(String::new())).unwrap()];
        let evidence = RegistryEvidence::new(registry);
        let target = Target {
            artifact: Artifact::new("r/a", "r/a", digest.clone()),
            sources: vec![&evidence],
            content: Some(Checked::new(registry)),
            digests: None,
        };
        ready(check(&target, &policies, &[], Timestamp::from_unix(0).unwrap()))
    }

    #[test]
    fn an_index_that_could_not_be_read_leaves_the_answer_open() {
        let honest = Memory::new("r/a");
        let subject = index(&honest, &[image(&honest, "one")]).digest;
        assert_eq!(decide_on(&honest, &subject).verdict, Verdict::Deny);
        let (wanted, down) = (
            subject.clone(),
            RegistryError::RateLimited { place: "r/a".into(), what: "it".into(), detail: String::new() },
        );
        let failing = Memory::new("r/a")
            .with_faults(move |o| matches!(o, Operation::Manifest(d) if *d == wanted).then(|| down.clone()));
        let decision = decide_on(&failing, &subject);
        assert_eq!((decision.verdict, decision.code().unwrap().as_str()), (Verdict::Unavailable, "rate-limited"));
    }

    #[test]
    fn the_evidence_of_all_that_an_index_lists_is_capped_together() {
        let verdicts = |first: usize, second: usize| {
            let registry = Memory::new("r/a");
            let images = [(image(&registry, "one"), first), (image(&registry, "two"), second)];
            for (subject, pieces) in &images {
                let layer = Descriptor::of("application/vnd.dsse.envelope.v1+json", b"{}");
                ready(registry.push_blob(&layer.digest, b"{}")).unwrap();
                let layers = vec![layer.to_json(); *pieces];
                let referrer = json!({ "schemaVersion": 2, "layers": layers, "subject": subject.to_json() });
                push(&registry, IMAGE_MANIFEST, &referrer);
            }
            let decision = decide_on(&registry, &index(&registry, &images.map(|(d, _)| d)).digest);
            decision.children.iter().map(|c| c.verdict).collect::<Vec<_>>()
        };
        let half = limits::EVIDENCE_PIECES / 2;
        assert_eq!(verdicts(half, half), [Verdict::Deny, Verdict::Deny]);
        assert_eq!(verdicts(half, half + 1), [Verdict::Deny, Verdict::Unavailable]);
    }

    #[test]
    fn what_indexes_of_indexes_list_is_capped_together() {
        let registry = Memory::new("r/a");
        let nested = |wide: usize, deep: usize| {
            let inner: Vec<_> = (0..wide)
                .map(|i| {
                    let images: Vec<_> = (0..deep).map(|j| image(&registry, &format!("{i}-{j}"))).collect();
                    index(&registry, &images)
                })
                .collect();
            decide_on(&registry, &index(&registry, &inner).digest)
        };
        assert_eq!(nested(10, 10).verdict, Verdict::Deny);
        // The first ones were looked at, and a no is a no whatever the others are; the later ones were left open.
        let decision = nested(20, 20);
        let open = decision.children.iter().filter(|c| c.verdict == Verdict::Unavailable).count();
        assert_eq!((decision.verdict, open > 0), (Verdict::Deny, true));
        let images: Vec<_> = (0..=limits::CHILDREN).map(|i| image(&registry, &i.to_string())).collect();
        let wide = decide_on(&registry, &index(&registry, &images).digest);
        assert_eq!((wide.verdict, wide.code()), (Verdict::Unavailable, Some(crate::model::code::LIMIT_EXCEEDED)));
        // The same one again costs nothing.
        let one = image(&registry, "one");
        assert_eq!(decide_on(&registry, &index(&registry, &vec![one; 1000]).digest).verdict, Verdict::Deny);
    }
}
