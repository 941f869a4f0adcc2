//! `requestedBy`, and `--requested-by`: who asked for the build.

use super::matching::{GLOBS, Level, any_of, assurance, verdict};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Needed, Parsed};
use crate::policy::{Assurance, Glob, Reason};
use crate::predicate::field::fact;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    REQUESTER = "requester-mismatch", [Producer],
        "the provenance names another requester than is demanded, or none",
        "compare the requester in the message with --requested-by or `requestedBy.ids`: somebody else asked for this build";
}

static IDS: Needed<ListOf<Parsed<Glob>>> =
    Field::new("ids", "Ids as a provenance names them, such as github:583231: any of these.", GLOBS).needed();
static ASSURANCE: Field<Level> = assurance("the requester");

/// The row.
pub(super) static RULE: Rule = Rule {
    of_provenance: true,
    ..Rule::of("requestedBy", &Map::of("Who asked for the build.", &[&IDS, &ASSURANCE]).not_empty(), |field| {
        Ok(Box::new(RequestedByCheck { ids: IDS.read(field)?, assurance: ASSURANCE.read(field)? }))
    })
};

/// A demand on who asked for the build.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RequestedByCheck {
    /// `externalParameters.requestedBy.id`: any of these.
    pub ids: Vec<Glob>,
    /// How it must be known.
    pub assurance: Option<Assurance>,
}

impl RequestedByCheck {
    /// Whoever this matches.
    #[must_use]
    pub fn of(id: Glob) -> Self {
        Self { ids: vec![id], assurance: None }
    }
}

impl Check for RequestedByCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let found = input.provenance()?.requested_by();
        let named: Vec<_> = found.map(|_| fact::REQUESTED_BY_ID.name).into_iter().collect();
        verdict(vec![
            self.assurance.and_then(|wanted| input.too_low("requested by", wanted, &named)),
            any_of(REQUESTER, "requested by", &self.ids, found),
        ])
    }
}
