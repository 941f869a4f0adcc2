//! Which approvals count for a provenance: whose, of what, and since when.

use super::demand::ApprovalRule;
use super::target::{same_place, target};
use crate::model::Timestamp;
use crate::model::code::codes;
use crate::policy::rule::seam::{Beside, Supported};
use crate::policy::signer::{WINDOW, key_revoked, outside, statement_revoked};
use crate::policy::{Actor, Approver, Comparison, Finding, Reason, SignerRule};
use crate::predicate::Provenance;
use crate::predicate::approval::TargetKind;
use crate::predicate::field::fact;
use crate::verify::{Origin, ReferentKind, Signer, SupportingStatement};

codes! {
    /// Codes of this file.
    pub(in crate::policy::rule) CODES;
    TOO_FEW = "approvals-missing", [Producer],
        "fewer persons approved than the policy demands",
        "approve with `attest approve` before the provenance is signed, and attach it or pass --bundle";
    SIGNER = "approver-not-accepted", [Producer],
        "an approval is by somebody whom `approvals.by` does not name",
        "list the approver under `approvals.by`, or let somebody approve who is listed";
    AFTER = "approval-after-signing", [Producer],
        "an approval is provably younger than the signature of the provenance, so it does not count",
        "approve first, then build and sign again: an approval does not count backwards";
    UNPROVEN = "approval-time-not-proven", [Producer],
        "no log or timestamp authority proves that the approval is older than the provenance's signature",
        "sign approval and provenance with --timestamp-url or --rekor-url, and verify with --trusted-root";
    NOT_COMPARABLE = "principal-not-comparable", [Producer],
        "the approver and somebody whom it must not be are not both listed in the policy's `people`",
        "list both in the policy's `people`, or leave the role out of `notBy`; docs/approvals.md says how";
}

/// What an approval must be measured against.
struct Case<'a> {
    rule: &'a ApprovalRule,
    beside: &'a Beside<'a>,
    provenance: &'a Provenance,
}

/// Why an approval does not count; the later the step that it fails at, the nearer it came.
struct Failure {
    step: usize,
    reasons: Vec<Reason>,
}

/// The approvals that count for a provenance: as many persons as the rule demands.
///
/// # Errors
/// What the nearest approval lacks, and last that there are too few.
pub(super) fn approved(rule: &ApprovalRule, beside: &Beside<'_>) -> Result<Supported, Vec<Reason>> {
    let Some(provenance) = beside.statement.provenance() else { return Err(vec![too_few(rule, &[], None)]) };
    let case = Case { rule, beside, provenance };
    let referents = beside.statement.referents();
    let mut approvers: Vec<Approver> = Vec::new();
    let mut failures = Vec::new();
    for e in beside.evidence {
        for support in supports(&e.finding).iter().filter(|s| referents.contains(s.referent())) {
            match case.one(support, &e.origin) {
                Ok(more) => approvers.extend(more),
                Err(failure) => failures.push(failure),
            }
        }
    }
    let persons = persons(&approvers);
    if persons.len() >= rule.count {
        return Ok(Supported { fields: said(provenance, &approvers), approvals: approvers });
    }
    failures.sort_by_key(|f| std::cmp::Reverse(f.step));
    let mut reasons: Vec<Reason> = failures.into_iter().flat_map(|f| f.reasons).take(MOST_REASONS).collect();
    let commit = referents.iter().any(|r| r.kind() == ReferentKind::Commit);
    let unbound = provenance.source_digest().and_then(|d| d.get("gitCommit").map(str::to_owned)).filter(|_| !commit);
    reasons.push(too_few(rule, &persons, unbound.as_deref()));
    Err(reasons)
}

/// Fields of a provenance that counting approvals say too.
fn said(provenance: &Provenance, approvals: &[Approver]) -> Vec<&'static str> {
    let mut out = Vec::new();
    for approval in approvals {
        let repository = provenance.source().and_then(|s| s.repository);
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

/// Reasons of single approvals that are shown.
const MOST_REASONS: usize = 20;

fn too_few(rule: &ApprovalRule, persons: &[String], unbound: Option<&str>) -> Reason {
    let found = if persons.is_empty() { "0".to_owned() } else { format!("{} ({})", persons.len(), persons.join(", ")) };
    let expected = match rule.count {
        1 => "1 that counts".to_owned(),
        n => format!("{n} that count, by distinct persons of `people`"),
    };
    let mut reason = Reason::unmet(TOO_FEW, "approvals", expected, Some(&found));
    if let Some(commit) = unbound {
        reason.message += &format!(
            "; one of commit {commit} could not count: the provenance has no sha256 of the commit object beside gitCommit"
        );
    }
    reason
}

/// Persons who approved. Those whom the policy does not list may all be one, and may be one that it lists.
fn persons(approvers: &[Approver]) -> Vec<String> {
    let mut listed: Vec<String> = approvers.iter().filter_map(|a| a.person.clone()).collect();
    listed.sort_unstable();
    listed.dedup();
    match (listed.is_empty(), approvers.first()) {
        (true, Some(one)) => vec![one.signer.describe()],
        _ => listed,
    }
}

/// What evidence may support a provenance with.
fn supports(finding: &Finding) -> Vec<SupportingStatement> {
    match finding {
        Finding::Verified(statement) => vec![SupportingStatement::of_artifact(statement)],
        Finding::Supporting(support) => support.statements.clone(),
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|s| s.statement().predicate_type().as_str() == crate::model::uri::APPROVAL)
    .collect()
}

impl Case<'_> {
    /// One approval: everybody who signed it and counts.
    fn one(&self, support: &SupportingStatement, origin: &Origin) -> Result<Vec<Approver>, Failure> {
        let who = support.signers().iter().map(Signer::describe).collect::<Vec<_>>().join(", ");
        let fail = |step: usize, mut reasons: Vec<Reason>| {
            for reason in &mut reasons {
                reason.message = format!("approval by {who}: {}", reason.message);
            }
            Failure { step, reasons }
        };
        let approval = target(support).map_err(|r| fail(0, vec![r]))?;
        let digest = support.payload_digest();
        if let Some(reason) = statement_revoked(self.beside.revoked, &digest) {
            return Err(fail(1, vec![reason]));
        }
        let unproven = self.beside.unproven(support);
        if !unproven.is_empty() {
            return Err(fail(2, unproven));
        }
        let time = self.time(support).map_err(|r| fail(4, vec![r]));
        let (mut counting, mut failures) = (Vec::new(), Vec::new());
        for signer in support.signers() {
            let rule = match self.accepted(signer, support) {
                Ok(rule) => rule,
                Err(reason) => {
                    failures.push(fail(3, vec![reason]));
                    continue;
                }
            };
            let excluded = self.excluded(signer);
            if !excluded.is_empty() {
                failures.push(fail(5, excluded));
                continue;
            }
            let time = match &time {
                Ok(time) => *time,
                Err(late) => {
                    failures.push(Failure { step: late.step, reasons: late.reasons.clone() });
                    continue;
                }
            };
            counting.push(Approver {
                origin: origin.clone(),
                signer: signer.clone(),
                rule: rule.label.clone(),
                person: self.beside.people.person(&Actor::signer(signer)).map(str::to_owned),
                kind: approval.kind,
                digest: support.referent().digest().clone(),
                uri: approval.uri.clone(),
                time,
                statement: digest.clone(),
            });
        }
        match failures.into_iter().max_by_key(|f| f.step) {
            Some(failure) if counting.is_empty() => Err(failure),
            _ => Ok(counting),
        }
    }

    /// When the approval provably existed: not after the provenance was provably signed.
    fn time(&self, support: &SupportingStatement) -> Result<Timestamp, Reason> {
        let earliest = |times: &[crate::verify::ProvenTime]| times.iter().map(|t| t.time).min();
        let Some(approved) = earliest(support.proven_times()) else {
            return Err(Reason::new(UNPROVEN, "no log and no timestamp authority proves when it was signed"));
        };
        let Some(signed) = earliest(self.beside.statement.proven_times()) else {
            let message = "no log and no timestamp authority proves when the provenance was signed, so nothing shows \
                           that the approval was there before";
            return Err(Reason::new(UNPROVEN, message));
        };
        if approved > signed {
            let expected = format!("a time until {signed}, when the provenance was signed");
            return Err(Reason::unmet(AFTER, "time", expected, Some(&approved.to_string())));
        }
        Ok(approved)
    }

    /// Which of `by` the signer is, with a key that was not revoked, in its window.
    fn accepted(&self, signer: &Signer, support: &SupportingStatement) -> Result<&SignerRule, Reason> {
        if let Some(reason) = key_revoked(self.beside.revoked, signer) {
            return Err(reason);
        }
        let mut named = self.rule.by.iter().filter(|rule| rule.who.matches(signer)).peekable();
        let Some(first) = named.peek() else {
            let expected = self.rule.by.iter().map(|s| s.label.as_str()).collect::<Vec<_>>().join(" or ");
            return Err(Reason::unmet(SIGNER, "approver", expected, Some(&signer.describe())));
        };
        let why = |rule: &SignerRule| outside(&rule.window, support.proven_times(), support.existed_at());
        let (window, reason) = (first.window, why(first).unwrap_or_default());
        let outside = || Reason::new(WINDOW, format!("signer may approve {window}; {reason}"));
        named.find(|rule| why(rule).is_none()).ok_or_else(outside)
    }

    /// Why the approver may be one of those who must not approve.
    fn excluded(&self, signer: &Signer) -> Vec<Reason> {
        let approver = Actor::signer(signer);
        let mut reasons = Vec::new();
        for role in &self.rule.not_by {
            let (name, code) = role.row();
            for actor in role.actors(self.beside.statement, self.provenance) {
                let reason = match self.beside.people.compare(&approver, &actor) {
                    Comparison::Different => continue,
                    Comparison::Same => {
                        Reason::new(code, format!("the approver is its {name}, `{}`", actor.describe()))
                    }
                    Comparison::NotComparable => {
                        let expected = format!(
                            "another than the approver `{}`, both listed in the policy's `people`",
                            approver.describe()
                        );
                        Reason::unmet(NOT_COMPARABLE, name, expected, Some(&actor.describe()))
                    }
                };
                reasons.push(reason);
            }
        }
        // That they are one says more than that two cannot be compared.
        reasons.sort_by_key(|r| r.code == NOT_COMPARABLE);
        reasons
    }
}
