#![expect(clippy::disallowed_methods, reason = "back end: the clock and the environment of this process")]
//! What use cases are handed of this process as values: the present, variables, the run that it belongs to.

use crate::capture::Environment;
use crate::issuer;
use crate::model::Timestamp;
use std::ffi::{OsStr, OsString};

/// The present.
#[must_use]
pub fn now() -> Timestamp {
    chrono::Utc::now().into()
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
