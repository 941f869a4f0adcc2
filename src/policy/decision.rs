//! [`Decision`]: one value that says yes, no or "could not find out", and why, for every subject, policy, requirement
//! and candidate.

use crate::model::{Artifact, Code, Digest, PredicateUri, Timestamp};
use crate::predicate::approval::TargetKind;
use crate::verify::{KEY_NOT_TRUSTED, Origin, Signer, VerifiedStatement};
use std::fmt;
use std::sync::Arc;

/// The answer. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is positive proof of everything demanded.
    Allow,
    /// Something could not be looked at, and it could have made the difference.
    Unavailable,
    /// The answer is no.
    Deny,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Allow => "allow",
            Self::Unavailable => "unavailable",
            Self::Deny => "deny",
        })
    }
}

/// How a field of a provenance is known. Derived by the verifier, never read from the predicate.
///
/// Ordered by what output names first. Only `certificate` stands for the others: `signed` (somebody else vouches for
/// the value) and `measured` (the signer found the value out itself) are proof of different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Assurance {
    /// The signer says so.
    Declared,
    /// The policy says of this signer that it measures this field.
    Measured,
    /// Another verified statement says so.
    Signed,
    /// The signing certificate's own claim says the same.
    Certificate,
}

impl Assurance {
    /// Every level with its name, weakest first.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Declared, "declared"),
        (Self::Measured, "measured"),
        (Self::Signed, "signed"),
        (Self::Certificate, "certificate"),
    ];

    /// Whether a field that is known in these ways meets a demand for this one.
    #[must_use]
    pub fn is_met_by(self, levels: &[Self]) -> bool {
        self == Self::Declared || levels.contains(&self) || levels.contains(&Self::Certificate)
    }

    /// The level of a name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, n)| *n == name).map(|(a, _)| a)
    }

    /// Its name in policies and output.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(a, _)| *a == self).map_or("declared", |(_, n)| n)
    }
}

/// One reason of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable code.
    pub code: Code,
    /// For people.
    pub message: String,
    /// What was demanded, if one thing was.
    pub expected: Option<String>,
    /// What was found instead, if anything.
    pub found: Option<String>,
}

impl Reason {
    /// A reason with a message of its own.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), expected: None, found: None }
    }

    /// A demand on `what` that is not met.
    pub fn unmet(code: Code, what: &str, expected: impl Into<String>, found: Option<&str>) -> Self {
        let expected = expected.into();
        let shown = found.map_or_else(|| "none".to_owned(), |f| format!("`{f}`"));
        Self {
            code,
            message: format!("{what}: expected {expected}, found {shown}"),
            expected: Some(expected),
            found: found.map(str::to_owned),
        }
    }
}

/// A field of an accepted provenance and how it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldAssurance {
    /// Name, for example `source.commit`.
    pub field: &'static str,
    /// Value.
    pub value: String,
    /// How it is known: every level that it has, strongest first; at least one.
    pub levels: Vec<Assurance>,
    /// For the builder: whether the policy or flag lets this signer speak for it.
    pub bound: bool,
}

impl FieldAssurance {
    /// The strongest of its levels.
    #[must_use]
    pub fn assurance(&self) -> Assurance {
        self.levels.first().copied().unwrap_or(Assurance::Declared)
    }
}

/// What became of one candidate under one requirement.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// It meets everything that the requirement demands.
    Accepted(Box<Accepted>),
    /// It was believed or not, and does not meet the requirement.
    Rejected,
    /// It is no evidence about this artifact or for this requirement.
    SetAside,
    /// It could not be looked at.
    Unavailable,
}

/// An accepted candidate.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// The proof.
    pub statement: Arc<VerifiedStatement>,
    /// Which of the requirement's signers it met, as the policy writes it.
    pub rule: String,
    /// Who that is.
    pub signer: Signer,
    /// Everybody who signed it and whom the requirement accepts: at least `signer`.
    pub signers: Vec<Signer>,
    /// Fields and how they are known.
    pub fields: Vec<FieldAssurance>,
    /// Approvals that count, where the requirement demands any.
    pub approvals: Vec<Approver>,
}

/// An approval that counts.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Approver {
    /// Where the approval came from.
    pub origin: Origin,
    /// Who signed it.
    pub signer: Signer,
    /// Which of `by` that is, as the policy writes it.
    pub rule: String,
    /// The person whom the policy lists with that principal.
    pub person: Option<String>,
    /// What was approved.
    pub kind: TargetKind,
    /// Its digest.
    pub digest: Digest,
    /// Where it is, as the approval names it.
    pub uri: Option<String>,
    /// When the approval provably existed.
    pub time: Timestamp,
    /// Digest of the signed approval.
    pub statement: Digest,
}

/// One candidate under one requirement.
#[derive(Clone, Debug, PartialEq)]
pub struct CandidateDecision {
    /// Where it came from.
    pub origin: Origin,
    /// Whether it was verified: then what it lacks is what the requirement demands, not proof.
    pub verified: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// Why; empty for an accepted one.
    pub reasons: Vec<Reason>,
}

/// One requirement of one policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RequirementDecision {
    /// The predicate type demanded.
    pub predicate_type: PredicateUri,
    /// The answer.
    pub verdict: Verdict,
    /// Reasons that concern all candidates together: too few distinct signers.
    pub reasons: Vec<Reason>,
    /// Every candidate.
    pub candidates: Vec<CandidateDecision>,
}

/// One policy on one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyDecision {
    /// The policy's name.
    pub policy: String,
    /// The answer: all requirements must be met.
    pub verdict: Verdict,
    /// Every requirement.
    pub requirements: Vec<RequirementDecision>,
}

/// One subject.
#[derive(Clone, Debug, PartialEq)]
pub struct SubjectDecision {
    /// What was decided on.
    pub artifact: Artifact,
    /// The answer: at least one policy matches, and all that match allow.
    pub verdict: Verdict,
    /// Reasons that concern the subject as a whole.
    pub reasons: Vec<Reason>,
    /// Every policy that matches.
    pub policies: Vec<PolicyDecision>,
    /// Manifests below an index, where they were decided on.
    pub children: Vec<Self>,
    /// What a reader should know and what changes nothing.
    pub notes: Vec<String>,
    /// What is so of every subject of its kind, for who asks for everything.
    pub asides: Vec<String>,
}

/// A policy that took part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyUsed {
    /// Its name.
    pub name: String,
    /// Its file, or `flags`.
    pub origin: String,
    /// Digest of its file.
    pub digest: Option<Digest>,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The worst of all subjects; `Deny` when there is none.
    pub verdict: Verdict,
    /// Every subject.
    pub subjects: Vec<SubjectDecision>,
    /// Every policy that took part.
    pub policies: Vec<PolicyUsed>,
    /// When it was made.
    pub decided_at: Timestamp,
}

impl Decision {
    /// The decision on several subjects.
    #[must_use]
    pub fn of(subjects: Vec<SubjectDecision>, policies: Vec<PolicyUsed>, decided_at: Timestamp) -> Self {
        let verdict = subjects.iter().map(|s| s.verdict).max().unwrap_or(Verdict::Deny);
        Self { verdict, subjects, policies, decided_at }
    }

    /// The most telling code of a decision that is not `Allow`.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.subjects.iter().find(|s| s.verdict == self.verdict).and_then(SubjectDecision::code)
    }
}

impl SubjectDecision {
    /// The answer on what no policy need be asked about.
    #[must_use]
    pub fn denied(artifact: Artifact, reason: Reason) -> Self {
        Self {
            artifact,
            verdict: Verdict::Deny,
            reasons: vec![reason],
            policies: Vec::new(),
            children: Vec::new(),
            notes: Vec::new(),
            asides: Vec::new(),
        }
    }

    /// Adds a reason that concerns the subject as a whole, and makes the answer at best `verdict`. Beside a worse answer it
    /// is a note: an exit 1 whose code says "could not find out" would send its reader to the wrong place.
    pub fn worsen(&mut self, verdict: Verdict, reason: Reason) {
        if verdict < self.verdict {
            self.notes.push(format!("{}: {}", reason.code, reason.message));
            return;
        }
        self.verdict = self.verdict.max(verdict);
        self.reasons.insert(0, reason);
    }

    /// The most telling code, when the answer is not `Allow`: of the subject itself, else of the candidate that came
    /// closest to being accepted.
    #[must_use]
    pub fn code(&self) -> Option<Code> {
        self.reason().map(|r| r.code)
    }

    /// The most telling reason, as [`code`](Self::code).
    #[must_use]
    pub fn reason(&self) -> Option<&Reason> {
        if self.verdict == Verdict::Allow {
            return None;
        }
        let requirement = self.requirement();
        self.reasons
            .first()
            .or_else(|| requirement?.reasons.first())
            .or_else(|| requirement?.nearest()?.reasons.first())
    }

    /// The first requirement that made the answer what it is.
    #[must_use]
    pub fn requirement(&self) -> Option<&RequirementDecision> {
        let policies = self.policies.iter().filter(|p| p.verdict == self.verdict);
        policies.flat_map(|p| &p.requirements).find(|r| r.verdict == self.verdict)
    }
}

impl RequirementDecision {
    /// The candidate that came closest to being accepted.
    #[must_use]
    pub fn nearest(&self) -> Option<&CandidateDecision> {
        let rank = |c: &&CandidateDecision| {
            let outcome = match (&c.outcome, self.verdict) {
                (Outcome::Unavailable, Verdict::Unavailable) => 0,
                (Outcome::Rejected, _) => 1,
                (Outcome::Unavailable, _) => 2,
                _ => 3,
            };
            // Who is not known at all may have signed anything.
            let unknown = c.reasons.first().is_some_and(|r| r.code == KEY_NOT_TRUSTED);
            (outcome, !c.verified, unknown)
        };
        self.candidates.iter().min_by_key(rank)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{NO_ATTESTATION, NO_POLICY};

    #[test]
    fn what_could_not_be_found_out_beside_a_denial_is_a_note() {
        let artifact = Artifact::new("app", "file:app", Digest::sha256(b"app"));
        let mut decision = SubjectDecision::denied(artifact, Reason::new(NO_POLICY, "no policy"));
        decision.worsen(Verdict::Unavailable, Reason::new(NO_ATTESTATION, "not read"));
        assert_eq!((decision.verdict, decision.code(), decision.notes.len()), (Verdict::Deny, Some(NO_POLICY), 1));
        // What is as bad comes first: it was found last.
        decision.worsen(Verdict::Deny, Reason::new(NO_ATTESTATION, "another"));
        assert_eq!((decision.code(), decision.notes.len()), (Some(NO_ATTESTATION), 1));
    }
}
