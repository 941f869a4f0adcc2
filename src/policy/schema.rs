//! The JSON Schema of a policy file: what [`parse`](super::parse) of this version takes.
//!
//! A test compares the fields of every map with those that the parser knows, so that neither can grow alone. What a
//! schema cannot say (a key that can be read, a window that does not end before it begins) only the parser refuses.

use super::{CLAIMS, Role, WitnessRule, file, measures, rule};
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
    requirement.insert("threshold".into(), count("Distinct signers, each of a statement that meets all of this: two whom `people` lists as one, two of one name, and one workflow at two refs are one."));
    requirement.insert(
        "trust".into(),
        json!({
            "description": "What logs and timestamp authorities must prove.",
            "type": "object", "additionalProperties": false,
            "properties": {
                "logs": count("Distinct transparency logs."),
                "timestamps": count("Distinct timestamp authorities."),
                "witnesses": WitnessRule::schema(count("How many distinct ones.")),
                "allowPromiseOnly": {
                    "description": "Whether a log's promise to include an entry will do where there is no proof.",
                    "type": "boolean", "default": false,
                },
                "maxAge": {
                    "description": "How old a trusted root may be that vouches for any of it; one of no known date, such as a file, is too old.",
                    "type": "string", "pattern": "^[0-9]{1,5}[dh]$",
                },
            },
        }),
    );
    requirement.insert(
        "approvals".into(),
        json!({
            "description": "Who must have approved the charter, the commit or the artifact that the provenance names, before it was signed. See docs/approvals.md.",
            "type": "object", "required": ["by"], "additionalProperties": false,
            "properties": {
                "count": count("Distinct persons, by `people`."),
                "by": {
                    "description": "Any of these must have signed an approval.",
                    "type": "array", "minItems": 1,
                    "items": {
                        "allOf": [{ "$ref": "#/$defs/signer" }],
                        "not": { "anyOf": [{ "required": ["builders"] }, { "required": ["measures"] }] },
                    },
                },
                "notBy": {
                    "description": "Who must be another than the approver, compared by `people`. Those who cannot be compared do not count as others. Absent: all three.",
                    "type": "array", "items": { "enum": Role::ALL.map(|(_, name, _)| name) },
                },
            },
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
                "people": {
                    "description": "Which principals are one person, agent or service: github:583231 or HOST:ID as a provenance names it, an e-mail address or URI as a certificate names it (a URI may have `*` and `**` after its host), key:sha256:HEX of a key's DER, agent:squad/agent (or agent:squad/*). None may stand twice.",
                    "type": "object",
                    "additionalProperties": {
                        "type": "array", "minItems": 1,
                        "items": { "type": "string", "minLength": 3, "maxLength": 2048, "pattern": "^[^\\s:@!]+[:@!][^\\s]+$" },
                    },
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
    root["$defs"] = json!({
        "requirement": map("What one statement must show.", &["signers"], Value::Object(requirement)),
        "signer": signer(),
    });
    root
}

fn signer() -> Value {
    let claims: Map<_, _> = CLAIMS
        .iter()
        .map(|(name, arc)| ((*name).to_owned(), texts(&format!("Claim 1.3.6.1.4.1.57264.1.{arc} of the certificate."))))
        .collect();
    json!({
        "description": "A key, or whoever holds a certificate that says this, may have signed.",
        "type": "object", "additionalProperties": false,
        "oneOf": [
            { "required": ["key"], "not": { "anyOf": CERTIFICATE_ONLY.map(|f| json!({ "required": [f] })) } },
            {
                "not": { "required": ["key"] },
                "allOf": [
                    { "anyOf": [{ "required": ["issuer"] }, { "required": ["issuerRegexp"] }] },
                    { "anyOf": [
                        { "required": ["identity"] }, { "required": ["identityGlob"] }, { "required": ["identityRegexp"] },
                    ] },
                ],
            },
        ],
        "properties": {
            "key": text("Public key: path of a PEM file, relative to the policy's, or PEM itself."),
            "issuer": texts("OIDC issuer of the certificate."),
            "issuerRegexp": texts("Regular expression over the whole OIDC issuer."),
            "identity": texts("Subject alternative name of the certificate."),
            "identityGlob": texts("Glob over the whole subject alternative name."),
            "identityRegexp": texts("Regular expression over the whole subject alternative name."),
            "certificate": {
                "description": "What Fulcio's claims must say, each to the letter.",
                "type": "object", "minProperties": 1, "additionalProperties": false, "properties": claims,
            },
            "notBefore": time("It may sign from then on; a log or a timestamp must prove the time."),
            "notAfter": time("It may sign until then."),
            "builders": {
                "description": "Builders that it may speak for, to the letter or as globs. Another one fails; with none listed a certificate speaks for its own build-signer URI, and what a key says is only declared.",
                "type": "array", "minItems": 1, "items": glob("A builder id."),
            },
            "measures": {
                "description": "Fields of a provenance that it finds out itself, as an isolated build service does: where it signed, their assurance is measured.",
                "type": "array", "minItems": 1, "items": { "enum": measures::names() },
            },
        },
    })
}

/// Fields of a signer that speak of a certificate.
const CERTIFICATE_ONLY: [&str; 6] =
    ["issuer", "issuerRegexp", "identity", "identityGlob", "identityRegexp", "certificate"];

/// One text, or several of which any will do.
fn texts(description: &str) -> Value {
    let one = json!({ "type": "string", "minLength": 1 });
    json!({ "description": description, "oneOf": [one, { "type": "array", "minItems": 1, "items": one }] })
}

/// A number from 1 to [`file::MOST`]; a plain scalar of YAML is a text.
fn count(description: &str) -> Value {
    json!({
        "description": description,
        "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": file::MOST },
            { "type": "string", "pattern": "^([1-9]|[12][0-9]|3[0-2])$" },
        ],
    })
}

/// A sha256, sha384 or sha512 digest with its algorithm.
const DIGEST: &str = "^sha256:[0-9a-f]{64}$";

/// A text that is not empty.
pub(super) fn text(description: &str) -> Value {
    json!({ "description": description, "type": "string", "minLength": 1 })
}

/// A glob: `*` stays within a path element, `**` crosses `/`.
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
    let mut image = glob(
        "Repository, without tag and digest, read as a reference is; oci:PATH and file:PATH for the others. Stars match an `@` of such a path, too.",
    );
    image["pattern"] = json!("^((oci|file):[^@]*|([A-Za-z0-9.*:\\[\\]_-]+/)?[a-z0-9._*/-]*)$");
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
                "require": [{ "trust": { "none": 1 }, "approvals": { "none": 1 }, "signers": [
                    { "key": PEM.replace("\\n", "\n") },
                    { "issuer": "i", "identity": "s", "certificate": {} },
                ] }],
            },
        });
        for r in rule::ALL {
            policy["spec"]["require"][0][r.name()] = json!({ "none": 1 });
        }
        if let Some(name) = field.strip_prefix("/spec/require/0/").filter(|n| !n.contains('/')) {
            // The other rules would be complained about first.
            let requirement = policy["spec"]["require"][0].as_object_mut().unwrap();
            requirement.retain(|k, _| k == "signers" || k == name);
            requirement["signers"].as_array_mut().unwrap().truncate(1);
        } else {
            let requirement = policy["spec"]["require"][0].as_object_mut().unwrap();
            requirement.retain(|k, _| k == "signers");
            if !field.contains("certificate") {
                requirement["signers"].as_array_mut().unwrap().truncate(1);
            }
            if field.contains("/charter/") {
                policy["spec"]["require"][0]["charter"] = json!({ "snapshot": {} });
            }
            if field.contains("/trust/") {
                policy["spec"]["require"][0]["trust"] = json!({ "witnesses": {} });
            }
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
            ("/spec/require/0/signers/1/certificate".into(), "/$defs/signer/properties/certificate".into()),
            ("/spec/require/0/trust".into(), "/$defs/requirement/properties/trust".into()),
            ("/spec/require/0/approvals".into(), "/$defs/requirement/properties/approvals".into()),
            (
                "/spec/require/0/charter/snapshot".into(),
                "/$defs/requirement/properties/charter/properties/snapshot".into(),
            ),
            (
                "/spec/require/0/trust/witnesses".into(),
                "/$defs/requirement/properties/trust/properties/witnesses".into(),
            ),
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
