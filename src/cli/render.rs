//! A decision for people.

use super::sanitize::line;
use crate::policy::{Accepted, CandidateDecision, Decision, FieldAssurance, Outcome, SubjectDecision, Verdict};
use crate::verify::{ProvenTime, TimeSource};
use std::fmt::Write as _;

/// The decision as text; `verbose` also shows candidates that did not matter.
#[must_use]
pub(super) fn decision(decision: &Decision, verbose: bool) -> String {
    let mut out = String::new();
    for s in &decision.subjects {
        subject(&mut out, s, verbose, 0);
    }
    let policies: Vec<_> =
        decision
            .policies
            .iter()
            .map(|p| {
                if p.origin == "flags" {
                    "flags".to_owned()
                } else {
                    format!("{} ({})", line(&p.name), line(&p.origin))
                }
            })
            .collect();
    let _ = writeln!(out, "policies: {}", policies.join(", "));
    out
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Allow => "allow",
        Verdict::Deny => "deny",
        Verdict::Unavailable => "unavailable",
    }
}

fn subject(out: &mut String, s: &SubjectDecision, verbose: bool, depth: usize) {
    let pad = "  ".repeat(depth);
    let name = line(&s.artifact.name);
    let digest = s.artifact.digest.to_string();
    let shown = if name.contains(&digest) { name } else { format!("{name} {digest}") };
    let _ = writeln!(out, "{pad}{}: {shown}", word(s.verdict));
    for r in &s.reasons {
        let _ = writeln!(out, "{pad}  {}: {}", r.code, line(&r.message));
    }
    for p in &s.policies {
        for r in &p.requirements {
            let _ = writeln!(
                out,
                "{pad}  {} by policy {}: {}",
                word(r.verdict),
                line(&p.policy),
                line(r.predicate_type.as_str())
            );
            for reason in &r.reasons {
                let _ = writeln!(out, "{pad}    {}: {}", reason.code, line(&reason.message));
            }
            let met = r.verdict == Verdict::Allow;
            for c in &r.candidates {
                // Of a met requirement, only what met it matters; `--verbose` shows the rest.
                if !met || verbose || matches!(c.outcome, Outcome::Accepted(_)) {
                    candidate(out, c, &pad);
                }
            }
        }
    }
    for child in &s.children {
        subject(out, child, verbose, depth + 1);
    }
    for note in &s.notes {
        let _ = writeln!(out, "{pad}  note: {}", line(note));
    }
}

fn candidate(out: &mut String, c: &CandidateDecision, pad: &str) {
    let place = if c.origin.id.is_empty() {
        line(&c.origin.place)
    } else {
        format!("{} in {}", line(&c.origin.id), line(&c.origin.place))
    };
    let word = match &c.outcome {
        Outcome::Accepted(_) => "accepted",
        Outcome::Rejected => "rejected",
        Outcome::SetAside => "set aside",
        Outcome::Unavailable => "unavailable",
    };
    let _ = writeln!(out, "{pad}    {word}: {place}");
    for r in &c.reasons {
        let _ = writeln!(out, "{pad}      {}: {}", r.code, line(&r.message));
    }
    if let Outcome::Accepted(a) = &c.outcome {
        accepted(out, a, pad);
    }
}

fn levels(field: &FieldAssurance) -> String {
    field.levels.iter().map(|l| l.name()).collect::<Vec<_>>().join(", ")
}

fn accepted(out: &mut String, a: &Accepted, pad: &str) {
    let s = &a.statement;
    let _ = writeln!(out, "{pad}      signer: {}, which is {}", line(&a.signer.describe()), line(&a.rule));
    let by = |source: &TimeSource| match source {
        TimeSource::TimestampAuthority(name) => format!("timestamp authority {name}"),
        TimeSource::Log(id) => format!("log {id}"),
    };
    let time = |t: &ProvenTime| format!("{} by {}", t.time, line(&by(&t.source)));
    let times: Vec<_> = s.proven_times().iter().map(time).collect();
    let time = if times.is_empty() { "none is proven".to_owned() } else { times.join(", ") };
    let _ = writeln!(out, "{pad}      time: {time}");
    for entry in s.log_entries() {
        let how = if entry.promise_only { "promised by" } else { "in" };
        let witnesses = entry.witnesses.iter().map(|w| line(w.name())).collect::<Vec<_>>().join(", ");
        let seen = if witnesses.is_empty() { String::new() } else { format!(", witnessed by {witnesses}") };
        let _ = writeln!(out, "{pad}      logged: entry {} {how} log {}{seen}", entry.index, line(&entry.log));
    }
    let (entries, stamps) = s.unchecked();
    if entries + stamps > 0 {
        let _ = writeln!(
            out,
            "{pad}      not checked, as no trusted root knows who made them: {entries} log entries, {stamps} timestamps"
        );
    }
    let _ = writeln!(out, "{pad}      statement: {}", s.payload_digest());
    for approval in &a.approvals {
        let who = match &approval.person {
            Some(person) => format!("{} ({})", line(person), line(&approval.signer.describe())),
            None => line(&approval.signer.describe()),
        };
        let what = match &approval.uri {
            Some(uri) => format!("{} {} ({})", approval.kind.name(), line(uri), approval.digest),
            None => format!("{} {}", approval.kind.name(), approval.digest),
        };
        let _ = writeln!(out, "{pad}      approved: {what} by {who}, {}", approval.time);
    }
    for f in &a.fields {
        let how = if f.bound { format!("{}, bound to the signer", levels(f)) } else { levels(f) };
        let _ = writeln!(out, "{pad}      {}: {} ({how})", f.field, line(&f.value));
    }
}
