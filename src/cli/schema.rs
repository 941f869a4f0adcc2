//! JSON Schemas of everything that a machine reads from this program or writes for it. `schemas/` holds them.

use crate::cli::cmd::describe::version::VersionReport;
use crate::cli::cmd::{admission, approve, attach, audit, flush, generate, git, inspect, keygen, list, trust};
use crate::cli::exit::FailureReport;
use crate::cli::show::created::CreateReport;
use crate::model::uri;
use crate::policy::{self, report::DecisionReport};
use crate::predicate;
use crate::record;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value, json};

/// Makes a schema from the structs that it describes.
pub type MakeSchema = fn() -> Value;

/// Every schema by name: its file is `schemas/NAME.schema.json`. A new format is a row here.
pub const ALL: &[(&str, MakeSchema)] = &[
    ("admission-scan", of::<admission::ScanReport>),
    ("admission-test", of::<admission::TestReport>),
    ("approval", predicate::approval::schema),
    ("approve", of::<approve::ApproveReport>),
    ("attach", of::<attach::AttachReport>),
    ("audit-anchor", of::<audit::AnchorReport>),
    ("audit-bundle", of::<audit::BundleReport>),
    ("audit-erase", of::<audit::EraseReport>),
    ("audit-blast-radius", of::<audit::BlastReport>),
    ("audit-export", of::<audit::ExportReport>),
    ("audit-export-line", of::<audit::Line>),
    ("audit-export-manifest", of::<audit::Manifest>),
    ("audit-history", of::<audit::HistoryReport>),
    ("audit-hold", of::<audit::HoldReport>),
    ("audit-import", of::<audit::ImportReport>),
    ("audit-init", of::<audit::InitReport>),
    ("audit-keys", of::<audit::KeysReport>),
    ("audit-logs", of::<audit::LogsReport>),
    ("audit-match", of::<audit::MatchReport>),
    ("audit-query", of::<audit::QueryReport>),
    ("audit-receipt", of::<audit::ReceiptReport>),
    ("audit-record", record::schema),
    ("audit-proofs", of::<audit::ProofsReport>),
    ("audit-recorded", of::<audit::RecordReport>),
    ("audit-replicate", of::<audit::ReplicateReport>),
    ("audit-report", of::<audit::WeekReport>),
    ("audit-retain", of::<audit::RetainReport>),
    ("audit-session", of::<audit::SessionReport>),
    ("audit-sessions", of::<audit::SessionsReport>),
    ("audit-show", of::<audit::ShowReport>),
    ("audit-state", of::<audit::StateReport>),
    ("audit-stats", of::<audit::StatsReport>),
    ("audit-timeline", of::<audit::TimelineReport>),
    ("audit-trace", of::<audit::TraceReport>),
    ("audit-verify", of::<audit::VerifyReport>),
    ("audit-who-approved", of::<audit::WhoReport>),
    ("charter", predicate::charter::schema),
    ("create", of::<CreateReport>),
    ("decision", of::<DecisionReport>),
    ("explain", of::<generate::ExplainReport>),
    ("flush", of::<flush::FlushReport>),
    ("failure", of::<FailureReport>),
    ("git-check", of::<git::CheckReport>),
    ("git-log", of::<git::GitLogReport>),
    ("inspect", of::<inspect::InspectReport>),
    ("keygen", of::<keygen::KeygenReport>),
    ("list", of::<list::ListReport>),
    ("policy", policy::schema),
    ("provenance", predicate::schema::provenance),
    ("provenance-record", of::<predicate::record::ProvenanceRecord>),
    ("schemas", of::<SchemasReport>),
    ("trust-show", of::<trust::ShowReport>),
    ("trust-update", of::<trust::UpdateReport>),
    ("version", of::<VersionReport>),
];

/// What `attest schema --format json` prints: the names of all schemas.
#[derive(Debug, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchemasReport {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// Names of all schemas.
    pub schemas: Vec<String>,
}

/// A schema by name, complete, as its file holds it.
#[must_use]
pub fn document(name: &str) -> Option<String> {
    let (name, schema) = ALL.iter().find(|(n, _)| *n == name)?;
    let mut out = Map::new();
    out.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
    out.insert("$id".into(), json!(format!("{}schemas/{name}.schema.json", uri::BASE)));
    out.insert("title".into(), json!(name));
    if let Value::Object(mut members) = schema() {
        // A type's name says nothing to its reader.
        let title = members.shift_remove("title");
        let title = title.filter(|t| t.as_str().is_some_and(|t| t.contains(' ')));
        out.extend(title.map(|t| ("title".to_owned(), t)));
        out.extend(members.shift_remove("description").map(|d| ("description".to_owned(), d)));
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
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_null(&mut schema);
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$schema");
    }
    schema
}

/// Takes `null` out of optional members: what there is nothing of is absent in every document of ours.
fn without_null(schema: &mut Value) {
    let is_null = |v: &Value| *v == json!("null") || *v == json!({ "type": "null" });
    match schema {
        Value::Object(members) => {
            for (key, value) in members.iter_mut() {
                match value {
                    Value::Array(kinds) if key == "type" && kinds.len() == 2 => {
                        if let (true, Some(kind)) = (kinds.iter().any(is_null), kinds.iter().find(|k| !is_null(k))) {
                            *value = kind.clone();
                        }
                    }
                    Value::Array(choices) if key == "anyOf" => choices.retain(|c| !is_null(c)),
                    _ => {}
                }
            }
            members.values_mut().for_each(without_null);
        }
        Value::Array(items) => items.iter_mut().for_each(without_null),
        _ => {}
    }
}
