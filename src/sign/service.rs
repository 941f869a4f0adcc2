#![expect(clippy::disallowed_methods, reason = "back end: asks services over HTTP, with a clock for its deadline")]
//! One HTTP client for every service that signs or witnesses: with deadlines, retries, bounded answers, and errors that
//! name the service, what happened and how often it was tried.

use super::SignError;
use crate::model::limits;
use backon::{BackoffBuilder as _, ExponentialBuilder};
use reqwest::{Client, Method, redirect};
use std::time::{Duration, Instant};

/// How often a question is asked at most.
const TRIES: usize = 4;

/// The client that all services share.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    /// For services elsewhere, through the proxy that the environment names.
    far: Client,
    /// For plain HTTP, which is for services of this machine: through no proxy, which would read the tokens.
    near: Client,
    deadline: Duration,
}

/// A question to a service.
#[derive(Default)]
pub(super) struct Question<'a> {
    /// The service in words, with its URL.
    pub(super) service: &'a str,
    /// Where it is asked.
    pub(super) url: &'a str,
    /// `GET` without a body, `POST` with one.
    pub(super) body: Option<(&'static str, Vec<u8>)>,
    /// A token that is shown to the service; never in an error.
    pub(super) bearer: Option<&'a str>,
    /// What else the question holds that nobody may see, as it is sent; an answer that repeats it is not shown.
    pub(super) secret: &'a str,
    /// The longest answer that is read, in bytes.
    pub(super) limit: usize,
}

/// An answer, whatever its status; error bodies are cut.
#[derive(Debug)]
pub(super) struct Answer {
    /// HTTP status.
    pub(super) status: u16,
    /// `Location` header.
    pub(super) location: Option<String>,
    /// How long it asks to be left alone: `Retry-After` in seconds.
    wait: Option<Duration>,
    /// The body.
    pub(super) body: Vec<u8>,
    /// Whether the body repeats a secret of the question.
    pub(super) concealed: bool,
    /// Whether an earlier try may have reached the service without its answer reaching us.
    pub(super) repeated: bool,
}

impl ServiceClient {
    /// A client that gives each service `deadline` for one question, retries included.
    ///
    /// # Errors
    /// [`SignError::Failed`] when TLS cannot be set up.
    pub fn new(deadline: Duration) -> Result<Self, SignError> {
        let base = |near: bool| {
            let builder = Client::builder()
                .user_agent(concat!("attest/", env!("CARGO_PKG_VERSION")))
                // A token goes where it was sent, and nowhere else.
                .redirect(redirect::Policy::none())
                .connect_timeout(Duration::from_secs(10).min(deadline));
            if near { builder.no_proxy() } else { builder }
        };
        let failed = |e: &dyn std::fmt::Display| SignError::Failed { cause: format!("TLS cannot be set up: {e}") };
        let make = |near: bool| {
            base(near).build().or_else(|_| {
                // A machine without roots of its own: those of the web.
                let provider = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
                let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
                let config = rustls::ClientConfig::builder_with_provider(provider)
                    .with_safe_default_protocol_versions()
                    .map_err(|e| failed(&e))?
                    .with_root_certificates(roots)
                    .with_no_client_auth();
                base(near).tls_backend_preconfigured(config).build().map_err(|e| failed(&e))
            })
        };
        Ok(Self { far: make(false)?, near: make(true)?, deadline })
    }

    /// Asks until there is an answer that another try would not change, or the time is over.
    ///
    /// # Errors
    /// [`SignError::Unavailable`]: what happened, and how often it was tried.
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Answer, SignError> {
        let until = Instant::now() + self.deadline;
        let mut delays = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(5))
            .with_max_times(TRIES - 1)
            .with_jitter()
            .build();
        let mut tries = 0;
        let mut repeated = false;
        loop {
            tries += 1;
            let left = until.saturating_duration_since(Instant::now());
            let mut wait = Duration::ZERO;
            let cause = match tokio::time::timeout(left, self.once(question)).await {
                Err(_) => {
                    let cause = format!("timed out after {} s", self.deadline.as_secs_f32());
                    return Err(unavailable(question, &cause, tries));
                }
                Ok(Ok(mut answer)) if !is_transient(answer.status) => {
                    answer.repeated = repeated;
                    return Ok(answer);
                }
                Ok(Ok(answer)) => {
                    wait = answer.wait.unwrap_or_default();
                    let asks = answer.wait.map(|w| format!(", and asks to wait {} s", w.as_secs())).unwrap_or_default();
                    format!("answered with status {}{}{asks}", answer.status, answer.said())
                }
                Ok(Err(e)) => {
                    repeated = repeated || !e.is_connect();
                    in_words(&e)
                }
            };
            match delays.next().map(|d| d.max(wait)).filter(|d| Instant::now() + *d < until) {
                Some(delay) => tokio::time::sleep(delay).await,
                None => return Err(unavailable(question, &cause, tries)),
            }
        }
    }

    async fn once(&self, question: &Question<'_>) -> Result<Answer, reqwest::Error> {
        let method = if question.body.is_some() { Method::POST } else { Method::GET };
        let client = if question.url.starts_with("http://") { &self.near } else { &self.far };
        let mut request = client.request(method, question.url).header("accept", "*/*");
        if let Some((content_type, body)) = &question.body {
            request = request.header("content-type", *content_type).body(body.clone());
        }
        if let Some(token) = question.bearer {
            request = request.bearer_auth(token);
        }
        let mut response = request.send().await?;
        let status = response.status().as_u16();
        let location = response.headers().get("location").and_then(|v| v.to_str().ok()).map(str::to_owned);
        let wait = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.trim().parse().ok());
        // Longer than any deadline is as good as for ever, and no time overflows.
        let wait = wait.map(|seconds: u64| Duration::from_secs(seconds.min(86_400)));
        let limit = if response.status().is_success() { question.limit } else { limits::ERROR_BODY_BYTES };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            body.extend_from_slice(&chunk);
            if body.len() > limit {
                // More than any honest answer: it fails where it is read, by its length or for want of its end.
                body.truncate(limit + 1);
                break;
            }
        }
        let concealed = [question.secret, question.bearer.unwrap_or_default()].iter().any(|s| repeats(&body, s));
        Ok(Answer { status, location, wait, body, concealed, repeated: false })
    }
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// [`SignError::Refused`] with the status and the service's own words.
    pub(super) fn success(self, service: &str) -> Result<Vec<u8>, SignError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(SignError::Refused { service: service.to_owned(), status: self.status, detail: self.said() })
    }

    /// The body in words, one line, cut; nothing of one that repeats a secret.
    pub(super) fn said(&self) -> String {
        if self.concealed {
            return "; its words repeat what was sent, and are not shown".into();
        }
        let text = String::from_utf8_lossy(&self.body);
        let text: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(200).collect();
        if text.is_empty() { text } else { format!(": {text}") }
    }
}

/// Whether a body has the beginning of any longer part of a secret: parts end at what is no character of a token.
fn repeats(body: &[u8], secret: &str) -> bool {
    const BEGINNING: usize = 8;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_~+/=%".contains(c);
    let values =
        secret.split(|c| !is_part(c)).flat_map(|part| [part, part.rsplit('=').find(|v| !v.is_empty()).unwrap_or("")]);
    values
        .filter(|value| value.len() >= BEGINNING)
        .any(|value| body.windows(BEGINNING).any(|w| w == &value.as_bytes()[..BEGINNING]))
}

/// Whether another try can be expected to end otherwise.
fn is_transient(status: u16) -> bool {
    matches!(status, 429 | 500 | 502 | 503 | 504)
}

fn unavailable(question: &Question<'_>, cause: &str, tries: usize) -> SignError {
    let cause = format!("{cause} (tried {tries} time{})", if tries == 1 { "" } else { "s" });
    SignError::Unavailable { service: question.service.to_owned(), cause }
}

/// The innermost cause: what the operating system or the protocol says. Never the URL, which may hold a secret.
fn in_words(e: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = e;
    let mut all = String::new();
    while let Some(inner) = cause.source() {
        cause = inner;
        all.push_str(&inner.to_string());
        all.push(' ');
    }
    let innermost = cause.to_string();
    let what = match () {
        () if all.contains("dns error") => "its name cannot be resolved",
        () if all.contains("refused") => "connection refused",
        () if e.is_timeout() => "timed out",
        () if e.is_connect() => "cannot be connected to",
        () => "the connection broke",
    };
    format!("{what}: {}", innermost.chars().take(200).collect::<String>())
}
