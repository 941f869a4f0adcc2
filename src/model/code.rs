//! [`Code`]: the stable name of a failure or a reason.

use std::fmt;

/// The stable kebab-case name of a failure or of a reason in a decision, for example `signature-invalid`.
///
/// Codes are a public contract: machines match on them, people read the message beside them. Every enum that yields
/// codes lists them in a `CODES` constant; a test keeps the whole list unique and equal to the documented one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(&'static str);

impl Code {
    /// Names a code. Use kebab-case; a code once released keeps its meaning.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The name as machines match it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0)
    }
}

/// A cap of [`limits`](super::limits) was passed: could not find out.
pub const LIMIT_EXCEEDED: Code = Code::new("limit-exceeded");
