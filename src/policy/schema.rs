//! The JSON Schema of a policy file: what [`parse`](super::parse) of this version takes.
//!
//! A test compares the fields of every map with those that the parser knows, so that neither can grow alone. What a
//! schema cannot say (a key that can be read, a window that does not end before it begins) only the parser refuses.

use super::{file, rule};
use crate::model::uri;
use serde_json::{Map, Value, json};

/// The schema of a policy in JSON, or in YAML read as JSON with every plain scalar but `true` and `false` as a text.
#[must_use]
pub fn schema() -> Value {
    let mut requirement = Map::new();
    requirement.insert(
        "predicateType".into(),
        json!({
            "description": "Type of the predicate that is demanded.",
            "type": "string", "format": "uri", "default": uri::SLSA_PROVENANCE,
        }),
    );
    requirement.insert(
        "signers".into(),
        json!({
            "description": "Any of these must have signed.",
            "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/signer" },
        }),
    );
    requirement.extend(rule::ALL.iter().map(|r| (r.name().to_owned(), r.schema())));
    let map = |description: &str, required: &[&str], properties: Value| {
        json!({
            "description": description, "type": "object",
            "required": required, "additionalProperties": false, "properties": properties,
        })
    };
    let mut root = map(
        "Which artifacts it speaks about, and what each of them must show.",
        &["apiVersion", "kind", "metadata", "spec"],
        json!({
            "apiVersion": { "const": file::API_VERSION },
            "kind": { "const": file::KIND },
            "metadata": map("What the policy is called.", &["name"], json!({
                "name": text("Stands in every decision."),
                "labels": { "description": "Not read.", "type": "object" },
                "annotations": { "description": "Not read.", "type": "object" },
            })),
            "spec": map("The policy.", &["images", "require"], json!({
                "images": {
                    "description": "Subjects it speaks about. One that no policy speaks about is denied.",
                    "type": "array", "minItems": 1,
                    "items": map("A group of subjects.", &["glob"], json!({ "glob": image() })),
                },
                "mode": {
                    "description": "What a cluster does with a denial. It never changes an exit code of the command line.",
                    "enum": ["enforce", "warn", "audit"], "default": "enforce",
                },
                "revoked": map("What is never accepted, whoever signed.", &[], json!({
                    "keys": {
                        "description": "Key ids (sha256: and the hex digest of the key's DER), paths of PEM files, or PEM.",
                        "type": "array",
                        "items": { "type": "string", "minLength": 1, "not": { "pattern": "^sha(384|512):" } },
                    },
                    "statements": {
                        "description": "Digests of signed statements.",
                        "type": "array", "items": { "type": "string", "pattern": DIGEST },
                    },
                })),
                "require": {
                    "description": "All of these must be met, each by one statement that meets all of it.",
                    "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/requirement" },
                },
            })),
        }),
    );
    let mut requirement = map("What one statement must show.", &["signers"], Value::Object(requirement));
    // Only a provenance names a builder.
    requirement["if"] = json!({
        "required": ["predicateType"],
        "properties": { "predicateType": { "not": { "const": uri::SLSA_PROVENANCE } } },
    });
    requirement["then"] = json!({
        "properties": { "signers": { "items": { "not": { "required": ["builders"] } } } },
    });
    root["$defs"] = json!({
        "requirement": requirement,
        "signer": map("A key that may have signed.", &["key"], json!({
            "key": text("Public key: path of a PEM file, relative to the policy's, or PEM itself."),
            "notBefore": time("The key may sign from then on."),
            "notAfter": time("The key may sign until then."),
            "builders": {
                "description": "Builders that the key may speak for, to the letter or as globs. Another one fails; with none listed a builder is only declared.",
                "type": "array", "minItems": 1, "items": glob("A builder id."),
            },
        })),
    });
    root
}

/// A sha256, sha384 or sha512 digest with its algorithm.
const DIGEST: &str = "^sha256:[0-9a-f]{64}$";

/// A text that is not empty.
pub(super) fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

/// A glob: `*` stays within a path element, `**` crosses `/`, neither matches `@`.
pub(super) fn glob(description: &str) -> Value {
    json!({
        "description": description, "type": "string",
        "minLength": 1, "maxLength": 2048, "not": { "pattern": "\\*\\*\\*" },
    })
}

/// At least one glob, any of which must match.
pub(super) fn globs(description: &str) -> Value {
    json!({ "description": description, "type": "array", "minItems": 1, "items": glob("A text or glob.") })
}

/// The schema of a rule's map.
pub(super) fn rule(description: &str, required: &[&str], properties: Value) -> Value {
    json!({
        "description": description, "type": "object", "required": required,
        // A map that demands nothing is a mistake.
        "minProperties": 1,
        "additionalProperties": false, "properties": properties,
    })
}

fn image() -> Value {
    let mut image = glob("Repository as typed, without tag and digest; oci:PATH and file:PATH for the others.");
    image["pattern"] = json!("^((oci|file):[^@]*|([^@A-Z]*/)?[^@:/A-Z]*)$");
    // Other spellings of a registry than references keep.
    image["allOf"] =
        json!([{ "not": { "pattern": "^(index\\.docker\\.io|registry-1\\.docker\\.io|[^/]*:443)(/|$)" } }]);
    image
}

fn time(description: &str) -> Value {
    json!({ "description": description, "type": "string", "format": "date-time", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{PolicyError, parse};

    const PEM: &str = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n";

    /// The fields that the parser knows at a place, from what it says when it meets one that it does not.
    fn known(field: &str) -> (String, Vec<String>) {
        let mut policy = json!({
            "apiVersion": file::API_VERSION, "kind": file::KIND, "metadata": { "name": "t" },
            "spec": {
                "images": [{ "glob": "a" }], "revoked": {},
                "require": [{ "signers": [{ "key": PEM.replace("\\n", "\n") }] }],
            },
        });
        for r in rule::ALL {
            policy["spec"]["require"][0][r.name()] = json!({ "none": 1 });
        }
        if let Some(name) = field.strip_prefix("/spec/require/0/").filter(|n| !n.contains('/')) {
            // The other rules would be complained about first.
            let requirement = policy["spec"]["require"][0].as_object_mut().unwrap();
            requirement.retain(|k, _| k == "signers" || k == name);
        } else {
            policy["spec"]["require"][0].as_object_mut().unwrap().retain(|k, _| k == "signers");
            policy.pointer_mut(field).unwrap()["none"] = json!(1);
        }
        match parse(&policy.to_string(), "t", &|_| Err("none".into())) {
            Err(PolicyError::UnknownField { path, known, .. }) => (path, sorted(known.split(", "))),
            other => panic!("{field}: {other:?}"),
        }
    }

    fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        names
    }

    #[test]
    fn the_schema_knows_the_fields_that_the_parser_knows() {
        let schema = schema();
        let mut places = vec![
            (String::new(), String::new()),
            ("/metadata".into(), "/properties/metadata".into()),
            ("/spec".into(), "/properties/spec".into()),
            ("/spec/images/0".into(), "/properties/spec/properties/images/items".into()),
            ("/spec/revoked".into(), "/properties/spec/properties/revoked".into()),
            ("/spec/require/0".into(), "/$defs/requirement".into()),
            ("/spec/require/0/signers/0".into(), "/$defs/signer".into()),
        ];
        for r in rule::ALL {
            places
                .push((format!("/spec/require/0/{}", r.name()), format!("/$defs/requirement/properties/{}", r.name())));
        }
        for (field, place) in places {
            let described = schema.pointer(&place).unwrap();
            let properties = described["properties"].as_object().unwrap();
            let (path, known) = known(&field);
            assert_eq!(sorted(properties.keys().map(String::as_str)), known, "{path}");
            assert_eq!(described["additionalProperties"], json!(false), "{path}");
        }
    }
}
