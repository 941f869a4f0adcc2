//! A witness at an address.

use super::{Witness, WitnessAnswer};
use crate::model::limits;
use crate::net::{self, HttpClient, NetError, Request, Settings, Tries};
use crate::seam::BoxFuture;
use reqwest::{Method, Url};
use std::time::Duration;

/// How often a witness is asked where it does not answer.
const TRIES: usize = 3;
/// Characters of a witness's own words that are shown.
const WORDS: usize = 200;

/// A witness that is asked over HTTP.
#[derive(Clone, Debug)]
pub struct HttpWitness {
    url: Result<Url, String>,
    client: HttpClient,
    patience: Duration,
}

impl HttpWitness {
    /// The witness whose submission prefix is `url`, as a policy has it; each question may take `patience`.
    #[must_use]
    pub fn new(url: &str, patience: Duration) -> Self {
        let url = Url::parse(&format!("{}/add-checkpoint", url.trim_end_matches('/')));
        let url = url.map_err(|e| format!("it has no usable address: {e}"));
        Self { url, client: HttpClient::new(Settings::default()), patience }
    }

    async fn post(&self, body: &str) -> Result<WitnessAnswer, String> {
        let mut request = Request::get(self.url.clone()?, limits::NOTE_BYTES, net::deadline(self.patience));
        (request.method, request.body) = (Method::POST, Some(("text/plain; charset=utf-8", body.as_bytes())));
        // Asked again with the same body, a witness says what it said, or which size it saw meanwhile.
        request.tries = Tries::Busy(TRIES);
        let answer = self.client.ask(&request).await.map_err(|e| match e {
            NetError::Late { .. } => format!("no answer within {} s", self.patience.as_secs_f32()),
            e => self.client.harmless(&e.to_string(), WORDS),
        })?;
        let text = String::from_utf8_lossy(&answer.body);
        let words = self.client.harmless(&text.split_whitespace().collect::<Vec<_>>().join(" "), WORDS);
        Ok(WitnessAnswer { status: answer.status, body: answer.body, words })
    }
}

impl Witness for HttpWitness {
    fn add_checkpoint<'a>(&'a self, body: &'a str) -> BoxFuture<'a, Result<WitnessAnswer, String>> {
        Box::pin(self.post(body))
    }
}
