//! `measures`: fields of a provenance that a signer finds out itself, as the policy's author knows of it.

use super::{At, PolicyError};

/// What a policy may say that a signer measures, and the fields of output that it is about.
pub(super) const ALL: &[(&str, &[&str])] = &[
    ("source", &["source.repository", "source.ref", "source.commit", "source.dirty"]),
    ("dependencies", &["dependencies"]),
    ("agent", &["agent.id", "agent.model"]),
    ("task", &["task.id"]),
    ("charter", &["charter.uri", "charter.digest"]),
    ("requestedBy", &["requestedBy.id"]),
];

/// Reads the list.
///
/// # Errors
/// [`PolicyError`] for an empty list and an unknown name: what raises nothing is a mistake.
pub(super) fn parse(field: &At<'_>) -> Result<Vec<&'static str>, PolicyError> {
    let mut out = Vec::new();
    for item in field.list()? {
        let name = item.str()?;
        let row = ALL.iter().find(|(known, _)| *known == name);
        let (_, fields) = row.ok_or_else(|| item.error(ALL.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ")))?;
        out.extend_from_slice(fields);
    }
    Ok(out)
}
