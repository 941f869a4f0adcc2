//! [`judge`]: from what was gathered to a decision. It reads nothing: the same evidence gives the same answer.

use super::cores::on_cores;
use super::gather::{Further, Gathered, Listed, Need, TIMEOUT};
use super::support::Support;
use crate::model::code::{LIMIT_EXCEEDED, codes};
use crate::model::plural::counted;
use crate::model::{Artifact, Timestamp, limits};
use crate::policy::{
    Evidence, Finding, NO_ATTESTATION, NO_POLICY, Objection, Policy, Reason, SubjectDecision, Verdict, decide,
};
use crate::registry::CONTENT_MISSING;
use crate::trust::{TrustMaterial, TrustedRoot};
use crate::verify::{Candidate, Content, Examined, Origin, VerifiedStatement, Verifier, VerifyError};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

codes! {
    /// Codes of deciding on what an index lists.
    pub CODES;
    CHILD = "child-unavailable", [Operator],
        "a manifest that the index lists could not be checked",
        "try again; if it stays, push the whole index again: the registry lacks one of its manifests";
}

/// Says why a verified statement does not count after all, where there is a reason.
pub type Objections<'a> = &'a (dyn Fn(&VerifiedStatement) -> Option<Objection> + Sync);

/// What a decision is made with; the same for an index and its manifests.
#[derive(Clone, Copy)]
pub struct Given<'a> {
    /// Policies, of which those apply that speak about the subject.
    pub policies: &'a [Policy],
    /// Trusted roots.
    pub roots: &'a [TrustedRoot],
    /// The time of the decision.
    pub now: Timestamp,
    /// Why a verified statement does not count after all, where something was found out about it later.
    pub objections: Option<Objections<'a>>,
}

impl<'a> Given<'a> {
    /// By these policies and roots, at this time, with no objection.
    #[must_use]
    pub fn new(policies: &'a [Policy], roots: &'a [TrustedRoot], now: Timestamp) -> Self {
        Self { policies, roots, now, objections: None }
    }
}

/// What came of judging.
#[derive(Debug)]
pub enum Judged {
    /// The decision.
    Decided(Box<SubjectDecision>),
    /// It could be another one with this. Each is asked for once: to judge again without it gives a decision.
    Needs(Vec<Need>),
}

/// What was verified of one artifact and what it lists, kept from one round to the next, by one set of policies.
#[derive(Debug, Default)]
pub struct Verified {
    evidence: Option<Vec<Evidence>>,
    listed: Vec<Self>,
}

/// Decides on what was gathered.
///
/// Candidates are verified on all cores; between two of them `stop` is asked, and those that it leaves are one candidate
/// that could not be looked at. No signature that `examined` knows is checked again. Where the subject is an index that is
/// not itself attested, each manifest that it lists is decided on by the same policies, and the index is allowed when all
/// are: an index pins its manifests by digest, so that what a machine pulls from it is one of those.
pub fn judge(
    gathered: &Gathered,
    verified: &mut Verified,
    examined: &Examined,
    given: Given<'_>,
    stop: &(dyn Fn() -> bool + Sync),
) -> Judged {
    Round { examined, given, stop, kept: &AtomicUsize::new(0) }.judge(gathered, verified, &[])
}

#[derive(Clone, Copy)]
struct Round<'a> {
    examined: &'a Examined,
    given: Given<'a>,
    stop: &'a (dyn Fn() -> bool + Sync),
    /// Memory that verified predicates take (bytes).
    kept: &'a AtomicUsize,
}

impl Round<'_> {
    fn judge(self, gathered: &Gathered, verified: &mut Verified, path: &[usize]) -> Judged {
        let Given { policies, objections, .. } = self.given;
        let found = match verified.evidence.take() {
            Some(found) => found,
            None => match self.verify(gathered) {
                Some(found) => found,
                None => return Judged::Needs(vec![Need::Digests(path.to_vec())]),
            },
        };
        let found = verified.evidence.insert(found);
        let withdrawn = objections.map(|object| found.iter().cloned().map(|e| e.withdrawn(object)).collect::<Vec<_>>());
        let mut decision = decide(policies, &gathered.artifact, withdrawn.as_ref().unwrap_or(found));
        if let Further::Failed(why) = &gathered.further {
            decision.notes.push(why.clone());
        }
        // A policy that does not apply to the index does not apply to the manifests that it lists.
        let spoken = decision.reasons.iter().all(|r| r.code != NO_POLICY);
        if decision.verdict == Verdict::Allow || !spoken {
            return Judged::Decided(Box::new(decision));
        }
        match &gathered.listed {
            Listed::NotAsked => return Judged::Needs(vec![Need::Listed(path.to_vec())]),
            Listed::Nothing => {}
            // Where nothing speaks of the subject either, it may be an index of manifests that are all attested.
            Listed::Absent { place } if decision.code() == Some(NO_ATTESTATION) => {
                let message = format!("the subject's manifest could not be read: {place} does not have it");
                unread(&mut decision, Reason::new(CONTENT_MISSING, message));
            }
            Listed::Absent { .. } => {}
            Listed::Unusable(why) => decision.notes.push(why.clone()),
            Listed::Unread { code, message } if decision.verdict == Verdict::Deny => {
                unread(&mut decision, Reason::new(*code, message.clone()));
            }
            Listed::Unread { .. } => {}
            Listed::Manifests { listed, skipped } => {
                verified.listed.resize_with(listed.len(), Verified::default);
                let each: Vec<_> = listed.iter().zip(&mut verified.listed).enumerate().collect();
                let below = |(i, (child, verified)): (usize, (&Gathered, &mut Verified))| {
                    self.judge(child, verified, &[path, &[i]].concat())
                };
                let mut needs = Vec::new();
                for judged in on_cores(each, below) {
                    match judged {
                        Judged::Decided(child) => decision.children.push(*child),
                        Judged::Needs(more) => needs.extend(more),
                    }
                }
                if !needs.is_empty() {
                    return Judged::Needs(needs);
                }
                of_children(&mut decision, *skipped);
            }
        }
        Judged::Decided(Box::new(decision))
    }

    /// Verifies what was found about one artifact; nothing where its further digests are needed first.
    fn verify(self, gathered: &Gathered) -> Option<Vec<Evidence>> {
        let Given { policies, roots, now, .. } = self.given;
        let trust = trust(policies, roots, &gathered.artifact);
        let verifier = Verifier::new(&trust, now).remembering(self.examined);
        let look = |candidate: &Candidate| {
            (!(self.stop)()).then(|| self.affordable(finding(&verifier, candidate, &gathered.artifact)))
        };
        let looked = on_cores(gathered.candidates.iter().collect(), look);
        let unknown = |f: &Finding| matches!(f, Finding::Rejected(VerifyError::SubjectDigestUnknown { .. }));
        if gathered.further == Further::NotAsked && looked.iter().flatten().any(unknown) {
            return None;
        }
        let mut left = looked.iter().filter(|l| l.is_none()).count();
        let both = gathered.candidates.iter().zip(looked);
        let mut evidence: Vec<_> = both
            .filter_map(|(candidate, finding)| {
                Some((candidate, Evidence { origin: candidate.origin.clone(), finding: finding? }))
            })
            .collect();
        left += Support { verifier: &verifier, stop: self.stop }.find(&mut evidence);
        let mut evidence: Vec<_> = evidence.into_iter().map(|(_, e)| e).collect();
        if left > 0 {
            let message = format!("the time was up before {left} pieces of evidence were verified");
            let origin = Origin { place: "what had not been verified in time".into(), id: String::new() };
            evidence.push(Evidence { origin, finding: Finding::Unavailable { code: TIMEOUT, message } });
        }
        Some(evidence)
    }
}

impl Round<'_> {
    /// What was verified, within the memory of a check: else a trusted signer could attach so many large statements that the
    /// verifier runs out of memory.
    fn affordable(self, finding: Finding) -> Finding {
        let Finding::Verified(statement) = &finding else { return finding };
        if self.kept.fetch_add(statement.memory(), Ordering::Relaxed) < limits::VERIFIED_BYTES {
            return finding;
        }
        let message = format!("the predicates of verified statements take more than {} bytes", limits::VERIFIED_BYTES);
        Finding::Unavailable { code: LIMIT_EXCEEDED, message }
    }
}

/// Everything that any policy which speaks about the artifact trusts: each requirement decides again for itself.
fn trust(policies: &[Policy], roots: &[TrustedRoot], artifact: &Artifact) -> TrustMaterial {
    let matching = || policies.iter().filter(|p| p.speaks_of(artifact));
    let mut trust = TrustMaterial::of_keys(matching().flat_map(Policy::keys).cloned()).with_roots(roots);
    trust.witnesses = matching().flat_map(Policy::witnesses).cloned().collect();
    trust.allow_promise_only = matching().any(Policy::allows_promise_only);
    trust
}

fn finding(verifier: &Verifier<'_>, candidate: &Candidate, artifact: &Artifact) -> Finding {
    match &candidate.content {
        Content::Evidence(bytes) => verifier
            .verify(bytes, artifact)
            .map_or_else(Finding::Rejected, |statement| Finding::Verified(Arc::new(statement))),
        Content::SetAside { code, message } => Finding::SetAside { code: *code, message: message.clone() },
        Content::Unavailable { code, message } => Finding::Unavailable { code: *code, message: message.clone() },
    }
}

/// The manifest that could not be read may be an index of manifests that are all attested: so the answer is that it could
/// not be found out, and not no.
fn unread(decision: &mut SubjectDecision, reason: Reason) {
    decision.verdict = Verdict::Unavailable;
    decision.reasons = vec![reason];
}

/// Allows an index when all that it lists is allowed.
fn of_children(decision: &mut SubjectDecision, skipped: usize) {
    let verdict = decision.children.iter().map(|c| c.verdict).max().unwrap_or(Verdict::Deny);
    if verdict == Verdict::Allow {
        decision.verdict = Verdict::Allow;
        decision.reasons.clear();
        let mut note = String::from("the index itself is not attested; each image that it lists is");
        if skipped > 0 {
            note += &format!(" (passed over: {} of BuildKit's unsigned attestations)", counted(skipped, "manifest"));
        }
        decision.notes.push(note);
    } else if verdict == Verdict::Unavailable {
        // An answer about a child that is missing could have made the index allowed.
        let unavailable =
            decision.children.iter().find(|c| c.verdict == Verdict::Unavailable).and_then(SubjectDecision::code);
        unread(
            decision,
            Reason::new(unavailable.unwrap_or(CHILD), "a manifest that the index lists could not be checked"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Check, Target};
    use crate::model::oci::IMAGE_INDEX;
    use crate::model::{Descriptor, Digest};
    use crate::policy::{CHARTER_CHANGED, Requirement, SignerRule};
    use crate::registry::{Checked, Memory, Registry as _, RegistryEvidence};
    use crate::seam::{BoxFuture, Deadline, Endless};
    use crate::sign::LocalKey;
    use crate::testing::world::{attach, block_on, index, sign};
    use crate::testing::{Claim, Image};
    use crate::trust::KeyAlgorithm;
    fn policy(keys: &[LocalKey], threshold: usize) -> Policy {
        let signers = keys.iter().map(|key| SignerRule::key(key.public_key().clone()));
        let requirement = signers.fold(Requirement::provenance().threshold(threshold), Requirement::signer);
        Policy::named("p").require(requirement)
    }

    fn at() -> Timestamp {
        Timestamp::from_unix(1_900_000_000).unwrap()
    }

    fn keys() -> [LocalKey; 2] {
        [0, 1].map(|_| LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap())
    }

    fn target<'a>(memory: &'a Memory, digest: &Digest) -> Target<'a> {
        Target {
            artifact: Artifact::new("app", "registry.example/acme/app", digest.clone()),
            sources: vec![Box::new(RegistryEvidence::new(memory))],
            content: Some(Checked::new(memory)),
            digests: None,
        }
    }

    fn attest(memory: &Memory, keys: &[LocalKey], digest: &Digest) {
        for key in keys {
            attach(memory, digest, &sign(key, &Claim::about(digest).to_bytes()).unwrap()).unwrap();
        }
    }

    /// An index of two images, each attested by `key`.
    fn attested_index(key: &LocalKey) -> (Memory, Digest, [Image; 2]) {
        let (memory, images) = (Memory::new("memory"), [Image::of(b"one"), Image::of(b"two")]);
        let entries: Vec<_> = images.iter().map(|i| i.push(&memory).to_json()).collect();
        images.iter().for_each(|image| attest(&memory, std::slice::from_ref(key), &image.digest()));
        let bytes = index(&entries);
        let descriptor = Descriptor::of(IMAGE_INDEX, &bytes);
        block_on(memory.push_manifest(&descriptor, &bytes)).unwrap();
        (memory, descriptor.digest, images)
    }

    /// Takes away what is about `subject` and signed by one of `keys`.
    fn without(check: &mut Check<'_>, keys: &[&LocalKey], subject: &Digest, unavailable: bool) -> SubjectDecision {
        let reason = Reason::new(CHARTER_CHANGED, "found out later");
        let objection = |s: &VerifiedStatement| {
            let by = |k: &&LocalKey| s.signers().iter().any(|signer| signer.key_id() == Some(k.public_key().id()));
            let taken = keys.iter().any(by) && s.artifact() == subject;
            taken.then(|| Objection { reason: reason.clone(), unavailable })
        };
        block_on(check.decide(Some(&objection)))
    }

    #[test]
    fn what_is_left_decides_and_nothing_gets_better() {
        let (keys, image) = (keys(), Image::of(b"a layer"));
        let (memory, digest) = (image.in_memory(), image.digest());
        attest(&memory, &keys, &digest);
        for (threshold, taken, away, expected) in [
            (1, 0, false, Verdict::Allow),
            (1, 1, false, Verdict::Allow),
            (1, 1, true, Verdict::Allow),
            (1, 2, false, Verdict::Deny),
            (1, 2, true, Verdict::Unavailable),
            (2, 0, false, Verdict::Allow),
            (2, 1, false, Verdict::Deny),
            (2, 1, true, Verdict::Unavailable),
        ] {
            let policies = [policy(&keys, threshold)];
            let mut check =
                block_on(Check::begin(target(&memory, &digest), Given::new(&policies, &[], at()), &Endless));
            let first = block_on(check.decide(None));
            assert_eq!(first.verdict, Verdict::Allow);
            let all: Vec<_> = keys.iter().take(taken).collect();
            let decision = without(&mut check, &all, &digest, away);
            assert_eq!(decision.verdict, expected, "threshold {threshold}, {taken} taken");
            assert_eq!(decision == first, taken == 0);
            let code = decision.code().map(|c| c.as_str());
            assert_eq!(code, (expected != Verdict::Allow).then_some("charter-changed"));
        }
        // What was a no is so for its own reason.
        let policies = [policy(&keys, 3)];
        let mut check = block_on(Check::begin(target(&memory, &digest), Given::new(&policies, &[], at()), &Endless));
        let first = block_on(check.decide(None));
        assert_eq!((first.verdict, without(&mut check, &[], &digest, false)), (Verdict::Deny, first.clone()));
    }

    #[test]
    fn an_index_falls_with_one_of_its_images() {
        let [key, _] = keys();
        let (memory, digest, images) = attested_index(&key);
        let policies = [policy(std::slice::from_ref(&key), 1)];
        let mut check = block_on(Check::begin(target(&memory, &digest), Given::new(&policies, &[], at()), &Endless));
        let first = block_on(check.decide(None));
        assert_eq!((first.verdict, first.children.len()), (Verdict::Allow, 2));
        let decision = without(&mut check, &[&key], &Digest::sha256(b"another"), false);
        assert_eq!(decision.verdict, Verdict::Allow);
        let decision = without(&mut check, &[&key], &images[1].digest(), false);
        assert_eq!((decision.verdict, decision.children[0].verdict), (Verdict::Deny, Verdict::Allow));
        assert_eq!(decision.children[1].code(), Some(CHARTER_CHANGED));
    }

    #[test]
    fn another_decision_on_the_same_evidence_asks_nobody_and_checks_nothing_again() {
        let [key, other] = keys();
        let (memory, digest, _) = attested_index(&key);
        let policies = [policy(std::slice::from_ref(&key), 1)];
        let mut check = block_on(Check::begin(target(&memory, &digest), Given::new(&policies, &[], at()), &Endless));
        let first = block_on(check.decide(None));
        let (gathered, examined) = check.into_parts();
        let checks = examined.checks();
        assert!(first.verdict == Verdict::Allow && checks >= 2, "{checks} checks");
        drop(memory);
        let again = |policies: &[Policy]| {
            let given = Given::new(policies, &[], at());
            match judge(&gathered, &mut Verified::default(), &examined, given, &|| false) {
                Judged::Decided(decision) => (*decision, examined.checks() - checks),
                Judged::Needs(needs) => panic!("{needs:?}"),
            }
        };
        assert_eq!(again(&policies), (first, 0));
        // Another policy about the same key costs nothing either; one about another key asks about that key alone, of each
        // of the two bundles.
        let one = || policy(std::slice::from_ref(&key), 1);
        let (decision, more) = again(&[one(), one()]);
        assert_eq!((decision.verdict, more), (Verdict::Allow, 0));
        let (decision, more) = again(&[policy(&[key, other], 1)]);
        assert_eq!((decision.verdict, more), (Verdict::Allow, 2));
    }

    /// A deadline that passes when it was asked about often enough.
    struct After(AtomicUsize);

    impl Deadline for After {
        fn wait(&self) -> BoxFuture<'_, ()> {
            Box::pin(std::future::pending())
        }
        fn passed(&self) -> bool {
            self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| n.checked_sub(1)).is_err()
        }
        fn given(&self) -> String {
            "no time".into()
        }
    }

    #[test]
    fn what_there_was_no_time_to_verify_leaves_the_answer_open_and_takes_no_yes_away() {
        let (keys, image) = (keys(), Image::of(b"a layer"));
        let (memory, digest) = (image.in_memory(), image.digest());
        attest(&memory, &keys, &digest);
        let decide = |looks: usize, threshold: usize| {
            let (policies, deadline) = ([policy(&keys, threshold)], After(AtomicUsize::new(looks)));
            let mut check =
                block_on(Check::begin(target(&memory, &digest), Given::new(&policies, &[], at()), &deadline));
            let decision = block_on(check.decide(None));
            (decision.verdict, decision.code())
        };
        assert_eq!(decide(2, 2), (Verdict::Allow, None));
        assert_eq!(decide(1, 1), (Verdict::Allow, None));
        assert_eq!(decide(0, 1), (Verdict::Unavailable, Some(TIMEOUT)));
        assert_eq!(decide(1, 2).0, Verdict::Unavailable);
        // With all the time there is, it is a no.
        assert_eq!(decide(9, 3).0, Verdict::Deny);
    }

    #[test]
    fn what_signers_sign_is_kept_within_one_limit_and_the_rest_is_left_open() {
        let ([key, _], image) = (keys(), Image::of(b"a layer"));
        let digest = image.digest();
        // Within the limit of a tree each, and two of them are over what is kept together.
        let large = format!("\"externalParameters\":{{\"x\":[{}0]", r#"{"":{}},"#.repeat(45_000));
        let decide = |count: usize| {
            let memory = image.in_memory();
            for n in 0..count {
                let text = String::from_utf8(Claim::about(&digest).to_bytes()).unwrap();
                let text = text.replacen("\"externalParameters\":{", &format!("{large},\"n\":{n},"), 1);
                attach(&memory, &digest, &sign(&key, text.as_bytes()).unwrap()).unwrap();
            }
            let policies = [policy(std::slice::from_ref(&key), 1)];
            let given = Given::new(&policies, &[], at());
            let decision = block_on(crate::flow::check(target(&memory, &digest), given, &Endless));
            let candidates = &decision.policies[0].requirements[0].candidates;
            let open = candidates.iter().filter(|c| matches!(c.outcome, crate::policy::Outcome::Unavailable)).count();
            (decision.verdict, candidates.len(), open)
        };
        assert_eq!(decide(2), (Verdict::Allow, 2, 0));
        assert_eq!(decide(4), (Verdict::Allow, 4, 2));
    }
}
