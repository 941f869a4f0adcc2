//! Values of SQLite as texts, and its failures.

use crate::audit::AuditError;
use rusqlite::types::ValueRef;

/// A value as a text.
pub(super) fn plain(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(number.to_string()),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

pub(super) fn fail(e: rusqlite::Error) -> AuditError {
    AuditError::Unusable { what: "the index of the audit log".into(), cause: e.to_string() }
}
