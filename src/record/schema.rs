//! The JSON Schema of a record as it is handed in: made from the tables.

use super::fields::{self, Form};
use super::{actions, kinds};
use serde_json::{Map, Value, json};

/// The schema.
#[must_use]
pub fn schema() -> Value {
    let kinds = kinds::ALL.iter().filter(|kind| kind.is_handed_in());
    let kinds: Vec<Value> = kinds
        .map(|kind| {
            let mut properties = Map::from_iter([("kind".to_owned(), json!({ "const": kind.name }))]);
            for field in fields::ALL.iter().filter(|field| kind.may_have(field.name)) {
                properties.insert(field.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", field.name) }));
            }
            properties.insert("known".to_owned(), json!({ "$ref": "#/$defs/known" }));
            let required: Vec<_> = ["kind"].iter().chain(kind.needs).collect();
            json!({ "title": kind.name, "description": kind.about, "type": "object", "required": required,
                "properties": properties, "additionalProperties": false })
        })
        .collect();
    let mut defs: Map<String, Value> = fields::ALL
        .iter()
        .map(|field| {
            let mut of = form(field.form);
            let person = if field.person { " A person: encrypted under a key of that person, too." } else { "" };
            of["description"] = json!(format!("{}.{person}", capital(field.about)));
            (field.name.to_owned(), of)
        })
        .collect();
    let words: Vec<_> = super::Known::ALL.iter().map(|(_, name)| name).collect();
    defs.insert(
        "known".into(),
        json!({ "description": "How fields are known; those that are not named are declared.",
        "type": "object", "additionalProperties": { "enum": words } }),
    );
    json!({ "description": "A record for the audit log, as `attest audit record` takes it.", "oneOf": kinds, "$defs": defs })
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

fn form(form: Form) -> Value {
    let line = json!({ "type": "string", "minLength": 1, "maxLength": crate::model::limits::VALUE_BYTES });
    match form {
        Form::Text | Form::Target => line,
        Form::Word(words) => json!({ "enum": words }),
        Form::Time => json!({ "type": "string", "format": "date-time" }),
        Form::Count => json!({ "type": "integer", "minimum": 0 }),
        Form::Number => json!({ "type": "integer" }),
        Form::Decimal => json!({ "type": ["string", "number"], "pattern": "^[0-9]{1,18}([.][0-9]{1,18})?$" }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::List => json!({ "type": "array", "maxItems": crate::model::limits::RECORD_LIST, "items": line }),
        Form::Map => {
            json!({ "type": "object", "maxProperties": crate::model::limits::RECORD_LIST, "additionalProperties": line })
        }
        Form::Committed => json!({ "anyOf": [{ "type": "string" }, { "type": "object",
            "required": ["salt", "digest", "size"] }] }),
        Form::Action => {
            let known: Vec<Value> =
                actions::ALL.iter().map(|(name, about)| json!({ "const": name, "description": about })).collect();
            json!({ "anyOf": [{ "anyOf": known }, { "type": "string", "pattern": "^[a-z0-9]+(_[a-z0-9]+)*$", "maxLength": 64 }] })
        }
    }
}
