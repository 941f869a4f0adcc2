#![expect(clippy::disallowed_methods, reason = "back end: starts a program, and waits for it")]
//! One question to a program and its answer, within a time and a size.

use super::ProgramError;
use rustix::process::{Pid, Signal};
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a program may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Time to its end.
    pub time: Duration,
    /// Bytes on standard output, and as many on standard error.
    pub output: usize,
}

/// A program that came to its end. Its output may hold secrets, so it has no `Debug`.
pub struct Ended {
    /// Standard output, complete.
    pub stdout: Vec<u8>,
    /// Standard error, complete.
    pub stderr: Vec<u8>,
    /// How it ended.
    pub status: ExitStatus,
}

/// Why a program gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It may not act for us.
    #[error(transparent)]
    Refused(ProgramError),
    /// It cannot be started.
    #[error("the program cannot be started: {cause}")]
    NotStarted {
        /// The operating system's words.
        cause: String,
    },
    /// It took too long.
    #[error("no answer within {} seconds; it was ended", time.as_secs_f32())]
    Late {
        /// How long it was given.
        time: Duration,
    },
    /// It wrote too much.
    #[error("more than {limit} bytes of output")]
    TooLong {
        /// The cap.
        limit: usize,
    },
    /// It could not be waited for.
    #[error("{cause}")]
    Lost {
        /// The operating system's words.
        cause: String,
    },
}

/// Runs a program to its end, or ends it and everything that it started.
///
/// # Errors
/// [`RunError`].
pub fn run(mut command: Command, question: Vec<u8>, bounds: &Bounds) -> Result<Ended, RunError> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // A group of its own, so that all of it can be ended.
    let spawned = command.process_group(0).spawn();
    let mut child = spawned.map_err(|e| RunError::NotStarted { cause: e.to_string() })?;
    let end = converse(&mut child, question, bounds);
    if end.is_err() {
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            // Not reaped yet, so the id is still its own. Already gone is as good as killed.
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
    }
    end
}

fn converse(child: &mut Child, question: Vec<u8>, bounds: &Bounds) -> Result<Ended, RunError> {
    let until = Instant::now() + bounds.time;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that answers without reading shows in its answer.
        std::thread::spawn(move || drop(pipe.write_all(&question)));
    }
    let limit = bounds.output;
    let (stdout, stderr) = (drain(child.stdout.take(), limit), drain(child.stderr.take(), limit));
    let left = || until.saturating_duration_since(Instant::now());
    let late = || RunError::Late { time: bounds.time };
    let whole = |pipe: &mpsc::Receiver<Vec<u8>>| match pipe.recv_timeout(left()) {
        Ok(bytes) if bytes.len() > limit => Err(RunError::TooLong { limit }),
        Ok(bytes) => Ok(bytes),
        Err(_) => Err(late()),
    };
    let (stdout, stderr) = (whole(&stdout)?, whole(&stderr)?);
    loop {
        match child.try_wait().map_err(|e| RunError::Lost { cause: e.to_string() })? {
            Some(status) => return Ok(Ended { stdout, stderr, status }),
            None if left().is_zero() => return Err(late()),
            None => std::thread::sleep(Duration::from_millis(1)),
        }
    }
}

/// Reads a pipe to its end on a thread of its own, one byte over `limit` (bytes) at most, so that a caller sees that it was
/// too long. What receives it is given nothing where the pipe is none.
pub(crate) fn drain(pipe: Option<impl Read + Send + 'static>, limit: usize) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // A broken pipe ends the output; what it means shows in the exit status.
            let _ = pipe.take(limit as u64 + 1).read_to_end(&mut bytes);
        }
        // The receiver may have given up.
        let _ = send.send(bytes);
    });
    receive
}
