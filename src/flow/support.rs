//! Second look at what is not about the artifact: it may be about something that a verified statement names.

use crate::model::limits;
use crate::policy::{Evidence, Finding, Support};
use crate::predicate;
use crate::verify::{Referent, Verifier, VerifyError, read_statement_type};

/// Evidence that names another subject, with its bytes: where in the list it stands.
pub(super) type Aside = Vec<(usize, Vec<u8>)>;

/// Whether a piece of evidence that is not about the artifact may support something else that is. Nothing is believed
/// by this: it says which ones are worth their memory.
pub(super) fn may_support(error: &VerifyError, bytes: &[u8]) -> bool {
    matches!(error, VerifyError::SubjectMismatch { .. })
        && read_statement_type(bytes).is_some_and(|t| predicate::by_uri(&t).is_some_and(|p| p.supports()))
}

/// Verifies what was set aside against everything that verified statements name.
pub(super) fn look_again(verifier: &Verifier<'_>, evidence: &mut [Evidence], aside: Aside) {
    let mut referents: Vec<Referent> = Vec::new();
    for e in evidence.iter() {
        let Finding::Verified(statement) = &e.finding else { continue };
        for referent in statement.referents() {
            if !referents.contains(&referent) {
                referents.push(referent);
            }
        }
    }
    // A signer may name a new charter in each of a thousand statements; what is over the cap is left unsaid, not unseen.
    let over = referents.len() > limits::REFERENTS;
    referents.truncate(limits::REFERENTS);
    for (i, bytes) in aside {
        let Some(Evidence { finding, .. }) = evidence.get_mut(i) else { continue };
        let Finding::Rejected(error) = finding else { continue };
        let mut support = Support { aside: error.clone(), statements: Vec::new(), failed: None };
        for referent in &referents {
            match verifier.verify_support(&bytes, referent) {
                Ok(statement) => support.statements.push(statement),
                Err(VerifyError::SubjectMismatch { .. }) => {}
                Err(e) => support.failed = support.failed.or(Some(e)),
            }
        }
        if over && support.statements.is_empty() {
            support.failed = Some(VerifyError::TooManyReferents { limit: limits::REFERENTS });
        } else if !support.statements.is_empty() {
            support.failed = None;
        }
        *finding = Finding::Supporting(Box::new(support));
    }
}
