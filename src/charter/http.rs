//! Questions to one host: read only, bounded, never along a redirect, its token for one address alone.

use super::server::Token;
use super::{CharterError, Wait};
use crate::model::json::JsonError;
use crate::model::{Timestamp, limits};
use crate::net::{self, HttpClient, NetError, Request, Settings, Tries};
use reqwest::Url;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;

/// How often a question is asked at most.
const TRIES: usize = 3;

/// Asks hosts, each for so long at most.
#[derive(Clone, Debug)]
pub(super) struct Http {
    client: HttpClient,
    patience: Duration,
}

/// A host that is asked until a deadline, and its name in errors.
pub(super) struct Host<'a> {
    http: &'a Http,
    name: &'a str,
    until: Instant,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// The body; cut where it is no success.
    pub(super) body: Vec<u8>,
    /// What was asked.
    pub(super) url: Url,
    /// Where it sends to.
    pub(super) location: Option<Location>,
    /// How long to wait, where the host limits how often it is asked.
    pub(super) limited: Option<Wait>,
    /// How often it was tried.
    pub(super) tries: usize,
}

/// Where a redirect leads.
#[derive(Debug)]
pub(super) struct Location {
    /// The whole address.
    pub(super) url: Url,
    /// Its scheme, host and port, where these are others than those of what was asked.
    pub(super) elsewhere: Option<String>,
}

impl Http {
    /// Gives a host `patience` for all that is asked in a row.
    pub(super) fn new(patience: Duration) -> Self {
        Self { client: HttpClient::new(Settings::default()), patience }
    }

    /// A host, to be asked from now on.
    pub(super) fn host<'a>(&'a self, name: &'a str) -> Host<'a> {
        Host { http: self, name, until: net::deadline(self.patience) }
    }
}

impl Host<'_> {
    /// Asks once, and up to twice more where the host fails in passing.
    ///
    /// # Errors
    /// [`CharterError::Unavailable`], [`CharterError::TooLarge`].
    pub(super) async fn get(&self, url: &str, token: Option<&Token>) -> Result<Reply, CharterError> {
        let url = Url::parse(url).map_err(|e| self.unavailable(format!("has no usable address: {e}")))?;
        self.ask(url, None, token).await
    }

    /// Asks for what an answer sent to, without a token.
    ///
    /// # Errors
    /// As [`Host::get`].
    pub(super) async fn follow(&self, from: Url, to: Url) -> Result<Reply, CharterError> {
        self.ask(to, Some(from), None).await
    }

    async fn ask(&self, url: Url, led_by: Option<Url>, token: Option<&Token>) -> Result<Reply, CharterError> {
        let mut request = Request::get(url, limits::TEXT_FILE_BYTES, self.until);
        // One that limits how often it is asked says when to come back, which is later than anybody waits.
        request.tries = Tries::Failures(TRIES);
        request.led_by = led_by;
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            let value = HeaderValue::from_str(&token.header_value())
                .map_err(|_| self.unavailable(format!("cannot be shown what {} holds", token.variable)))?;
            request.secret = Some((HeaderName::from_static(token.header), value));
        }
        let answer = self.http.client.ask(&request).await.map_err(|e| match e {
            NetError::TooLarge { limit } => CharterError::TooLarge { host: self.name.to_owned(), limit },
            NetError::Late { .. } => {
                self.unavailable(format!("did not answer within {} s", self.http.patience.as_secs_f32()))
            }
            NetError::NoAnswer { cause, tries } => {
                self.unavailable(format!("gives no answer: {cause} (tried {tries} times)"))
            }
            other => self.unavailable(format!("cannot be asked: {other}")),
        })?;
        let location = answer.header("location").and_then(|to| {
            let url = answer.url.join(to).ok()?;
            let elsewhere = (url.origin() != answer.url.origin()).then(|| net::origin(&url));
            Some(Location { url, elsewhere })
        });
        let (status, limited, tries) = (answer.status, limited(answer.status, &answer.headers), answer.tries);
        Ok(Reply { status, body: answer.body, url: answer.url, location, limited, tries })
    }

    /// The same error, harmless where it quotes an answer.
    pub(super) fn harmless(&self, e: CharterError) -> CharterError {
        match e {
            CharterError::Redirected { host, to } => CharterError::Redirected { host, to: self.words(&to) },
            CharterError::Moved { uri, to } => CharterError::Moved { uri, to: to.map(|to| self.words(&to)) },
            CharterError::Malformed { host, cause } => {
                let message = cause.to_string();
                let words = self.words(&message);
                CharterError::Malformed { host, cause: if words == message { cause } else { unreadable(words) } }
            }
            other => other,
        }
    }

    /// Words that the host chose.
    pub(super) fn words(&self, text: &str) -> String {
        self.http.client.harmless(text, limits::SHOWN_CHARS)
    }

    /// That this host gives no answer, and why.
    pub(super) fn unavailable(&self, cause: String) -> CharterError {
        CharterError::Unavailable { host: self.name.to_owned(), cause }
    }
}

/// That an answer cannot be read, in other words than its own.
fn unreadable(words: String) -> JsonError {
    JsonError::Unexpected { path: "answer".into(), expected: "what its API says".into(), found: words }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Whether a refusal is one of being asked too often: 429, or 403 with a header that says when to come back.
fn limited(status: u16, headers: &HeaderMap) -> Option<Wait> {
    let number = |name| header(headers, name)?.trim().parse::<u64>().ok();
    let spent = ["x-ratelimit-remaining", "ratelimit-remaining"].iter().any(|name| number(name) == Some(0));
    let after = header(headers, "retry-after").map(|text| match text.trim().parse() {
        Ok(seconds) => Wait::Seconds(seconds),
        Err(_) => httpdate::parse_http_date(text.trim())
            .ok()
            .and_then(|t| at(t.duration_since(UNIX_EPOCH).ok()?.as_secs()))
            .unwrap_or(Wait::Unknown),
    });
    if !(status == 429 || (status == 403 && (spent || after.is_some()))) {
        return None;
    }
    let reset = || ["x-ratelimit-reset", "ratelimit-reset"].iter().find_map(|name| at(number(name)?));
    Some(after.or_else(reset).unwrap_or(Wait::Unknown))
}

fn at(unix: u64) -> Option<Wait> {
    Some(Wait::Until(Timestamp::from_unix(i64::try_from(unix).ok()?)?))
}
