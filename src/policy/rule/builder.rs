//! The builder, demanded by `--builder-id`: met only by one that the signer may speak for.

use super::seam::{Check, RuleInput};
use crate::model::code::codes;
use crate::policy::Reason;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    MISMATCH = "builder-mismatch", [Producer],
        "the provenance names another builder than is demanded",
        "compare the builder in the message with --builder-id, and build on the one that is meant";
    UNBOUND = "builder-not-bound", [Producer],
        "a builder is demanded, and nothing binds the signer to it",
        "list the builder under the signer's `builders` in a policy, or pass --builder-id beside --key";
}

/// A demand on the builder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BuilderCheck {
    /// `runDetails.builder.id`, to the letter.
    pub id: String,
}

impl BuilderCheck {
    /// The builder of this id, to the letter.
    #[must_use]
    pub fn of(id: impl Into<String>) -> Self {
        Self { id: id.into() }
    }
}

impl Check for BuilderCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        if input.beside.builder.as_ref() == Some(&self.id) {
            return Ok(());
        }
        let found = match (&input.beside.builder, input.provenance) {
            (Some(signer), None) => signer,
            _ => &input.provenance()?.builder_id,
        };
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
