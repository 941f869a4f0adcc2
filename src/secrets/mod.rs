//! Secrets: values that must not leave, the forms by which one is known without its value, and the search for both.

mod escapes;
mod search;
mod shapes;
#[cfg(test)]
mod tests;
mod words;
mod written;

pub(crate) use search::passwords_of;
pub use search::{Allowed, FoundSecret, Search, find_secret};
pub use written::{SearchError, find_in_document};

/// Whether a text that stands where another belongs may be a secret that was put there by mistake: it has the form of a
/// credential, or a part of ten characters or more in which letters and digits are mixed, as names of things do not.
#[must_use]
pub(crate) fn may_be_secret(text: &str) -> bool {
    let of_names = |c: char| c.is_whitespace() || "-_./:@,".contains(c);
    let mixed = |part: &str| {
        let has = |kind: fn(&u8) -> bool| part.as_bytes().iter().any(kind);
        part.len() >= 10 && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
    };
    shapes::known(text).is_some() || text.split(of_names).any(mixed)
}

/// A secret value and the variable that holds it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// The variable's name.
    pub name: String,
    value: String,
}

impl Secret {
    /// A secret by name and value.
    #[must_use]
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }

    /// The value, for the search alone.
    pub(crate) fn value(&self) -> &str {
        &self.value
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}
