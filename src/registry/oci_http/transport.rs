//! One request and its answer: retries, redirects, the limit on the body, and who may see the credentials.

use super::answer::{Answer, tried};
use super::auth::{Auth, Scope, Secret};
use super::client::Clients;
use super::retry;
use crate::model::limits;
use crate::registry::RegistryError;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Method, Response, Url};
use std::error::Error as _;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{self, Instant};

/// How long a registry that may speak plain HTTP is given to answer over TLS.
const FIND_SCHEME: Duration = Duration::from_secs(5);

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    /// What is asked, in words, for errors.
    pub(super) what: &'a str,
    pub(super) accept: &'a str,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<(&'a str, &'a [u8])>,
    pub(super) scope: Scope,
    /// Bytes of a successful answer's body.
    pub(super) limit: usize,
    /// Whether another try is harmless. Writing back what was read before is not: it may be stale by then.
    pub(super) repeatable: bool,
    /// Whether a redirect of a reading request is followed.
    pub(super) redirects: bool,
    pub(super) deadline: Instant,
}

impl<'a> Ask<'a> {
    /// A reading request.
    pub(super) fn get(url: Url, what: &'a str, accept: &'a str, limit: usize, deadline: Instant) -> Self {
        let (method, headers, body) = (Method::GET, Vec::new(), None);
        let (scope, repeatable, redirects) = (Scope::Pull, true, true);
        Self { method, url, what, accept, headers, body, scope, limit, repeatable, redirects, deadline }
    }

    /// Asks for the headers only.
    pub(super) fn head(url: Url, what: &'a str, accept: &'a str, deadline: Instant) -> Self {
        Self { method: Method::HEAD, ..Self::get(url, what, accept, 0, deadline) }
    }

    /// A writing request; whatever is answered is not read.
    pub(super) fn write(method: Method, url: Url, what: &'a str, deadline: Instant) -> Self {
        let base = Self::get(url, what, "*/*", limits::ERROR_BODY_BYTES, deadline);
        Self { method, scope: Scope::Push, ..base }
    }
}

/// Carries requests to one registry.
pub(super) struct Transport {
    /// The repository in words.
    pub(super) place: String,
    /// Host and port.
    host: String,
    allow_http: bool,
    /// Scheme, host and port, once known: with `allow_http` a first request finds out.
    base: OnceCell<Url>,
    clients: Clients,
    auth: Auth,
}

/// Why one try failed.
enum Failure {
    /// Another try may end otherwise.
    Passing(String),
    /// It will not.
    Final(RegistryError),
}

impl Transport {
    pub(super) fn new(
        place: String,
        host: String,
        allow_http: bool,
        ca_pem: Option<Vec<u8>>,
        auth: Auth,
    ) -> Result<Self, RegistryError> {
        let loopback = is_loopback(&host);
        // With a CA of its own, a loopback registry is one that speaks TLS.
        let known = match (loopback, allow_http) {
            (true, _) if ca_pem.is_none() => Some("http"),
            (false, true) => None,
            _ => Some("https"),
        };
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/v2/")).ok().filter(|u| u.host_str().is_some()).ok_or_else(|| {
                let cause = format!("`{host}` is not a host name with an optional port");
                RegistryError::Configuration { place: place.clone(), cause }
            })
        };
        let checked = parse(known.unwrap_or("https"))?;
        let base = OnceCell::new_with(known.map(|_| checked));
        Ok(Self { base, clients: Clients::new(ca_pem, loopback), place, host, allow_http, auth })
    }

    /// The registry's `/v2/` and what follows it.
    pub(super) async fn url(&self, path: &str, deadline: Instant) -> Result<Url, RegistryError> {
        let base = self.base.get_or_try_init(|| self.find_scheme(deadline)).await?;
        base.join(path).map_err(|e| self.malformed("the URL of a request", e.to_string()))
    }

    /// HTTPS when anything answers there, plain HTTP otherwise. Only asked when the user allowed plain HTTP; no
    /// credential is sent.
    async fn find_scheme(&self, deadline: Instant) -> Result<Url, RegistryError> {
        let what = "asking for its protocol";
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{}/v2/", self.host)).map_err(|e| self.malformed(what, e.to_string()))
        };
        let secure = parse("https")?;
        let ask = Ask::get(secure.clone(), what, "*/*", limits::ERROR_BODY_BYTES, deadline);
        let patience = deadline.min(Instant::now() + FIND_SCHEME);
        match time::timeout_at(patience, self.one(&ask, None)).await {
            Ok(Ok(_) | Err(Failure::Final(RegistryError::Malformed { .. } | RegistryError::TooLarge { .. }))) => {
                Ok(secure)
            }
            Err(_) | Ok(Err(Failure::Passing(_))) => parse("http"),
            Ok(Err(Failure::Final(e))) => Err(e),
        }
    }

    /// Whether credentials of this registry may go to a URL.
    fn is_own(&self, url: &Url) -> bool {
        self.base.get().is_some_and(|b| b.origin() == url.origin())
    }

    /// Whether a URL that the registry named may be asked at all.
    pub(super) fn may_ask(&self, from: &Url, to: &Url) -> bool {
        match to.scheme() {
            "https" => true,
            "http" => from.scheme() == "http" && (self.allow_http || to.host_str().is_some_and(is_loopback)),
            _ => false,
        }
    }

    /// Whether credentials may go to a token service: over TLS, or on the same plain-HTTP host as the registry itself.
    pub(super) fn may_trust_realm(&self, realm: &Url) -> bool {
        let plain = |base: &Url| {
            let loopback = |u: &Url| u.host_str().is_some_and(is_loopback);
            base.scheme() == "http" && (base.host_str() == realm.host_str() || (loopback(base) && loopback(realm)))
        };
        match realm.scheme() {
            "https" => true,
            "http" => self.base.get().is_some_and(plain),
            _ => false,
        }
    }

    /// Sends a request, with credentials if the registry asks for them, and gives back its last answer whatever the
    /// status. A 401 is answered once with the cached or a new token, and once more if that was an old one.
    pub(super) async fn send(&self, ask: &Ask<'_>) -> Result<Answer, RegistryError> {
        if !self.is_own(&ask.url) {
            return self.tries(ask, None).await;
        }
        let mut secret = self.auth.known(ask.scope).await;
        for _ in 0..2 {
            let answer = self.tries(ask, secret.as_ref()).await?;
            if answer.status != 401 {
                return Ok(answer);
            }
            let had = secret.is_some();
            match self.auth.answer(self, &answer, ask.scope, secret.as_ref(), ask.deadline).await? {
                Some(new) => secret = Some(new),
                None => return Ok(answer),
            }
            if !had {
                // The first token of this scope: a refusal of it is final.
                return self.tries(ask, secret.as_ref()).await;
            }
        }
        self.tries(ask, secret.as_ref()).await
    }

    /// Sends a request as often as is useful and allowed.
    pub(super) async fn tries(&self, ask: &Ask<'_>, secret: Option<&Secret>) -> Result<Answer, RegistryError> {
        let mut delays = retry::delays();
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match time::timeout_at(ask.deadline, self.one(ask, secret)).await {
                Ok(o) => o,
                Err(_) => return Err(self.unreachable(ask.what, "no answer within the time allowed", tries)),
            };
            let due = delays.next().filter(|_| ask.repeatable);
            let (result, asked) = match outcome {
                Err(Failure::Final(e)) => return Err(e),
                Err(Failure::Passing(cause)) => (Err(self.unreachable(ask.what, &cause, tries)), None),
                Ok(mut answer) => {
                    answer.tries = tries;
                    if !retry::is_transient(answer.status) {
                        return Ok(answer);
                    }
                    let asked = answer.header(RETRY_AFTER).and_then(retry::retry_after);
                    (Ok(answer), asked)
                }
            };
            match due.map(|d| retry::wait(asked, d)) {
                Some(wait) if Instant::now() + wait < ask.deadline => time::sleep(wait).await,
                _ => return result,
            }
        }
    }

    /// One try, with its redirects.
    async fn one(&self, ask: &Ask<'_>, secret: Option<&Secret>) -> Result<Answer, Failure> {
        let mut url = ask.url.clone();
        for _ in 0..=limits::REDIRECTS {
            let response = self.exchange(ask, &url, secret).await?;
            let status = response.status().as_u16();
            let follow = ask.redirects && [Method::GET, Method::HEAD].contains(&ask.method);
            if !(matches!(status, 301 | 302 | 303 | 307 | 308) && follow) {
                return self.read(ask, url, response).await;
            }
            let target = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
            let target = target.and_then(|l| url.join(l).ok());
            let target =
                target.ok_or_else(|| Failure::Final(self.malformed(ask.what, "a redirect without a usable target")))?;
            if !self.may_ask(&url, &target) {
                let cause = format!("a redirect to {}, which is not HTTPS", origin(&target));
                return Err(Failure::Final(self.malformed(ask.what, cause)));
            }
            url = target;
        }
        let cause = format!("more than {} redirects", limits::REDIRECTS);
        Err(Failure::Final(self.malformed(ask.what, cause)))
    }

    async fn exchange(&self, ask: &Ask<'_>, url: &Url, secret: Option<&Secret>) -> Result<Response, Failure> {
        let client = self
            .clients
            .get(url.scheme())
            .map_err(|cause| Failure::Final(RegistryError::Configuration { place: self.place.clone(), cause }))?;
        let mut request = client.request(ask.method.clone(), url.clone()).header(ACCEPT, ask.accept);
        for (name, value) in &ask.headers {
            request = request.header(name, value);
        }
        // Asked of every hop anew: what a registry redirects to is another party. A token service is asked with the
        // header of its own, in `ask.headers`, and its redirects are refused.
        if let Some(secret) = secret.filter(|_| self.is_own(url)) {
            let mut value = HeaderValue::from_str(secret)
                .map_err(|_| Failure::Final(self.malformed(ask.what, "a token that fits no header")))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some((media_type, bytes)) = ask.body {
            request = request.header(CONTENT_TYPE, media_type).body(bytes.to_vec());
        }
        request.send().await.map_err(|e| Failure::Passing(describe(e)))
    }

    /// Reads a body up to its limit: a refusal's is cut there, a success's over it is an error.
    async fn read(&self, ask: &Ask<'_>, url: Url, mut response: Response) -> Result<Answer, Failure> {
        let status = response.status();
        let limit = if status.is_success() { ask.limit } else { limits::ERROR_BODY_BYTES };
        let headers = response.headers().clone();
        let too_large = || {
            let what = format!("{} (bytes)", ask.what);
            Failure::Final(RegistryError::TooLarge { place: self.place.clone(), what, limit })
        };
        let mut body = Vec::new();
        if ask.method != Method::HEAD {
            let length = response.content_length().and_then(|l| usize::try_from(l).ok()).unwrap_or(0);
            if length > limit && status.is_success() {
                return Err(too_large());
            }
            body.reserve_exact(length.min(limit));
            while let Some(chunk) = response.chunk().await.map_err(|e| Failure::Passing(describe(e)))? {
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
        Ok(Answer { status: status.as_u16(), headers, url, body, tries: 1 })
    }

    /// The error of an answer that is not one of the expected.
    pub(super) async fn refused(&self, ask_what: &str, answer: &Answer, scope: Scope) -> RegistryError {
        let secret = self.auth.known(scope).await;
        // Without the scheme's word, so that a token is found alone too.
        let token = secret.as_ref().and_then(|s| s.split_once(' ')).map(|(_, t)| t);
        answer.refused(&self.place, ask_what, token)
    }

    pub(super) fn malformed(&self, what: &str, cause: impl Into<String>) -> RegistryError {
        RegistryError::Malformed { place: self.place.clone(), what: what.to_owned(), cause: cause.into() }
    }

    fn unreachable(&self, what: &str, cause: &str, tries: usize) -> RegistryError {
        let cause = format!("{cause}{}", tried(tries));
        RegistryError::Unreachable { place: self.place.clone(), what: what.to_owned(), cause }
    }
}

/// Scheme, host and port: what of a foreign URL is shown, since its path and query may hold a signature.
pub(super) fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether a host, with or without a port, is this machine by its very name: nobody on a network can be it.
pub(super) fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or(v6),
        None if host.matches(':').count() > 1 => host,
        None => host.split(':').next().unwrap_or(host),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The causes of a failed exchange, without its URL.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(e) = source {
        let next = e.to_string();
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        source = e.source();
    }
    super::answer::shown(&text, 400)
}

/// The moment at which an operation that starts now has to be over.
pub(super) fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(host: &str, allow_http: bool) -> Transport {
        let store = std::sync::Arc::new(super::super::credentials::Anonymous);
        let auth = Auth::new("a".into(), host.into(), store);
        Transport::new("p".into(), host.into(), allow_http, None, auth).unwrap()
    }

    #[test]
    fn what_came_over_tls_stays_there() {
        let url = |u: &str| Url::parse(u).unwrap();
        let t = transport("r.example", true);
        assert!(t.may_ask(&url("https://r.example/"), &url("https://cdn.example/")));
        for to in ["http://r.example/", "http://127.0.0.1/", "file:///etc/passwd"] {
            assert!(!t.may_ask(&url("https://r.example/"), &url(to)), "{to}");
        }
        assert!(t.may_ask(&url("http://r.example/"), &url("http://cdn.example/")));
        let t = transport("127.0.0.1:1", false);
        assert!(t.may_ask(&url("http://127.0.0.1:1/"), &url("http://localhost:2/")));
        assert!(!t.may_ask(&url("http://127.0.0.1:1/"), &url("http://cdn.example/")));
    }

    #[test]
    fn credentials_go_to_token_services_over_tls_or_on_this_machine() {
        let url = |u: &str| Url::parse(u).unwrap();
        let t = transport("r.example", false);
        assert!(t.may_trust_realm(&url("https://auth.example/token")));
        assert!(!t.may_trust_realm(&url("http://auth.example/token")));
        assert!(!t.may_trust_realm(&url("http://r.example/token")));
        assert!(!t.may_trust_realm(&url("http://127.0.0.1/token")));
        let t = transport("127.0.0.1:1", false);
        assert!(t.may_trust_realm(&url("http://127.0.0.1:2/token")));
        assert!(!t.may_trust_realm(&url("http://auth.example/token")));
    }

    #[test]
    fn credentials_are_for_one_scheme_host_and_port() {
        let url = |u: &str| Url::parse(u).unwrap();
        let t = transport("r.example", false);
        assert!(t.is_own(&url("https://r.example/v2/")));
        assert!(t.is_own(&url("https://r.example:443/v2/")));
        for other in ["http://r.example/", "https://r.example:444/", "https://r.example.evil/", "https://x@evil/"] {
            assert!(!t.is_own(&url(other)), "{other}");
        }
    }

    #[test]
    fn only_this_machine_is_loopback() {
        for host in ["localhost", "localhost:5000", "127.0.0.1:1", "127.9.9.9", "[::1]:80", "[::1]", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.evil.example", "127.0.0.1.evil.example:80", "10.0.0.1", "[::2]", "128.0.0.1", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
