//! One question until its last answer: tries and pauses, redirects, the cap on the body, and who may see a secret.

use super::error::{NetError, in_words};
use super::reach::may_lead;
use super::request::{Answer, Redirects, Request, Tries, cap, origin};
use super::resolve::Barred;
use super::{HttpClient, Refusal, retry};
use crate::model::limits;
use reqwest::header::{CONTENT_TYPE, LOCATION};
use reqwest::{Method, Response, Url};
use rustls::CertificateError;
use std::error::Error;
use std::time::Duration;
use tokio::time::{self, Instant};

/// Characters of words that a service may have chosen.
const SHOWN: usize = 240;

/// Why one try failed.
enum Failure {
    /// Another try may end otherwise. Whether the request may have arrived all the same.
    Passing { cause: String, arrived: bool },
    /// It will not.
    Final(NetError),
}

impl HttpClient {
    /// Asks as often as is useful and allowed, and gives back the last answer whatever its status.
    ///
    /// # Errors
    /// [`NetError`].
    pub async fn ask(&self, request: &Request<'_>) -> Result<Answer, NetError> {
        match &request.led_by {
            None => {
                self.settings()
                    .typed
                    .check(&request.url)
                    .map_err(|_| NetError::Address { of: origin(&request.url) })?;
                self.gate().typed(&request.url);
            }
            Some(from) => self.may_ask(from, &request.url)?,
        }
        if let Some(secret) = request.secret.as_ref().and_then(|(_, value)| value.to_str().ok()) {
            self.sent().add_header(secret);
        }
        request.withheld.iter().for_each(|secret| self.sent().add(secret));
        let most = match request.tries {
            Tries::Once => 1,
            Tries::Failures(n) | Tries::Busy(n) => n,
        };
        let mut delays = retry::delays(most);
        let (mut tries, mut repeated) = (0, false);
        loop {
            tries += 1;
            let outcome = time::timeout_at(request.deadline, self.one(request)).await;
            let (result, asked) = match outcome.unwrap_or(Err(Failure::Final(NetError::Late { tries }))) {
                Err(Failure::Final(e)) => return Err(e),
                Err(Failure::Passing { cause, arrived }) => {
                    repeated |= arrived;
                    (Err(NetError::NoAnswer { cause, tries }), None)
                }
                Ok(answer) => {
                    let answer = Answer { tries, repeated, ..answer };
                    if !retry::is_tried_again(answer.status, request.tries) {
                        return Ok(answer);
                    }
                    let asked = answer.wait();
                    (Ok(answer), asked)
                }
            };
            match delays.next().map(|due| retry::wait(asked, due)) {
                Some(wait) if Instant::now() + wait < request.deadline => time::sleep(wait).await,
                _ => return result,
            }
        }
    }

    /// Whether a server speaks TLS, by shaking hands without trusting anybody: nothing is asked, no certificate is read, and
    /// nothing is sent that anybody could want.
    ///
    /// # Errors
    /// [`NetError::Address`], and [`NetError::Setup`].
    pub async fn speaks_tls(&self, url: &Url, deadline: Instant) -> Result<bool, NetError> {
        self.settings().typed.check(url).map_err(|_| NetError::Address { of: origin(url) })?;
        self.gate().typed(url);
        let asked = self.trusting_none(url)?.head(url.clone()).send();
        match time::timeout_at(deadline, asked).await {
            Ok(Err(e)) if is_barred(&e) => Err(NetError::Address { of: origin(url) }),
            Ok(Err(e)) => Ok(is_of_tls(&e)),
            Ok(Ok(_)) => Ok(true),
            Err(_) => Ok(false),
        }
    }

    /// Whether what an answer from one URL names may be asked.
    ///
    /// # Errors
    /// [`NetError::Redirect`] says why not.
    pub fn may_ask(&self, from: &Url, to: &Url) -> Result<(), NetError> {
        let settings = self.settings();
        may_lead(from, to, settings.led, settings.plain).map_err(|why| self.redirect(to, why))
    }

    /// A service chose the host.
    fn redirect(&self, to: &Url, why: Refusal) -> NetError {
        NetError::Redirect { to: self.harmless(&origin(to), SHOWN), why }
    }

    /// One try, with its redirects.
    async fn one(&self, request: &Request<'_>) -> Result<Answer, Failure> {
        let mut url = request.url.clone();
        let follow = request.redirects == Redirects::Followed && [Method::GET, Method::HEAD].contains(&request.method);
        for _ in 0..=limits::REDIRECTS {
            let response = self.exchange(request, &url).await?;
            let status = response.status().as_u16();
            if !(matches!(status, 301 | 302 | 303 | 307 | 308) && follow) {
                return self.read(request, url, response).await;
            }
            let target = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
            let target = target.and_then(|l| url.join(l).ok()).filter(Url::has_host);
            let target = target.ok_or(Failure::Final(NetError::NoTarget))?;
            self.may_ask(&url, &target).map_err(Failure::Final)?;
            url = target;
        }
        Err(Failure::Final(self.redirect(&url, Refusal::Many)))
    }

    async fn exchange(&self, request: &Request<'_>, url: &Url) -> Result<Response, Failure> {
        let client = self.of(url).map_err(Failure::Final)?;
        let mut out = client.request(request.method.clone(), url.clone()).headers(request.headers.clone());
        // Asked of every hop anew: what a service redirects to is another party.
        if let Some((name, value)) = request.secret.as_ref().filter(|_| url.origin() == request.url.origin()) {
            let mut value = value.clone();
            value.set_sensitive(true);
            out = out.header(name, value);
        }
        if let Some((media_type, bytes)) = request.body {
            out = out.header(CONTENT_TYPE, media_type).body(bytes.to_vec());
        }
        out.send().await.map_err(|e| match is_barred(&e) {
            true if *url == request.url => Failure::Final(NetError::Address { of: origin(url) }),
            true => Failure::Final(self.redirect(url, Refusal::Address)),
            false => self.passing(&e),
        })
    }

    /// Reads a body up to its limit: a refusal's is cut there, a success's over it is an error.
    async fn read(&self, request: &Request<'_>, url: Url, mut response: Response) -> Result<Answer, Failure> {
        let status = response.status();
        let limit = cap(status.is_success(), request.limit);
        let headers = response.headers().clone();
        let too_large = || Failure::Final(NetError::TooLarge { limit });
        let mut body = Vec::new();
        if request.method != Method::HEAD {
            let length = response.content_length().and_then(|l| usize::try_from(l).ok()).unwrap_or(0);
            if length > limit && status.is_success() {
                return Err(too_large());
            }
            while let Some(chunk) = response.chunk().await.map_err(|e| self.passing(&e))? {
                let room = limit - body.len();
                if chunk.len() > room {
                    if status.is_success() {
                        return Err(too_large());
                    }
                    body.extend_from_slice(&chunk[..room]);
                    break;
                }
                body.extend_from_slice(&chunk);
            }
        }
        Ok(Answer { status: status.as_u16(), headers, url, body, tries: 1, repeated: false })
    }

    /// The words may be those of a certificate, which is the service's.
    fn passing(&self, e: &reqwest::Error) -> Failure {
        if let Some(rustls::Error::InvalidCertificate(why)) = of_tls(e) {
            // The next try is shown the same one.
            let cause = format!("its certificate is not accepted: {}", in_plain_words(why));
            return Failure::Final(NetError::NoAnswer { cause: self.harmless(&cause, SHOWN), tries: 1 });
        }
        Failure::Passing { cause: self.harmless(&in_words(e), SHOWN), arrived: !e.is_connect() }
    }
}

/// Whether it was the resolver that refused.
fn is_barred(e: &reqwest::Error) -> bool {
    let mut source = e.source();
    while let Some(inner) = source {
        if inner.is::<Barred>() {
            return true;
        }
        source = inner.source();
    }
    false
}

/// Whether the other side answered in TLS: with a certificate, a refusal or whatever else, and not in another protocol.
fn is_of_tls(e: &reqwest::Error) -> bool {
    of_tls(e).is_some_and(|e| !matches!(e, rustls::Error::InvalidMessage(_) | rustls::Error::General(_)))
}

/// What a handshake failed of.
fn of_tls(e: &reqwest::Error) -> Option<&rustls::Error> {
    let mut at = e.source();
    while let Some(inner) = at {
        // What an `io::Error` wraps is no source of it.
        let wrapped = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let wrapped = wrapped.map(|e| e as &(dyn Error + 'static));
        if let Some(e) = inner.downcast_ref::<rustls::Error>() {
            return Some(e);
        }
        at = wrapped.or_else(|| inner.source());
    }
    None
}

fn in_plain_words(e: &CertificateError) -> String {
    match e {
        CertificateError::UnknownIssuer => "no authority that is trusted here issued it".to_owned(),
        CertificateError::Other(e) if e.to_string().contains("CaUsedAsEndEntity") => {
            "it is one of an authority, or its own, and not trusted here".to_owned()
        }
        e => e.to_string(),
    }
}

/// The moment at which an operation that starts now has to be over.
#[must_use]
pub fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;
    use reqwest::header::{AUTHORIZATION, HeaderValue};
    use std::cell::RefCell;
    use std::net::IpAddr;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// Asks `host` at the port of a server on loopback; `answer` is made from that port. Says how often it was asked.
    fn ask(host: &str, answer: fn(u16, usize) -> String) -> (Result<Answer, NetError>, usize) {
        let (found, heads) = ask_with(host, |_| (), answer);
        (found, heads.len())
    }

    /// The same with a changed request; gives back what was asked.
    fn ask_with(
        host: &str,
        change: impl FnOnce(&mut Request<'_>),
        answer: fn(u16, usize) -> String,
    ) -> (Result<Answer, NetError>, Vec<String>) {
        // A name of a public host that leads to this machine, as whoever owns the name may decide.
        let resolver: fn(&str) -> Vec<IpAddr> = |_| vec![IpAddr::from([127, 0, 0, 1])];
        let client = HttpClient::new(Settings { resolver: Some(resolver), ..Settings::default() });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let asked = RefCell::new(Vec::new());
            let serve = async {
                loop {
                    let (mut stream, _) = listener.accept().await.unwrap();
                    let mut head = [0; 4096];
                    let length = stream.read(&mut head).await.unwrap_or(0);
                    let number = asked.borrow().len();
                    asked.borrow_mut().push(String::from_utf8_lossy(&head[..length]).to_lowercase());
                    let _ = stream.write_all(answer(port, number).as_bytes()).await;
                }
            };
            let url = Url::parse(&format!("http://{host}:{port}/")).unwrap();
            let mut request = Request::get(url, 4, deadline(Duration::from_secs(5)));
            request.redirects = Redirects::Followed;
            request.tries = Tries::Busy(3);
            change(&mut request);
            let found = tokio::select! {
                found = client.ask(&request) => found,
                () = serve => unreachable!(),
            };
            (found, asked.take())
        })
    }

    fn redirect(to: &str) -> String {
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    }

    const GOOD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood";
    const LONG: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nworse";
    /// Of a length that is only known at its end.
    const UNTOLD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nworse";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

    #[test]
    fn a_redirect_is_held_to_the_address_that_its_name_has() {
        // A person may name a host whose address is this machine; so may a service of this machine.
        assert_eq!(ask("typed.example", |_, _| GOOD.into()).0.unwrap().body, b"good");
        let (found, asked) =
            ask(
                "127.0.0.1",
                |port, n| {
                    if n == 0 { redirect(&format!("http://localhost:{port}/")) } else { GOOD.into() }
                },
            );
        assert_eq!((found.unwrap().body, asked), (b"good".to_vec(), 2));
        let barred = |to: &str| Err(NetError::Redirect { to: to.to_owned(), why: Refusal::Address });
        let refused = |answer: fn(u16, usize) -> String| {
            let (found, asked) = ask("typed.example", answer);
            assert_eq!(asked, 1, "what it sent to was asked");
            found.map(|a| a.status)
        };
        assert_eq!(refused(|_, _| redirect("http://led.example/")), barred("http://led.example"));
        assert_eq!(refused(|_, _| redirect("http://127.0.0.1/")), barred("http://127.0.0.1"));
        assert_eq!(refused(|_, _| redirect("https://169.254.169.254/")), barred("https://169.254.169.254"));
    }

    #[test]
    fn what_an_answer_names_is_held_to_the_rules_of_a_redirect() {
        let led = |from: &'static str| {
            let by = |request: &mut Request<'_>| request.led_by = Url::parse(from).ok();
            ask_with("127.0.0.1", by, |_, _| GOOD.into())
        };
        assert_eq!(led("http://localhost:1/").0.unwrap().body, b"good");
        for from in ["https://r.example/", "http://r.example/"] {
            let (found, asked) = led(from);
            assert!(matches!(found, Err(NetError::Redirect { .. })) && asked.is_empty(), "{from}");
        }
    }

    #[test]
    fn a_secret_is_for_one_scheme_host_and_port() {
        let secret = |answer| {
            let with = |request: &mut Request<'_>| {
                request.secret = Some((AUTHORIZATION, HeaderValue::from_static("Bearer t-71")));
            };
            let (found, asked) = ask_with("127.0.0.1", with, answer);
            assert_eq!(found.unwrap().body, b"good");
            asked.iter().map(|head| head.contains("authorization: bearer t-71")).collect::<Vec<_>>()
        };
        let same: fn(u16, usize) -> String = |_, n| if n == 0 { redirect("/other") } else { GOOD.into() };
        assert_eq!(secret(same), [true, true]);
        let other: fn(u16, usize) -> String =
            |port, n| if n == 0 { redirect(&format!("http://localhost:{port}/")) } else { GOOD.into() };
        assert_eq!(secret(other), [true, false]);
    }

    #[test]
    fn an_answer_is_whole_or_an_error() {
        for answer in [|_, _| LONG.into(), |_, _| UNTOLD.into()] as [fn(u16, usize) -> String; 2] {
            assert_eq!(ask("127.0.0.1", answer).0.unwrap_err(), NetError::TooLarge { limit: 4 });
        }
        let (found, asked) = ask("127.0.0.1", |port, _| redirect(&format!("http://127.0.0.1:{port}/again")));
        assert!(matches!(found, Err(NetError::Redirect { why: Refusal::Many, .. })));
        assert_eq!(asked, limits::REDIRECTS + 1);
    }

    #[test]
    fn what_may_pass_is_asked_again() {
        let (found, asked) = ask("127.0.0.1", |_, n| if n < 2 { BUSY } else { GOOD }.into());
        let found = found.unwrap();
        assert_eq!((found.status, found.tries, asked), (200, 3, 3));
        let (found, asked) = ask("127.0.0.1", |_, _| BUSY.into());
        assert_eq!((found.unwrap().status, asked), (503, 3));
    }
}
