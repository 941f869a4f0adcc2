#![expect(clippy::disallowed_methods, reason = "passes on what the build step writes, and digests it")]
//! Digests of what a build step writes to standard output and error, without changing how it runs.
//!
//! A stream that is a terminal stays the step's own, untouched, and is not digested: an interactive program must have its
//! terminal. So is a device. Of a regular file the step keeps the file, and what it wrote there is read afterwards. Only a
//! pipe or socket is passed on by us, as soon as it is written; where both streams are one, they stay one, so that the order
//! of their bytes is kept.

use crate::capture::Captured;
use crate::model::digest::{DigestAlgorithm, hex};
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, Stat};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{PipeReader, PipeWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd, BorrowedFd};
use std::process::Stdio;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What was written to one stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamDigest {
    /// SHA-256 of it.
    pub digest: Digest,
    /// Its size (bytes).
    pub size: u64,
    /// Whether standard error went the same way and is part of it.
    pub with_stderr: bool,
    /// Whether a process that the step left running could still write to it.
    pub still_open: bool,
}

impl StreamDigest {
    /// As a byproduct of that name.
    pub(in crate::capture) fn descriptor(&self, name: &str) -> ResourceDescriptor {
        let mut descriptor = ResourceDescriptor::with_digest(DigestSet::of(&self.digest)).named(name);
        descriptor = descriptor.annotated("size", self.size);
        if self.with_stderr {
            descriptor = descriptor.annotated("withStderr", true);
        }
        if self.still_open {
            descriptor = descriptor.annotated("stillOpen", true);
        }
        descriptor
    }
}

/// One stream on its way.
enum Stream {
    Absent(String),
    /// A regular file: where what the step writes begins.
    Region {
        file: File,
        start: u64,
        number: u8,
    },
    Relay {
        ended: PipeWriter,
        end: mpsc::Receiver<Relayed>,
    },
}

struct Relayed {
    digest: Digest,
    size: u64,
    still_open: bool,
    /// Whoever read it closed it.
    cut: bool,
}

/// Standard output and error of a step.
pub(in crate::capture) struct Streams {
    out: Stream,
    err: Stream,
    joined: bool,
}

/// Prepares the streams; what the step is to be given, where that is not our own. With `to_stderr` both go to our standard
/// error.
///
/// # Errors
/// The operating system's, when no pipe can be made.
pub(in crate::capture) fn prepare(to_stderr: bool) -> std::io::Result<(Streams, Option<Stdio>, Option<Stdio>)> {
    let (out, err) = (std::io::stdout(), std::io::stderr());
    if to_stderr {
        return all_to(err.as_fd());
    }
    let joined = match (rustix::fs::fstat(&out), rustix::fs::fstat(&err)) {
        (Ok(a), Ok(b)) => same(&a, &b) && kind(out.as_fd(), &a).is_some(),
        _ => false,
    };
    let (first, to_out, shared) = stream(out.as_fd(), 1)?;
    if joined {
        let absent = "standard error is the same stream as standard output; its bytes are counted there";
        let streams = Streams { out: first, err: Stream::Absent(absent.to_owned()), joined };
        return Ok((streams, to_out, shared.map(Stdio::from)));
    }
    let (second, to_err, _) = stream(err.as_fd(), 2)?;
    Ok((Streams { out: first, err: second, joined }, to_out, to_err))
}

/// Both streams to one of ours. Through pipes each is passed on, and counted, by itself.
fn all_to(fd: BorrowedFd<'_>) -> std::io::Result<(Streams, Option<Stdio>, Option<Stdio>)> {
    let (first, to_out, _) = stream(fd, 2)?;
    if to_out.is_some() {
        let (second, to_err, _) = stream(fd, 2)?;
        return Ok((Streams { out: first, err: second, joined: false }, to_out, to_err));
    }
    let absent = "standard error is the same stream as standard output; its bytes are counted there";
    let own = Stdio::from(fd.try_clone_to_owned()?);
    Ok((Streams { out: first, err: Stream::Absent(absent.to_owned()), joined: true }, Some(own), None))
}

fn same(a: &Stat, b: &Stat) -> bool {
    (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)
}

#[derive(PartialEq, Eq)]
enum Kind {
    File,
    Pipe,
}

fn kind(fd: BorrowedFd<'_>, stat: &Stat) -> Option<Kind> {
    match FileType::from_raw_mode(stat.st_mode) {
        _ if rustix::termios::isatty(fd) => None,
        FileType::RegularFile => Some(Kind::File),
        FileType::Fifo | FileType::Socket => Some(Kind::Pipe),
        _ => None,
    }
}

type Prepared = (Stream, Option<Stdio>, Option<PipeWriter>);

fn stream(fd: BorrowedFd<'_>, number: u8) -> std::io::Result<Prepared> {
    let absent = |why: &str| Ok((Stream::Absent(why.to_owned()), None, None));
    let Ok(stat) = rustix::fs::fstat(fd) else { return absent("it is closed") };
    if rustix::termios::isatty(fd) {
        return absent("it is a terminal, which the build step keeps for itself");
    }
    match kind(fd, &stat) {
        None => absent("it is a device, which the build step keeps for itself"),
        Some(Kind::File) => {
            let file = File::from(fd.try_clone_to_owned()?);
            Ok((Stream::Region { start: position(&file)?, file, number }, None, None))
        }
        Some(Kind::Pipe) => {
            let to = File::from(fd.try_clone_to_owned()?);
            let (from, step) = std::io::pipe()?;
            let (wake, ended) = std::io::pipe()?;
            let (send, end) = mpsc::channel();
            std::thread::spawn(move || relay(from, to, &wake, &send));
            let second = step.try_clone()?;
            Ok((Stream::Relay { ended, end }, Some(step.into()), Some(second)))
        }
    }
}

/// Where the next byte goes.
fn position(file: &File) -> std::io::Result<u64> {
    if rustix::fs::fcntl_getfl(file)?.contains(OFlags::APPEND) {
        return Ok(file.metadata()?.len());
    }
    let mut file = file;
    file.stream_position()
}

impl Streams {
    /// What was written, once the step has ended. Waits for what the step has written to be passed on, and a bounded time
    /// for processes that it left running.
    pub(in crate::capture) fn end(self) -> (Captured<StreamDigest>, Captured<StreamDigest>) {
        (finish(self.out, "standard output", self.joined), finish(self.err, "standard error", false))
    }
}

fn finish(stream: Stream, what: &str, with_stderr: bool) -> Captured<StreamDigest> {
    match stream {
        Stream::Absent(why) => Captured::absent(&format!("{what}: {why}")),
        Stream::Region { file, start, number } => match region(&file, start, number) {
            Ok((digest, size)) => {
                let found = StreamDigest { digest, size, with_stderr, still_open: false };
                Captured::found(found, &format!("the file that {what} goes to, from byte {start} on"))
            }
            Err(e) => Captured::absent(&format!("{what} goes to a file that cannot be read: {e}")),
        },
        Stream::Relay { ended, end } => {
            drop(ended);
            match end.recv() {
                Ok(Relayed { cut: true, .. }) => Captured::absent(&format!("whoever read {what} closed it")),
                Ok(Relayed { digest, size, still_open, .. }) => {
                    let found = StreamDigest { digest, size, with_stderr, still_open };
                    Captured::found(found, &format!("{what}, while it was passed on"))
                }
                Err(_) => Captured::absent(&format!("{what} could not be passed on")),
            }
        }
    }
}

fn region(file: &File, start: u64, number: u8) -> std::io::Result<(Digest, u64)> {
    let end = position(file)?;
    let size = end.checked_sub(start).ok_or_else(|| std::io::Error::other("it was cut by the build step"))?;
    // Ours may be open for writing only.
    let mut file = File::open(format!("/proc/self/fd/{number}"))?;
    file.seek(SeekFrom::Start(start))?;
    let (mut hasher, mut left, mut buffer) = (Sha256::new(), size, vec![0; 1 << 16]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        match file.read(&mut buffer[..most])? {
            0 => return Err(std::io::Error::other("it was cut meanwhile")),
            n => {
                hasher.update(&buffer[..n]);
                left -= n as u64;
            }
        }
    }
    Ok((digest_of(hasher), size))
}

fn digest_of(hasher: Sha256) -> Digest {
    Digest::from_hex(DigestAlgorithm::Sha256, &hex(&hasher.finalize())).expect("SHA-256 in hex is 64 digits")
}

/// Passes on until everyone who could write has closed the stream. Tells `end` when the step's own part is over.
fn relay(from: PipeReader, to: File, wake: &PipeReader, end: &mpsc::Sender<Relayed>) {
    let mut passing = Passing { from, to, hasher: Sha256::new(), size: 0, buffer: vec![0; 1 << 16] };
    let (still_open, cut) = match passing.until_the_step_has_ended(wake) {
        Ok(still_open) => (still_open, false),
        Err(_) => (false, true),
    };
    let digest = digest_of(passing.hasher.clone());
    // Nobody may be waiting any more.
    let _ = end.send(Relayed { digest, size: passing.size, still_open, cut });
    // As long as we live, what is left running can write as if we were not there.
    while still_open && !cut && passing.some(usize::MAX).is_ok_and(|n| n > 0) {}
}

struct Passing {
    from: PipeReader,
    to: File,
    hasher: Sha256,
    size: u64,
    buffer: Vec<u8>,
}

impl Passing {
    /// Whether the stream was still open at the end.
    fn until_the_step_has_ended(&mut self, wake: &PipeReader) -> std::io::Result<bool> {
        loop {
            let mut both = [PollFd::new(&self.from, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
            wait(&mut both, None)?;
            if both[0].revents().is_empty() {
                // The step has ended, and has left nothing behind at this moment.
                break;
            }
            let ended = !both[1].revents().is_empty();
            if ended {
                break;
            }
            if self.some(usize::MAX)? == 0 {
                return Ok(false);
            }
        }
        // What stands in the pipe now is the step's, however slowly it is read.
        let mut own = usize::try_from(rustix::io::ioctl_fionread(&self.from)?).unwrap_or(usize::MAX);
        while own > 0 {
            match self.some(own)? {
                0 => return Ok(false),
                n => own -= n,
            }
        }
        let deadline = Instant::now() + Duration::from_secs(limits::STEP_OUTPUT_SECONDS);
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut one = [PollFd::new(&self.from, PollFlags::IN)];
            wait(&mut one, Some(left))?;
            if one[0].revents().is_empty() || left.is_zero() {
                return Ok(true);
            }
            if self.some(usize::MAX)? == 0 {
                return Ok(false);
            }
        }
    }

    /// Passes on what is there, up to `most` bytes.
    fn some(&mut self, most: usize) -> std::io::Result<usize> {
        let most = most.min(self.buffer.len());
        let n = loop {
            match self.from.read(&mut self.buffer[..most]) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.hasher.update(&self.buffer[..n]);
        self.size += n as u64;
        let mut left = &self.buffer[..n];
        while !left.is_empty() {
            // Others may write there too: up to this size a write is not torn (pipe(7)), and lines stay whole.
            let piece = &left[..left.len().min(PIPE_BUF)];
            let piece = match piece.iter().rposition(|b| *b == b'\n') {
                Some(at) if piece.len() < left.len() => &piece[..=at],
                _ => piece,
            };
            match self.to.write(piece) {
                Ok(n) => left = &left[n..],
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => {
                    wait(&mut [PollFd::new(&self.to, PollFlags::OUT)], None)?;
                }
                Err(e) => return Err(e),
            }
        }
        Ok(n)
    }
}

const PIPE_BUF: usize = 4096;

fn wait(fds: &mut [PollFd<'_>], most: Option<Duration>) -> std::io::Result<()> {
    let most = most.map(|d| Timespec { tv_sec: d.as_secs().cast_signed(), tv_nsec: d.subsec_nanos().into() });
    loop {
        match poll(fds, most.as_ref()) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other.map(|_| ())?),
        }
    }
}
