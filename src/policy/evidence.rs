//! What [`decide`](super::decide()) decides from: candidates after verification.

use super::Reason;
use crate::model::Code;
use crate::predicate::field::{Fact, fact};
use crate::verify::{Origin, SupportingStatement, VerifiedStatement, VerifyError};
use std::sync::Arc;

/// One candidate after verification.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// Where it came from.
    pub origin: Origin,
    /// What came of it.
    pub finding: Finding,
}

/// What came of verifying one candidate.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// Proof.
    Verified(Arc<VerifiedStatement>),
    /// Proof about something that a verified statement names, and so none about the artifact itself.
    Supporting(Box<Support>),
    /// Proof that does not count after all, for what was found out later.
    Withdrawn {
        /// The proof.
        statement: Arc<VerifiedStatement>,
        /// Why it does not count.
        objection: Objection,
    },
    /// It could not be believed, or (by its own word) not be looked at.
    Rejected(VerifyError),
    /// It is no evidence about this artifact.
    SetAside {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
    /// It could not be looked at.
    Unavailable {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
}

/// Why a verified statement does not count after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Objection {
    /// Why.
    pub reason: Reason,
    /// Whether it could not be found out, and is no "no".
    pub unavailable: bool,
}

impl Evidence {
    /// The same, without what there is an objection to. It only takes proof away: no answer gets better by it.
    #[must_use]
    pub fn withdrawn(self, object: &dyn Fn(&VerifiedStatement) -> Option<Objection>) -> Self {
        let finding = match self.finding {
            Finding::Verified(statement) => match object(&statement) {
                Some(objection) => Finding::Withdrawn { statement, objection },
                None => Finding::Verified(statement),
            },
            other => other,
        };
        Self { finding, ..self }
    }
}

/// A candidate that may support another one.
#[derive(Clone, Debug, PartialEq)]
pub struct Support {
    /// Why it is none about the artifact.
    pub aside: VerifyError,
    /// What it was verified to be about: of each thing that a verified statement names, a proof.
    pub statements: Vec<SupportingStatement>,
    /// Why it could not be believed, where it is about such a thing and there is no proof.
    pub failed: Option<VerifyError>,
}

/// What a signing certificate says of source and builder where the predicate is silent, in the form that a provenance has for them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FromCertificate {
    /// Repository URL, with its scheme.
    pub repository: Option<String>,
    /// Full ref.
    pub reference: Option<String>,
    /// Commit, lower-case hex.
    pub commit: Option<String>,
    /// Who built it: the build signer.
    pub builder: Option<String>,
}

impl FromCertificate {
    /// The value of a field, by its name in a decision.
    #[must_use]
    pub fn value(&self, fact: &Fact) -> Option<&str> {
        let values = [
            (fact::REPOSITORY, &self.repository),
            (fact::REF, &self.reference),
            (fact::COMMIT, &self.commit),
            (fact::BUILDER_ID, &self.builder),
        ];
        values.into_iter().find(|(f, _)| f.name == fact.name).and_then(|(_, value)| value.as_deref())
    }

    /// Whether it says anything of a source.
    #[must_use]
    pub fn has_source(&self) -> bool {
        self.repository.is_some() || self.reference.is_some() || self.commit.is_some()
    }
}
