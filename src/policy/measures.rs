//! `measures`: fields of a provenance that a signer finds out itself, as the policy's author knows of it.

use super::{At, PolicyError};
use crate::predicate::field::Group;

/// The names that a policy may list: the groups of fields of the table of fields.
pub(super) fn names() -> Vec<&'static str> {
    Group::ALL.map(|(_, name)| name).to_vec()
}

/// Reads the list.
///
/// # Errors
/// [`PolicyError`] for an empty list and an unknown name: what raises nothing is a mistake.
pub(super) fn parse(field: &At<'_>) -> Result<Vec<&'static str>, PolicyError> {
    let mut out = Vec::new();
    for item in field.list()? {
        let name = item.str()?;
        let group = Group::ALL.into_iter().find(|(_, known)| *known == name);
        let (group, _) = group.ok_or_else(|| item.error(names().join(", ")))?;
        out.extend(group.facts());
    }
    Ok(out)
}
