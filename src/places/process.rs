#![expect(clippy::disallowed_methods, reason = "back end: the clock and the environment of this process")]
//! What use cases are handed of this process as values: the present, variables, the run that it belongs to.

use crate::capture::Environment;
use crate::issuer;
use crate::model::Timestamp;
use std::ffi::{OsStr, OsString};
use std::time::SystemTime;

/// The present.
#[must_use]
pub fn now() -> Timestamp {
    at(SystemTime::now())
}

/// A time of the system's clock. One that is before 1970, as that of a machine without a battery may be, is none to panic at.
fn at(time: SystemTime) -> Timestamp {
    let seconds = |d: std::time::Duration| chrono::TimeDelta::from_std(d).unwrap_or_default();
    let start = chrono::DateTime::UNIX_EPOCH;
    let found = match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => start.checked_add_signed(seconds(after)),
        Err(before) => start.checked_sub_signed(seconds(before.duration())),
    };
    found.unwrap_or(start).into()
}

/// How long this process has run, by a clock that nobody sets.
#[must_use]
pub fn stopwatch() -> std::time::Duration {
    static BEGAN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGAN.get_or_init(std::time::Instant::now).elapsed()
}

/// A variable of the process; one of our own that is empty is as if it were not set. Another's may mean something: an empty
/// `COSIGN_PASSWORD` is the empty password.
#[must_use]
pub fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|v| !(v.is_empty() && name.starts_with("ATTEST_")))
}

/// Whether a variable is set, and to nothing: CI systems set those that they have nothing for.
#[must_use]
pub fn is_set_to_nothing(name: &OsStr) -> bool {
    std::env::var_os(name).is_some_and(|v| v.is_empty())
}

/// The run that this process belongs to: of a CI system, else this machine and folder.
#[must_use]
pub fn run_of(env: &Environment) -> String {
    let here = || format!("{}:{}", env.hostname.as_deref().unwrap_or("localhost"), env.working_dir.display());
    issuer::run(env).unwrap_or_else(here)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_clock_before_1970_is_a_time() {
        assert_eq!(at(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400)).to_string(), "1970-01-02T00:00:00Z");
        assert_eq!(at(SystemTime::UNIX_EPOCH - Duration::from_secs(86_400)).to_string(), "1969-12-31T00:00:00Z");
    }
}
