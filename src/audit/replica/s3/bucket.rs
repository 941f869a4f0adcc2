#![expect(clippy::disallowed_methods, reason = "back end: requests to a bucket carry the time at which they are made")]
//! [`Bucket`]: the requests. Which answer is which.

use super::answer::{self, Page};
use super::place::Place;
use super::sign::{Credentials, authorization, encoded, times};
use crate::audit::replica::ReplicaError;
use crate::model::digest::hex;
use crate::model::{Timestamp, limits};
use crate::net::{Answer, HttpClient, Redirects, Request, Settings, Tries, deadline};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Characters of a server's words.
const SHOWN: usize = 240;

/// A bucket, and who comes.
pub(super) struct Bucket {
    pub(super) place: Place,
    credentials: Credentials,
    client: HttpClient,
    patience: Duration,
}

/// What came of putting an object where none was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Put {
    /// It is there now, as this version; none where the server keeps none.
    Made(Option<String>),
    /// One was there.
    There,
}

/// A request that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: u16,
    /// The server's code, like `AccessDenied`; empty where it said none.
    pub(super) code: String,
    /// Code and words, fit to be shown.
    pub(super) said: String,
}

impl Refused {
    /// Whether these credentials may not.
    pub(super) fn is_denied(&self) -> bool {
        self.status == 403
            && !["SignatureDoesNotMatch", "InvalidAccessKeyId", "RequestTimeTooSkewed"].contains(&&*self.code)
    }
}

/// A request as it is made.
struct Ask<'a> {
    method: Method,
    key: &'a str,
    query: &'a [(&'a str, &'a str)],
    headers: Vec<(&'static str, String)>,
    body: Option<&'a [u8]>,
    limit: usize,
}

impl<'a> Ask<'a> {
    fn of(method: Method, key: &'a str, query: &'a [(&'a str, &'a str)]) -> Self {
        Self { method, key, query, headers: Vec::new(), body: None, limit: limits::BUCKET_LIST_BYTES }
    }
}

impl Ask<'_> {
    /// Says the sum of the body, without which nothing is locked. Some servers look for the name of the sum alone.
    fn sum_of(&mut self, bytes: &[u8]) {
        self.headers.push(("x-amz-checksum-sha256", STANDARD.encode(Sha256::digest(bytes))));
        self.headers.push(("x-amz-sdk-checksum-algorithm", "SHA256".to_owned()));
    }
}

impl Bucket {
    pub(super) fn new(place: Place, credentials: Credentials, patience: Duration) -> Self {
        Self { place, credentials, client: HttpClient::new(Settings::default()), patience }
    }

    pub(super) fn unusable(&self, cause: impl Into<String>) -> ReplicaError {
        ReplicaError::Unusable { place: self.place.name.clone(), cause: cause.into() }
    }

    /// The present: how long something is locked is counted from it.
    pub(super) fn now() -> Timestamp {
        Timestamp::from(chrono::DateTime::from(std::time::SystemTime::now()))
    }

    /// Puts an object where none is, locked until a time, so that nobody can delete it before.
    pub(super) async fn put(
        &self,
        key: &str,
        bytes: &[u8],
        until: Option<Timestamp>,
    ) -> Result<Result<Put, Refused>, ReplicaError> {
        let mut ask = Ask::of(Method::PUT, key, &[]);
        ask.body = Some(bytes);
        ask.headers.push(("if-none-match", "*".to_owned()));
        ask.sum_of(bytes);
        if let Some(until) = until {
            ask.headers.push(("x-amz-object-lock-mode", "COMPLIANCE".to_owned()));
            ask.headers.push(("x-amz-object-lock-retain-until-date", until.to_string()));
        }
        let answer = self.ask(&ask).await?;
        if answer.status == 412 || answer.status == 409 && refused_as(&answer, "ConditionalRequestConflict") {
            return Ok(Ok(Put::There));
        }
        let version = |answer: &Answer| answer.header("x-amz-version-id").filter(|id| *id != "null").map(str::to_owned);
        Ok(self.judged(&answer).map(|()| Put::Made(version(&answer))))
    }

    /// The bytes of a version; none where there is none.
    pub(super) async fn get(
        &self,
        key: &str,
        version: &str,
        limit: usize,
    ) -> Result<Result<Option<Vec<u8>>, Refused>, ReplicaError> {
        let query = [("versionId", version)];
        let answer = self.ask(&Ask { limit, ..Ask::of(Method::GET, key, &query) }).await?;
        if answer.status == 404 && !refused_as(&answer, "NoSuchBucket") {
            return Ok(Ok(None));
        }
        Ok(self.judged(&answer).map(|()| Some(answer.body)))
    }

    /// A page of all versions of the objects whose keys begin so, behind a key.
    pub(super) async fn versions(
        &self,
        prefix: &str,
        (after, version): (&str, &str),
    ) -> Result<Result<Page, Refused>, ReplicaError> {
        let prefix = format!("{}{prefix}", self.place.prefix);
        let mut query = vec![("versions", ""), ("prefix", &*prefix)];
        if !after.is_empty() {
            query.push(("key-marker", after));
        }
        if !version.is_empty() {
            query.push(("version-id-marker", version));
        }
        let answer = self.ask(&Ask::of(Method::GET, "", &query)).await?;
        if let Err(refused) = self.judged(&answer) {
            return Ok(Err(refused));
        }
        let page = answer::page(&answer.body).ok_or_else(|| self.unusable("its list of versions is none"))?;
        // Another prefix's keys would be read as this log's.
        let own = page.versions.iter().all(|(key, _)| key.starts_with(&prefix));
        if own { Ok(Ok(page)) } else { Err(self.unusable("its list of versions has keys that were not asked for")) }
    }

    /// Tries to delete a version, with the word that a weaker lock gives way to.
    pub(super) async fn delete(
        &self,
        key: &str,
        version: &str,
        bypass: bool,
    ) -> Result<Result<(), Refused>, ReplicaError> {
        let query = [("versionId", version)];
        let mut ask = Ask::of(Method::DELETE, key, &query);
        if bypass {
            ask.headers.push(("x-amz-bypass-governance-retention", "true".to_owned()));
        }
        Ok(self.judged(&self.ask(&ask).await?))
    }

    /// Tries to set until when a version is locked.
    pub(super) async fn lock(
        &self,
        key: &str,
        version: &str,
        until: Timestamp,
    ) -> Result<Result<(), Refused>, ReplicaError> {
        let query = [("retention", ""), ("versionId", version)];
        let body = format!(
            "<Retention xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Mode>COMPLIANCE</Mode>\
             <RetainUntilDate>{until}</RetainUntilDate></Retention>"
        );
        let mut ask = Ask::of(Method::PUT, key, &query);
        ask.sum_of(body.as_bytes());
        ask.headers.push(("x-amz-bypass-governance-retention", "true".to_owned()));
        ask.body = Some(body.as_bytes());
        Ok(self.judged(&self.ask(&ask).await?))
    }

    /// Until when a version is locked so that nobody can delete it; none where it is not, or it cannot be found out.
    pub(super) async fn locked_until(&self, key: &str, version: &str) -> Result<Option<Timestamp>, ReplicaError> {
        let query = [("retention", ""), ("versionId", version)];
        let answer = self.ask(&Ask::of(Method::GET, key, &query)).await?;
        Ok(answer::retention(&answer.body).filter(|_| answer.is_success()))
    }

    /// A success, a refusal, or that the server could not answer.
    fn judged(&self, answer: &Answer) -> Result<(), Refused> {
        if answer.is_success() {
            return Ok(());
        }
        let (code, words) = answer::refusal(&answer.body).unwrap_or_default();
        let region = answer.header("x-amz-bucket-region").map(|region| format!("; the bucket is in region={region}"));
        let words = match &*code {
            "" => format!("HTTP {}", answer.status),
            _ => format!("{code}: {words}"),
        };
        let said = self.client.harmless(&format!("{words}{}", region.unwrap_or_default()), SHOWN);
        Err(Refused { status: answer.status, code, said })
    }

    async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, ReplicaError> {
        let mut url = self.place.url(ask.key);
        if !ask.query.is_empty() {
            let query: Vec<_> = ask.query.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            url.set_query(Some(&query.join("&")));
        }
        let now = Self::now();
        let hash = hex(&Sha256::digest(ask.body.unwrap_or_default()));
        let mut headers = ask.headers.clone();
        headers.push(("x-amz-content-sha256", hash.clone()));
        headers.push(("x-amz-date", times(now).0));
        headers.extend(self.credentials.token.clone().map(|token| ("x-amz-security-token", token)));
        headers.sort();
        let who = (&self.credentials, &*self.place.region);
        let signature = authorization(who, (ask.method.as_str(), &url), &headers, (&hash, now));
        let value = |text: &str| HeaderValue::from_str(text).map_err(|_| self.unusable("its credentials are no text"));
        let mut sent = HeaderMap::new();
        for (name, text) in &headers {
            let mut value = value(text)?;
            value.set_sensitive(*name == "x-amz-security-token");
            sent.insert(HeaderName::from_static(name), value);
        }
        let mut signed = value(&signature)?;
        signed.set_sensitive(true);
        sent.insert(AUTHORIZATION, signed);
        // The rest of that header is public, and has words like `request`, which each refusal has.
        let secret = signature.rsplit_once('=').map(|(_, secret)| secret);
        let withheld: Vec<&str> = self.credentials.token.as_deref().into_iter().chain(secret).collect();
        let request = Request {
            method: ask.method.clone(),
            headers: sent,
            body: ask.body.map(|bytes| ("application/octet-stream", bytes)),
            withheld: &withheld,
            redirects: Redirects::Returned,
            tries: Tries::Busy(limits::BUCKET_TRIES),
            ..Request::get(url, ask.limit, deadline(self.patience))
        };
        self.client.ask(&request).await.map_err(|e| self.unusable(e.to_string()))
    }
}

fn refused_as(answer: &Answer, code: &str) -> bool {
    answer::refusal(&answer.body).is_some_and(|(found, _)| found == code)
}
