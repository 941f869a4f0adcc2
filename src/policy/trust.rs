//! `trust`: what logs, timestamp authorities and witnesses must prove beside a signature.

use super::WitnessRule;

/// What logs and timestamp authorities must prove about a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustRule {
    /// Distinct transparency logs that must have it.
    pub logs: usize,
    /// Distinct timestamp authorities that must have signed a time for it.
    pub timestamps: usize,
    /// Whether a log's promise to include it will do where there is no proof.
    pub allow_promise_only: bool,
    /// Who must have cosigned a checkpoint.
    pub witnesses: WitnessRule,
    /// How old a root that vouches for any of it may be (seconds); one whose age is not known is too old.
    pub max_age: Option<i64>,
}

impl TrustRule {
    /// How many distinct transparency logs must have the statement.
    #[must_use]
    pub fn logs(mut self, logs: usize) -> Self {
        self.logs = logs;
        self
    }

    /// How many distinct timestamp authorities must have signed a time for it.
    #[must_use]
    pub fn timestamps(mut self, timestamps: usize) -> Self {
        self.timestamps = timestamps;
        self
    }

    /// Who must have cosigned a checkpoint.
    #[must_use]
    pub fn witnesses(mut self, witnesses: WitnessRule) -> Self {
        self.witnesses = witnesses;
        self
    }

    /// Whether a log's promise to include it will do where there is no proof.
    #[must_use]
    pub fn allow_promise_only(mut self, allow: bool) -> Self {
        self.allow_promise_only = allow;
        self
    }

    /// How old a root that vouches for any of it may be, in seconds.
    #[must_use]
    pub fn max_age(mut self, seconds: i64) -> Self {
        self.max_age = Some(seconds);
        self
    }
}
