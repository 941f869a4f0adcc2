//! What evidence sources hand to the verifier: bytes, or why there are none.

use crate::model::Code;
use crate::model::code::codes;

codes! {
    /// Codes of this file.
    pub CODES;
    pub OTHER_KIND = "referrer-of-another-kind", [Producer],
        "something is attached that is no attestation in a form that is read here",
        "nothing needs doing: it is set aside; `attest list` names what it is";
}

/// Where a piece of evidence comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The place in words: a repository, a file.
    pub place: String,
    /// What names it there: a referrer's digest, a line of a file.
    pub id: String,
}

/// What a source found at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Bytes that claim to be a bundle or envelope.
    Evidence(Vec<u8>),
    /// Something that is no evidence about this artifact, and why; shown, never counted.
    SetAside {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
    /// Something that could not be looked at: it stays a candidate.
    Unavailable {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
}

/// A piece of evidence that may or may not convince.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it comes from.
    pub origin: Origin,
    /// What was found there.
    pub content: Content,
}
