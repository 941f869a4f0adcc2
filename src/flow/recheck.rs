//! Recheck: whether the charters that accepted statements name still say what they said.

use crate::charter::{self, Answer, CharterError};
use crate::model::{DigestSet, ResourceDescriptor, limits};
use crate::policy::{Objection, Outcome, Reason, SubjectDecision};
use crate::verify::VerifiedStatement;
use std::collections::{BTreeMap, BTreeSet};

/// What became of each charter that was looked at, by its URI.
pub type Looked = BTreeMap<String, Result<Answer, CharterError>>;

/// URIs of the charters that accepted statements of a subject, and of what it lists, name.
#[must_use]
pub fn charters(subject: &SubjectDecision) -> BTreeSet<String> {
    let mut uris = BTreeSet::new();
    accepted(subject, &mut |s| uris.extend(charter_of(s).and_then(|c| c.uri().map(str::to_owned))));
    uris
}

/// Why a statement does not count, by what became of its charter. That it has one is a demand of its own.
#[must_use]
pub fn objection(statement: &VerifiedStatement, looked: &Looked) -> Option<Objection> {
    compared(statement, looked).err()
}

/// What became of the charters of accepted statements, for the reader of the decision.
pub fn note(subject: &mut SubjectDecision, looked: &Looked) {
    let mut notes = Vec::new();
    accepted(subject, &mut |s| notes.extend(compared(s, looked).into_iter().flatten()));
    notes.dedup();
    subject.notes.extend(notes);
}

/// Every accepted statement of a subject and of what it lists.
fn accepted(subject: &SubjectDecision, each: &mut dyn FnMut(&VerifiedStatement)) {
    let requirements = subject.policies.iter().flat_map(|p| &p.requirements);
    for candidate in requirements.flat_map(|r| &r.candidates) {
        if let Outcome::Accepted(accepted) = &candidate.outcome {
            each(&accepted.statement);
        }
    }
    for child in &subject.children {
        accepted(child, each);
    }
}

fn charter_of(statement: &VerifiedStatement) -> Option<ResourceDescriptor> {
    statement.provenance()?.charter_descriptor()
}

/// Whether a statement's charter is what it was; with what else changed. That it has one is a demand of its own.
fn compared(statement: &VerifiedStatement, looked: &Looked) -> Result<Vec<String>, Objection> {
    let Some(recorded) = charter_of(statement) else { return Ok(Vec::new()) };
    let objection =
        |e: &CharterError| Objection { reason: Reason::new(e.code(), e.to_string()), unavailable: !e.is_answer() };
    let Some(uri) = recorded.uri() else {
        let why = "the attestation names it by digest alone, so there is nowhere to look".to_owned();
        return Err(objection(&CharterError::NotAnIssue { uri: String::new(), why }));
    };
    let (live, moved) = match looked.get(uri) {
        Some(Ok(Answer::Here(live))) => (live.as_ref(), None),
        Some(Ok(Answer::Moved { to, live })) => match live {
            // A project of another name keeps its issues: the same one, by its digest, was not transferred.
            Some(live) if charter::compare(&recorded, live).changed.is_empty() => (live.as_ref(), to.clone()),
            _ => return Err(objection(&CharterError::Moved { uri: uri.to_owned(), to: to.clone() })),
        },
        Some(Err(e)) => return Err(objection(e)),
        None => {
            let message = format!("more than {} charters are named", limits::RECHECKED_CHARTERS);
            return Err(Objection {
                reason: Reason::new(crate::model::code::LIMIT_EXCEEDED, message),
                unavailable: true,
            });
        }
    };
    let compared = charter::compare(&recorded, live);
    if !compared.changed.is_empty() {
        let message = format!("charter `{uri}` changed since it was captured: its {}", compared.changed.join(", its "));
        let digests = |d: &DigestSet| d.strong().next().map(|d| d.to_string());
        return Err(Objection {
            reason: Reason {
                expected: recorded.digest().and_then(digests),
                found: Some(live.snapshot.digest().to_string()),
                ..Reason::new(crate::policy::CHARTER_CHANGED, message)
            },
            unavailable: false,
        });
    }
    let mut notes: Vec<_> = compared.notes.iter().map(|n| format!("charter `{uri}`: {n}")).collect();
    notes.extend(moved.map(|to| format!("charter `{uri}` is at {to} now, unchanged")));
    if notes.is_empty() {
        notes.push(format!("charter `{uri}` says what it said when it was captured"));
    }
    Ok(notes)
}
