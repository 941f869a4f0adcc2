//! Points in time and the windows in which something is valid. The present is always an argument.

use chrono::{DateTime, SecondsFormat, Utc};
use std::fmt;
use std::ops::RangeInclusive;

/// A point in time, UTC, to the nanosecond; written as RFC 3339 with `Z`, to the second.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(DateTime<Utc>);

/// Seconds since 1970 of the years 0 to 9999: a time outside of them would be written in a form that nobody reads back.
const WRITABLE: RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

impl Timestamp {
    /// Reads RFC 3339, any offset.
    ///
    /// # Errors
    /// [`TimeError`] when the text is not RFC 3339.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let found = DateTime::parse_from_rfc3339(text).ok().map(|t| Self(t.with_timezone(&Utc)));
        let found = found.filter(|time| WRITABLE.contains(&time.unix()));
        found.ok_or_else(|| TimeError { found: text.chars().take(64).collect() })
    }

    /// Seconds since 1970-01-01T00:00:00Z; `None` outside the years 0 to 9999, which RFC 3339 cannot write.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        DateTime::from_timestamp(seconds, 0).filter(|_| WRITABLE.contains(&seconds)).map(Self)
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn unix(self) -> i64 {
        self.0.timestamp()
    }
}

impl From<DateTime<Utc>> for Timestamp {
    fn from(t: DateTime<Utc>) -> Self {
        Self(t)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.to_rfc3339_opts(SecondsFormat::Secs, true))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Not RFC 3339.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a time like 2026-01-31T00:00:00Z, found `{found}`")]
pub struct TimeError {
    /// The text, cut at 64 characters.
    pub found: String,
}

/// From when until when something is valid; both ends included, an absent end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ValidityWindow {
    /// First valid instant.
    pub not_before: Option<Timestamp>,
    /// Last valid instant.
    pub not_after: Option<Timestamp>,
}

impl ValidityWindow {
    /// Whether `t` lies inside.
    #[must_use]
    pub fn contains(&self, t: Timestamp) -> bool {
        self.not_before.is_none_or(|b| b <= t) && self.not_after.is_none_or(|a| t <= a)
    }

    /// Whether any end is set.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.not_before.is_some() || self.not_after.is_some()
    }
}

impl fmt::Display for ValidityWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.not_before, self.not_after) {
            (None, None) => f.write_str("always"),
            (Some(b), None) => write!(f, "from {b}"),
            (None, Some(a)) => write!(f, "until {a}"),
            (Some(b), Some(a)) => write!(f, "from {b} until {a}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_includes_both_ends() {
        let t = |s| Timestamp::parse(s).unwrap();
        let w =
            ValidityWindow { not_before: Some(t("2026-01-01T00:00:00Z")), not_after: Some(t("2026-01-02T00:00:00Z")) };
        assert!(w.contains(t("2026-01-01T00:00:00Z")));
        assert!(w.contains(t("2026-01-02T01:00:00+01:00")));
        assert!(!w.contains(t("2026-01-02T00:00:01Z")));
        assert!(!w.contains(t("2025-12-31T23:59:59Z")));
    }

    #[test]
    fn every_time_is_read_back_as_it_is_written() {
        let (first, last) = (*WRITABLE.start(), *WRITABLE.end());
        for seconds in [first, -1, 0, last] {
            let time = Timestamp::from_unix(seconds).unwrap();
            assert_eq!(Timestamp::parse(&time.to_string()).unwrap(), time);
        }
        assert_eq!([first - 1, last + 1, i64::MAX, i64::MIN].map(Timestamp::from_unix), [None; 4]);
        for text in ["9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00+01:00", "+12345-01-01T00:00:00Z"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
