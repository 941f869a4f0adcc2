//! [`reconsider`]: takes accepted statements away again for what was found out after the decision. It only adds demands:
//! no answer gets better by it.

use super::{Outcome, Policy, Reason, SubjectDecision, Verdict};
use crate::verify::{Signer, VerifiedStatement};

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
                    met.verdict.max(verdict(met.candidates.iter().map(|c| &c.outcome), requirement.threshold));
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

fn verdict<'a>(outcomes: impl Iterator<Item = &'a Outcome>, threshold: usize) -> Verdict {
    let mut who: Vec<&Signer> = Vec::new();
    let mut unavailable = false;
    for outcome in outcomes {
        match outcome {
            Outcome::Accepted(accepted) => {
                for signer in &accepted.signers {
                    if !who.iter().any(|w| w.is_same_identity(signer)) {
                        who.push(signer);
                    }
                }
            }
            Outcome::Unavailable => unavailable = true,
            Outcome::Rejected | Outcome::SetAside => {}
        }
    }
    match (!who.is_empty() && who.len() >= threshold, unavailable) {
        (true, _) => Verdict::Allow,
        (false, true) => Verdict::Unavailable,
        (false, false) => Verdict::Deny,
    }
}
