//! The job summary: what was attested or decided, for people. Every value from outside is code, which Markdown does not read.

use super::commands::Made;
use super::encode::{block, code};
use super::given::Given;
use super::inputs::{OUTPUT, POLICY, PUBLIC_KEY, TRUSTED_ROOT};
use super::junit::why;
use crate::flow::Unsigned;
use crate::model::plural::counted;
use crate::model::shown::shell;
use crate::model::{Digest, Statement, uri};
use crate::policy::{Accepted, Decision, Outcome, Verdict};
use crate::predicate::Provenance;
use crate::predicate::field::{self, Fact, fact};
use std::fmt::Write as _;

/// Subjects that are named one by one.
const NAMED: usize = 20;

/// Fields that a person looks for: what it is called, its row, and the fact by which a decision has it.
const FIELDS: &[(&str, &field::Row, &Fact)] = &[
    ("agent", field::AGENT_ID, fact::AGENT_ID),
    ("task", field::TASK_ID, fact::TASK_ID),
    ("charter", field::CHARTER, fact::CHARTER_URI),
    ("requested by", field::REQUESTED_BY_ID, fact::REQUESTED_BY_ID),
];

/// What was attested.
pub(super) fn of_attested(given: &Given, made: &Made, decision: Option<&Decision>) -> String {
    let mut out = String::from("### Attested\n\n");
    subjects(&mut out, made.statements.iter().map(Unsigned::statement));
    match (&made.identity, &made.key_id) {
        (Some((identity, issuer)), _) => {
            let _ = writeln!(out, "- signed by {}, whom {} vouches for", code(identity), code(issuer));
        }
        (None, Some(key)) => {
            let _ = writeln!(out, "- signed by the key {}", code(key));
        }
        (None, None) => out.push_str("- **unsigned**: nobody can verify it\n"),
    }
    made.statements.first().into_iter().for_each(|first| said(&mut out, first, decision));
    for (place, referrer) in &made.attached {
        let _ = writeln!(out, "- attached: {} in {}", code(&referrer.to_string()), code(place));
    }
    for (page, _) in &made.stored {
        let _ = writeln!(out, "- kept by GitHub: {}", code(page));
    }
    let _ = writeln!(out, "- bundle: {}", code(given.text(OUTPUT).unwrap_or_default()));
    decision.into_iter().for_each(|decision| decided(&mut out, decision));
    if made.identity.is_some() || made.key_id.is_some() {
        let _ = write!(out, "\nVerify it with\n\n{}", block("sh", &command(given, made)));
    }
    out
}

/// What was decided.
pub(super) fn of_decided(decision: &Decision) -> String {
    let mut out = String::from(match decision.verdict {
        Verdict::Allow => "### Verified\n\n",
        Verdict::Deny => "### Denied\n\n",
        Verdict::Unavailable => "### Not found out\n\n",
    });
    decided(&mut out, decision);
    for subject in decision.subjects.iter().take(NAMED) {
        let name = code(&subject.artifact.name);
        let _ = match subject.verdict {
            Verdict::Allow => writeln!(out, "- {name}: allow"),
            verdict => writeln!(out, "- {name}: **{verdict}**, {}", code(&why(subject))),
        };
    }
    more(&mut out, decision.subjects.len(), "subject");
    if let Some(accepted) = accepted(decision).next() {
        for field in &accepted.fields {
            let levels: Vec<_> = field.levels.iter().map(|level| level.name()).collect();
            let _ = writeln!(out, "- {}: {} ({})", field.field, code(&field.value), levels.join(", "));
        }
    }
    out
}

/// What was not attested, and why.
pub(super) fn of_nothing(why: &str) -> String {
    format!("### Not attested\n\n{why}\n")
}

fn subjects<'a>(out: &mut String, statements: impl Iterator<Item = &'a Statement>) {
    let mut count = 0;
    for subject in statements.flat_map(Statement::subjects) {
        count += 1;
        if count <= NAMED {
            let digest = subject.digest().strong().next().map(|d| code(&d.to_string())).unwrap_or_default();
            let _ = writeln!(out, "- {} {digest}", code(subject.descriptor().name().unwrap_or("(no name)")));
        }
    }
    more(out, count, "subject");
}

fn more(out: &mut String, count: usize, noun: &str) {
    if count > NAMED {
        let _ = writeln!(out, "- and {} more", counted(count - NAMED, noun));
    }
}

/// What a statement says of the work, and what stands behind each field.
fn said(out: &mut String, signed: &Unsigned, decision: Option<&Decision>) {
    let statement = signed.statement();
    let kind = statement.predicate_type().as_str();
    if kind != uri::SLSA_PROVENANCE {
        let _ = writeln!(out, "- type: {}", code(kind));
        return;
    }
    let Some(provenance) = statement.predicate().ok().and_then(|p| Provenance::from_json(&p).ok()) else { return };
    let digest = Digest::sha256(signed.bytes());
    let proven = decision.into_iter().flat_map(accepted).find(|a| a.statement.payload_digest() == digest);
    let fields = provenance.fields();
    for (name, row, fact) in FIELDS {
        let Some(value) = (fact.read)(&provenance) else { continue };
        let whole = |path: &str| row.path == path || row.path.strip_prefix(path).is_some_and(|p| p.starts_with('.'));
        let source = fields.iter().find(|f| whole(&f.path)).and_then(|f| f.source.as_deref());
        let from = source.map(|source| format!(", from {}", code(source))).unwrap_or_default();
        let proven = proven.and_then(|a| a.fields.iter().find(|f| f.field == fact.name));
        let levels = proven.map(|f| f.levels.iter().map(|l| l.name()).collect::<Vec<_>>().join(", "));
        let levels = levels.as_deref().unwrap_or("as the signer says");
        let _ = writeln!(out, "- {name}: {} ({levels}{from})", code(&value));
    }
    let absent = FIELDS.iter().filter(|(.., fact)| (fact.read)(&provenance).is_none()).map(|(name, ..)| *name);
    let absent: Vec<_> = absent.collect();
    if !absent.is_empty() {
        let _ = writeln!(out, "- not known: {}", absent.join(", "));
    }
    let bare = provenance.dependencies.iter().filter(|d| !d.is_pinned()).count();
    let all = provenance.dependencies.len();
    let _ = writeln!(out, "- dependencies: {all}, {bare} of them without digest");
}

fn accepted(decision: &Decision) -> impl Iterator<Item = &Accepted> {
    let requirements = decision.subjects.iter().flat_map(|s| &s.policies).flat_map(|p| &p.requirements);
    requirements.flat_map(|r| &r.candidates).filter_map(|candidate| match &candidate.outcome {
        Outcome::Accepted(accepted) => Some(&**accepted),
        _ => None,
    })
}

fn decided(out: &mut String, decision: &Decision) {
    let policies: Vec<_> = decision.policies.iter().map(|p| code(&p.name)).collect();
    let _ = writeln!(out, "- decision: **{}** by {}", decision.verdict, policies.join(", "));
}

/// The command with which whoever has the artifact verifies it.
fn command(given: &Given, made: &Made) -> String {
    let first = made.statements.first().map(Unsigned::statement);
    let subject = first.and_then(|s| s.subjects().first());
    let name = subject.and_then(|s| s.descriptor().name()).unwrap_or_default();
    let digest = subject.and_then(|s| s.digest().strong().next()).map(|d| d.to_string()).unwrap_or_default();
    let mut words = vec!["attest verify".to_owned()];
    match made.attached.is_empty() {
        false if !name.contains('@') && !name.starts_with("oci:") => words.push(shell(&format!("{name}@{digest}"))),
        false => words.push(shell(name)),
        true => {
            words.push(shell(&format!("file:{name}")));
            words.push(format!("--bundle {}", shell(given.text(OUTPUT).unwrap_or_default())));
        }
    }
    match (&made.identity, given.text(POLICY), given.text(PUBLIC_KEY)) {
        (Some((identity, issuer)), ..) => {
            words.push(format!("--certificate-identity {}", shell(identity)));
            words.push(format!("--certificate-oidc-issuer {}", shell(issuer)));
        }
        (None, Some(policy), _) => words.push(format!("--policy {}", shell(policy))),
        (None, None, key) => words.push(format!("--key {}", shell(key.unwrap_or("attest.pub")))),
    }
    words.extend(given.text(TRUSTED_ROOT).map(|root| format!("--trusted-root {}", shell(root))));
    if let Some(kind) = first.map(|s| s.predicate_type().as_str()).filter(|kind| *kind != uri::SLSA_PROVENANCE) {
        words.push(format!("--predicate-type {}", shell(kind)));
    }
    words.join(" ")
}
