//! The builder, demanded by `--builder-id`: met only by one that the signer may speak for.

use super::{Check, RuleInput};
use crate::model::Code;
use crate::policy::Reason;

const MISMATCH: Code = Code::new("builder-mismatch");
const UNBOUND: Code = Code::new("builder-not-bound");
/// Codes of this rule.
pub(super) const CODES: &[Code] = &[MISMATCH, UNBOUND];

/// A demand on the builder.
#[derive(Debug, Clone)]
pub struct BuilderCheck {
    /// `runDetails.builder.id`, to the letter.
    pub id: String,
}

impl Check for BuilderCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let found = &input.provenance()?.builder_id;
        if *found != self.id {
            return Err(vec![Reason::unmet(MISMATCH, "builder", format!("`{}`", self.id), Some(found))]);
        }
        if !input.builder_bound {
            let message =
                format!("builder `{found}` is only declared: no flag or policy lets this signer speak for it");
            return Err(vec![Reason::new(UNBOUND, message)]);
        }
        Ok(())
    }
}
