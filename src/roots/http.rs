//! Reading what services of a Sigstore say about themselves: bounded, with a deadline, tried again where that helps.

use crate::model::Code;
use crate::model::code::codes;
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

codes! {
    /// Codes of [`HttpError`].
    CODES;
    pub TRUST_SERVICE_UNAVAILABLE = "trust-service-unavailable", [Operator],
        "a service of a private instance did not give its key or chain",
        "check the URL and the network; or fetch its key or chain yourself and pass URL,FILE";
}

impl HttpError {
    /// Codes of this error.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        TRUST_SERVICE_UNAVAILABLE
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

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Asks a server that answers each connection in turn with one of `answers`.
    fn ask(answers: &[&str], limit: u64) -> (Result<Option<Vec<u8>>, HttpError>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/x", listener.local_addr().unwrap());
            let asked = std::cell::Cell::new(0);
            let serve = async {
                for answer in answers {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    asked.set(asked.get() + 1);
                    let _ = stream.read(&mut [0; 4096]).await;
                    let _ = stream.write_all(answer.as_bytes()).await;
                }
                std::future::pending::<()>().await;
            };
            let http = Http::new(Duration::from_secs(2)).unwrap();
            tokio::select! {
                found = http.get(&url, limit) => (found, asked.get()),
                () = serve => unreachable!(),
            }
        })
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const GONE: &str = "HTTP/1.1 404 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    const WRONG: &str = "HTTP/1.1 400 Wrong\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    #[test]
    fn an_answer_is_what_is_there_or_nothing() {
        assert_eq!(ask(&[GOOD], 4), (Ok(Some(b"good".to_vec())), 1));
        assert_eq!(ask(&[GONE], 4), (Ok(None), 1));
        let (found, asked) = ask(&[GOOD], 3);
        assert_eq!((found.unwrap_err().cause.as_str(), asked), ("expected at most 3 bytes, found more", 1));
    }

    #[test]
    fn what_may_pass_is_asked_again_and_nothing_else() {
        assert_eq!(ask(&[BUSY, BUSY, GOOD], 4), (Ok(Some(b"good".to_vec())), 3));
        let (found, asked) = ask(&[BUSY, BUSY, BUSY, GOOD], 4);
        assert_eq!((found.unwrap_err().cause.contains("503"), asked), (true, 3));
        assert_eq!(ask(&[WRONG, GOOD], 4).1, 1);
    }
}
