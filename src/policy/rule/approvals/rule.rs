//! The field `approvals`, and the demand as a check.

use super::counting::approved;
use super::demand::{ApprovalRule, Role};
use crate::policy::Reason;
use crate::policy::form::{AnyNumberOf, COUNT, Defaulted, Field, Map, Needed, OneOf, Parsed};
use crate::policy::rule::seam::{Beside, Check, Names, Rule, RuleInput, Supported};
use crate::policy::signer::Others;

static HOW_MANY: Defaulted<Parsed<usize>> = Field::new("count", "Distinct persons, by `people`.", COUNT).or("1");
static BY: Needed<Others> = Field::new("by", "Any of these must have signed an approval.", Others).needed();
// An empty list excludes nobody, and only a policy that writes one has it.
static NOT_BY: Field<AnyNumberOf<OneOf<Role>>> = Field::new(
    "notBy",
    "Who must be another than the approver, compared by `people`. Those who cannot be compared do not count as others. Absent: all three.",
    AnyNumberOf(OneOf(|| Role::ALL.map(|(role, name, _)| (role, name)).to_vec())),
);

/// The row.
pub(in crate::policy::rule) static RULE: Rule = Rule {
    // Only provenance names a charter or a commit: for another type there would be nothing to approve.
    of_provenance: true,
    ..Rule::of(
        "approvals",
        &Map::of(
            "Who must have approved the charter, the commit or the artifact that the provenance names, before it was signed. See docs/approvals.md.",
            &[&HOW_MANY, &BY, &NOT_BY],
        ),
        |at| {
            let rule = ApprovalRule::by(BY.read(at)?).count(HOW_MANY.read(at)?);
            Ok(Box::new(match NOT_BY.read(at)? {
                Some(roles) => rule.not_by(roles),
                None => rule,
            }))
        },
    )
};

impl Check for ApprovalRule {
    /// Of the statement itself it demands nothing.
    fn check(&self, _: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        Ok(())
    }

    fn support(&self, beside: &Beside<'_>) -> Result<Supported, Vec<Reason>> {
        approved(self, beside)
    }

    fn names(&self) -> Names<'_> {
        Names { signers: &self.by, ..Names::default() }
    }
}
