//! One question to a host: read only, bounded, never along a redirect, its token for one address alone.

use super::server::Token;
use super::{CharterError, Wait};
use crate::model::{Timestamp, limits};
use backon::{ExponentialBuilder, Retryable as _};
use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Client, ClientBuilder, Url, redirect};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

const CONNECT: Duration = Duration::from_secs(10);

/// Clients for hosts of the network and for those of this machine, which no proxy is to see.
#[derive(Clone, Debug)]
pub(super) struct Http {
    far: Client,
    near: Client,
}

/// An answer, whatever its status.
#[derive(Debug)]
pub(super) struct Reply {
    /// HTTP status.
    pub(super) status: u16,
    /// The body; cut where it is no success.
    pub(super) body: Vec<u8>,
    /// Where it sends to.
    pub(super) location: Option<Location>,
    /// How long to wait, where the host limits how often it is asked.
    pub(super) limited: Option<Wait>,
}

/// Where a redirect leads.
#[derive(Debug)]
pub(super) struct Location {
    /// The whole address.
    pub(super) url: String,
    /// Its scheme, host and port, where these are others than those of what was asked.
    pub(super) elsewhere: Option<String>,
}

/// Why there is no answer.
enum Broken {
    /// Asking again may help.
    Passing(String),
    /// It will not.
    Lasting(CharterError),
}

impl Http {
    /// # Errors
    /// [`CharterError::Unavailable`] where no TLS can be had.
    pub(super) fn new() -> Result<Self, CharterError> {
        let base = || {
            Client::builder()
                .user_agent(concat!("attest/", env!("CARGO_PKG_VERSION")))
                .redirect(redirect::Policy::none())
                .referer(false)
                .connect_timeout(CONNECT)
        };
        let make = |near: bool| {
            let base = || if near { base().no_proxy() } else { base() };
            base().build().or_else(|_| with_embedded_certificates(base()))
        };
        let failed = |e: reqwest::Error| CharterError::Unavailable {
            host: "TLS".into(),
            cause: format!("cannot be set up: {}", words(&e)),
        };
        Ok(Self { far: make(false).map_err(failed)?, near: make(true).map_err(failed)? })
    }

    /// Asks once, and up to twice more where the host fails in passing.
    ///
    /// # Errors
    /// [`CharterError::Unavailable`], [`CharterError::TooLarge`].
    pub(super) async fn get(&self, host: &str, url: &str, token: Option<&Token>) -> Result<Reply, CharterError> {
        let tries = std::cell::Cell::new(0);
        let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(300)).with_max_times(2);
        let once = || {
            tries.set(tries.get() + 1);
            self.once(host, url, token)
        };
        once.retry(pauses.with_jitter()).when(|e| matches!(e, Broken::Passing(_))).await.map_err(|e| match e {
            Broken::Lasting(e) => e,
            Broken::Passing(cause) => {
                let cause = format!("{cause} (tried {} times)", tries.get());
                CharterError::Unavailable { host: host.to_owned(), cause }
            }
        })
    }

    async fn once(&self, host: &str, url: &str, token: Option<&Token>) -> Result<Reply, Broken> {
        let unusable = |cause: String| Broken::Lasting(CharterError::Unavailable { host: host.to_owned(), cause });
        let asked = Url::parse(url).map_err(|e| unusable(format!("has no usable address: {e}")))?;
        let client = if asked.scheme() == "https" { &self.far } else { &self.near };
        let mut request = client.get(asked.clone()).header("accept", "application/json");
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&token.header_value())
                .map_err(|_| unusable(format!("cannot be shown what {} holds", token.variable)))?;
            value.set_sensitive(true);
            request = request.header(token.header, value);
        }
        let broken = |e: reqwest::Error| Broken::Passing(words(&e));
        let mut response = request.send().await.map_err(broken)?;
        let status = response.status();
        if status.is_server_error() {
            return Err(Broken::Passing(format!("answers {status}")));
        }
        let limit = if status.is_success() { limits::TEXT_FILE_BYTES } else { limits::ERROR_BODY_BYTES };
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > limit {
                if status.is_success() {
                    return Err(Broken::Lasting(CharterError::TooLarge { host: host.to_owned(), limit }));
                }
                break;
            }
            body.extend_from_slice(&chunk);
        }
        let headers = response.headers();
        let location = header(headers, "location").and_then(|to| {
            let url = asked.join(to).ok()?;
            let elsewhere = (url.origin() != asked.origin()).then(|| url.origin().ascii_serialization());
            Some(Location { url: url.to_string(), elsewhere })
        });
        Ok(Reply { status: status.as_u16(), body, location, limited: limited(status.as_u16(), headers) })
    }
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

/// For machines without certificates of their own, such as an empty image.
fn with_embedded_certificates(base: ClientBuilder) -> reqwest::Result<Client> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Ok(versions) = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()
    else {
        return base.build();
    };
    base.tls_backend_preconfigured(versions.with_root_certificates(roots).with_no_client_auth()).build()
}

/// What went wrong, down to the cause. Never the URL.
fn words(e: &reqwest::Error) -> String {
    if e.is_timeout() {
        return "does not answer in time".into();
    }
    let mut innermost: &dyn std::error::Error = e;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let kind = if e.is_connect() { "cannot be connected to" } else { "broke the connection off" };
    format!("{kind}: {}", innermost.to_string().chars().take(200).collect::<String>())
}
