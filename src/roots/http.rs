//! Reading what services of a Sigstore say about themselves: bounded, with a deadline, tried again where that helps.

use crate::model::Code;
use crate::model::code::codes;
use crate::net::{self, HttpClient, Redirects, Request, Settings, Tries};
use reqwest::Url;
use std::time::Duration;

/// How often a question is asked at most.
const TRIES: usize = 3;

/// Why a service did not answer as it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{url}: {cause}")]
pub struct HttpError {
    /// What was asked.
    pub url: String,
    /// Refused, timed out, a name that does not resolve, a status, too many bytes, a redirect that is not followed.
    pub cause: String,
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
    client: HttpClient,
    patience: Duration,
}

impl Http {
    /// A client that gives each question `patience`, with its retries.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { client: HttpClient::new(Settings::default()), patience }
    }

    /// At most `limit` bytes of what is there; `None` where there is nothing.
    ///
    /// # Errors
    /// [`HttpError`] after three attempts, or where it sends to what may not be asked.
    pub async fn get(&self, url: &str, limit: u64) -> Result<Option<Vec<u8>>, HttpError> {
        let error = |cause: String| HttpError { url: url.to_owned(), cause };
        let parsed = Url::parse(url).map_err(|e| error(e.to_string()))?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut request = Request::get(parsed, limit, net::deadline(self.patience));
        (request.redirects, request.tries) = (Redirects::Followed, Tries::Busy(TRIES));
        let answer = self.client.ask(&request).await.map_err(|e| error(e.to_string()))?;
        match answer.status {
            // Object stores say 403 of what they do not have.
            403 | 404 => Ok(None),
            _ if answer.is_success() => Ok(Some(answer.body)),
            status => Err(error(format!("answered {status}"))),
        }
    }
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
            let http = Http::new(Duration::from_secs(2));
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
