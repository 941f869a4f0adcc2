//! [`Captured`]: a value with its source, or the reason why there is none.

/// A value with where it came from, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Captured<T> {
    /// It was found.
    Found {
        /// The value.
        value: T,
        /// The flag, variable, file or git call that gave it.
        source: String,
    },
    /// It was not found; it is left out, never guessed.
    Absent {
        /// Why, for a person.
        reason: String,
    },
}

impl<T> Captured<T> {
    /// A value and where it came from.
    #[must_use]
    pub fn found(value: T, source: &str) -> Self {
        Self::Found { value, source: source.to_owned() }
    }

    /// No value, and why.
    #[must_use]
    pub fn absent(reason: &str) -> Self {
        Self::Absent { reason: reason.to_owned() }
    }

    /// The value, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Found { value, .. } => Some(value),
            Self::Absent { .. } => None,
        }
    }

    /// Why there is no value.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Found { .. } => None,
            Self::Absent { reason } => Some(reason),
        }
    }

    /// The same with another value.
    #[must_use]
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Captured<U> {
        match self {
            Self::Found { value, source } => Captured::Found { value: f(value), source },
            Self::Absent { reason } => Captured::Absent { reason },
        }
    }

    /// This where it was found, else `other`.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        match self {
            Self::Found { .. } => self,
            Self::Absent { .. } => other,
        }
    }
}
