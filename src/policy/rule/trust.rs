//! `trust`: what logs, timestamp authorities and witnesses must prove beside a signature, of a statement and of what supports
//! it. It holds where a policy does not mention it, too: then a log's promise is no proof.

use super::seam::{Check, Names, Proved, Rule, RuleInput};
use super::witnesses::{WitnessRule, Witnesses};
use crate::model::code::codes;
use crate::model::plural::counted;
use crate::policy::Reason;
use crate::policy::form::{AGE, COUNT, Defaulted, Field, Map, Parsed, Truth};
use crate::verify::TimeSource;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    ROOT_AGE = "trusted-root-too-old", [Producer],
        "a trusted root is older than the policy takes, or its age is not known",
        "run `attest trust update`";
    LOGS = "too-few-logs", [Producer],
        "fewer distinct transparency logs than are demanded have the entry",
        "sign again with a further --rekor-url, or lower `trust.logs` in the policy";
    TIMESTAMPS = "too-few-timestamps", [Producer],
        "fewer distinct timestamp authorities than are demanded signed a time",
        "sign again with a further --timestamp-url, or lower `trust.timestamps` in the policy";
    PROMISE_ONLY = "log-promise-only", [Producer],
        "a log only promised to include its entry, and the requirement does not allow that",
        "sign again with a current client, or allow it with `trust: { allowPromiseOnly: true }`";
}

static MIN_LOGS: Field<Parsed<usize>> = Field::new("logs", "Distinct transparency logs.", COUNT);
static MIN_TIMESTAMPS: Field<Parsed<usize>> = Field::new("timestamps", "Distinct timestamp authorities.", COUNT);
static WITNESSES: Field<Witnesses> = Field::new("witnesses", "", Witnesses);
static ALLOW_PROMISE_ONLY: Defaulted<Truth> = Field::new(
    "allowPromiseOnly",
    "Whether a log's promise to include an entry will do where there is no proof.",
    Truth,
)
.or("false");
static MAX_AGE: Field<Parsed<i64>> = Field::new(
    "maxAge",
    "How old a trusted root may be that vouches for any of it; one of no known date, such as a file, is too old.",
    AGE,
);

/// The row.
pub(super) static RULE: Rule = Rule {
    absent: Some(&NOTHING_SAID),
    ..Rule::of(
        NAME,
        &Map::of(
            "What logs and timestamp authorities must prove.",
            &[&MIN_LOGS, &MIN_TIMESTAMPS, &WITNESSES, &ALLOW_PROMISE_ONLY, &MAX_AGE],
        ),
        |at| {
            Ok(Box::new(TrustRule {
                logs: MIN_LOGS.read(at)?.unwrap_or(0),
                timestamps: MIN_TIMESTAMPS.read(at)?.unwrap_or(0),
                witnesses: WITNESSES.read(at)?.unwrap_or_default(),
                allow_promise_only: ALLOW_PROMISE_ONLY.read(at)?,
                max_age: MAX_AGE.read(at)?,
            }))
        },
    )
};

const NAME: &str = "trust";

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

/// What holds where a requirement does not say.
static NOTHING_SAID: TrustRule = TrustRule {
    logs: 0,
    timestamps: 0,
    allow_promise_only: false,
    witnesses: WitnessRule { threshold: 0, keys: Vec::new() },
    max_age: None,
};

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

impl Check for TrustRule {
    /// Of the statement itself it demands nothing.
    fn check(&self, _: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        Ok(())
    }

    fn unproven(&self, proved: &Proved<'_>) -> Vec<Reason> {
        let mut logs: Vec<&str> = proved.entries.iter().map(|e| e.log.as_str()).collect();
        logs.sort_unstable();
        logs.dedup();
        let mut authorities: Vec<&str> = proved
            .times
            .iter()
            .filter_map(|t| match &t.source {
                TimeSource::TimestampAuthority(name) => Some(name.as_str()),
                TimeSource::Log(_) => None,
            })
            .collect();
        authorities.sort_unstable();
        authorities.dedup();
        let few = |code, what: &str, wanted: usize, found: usize| {
            (found < wanted).then(|| Reason::unmet(code, what, format!("{wanted} distinct"), Some(&found.to_string())))
        };
        let promised = proved.entries.iter().any(|e| e.promise_only) && !self.allow_promise_only;
        let promised = promised.then(|| {
            let message =
                "a log only promised to include its entry; this requirement does not take a promise for a proof";
            Reason::new(PROMISE_ONLY, message)
        });
        let aged = self.max_age.and_then(|limit| too_old(limit, proved));
        let proven = [
            promised,
            aged,
            self.witnesses.unmet(proved.entries),
            few(LOGS, "transparency logs", self.logs, logs.len()),
            few(TIMESTAMPS, "timestamp authorities", self.timestamps, authorities.len()),
        ];
        proven.into_iter().flatten().collect()
    }

    fn names(&self) -> Names<'_> {
        Names { witnesses: &self.witnesses.keys, promise_only: self.allow_promise_only, ..Names::default() }
    }

    fn stands_for(&self) -> Option<&'static str> {
        Some(NAME)
    }
}

/// The first root that is older than `limit` seconds, or whose age is not known.
fn too_old(limit: i64, proved: &Proved<'_>) -> Option<Reason> {
    const DAY: i64 = 86_400;
    let expected = format!("at most {limit} s old");
    proved.roots.iter().find_map(|root| {
        let age = root.as_of.map(|t| proved.verified_at.unix().saturating_sub(t.unix()));
        let found = match age {
            Some(age) if age <= limit => return None,
            Some(age) => format!("{age} s ({})", counted(age / DAY, "day")),
            None => "no date".into(),
        };
        Some(Reason::unmet(ROOT_AGE, &format!("trusted root ({})", root.origin), &expected, Some(&found)))
    })
}
