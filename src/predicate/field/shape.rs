//! From rows to the `properties` of a JSON Schema.

use super::{Row, external, internal, resource, run};
use serde_json::{Map, Value};

/// The properties below a path, in the order of their rows: of `externalParameters`, of `ResourceDescriptor`. Below the
/// empty path those that stand at the top of `buildDefinition` (`run` false) or `runDetails` (`run` true).
pub(crate) fn properties(below: &str, run_details: bool) -> Value {
    let rows: Vec<&Row> = match run_details {
        true => run::ROWS.to_vec(),
        false => {
            let (external, resource) = (external::ROWS.iter().copied(), resource::ROWS.iter().copied());
            external.chain(internal()).chain(resource).collect()
        }
    };
    Value::Object(members(&rows, below))
}

fn members(rows: &[&Row], below: &str) -> Map<String, Value> {
    let name = |row: &Row| {
        let rest = if below.is_empty() { row.path } else { row.path.strip_prefix(below)?.strip_prefix('.')? };
        let top = below.is_empty() && (rest.starts_with("ResourceDescriptor") || rest.starts_with("DigestSet"));
        (!rest.contains('.') && !top).then(|| rest.to_owned())
    };
    rows.iter().filter_map(|row| Some((name(row)?, property(rows, row)))).collect()
}

fn property(rows: &[&Row], row: &Row) -> Value {
    let mut out = Map::new();
    if !row.schema.is_empty() {
        out.insert("description".into(), row.schema.into());
    }
    if let Some(Value::Object(form)) = row.form.as_ref().map(super::Form::schema) {
        out.extend(form);
    }
    let inner = members(rows, row.path);
    if !inner.is_empty() {
        out.insert("properties".into(), Value::Object(inner));
    }
    let items = members(rows, &format!("{}[]", row.path));
    if let (false, Some(Value::Object(item))) = (items.is_empty(), out.get_mut("items")) {
        item.insert("properties".into(), Value::Object(items));
    }
    Value::Object(out)
}
