//! Programs, modules and files of this machine that act for us: found outside the checkout, and refused if changed since.
//!
//! A build step runs as this user, and a checkout holds what anybody may have written. Either could put a program where
//! we would look for one (`~/.local/bin`, `node_modules/.bin`), write over one, or name one in a configuration; it would
//! then be started by us, with passwords and tokens in reach that the step is never handed. So whatever acts for us is
//! found before the step ([`Search`]), by its real path, never over a place in the checkout, remembered by digest, and
//! looked at again before each use.

mod launch;
mod named;
#[cfg(feature = "cli")]
mod run;
mod search;
mod stored;

use crate::model::code::codes;
use crate::model::{Code, code};

pub use launch::{Launch, Prepared};
pub use named::NamedFile;
#[cfg(feature = "cli")]
pub(crate) use run::drain;
#[cfg(feature = "cli")]
pub use run::{Bounds, Ended, RunError, run};
pub use search::{Program, Search};
pub use stored::StoredFile;

/// Why a program or file may not act for us.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// It is not there, or cannot be read or run.
    #[error("`{name}`: {cause}")]
    Missing {
        /// As it was named.
        name: String,
        /// What was looked for, or the operating system's words.
        cause: String,
    },
    /// It lies in the checkout, or a link on the way to it does.
    #[error("`{path}` is reached through the checkout `{checkout}`, whose content must not act for whoever signs")]
    InCheckout {
        /// As it was named.
        path: String,
        /// The folder that counts as the checkout.
        checkout: String,
    },
    /// It is not what it was when it was found.
    #[error("`{path}` was changed since it was found: expected {expected}, found {found}")]
    Changed {
        /// Where it lies.
        path: String,
        /// Its digest when it was found.
        expected: String,
        /// Its digest now, or what is there instead.
        found: String,
    },
    /// It is too large to be remembered.
    #[error("`{path}` is over the limit of {limit} bytes for a program")]
    TooLarge {
        /// Where it lies.
        path: String,
        /// The cap.
        limit: usize,
    },
}

codes! {
    /// Codes of [`ProgramError`].
    CODES;
    PROGRAM_IN_CHECKOUT = "program-in-checkout", [Caller],
        "a program, module or configuration that acts for whoever signs lies in the checkout, which anybody may have written",
        "put it outside the checkout, for example into /usr/local/bin, and name it by its absolute path";
    PROGRAM_CHANGED = "program-changed", [Caller],
        "a program or module that acts for whoever signs was changed after it was found, as by the build step",
        "install and update it before `attest create` runs, and keep the build step from writing to it";
}

impl ProgramError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The code, where a rule forbids it. `None` where it is only not there: whoever wanted it has a code for that.
    #[must_use]
    pub const fn refusal(&self) -> Option<Code> {
        match self {
            Self::Missing { .. } => None,
            Self::InCheckout { .. } => Some(PROGRAM_IN_CHECKOUT),
            Self::Changed { .. } => Some(PROGRAM_CHANGED),
            Self::TooLarge { .. } => Some(code::LIMIT_EXCEEDED),
        }
    }
}
