#![expect(clippy::disallowed_methods, reason = "back end: a Unix socket, its threads and times")]
//! Records handed in by other processes of this machine.
//!
//! A request is a line `attest-audit/1 typed N` or `attest-audit/1 captured N`, then N bytes: records as lines of JSON, as
//! `attest schema audit-record` describes them, all or none of which are recorded. The answer is a line of JSON, once they are
//! durable: `{"records": [...], "known": 0, "differs": [], "size": 3}`, or `{"error": {"code": ..., "message": ...}}`. Then the next request may
//! follow. With `hooked` in the place of `captured` no answer is waited for: what cannot be written is kept until it can be.

use super::waiting::{Room, Waiting};
use super::writer::{Done, Writer};
use crate::audit::AuditError;
use crate::model::{code, json, limits};
use crate::record::Draft;
use crate::record::draft::Origin;
use serde_json::json;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

pub(super) const HEAD: &str = "attest-audit/1";

/// The socket of a server; its file is gone when this is dropped.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
}

impl Socket {
    /// Listens for this user's processes.
    ///
    /// # Errors
    /// [`AuditError::Locked`] where another server does, [`AuditError::Unusable`].
    pub fn listen(path: &Path, writer: Writer, random: fn(&mut [u8]), late: Late) -> Result<Self, AuditError> {
        match fs::symlink_metadata(path) {
            Ok(meta) if !meta.file_type().is_socket() => {
                return Err(unusable(
                    path,
                    &io::Error::other(
                        "a file that is no socket is there, and stays as it is: name another path with --socket",
                    ),
                ));
            }
            Ok(_) if UnixStream::connect(path).is_ok() => {
                return Err(AuditError::Locked { place: path.display().to_string(), waited: "0 s".into() });
            }
            // Its server was killed.
            Ok(_) => fs::remove_file(path).map_err(|e| unusable(path, &e))?,
            Err(_) => {}
        }
        // From its first moment on it is for this user alone.
        let before = rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o177));
        let listener = UnixListener::bind(path);
        rustix::process::umask(before);
        let listener = listener.map_err(|e| unusable(path, &e))?;
        thread::spawn(move || accept(&listener, writer, random, late));
        Ok(Self { path: path.to_owned() })
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Takes what nobody waits for and could not be written just now.
pub type Late = Arc<dyn Fn(&[Draft]) + Send + Sync>;

/// What all connections share.
struct Hall {
    writer: Writer,
    late: Late,
    random: fn(&mut [u8]),
    open: AtomicUsize,
    waiting: Arc<Waiting>,
    room: Room,
}

fn accept(listener: &UnixListener, writer: Writer, random: fn(&mut [u8]), late: Late) {
    let (open, waiting, room) = (AtomicUsize::new(0), Arc::default(), Room::of(limits::HANDED_IN_TOTAL_BYTES));
    let hall = Arc::new(Hall { writer, late, random, open, waiting, room });
    for stream in listener.incoming() {
        let Ok(stream) = stream else {
            // It may be that this process can open no more files.
            hall.waiting.make_room();
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        // Who says nothing makes room; where all are being answered, there is none.
        if hall.open.load(Ordering::Acquire) >= limits::HANDED_IN_CONNECTIONS && !hall.waiting.make_room() {
            refuse(&stream);
            continue;
        }
        hall.open.fetch_add(1, Ordering::AcqRel);
        let hall = hall.clone();
        thread::spawn(move || {
            // A panic is the end of this connection, and of nothing else.
            let _ = catch_unwind(AssertUnwindSafe(|| serve(&Arc::new(stream), &hall)));
            hall.open.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

fn refuse(mut stream: &UnixStream) {
    let _ = stream.set_write_timeout(Some(Duration::from_millis(100)));
    let _ = stream.write_all(error(code::LIMIT_EXCEEDED.as_str(), "too many connections").as_bytes());
}

/// Answers the requests of a connection, until it ends.
fn serve(stream: &Arc<UnixStream>, hall: &Hall) -> io::Result<()> {
    let time = Duration::from_secs(limits::HANDED_IN_SECONDS);
    stream.set_write_timeout(Some(time))?;
    let mut reader = BufReader::new(&**stream);
    loop {
        let ended = stream.clone();
        let wait = hall.waiting.begin(move || drop(ended.shutdown(Shutdown::Both)));
        stream.set_read_timeout(Some(time))?;
        let mut head = String::new();
        if reader.by_ref().take(64).read_line(&mut head)? == 0 {
            return Ok(());
        }
        let Some((how, length)) = parse_head(&head) else {
            let text = error(
                code::LIMIT_EXCEEDED.as_str(),
                &format!(
                    "expected `{HEAD} typed|captured|hooked BYTES`, with at most {} bytes",
                    limits::HANDED_IN_BYTES
                ),
            );
            return (&**stream).write_all(text.as_bytes());
        };
        let until = Instant::now() + time;
        let Some(_taken) = hall.room.take(length, until, &wait) else {
            return (&**stream).write_all(error(code::LIMIT_EXCEEDED.as_str(), "too much is handed in").as_bytes());
        };
        stream.set_read_timeout(Some(Duration::from_secs(limits::HANDED_IN_STALL_SECONDS)))?;
        let Some(body) = received(&mut reader, length, until)? else { return Ok(()) };
        // One that was ended just now would not hear what became of its records; who waits for no answer is not asked.
        if !wait.over() && !how.unheard {
            return Ok(());
        }
        let answer = catch_unwind(AssertUnwindSafe(|| answer(body, how, hall)));
        let answer = answer.unwrap_or_else(|_| error(code::INTERNAL.as_str(), "a defect of attest stopped it"));
        (&**stream).write_all(answer.as_bytes())?;
    }
}

/// The body of a request; none where the connection ends before it does.
fn received(reader: &mut impl io::Read, length: usize, until: Instant) -> io::Result<Option<Vec<u8>>> {
    let mut body = vec![0; length];
    let mut at = 0;
    while at < length {
        if Instant::now() >= until {
            return Err(io::ErrorKind::TimedOut.into());
        }
        match reader.read(&mut body[at..])? {
            0 => return Ok(None),
            n => at += n,
        }
    }
    Ok(Some(body))
}

/// How records are handed in.
#[derive(Clone, Copy)]
struct How {
    origin: Origin,
    /// Whether nobody waits for the answer.
    unheard: bool,
}

fn parse_head(line: &str) -> Option<(How, usize)> {
    let words: Vec<&str> = line.strip_suffix('\n')?.split(' ').collect();
    let [HEAD, how, length] = words[..] else { return None };
    let (origin, unheard) = match how {
        "typed" => (Origin::Typed, false),
        "captured" => (Origin::Captured, false),
        "hooked" => (Origin::Captured, true),
        _ => return None,
    };
    let length: usize = length.parse().ok()?;
    (length <= limits::HANDED_IN_BYTES).then_some((How { origin, unheard }, length))
}

fn answer(body: Vec<u8>, how: How, hall: &Hall) -> String {
    let (mut drafts, mut random) = (Vec::new(), hall.random);
    for (number, line) in body.split(|b| *b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty()) {
        let at = |e: &dyn std::fmt::Display| format!("line {}, so nothing is recorded: {e}", number + 1);
        let value = match json::parse(line, limits::RECORD_BYTES) {
            Ok(value) => value,
            Err(e) => return error(e.code().as_str(), &at(&e.without_value())),
        };
        match Draft::read(&value, how.origin, &mut random) {
            Ok(draft) => drafts.push(draft),
            Err(e) => return error(e.code().as_str(), &at(&e)),
        }
    }
    let length = body.len();
    drop(body);
    let kept = if how.unheard { drafts.clone() } else { Vec::new() };
    match hall.writer.write(drafts, length) {
        Ok(done) => {
            let Done { numbers, known, differing, size } = done;
            json!({ "records": numbers, "known": known, "differs": differing, "size": size }).to_string() + "\n"
        }
        Err(e) => {
            if how.unheard {
                (hall.late)(&kept);
            }
            error(e.code().as_str(), &e.to_string())
        }
    }
}

fn error(code: &str, message: &str) -> String {
    json!({ "error": { "code": code, "message": message } }).to_string() + "\n"
}

pub(super) fn unusable(path: &Path, e: &io::Error) -> AuditError {
    AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }
}
