//! The requester, demanded by `--requested-by`.

use super::{Check, RuleInput, any_of, verdict};
use crate::model::Code;
use crate::policy::{Glob, Reason};

const REQUESTER: Code = Code::new("requester-mismatch");
/// Codes of this rule.
pub(super) const CODES: &[Code] = &[REQUESTER];

/// A demand on who asked for the build.
#[derive(Debug, Clone)]
pub struct RequestedByCheck {
    /// `externalParameters.requestedBy.id`.
    pub id: Glob,
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
