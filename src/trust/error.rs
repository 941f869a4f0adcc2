//! [`RootError`]: why a trusted root cannot be used.

use crate::model::Code;
use crate::model::code::codes;
use crate::model::json::JsonError;

/// Not a trusted root that evidence can be verified with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// Not JSON of a `TrustedRoot` (`sigstore_trustroot.proto`), or over a limit.
    #[error("not a trusted root: {0}")]
    Malformed(#[source] JsonError),
    /// An authority in it cannot be used.
    #[error("the trusted root cannot be used: {cause}")]
    Unusable {
        /// Why.
        cause: String,
    },
}

codes! {
    /// Codes of [`RootError`].
    CODES;
    TRUSTED_ROOT_MALFORMED = "trusted-root-malformed", [Caller, Producer],
        "a file or a TUF repository's target is no trusted root",
        "pass a `trusted_root.json` as `attest trust init` or `attest trust update` writes it";
    TRUSTED_ROOT_UNUSABLE = "trusted-root-unusable", [Caller, Producer],
        "an authority in a trusted root cannot be used",
        "correct the authority that the message names, or fetch the root again with `attest trust update`";
}

impl RootError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed(JsonError::TooLarge { .. }) => crate::model::code::LIMIT_EXCEEDED,
            Self::Malformed(_) => TRUSTED_ROOT_MALFORMED,
            Self::Unusable { .. } => TRUSTED_ROOT_UNUSABLE,
        }
    }
}
