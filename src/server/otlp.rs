//! Telemetry over HTTP (OTLP 1.x, JSON): from whom it is taken, how much of it, and what is answered. By the specification a failure is
//! answered with a `google.rpc.Status`, and what is not all taken with `partialSuccess`.

use super::answer::Answer;
use super::tokens::Tokens;
use super::writer::Writer;
use crate::audit::AuditError;
use crate::flow::audit::telemetry::{self, Signal};
use crate::model::limits;
use serde_json::{Value, json};

/// What is answered where a server takes no telemetry.
const CLOSED: &str = "this server takes no telemetry: it was started without --token-file";

/// What takes telemetry in.
#[derive(Debug)]
pub struct Telemetry {
    /// Who writes.
    pub writer: Writer,
    /// Who may hand in.
    pub tokens: Tokens,
    /// Randomness.
    pub random: fn(&mut [u8]),
}

/// What stands above a body.
#[derive(Clone, Default)]
pub struct Head {
    /// `authorization`.
    pub authorization: Option<String>,
    /// `content-type`.
    pub content_type: Option<String>,
    /// `content-encoding`.
    pub content_encoding: Option<String>,
    /// `content-length`, where there is one.
    pub length: Option<u64>,
}

impl std::fmt::Debug for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Head").field("content_type", &self.content_type).finish_non_exhaustive()
    }
}

/// Codes of `google.rpc.Status`.
#[derive(Clone, Copy)]
enum Rpc {
    InvalidArgument = 3,
    Unimplemented = 12,
    Unavailable = 14,
    Unauthenticated = 16,
}

fn refused(status: u16, code: Rpc, message: &str) -> Answer {
    json_of(status, &json!({ "code": code as u8, "message": message }))
}

fn json_of(status: u16, body: &Value) -> Answer {
    Answer { status, media_type: "application/json", cache: "no-store", body: body.to_string().into_bytes() }
}

/// The signal of a request; none where it is no telemetry.
pub(super) fn signal(method: &str, path: &str) -> Option<Signal> {
    match (method, path) {
        ("POST", "/v1/logs") => Some(Signal::Logs),
        ("POST", "/v1/traces") => Some(Signal::Traces),
        _ => None,
    }
}

/// From which machine a request is, before any of its body is read.
pub(super) fn admitted<'a>(of: Option<&'a Telemetry>, head: &Head) -> Result<(&'a Telemetry, &'a str), Answer> {
    let Some(telemetry) = of else { return Err(refused(404, Rpc::Unimplemented, CLOSED)) };
    let Some(machine) = telemetry.tokens.machine(head.authorization.as_deref()) else {
        let message = "expected `authorization: Bearer TOKEN` with the token of a machine that this server knows";
        return Err(refused(401, Rpc::Unauthenticated, message));
    };
    let media_type = head.content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    if !media_type.eq_ignore_ascii_case("application/json") {
        let message =
            "only OTLP in JSON is taken (content-type: application/json): set OTEL_EXPORTER_OTLP_PROTOCOL=http/json";
        return Err(refused(415, Rpc::InvalidArgument, message));
    }
    if head.content_encoding.as_deref().is_some_and(|one| !one.trim().eq_ignore_ascii_case("identity")) {
        let message = "only a body that is not compressed is taken: set OTEL_EXPORTER_OTLP_COMPRESSION=none";
        return Err(refused(415, Rpc::InvalidArgument, message));
    }
    if head.length.is_some_and(|length| length > limits::OTLP_BYTES as u64) {
        return Err(too_large());
    }
    Ok((telemetry, machine))
}

/// What is answered where a body is over the limit.
pub(super) fn too_large() -> Answer {
    let message = format!("the body is over {} bytes, or was cut off: send less at once", limits::OTLP_BYTES);
    refused(413, Rpc::InvalidArgument, &message)
}

/// What is answered where as much is being received as this server holds; who is told this tries again.
pub(super) fn busy() -> Answer {
    refused(503, Rpc::Unavailable, "too much is handed in just now: try again")
}

/// Takes a request in. What it answers is said once all that is new of it is durable.
pub(super) fn take(of: Option<&Telemetry>, signal: Signal, head: &Head, body: &[u8]) -> Answer {
    let (telemetry, machine) = match admitted(of, head) {
        Ok(admitted) => admitted,
        Err(answer) => return answer,
    };
    let mut random = telemetry.random;
    let sent = match telemetry::read(signal, body, machine, &mut random) {
        Ok(sent) => sent,
        Err(why) => return refused(400, Rpc::InvalidArgument, &why),
    };
    if sent.drafts.is_empty() {
        return done(signal, sent.rejected, 0);
    }
    match telemetry.writer.write(sent.drafts, body.len()) {
        Ok(written) => done(signal, sent.rejected, written.differing.len() as u64),
        Err(e @ (AuditError::TooLarge { .. } | AuditError::Record(_))) => {
            refused(400, Rpc::InvalidArgument, &e.to_string())
        }
        // Words of the error name folders of this machine. Who is told this tries again, which adds nothing that is there.
        Err(_) => refused(503, Rpc::Unavailable, "the log could not be written just now: try again"),
    }
}

/// That a request was taken: all of it, or how much of it was not.
fn done(signal: Signal, unreadable: u64, differing: u64) -> Answer {
    let rejected = unreadable + differing;
    if rejected == 0 {
        return json_of(200, &json!({}));
    }
    let mut why = Vec::new();
    if unreadable > 0 {
        why.push(format!("{unreadable} could not be read"));
    }
    if differing > 0 {
        why.push(format!("{differing} say something else than was recorded under the same id, which stays"));
    }
    let name = match signal {
        Signal::Logs => "rejectedLogRecords",
        Signal::Traces => "rejectedSpans",
    };
    // A number of 64 bits is a text in the JSON of protocol buffers.
    json_of(200, &json!({ "partialSuccess": { name: rejected.to_string(), "errorMessage": why.join("; ") } }))
}
