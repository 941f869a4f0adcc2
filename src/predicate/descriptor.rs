//! Descriptors as others write them.

use crate::model::json::Field;
use crate::model::{DigestSet, ResourceDescriptor};
use serde_json::Value;

/// A descriptor whose form nobody checked, as of another build type's source or a dependency. A commit in capitals is the
/// same commit, which must not be taken for none, and so never be compared with what a certificate says. A digest that is none
/// of its algorithm (GitLab Runner is documented to write a commit as `sha256`) is absent, so that it meets no demand and is
/// compared with nothing, and is named among `unread`. `None` where there is nothing to tell the thing by.
pub(super) fn read_descriptor(field: &Field<'_>, unread: &mut Vec<(String, Value)>) -> Option<ResourceDescriptor> {
    let strict = ResourceDescriptor::from_json(field).ok();
    strict.or_else(|| {
        let mut lower = field.value().clone();
        let digests = lower.get_mut("digest")?.as_object_mut()?;
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        for value in digests.values_mut() {
            if let Some(text) = value.as_str().filter(|t| hex(t)) {
                *value = text.to_ascii_lowercase().into();
            }
        }
        digests.retain(|name, value| value.as_str().is_some_and(|v| DigestSet::new("", [(name.as_str(), v)]).is_ok()));
        let kept = digests.clone();
        let read = ResourceDescriptor::from_json(&Field::root(field.path(), &lower)).ok()?;
        let path = ["predicate.buildDefinition.", "predicate.runDetails.", "predicate."];
        let path = path.iter().find_map(|p| field.path().strip_prefix(p)).unwrap_or_else(|| field.path());
        let left = field.value().get("digest")?.as_object()?.iter().filter(|(name, _)| !kept.contains_key(*name));
        unread.extend(left.map(|(name, value)| (format!("{path}.digest.{name}"), value.clone())));
        Some(read)
    })
}
