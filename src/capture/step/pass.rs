#![expect(clippy::disallowed_methods, reason = "runs a command in the place of this program")]
//! A command that runs as if it had been typed alone: its streams are ours, its exit code and its signals are passed on, and
//! nothing is withheld from it.

use super::{attend, code, not_ignored, not_started, stand_back};
use crate::capture::CaptureError;
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::exfiltrator::WithOrigin;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Its exit code; 128 and the signal's number when a signal ended it, as shells say it.
    pub code: i32,
    /// The signal that ended it.
    pub signal: Option<i32>,
}

/// Runs a command to its end, with these variables beside those of this process.
///
/// # Errors
/// [`CaptureError::StepNotStarted`].
pub fn pass_through(command: &[String], variables: &[(&str, String)]) -> Result<Passed, CaptureError> {
    let (program, args) = command.split_first().ok_or_else(|| not_started("", "no command"))?;
    let failed = |cause: &std::io::Error| not_started(program, &cause.to_string());
    let forwarded = not_ignored();
    stand_back(&forwarded).map_err(|e| failed(&e))?;
    let signals = SignalsInfo::<WithOrigin>::new(&forwarded).map_err(|e| failed(&e))?;
    let mut started = Command::new(program);
    started.args(args).envs(variables.iter().map(|(name, value)| (name, value)));
    let status = attend(started.spawn(), signals).map_err(|e| failed(&e))?;
    Ok(Passed { code: code(status), signal: status.signal() })
}
