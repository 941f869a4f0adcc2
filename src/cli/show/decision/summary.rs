//! What the accepted attestations of a subject say: who signed, from which commit, by which agent, for which charter.

use crate::cli::show::decision::Page;
use crate::cli::show::sanitize::line;
use crate::model::plural::counted;
use crate::policy::{Accepted, Assurance, CandidateDecision, FieldAssurance, Outcome, SubjectDecision};
use crate::predicate::field::fact::{self, Fact};
use crate::verify::VerifiedStatement;

/// How many accepted statements of one subject are shown in full.
const FULL: usize = 3;

/// Every accepted statement once, whatever number of requirements it meets: of several, each with where it is above it.
pub(super) fn accepted(page: &mut Page, s: &SubjectDecision, depth: usize) {
    let mut all: Vec<(&CandidateDecision, &Accepted)> = Vec::new();
    for c in s.policies.iter().flat_map(|p| &p.requirements).flat_map(|r| &r.candidates) {
        let Outcome::Accepted(a) = &c.outcome else { continue };
        if all.iter().all(|(_, other)| other.statement.payload_digest() != a.statement.payload_digest()) {
            all.push((c, a));
        }
    }
    if let [(_, only)] = all.as_slice() {
        return one(page, only, depth);
    }
    for (number, (c, a)) in (1..).zip(all.iter().take(FULL)) {
        page.line(depth, &format!("{number} of {}: {}", all.len(), crate::cli::show::origin(&c.origin)));
        one(page, a, depth + 1);
    }
    if all.len() > FULL {
        page.line(depth, &format!("and {} more that are allowed (-v shows each)", all.len() - FULL));
    }
}

fn one(page: &mut Page, a: &Accepted, depth: usize) {
    page.line(depth, &format!("signed by {}, which is {}", line(&a.signer.describe()), line(&a.rule)));
    unproven(page, &a.statement, depth);
    let lines: [&[(&str, &Fact)]; 3] = [
        &[("built by", fact::AGENT_ID)],
        &[("from", fact::REPOSITORY), ("at", fact::COMMIT), ("on", fact::REF)],
        &[("for task", fact::TASK_ID), ("for charter", fact::CHARTER_URI), ("requested by", fact::REQUESTED_BY_ID)],
    ];
    for words in lines {
        let said = fields(page, a, words);
        if !said.is_empty() {
            page.line(depth, &said);
        }
    }
    if a.fields.iter().any(|f| f.field == fact::DIRTY.name && f.value == "true") {
        page.line(depth, "the work tree differed from the commit");
    }
    for approval in &a.approvals {
        let who = approval.person.clone().unwrap_or_else(|| approval.signer.describe());
        page.line(depth, &format!("approved by {}, {}", line(&who), approval.time));
    }
}

/// Those of the fields that are there, with how they are known after each run of equal ones.
fn fields(page: &Page, a: &Accepted, words: &[(&str, &Fact)]) -> String {
    let mut runs: Vec<(Vec<String>, &[Assurance])> = Vec::new();
    for (word, fact) in words {
        let Some(f) = a.fields.iter().find(|f| f.field == fact.name) else { continue };
        let said = format!("{word} {}", line(&value(page, f)));
        match runs.last_mut() {
            Some((run, levels)) if *levels == f.levels => run.push(said),
            _ => runs.push((vec![said], &f.levels)),
        }
    }
    let run = |(said, levels): (Vec<String>, &[Assurance])| format!("{} ({})", said.join(" "), names(levels));
    runs.into_iter().map(run).collect::<Vec<_>>().join(", ")
}

fn value(page: &Page, f: &FieldAssurance) -> String {
    match f.value.get(..12) {
        Some(short) if page.view.terminal && f.field == fact::COMMIT.name => short.to_owned(),
        _ => f.value.clone(),
    }
}

/// How a field is known, strongest first.
pub(super) fn names(levels: &[Assurance]) -> String {
    levels.iter().map(|l| l.name()).collect::<Vec<_>>().join(", ")
}

/// What stands in the evidence and proves less than it seems to: shown wherever a statement is accepted.
pub(super) fn unproven(page: &mut Page, s: &VerifiedStatement, depth: usize) {
    for entry in s.log_entries().iter().filter(|e| e.promise_only) {
        page.line(depth, &format!("promised only: entry {} of log {} is not proven", entry.index, line(&entry.log)));
    }
    let (entries, stamps) = s.unchecked();
    let what = [(entries, "log entry"), (stamps, "timestamp")];
    let what: Vec<_> = what.into_iter().filter(|(n, _)| *n > 0).map(|(n, noun)| counted(n, noun)).collect();
    if !what.is_empty() {
        page.line(depth, &format!("not checked, as no trusted root knows who made them: {}", what.join(", ")));
    }
}
