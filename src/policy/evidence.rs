//! What [`decide`](super::decide()) decides from: candidates after verification.

use crate::model::Code;
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
