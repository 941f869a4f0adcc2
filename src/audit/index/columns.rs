//! What an index has of each record: the one table of columns, for every back end. Nothing of a person is among it, nor a text
//! that somebody wrote for people (`reason`, `what`), nor the name of a machine: those stay encrypted in the log.

use crate::audit::Opened;
use crate::model::Timestamp;
use crate::record::{Known, material, reading};
use serde_json::Value;

/// Of which form a column is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A text.
    Text,
    /// A whole number.
    Number,
}

/// Where a column comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The field of the same name.
    Field,
    /// A name of `metadata`.
    Metadata(&'static str),
    /// It is worked out.
    Derived,
}

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// Its form.
    pub form: Form,
    /// Where it comes from.
    pub from: From,
}

const fn text(name: &'static str) -> Column {
    Column { name, form: Form::Text, from: From::Field }
}

const fn number(name: &'static str) -> Column {
    Column { name, form: Form::Number, from: From::Field }
}

const fn derived(name: &'static str) -> Column {
    Column { name, form: Form::Text, from: From::Derived }
}

/// Every column beside number, id, kind and time of recording.
pub const ALL: &[Column] = &[
    derived("timestamp"),
    derived("known"),
    derived("squad"),
    derived("name"),
    derived("action"),
    derived("path"),
    derived("artifact_ref"),
    text("execution_id"),
    text("session_id"),
    text("agent"),
    text("agent_version"),
    text("model"),
    text("provider"),
    text("task_id"),
    text("charter"),
    text("charter_digest"),
    text("trigger"),
    text("started_at"),
    text("completed_at"),
    text("at"),
    text("status"),
    number("tokens_in"),
    number("tokens_out"),
    number("tokens_cache_read"),
    number("tokens_cache_write"),
    text("cost"),
    text("action_type"),
    text("target"),
    text("result"),
    text("approval_id"),
    number("exit_code"),
    number("lines_added"),
    number("lines_removed"),
    text("patch_id"),
    text("base_commit"),
    text("head_commit"),
    Column { name: "merged", form: Form::Text, from: From::Metadata("merged") },
    text("repository"),
    text("commit"),
    text("branch"),
    text("credentials"),
    text("how"),
    text("statement"),
    text("rule"),
    text("outcome_kind"),
    text("state"),
    text("key"),
    text("value"),
    number("lost"),
    text("subject"),
    text("digest"),
    text("verdict"),
    text("code"),
    text("policy"),
    text("namespace"),
    text("transcript"),
    text("source"),
    text("source_id"),
    text("container"),
    text("base_image"),
    number("left_out"),
];

/// Fields that hold several things, each of which is looked up.
pub const LISTS: &[&str] = &["credentials", "materials", "base_image", "merged"];

/// What a record has of each of [`LISTS`].
#[must_use]
pub fn parts(opened: &Opened) -> Vec<(&'static str, String)> {
    let draft = &opened.draft;
    let list = |name: &str| draft.get(name).and_then(|said| said.told.value().as_array()).into_iter().flatten();
    let mut out: Vec<(&'static str, String)> = Vec::new();
    for held in list("credentials").filter_map(Value::as_str) {
        out.push(("credentials", held.to_owned()));
        out.extend(held.split_once(':').map(|(name, _)| ("credentials", name.to_owned())));
    }
    let lines = list("materials").filter_map(Value::as_str);
    out.extend(lines.flat_map(material::names).map(|name| ("materials", name)));
    let image = draft.text("base_image").map(material::names);
    out.extend(image.into_iter().flatten().map(|name| ("base_image", name)));
    let merged = draft.get("metadata").and_then(|said| said.told.value().get("merged")?.as_str());
    out.extend(merged.into_iter().flat_map(str::split_whitespace).map(|id| ("merged", id.to_owned())));
    out
}

/// The place of a column among [`ALL`].
#[must_use]
pub fn placed(name: &str) -> Option<usize> {
    ALL.iter().position(|column| column.name == name)
}

/// What a record has in every column, in their order.
#[must_use]
pub fn of(opened: &Opened) -> Vec<Option<String>> {
    let draft = &opened.draft;
    let said = |name: &str| draft.get(name).and_then(|said| plain(said.told.value()));
    let kind = draft.kind.name;
    let agent = draft.text("agent").map(reading::squad_and_name);
    let of = |column: &Column| match (column.from, column.name) {
        (From::Field, name) => said(name),
        (From::Metadata(name), _) => draft.get("metadata").and_then(|said| plain(said.told.value().get(name)?)),
        (From::Derived, "timestamp") => {
            let logged = || Timestamp::from_unix(i64::from(opened.entry.minutes) * 60).map(|time| time.to_string());
            reading::when(kind, &said).or_else(logged)
        }
        (From::Derived, "known") => known(opened),
        (From::Derived, "squad") => agent.and_then(|(squad, _)| squad).map(str::to_owned),
        (From::Derived, "name") => agent.map(|(_, name)| name.to_owned()),
        (From::Derived, "action") => Some(reading::action(kind, &said)),
        (From::Derived, "path") => reading::path(kind, &said),
        (From::Derived, _) => reading::artifact(kind, &said),
    };
    ALL.iter().map(of).collect()
}

/// A value as a text; none where it was withheld.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// How fields are known that are not only declared: `target=w,cost=r`.
fn known(opened: &Opened) -> Option<String> {
    let said = opened.draft.said.iter().filter(|said| said.known != Known::Declared);
    let all: Vec<String> = said.map(|said| format!("{}={}", said.field.name, char::from(said.known as u8))).collect();
    (!all.is_empty()).then(|| all.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::fields;

    /// Fields that say who or where, or that people write for people: an index, which is not encrypted, has none of them.
    const NEVER: &[&str] =
        &["reason", "what", "machine", "environment", "signer", "command", "input", "output", "diff"];

    #[test]
    fn every_column_is_a_field_of_nobody_and_stands_once() {
        for column in ALL {
            assert_eq!(ALL.iter().filter(|c| c.name == column.name).count(), 1, "{}", column.name);
            if column.from == From::Field {
                let field = fields::named(column.name).unwrap_or_else(|| panic!("{}", column.name));
                assert!(!field.person && !NEVER.contains(&field.name), "{}", column.name);
            }
        }
    }
}
