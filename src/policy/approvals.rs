//! `approvals`: who must have approved, before it was signed, what a provenance names. `docs/approvals.md` says why.

use super::decide::{Proved, STATEMENT_REVOKED, WINDOW, key_revoked, outside, proofs};
use super::file::{self, KeyLoader};
use super::{Actor, At, Comparison, Evidence, Finding, Policy, PolicyError, Reason, SignerRule, TrustRule};
use crate::model::code::codes;
use crate::model::yaml::Kind;
use crate::model::{Code, Digest, Statement, Timestamp};
use crate::predicate::approval::{Approval, TargetKind};
use crate::predicate::{Provenance, source_repository};
use crate::verify::{Origin, ReferentKind, Signer, SupportingStatement, VerifiedStatement};

codes! {
    /// Codes of this file.
    pub CODES;
    TOO_FEW = "approvals-missing", [Producer],
        "fewer persons approved than the policy demands",
        "approve with `attest approve` before the provenance is signed, and attach it or pass --bundle";
    TARGET = "approval-target-mismatch", [Producer],
        "an approval is of another kind of thing, or of one in another place",
        "approve the charter, commit or artifact that the provenance names: `attest inspect` shows them";
    SIGNER = "approver-not-accepted", [Producer],
        "an approval is by somebody whom `approvals.by` does not name",
        "list the approver under `approvals.by`, or let somebody approve who is listed";
    AFTER = "approval-after-signing", [Producer],
        "an approval is provably younger than the signature of the provenance, so it does not count",
        "approve first, then build and sign again: an approval does not count backwards";
    UNPROVEN = "approval-time-not-proven", [Producer],
        "no log or timestamp authority proves that the approval is older than the provenance's signature",
        "sign approval and provenance with --timestamp-url or --rekor-url, and verify with --trusted-root";
    BY_REQUESTER = "approver-is-requester", [Producer],
        "the approver is whoever asked for the build",
        "let somebody else than the requester approve, or leave `requestedBy` out of `notBy`";
    BY_AGENT = "approver-is-agent", [Producer],
        "the approver is the agent that did the work",
        "let a person approve, with a key or identity of their own";
    BY_SIGNER = "approver-is-signer", [Producer],
        "the approver signed the provenance too",
        "let somebody approve who does not sign provenance, or leave `signer` out of `notBy`";
    NOT_COMPARABLE = "principal-not-comparable", [Producer],
        "the approver and somebody whom it must not be are not both listed in the policy's `people`",
        "list both in the policy's `people`, or leave the role out of `notBy`; docs/approvals.md says how";
}

/// Approvals that a requirement demands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ApprovalRule {
    /// How many distinct persons must have approved; at least 1.
    pub count: usize,
    /// Any of these.
    pub by: Vec<SignerRule>,
    /// None of whom may be the approver.
    pub not_by: Vec<Role>,
}

/// Who took part in a build, as its provenance tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Whoever asked for it: `externalParameters.requestedBy.id`, as the provenance's signer declares it.
    RequestedBy,
    /// The agent that did the work: `externalParameters.agent.id`, as the provenance's signer declares it.
    Agent,
    /// Everybody who signed the provenance, as it was verified.
    Signer,
}

impl Role {
    /// Every role with its name in a policy, and the code of an approval by it.
    pub const ALL: [(Self, &'static str, Code); 3] = [
        (Self::RequestedBy, "requestedBy", BY_REQUESTER),
        (Self::Agent, "agent", BY_AGENT),
        (Self::Signer, "signer", BY_SIGNER),
    ];

    fn row(self) -> (&'static str, Code) {
        let row = Self::ALL.into_iter().find(|(r, ..)| *r == self);
        row.map_or(("signer", BY_SIGNER), |(_, name, code)| (name, code))
    }

    /// Who has the role in a build; nobody is named where the provenance does not say.
    fn actors(self, statement: &VerifiedStatement, provenance: &Provenance) -> Vec<Actor> {
        match self {
            Self::RequestedBy => vec![Actor::named(provenance.requested_by())],
            Self::Agent => vec![Actor::agent(provenance.agent())],
            Self::Signer => statement.signers().iter().map(Actor::signer).collect(),
        }
    }
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

impl ApprovalRule {
    /// One person of these, who is neither the requester nor the agent nor a signer of the provenance.
    #[must_use]
    pub fn by(by: Vec<SignerRule>) -> Self {
        Self { count: 1, by, not_by: Role::ALL.map(|(role, ..)| role).to_vec() }
    }

    /// How many distinct persons must have approved; at least 1.
    #[must_use]
    pub fn count(mut self, count: usize) -> Self {
        self.count = count;
        self
    }

    /// None of whom may be the approver.
    #[must_use]
    pub fn not_by(mut self, roles: Vec<Role>) -> Self {
        self.not_by = roles;
        self
    }

    /// Reads `approvals` of a requirement.
    pub(super) fn parse(field: &At<'_>, load_key: KeyLoader<'_>) -> Result<Self, PolicyError> {
        field.fields(&["count", "by", "notBy"], &[])?;
        let by = field.need("by")?.list()?;
        for entry in &by {
            if let Some(f) = ["builders", "measures"].iter().find_map(|name| entry.get(name)) {
                return Err(f.error("no builders and no measures, which only the signer of a provenance has"));
            }
        }
        let not_by = match field.get("notBy") {
            // Nobody is excluded: only where the policy says so.
            Some(f) if matches!(&f.node.kind, Kind::List(l) if l.is_empty()) => Vec::new(),
            Some(f) => f.list()?.iter().map(role).collect::<Result<_, _>>()?,
            None => Role::ALL.map(|(role, ..)| role).to_vec(),
        };
        Ok(Self {
            count: field.get("count").map_or(Ok(1), |f| file::count(&f))?,
            by: by.iter().map(|s| file::signer(s, load_key)).collect::<Result<_, _>>()?,
            not_by,
        })
    }
}

fn role(field: &At<'_>) -> Result<Role, PolicyError> {
    let text = field.str()?;
    let known = Role::ALL.into_iter().find(|(_, name, _)| *name == text);
    known.map(|(role, ..)| role).ok_or_else(|| field.error("requestedBy, agent or signer"))
}

/// That an approval which is demanded by itself is of the artifact, and of nothing else: who approved a text as a
/// charter did not approve a file of the same bytes.
pub(super) fn release(statement: &VerifiedStatement) -> Result<(), Reason> {
    let statement = statement.statement();
    // The verifier checked its form.
    let approval =
        statement.predicate().and_then(|p| Approval::from_json(&p)).map_err(|e| Reason::new(TARGET, e.to_string()))?;
    of_one(statement, &approval, TargetKind::Artifact)
}

fn of_one(statement: &Statement, approval: &Approval, named: TargetKind) -> Result<(), Reason> {
    let unmet = |expected: &str, found: &str| Reason::unmet(TARGET, "target", expected, Some(found));
    if approval.kind != named {
        return Err(unmet(&format!("a {}", named.name()), approval.kind.name()));
    }
    if statement.subjects().len() != 1 {
        return Err(unmet("one subject", &statement.subjects().len().to_string()));
    }
    Ok(())
}

/// What an approval must be measured against.
struct Case<'a> {
    rule: &'a ApprovalRule,
    policy: &'a Policy,
    trust: &'a TrustRule,
    statement: &'a VerifiedStatement,
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
pub(super) fn approved(
    rule: &ApprovalRule,
    policy: &Policy,
    trust: &TrustRule,
    statement: &VerifiedStatement,
    evidence: &[Evidence],
) -> Result<Vec<Approver>, Vec<Reason>> {
    let Some(provenance) = statement.provenance() else { return Err(vec![too_few(rule, &[], None)]) };
    let case = Case { rule, policy, trust, statement, provenance };
    let referents = statement.referents();
    let mut approvers: Vec<Approver> = Vec::new();
    let mut failures = Vec::new();
    for e in evidence {
        for support in supports(&e.finding).iter().filter(|s| referents.contains(s.referent())) {
            match case.one(support, &e.origin) {
                Ok(more) => approvers.extend(more),
                Err(failure) => failures.push(failure),
            }
        }
    }
    let persons = persons(&approvers);
    if persons.len() >= rule.count {
        return Ok(approvers);
    }
    failures.sort_by_key(|f| std::cmp::Reverse(f.step));
    let mut reasons: Vec<Reason> = failures.into_iter().flat_map(|f| f.reasons).take(MOST_REASONS).collect();
    let commit = referents.iter().any(|r| r.kind() == ReferentKind::Commit);
    let unbound = provenance.source_digest().and_then(|d| d.get("gitCommit").map(str::to_owned)).filter(|_| !commit);
    reasons.push(too_few(rule, &persons, unbound.as_deref()));
    Err(reasons)
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
        let approval = self.target(support).map_err(|r| fail(0, vec![r]))?;
        let digest = support.payload_digest();
        if self.policy.revoked.statements.contains(&digest) {
            let message = format!("the policy revokes statement {digest}");
            return Err(fail(1, vec![Reason::new(STATEMENT_REVOKED, message)]));
        }
        let unproven = proofs(self.trust, &Proved::from(support));
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
                person: self.policy.people.person(&Actor::signer(signer)).map(str::to_owned),
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

    /// That the approval is of the thing that the provenance names, as the kind of thing that it names it as.
    fn target(&self, support: &SupportingStatement) -> Result<Approval, Reason> {
        let statement = support.statement();
        // The verifier checked its form.
        let approval = statement
            .predicate()
            .and_then(|p| Approval::from_json(&p))
            .map_err(|e| Reason::new(TARGET, e.to_string()))?;
        let referent = support.referent();
        let named = match referent.kind() {
            ReferentKind::Charter => TargetKind::Charter,
            ReferentKind::Commit => TargetKind::Commit,
            ReferentKind::Artifact => TargetKind::Artifact,
        };
        of_one(statement, &approval, named)?;
        // Whoever signs the provenance chose what it calls the thing; where the approver names it too, they must agree.
        // Where only the approver names a place, they approved what is there and not whatever has its bytes. An artifact is
        // what it is wherever it is kept.
        if let Some(approved) = approval.uri.as_deref().filter(|_| named != TargetKind::Artifact) {
            let expected = match referent.uri() {
                Some(uri) if same_place(named, approved, uri) => return Ok(approval),
                Some(uri) => format!("the {} `{uri}`", named.name()),
                None => format!("a {} without a place, as the provenance names none", named.name()),
            };
            return Err(Reason::unmet(TARGET, "target", expected, Some(approved)));
        }
        Ok(approval)
    }

    /// When the approval provably existed: not after the provenance was provably signed.
    fn time(&self, support: &SupportingStatement) -> Result<Timestamp, Reason> {
        let earliest = |times: &[crate::verify::ProvenTime]| times.iter().map(|t| t.time).min();
        let Some(approved) = earliest(support.proven_times()) else {
            return Err(Reason::new(UNPROVEN, "no log and no timestamp authority proves when it was signed"));
        };
        let Some(signed) = earliest(self.statement.proven_times()) else {
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
        if let Some(reason) = key_revoked(self.policy, signer) {
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
            for actor in role.actors(self.statement, self.provenance) {
                let reason = match self.policy.people.compare(&approver, &actor) {
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

/// Whether an approval and a provenance name one place. A commit's is its repository, with or without a ref.
pub(super) fn same_place(kind: TargetKind, approved: &str, named: &str) -> bool {
    let normal = super::rule::normal_repository;
    match kind {
        TargetKind::Commit => source_repository(approved).is_some_and(|r| normal(&r) == normal(named)),
        _ => approved == named,
    }
}
