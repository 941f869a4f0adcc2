//! JSON Schemas of everything that a machine reads from this program or writes for it. `schemas/` holds them.

use super::cmd::{attach, create, generate, inspect, keygen, list, schema};
use super::exit::FailureReport;
use crate::model::uri;
use crate::policy::{self, report::DecisionReport};
use crate::predicate;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Makes a schema from the structs that it describes.
pub type MakeSchema = fn() -> Value;

/// Every schema by name: its file is `schemas/NAME.schema.json`. A new format is a row here.
pub const ALL: &[(&str, MakeSchema)] = &[
    ("attach", of::<attach::AttachReport>),
    ("create", of::<create::CreateReport>),
    ("decision", of::<DecisionReport>),
    ("explain", of::<generate::ExplainReport>),
    ("failure", of::<FailureReport>),
    ("inspect", of::<inspect::InspectReport>),
    ("keygen", of::<keygen::KeygenReport>),
    ("list", of::<list::ListReport>),
    ("policy", policy::schema),
    ("provenance", predicate::schema::provenance),
    ("provenance-record", of::<predicate::record::ProvenanceRecord>),
    ("schemas", of::<schema::SchemasReport>),
];

/// A schema by name, complete, as its file holds it.
#[must_use]
pub fn document(name: &str) -> Option<String> {
    let (name, schema) = ALL.iter().find(|(n, _)| *n == name)?;
    let mut out = Map::new();
    out.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("$id".into(), json!(format!("{}schemas/{name}.schema.json", uri::BASE)));
    if let Value::Object(members) = schema() {
        out.extend(members);
    }
    if let Some(version) = out.get_mut("properties").and_then(|p| p.get_mut("schemaVersion")) {
        *version = json!({ "description": "Version of this document.", "const": 1 });
    }
    // A map of strings and numbers: serialising it cannot fail.
    Some(serde_json::to_string_pretty(&out).unwrap_or_default() + "\n")
}

/// What a struct serialises to.
fn of<T: JsonSchema>() -> Value {
    let schema = SchemaSettings::draft2020_12().for_serialize().into_generator().into_root_schema_for::<T>();
    let mut value = schema.to_value();
    if let Some(members) = value.as_object_mut() {
        members.shift_remove("$schema");
    }
    value
}
