//! `maxAge`: how long ago it may have been signed.

use super::seam::{Check, RuleInput};
use crate::model::Timestamp;
use crate::model::code::codes;
use crate::model::plural::counted;
use crate::policy::Reason;
use crate::verify::Signer;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    TOO_OLD = "statement-too-old", [Producer],
        "the statement was signed longer ago than the policy takes, or when it was signed is not proven",
        "build and sign again, with --timestamp-url or --rekor-url so that the time is proven; or raise `maxAge` in the policy";
}

const DAY: i64 = 86_400;

/// A demand on how long ago a statement was signed.
///
/// A log or a timestamp proves that a signature existed at a time, and not that it was new then: whoever holds an old
/// statement signed by a key can have it stamped today. So the earliest proven time counts, and of a statement that only
/// keys signed its own `finishedOn` counts too, which the key signed with the rest. A certificate needs no such help: it was
/// valid for minutes, and the proven time lies within them.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AgeCheck {
    /// Seconds.
    pub limit: i64,
}

impl AgeCheck {
    /// At most so many seconds ago.
    #[must_use]
    pub fn of(limit: i64) -> Self {
        Self { limit }
    }

    fn old(self, what: &str, time: Option<Timestamp>, now: Timestamp) -> Option<Reason> {
        let expected = format!("at most {}", words(self.limit));
        let found = match time.map(|t| now.unix().saturating_sub(t.unix())) {
            Some(age) if age <= self.limit => return None,
            Some(age) => Some(words(age)),
            None => None,
        };
        Some(Reason::unmet(TOO_OLD, what, expected, found.as_deref()))
    }
}

fn words(seconds: i64) -> String {
    match seconds / DAY {
        0 => counted(seconds / 3600, "hour"),
        days => counted(days, "day"),
    }
}

impl Check for AgeCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let statement = input.statement;
        let now = statement.verified_at();
        let proven = statement.proven_times().iter().map(|t| t.time).min();
        let by_keys = statement.signers().iter().all(|s| matches!(s, Signer::Key { .. }));
        let finished = input.provenance.and_then(|p| Timestamp::parse(p.metadata("finishedOn")?).ok());
        let reasons: Vec<_> = [
            self.old("age by proven times", proven, now),
            by_keys.then(|| self.old("age by its own `finishedOn`", finished, now)).flatten(),
        ]
        .into_iter()
        .flatten()
        .collect();
        if reasons.is_empty() { Ok(()) } else { Err(reasons) }
    }
}
