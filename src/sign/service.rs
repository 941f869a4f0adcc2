//! Questions to services that sign or witness: bounded, with a deadline, and with errors that name the service, what
//! happened and how often it was tried.

use super::SignError;
use crate::net::{self, HttpClient, NetError, Request, Settings, Tries};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use std::time::Duration;

/// How often a question is asked at most.
const TRIES: usize = 4;

/// The client that all services share.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    http: HttpClient,
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
    /// The body.
    pub(super) body: Vec<u8>,
    /// Whether the body repeats a secret of the question.
    pub(super) concealed: bool,
    /// Whether an earlier try may have reached the service without its answer reaching us.
    pub(super) repeated: bool,
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
    pub(super) async fn ask(&self, question: &Question<'_>) -> Result<Answer, SignError> {
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
        let secrets = [question.secret, question.bearer.unwrap_or_default()];
        let concealed = secrets.iter().any(|secret| repeats(&found.body, secret));
        let (status, repeated) = (found.status, found.repeated);
        let answer = Answer { status, location, body: found.body, concealed, repeated };
        if passing {
            let asks = wait.map(|w| format!(", and asks to wait {} s", w.as_secs())).unwrap_or_default();
            let said = answer.said();
            return Err(unavailable(format!("answered with status {status}{said}{asks} {}", tried(tries))));
        }
        Ok(answer)
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
