//! [`Support`]: what is not about the artifact may be about something that a verified statement names.

use super::cores::on_cores;
use crate::model::limits;
use crate::policy::{self, Evidence, Finding};
use crate::predicate;
use crate::verify::{Candidate, Content, Referent, Verifier, VerifyError};
use std::collections::HashSet;

/// Looks for proof about what verified statements name.
pub(super) struct Support<'a> {
    pub(super) verifier: &'a Verifier<'a>,
    /// Whether the time is up.
    pub(super) stop: &'a (dyn Fn() -> bool + Sync),
}

impl Support<'_> {
    /// Verifies what names another subject than the artifact against everything that verified statements name. Gives the
    /// number of those that there was no time for.
    pub(super) fn find(&self, evidence: &mut [(&Candidate, Evidence)]) -> usize {
        let mut referents: Vec<Referent> = Vec::new();
        let mut seen = HashSet::new();
        for (_, e) in evidence.iter() {
            let Finding::Verified(statement) = &e.finding else { continue };
            for referent in statement.referents() {
                if seen.insert(referent.clone()) {
                    referents.push(referent);
                }
            }
        }
        // A signer may name a new charter in each of a thousand statements; what is over the cap is left unsaid, not unseen.
        let over = referents.len() > limits::REFERENTS;
        referents.truncate(limits::REFERENTS);
        let aside = |(candidate, e): &mut (&Candidate, Evidence)| {
            let (Content::Evidence(bytes), Finding::Rejected(error @ VerifyError::SubjectMismatch { .. })) =
                (&candidate.content, &e.finding)
            else {
                return false;
            };
            if (self.stop)() {
                return true;
            }
            if self.may_support(bytes) {
                let support = self.about(bytes, error.clone(), &referents, over);
                e.finding = Finding::Supporting(Box::new(support));
            }
            false
        };
        on_cores(evidence.iter_mut().collect(), aside).into_iter().filter(|late| *late).count()
    }

    /// Whether a piece of evidence is of a type that may support another one, as it says itself. It only chooses what is
    /// verified.
    fn may_support(&self, bytes: &[u8]) -> bool {
        self.verifier.statement_type(bytes).is_some_and(|t| predicate::by_uri(&t).is_some_and(|p| p.supports()))
    }

    fn about(&self, bytes: &[u8], aside: VerifyError, referents: &[Referent], over: bool) -> policy::Support {
        let mut support = policy::Support { aside, statements: Vec::new(), failed: None };
        match self.verifier.verify_support(bytes, referents) {
            Ok(each) => {
                for one in each {
                    match one {
                        Ok(statement) => support.statements.push(statement),
                        Err(VerifyError::SubjectMismatch { .. }) => {}
                        Err(e) => support.failed = support.failed.or(Some(e)),
                    }
                }
            }
            // Said of the evidence itself, before anybody asked what it is about.
            Err(e) => support.failed = Some(e).filter(|_| !referents.is_empty()),
        }
        if over && support.statements.is_empty() {
            support.failed = Some(VerifyError::TooManyReferents { limit: limits::REFERENTS });
        } else if !support.statements.is_empty() {
            support.failed = None;
        }
        support
    }
}
