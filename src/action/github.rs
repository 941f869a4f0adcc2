//! GitHub's attestations API: where `gh attestation verify` looks for bundles.

use super::ActionError;
use super::given::Given;
use super::inputs::{STORE, TOKEN};
use crate::capture::Environment;
use crate::model::{json, limits};
use crate::net::{self, HttpClient, Request, Settings, Tries};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::Value;
use std::time::Duration;

/// How often a bundle is handed over at most: one that is there twice harms nobody.
const TRIES: usize = 3;

/// The API of a repository, and what it is asked with.
pub(super) struct Store {
    url: Url,
    /// Where a person looks at what it keeps.
    page: String,
    bearer: HeaderValue,
}

impl Store {
    /// That of the job's repository, where the inputs ask for it.
    ///
    /// # Errors
    /// Where the runner names none, and where there is no token.
    pub(super) fn of_job(given: &Given, env: &Environment) -> Result<Option<Self>, ActionError> {
        if !given.stores_at_github() {
            return Ok(None);
        }
        let needed = |variable: &'static str| env.variable(variable).ok_or(ActionError::NoRunner { variable });
        let (api, server, repository) =
            (needed("GITHUB_API_URL")?, needed("GITHUB_SERVER_URL")?, needed("GITHUB_REPOSITORY")?);
        let token = given.text(TOKEN).ok_or(ActionError::Needs { one: STORE, other: TOKEN })?;
        let unusable = |cause: String| ActionError::StoreUnavailable { cause };
        let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if repository.split('/').count() != 2 || !repository.split('/').all(part) {
            return Err(unusable("GITHUB_REPOSITORY is no OWNER/NAME".into()));
        }
        let url = format!("{}/repos/{repository}/attestations", api.trim_end_matches('/'));
        let url = Url::parse(&url).map_err(|e| unusable(format!("GITHUB_API_URL: {e}")))?;
        if url.scheme() != "https" && !url.host_str().is_some_and(net::is_loopback) {
            return Err(unusable("GITHUB_API_URL: expected an address of https".into()));
        }
        let page = format!("{}/{repository}/attestations", server.trim_end_matches('/'));
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
            .map_err(|_| unusable("the token is no text of a header".into()))?;
        bearer.set_sensitive(true);
        Ok(Some(Self { url, page, bearer }))
    }

    /// Hands over bundles, one after the other. Their ids.
    ///
    /// # Errors
    /// The first that is not taken.
    pub(super) async fn keep(&self, bundles: &[u8], patience: Duration) -> Result<Vec<String>, ActionError> {
        let client = HttpClient::new(Settings::default());
        let mut ids = Vec::new();
        for bundle in bundles.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
            let body = [br#"{"bundle":"#.as_slice(), bundle, b"}"].concat();
            ids.push(self.hand_over(&client, &body, patience).await?);
        }
        Ok(ids)
    }

    async fn hand_over(&self, client: &HttpClient, body: &[u8], patience: Duration) -> Result<String, ActionError> {
        let mut request = Request::get(self.url.clone(), limits::ERROR_BODY_BYTES, net::deadline(patience));
        request.method = Method::POST;
        request.tries = Tries::Failures(TRIES);
        request.headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
        let version = HeaderName::from_static("x-github-api-version");
        request.headers.insert(version, HeaderValue::from_static("2022-11-28"));
        request.secret = Some((AUTHORIZATION, self.bearer.clone()));
        request.body = Some(("application/json", body));
        let unavailable = |cause: String| ActionError::StoreUnavailable { cause };
        let answer = client.ask(&request).await.map_err(|e| unavailable(e.to_string()))?;
        let said = json::parse(&answer.body, limits::ERROR_BODY_BYTES).unwrap_or_default();
        let words = said.get("message").and_then(Value::as_str).unwrap_or("no message");
        let words = client.harmless(words, limits::SHOWN_CHARS);
        match answer.status {
            201 => match said.get("id") {
                Some(Value::Number(id)) => Ok(id.to_string()),
                Some(Value::String(id)) if id.bytes().all(|b| b.is_ascii_alphanumeric()) => Ok(id.clone()),
                _ => Err(unavailable("its answer has no id".into())),
            },
            status @ 400..500 if status != 429 => Err(ActionError::NotStored { status, words }),
            status => Err(unavailable(format!("it answered with status {status}: {words}"))),
        }
    }

    /// Where a person sees an attestation.
    pub(super) fn page_of(&self, id: &str) -> String {
        format!("{}/{id}", self.page)
    }
}
