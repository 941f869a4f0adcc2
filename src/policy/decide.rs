//! From evidence to a decision on one subject.

use super::rule::{Beside, Check, Proved, RuleInput, release, unproven};
use super::signer::{WINDOW, key_revoked, outside, statement_revoked};
use super::{
    Accepted, CandidateDecision, Evidence, FieldAssurance, Finding, FromCertificate, Images, Outcome, Policy,
    PolicyDecision, Reason, Requirement, RequirementDecision, SignerMatch, SignerRule, SubjectDecision, Verdict,
    certified, cross_check, people,
};
use crate::model::code::codes;
use crate::model::{Artifact, Code, uri};
use crate::predicate::Provenance;
use crate::predicate::field::fact;
use crate::verify::{OTHER_KIND, Signer, VerifiedStatement, VerifyError};
use std::sync::Arc;

/// What to do where a file has no attestation: no registry can have left one behind.
pub const NO_ATTESTATION_OF_FILE: &str = "make one with `attest create`, or name where it is with --bundle";

codes! {
    /// Codes of this file.
    pub CODES;
    pub NO_ATTESTATION = "no-attestation", [Producer],
        "there is no attestation of the artifact, or none of the kind that was asked for",
        "make one with `attest create`, or name where it is with --bundle; of an image, also with --attestation-repository: `crane copy`, `docker push` and `skopeo copy` leave attestations behind, so copy with `cosign copy`, `oras cp -r` or `regctl image copy --referrers`, or with `attest download OLD --output FILE` and `attest attach NEW --bundle FILE`";
    pub NO_POLICY = "no-policy-for-subject", [Producer],
        "there are policies, and none speaks about this subject",
        "add the subject to `images` of a policy: an image's repository, or `file:` and the path of a file as it is given";
    PREDICATE_TYPE = "predicate-type-mismatch", [Producer],
        "a verified statement, of another type than is demanded",
        "pass the type that is meant with --predicate-type, or attach a statement of the type demanded";
    SIGNER = "signer-not-accepted", [Producer],
        "somebody trusted signed, and this requirement accepts another",
        "the message shows who signed: if that is right, add it to `signers` of the requirement";
    BUILDER = "builder-not-allowed", [Producer],
        "the provenance claims a builder that this signer may not speak for",
        "list the builder under the signer's `builders` in the policy, if this signer may speak for it";
    IDENTITY = "identity-mismatch", [Producer],
        "a trusted authority's certificate signed, of another identity than is demanded",
        "the message shows who signed: if that is right, pass it with --certificate-identity";
    ISSUER = "issuer-mismatch", [Producer],
        "a trusted authority's certificate signed, of another issuer than is demanded",
        "the message shows the issuer: if that is right, pass it with --certificate-oidc-issuer";
    CLAIM = "certificate-claim-mismatch", [Producer],
        "the certificate says something else than the policy demands, or does not say it",
        "compare the claim in the message with the signer's `certificate` in the policy; sign with a workflow that has it";
    THRESHOLD = "threshold-not-met", [Producer],
        "fewer distinct signers than are demanded signed what meets the requirement",
        "let more of the listed signers sign; one person or workflow counts once";
}

/// Decides on one subject.
///
/// - Every policy that matches applies; no policy file matching where there are some is `no-policy-for-subject`.
/// - Every requirement of a policy must be met, each by one statement that meets all of it.
/// - A candidate that could not be looked at makes a requirement `Unavailable` only where no other one meets it.
#[must_use]
pub fn decide(policies: &[Policy], artifact: &Artifact, evidence: &[Evidence]) -> SubjectDecision {
    let decided: Vec<_> = policies
        .iter()
        .filter(|p| p.speaks_of(artifact))
        .map(|policy| {
            let requirements: Vec<_> = policy.requirements.iter().map(|r| requirement(policy, r, evidence)).collect();
            // A policy without requirements proves nothing; the parser refuses it, and so does this.
            let verdict = requirements.iter().map(|r| r.verdict).max().unwrap_or(Verdict::Deny);
            PolicyDecision { policy: policy.name.clone(), verdict, requirements }
        })
        .collect();
    let mut reasons = Vec::new();
    // Flags only add demands: where policy files exist, one of them must speak about the subject.
    let files = || policies.iter().filter(|p| matches!(p.images, Images::Named(_)));
    let unspoken = files().next().is_some() && !files().any(|p| p.speaks_of(artifact));
    if decided.is_empty() || unspoken {
        let names = policies.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        reasons
            .push(Reason::new(NO_POLICY, format!("no policy speaks about `{}` (policies: {names})", artifact.scope)));
    }
    let met = decided.iter().map(|p| p.verdict).max().unwrap_or(Verdict::Deny);
    let verdict = if reasons.is_empty() { met } else { Verdict::Deny };
    let others = || evidence.iter().filter_map(of_another_kind);
    if verdict == Verdict::Deny && evidence.len() == others().count() && reasons.is_empty() {
        let beside = others().next().map_or_else(String::new, |what| format!("; what is there instead: {what}"));
        reasons.push(Reason::new(NO_ATTESTATION, format!("no attestation of {} was found{beside}", artifact.digest)));
    }
    SubjectDecision {
        artifact: artifact.clone(),
        verdict,
        reasons,
        policies: decided,
        children: Vec::new(),
        notes: Vec::new(),
        asides: Vec::new(),
    }
}

/// What a candidate is that is no attestation, whatever it is about.
fn of_another_kind(evidence: &Evidence) -> Option<&str> {
    match &evidence.finding {
        Finding::SetAside { code, message } if *code == OTHER_KIND => Some(message),
        _ => None,
    }
}

fn requirement(policy: &Policy, requirement: &Requirement, evidence: &[Evidence]) -> RequirementDecision {
    let checks: Vec<_> = requirement.in_force().collect();
    let case = Case { policy, requirement, checks: &checks, evidence };
    let candidates: Vec<_> = evidence
        .iter()
        .map(|e| {
            let (outcome, reasons) = candidate(&case, &e.finding);
            let verified = matches!(e.finding, Finding::Verified(_) | Finding::Withdrawn { .. });
            CandidateDecision { origin: e.origin.clone(), verified, outcome, reasons }
        })
        .collect();
    let any = |f: fn(&Outcome) -> bool| candidates.iter().any(|c| f(&c.outcome));
    let who = people::distinct(&policy.people, candidates.iter().filter_map(accepted).flat_map(|a| &a.signers));
    let met = !who.is_empty() && who.len() >= requirement.threshold;
    // What was withdrawn says itself why it is not among them.
    let withdrawn = evidence.iter().any(|e| matches!(e.finding, Finding::Withdrawn { .. }));
    let reasons = if met || who.is_empty() || withdrawn {
        Vec::new()
    } else {
        let expected = format!("{} distinct signers", requirement.threshold);
        vec![Reason::unmet(THRESHOLD, "signers", expected, Some(&who.len().to_string()))]
    };
    let verdict = if met {
        Verdict::Allow
    } else if any(|o| matches!(o, Outcome::Unavailable)) {
        Verdict::Unavailable
    } else {
        Verdict::Deny
    };
    RequirementDecision { predicate_type: requirement.predicate_type.clone(), verdict, reasons, candidates }
}

fn accepted(candidate: &CandidateDecision) -> Option<&Accepted> {
    match &candidate.outcome {
        Outcome::Accepted(a) => Some(a),
        _ => None,
    }
}

/// One requirement of a policy, and all evidence: what supports a candidate is among it.
#[derive(Clone, Copy)]
struct Case<'a> {
    policy: &'a Policy,
    requirement: &'a Requirement,
    checks: &'a [&'a dyn Check],
    evidence: &'a [Evidence],
}

fn candidate(case: &Case<'_>, finding: &Finding) -> (Outcome, Vec<Reason>) {
    let asks_for_support = case.checks.iter().any(|c| !c.names().signers.is_empty());
    let one = |code: Code, message: String| vec![Reason::new(code, message)];
    match finding {
        Finding::Unavailable { code, message } => (Outcome::Unavailable, one(*code, message.clone())),
        Finding::SetAside { code, message } => (Outcome::SetAside, one(*code, message.clone())),
        Finding::Rejected(e) => (refusal(e), one(e.code(), e.to_string())),
        // Only where support is asked for does it matter that it cannot be believed.
        Finding::Supporting(support) => match &support.failed {
            Some(e) if asks_for_support => (refusal(e), one(e.code(), e.to_string())),
            _ => (Outcome::SetAside, one(support.aside.code(), support.aside.to_string())),
        },
        Finding::Verified(statement) => verified(case, statement),
        Finding::Withdrawn { statement, objection } => match verified(case, statement) {
            // What would not have counted anyway is said for its own reason.
            (Outcome::Accepted(_), _) if objection.unavailable => {
                (Outcome::Unavailable, vec![objection.reason.clone()])
            }
            (Outcome::Accepted(_), _) => (Outcome::Rejected, vec![objection.reason.clone()]),
            other => other,
        },
    }
}

fn verified(case: &Case<'_>, statement: &Arc<VerifiedStatement>) -> (Outcome, Vec<Reason>) {
    let wanted = &case.requirement.predicate_type;
    if statement.statement().predicate_type() != wanted {
        let found = statement.statement().predicate_type().as_str();
        let reason = Reason::unmet(PREDICATE_TYPE, "predicate type", format!("`{wanted}`"), Some(found));
        return (Outcome::SetAside, vec![reason]);
    }
    match accept(case, statement) {
        Ok(accepted) => (Outcome::Accepted(Box::new(accepted)), Vec::new()),
        Err(reasons) => (Outcome::Rejected, reasons),
    }
}

fn refusal(e: &VerifyError) -> Outcome {
    match e {
        e if e.is_unavailable() => Outcome::Unavailable,
        VerifyError::SubjectMismatch { .. } => Outcome::SetAside,
        _ => Outcome::Rejected,
    }
}

/// One statement against all of one requirement: revocation, then any signer whose rules it meets.
fn accept(case: &Case<'_>, statement: &Arc<VerifiedStatement>) -> Result<Accepted, Vec<Reason>> {
    let Case { policy, requirement, .. } = *case;
    if let Some(reason) = statement_revoked(&policy.revoked, &statement.payload_digest()) {
        return Err(vec![reason]);
    }
    let provenance = statement.provenance();
    if statement.statement().predicate_type().as_str() == uri::APPROVAL {
        release(statement).map_err(|reason| vec![reason])?;
    }
    let mut reasons = unproven(case.checks, &Proved::from(statement.as_ref()));
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let mut first: Option<Accepted> = None;
    for rule in &requirement.signers {
        for signer in statement.signers().iter().filter(|s| rule.who.matches(s)) {
            match (signed_by(case, statement, provenance, rule, signer), &mut first) {
                (Ok(_), Some(accepted)) => accepted.signers.push(signer.clone()),
                (Ok(accepted), none) => *none = Some(accepted),
                (Err(more), _) => reasons.extend(more),
            }
        }
    }
    if let Some(accepted) = first {
        return Ok(accepted);
    }
    if reasons.is_empty() {
        reasons = nearest(requirement, statement);
    }
    if reasons.is_empty() {
        let found = statement.signers().iter().map(Signer::describe).collect::<Vec<_>>().join(", ");
        let expected = requirement.signers.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(" or ");
        reasons.push(Reason::unmet(SIGNER, "signer", expected, Some(&found)));
    }
    reasons.dedup();
    Err(reasons)
}

/// Why a certificate is not the one that a rule means, by the rule that it comes closest to.
fn nearest(requirement: &Requirement, statement: &VerifiedStatement) -> Vec<Reason> {
    let certificate = statement.signers().iter().find_map(|s| match s {
        Signer::Certificate { identity, issuer, claims, .. } => Some((identity, issuer, claims)),
        Signer::Key { .. } => None,
    });
    let Some((identity, issuer, claims)) = certificate else { return Vec::new() };
    let unmet = requirement.signers.iter().filter_map(|rule| match &rule.who {
        SignerMatch::Certificate(wanted) => Some(wanted.unmet(identity, issuer, claims)),
        SignerMatch::Key(_) => None,
    });
    let code = |what: &str| match what {
        "certificate issuer" => ISSUER,
        "certificate identity" => IDENTITY,
        _ => CLAIM,
    };
    let reason = |(what, expected, found): (&str, String, Option<String>)| {
        Reason::unmet(code(what), what, expected, found.as_deref())
    };
    unmet.min_by_key(Vec::len).unwrap_or_default().into_iter().map(reason).collect()
}

fn signed_by(
    case: &Case<'_>,
    statement: &Arc<VerifiedStatement>,
    provenance: Option<&Provenance>,
    rule: &SignerRule,
    signer: &Signer,
) -> Result<Accepted, Vec<Reason>> {
    let Case { policy, checks, evidence, .. } = *case;
    let mut reasons = Vec::new();
    if let Some(reason) = key_revoked(&policy.revoked, signer) {
        return Err(vec![reason]);
    }
    if let Some(why) = outside(&rule.window, statement.proven_times(), statement.existed_at()) {
        reasons.push(Reason::new(WINDOW, format!("signer {} may sign {}; {why}", rule.label, rule.window)));
    }
    let mut builder_bound = false;
    if let Some(p) = provenance.filter(|_| !rule.builders.is_empty()) {
        builder_bound = rule.builders.iter().any(|b| b.matches(&p.builder_id));
        if !builder_bound {
            let hint = rule.builders.iter().map(|b| b.at_hint(&p.builder_id)).find(|h| !h.is_empty());
            let expected = rule.builders.iter().map(|b| format!("`{b}`")).collect::<Vec<_>>().join(" or ");
            let expected = expected + hint.unwrap_or_default();
            let what = format!("builder that {} may speak for", rule.label);
            reasons.push(Reason::unmet(BUILDER, &what, expected, Some(&p.builder_id)));
        }
    }
    let (mut certified, mut said) = (Vec::new(), FromCertificate::default());
    if let Signer::Certificate { issuer, claims, .. } = signer {
        let others = !rule.builders.is_empty();
        said = certified::beside(issuer, claims, provenance, others);
        match provenance.map(|p| cross_check(issuer, claims, p, others)).transpose() {
            // A certificate speaks for its own build-signer URI.
            Ok(checked) => {
                certified = checked.unwrap_or_default().certified;
                builder_bound |= certified.contains(&fact::BUILDER_ID.name);
            }
            Err(more) => reasons.extend(more),
        }
        certified.extend(fact::ALL.iter().filter(|f| said.value(f).is_some()).map(|f| f.name));
    }
    let beside = Beside { statement, evidence, revoked: &policy.revoked, people: &policy.people, checks };
    let (mut supported, mut approvals, mut unsupported) = (Vec::new(), Vec::new(), Vec::new());
    for check in checks {
        match check.support(&beside) {
            Ok(said) => {
                supported.extend(said.fields);
                approvals.extend(said.approvals);
            }
            Err(more) => unsupported.extend(more),
        }
    }
    let input = RuleInput {
        statement,
        provenance,
        beside: &said,
        builder_bound,
        certified: &certified,
        supported: &supported,
        measured: &rule.measures,
    };
    for check in checks {
        if let Err(more) = check.check(&input) {
            reasons.extend(more);
        }
    }
    // What the statement itself lacks comes first: support could not mend it.
    reasons.extend(unsupported);
    if !reasons.is_empty() {
        return Err(reasons);
    }
    Ok(Accepted {
        statement: statement.clone(),
        rule: rule.label.clone(),
        signer: signer.clone(),
        signers: vec![signer.clone()],
        fields: fields(&input),
        approvals,
    })
}

/// The fields that the product promises, with how each is known.
fn fields(input: &RuleInput<'_>) -> Vec<FieldAssurance> {
    let row = |fact: &&fact::Fact| {
        let own = input.provenance.and_then(fact.read);
        let bound = fact.name == fact::BUILDER_ID.name && (input.builder_bound || own.is_none());
        let value = own.or_else(|| input.beside.value(fact).map(str::to_owned))?;
        Some(FieldAssurance { field: fact.name, value, levels: input.levels(fact.name), bound })
    };
    fact::PROMISED.iter().filter_map(row).collect()
}
