//! Verify: gather evidence, judge it, and gather what the judge lacks, until there is a decision.

use super::gather::{Gathered, Gathering, Target};
use super::judge::{Given, Judged, Objections, Verified, judge};
use crate::model::oci::{IMAGE_MANIFEST, Manifest};
use crate::model::{Artifact, Descriptor};
use crate::policy::{Policy, SubjectDecision};
use crate::registry::Checked;
use crate::seam::Deadline;
use crate::verify::Examined;

/// One subject under verification by one set of policies: what is known of it, to be decided on more than once.
///
/// The subject's digest is fixed before: nothing is resolved here.
pub struct Check<'t> {
    gathering: Gathering<'t>,
    given: Given<'t>,
    examined: Examined,
    verified: Verified,
    deadline: &'t dyn Deadline,
}

impl<'t> Check<'t> {
    /// Gathers what the sources have about the subject, within the deadline.
    pub async fn begin(target: Target<'t>, given: Given<'t>, deadline: &'t dyn Deadline) -> Self {
        let gathering = Gathering::begin(target, deadline).await;
        Self { gathering, given, examined: Examined::default(), verified: Verified::default(), deadline }
    }

    /// Decides, and reads what it takes to: what an index lists, and further digests. What was verified before the
    /// deadline is verified, and is decided on again after it.
    pub async fn decide(&mut self, objections: Option<Objections<'_>>) -> SubjectDecision {
        loop {
            let stop = || self.deadline.passed();
            let given = Given { objections, ..self.given };
            match judge(self.gathering.found(), &mut self.verified, &self.examined, given, &stop) {
                Judged::Decided(decision) => return *decision,
                Judged::Needs(needs) => self.gathering.fetch(needs).await,
            }
        }
    }

    /// By these policies from now on. What was gathered and checked is kept: it does not depend on who asks.
    pub fn by(&mut self, policies: &'t [Policy]) {
        self.given.policies = policies;
        self.verified = Verified::default();
    }

    /// What was gathered so far, and what was found out about it: another decision on it, by whatever policies, costs no
    /// request and no check that was made before.
    #[must_use]
    pub fn into_parts(self) -> (Gathered, Examined) {
        (self.gathering.into_found(), self.examined)
    }
}

/// Decides on one subject.
pub async fn check<'t>(target: Target<'t>, given: Given<'t>, deadline: &'t dyn Deadline) -> SubjectDecision {
    Check::begin(target, given, deadline).await.decide(given.objections).await
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
    use crate::model::{Timestamp, limits};
    use crate::policy;
    use crate::policy::Verdict;
    use crate::registry::memory::Operation;
    use crate::registry::{Memory, Registry as _, RegistryError, RegistryEvidence};
    use crate::seam::{BoxFuture, Deadline, Endless};
    use crate::verify::{Basket, EvidenceSource};
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

    fn demand() -> String {
        format!(
            "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: t}}, spec: {{images: [{{glob: '**'}}], require: [{{signers: [{{key: \"{PEM}\"}}]}}]}}}}"
        )
    }

    fn decide_on(registry: &Memory, digest: &Digest) -> SubjectDecision {
        let policies = [policy::parse(&demand(), "t", &|_| Err(String::new())).unwrap()];
        let evidence = RegistryEvidence::new(registry);
        let target = Target {
            artifact: Artifact::new("r/a", "r/a", digest.clone()),
            sources: vec![Box::new(evidence)],
            content: Some(Checked::new(registry)),
            digests: None,
        };
        ready(check(target, Given::new(&policies, &[], Timestamp::from_unix(0).unwrap()), &Endless))
    }

    /// A source that answers with nothing, or not at all.
    struct Source {
        answers: bool,
    }

    impl EvidenceSource for Source {
        fn place(&self) -> String {
            "r/a".into()
        }
        fn gather<'a>(&'a self, _: &'a Artifact, _: &'a Basket) -> BoxFuture<'a, ()> {
            if self.answers { Box::pin(std::future::ready(())) } else { Box::pin(std::future::pending()) }
        }
    }

    /// A deadline at which nothing is waited for, and all that is there is looked at.
    struct Now;

    impl Deadline for Now {
        fn wait(&self) -> BoxFuture<'_, ()> {
            Box::pin(std::future::ready(()))
        }
        fn passed(&self) -> bool {
            false
        }
        fn given(&self) -> String {
            "no time".into()
        }
    }

    #[test]
    fn a_source_that_had_not_ended_leaves_the_answer_open() {
        let decide = |answers: bool| {
            let policies = [policy::parse(&demand(), "t", &|_| Err(String::new())).unwrap()];
            let target = Target {
                artifact: Artifact::new("r/a", "r/a", Digest::sha256(b"")),
                sources: vec![Box::new(Source { answers }), Box::new(Source { answers: true })],
                content: None,
                digests: None,
            };
            let decision = ready(check(target, Given::new(&policies, &[], Timestamp::from_unix(0).unwrap()), &Now));
            (decision.verdict, decision.code().unwrap().as_str())
        };
        assert_eq!(decide(false), (Verdict::Unavailable, "timeout"));
        assert_eq!(decide(true), (Verdict::Deny, "no-attestation"), "the twin: there is none");
    }

    #[test]
    fn an_index_that_could_not_be_read_leaves_the_answer_open() {
        let honest = Memory::new("r/a");
        let subject = index(&honest, &[image(&honest, "one")]).digest;
        assert_eq!(decide_on(&honest, &subject).verdict, Verdict::Deny);
        let (wanted, down) = (
            subject.clone(),
            RegistryError::RateLimited { place: "r/a".into(), what: "it".into(), detail: String::new(), wait: None },
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
