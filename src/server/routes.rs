//! What is answered to whom asks over HTTP.

use super::answer::{Answer, TEXT};
use super::otlp::{self, Head, Telemetry};
use crate::audit::store::{CHECKPOINT, Published};
use crate::audit::witness::Watcher;
use crate::model::Timestamp;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Why raw entries are not taken. An entry of this log is a commitment of a fixed form to what can be destroyed again; bytes from a
/// network would stand in it for ever, personal data among them, and no redaction could reach them.
const NO_RAW: &str = "this log takes no raw entries: they could never be erased. Processes of its machine hand in records through its socket\n";

/// What a server shows.
#[derive(Debug)]
pub struct Site {
    /// The published files of the log.
    pub published: Published,
    /// The witness, where this server is one.
    pub watcher: Option<Mutex<Watcher>>,
    /// Who takes telemetry in, where anybody may hand it in.
    pub telemetry: Option<Telemetry>,
    /// The clock.
    pub now: fn() -> Timestamp,
}

/// A request that was read whole.
#[derive(Clone, Debug)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path, without a query.
    pub path: String,
    /// What else stands above the body.
    pub head: Head,
    /// The body.
    pub body: Vec<u8>,
}

impl Site {
    /// Answers a request.
    pub fn answer(&self, request: &Request) -> Answer {
        if let Some(signal) = otlp::signal(&request.method, &request.path) {
            return otlp::take(self.telemetry.as_ref(), signal, &request.head, &request.body);
        }
        let path = request.path.strip_prefix('/').unwrap_or(&request.path);
        match (request.method.as_str(), path) {
            ("POST", "add-checkpoint") => self.add_checkpoint(&request.body),
            ("POST", "add") => Answer::text(404, NO_RAW),
            ("GET" | "HEAD", path) => self.get(path),
            _ => Answer::text(405, "no such method here\n"),
        }
    }

    fn get(&self, path: &str) -> Answer {
        let is_checkpoint = path == CHECKPOINT;
        if is_checkpoint || path.starts_with("tile/") {
            return match self.published.get(path) {
                Ok(Some(body)) if is_checkpoint => Answer { status: 200, media_type: TEXT, cache: "max-age=1", body },
                // Of a name there is only ever one content.
                Ok(Some(body)) => Answer {
                    status: 200,
                    media_type: "application/octet-stream",
                    cache: "public, max-age=31536000, immutable",
                    body,
                },
                Ok(None) => not_found(),
                Err(_) => failed(),
            };
        }
        let monitored = path.strip_suffix("/checkpoint").zip(self.watcher.as_ref());
        match monitored.map(|(hash, watcher)| locked(watcher).monitored(hash)) {
            Some(Ok(Some(body))) => Answer { status: 200, media_type: TEXT, cache: "max-age=1", body },
            Some(Err(_)) => failed(),
            Some(Ok(None)) | None => not_found(),
        }
    }

    fn add_checkpoint(&self, body: &[u8]) -> Answer {
        let Some(watcher) = &self.watcher else { return Answer::text(404, "this server is no witness\n") };
        match locked(watcher).add(body, (self.now)()) {
            Ok(Ok(line)) => Answer::text(200, line + "\n"),
            Ok(Err(refusal)) => {
                let (media_type, body) = refusal.body();
                Answer { status: refusal.status(), media_type, cache: "no-store", body: body.into_bytes() }
            }
            // It is not known what was seen: nothing is cosigned.
            Err(_) => failed(),
        }
    }
}

/// The witness, for one request. What it saw is in its store, whole, whatever became of the request before.
fn locked(watcher: &Mutex<Watcher>) -> MutexGuard<'_, Watcher> {
    watcher.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found() -> Answer {
    Answer::text(404, "there is nothing here\n")
}

/// Why stays here: words of an error name folders of this machine.
fn failed() -> Answer {
    Answer::text(500, "this could not be answered now\n")
}
