//! `builder`, and `--builder-id`: which builder, met only by one that the signer may speak for.

use super::matching::{GLOBS, any_of};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Needed, Parsed};
use crate::policy::{Glob, Reason};

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    MISMATCH = "builder-mismatch", [Producer],
        "the provenance names another builder than is demanded",
        "compare the builder in the message with --builder-id or `builder.ids`, and build on the one that is meant";
    UNBOUND = "builder-not-bound", [Producer],
        "a builder is demanded, and nothing binds the signer to it",
        "list the builder under the signer's `builders` in a policy, or pass --builder-id beside --key";
}

static IDS: Needed<ListOf<Parsed<Glob>>> = Field::new(
    "ids",
    "Builder ids: any of these, and the signer must be bound to it: its certificate names it, or `builders` lists it.",
    GLOBS,
)
.needed();

/// The row.
pub(super) static RULE: Rule = Rule::of("builder", &Map::of("On which builder.", &[&IDS]).not_empty(), |field| {
    Ok(Box::new(BuilderCheck { ids: IDS.read(field)? }))
});

/// A demand on the builder.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct BuilderCheck {
    /// `runDetails.builder.id`: any of these.
    pub ids: Vec<Glob>,
}

impl BuilderCheck {
    /// The builder of this id, to the letter.
    #[must_use]
    pub fn of(id: &str) -> Self {
        Self { ids: vec![Glob::exact(id)] }
    }
}

impl Check for BuilderCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let meant = |id: &String| self.ids.iter().any(|wanted| wanted.matches(id));
        if input.beside.builder.as_ref().is_some_and(meant) {
            return Ok(());
        }
        let found = match (&input.beside.builder, input.provenance) {
            (Some(signer), None) => signer,
            _ => &input.provenance()?.builder_id,
        };
        if !meant(found) {
            return Err(any_of(MISMATCH, "builder", &self.ids, Some(found)).into_iter().collect());
        }
        if !input.builder_bound {
            let message =
                format!("builder `{found}` is only declared: no flag or policy lets this signer speak for it");
            return Err(vec![Reason::new(UNBOUND, message)]);
        }
        Ok(())
    }
}
