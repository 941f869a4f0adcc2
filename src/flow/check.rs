//! Verify: gather evidence, verify it, decide, explain.

use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Code, Descriptor, DigestSet, Timestamp, limits};
use crate::policy::{Evidence, Finding, Policy, Reason, SubjectDecision, Verdict, decide};
use crate::registry::Checked;
use crate::seam::BoxFuture;
use crate::trust::TrustMaterial;
use crate::verify::{Candidate, Content, EvidenceSource, Verifier, digests_wanted};
use std::sync::Arc;

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
pub async fn check(target: &Target<'_>, policies: &[Policy], now: Timestamp) -> SubjectDecision {
    check_at(target, &target.artifact, policies, now, 0).await
}

fn check_at<'a>(
    target: &'a Target<'_>,
    artifact: &'a Artifact,
    policies: &'a [Policy],
    now: Timestamp,
    depth: usize,
) -> BoxFuture<'a, SubjectDecision> {
    Box::pin(async move {
        let mut candidates = Vec::new();
        for source in &target.sources {
            candidates.extend(source.candidates(artifact).await);
        }
        let (artifact, note) = with_digests(target, artifact, &candidates).await;
        let trust = TrustMaterial::of_keys(
            policies.iter().filter(|p| p.matches(&artifact.scope)).flat_map(Policy::keys).cloned(),
        );
        let verifier = Verifier { trust: &trust, now };
        // One at a time, so that only what was verified stays in memory.
        let evidence: Vec<_> = candidates.into_iter().map(|c| finding(c, &verifier, &artifact)).collect();
        let mut decision = decide(policies, &artifact, &evidence);
        decision.notes.extend(note);
        if decision.verdict != Verdict::Allow {
            children(target, &artifact, policies, now, depth, &mut decision).await;
        }
        decision
    })
}

fn finding(candidate: Candidate, verifier: &Verifier<'_>, artifact: &Artifact) -> Evidence {
    let finding = match candidate.content {
        Content::Evidence(bytes) => match verifier.verify(&bytes, artifact) {
            Ok(statement) => Finding::Verified(Arc::new(statement)),
            Err(e) => Finding::Rejected(e),
        },
        Content::SetAside { code, message } => Finding::SetAside { code, message },
        Content::Unavailable { code, message } => Finding::Unavailable { code, message },
    };
    Evidence { origin: candidate.origin, finding }
}

/// The artifact with all its digests, where a piece of evidence carries one that is not known yet.
async fn with_digests(
    target: &Target<'_>,
    artifact: &Artifact,
    candidates: &[Candidate],
) -> (Artifact, Option<String>) {
    let wanted = candidates.iter().any(|c| matches!(&c.content, Content::Evidence(b) if digests_wanted(b, artifact)));
    let computed = match (wanted, &target.content, target.digests) {
        (true, Some(content), _) => match content.need_manifest(&artifact.digest).await {
            Ok(served) => Ok(artifact.clone().with_bytes(&served.bytes)),
            Err(e) => Err(e.to_string()),
        },
        (true, None, Some(digests)) => digests().map(|d| artifact.clone().with_set(&d)),
        _ => return (artifact.clone(), None),
    };
    match computed {
        Ok(Some(artifact)) => (artifact, None),
        // Content that no longer has the digest that was fixed: what is missing stays missing, and is said.
        Ok(None) => (artifact.clone(), Some("the artifact changed while it was verified".into())),
        Err(e) => (artifact.clone(), Some(format!("further digests could not be computed: {e}"))),
    }
}

/// Decides on what an index lists, and allows the index when all of it is allowed.
async fn children(
    target: &Target<'_>,
    artifact: &Artifact,
    policies: &[Policy],
    now: Timestamp,
    depth: usize,
    decision: &mut SubjectDecision,
) {
    let Some(content) = &target.content else { return };
    let manifest = match content.manifest(&artifact.digest).await {
        Ok(Some(served)) => match Manifest::parse(&served.bytes, &served.media_type) {
            Ok(m) if m.is_index() => m,
            _ => return,
        },
        // The subject's manifest need not be there; and what the registry says of it cannot improve the answer.
        Ok(None) | Err(_) => return,
    };
    // BuildKit lists its unsigned attestations as manifests of platform unknown/unknown: no machine runs those.
    let runs = |d: &&Descriptor| d.platform.as_deref() != Some("unknown/unknown");
    let listed: Vec<_> = manifest.manifests.iter().filter(runs).collect();
    if listed.is_empty() {
        return;
    }
    if listed.len() > limits::CHILDREN || depth >= limits::INDEX_DEPTH {
        let message = format!("the index lists {} manifests, or is nested too deep", listed.len());
        decision.worsen(Verdict::Unavailable, Reason::new(crate::model::code::LIMIT_EXCEEDED, message));
        return;
    }
    for child in listed {
        let name = format!("{}@{}", artifact.scope, child.digest);
        let name = child.platform.as_ref().map_or_else(|| name.clone(), |p| format!("{name} ({p})"));
        let below = Artifact {
            descriptor: Some(child.clone()),
            ..Artifact::new(name, artifact.scope.clone(), child.digest.clone())
        };
        decision.children.push(check_at(target, &below, policies, now, depth + 1).await);
    }
    let verdict = decision.children.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Deny);
    if verdict == Verdict::Allow {
        decision.verdict = Verdict::Allow;
        decision.reasons.clear();
        decision.notes.push("the index itself is not attested; each manifest that it lists is".into());
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

const CHILD: Code = Code::new("child-unavailable");
/// Codes of deciding on what an index lists.
pub const CODES: &[Code] = &[CHILD];

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
