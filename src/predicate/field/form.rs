//! What a field looks like: its name on the page and its JSON Schema.

use serde_json::{Value, json};

/// The form of a field.
#[derive(Debug)]
pub(super) enum Form {
    /// An object with these members at least.
    Object(&'static [&'static str]),
    /// A list of objects with these members at least.
    Objects(&'static [&'static str]),
    /// Members of what another rule of the schema makes an object.
    Members,
    /// An object whose members are texts.
    TextMap,
    /// A ResourceDescriptor with a `uri`.
    Resource,
    /// A list of ResourceDescriptors.
    Resources,
    /// A DigestSet.
    Digests,
    /// A text.
    Text,
    /// A text of these.
    OneOf(&'static [&'static str]),
    /// A list of texts.
    Texts,
    /// A list of these texts.
    SomeOf(&'static [&'static str]),
    /// A URI.
    Uri,
    /// An RFC 3339 time.
    Time,
    /// `true` or `false`.
    Flag,
    /// So many lower-case hex digits.
    Hex(u32),
    /// The id of a git object, and its name on the page.
    GitId(&'static str),
    /// Anything else: its name on the page, and its schema.
    Other(&'static str, fn() -> Value),
}

impl Form {
    /// Its name on the page.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Object(_) | Self::Members => "object",
            Self::Objects(_) => "list",
            Self::TextMap => "object of text",
            Self::Resource => "ResourceDescriptor",
            Self::Resources => "list of ResourceDescriptor",
            Self::Digests => "DigestSet",
            Self::Text | Self::OneOf(_) => "text",
            Self::Texts | Self::SomeOf(_) => "list of text",
            Self::Uri => "URI",
            Self::Time => "time",
            Self::Flag => "truth value",
            Self::Hex(digits) => return format!("{digits} hex"),
            Self::GitId(name) | Self::Other(name, _) => name,
        }
        .to_owned()
    }

    /// Its JSON Schema, without what the fields below it add.
    pub(super) fn schema(&self) -> Value {
        let object = |required: &[&str]| {
            if required.is_empty() {
                json!({ "type": "object" })
            } else {
                json!({ "type": "object", "required": required })
            }
        };
        match self {
            Self::Object(required) => object(required),
            Self::Objects(required) => json!({ "type": "array", "items": object(required) }),
            Self::Members => json!({}),
            Self::TextMap => json!({ "type": "object", "additionalProperties": { "type": "string" } }),
            Self::Resource => json!({ "allOf": [{ "$ref": "#/$defs/resource" }], "required": ["uri"] }),
            Self::Resources => json!({ "type": "array", "items": { "$ref": "#/$defs/resource" } }),
            Self::Digests => json!({ "allOf": [{ "$ref": "#/$defs/digest" }] }),
            Self::Text | Self::Uri => json!({ "type": "string" }),
            Self::OneOf(words) => json!({ "enum": words }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::SomeOf(words) => json!({ "type": "array", "items": { "enum": words } }),
            Self::Time => json!({ "type": "string", "format": "date-time" }),
            Self::Flag => json!({ "type": "boolean" }),
            Self::Hex(digits) => json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{digits}}}$") }),
            Self::GitId(_) => json!({ "type": "string", "pattern": "^([0-9a-f]{40}|[0-9a-f]{64})$" }),
            Self::Other(_, schema) => schema(),
        }
    }
}
