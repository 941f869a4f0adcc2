//! [`PolicyError`]: why a policy could not be used. A policy is never half applied.

use crate::model::Code;
use crate::model::code::codes;
use crate::model::yaml::YamlError;

/// Why a policy could not be used; the caller adds the file's name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// Not YAML or JSON, or a form of it that is not taken.
    #[error("line {line}, column {column}: {message}")]
    Syntax {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A field that the format does not have.
    #[error("line {line}, column {column}: unknown field `{path}`; known here: {known}")]
    UnknownField {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Path of the field.
        path: String,
        /// Fields that are known at that place.
        known: String,
    },
    /// A field of the format that this version does not enforce.
    #[error("line {line}, column {column}: this version does not enforce `{path}`: a policy is never half applied")]
    NotEnforced {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Path of the field.
        path: String,
    },
    /// A field is absent.
    #[error("line {line}, column {column}: field `{path}` is missing")]
    Missing {
        /// Line of the map that lacks it.
        line: usize,
        /// Column of the map that lacks it.
        column: usize,
        /// Path of the field.
        path: String,
    },
    /// A field has another type or form.
    #[error("line {line}, column {column}: field `{path}`: expected {expected}, found {found}")]
    Unexpected {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
        /// Path of the field.
        path: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
    /// Over a cap.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What was counted.
        what: &'static str,
        /// The cap.
        limit: usize,
    },
}

codes! {
    /// Codes of [`PolicyError`].
    CODES;
    POLICY_MALFORMED = "policy-malformed", [Caller],
        "the policy is not of the form that it must have, or a key that it names cannot be read",
        "correct the policy at the line and column that the message names; `attest schema policy` prints the format";
    POLICY_FIELD_UNKNOWN = "policy-field-unknown", [Caller],
        "a field that the policy format does not have",
        "correct the name at the line that the message names; `attest schema policy` lists all fields";
    POLICY_FIELD_NOT_ENFORCED = "policy-field-not-enforced", [Caller],
        "a field of the policy format that this version does not enforce",
        "remove the field, or use a version that enforces it";
}

impl From<YamlError> for PolicyError {
    fn from(e: YamlError) -> Self {
        match e {
            YamlError::Syntax { line, column, message } => Self::Syntax { line, column, message },
            YamlError::TooLarge { what, limit } => Self::TooLarge { what, limit },
        }
    }
}

impl PolicyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The same error without what a value says: for a policy that was found over a link, which may lead to a file that
    /// something secret stands in. Names of fields, their place and kinds of values stay.
    #[must_use]
    pub fn without_value(self) -> Self {
        let Self::Unexpected { line, column, path, expected, found } = self else { return self };
        let is_kind = ["nothing", "a list", "a map"].contains(&found.as_str());
        let found = if is_kind { found } else { "another text, not quoted as the policy was found over a link".into() };
        // In brackets stands why, of a key with the name that it has in the policy.
        let expected = expected.split(" (").next().unwrap_or_default().to_owned();
        Self::Unexpected { line, column, path, expected, found }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } | Self::Missing { .. } | Self::Unexpected { .. } => POLICY_MALFORMED,
            Self::UnknownField { .. } => POLICY_FIELD_UNKNOWN,
            Self::NotEnforced { .. } => POLICY_FIELD_NOT_ENFORCED,
            Self::TooLarge { .. } => crate::model::code::LIMIT_EXCEEDED,
        }
    }
}
