//! [`PolicyError`]: why a policy could not be used. A policy is never half applied.

use crate::model::Code;

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

impl PolicyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] =
        &[Code::new("policy-malformed"), Code::new("policy-field-unknown"), Code::new("policy-field-not-enforced")];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } | Self::Missing { .. } | Self::Unexpected { .. } => Self::CODES[0],
            Self::UnknownField { .. } => Self::CODES[1],
            Self::NotEnforced { .. } => Self::CODES[2],
            Self::TooLarge { .. } => crate::model::code::LIMIT_EXCEEDED,
        }
    }
}
