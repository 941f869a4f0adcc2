#![expect(clippy::disallowed_methods, reason = "back end: standard input, its clock, and a process of our own")]
//! What another program hands over on standard input without being asked, and a process that goes on by itself.

use super::AuditPlace;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io::{self, IsTerminal as _};
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Whether a person is at standard input.
#[must_use]
pub fn is_typed() -> bool {
    io::stdin().is_terminal()
}

/// All of standard input, as far as it comes within a time, and whether it ended. Of it one byte over `limit` is kept at most, and the
/// rest is read and let go of: whoever writes it must not be stopped by that.
#[must_use]
pub fn handed_over(limit: usize, time: Duration) -> (Vec<u8>, bool) {
    let (stdin, until) = (io::stdin(), Instant::now() + time);
    let (mut all, mut part) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let Ok(left) = Timespec::try_from(left) else { return (all, false) };
        let mut ready = [PollFd::new(&stdin, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Ok(0) => return (all, false),
            Err(e) if e == rustix::io::Errno::INTR => continue,
            Err(_) => return (all, false),
            Ok(_) => {}
        }
        match rustix::io::read(&stdin, &mut part) {
            Ok(0) | Err(_) => return (all, true),
            Ok(n) => all.extend_from_slice(&part[..n.min((limit + 1).saturating_sub(all.len()))]),
        }
    }
}

/// Where this program lies.
///
/// # Errors
/// The system's.
pub fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Has another process of this program take in what hooks left, which goes on when this one has ended.
///
/// # Errors
/// The system's.
pub fn take_in_aside(place: &AuditPlace) -> io::Result<()> {
    let mut taker = Command::new(own_program()?);
    taker.args(["audit", "hook", "--take", "--log"]).arg(&place.folder);
    taker.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    // What ends the agent's processes does not end it.
    taker.process_group(0).spawn().map(|_| ())
}
