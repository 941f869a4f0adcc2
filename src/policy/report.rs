//! The decision on the wire: what `--format json` prints and `schemas/decision.schema.json` describes.
//!
//! Separate from [`Decision`], so that the one can grow without breaking readers of the other.

use super::{
    Accepted, Approver, CLAIMS, CandidateDecision, Decision, Outcome, PolicyDecision, Reason, SubjectDecision,
};
use crate::verify::{Signer, TimeSource};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Version of this document; it grows when a field changes meaning or goes away.
const SCHEMA_VERSION: u32 = 1;

/// A decision: what `attest verify --format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DecisionReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// `allow`, `deny` or `unavailable`.
    #[schemars(extend("enum" = ["allow", "deny", "unavailable"]))]
    pub verdict: String,
    /// Stable code of the most telling reason; absent when the verdict is `allow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// When it was decided, RFC 3339.
    pub decided_at: String,
    /// Policies that took part.
    pub policies: Vec<PolicyReport>,
    /// One entry per subject.
    pub subjects: Vec<SubjectReport>,
}

/// A policy that took part.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PolicyReport {
    /// Its name.
    pub name: String,
    /// Its file, or `flags`.
    pub origin: String,
    /// Digest of its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A subject.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SubjectReport {
    /// As it was given.
    pub name: String,
    /// Its digests by algorithm.
    pub digests: BTreeMap<String, String>,
    /// `allow`, `deny` or `unavailable`.
    #[schemars(extend("enum" = ["allow", "deny", "unavailable"]))]
    pub verdict: String,
    /// Reasons that concern the subject as a whole.
    pub reasons: Vec<ReasonReport>,
    /// Every policy that matches.
    pub policies: Vec<SubjectPolicyReport>,
    /// Manifests below an index, where they were decided on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Self>,
    /// What a reader should know and what changes nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// A policy on a subject.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SubjectPolicyReport {
    /// The policy's name.
    pub policy: String,
    /// `allow`, `deny` or `unavailable`.
    #[schemars(extend("enum" = ["allow", "deny", "unavailable"]))]
    pub verdict: String,
    /// Every requirement.
    pub requirements: Vec<RequirementReport>,
}

/// A requirement of a policy.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RequirementReport {
    /// Predicate type demanded.
    pub predicate_type: String,
    /// `allow`, `deny` or `unavailable`.
    #[schemars(extend("enum" = ["allow", "deny", "unavailable"]))]
    pub verdict: String,
    /// Reasons that concern all candidates together.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonReport>,
    /// Every candidate.
    pub candidates: Vec<CandidateReport>,
}

/// A candidate attestation under a requirement.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CandidateReport {
    /// Where it was found.
    pub place: String,
    /// What names it there.
    pub id: String,
    /// `accepted`, `rejected`, `set-aside` or `unavailable`.
    #[schemars(extend("enum" = ["accepted", "rejected", "set-aside", "unavailable"]))]
    pub outcome: String,
    /// Why it was not accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<ReasonReport>,
    /// The proof, for an accepted one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<AcceptedReport>,
}

/// A reason.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ReasonReport {
    /// Stable code.
    pub code: String,
    /// For people.
    pub message: String,
    /// What was demanded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
}

/// An accepted attestation.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AcceptedReport {
    /// The verified in-toto statement.
    pub statement: Value,
    /// Digest of the signed bytes.
    pub statement_digest: String,
    /// Digest of the bundle.
    pub evidence_digest: String,
    /// Who signed.
    pub signer: SignerReport,
    /// Proven times; empty when none is proven.
    pub proven_times: Vec<TimeReport>,
    /// Log entries whose inclusion is proven.
    pub log_entries: Vec<LogEntryReport>,
    /// Fields of the provenance and how each is known.
    pub fields: Vec<FieldReport>,
    /// Approvals that count, where the requirement demands any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub approvals: Vec<ApprovalReport>,
}

/// An approval that counts.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApprovalReport {
    /// Where it was found.
    pub place: String,
    /// What names it there.
    pub id: String,
    /// What was approved.
    #[schemars(extend("enum" = ["charter", "commit", "artifact"]))]
    pub kind: String,
    /// Digest of what was approved.
    pub digest: String,
    /// Where that is, as the approval names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uri: Option<String>,
    /// Who signed it.
    pub signer: SignerReport,
    /// The person whom the policy lists with that principal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// When it provably existed, RFC 3339.
    pub time: String,
    /// Digest of its signed bytes.
    pub statement_digest: String,
}

/// A signer.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SignerReport {
    /// `key` or `certificate`.
    #[schemars(extend("enum" = ["key", "certificate"]))]
    pub kind: String,
    /// Key id, or the certificate's identity.
    pub id: String,
    /// Algorithm of the key, or the certificate's issuer.
    pub detail: String,
    /// Which signer of the requirement it met.
    pub rule: String,
    /// What the certificate claims, by the names that a policy's `certificate` has for Fulcio's claims.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub claims: BTreeMap<String, String>,
}

/// A proven time.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TimeReport {
    /// RFC 3339.
    pub time: String,
    /// `timestamp-authority` or `log`.
    #[schemars(extend("enum" = ["timestamp-authority", "log"]))]
    pub source: String,
    /// Which one.
    pub authority: String,
}

/// A proven log entry.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LogEntryReport {
    /// Log id.
    pub log: String,
    /// Index.
    pub index: u64,
    /// Whether there is only the log's promise to include it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub promise_only: bool,
    /// Witnesses that a policy names and that cosigned its checkpoint, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<String>,
}

/// A field of a provenance.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FieldReport {
    /// Name.
    pub field: String,
    /// Value.
    pub value: String,
    /// The strongest of `levels`.
    #[schemars(extend("enum" = ["declared", "measured", "signed", "certificate"]))]
    pub assurance: String,
    /// How it is known: any of `certificate`, `signed`, `measured`, or `declared` alone.
    pub levels: Vec<String>,
    /// For the builder: whether the signer may speak for it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
}

impl From<&Decision> for DecisionReport {
    fn from(d: &Decision) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            verdict: d.verdict.to_string(),
            code: d.code().map(|c| c.to_string()),
            decided_at: d.decided_at.to_string(),
            policies: d
                .policies
                .iter()
                .map(|p| PolicyReport {
                    name: p.name.clone(),
                    origin: p.origin.clone(),
                    digest: p.digest.as_ref().map(ToString::to_string),
                })
                .collect(),
            subjects: d.subjects.iter().map(subject).collect(),
        }
    }
}

fn subject(s: &SubjectDecision) -> SubjectReport {
    SubjectReport {
        name: s.artifact.name.clone(),
        digests: s.artifact.digests.iter().map(|(a, v)| (a.to_owned(), v.to_owned())).collect(),
        verdict: s.verdict.to_string(),
        reasons: s.reasons.iter().map(reason).collect(),
        policies: s.policies.iter().map(policy).collect(),
        children: s.children.iter().map(subject).collect(),
        notes: s.notes.iter().chain(&s.asides).cloned().collect(),
    }
}

fn policy(p: &PolicyDecision) -> SubjectPolicyReport {
    let requirements = p.requirements.iter().map(|r| RequirementReport {
        predicate_type: r.predicate_type.to_string(),
        verdict: r.verdict.to_string(),
        reasons: r.reasons.iter().map(reason).collect(),
        candidates: r.candidates.iter().map(candidate).collect(),
    });
    SubjectPolicyReport {
        policy: p.policy.clone(),
        verdict: p.verdict.to_string(),
        requirements: requirements.collect(),
    }
}

fn candidate(c: &CandidateDecision) -> CandidateReport {
    let (outcome, accepted) = match &c.outcome {
        Outcome::Accepted(a) => ("accepted", Some(self::accepted(a))),
        Outcome::Rejected => ("rejected", None),
        Outcome::SetAside => ("set-aside", None),
        Outcome::Unavailable => ("unavailable", None),
    };
    CandidateReport {
        place: c.origin.place.clone(),
        id: c.origin.id.clone(),
        outcome: outcome.into(),
        reasons: c.reasons.iter().map(reason).collect(),
        accepted,
    }
}

fn reason(r: &Reason) -> ReasonReport {
    ReasonReport {
        code: r.code.to_string(),
        message: r.message.clone(),
        expected: r.expected.clone(),
        found: r.found.clone(),
    }
}

fn signer(signer: &Signer, rule: &str) -> SignerReport {
    let (kind, id, detail) = match signer {
        Signer::Key { key } => ("key", key.id(), key.algorithm().to_string()),
        Signer::Certificate { identity, issuer, .. } => ("certificate", identity.clone(), issuer.clone()),
    };
    let claims = match signer {
        Signer::Key { .. } => BTreeMap::new(),
        Signer::Certificate { claims, .. } => {
            CLAIMS.iter().filter_map(|(name, arc)| Some(((*name).to_owned(), claims.get(arc)?.clone()))).collect()
        }
    };
    SignerReport { kind: kind.into(), id, detail, rule: rule.to_owned(), claims }
}

fn approval(a: &Approver) -> ApprovalReport {
    ApprovalReport {
        place: a.origin.place.clone(),
        id: a.origin.id.clone(),
        kind: a.kind.name().into(),
        digest: a.digest.to_string(),
        uri: a.uri.clone(),
        signer: signer(&a.signer, &a.rule),
        person: a.person.clone(),
        time: a.time.to_string(),
        statement_digest: a.statement.to_string(),
    }
}

fn accepted(a: &Accepted) -> AcceptedReport {
    let s = &a.statement;
    let time = |t: &crate::verify::ProvenTime| {
        let (source, authority) = match &t.source {
            TimeSource::TimestampAuthority(name) => ("timestamp-authority", name),
            TimeSource::Log(log) => ("log", log),
        };
        TimeReport { time: t.time.to_string(), source: source.into(), authority: authority.clone() }
    };
    AcceptedReport {
        // The payload parsed as a statement before, so this cannot fail; null would say that it did.
        statement: serde_json::from_slice(s.payload()).unwrap_or(Value::Null),
        statement_digest: s.payload_digest().to_string(),
        evidence_digest: s.evidence_digest().to_string(),
        signer: signer(&a.signer, &a.rule),
        proven_times: s.proven_times().iter().map(time).collect(),
        log_entries: s
            .log_entries()
            .iter()
            .map(|l| LogEntryReport {
                log: l.log.clone(),
                index: l.index,
                promise_only: l.promise_only,
                witnesses: l.witnesses.iter().map(|w| w.name().to_owned()).collect(),
            })
            .collect(),
        fields: a
            .fields
            .iter()
            .map(|f| FieldReport {
                field: f.field.into(),
                value: f.value.clone(),
                assurance: f.assurance().name().into(),
                levels: f.levels.iter().map(|l| l.name().into()).collect(),
                bound: f.bound,
            })
            .collect(),
        approvals: a.approvals.iter().map(approval).collect(),
    }
}
