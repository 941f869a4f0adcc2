//! What an approval approves: that it is the thing which the provenance names, as the kind of thing and in the place that it
//! names.

use crate::model::Statement;
use crate::model::code::codes;
use crate::policy::Reason;
use crate::predicate::approval::{Approval, TargetKind};
use crate::predicate::source_repository;
use crate::verify::{ReferentKind, SupportingStatement, VerifiedStatement};

codes! {
    /// Codes of this file.
    pub(in crate::policy::rule) CODES;
    TARGET = "approval-target-mismatch", [Producer],
        "an approval is of another kind of thing, or of one in another place",
        "approve the charter, commit or artifact that the provenance names: `attest inspect` shows them";
}

/// That an approval which is demanded by itself is of the artifact, and of nothing else: who approved a text as a
/// charter did not approve a file of the same bytes.
pub(in crate::policy) fn release(statement: &VerifiedStatement) -> Result<(), Reason> {
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

/// That the approval is of the thing that the provenance names, as the kind of thing that it names it as.
pub(super) fn target(support: &SupportingStatement) -> Result<Approval, Reason> {
    let statement = support.statement();
    // The verifier checked its form.
    let approval =
        statement.predicate().and_then(|p| Approval::from_json(&p)).map_err(|e| Reason::new(TARGET, e.to_string()))?;
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

/// Whether an approval and a provenance name one place. A commit's is its repository, with or without a ref.
pub(super) fn same_place(kind: TargetKind, approved: &str, named: &str) -> bool {
    let normal = crate::policy::rule::normal_repository;
    match kind {
        TargetKind::Commit => source_repository(approved).is_some_and(|r| normal(&r) == normal(named)),
        _ => approved == named,
    }
}
