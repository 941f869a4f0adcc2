#![expect(clippy::disallowed_methods, reason = "reads the clock for a `Retry-After` that is a date")]
//! When a request is tried again, and how long is waited before.

use super::Tries;
use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use std::time::{Duration, SystemTime};

/// A `Retry-After` is waited for at most this long.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

const BUSY: u16 = 429;

/// Whether another try can be expected to end otherwise. 500 is among them because docker-registry 2.8 answers so while
/// the tag that is read is being written.
pub(super) fn is_passing(status: u16) -> bool {
    matches!(status, BUSY | 500 | 502 | 503 | 504)
}

/// Whether it is tried again.
pub(super) fn is_tried_again(status: u16, tries: Tries) -> bool {
    match tries {
        Tries::Once => false,
        Tries::Failures(_) => is_passing(status) && status != BUSY,
        Tries::Busy(_) => is_passing(status),
    }
}

/// Growing delays with jitter between the tries of one request.
pub(super) fn delays(tries: usize) -> ExponentialBackoff {
    growing(Duration::from_millis(200), Duration::from_secs(5), tries.saturating_sub(1))
}

/// Delays that double from `first` up to `longest`, each with up to as much again by chance.
#[must_use]
pub fn growing(first: Duration, longest: Duration, times: usize) -> ExponentialBackoff {
    ExponentialBuilder::new().with_min_delay(first).with_max_delay(longest).with_max_times(times).with_jitter().build()
}

/// The wait that a `Retry-After` header asks for, in seconds or as a date (RFC 9110, section 10.2.3).
pub(super) fn retry_after(header: &str) -> Option<Duration> {
    let wait = match header.trim().parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(header.trim()).ok()?;
            date.duration_since(SystemTime::now()).unwrap_or(Duration::ZERO)
        }
    };
    Some(wait)
}

/// How long to wait before the next try: what the service asks for, cut at half a minute, or the delay that is due.
pub(super) fn wait(asked: Option<Duration>, due: Duration) -> Duration {
    asked.map_or(due, |a| a.min(LONGEST_WAIT).max(due))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_and_seconds_are_understood() {
        assert_eq!(retry_after("120"), Some(Duration::from_secs(120)));
        assert_eq!(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(100));
        assert!(retry_after(&soon).unwrap() > Duration::from_secs(90));
        assert_eq!(retry_after("soon"), None);
    }

    #[test]
    fn a_wait_is_capped_and_never_shorter_than_due() {
        let ms = Duration::from_millis;
        assert_eq!(wait(Some(Duration::from_secs(86_400)), ms(1)), LONGEST_WAIT);
        assert_eq!(wait(Some(Duration::ZERO), ms(7)), ms(7));
        assert_eq!(wait(None, ms(7)), ms(7));
    }

    #[test]
    fn delays_grow_and_end() {
        let all: Vec<_> = delays(4).collect();
        assert_eq!(all.len(), 3);
        assert!(all[0] >= Duration::from_millis(200) && all[2] >= Duration::from_millis(800));
    }
}
