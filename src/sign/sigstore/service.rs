//! Questions to services that sign or witness: bounded, with a deadline, and with errors that name the service, what
//! happened and how often it was tried.

use crate::net::{self, CONCEALED, HttpClient, NetError, Request, Settings, Tries};
use crate::sign::SignError;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use std::time::Duration;

/// How often a question is asked at most.
const TRIES: usize = 4;
/// Characters of a service's own words that are shown.
const WORDS: usize = 200;
/// Characters of an error that quotes an answer.
const QUOTED: usize = 2000;

/// The client that all services share.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    http: HttpClient,
    deadline: Duration,
}

/// A question to a service.
#[derive(Default)]
pub(in crate::sign) struct Question<'a> {
    /// The service in words, with its URL.
    pub(in crate::sign) service: &'a str,
    /// Where it is asked.
    pub(in crate::sign) url: &'a str,
    /// `GET` without a body, `POST` with one.
    pub(in crate::sign) body: Option<(&'static str, Vec<u8>)>,
    /// A token that is shown to the service; never in an error.
    pub(in crate::sign) bearer: Option<&'a str>,
    /// Parts of the body that nobody else may see.
    pub(in crate::sign) withheld: &'a [&'a str],
    /// The longest answer that is read, in bytes.
    pub(in crate::sign) limit: usize,
}

/// An answer, whatever its status; error bodies are cut.
#[derive(Debug)]
pub(in crate::sign) struct Answer {
    /// HTTP status.
    pub(in crate::sign) status: u16,
    /// `Location` header.
    pub(in crate::sign) location: Option<String>,
    /// The body.
    pub(in crate::sign) body: Vec<u8>,
    /// The body in words: one line, cut, harmless.
    words: String,
    /// Whether an earlier try may have reached the service without its answer reaching us.
    pub(in crate::sign) repeated: bool,
}

impl ServiceClient {
    /// A client that gives each service `deadline` for one question, retries included.
    #[must_use]
    pub fn new(deadline: Duration) -> Self {
        Self { http: HttpClient::new(Settings::default()), deadline }
    }

    /// Asks until there is an answer that another try would not change, or the time is over. A redirect is an answer: a
    /// token goes where it was sent, and nowhere else.
    ///
    /// # Errors
    /// [`SignError::Unavailable`]: what happened, and how often it was tried. [`SignError::Answer`] for one that is too
    /// long.
    pub(in crate::sign) async fn ask(&self, question: &Question<'_>) -> Result<Answer, SignError> {
        let service = || question.service.to_owned();
        let unavailable = |cause: String| SignError::Unavailable { service: service(), cause };
        let url = Url::parse(question.url).map_err(|e| unavailable(format!("has no usable address: {e}")))?;
        let mut request = Request::get(url, question.limit, net::deadline(self.deadline));
        request.tries = Tries::Busy(TRIES);
        request.headers.insert(ACCEPT, HeaderValue::from_static("*/*"));
        if let Some(token) = question.bearer {
            let value = HeaderValue::from_str(&format!("Bearer {token}"));
            request.secret = Some((AUTHORIZATION, value.map_err(|_| unavailable("its token fits no header".into()))?));
        }
        request.withheld = question.withheld;
        if let Some((media_type, bytes)) = &question.body {
            (request.method, request.body) = (Method::POST, Some((*media_type, bytes.as_slice())));
        }
        let tried = |tries: usize| format!("(tried {tries} time{})", if tries == 1 { "" } else { "s" });
        let found = self.http.ask(&request).await.map_err(|e| match e {
            NetError::Setup { cause } => SignError::Failed { cause: format!("TLS cannot be set up: {cause}") },
            NetError::Late { tries } => {
                unavailable(format!("timed out after {} s {}", self.deadline.as_secs_f32(), tried(tries)))
            }
            NetError::NoAnswer { cause, tries } => unavailable(format!("{cause} {}", tried(tries))),
            NetError::TooLarge { limit } => SignError::Answer {
                service: service(),
                expected: format!("at most {limit} bytes"),
                found: "more".into(),
            },
            other => unavailable(other.to_string()),
        })?;
        let (wait, tries, passing) = (found.wait(), found.tries, found.is_passing());
        let location = found.header(LOCATION).map(str::to_owned);
        let (status, repeated) = (found.status, found.repeated);
        let words = match found.is_success() {
            true => String::new(),
            false => self.words(&String::from_utf8_lossy(&found.body)),
        };
        let answer = Answer { status, location, words, body: found.body, repeated };
        if passing {
            let asks = wait.map(|w| format!(", and asks to wait {} s", w.as_secs())).unwrap_or_default();
            let said = answer.said();
            return Err(unavailable(format!("answered with status {status}{said}{asks} {}", tried(tries))));
        }
        Ok(answer)
    }

    /// Words that a service chose: one line, cut, and none that repeat what a service was shown.
    pub(in crate::sign) fn words(&self, text: &str) -> String {
        self.http.harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "), WORDS)
    }

    /// The same error, harmless where it quotes an answer.
    pub(in crate::sign) fn harmless(&self, mut e: SignError) -> SignError {
        match &mut e {
            SignError::Answer { found: quoted, .. }
            | SignError::Token { cause: quoted, .. }
            | SignError::Unavailable { cause: quoted, .. } => *quoted = self.http.harmless(quoted, QUOTED),
            SignError::Refused { detail, .. } => {
                let words = self.http.harmless(detail, QUOTED);
                *detail = if words == CONCEALED { format!(": {words}") } else { words };
            }
            _ => {}
        }
        e
    }
}

impl Answer {
    /// The body of a success.
    ///
    /// # Errors
    /// [`SignError::Refused`] with the status and the service's own words.
    pub(in crate::sign) fn success(self, service: &str) -> Result<Vec<u8>, SignError> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        Err(SignError::Refused { service: service.to_owned(), status: self.status, detail: self.said() })
    }

    /// The body in words, with a leading `: `; or empty.
    pub(in crate::sign) fn said(&self) -> String {
        if self.words.is_empty() { String::new() } else { format!(": {}", self.words) }
    }
}
