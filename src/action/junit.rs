//! A decision as JUnit XML: one case a subject, a refusal a failure, and what could not be found out an error.

use super::encode::xml;
use crate::policy::{Decision, SubjectDecision, Verdict};
use std::fmt::Write as _;

/// The document.
#[must_use]
pub(super) fn document(decision: &Decision) -> String {
    let count = |verdict: Verdict| decision.subjects.iter().filter(|s| s.verdict == verdict).count();
    let (tests, failures, errors) = (decision.subjects.len(), count(Verdict::Deny), count(Verdict::Unavailable));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">");
    let _ = writeln!(
        out,
        "  <testsuite name=\"attest verify\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" timestamp=\"{}\">",
        xml(&decision.decided_at.to_string())
    );
    decision.subjects.iter().for_each(|subject| case(&mut out, subject));
    out + "  </testsuite>\n</testsuites>\n"
}

fn case(out: &mut String, subject: &SubjectDecision) {
    let policies = subject.policies.iter().map(|p| p.policy.as_str()).collect::<Vec<_>>().join(", ");
    let _ = write!(out, "    <testcase classname=\"{}\" name=\"{}\"", xml(&policies), xml(&subject.artifact.name));
    let kind = match subject.verdict {
        Verdict::Allow => {
            out.push_str("/>\n");
            return;
        }
        Verdict::Deny => "failure",
        Verdict::Unavailable => "error",
    };
    let code = subject.code().map_or("", |code| code.as_str());
    let _ = writeln!(out, ">\n      <{kind} type=\"{code}\" message=\"{}\">", xml(&why(subject)));
    for reason in reasons(subject) {
        let _ = writeln!(out, "{}", xml(&reason));
    }
    let _ = writeln!(out, "      </{kind}>\n    </testcase>");
}

/// The reason that tells most, in a line.
pub(super) fn why(subject: &SubjectDecision) -> String {
    subject.reason().map(|reason| format!("{}: {}", reason.code, reason.message)).unwrap_or_default()
}

/// Every reason, of the subject, its requirements and its candidates.
fn reasons(subject: &SubjectDecision) -> Vec<String> {
    let requirements = || subject.policies.iter().flat_map(|p| &p.requirements);
    let candidates = requirements().flat_map(|r| &r.candidates).flat_map(|c| &c.reasons);
    let all = subject.reasons.iter().chain(requirements().flat_map(|r| &r.reasons)).chain(candidates);
    let mut out: Vec<String> = Vec::new();
    for reason in all {
        let text = format!("{}: {}", reason.code, reason.message);
        if !out.contains(&text) {
            out.push(text);
        }
    }
    out
}
