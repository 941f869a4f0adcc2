//! The JSON Schema of the predicate that the agent build type has: what another implementation must write.

use super::field::properties;
use serde_json::{Value, json};

/// The schema of a SLSA provenance v1 predicate whose `buildType` is the agent build type.
///
/// It describes all fields that are written, and those that are reserved. Fields that it does not name are legal and are
/// kept (in-toto's monotonic rule).
#[must_use]
pub fn provenance() -> Value {
    json!({
        "title": "Provenance of an agent's build",
        "description": "docs/provenance.md says it in full. Predicate of an in-toto Statement v1 whose predicateType is https://slsa.dev/provenance/v1. A field that could not be found out is absent; nothing is invented. No value is secret.",
        "type": "object",
        "required": ["buildDefinition", "runDetails"],
        "properties": {
            "buildDefinition": {
                "description": "What was built, from what.",
                "type": "object",
                "required": ["buildType", "externalParameters"],
                "properties": properties("", false),
            },
            "runDetails": {
                "description": "Where and when it was built.",
                "type": "object",
                "required": ["builder"],
                "properties": properties("", true),
            },
        },
        "$defs": { "resource": resource(), "digest": digest() },
    })
}

/// in-toto ResourceDescriptor v1.
fn resource() -> Value {
    json!({
        "description": "in-toto ResourceDescriptor v1. A git source says whether the work tree differed from the commit (dirty), and then the digest of the difference: sha256 of the RFC 8785 JSON of the sorted [path, mode, sha256].",
        "type": "object",
        "anyOf": [{ "required": ["uri"] }, { "required": ["digest"] }, { "required": ["content"] }],
        "properties": properties("ResourceDescriptor", false),
    })
}

/// in-toto DigestSet: only canonical spellings, so that one thing has one digest.
fn digest() -> Value {
    json!({
        "description": "in-toto DigestSet: algorithm and value.",
        "type": "object",
        "maxProperties": crate::model::limits::DIGESTS,
        "properties": properties("DigestSet", false),
        "additionalProperties": { "type": "string", "minLength": 1, "maxLength": 512 },
    })
}
