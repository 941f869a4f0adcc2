//! Every requirement with every candidate and field, for `--verbose`.

use crate::cli::show::decision::summary::{names, unproven};
use crate::cli::show::decision::{Page, place};
use crate::cli::show::sanitize::line;
use crate::policy::{Accepted, CandidateDecision, Outcome, SubjectDecision, Verdict};
use crate::verify::{ProvenTime, TimeSource};

/// A requirement is met or not; only a subject is allowed.
pub(super) fn requirements(page: &mut Page, s: &SubjectDecision, depth: usize) {
    for p in &s.policies {
        for r in &p.requirements {
            let met = match r.verdict {
                Verdict::Allow => "met",
                Verdict::Deny => "not met",
                Verdict::Unavailable => "unknown",
            };
            page.line(depth, &format!("{met}: {} of policy {}", line(r.predicate_type.as_str()), line(&p.policy)));
            for reason in &r.reasons {
                page.line(depth + 1, &format!("{}: {}", reason.code, line(&reason.message)));
            }
            for c in &r.candidates {
                candidate(page, c, depth + 1);
            }
        }
    }
}

fn candidate(page: &mut Page, c: &CandidateDecision, depth: usize) {
    let word = match &c.outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::SetAside => "set aside",
        Outcome::Unavailable => "unavailable",
    };
    page.line(depth, &format!("{word}: {}", place(c)));
    for r in &c.reasons {
        page.line(depth + 1, &format!("{}: {}", r.code, line(&r.message)));
    }
    if let Outcome::Accepted(a) = &c.outcome {
        accepted(page, a, depth + 1);
    }
}

fn accepted(page: &mut Page, a: &Accepted, depth: usize) {
    let s = &a.statement;
    page.line(depth, &format!("signer: {}, which is {}", line(&a.signer.describe()), line(&a.rule)));
    let by = |source: &TimeSource| match source {
        TimeSource::TimestampAuthority(name) => format!("timestamp authority {name}"),
        TimeSource::Log(id) => format!("log {id}"),
    };
    let time = |t: &ProvenTime| format!("{} by {}", t.time, line(&by(&t.source)));
    let times: Vec<_> = s.proven_times().iter().map(time).collect();
    let time = if times.is_empty() { "none is proven".to_owned() } else { times.join(", ") };
    page.line(depth, &format!("time: {time}"));
    for entry in s.log_entries().iter().filter(|e| !e.promise_only) {
        let witnesses = entry.witnesses.iter().map(|w| line(w.name())).collect::<Vec<_>>().join(", ");
        let seen = if witnesses.is_empty() { String::new() } else { format!(", witnessed by {witnesses}") };
        page.line(depth, &format!("logged: entry {} in log {}{seen}", entry.index, line(&entry.log)));
    }
    unproven(page, s, depth);
    page.line(depth, &format!("statement: {}", s.payload_digest()));
    for approval in &a.approvals {
        let who = match &approval.person {
            Some(person) => format!("{} ({})", line(person), line(&approval.signer.describe())),
            None => line(&approval.signer.describe()),
        };
        let what = match &approval.uri {
            Some(uri) => format!("{} {} ({})", approval.kind.name(), line(uri), approval.digest),
            None => format!("{} {}", approval.kind.name(), approval.digest),
        };
        page.line(depth, &format!("approved: {what} by {who}, {}", approval.time));
    }
    for f in &a.fields {
        let how = if f.bound { format!("{}, bound to the signer", names(&f.levels)) } else { names(&f.levels) };
        page.line(depth, &format!("{}: {} ({how})", f.field, line(&f.value)));
    }
}
