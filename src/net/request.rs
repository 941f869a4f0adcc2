//! What is asked, and what is answered.

use crate::model::limits;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use tokio::time::Instant;

/// Scheme, host and port: what of a foreign URL is shown, since its path and query may hold a signature.
#[must_use]
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// What becomes of a redirect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirects {
    /// It is the answer.
    Returned,
    /// Of a reading request it is followed, as far as [`Reach`](super::Reach) lets it lead.
    Followed,
}

/// Which answers are not the last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tries {
    /// All are: asking twice could do harm.
    Once,
    /// A broken connection, and 500, 502, 503 and 504; so many tries at most.
    Failures(usize),
    /// These and 429.
    Busy(usize),
}

/// A request.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    /// The method.
    pub method: Method,
    /// Where it goes first.
    pub url: Url,
    /// Whose answer named `url`, where no person did. It is then held to the rules of a redirect from there.
    pub led_by: Option<Url>,
    /// Headers that may go wherever a redirect leads.
    pub headers: HeaderMap,
    /// A header for the scheme, host and port of `url` alone.
    pub secret: Option<(HeaderName, HeaderValue)>,
    /// Media type and bytes.
    pub body: Option<(&'a str, &'a [u8])>,
    /// Parts of the body that nobody else may see.
    pub withheld: &'a [&'a str],
    /// Bytes of a successful answer's body.
    pub limit: usize,
    /// What becomes of a redirect.
    pub redirects: Redirects,
    /// When it is asked again.
    pub tries: Tries,
    /// When the last try has to be over.
    pub deadline: Instant,
}

impl Request<'_> {
    /// A reading request of at most `limit` bytes, asked once, whose redirects are the answer.
    #[must_use]
    pub fn get(url: Url, limit: usize, deadline: Instant) -> Self {
        let (method, headers) = (Method::GET, HeaderMap::new());
        let (redirects, tries) = (Redirects::Returned, Tries::Once);
        let (led_by, secret, body, withheld) = (None, None, None, &[][..]);
        Self { method, url, led_by, headers, secret, body, withheld, limit, redirects, tries, deadline }
    }
}

/// An answer, whatever its status.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Where it came from, after redirects.
    pub url: Url,
    /// The body: whole for a success, at most [`limits::ERROR_BODY_BYTES`] of it otherwise.
    pub body: Vec<u8>,
    /// How often the request was tried.
    pub tries: usize,
    /// Whether an earlier try may have reached the service without its answer reaching us.
    pub repeated: bool,
}

impl Answer {
    /// Whether the status is 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether another try might have ended otherwise.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        super::retry::is_passing(self.status)
    }

    /// A header's value, when it is text.
    #[must_use]
    pub fn header(&self, name: impl TryInto<HeaderName>) -> Option<&str> {
        self.headers.get(name.try_into().ok()?)?.to_str().ok()
    }

    /// How long it asks to be left alone.
    #[must_use]
    pub fn wait(&self) -> Option<std::time::Duration> {
        self.header(reqwest::header::RETRY_AFTER).and_then(super::retry::retry_after)
    }
}

/// Bytes that are read of a body: a refusal's is cut there, a success's must fit.
pub(super) fn cap(success: bool, limit: usize) -> usize {
    if success { limit } else { limits::ERROR_BODY_BYTES }
}
