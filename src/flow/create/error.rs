//! [`CreateError`]: why nothing was made.

use crate::capture::CaptureError;
use crate::flow::{PublishError, TIMEOUT};
use crate::model::code::codes;
use crate::model::{Code, code};
use std::time::Duration;

/// Why a build was not attested.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The build step ended with a failure: a failure is never attested as a success.
    #[error("{}; nothing was attested", match signal { Some(s) => format!("signal {s} ended the build step"), None => format!("the build step ended with {code}") })]
    Step {
        /// Its exit code.
        code: i32,
        /// The signal that ended it.
        signal: Option<i32>,
    },
    /// The context, the step or the subjects could not be had.
    #[error(transparent)]
    Capture(#[from] CaptureError),
    /// The subjects take longer than they are given.
    #[error("the subjects were not hashed within {} s", time.as_secs_f32())]
    Late {
        /// How long they were given.
        time: Duration,
    },
    /// A known secret stands in the statement.
    #[error("{0}")]
    Secret(CaptureError),
    /// The certificate that signed says otherwise, so that no verifier would take it.
    #[error(
        "the signing certificate contradicts the provenance: {message}; nobody could verify it, so it was not published"
    )]
    Contradicted {
        /// The reason that a verifier would give.
        code: Code,
        /// In words.
        message: String,
    },
    /// The charter was to be attached, and has no snapshot.
    #[error(
        "the charter has no snapshot to publish: it is a file, whose digest the attestation has; attach it as a blob"
    )]
    NoSnapshot,
    /// Nothing takes the bundle.
    #[error("nothing is to be attached and no file is named, so the bundle would be nowhere")]
    Nowhere,
    /// Signing or publishing failed.
    #[error(transparent)]
    Publish(#[from] PublishError),
}

codes! {
    /// Codes of [`CreateError`].
    CODES;
    pub STEP_FAILED = "step-failed", [Step],
        "the build step failed; its own exit code is passed through, and nothing was attested",
        "correct the build step: its own output above says what failed";
}

impl CreateError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Step { .. } => STEP_FAILED,
            Self::Late { .. } => TIMEOUT,
            Self::Capture(e) | Self::Secret(e) => e.code(),
            Self::Contradicted { code, .. } => *code,
            Self::NoSnapshot | Self::Nowhere => code::USAGE,
            Self::Publish(e) => e.code(),
        }
    }
}
