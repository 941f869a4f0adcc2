//! The fields of a finished provenance, one by one, each with where its maker says that it came from.

use super::by_path;
use crate::model::ResourceDescriptor;
use crate::predicate::Provenance;
use serde_json::{Map, Value, json};

/// A field of a provenance, as the provenance itself has it: nothing here is verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Path below `predicate.buildDefinition` or `predicate.runDetails`, as `generate --explain` names it.
    pub path: String,
    /// Its value.
    pub value: Value,
    /// Where its maker says that it came from.
    pub source: Option<String>,
    /// What two places said differently of it when it was made.
    pub disagreement: Option<String>,
}

/// Where capture explains the annotations of the source.
const OF_SOURCE: &str = "resolvedDependencies.source";

impl Provenance {
    /// Every field of it but the dependencies, of which only what is said of the source.
    #[must_use]
    pub fn fields(&self) -> Vec<Field> {
        let mut out = Vec::new();
        below("externalParameters", &self.external, &mut out);
        below("internalParameters", &self.internal, &mut out);
        let source = self.external.get("source").map(|s| crate::model::json::Field::root("source", s));
        let source = source.and_then(|s| ResourceDescriptor::from_json(&s).ok());
        let same = |d: &&ResourceDescriptor| {
            d.name().is_none() && source.as_ref().is_some_and(|s| crate::predicate::source::is_source(d, s))
        };
        if let Some(source) = self.dependencies.iter().find(same) {
            out.extend(source.annotations().iter().map(|(k, v)| (format!("{OF_SOURCE}.{k}"), v.clone())));
        }
        out.push((super::BUILDER_ID.path.to_owned(), json!(self.builder_id)));
        below("metadata", &self.metadata, &mut out);
        for (i, byproduct) in self.byproducts.iter().enumerate() {
            let name = byproduct.name().map_or_else(|| i.to_string(), str::to_owned);
            out.push((format!("byproducts.{name}"), byproduct.to_json()));
        }
        let row = |(path, value): (String, Value)| {
            let source = self.said("capturedFrom", &path);
            let disagreement = self.said("disagreements", &path);
            Field { path, value, source, disagreement }
        };
        let unread = self.unread_digests.iter().map(|(path, value)| Field {
            path: path.clone(),
            value: value.clone(),
            source: None,
            disagreement: Some("no digest of that algorithm: it counts as absent".to_owned()),
        });
        out.into_iter().map(row).chain(unread).collect()
    }

    /// What a member of `internalParameters` says of a field, or of a part of it.
    fn said(&self, member: &str, path: &str) -> Option<String> {
        let all = self.internal.get(member)?.as_object()?;
        // The digest of a difference is said with whether there is one.
        let path = if path == super::SOURCE_DIFFERENCE.path { super::SOURCE_DIRTY.path } else { path };
        let part = || all.iter().find(|(k, _)| k.strip_prefix(path).is_some_and(|rest| rest.starts_with('.')));
        let found = all.get(path).or_else(|| part().map(|(_, v)| v))?;
        Some(found.as_str()?.to_owned())
    }
}

/// The members of an object; those of its own objects one by one where they are things of their own.
fn below(path: &str, members: &Map<String, Value>, out: &mut Vec<(String, Value)>) {
    for (key, value) in members {
        let path = format!("{path}.{key}");
        let row = by_path(&path);
        match value {
            _ if row.is_some_and(|r| r.about) => {}
            Value::Object(inner) if !row.is_some_and(|r| r.whole) && path.split('.').count() < 4 => {
                below(&path, inner, out);
            }
            value => out.push((path, value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_member_is_a_field_known_or_not_and_has_its_source() {
        let value = json!({
            "buildDefinition": {
                "buildType": "https://b.example",
                "externalParameters": {
                    "source": { "uri": "git+https://h.example/a", "digest": { "gitCommit": "a".repeat(40) } },
                    "agent": { "id": "s/a", "model": { "provider": "p", "id": "m" } }, "later": { "x": 1 }, "n": 1,
                },
                "internalParameters": {
                    "environment": { "nix": { "system": "x", "flake": "f" } },
                    "capturedFrom": { "externalParameters.agent.id": "--agent", "internalParameters.environment.nix.flake": "flake.lock" },
                    "disagreements": { "externalParameters.agent.id": "A says B" },
                },
                "resolvedDependencies": [
                    { "uri": "git+https://h.example/a", "digest": { "gitCommit": "a".repeat(40) }, "annotations": { "dirty": true } },
                ],
            },
            "runDetails": { "builder": { "id": "https://b.example" }, "byproducts": [{ "name": "log", "uri": "u" }] },
        });
        let fields = Provenance::from_json(value.as_object().unwrap()).unwrap().fields();
        let paths: Vec<_> = fields.iter().map(|f| f.path.as_str()).collect();
        let expected = [
            "externalParameters.source",
            "externalParameters.agent.id",
            "externalParameters.agent.model",
            "externalParameters.later.x",
            "externalParameters.n",
            "internalParameters.environment.nix.system",
            "internalParameters.environment.nix.flake",
            "resolvedDependencies.source.dirty",
            "builder.id",
            "byproducts.log",
        ];
        assert_eq!(paths, expected);
        let by = |path: &str| fields.iter().find(|f| f.path == path).unwrap();
        assert_eq!(by("externalParameters.agent.id").source.as_deref(), Some("--agent"));
        assert_eq!(by("externalParameters.agent.id").disagreement.as_deref(), Some("A says B"));
        assert_eq!(by("internalParameters.environment.nix.flake").source.as_deref(), Some("flake.lock"));
        assert_eq!(by("externalParameters.n").source, None);
    }
}
