//! `trigger`: what set the build off.

use super::matching::{Level, assurance, verdict};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Needed, OneOf};
use crate::policy::{Assurance, Reason};
use crate::predicate::field::fact;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    TRIGGER = "trigger-mismatch", [Producer],
        "the provenance says that something else set the build off than is demanded, or does not say what",
        "build it the way the policy wants, or add the kind in the message to `trigger.kinds`; where the CI system tells no reason, `attest create --trigger` does";
}

/// Kinds as a provenance names them.
const KINDS: OneOf<&str> = OneOf(|| ["manual", "scheduled", "event", "smart"].map(|kind| (kind, kind)).to_vec());

static OF: Needed<ListOf<OneOf<&str>>> = Field::new(
    "kinds",
    "Any of these: a person (manual), a timetable (scheduled), something that happened (event), an agent's own decision (smart).",
    ListOf(KINDS),
)
.needed();
static ASSURANCE: Field<Level> = assurance("the trigger");

/// The row.
pub(super) static RULE: Rule = Rule {
    of_provenance: true,
    ..Rule::of("trigger", &Map::of("What set the build off.", &[&OF, &ASSURANCE]).not_empty(), |field| {
        let kinds = OF.read(field)?.into_iter().map(str::to_owned).collect();
        Ok(Box::new(TriggerCheck { kinds, assurance: ASSURANCE.read(field)? }))
    })
};

/// A demand on what set the build off.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TriggerCheck {
    /// Any of these kinds.
    pub kinds: Vec<String>,
    /// How it must be known.
    pub assurance: Option<Assurance>,
}

impl TriggerCheck {
    /// One of these kinds: `manual`, `scheduled`, `event`, `smart`.
    #[must_use]
    pub fn of(kinds: Vec<String>) -> Self {
        Self { kinds, assurance: None }
    }
}

impl Check for TriggerCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let found = input.provenance()?.trigger();
        let is_met = found.is_some_and(|kind| self.kinds.iter().any(|wanted| wanted == kind));
        verdict(vec![
            self.assurance.and_then(|wanted| input.too_low("trigger", wanted, &[fact::TRIGGER.name])),
            (!is_met).then(|| Reason::unmet(TRIGGER, "trigger", self.kinds.join(" or "), found)),
        ])
    }
}
