//! The requester, demanded by `--requested-by`.

use super::matching::{any_of, verdict};
use super::seam::{Check, RuleInput};
use crate::model::code::codes;
use crate::policy::{Glob, Reason};

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    REQUESTER = "requester-mismatch", [Producer],
        "the provenance names another requester than is demanded, or none",
        "compare the requester in the message with --requested-by: somebody else asked for this build";
}

/// A demand on who asked for the build.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestedByCheck {
    /// `externalParameters.requestedBy.id`.
    pub id: Glob,
}

impl RequestedByCheck {
    /// Whoever this matches.
    #[must_use]
    pub fn of(id: Glob) -> Self {
        Self { id }
    }
}

impl Check for RequestedByCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        verdict(vec![any_of(
            REQUESTER,
            "requested by",
            std::slice::from_ref(&self.id),
            input.provenance()?.requested_by(),
        )])
    }
}
