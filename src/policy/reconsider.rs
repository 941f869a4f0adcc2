//! [`reconsider`]: takes accepted statements away again for what was found out after the decision. It only adds demands:
//! no answer gets better by it.

use super::people::distinct;
use super::{Outcome, Policy, Reason, SubjectDecision, Verdict};
use crate::verify::VerifiedStatement;

/// Why an accepted statement does not count after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Why.
    pub reason: Reason,
    /// Whether it could not be found out, and is no "no".
    pub unavailable: bool,
}

/// Asks again about every accepted statement of a subject and of what it lists, and decides anew with those that are left.
///
/// `policies` are those that the decision was made with. Where nothing is taken away, nothing changes.
pub fn reconsider(
    decision: &mut SubjectDecision,
    policies: &[Policy],
    judge: &dyn Fn(&VerifiedStatement) -> Result<(), Objection>,
) {
    let before = decision.verdict;
    for child in &mut decision.children {
        reconsider(child, policies, judge);
    }
    let scope = decision.artifact.scope.clone();
    let speaking = policies.iter().filter(|p| p.matches(&scope));
    for (decided, policy) in decision.policies.iter_mut().zip(speaking) {
        for (met, requirement) in decided.requirements.iter_mut().zip(&policy.requirements) {
            let mut taken = false;
            for candidate in &mut met.candidates {
                let Outcome::Accepted(accepted) = &candidate.outcome else { continue };
                if let Err(objection) = judge(&accepted.statement) {
                    candidate.outcome = if objection.unavailable { Outcome::Unavailable } else { Outcome::Rejected };
                    candidate.reasons = vec![objection.reason];
                    taken = true;
                }
            }
            if taken {
                met.verdict =
                    met.verdict.max(verdict(policy, met.candidates.iter().map(|c| &c.outcome), requirement.threshold));
            }
        }
        decided.verdict = decided.requirements.iter().map(|r| r.verdict).fold(decided.verdict, Ord::max);
    }
    let own = decision.policies.iter().map(|p| p.verdict).max().unwrap_or(Verdict::Deny);
    let children = decision.children.iter().map(|c| c.verdict).max();
    // An index is allowed by its own attestation, or by those of all that it lists.
    let now = children.map_or(own, |children| children.min(own));
    decision.verdict = before.max(now);
    if decision.verdict != before
        && let Some(child) = decision.children.iter().find(|c| c.verdict == decision.verdict)
        && let Some(code) = child.code()
    {
        let message = format!("{} is not allowed any more", child.artifact.name);
        decision.reasons.insert(0, Reason::new(code, message));
    }
}

fn verdict<'a>(policy: &Policy, outcomes: impl Iterator<Item = &'a Outcome>, threshold: usize) -> Verdict {
    let mut accepted = Vec::new();
    let mut unavailable = false;
    for outcome in outcomes {
        match outcome {
            Outcome::Accepted(one) => accepted.extend(&one.signers),
            Outcome::Unavailable => unavailable = true,
            Outcome::Rejected | Outcome::SetAside => {}
        }
    }
    let who = distinct(&policy.people, accepted.into_iter());
    match (!who.is_empty() && who.len() >= threshold, unavailable) {
        (true, _) => Verdict::Allow,
        (false, true) => Verdict::Unavailable,
        (false, false) => Verdict::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{self, Target};
    use crate::model::oci::IMAGE_INDEX;
    use crate::model::{Artifact, Descriptor, Digest, PredicateUri, ValidityWindow};
    use crate::policy::{Images, Mode, People, Requirement, Revoked, SignerMatch, SignerRule, TrustRule};
    use crate::registry::{Checked, Memory, Registry as _, RegistryEvidence};
    use crate::sign::LocalKey;
    use crate::testing::world::{attach, block_on, index, now, sign};
    use crate::testing::{Claim, Image};
    use crate::trust::KeyAlgorithm;
    use crate::verify::EvidenceSource;

    use crate::policy::CHARTER_CHANGED as LATER;

    fn policy(keys: &[LocalKey], threshold: usize) -> Policy {
        let signer = |key: &LocalKey| SignerRule {
            label: "a key".into(),
            who: SignerMatch::Key(key.public_key().clone()),
            window: ValidityWindow::default(),
            builders: Vec::new(),
            measures: Vec::new(),
        };
        Policy {
            name: "p".into(),
            origin: "flags".into(),
            digest: None,
            images: Images::All,
            mode: Mode::Enforce,
            requirements: vec![Requirement {
                predicate_type: PredicateUri::slsa_provenance(),
                signers: keys.iter().map(signer).collect(),
                threshold,
                trust: TrustRule::default(),
                approvals: None,
                snapshot: None,
                checks: Vec::new(),
            }],
            revoked: Revoked::default(),
            people: People::default(),
        }
    }

    fn check(memory: &Memory, digest: &Digest, policies: &[Policy]) -> SubjectDecision {
        let source = RegistryEvidence::new(memory);
        let sources: Vec<&dyn EvidenceSource> = vec![&source];
        let artifact = Artifact::new("app", "registry.example/acme/app", digest.clone());
        block_on(flow::check(
            &Target { artifact, sources, content: Some(Checked::new(memory)), digests: None },
            policies,
            &[],
            now(),
        ))
    }

    /// Takes away what is about `subject` and signed by one of `keys`.
    fn against(decision: &mut SubjectDecision, policies: &[Policy], keys: &[&LocalKey], subject: &Digest, away: bool) {
        let reason = Reason::new(LATER, "found out later");
        reconsider(decision, policies, &|s| {
            let signed =
                s.signers().iter().any(|signer| keys.iter().any(|k| signer.key_id() == Some(k.public_key().id())));
            match signed && s.artifact() == subject {
                true => Err(Objection { reason: reason.clone(), unavailable: away }),
                false => Ok(()),
            }
        });
    }

    fn keys() -> [LocalKey; 2] {
        [0, 1].map(|_| LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap())
    }

    #[test]
    fn what_is_left_decides_and_nothing_gets_better() {
        let (keys, image) = (keys(), Image::of(b"a layer"));
        let (memory, digest) = (image.in_memory(), image.digest());
        for key in &keys {
            attach(&memory, &digest, &sign(key, &Claim::about(&digest).to_bytes()).unwrap()).unwrap();
        }
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
            let first = check(&memory, &digest, &policies);
            assert_eq!(first.verdict, Verdict::Allow);
            let mut decision = first.clone();
            let all: Vec<_> = keys.iter().take(taken).collect();
            against(&mut decision, &policies, &all, &digest, away);
            assert_eq!(decision.verdict, expected, "threshold {threshold}, {taken} taken");
            assert_eq!(decision == first, taken == 0);
            let code = decision.code().map(|c| c.as_str());
            assert_eq!(code, (expected != Verdict::Allow).then_some("charter-changed"));
        }
        // What was a no is none of ours.
        let policies = [policy(&keys, 3)];
        let first = check(&memory, &digest, &policies);
        let mut decision = first.clone();
        against(&mut decision, &policies, &[], &digest, false);
        assert_eq!((decision.verdict, &decision), (Verdict::Deny, &first));
    }

    #[test]
    fn an_index_falls_with_one_of_its_images() {
        let ([key, _], images) = (keys(), [Image::of(b"one"), Image::of(b"two")]);
        let memory = Memory::new("memory");
        let entries: Vec<_> = images.iter().map(|i| i.push(&memory).to_json()).collect();
        for image in &images {
            let digest = image.digest();
            attach(&memory, &digest, &sign(&key, &Claim::about(&digest).to_bytes()).unwrap()).unwrap();
        }
        let bytes = index(&entries);
        let descriptor = Descriptor::of(IMAGE_INDEX, &bytes);
        block_on(memory.push_manifest(&descriptor, &bytes)).unwrap();
        let policies = [policy(std::slice::from_ref(&key), 1)];
        let mut decision = check(&memory, &descriptor.digest, &policies);
        assert_eq!((decision.verdict, decision.children.len()), (Verdict::Allow, 2));
        against(&mut decision, &policies, &[&key], &Digest::sha256(b"another"), false);
        assert_eq!(decision.verdict, Verdict::Allow);
        against(&mut decision, &policies, &[&key], &images[1].digest(), false);
        assert_eq!((decision.verdict, decision.code()), (Verdict::Deny, Some(LATER)));
        assert_eq!(decision.children[0].verdict, Verdict::Allow);
    }
}
