//! The loopback address that a browser is sent back to (RFC 8252 section 7.3). Anybody on this machine, and any page in a
//! browser on it, can call it; what is not the answer to this login is refused and waited past.

use super::super::SignError;
use super::provider::shown;
use crate::model::limits;
use crate::sign::sigstore::url;
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// The path that issuers know for Sigstore's clients.
const PATH: &str = "/auth/callback";

/// A listener that nobody has answered yet.
pub(super) struct Callback {
    listener: TcpListener,
    port: u16,
}

/// What an answer must be.
pub(super) struct Expected {
    /// `state` of this login.
    pub(super) state: String,
    /// The issuer, where the answer names one (RFC 9207).
    pub(super) issuer: String,
}

/// The answer to this login.
pub(super) enum Outcome {
    /// A code for a token.
    Code(Zeroizing<String>),
    /// The issuer's or the person's no, with its description.
    Denied(String, String),
}

/// What one connection brought.
pub(super) enum Visit {
    Answer(Outcome),
    /// An answer to another login.
    Stranger,
    /// Nothing to do with a login.
    Nothing,
}

impl Callback {
    /// Listens on a port of the loopback address.
    pub(super) async fn listen() -> Result<Self, SignError> {
        let failed = |e: std::io::Error| SignError::Failed { cause: format!("cannot listen on 127.0.0.1: {e}") };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        Ok(Self { listener, port })
    }

    /// The address as issuers know it: they take any port of `localhost`.
    pub(super) fn redirect(&self) -> String {
        format!("http://localhost:{}{PATH}", self.port)
    }

    /// Waits for the answer, and counts those to other logins.
    pub(super) async fn wait(self, expected: &Expected, patience: Duration) -> (Option<Outcome>, usize) {
        let mut strangers = 0;
        let mut visits = FuturesUnordered::new();
        let end = sleep(patience);
        tokio::pin!(end);
        loop {
            tokio::select! {
                () = &mut end => return (None, strangers),
                Some(visit) = visits.next(), if !visits.is_empty() => match visit {
                    Visit::Answer(outcome) => return (Some(outcome), strangers),
                    Visit::Stranger => strangers += 1,
                    Visit::Nothing => {}
                },
                accepted = self.listener.accept(), if visits.len() < limits::CALLBACK_CONNECTIONS => {
                    if let Ok((stream, _)) = accepted {
                        visits.push(self.visit(stream, expected));
                    } else {
                        // Too many open files, most likely: not at full speed.
                        sleep(Duration::from_millis(50)).await;
                    }
                }
            }
        }
    }

    /// One connection, which may be silent, slow, or no browser at all.
    async fn visit(&self, mut stream: TcpStream, expected: &Expected) -> Visit {
        let patience = Duration::from_secs(limits::CALLBACK_SECONDS);
        let Ok(Some(head)) = timeout(patience, head(&mut stream)).await else { return Visit::Nothing };
        let visit = judge(&head, self.port, expected);
        let (status, text) = match &visit {
            Visit::Answer(Outcome::Code(_)) => ("200 OK", "The answer has arrived: this page can be closed."),
            Visit::Answer(Outcome::Denied(..)) => ("200 OK", "The login was refused: this page can be closed."),
            Visit::Stranger => ("400 Bad Request", "This is not the login that attest began: nothing was done."),
            Visit::Nothing => ("404 Not Found", "There is nothing here."),
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
             x-content-type-options: nosniff\r\ncache-control: no-store\r\nreferrer-policy: no-referrer\r\n\
             connection: close\r\n\r\n{text}\n",
            text.len() + 1
        );
        // Whether the browser reads it changes nothing.
        let _ = timeout(Duration::from_secs(1), async {
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        })
        .await;
        visit
    }
}

/// Whether the head of a request is the answer to this login.
pub(super) fn judge(head: &str, port: u16, expected: &Expected) -> Visit {
    let mut lines = head.lines();
    let request: Vec<&str> = lines.next().unwrap_or_default().split(' ').collect();
    let ["GET", target, "HTTP/1.1" | "HTTP/1.0"] = request[..] else { return Visit::Nothing };
    // A page that had its own name point here would come with that name.
    let host = lines.filter_map(|l| l.split_once(':')).filter(|(name, _)| name.eq_ignore_ascii_case("host"));
    let hosts: Vec<&str> = host.map(|(_, value)| value.trim()).collect();
    let ours = [format!("localhost:{}", port), format!("127.0.0.1:{}", port)];
    if hosts.len() != 1 || !ours.iter().any(|h| h == hosts[0]) {
        return Visit::Nothing;
    }
    let Some((path, parameters)) = url::request_target(target) else { return Visit::Nothing };
    if path != PATH {
        return Visit::Nothing;
    }
    let get = |name: &str| parameters.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str());
    if get("state") != Some(&expected.state) || get("iss").is_some_and(|i| i != expected.issuer) {
        return Visit::Stranger;
    }
    match (get("code"), get("error")) {
        (Some(code), None) if !code.is_empty() => Visit::Answer(Outcome::Code(Zeroizing::new(code.to_owned()))),
        (None, Some(error)) => {
            let description = shown(get("error_description").unwrap_or_default());
            Visit::Answer(Outcome::Denied(shown(error), description))
        }
        _ => Visit::Stranger,
    }
}

/// The head of a request; none for one that is too long or breaks off.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 1024];
    while !bytes.windows(4).any(|w| w == b"\r\n\r\n") {
        let n = stream.read(&mut buffer).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        if bytes.len() > limits::CALLBACK_BYTES {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}
