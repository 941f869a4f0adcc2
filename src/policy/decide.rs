//! From evidence to a decision on one subject.

use super::approvals::{approved, release, same_place};
use super::people::distinct;
use super::snapshots::attested;
use super::{
    Accepted, Approver, CandidateDecision, Evidence, FieldAssurance, Finding, Images, Outcome, Policy, PolicyDecision,
    Reason, Requirement, RequirementDecision, RuleInput, SignerMatch, SignerRule, SubjectDecision, TrustRule, Verdict,
    cross_check,
};
use crate::model::code::codes;
use crate::model::plural::counted;
use crate::model::{Artifact, Code, Timestamp, ValidityWindow, uri};
use crate::predicate::Provenance;
use crate::predicate::approval::TargetKind;
use crate::predicate::field::fact;
use crate::verify::{
    LogEntry, ProvenTime, RootUsed, Signer, SupportingStatement, TimeSource, VerifiedStatement, VerifyError,
};
use std::sync::Arc;

codes! {
    /// Codes of this file.
    pub CODES;
    pub NO_ATTESTATION = "no-attestation", [Producer],
        "there is no attestation of the artifact, or none of the kind that was asked for",
        "attach one with `attest create`, or name where it is with --bundle or --attestation-repository";
    pub NO_POLICY = "no-policy-for-subject", [Producer],
        "there are policies, and none speaks about this subject",
        "add the repository to `images` of a policy";
    PREDICATE_TYPE = "predicate-type-mismatch", [Producer],
        "a verified statement, of another type than is demanded",
        "pass the type that is meant with --predicate-type, or attach a statement of the type demanded";
    SIGNER = "signer-not-accepted", [Producer],
        "somebody trusted signed, and this requirement accepts another",
        "the message shows who signed: if that is right, add it to `signers` of the requirement";
    pub(super) WINDOW = "key-outside-window", [Producer],
        "the key signed before its `notBefore`, after its `notAfter`, or at no proven time where it has a `notBefore`",
        "sign with a key that is valid now and with --timestamp-url, or correct its `notBefore` and `notAfter` in the policy";
    pub(super) KEY_REVOKED = "key-revoked", [Producer],
        "the policy lists the key as revoked",
        "sign again with a key that is not revoked";
    pub(super) STATEMENT_REVOKED = "statement-revoked", [Producer],
        "the policy lists the statement as revoked",
        "make a new attestation; this one was withdrawn by whoever keeps the policy";
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
    ROOT_AGE = "trusted-root-too-old", [Producer],
        "a trusted root is older than the policy takes, or its age is not known",
        "run `attest trust update`";
    LOGS = "too-few-logs", [Producer],
        "fewer distinct transparency logs than are demanded have the entry",
        "sign again with a further --rekor-url, or lower `trust.logs` in the policy";
    TIMESTAMPS = "too-few-timestamps", [Producer],
        "fewer distinct timestamp authorities than are demanded signed a time",
        "sign again with a further --timestamp-url, or lower `trust.timestamps` in the policy";
    PROMISE_ONLY = "log-promise-only", [Producer],
        "a log only promised to include its entry, and the requirement does not allow that",
        "sign again with a current client, or allow it with `trust: { allowPromiseOnly: true }`";
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
        .filter(|p| p.matches(&artifact.scope))
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
    let unspoken = files().next().is_some() && !files().any(|p| p.matches(&artifact.scope));
    if decided.is_empty() || unspoken {
        let names = policies.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
        reasons
            .push(Reason::new(NO_POLICY, format!("no policy speaks about `{}` (policies: {names})", artifact.scope)));
    }
    let met = decided.iter().map(|p| p.verdict).max().unwrap_or(Verdict::Deny);
    let verdict = if reasons.is_empty() { met } else { Verdict::Deny };
    if verdict == Verdict::Deny && evidence.is_empty() && reasons.is_empty() {
        reasons.push(Reason::new(NO_ATTESTATION, format!("no attestation of {} was found", artifact.digest)));
    }
    SubjectDecision {
        artifact: artifact.clone(),
        verdict,
        reasons,
        policies: decided,
        children: Vec::new(),
        notes: Vec::new(),
    }
}

fn requirement(policy: &Policy, requirement: &Requirement, evidence: &[Evidence]) -> RequirementDecision {
    let case = Case { policy, requirement, evidence };
    let candidates: Vec<_> = evidence
        .iter()
        .map(|e| {
            let (outcome, reasons) = candidate(&case, &e.finding);
            let verified = matches!(e.finding, Finding::Verified(_) | Finding::Withdrawn { .. });
            CandidateDecision { origin: e.origin.clone(), verified, outcome, reasons }
        })
        .collect();
    let any = |f: fn(&Outcome) -> bool| candidates.iter().any(|c| f(&c.outcome));
    let who = distinct(&policy.people, candidates.iter().filter_map(accepted).flat_map(|a| &a.signers));
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
    evidence: &'a [Evidence],
}

fn candidate(case: &Case<'_>, finding: &Finding) -> (Outcome, Vec<Reason>) {
    let requirement = case.requirement;
    let one = |code: Code, message: String| vec![Reason::new(code, message)];
    match finding {
        Finding::Unavailable { code, message } => (Outcome::Unavailable, one(*code, message.clone())),
        Finding::SetAside { code, message } => (Outcome::SetAside, one(*code, message.clone())),
        Finding::Rejected(e) => (refusal(e), one(e.code(), e.to_string())),
        // Only where support is asked for does it matter that it cannot be believed.
        Finding::Supporting(support) => match &support.failed {
            Some(e) if requirement.approvals.is_some() || requirement.snapshot.is_some() => {
                (refusal(e), one(e.code(), e.to_string()))
            }
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
    let digest = statement.payload_digest();
    if policy.revoked.statements.contains(&digest) {
        return Err(vec![Reason::new(STATEMENT_REVOKED, format!("the policy revokes statement {digest}"))]);
    }
    let provenance = statement.provenance();
    if statement.statement().predicate_type().as_str() == uri::APPROVAL {
        release(statement).map_err(|reason| vec![reason])?;
    }
    let mut reasons = proofs(&requirement.trust, &Proved::from(statement.as_ref()));
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

/// That the policy revokes the key that signed, be it trusted by itself or by a certificate.
pub(super) fn key_revoked(policy: &Policy, signer: &Signer) -> Option<Reason> {
    let id = signer.key_id().filter(|id| policy.revoked.keys.contains(id))?;
    Some(Reason::new(KEY_REVOKED, format!("the policy revokes key {id}")))
}

/// Why a signature is not within its signer's window; `existed` is the earliest time at which it provably existed.
///
/// A signature that is there now was made by now, so without a proven time `notAfter` holds while it lies ahead. That it was
/// made after `notBefore` nothing shows then: whoever had the key before it was to count would be believed.
pub(super) fn outside(window: &ValidityWindow, proven: &[ProvenTime], existed: Timestamp) -> Option<String> {
    let how = if proven.is_empty() { "no time is proven, and now is" } else { "the proven time is" };
    if !window.contains(existed) {
        return Some(format!("{how} {existed}"));
    }
    (proven.is_empty() && window.not_before.is_some()).then(|| {
        "no log and no timestamp authority proves that it was signed after the first of these: sign with --timestamp-url \
         or --rekor-url, and verify with --trusted-root"
            .to_owned()
    })
}

/// What was proved beside the signature of a statement.
pub(super) struct Proved<'a> {
    entries: &'a [LogEntry],
    times: &'a [ProvenTime],
    roots: &'a [RootUsed],
    verified_at: Timestamp,
}

impl<'a> From<&'a VerifiedStatement> for Proved<'a> {
    fn from(s: &'a VerifiedStatement) -> Self {
        Self { entries: s.log_entries(), times: s.proven_times(), roots: s.roots(), verified_at: s.verified_at() }
    }
}

impl<'a> From<&'a SupportingStatement> for Proved<'a> {
    fn from(s: &'a SupportingStatement) -> Self {
        Self { entries: s.log_entries(), times: s.proven_times(), roots: s.roots(), verified_at: s.verified_at() }
    }
}

/// What logs and timestamp authorities did not prove.
pub(super) fn proofs(rule: &TrustRule, proved: &Proved<'_>) -> Vec<Reason> {
    let mut logs: Vec<&str> = proved.entries.iter().map(|e| e.log.as_str()).collect();
    logs.sort_unstable();
    logs.dedup();
    let mut authorities: Vec<&str> = proved
        .times
        .iter()
        .filter_map(|t| match &t.source {
            TimeSource::TimestampAuthority(name) => Some(name.as_str()),
            TimeSource::Log(_) => None,
        })
        .collect();
    authorities.sort_unstable();
    authorities.dedup();
    let few = |code, what: &str, wanted: usize, found: usize| {
        (found < wanted).then(|| Reason::unmet(code, what, format!("{wanted} distinct"), Some(&found.to_string())))
    };
    let promised = proved.entries.iter().any(|e| e.promise_only) && !rule.allow_promise_only;
    let promised = promised.then(|| {
        let message = "a log only promised to include its entry; this requirement does not take a promise for a proof";
        Reason::new(PROMISE_ONLY, message)
    });
    let aged = rule.max_age.and_then(|limit| too_old(limit, proved));
    let proven = [
        promised,
        aged,
        rule.witnesses.unmet(proved.entries),
        few(LOGS, "transparency logs", rule.logs, logs.len()),
        few(TIMESTAMPS, "timestamp authorities", rule.timestamps, authorities.len()),
    ];
    proven.into_iter().flatten().collect()
}

/// The first root that is older than `limit` seconds, or whose age nobody knows.
fn too_old(limit: i64, proved: &Proved<'_>) -> Option<Reason> {
    const DAY: i64 = 86_400;
    let expected = format!("at most {limit} s old");
    proved.roots.iter().find_map(|root| {
        let age = root.as_of.map(|t| proved.verified_at.unix().saturating_sub(t.unix()));
        let found = match age {
            Some(age) if age <= limit => return None,
            Some(age) => format!("{age} s ({})", counted(age / DAY, "day")),
            None => "no date".into(),
        };
        Some(Reason::unmet(ROOT_AGE, &format!("trusted root ({})", root.origin), &expected, Some(&found)))
    })
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
    let Case { policy, requirement, evidence } = *case;
    let mut reasons = Vec::new();
    if let Some(reason) = key_revoked(policy, signer) {
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
    let mut certified = Vec::new();
    if let (Signer::Certificate { issuer, claims, .. }, Some(p)) = (signer, provenance) {
        match cross_check(issuer, claims, p, !rule.builders.is_empty()) {
            // A certificate speaks for its own build-signer URI.
            Ok(checked) => {
                builder_bound |= checked.certified.contains(&fact::BUILDER_ID.name);
                certified = checked.certified;
            }
            Err(more) => reasons.extend(more),
        }
    }
    let approvals = match &requirement.approvals {
        Some(rule) => approved(rule, policy, &requirement.trust, statement, evidence),
        None => Ok(Vec::new()),
    };
    let snapshot = match &requirement.snapshot {
        Some(rule) => attested(rule, policy, &requirement.trust, statement, evidence),
        None => Ok(Vec::new()),
    };
    let mut supported = provenance.map(|p| supported(p, approvals.as_deref().unwrap_or_default())).unwrap_or_default();
    supported.extend(snapshot.iter().flatten());
    let input = RuleInput {
        statement,
        provenance,
        builder_bound,
        certified: &certified,
        supported: &supported,
        measured: &rule.measures,
    };
    for check in &requirement.checks {
        if let Err(more) = check.check(&input) {
            reasons.extend(more);
        }
    }
    reasons.extend(snapshot.err().into_iter().flatten());
    let approvals = match approvals {
        Ok(approvals) if reasons.is_empty() => approvals,
        Ok(_) => return Err(reasons),
        // What the provenance itself lacks comes first: approvals could not mend it.
        Err(more) => return Err(reasons.into_iter().chain(more).collect()),
    };
    Ok(Accepted {
        statement: statement.clone(),
        rule: rule.label.clone(),
        signer: signer.clone(),
        signers: vec![signer.clone()],
        fields: fields(&input),
        approvals,
    })
}

/// Fields of a provenance that counting approvals say too.
fn supported(provenance: &Provenance, approvals: &[Approver]) -> Vec<&'static str> {
    let mut out = Vec::new();
    for approval in approvals {
        let repository = provenance.source().map(|s| s.repository);
        // An approval without a place vouches for the content alone.
        let (content, place, named) = match approval.kind {
            TargetKind::Charter => (fact::CHARTER_DIGEST, fact::CHARTER_URI, provenance.charter()),
            TargetKind::Commit => (fact::COMMIT, fact::REPOSITORY, repository.as_deref()),
            _ => continue,
        };
        out.push(content.name);
        if let (Some(approved), Some(named)) = (&approval.uri, named)
            && same_place(approval.kind, approved, named)
        {
            out.push(place.name);
        }
    }
    out
}

/// The fields that the product promises, with how each is known.
fn fields(input: &RuleInput<'_>) -> Vec<FieldAssurance> {
    let Some(p) = input.provenance else { return Vec::new() };
    let row = |fact: &&fact::Fact| {
        let bound = fact.name == fact::BUILDER_ID.name && input.builder_bound;
        Some(FieldAssurance { field: fact.name, value: (fact.read)(p)?, levels: input.levels(fact.name), bound })
    };
    fact::PROMISED.iter().filter_map(row).collect()
}
