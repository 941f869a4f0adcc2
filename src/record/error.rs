//! [`RecordError`].

use crate::model::Code;
use crate::model::code::codes;

/// Why something is no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Something in it is not what the tables say.
    #[error("{at}: expected {expected}, found {found}")]
    Malformed {
        /// Which field, or `record`.
        at: String,
        /// What should be there.
        expected: String,
        /// What is there; never a value that could be a secret.
        found: String,
    },
    /// A field holds what must not be kept.
    #[error("{0}")]
    Secret(crate::secrets::FoundSecret),
}

codes! {
    /// Codes of [`RecordError`].
    LIST;
    MALFORMED = "record-malformed", [Caller],
        "a record for the audit log has a field that is missing, unknown or of another form",
        "see `attest schema audit-record` for the fields of each kind";
    SECRET = "record-secret", [Producer],
        "a record for the audit log holds what looks like a secret, and would keep it",
        "take the value out, or hand the text in as one that is only committed to: `command`, `input`, `output`, `diff`";
}

impl RecordError {
    /// Every code that this error can have.
    pub const CODES: &'static [Code] = LIST;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => MALFORMED,
            Self::Secret(_) => SECRET,
        }
    }

    pub(super) fn malformed(at: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Malformed { at: at.into(), expected: expected.into(), found: found.into() }
    }
}
