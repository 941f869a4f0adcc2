//! [`Router`]: a request to an answer, without a socket.

use super::admitted::{Recorder, documents};
use super::answer::{Worst, short};
use super::decider::{Deadlines, Decider};
use super::images::Bearers;
use super::metrics::{Ended, Metrics};
use super::reply::Reply;
use super::review::{REVIEW_MALFORMED, Review};
use super::validate::{Validated, Validator};
use crate::model::code;
use futures_util::FutureExt as _;
use serde_json::{Value, json};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;

/// A request that was read whole.
#[derive(Debug, Default)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, without `?`.
    pub query: String,
    /// The media type of the body.
    pub content_type: String,
    /// The body, and what it takes of the room for all.
    pub body: Body,
}

/// The body of a request. Whatever is held for it is let go with it.
#[derive(Debug, Default)]
pub struct Body {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What it takes of the room for all bodies.
    pub(super) _held: [Option<OwnedSemaphorePermit>; 2],
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self { bytes, _held: [None, None] }
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Where an object is decided on.
pub const VALIDATE: &str = "/validate";
/// Where tags are pinned.
pub const MUTATE: &str = "/mutate";

const TEXT: &str = "text/plain; charset=utf-8";
/// What an API server waits at least, and at most.
const WAITS: [u64; 2] = [1, 30];
/// Images, reasons of one, and codes that a line of JSON tells.
const TOLD: usize = 20;
/// What is left of the time for the answer's way.
const MARGIN: Duration = Duration::from_millis(500);

impl Answer {
    /// A text.
    #[must_use]
    pub fn text(status: u16, text: impl Into<String>) -> Self {
        Self { status, content_type: TEXT, body: text.into().into_bytes() }
    }

    fn json(value: &Value) -> Self {
        Self { status: 200, content_type: "application/json", body: value.to_string().into_bytes() }
    }
}

/// What is told of each review: a line of JSON without the object.
pub type Journal = Box<dyn Fn(&Value) + Send + Sync>;

/// What runs beside the answers, and is given by whoever starts the webhook.
pub struct Outlets {
    /// Makes deadlines.
    pub deadlines: Deadlines,
    /// A clock that runs: how long something took.
    pub stopwatch: fn() -> Duration,
    /// Where lines of JSON go.
    pub journal: Journal,
    /// Where decisions are recorded; false where one was lost.
    pub record: Option<Recorder>,
}

/// Answers requests.
pub struct Router {
    validator: Validator,
    metrics: Metrics,
    outlets: Outlets,
    ready: AtomicBool,
}

impl std::fmt::Debug for Router {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Router").field("validator", &self.validator).finish_non_exhaustive()
    }
}

impl Router {
    /// Answers by a decider, about kinds of objects whose images are known.
    #[must_use]
    pub fn new(decider: Arc<Decider>, bearers: Bearers, outlets: Outlets) -> Self {
        let validator = Validator { decider, bearers, deadlines: outlets.deadlines };
        Self { validator, metrics: Metrics::new(), outlets, ready: AtomicBool::new(true) }
    }

    /// From now on it says that it is not ready: it is about to end.
    pub fn leave(&self) {
        self.ready.store(false, Ordering::Relaxed);
    }

    /// When the certificate ends (Unix seconds), for the metrics.
    pub fn certificate_ends(&self, at: i64) {
        self.metrics.certificate_expiry.set(at);
    }

    /// Answers an API server.
    pub async fn answer(&self, request: Request) -> Answer {
        if let Some(refusal) = refusal(&request) {
            return refusal;
        }
        let mutates = request.path == MUTATE;
        let began = (self.outlets.stopwatch)();
        // A tree of an object takes many times its text: both are let go as soon as its images are known, before anything is
        // waited for.
        let Request { body, query, .. } = request;
        let read = AssertUnwindSafe(async { Review::read(&body.bytes) }).catch_unwind().await;
        drop(body);
        let mut review = match read {
            Ok(Ok(review)) => review,
            Ok(Err(no)) => {
                self.metrics.review(Ended::Invalid, "", self.since(began));
                let message = no.to_string();
                return match &no.uid {
                    Some(uid) => Answer::json(&Reply::denied(REVIEW_MALFORMED, "", &message).to_json(uid)),
                    None => Answer::text(400, format!("{REVIEW_MALFORMED}: {message}\n")),
                };
            }
            Err(_) => return Answer::text(500, "a defect of attest stopped this request\n"),
        };
        let deadline = (self.outlets.deadlines)(time_of(&query));
        let reviewed = async {
            match mutates {
                true => self.validator.pin(&mut review, deadline.as_ref()).await.into(),
                false => self.validator.validate(&mut review, deadline.as_ref()).await,
            }
        };
        // What stopped half-way proved nothing: it is this request's denial.
        let stopped = |_| -> Validated {
            match mutates {
                true => Reply::allowed().into(),
                false => Reply::denied(code::INTERNAL, "", "a defect of attest stopped this review").into(),
            }
        };
        let validated = AssertUnwindSafe(reviewed).catch_unwind().await.unwrap_or_else(stopped);
        if mutates {
            return Answer::json(&validated.reply.to_json(&review.uid));
        }
        self.tell(&review, &validated, self.since(began));
        if defers(&validated) {
            return Answer::text(503, format!("{}\n", validated.reply.message()));
        }
        Answer::json(&validated.reply.to_json(&review.uid))
    }

    /// Answers whoever watches: probes and metrics.
    #[must_use]
    pub fn watched(&self, path: &str) -> Answer {
        match path {
            "/livez" => Answer::text(200, "ok\n"),
            "/readyz" => {
                let known = self.validator.decider.known();
                match (&known.policies, self.ready.load(Ordering::Relaxed)) {
                    (_, false) => Answer::text(503, "about to end\n"),
                    (Err((code, why)), true) => Answer::text(503, format!("policies: {code}: {why}\n")),
                    (Ok(policies), true) => Answer::text(200, format!("ok: {} policies\n", policies.len())),
                }
            }
            "/metrics" => Answer {
                status: 200,
                content_type: "application/openmetrics-text; version=1.0.0; charset=utf-8",
                body: self.metrics.text(&self.validator.decider).into_bytes(),
            },
            _ => Answer::text(404, "there is nothing here: /livez, /readyz, /metrics\n"),
        }
    }

    fn since(&self, began: Duration) -> Duration {
        (self.outlets.stopwatch)().saturating_sub(began)
    }

    /// Counts, writes down and records a review. None of it holds up the answer or changes it.
    fn tell(&self, review: &Review, validated: &Validated, took: Duration) {
        let reply = &validated.reply;
        let ended = match reply.allowed {
            _ if defers(validated) => Ended::Defer,
            true if reply.warnings.is_empty() => Ended::Allow,
            true => Ended::Warn,
            false => Ended::Deny,
        };
        self.metrics.review(ended, &review.operation, took);
        for (_, answer) in &validated.decided {
            self.metrics.image(answer.effect());
        }
        let images: Vec<_> = validated
            .decided
            .iter()
            .take(TOLD)
            .map(|(used, answer)| {
                let lines: Vec<_> = answer
                    .lines
                    .iter()
                    .take(TOLD)
                    .map(|l| json!({ "policy": l.policy, "effect": format!("{:?}", Worst::from(l)).to_lowercase(), "code": l.code.map(crate::model::Code::as_str) }))
                    .collect();
                json!({ "field": used.field(), "image": short(&used.image), "digest": answer.digest, "reasons": lines })
            })
            .collect();
        let codes: Vec<_> = reply.reasons.iter().take(TOLD).map(|r| r.code.as_str()).collect();
        (self.outlets.journal)(&json!({
            "time": self.validator.decider.now().to_string(),
            "uid": review.uid,
            "operation": review.operation,
            "kind": review.kind.1,
            "namespace": review.namespace,
            "name": review.name,
            "ended": format!("{ended:?}").to_lowercase(),
            "codes": codes,
            "micros": u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
            "images": images,
            "moreImages": validated.decided.len().saturating_sub(TOLD),
        }));
        if let Some(record) = &self.outlets.record
            && !review.dry_run
            && !validated.decided.is_empty()
            && !record(documents(review, &validated.decided, reply.allowed, self.validator.decider.now()))
        {
            self.metrics.records_lost.inc();
        }
    }
}

/// Why a request is not read any further, as its head says.
#[must_use]
pub(super) fn refusal(head: &Request) -> Option<Answer> {
    if head.path != VALIDATE && head.path != MUTATE {
        return Some(Answer::text(404, "there is nothing here: POST /validate or /mutate\n"));
    }
    if head.method != "POST" {
        return Some(Answer::text(405, "expected POST\n"));
    }
    let media = head.content_type.split(';').next().unwrap_or_default().trim();
    (!media.eq_ignore_ascii_case("application/json")).then(|| Answer::text(415, "expected application/json\n"))
}

/// Whether the answer is left to the `failurePolicy`: nothing is denied, and something could not be found out.
fn defers(validated: &Validated) -> bool {
    let worst = validated.decided.iter().map(|(_, answer)| answer.effect()).max();
    !validated.reply.allowed && worst == Some(Worst::Defer)
}

/// How long the API server waits (`?timeout=10s`), less what the answer needs on its way.
fn time_of(query: &str) -> Duration {
    let given = query.split('&').find_map(|part| part.strip_prefix("timeout="));
    let seconds = given.and_then(|t| t.strip_suffix('s')?.parse::<u64>().ok()).unwrap_or(10);
    Duration::from_secs(seconds.clamp(WAITS[0], WAITS[1])).saturating_sub(MARGIN)
}
