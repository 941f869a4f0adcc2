//! Reading what services of a Sigstore say about themselves: bounded, with a deadline, tried again where that helps.

use crate::model::Code;
use backon::{ExponentialBuilder, Retryable as _};
use reqwest::{Client, ClientBuilder, StatusCode, Url};
use std::sync::Arc;
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);

/// Why a service did not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {cause}")]
pub struct HttpError {
    /// What was asked.
    pub url: String,
    /// Refused, timed out, a name that does not resolve, a status, too many bytes.
    pub cause: String,
    /// Whether asking again may help.
    again: bool,
}

impl HttpError {
    /// Codes of this error.
    pub const CODES: &'static [Code] = &[Code::new("trust-service-unavailable")];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        Self::CODES[0]
    }
}

/// The client of all of them.
#[derive(Clone, Debug)]
pub struct Http {
    client: Client,
}

impl Http {
    /// A client that gives each request `patience`.
    ///
    /// # Errors
    /// [`HttpError`] where no TLS can be had.
    pub fn new(patience: Duration) -> Result<Self, HttpError> {
        let base = || {
            Client::builder()
                .user_agent(concat!("attest/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(CONNECT)
                .timeout(patience)
        };
        let client = base().build().or_else(|_| with_embedded_certificates(base()));
        let failed = |cause: String| HttpError { url: "TLS".into(), cause, again: false };
        Ok(Self { client: client.map_err(|e| failed(words(&e)))? })
    }

    /// At most `limit` bytes of what is there; `None` where there is nothing.
    ///
    /// # Errors
    /// [`HttpError`] after three attempts.
    pub async fn get(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(300)).with_max_times(2);
        (|| self.once(url, limit)).retry(pauses.with_jitter()).when(|e| e.again).await
    }

    async fn once(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let error = |cause: String, again| HttpError { url: url.to_owned(), cause, again };
        let parsed = Url::parse(url).map_err(|e| error(e.to_string(), false))?;
        let broken = |e: reqwest::Error| error(words(&e), e.is_connect() || e.is_timeout() || e.is_body());
        let mut response = self.client.get(parsed).send().await.map_err(broken)?;
        let status = response.status();
        // Object stores say 403 of what they do not have.
        if [StatusCode::NOT_FOUND, StatusCode::FORBIDDEN].contains(&status) {
            return Ok(None);
        }
        if !status.is_success() {
            let again = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            return Err(error(format!("answered {status}"), again));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if (bytes.len() + chunk.len()) as u64 > limit {
                return Err(error(format!("expected at most {limit} bytes, found more"), false));
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }
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

/// What went wrong, down to the cause: the outermost words only say that a request failed.
fn words(e: &reqwest::Error) -> String {
    if e.is_timeout() {
        return "timed out".into();
    }
    let mut innermost: &dyn std::error::Error = e;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let kind = if e.is_connect() { "cannot connect" } else { "the answer broke off" };
    format!("{kind}: {innermost}")
}
