//! One entry of `require`: its own fields, and one for each rule.

use crate::model::PredicateUri;
use crate::model::uri::SLSA_PROVENANCE;
use crate::policy::form::{AGE, At, COUNT, Declared, Defaulted, Field, Form, ListOf, Map, Needed, Parsed};
use crate::policy::rule::AgeCheck;
use crate::policy::signer::{SIGNERS, Signer, of_provenance};
use crate::policy::{PolicyError, Requirement, rule};
use crate::predicate;
use serde_json::{Value, json};

static PREDICATE_TYPE: Defaulted<Parsed<PredicateUri>> = Field::new(
    "predicateType",
    "Type of the predicate that is demanded.",
    Parsed {
        read: |text| PredicateUri::parse(text).ok_or_else(|| "an absolute URI".to_owned()),
        schema: || json!({ "type": "string", "format": "uri" }),
    },
)
.or(SLSA_PROVENANCE);
static SIGNED_BY: Needed<ListOf<Signer>> = Field::new("signers", "Any of these must have signed.", SIGNERS).needed();
static THRESHOLD: Defaulted<Parsed<usize>> = Field::new(
    "threshold",
    "Distinct signers, each of a statement that meets all of this: two whom `people` lists as one, two of one name, and one workflow at two refs are one.",
    COUNT,
)
.or("1");
static MAX_AGE: Field<Parsed<i64>> = Field::new(
    "maxAge",
    "How long ago it may have been signed, by the earliest time that a log or timestamp authority proves; of a statement that only keys signed, also by its own `finishedOn`.",
    AGE,
);
static REQUIREMENT: Map =
    Map::of("What one statement must show.", &[&PREDICATE_TYPE, &SIGNED_BY, &THRESHOLD, &MAX_AGE]).later(LATER);

/// Fields of the format that this version does not enforce.
const LATER: &[&str] = &["credentials", "dependencies", "cel"];

/// A requirement.
pub(super) struct Entry;

impl Form for Entry {
    type Value = Requirement;

    fn read(&self, field: &At<'_>) -> Result<Requirement, PolicyError> {
        REQUIREMENT.check(field, &rules())?;
        let predicate_type = PREDICATE_TYPE.read(field)?;
        let signers = field.need(SIGNED_BY.name())?.list()?;
        // Only provenance names a builder, and only its version 1 a charter: for another type these would bind nothing.
        let of_signers = || match predicate::provenance_of(predicate_type.as_str()) {
            Some(_) => None,
            None => of_provenance(&signers),
        };
        let is_v1 = predicate_type.as_str() == SLSA_PROVENANCE;
        let of_rules = || rule::ALL.iter().filter(|r| r.of_provenance && !is_v1).find_map(|r| field.get(r.name));
        if let Some(found) = of_signers().or_else(of_rules) {
            return Err(found.error("no such field, which only a SLSA provenance v1 gives a meaning"));
        }
        let mut requirement = Requirement::of(predicate_type);
        for rule in rule::ALL {
            if let Some(f) = field.get(rule.name) {
                requirement.demand(rule.parse(&f)?);
            }
        }
        if let Some(limit) = MAX_AGE.read(field)? {
            requirement.demand(Box::new(AgeCheck::of(limit)));
        }
        requirement.signers = SIGNED_BY.read(field)?;
        Ok(requirement.threshold(THRESHOLD.read(field)?))
    }

    fn schema(&self) -> Value {
        json!({ "$ref": "#/$defs/requirement" })
    }
}

/// The schema of a requirement: `$defs/requirement`.
pub(super) fn definition() -> Value {
    REQUIREMENT.schema(&rules())
}

fn rules() -> Vec<&'static dyn Declared> {
    rule::ALL.iter().map(|r| *r as &dyn Declared).collect()
}
