//! One request and its answer: how the registry is reached, who may see the credentials, and what a failure is called.

use super::answer::{refused, tried};
use super::options::HttpOptions;
use crate::model::json::JsonError;
use crate::model::limits;
use crate::net::{Answer, HttpClient, NetError, Redirects, Request, Tries, is_loopback, origin};
use crate::registry::RegistryError;
use crate::registry::listing::unreadable;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::Instant;
use zeroize::Zeroizing;

/// How often a request is tried at most.
const TRIES: usize = 4;
/// Characters of a cause that may quote an answer.
const CAUSE: usize = 400;

/// How long a registry that may speak plain HTTP is given to answer over TLS.
const FIND_SCHEME: Duration = Duration::from_secs(3);

/// The value of an `Authorization` header.
pub(super) type Secret = Arc<Zeroizing<String>>;

/// What is to be done with the repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Scope {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// A request.
pub(super) struct Ask<'a> {
    pub(super) method: Method,
    pub(super) url: Url,
    /// The address whose answer named `url`, where the user's own words did not.
    pub(super) led_by: Option<Url>,
    /// What is asked, in words, for errors.
    pub(super) what: &'a str,
    pub(super) accept: &'a str,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<(&'a str, &'a [u8])>,
    /// Parts of the body that nobody else may see.
    pub(super) withheld: &'a [&'a str],
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
        let (method, led_by, headers, body) = (Method::GET, None, HeaderMap::new(), None);
        let (withheld, scope, repeatable, redirects) = (&[][..], Scope::Pull, true, true);
        Self {
            method,
            url,
            led_by,
            what,
            accept,
            headers,
            body,
            withheld,
            scope,
            limit,
            repeatable,
            redirects,
            deadline,
        }
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
    /// Scheme, host and port, once known: where plain HTTP may be spoken, a handshake finds out.
    base: OnceCell<Url>,
    http: HttpClient,
    /// Why there are no credentials although some are configured: told with a refusal.
    lacking: OnceLock<String>,
}

impl Transport {
    pub(super) fn new(place: String, host: String, options: &HttpOptions) -> Result<Self, RegistryError> {
        let (allow_http, has_ca) = (options.allow_http, options.ca_pem.is_some());
        let may_be_plain = is_loopback(&host) || allow_http;
        // A certificate that is named is there to be used, on this machine too.
        let known = (!may_be_plain || is_loopback(&host) && has_ca).then_some("https");
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{host}/v2/")).ok().filter(|u| u.host_str().is_some()).ok_or_else(|| {
                let cause = format!("`{host}` is not a host name with an optional port");
                RegistryError::Configuration { place: place.clone(), cause }
            })
        };
        let checked = parse(known.unwrap_or("https"))?;
        let base = OnceCell::new_with(known.map(|_| checked));
        let http = options.client.clone().unwrap_or_else(|| options.client());
        Ok(Self { base, http, place, host, lacking: OnceLock::new() })
    }

    /// The registry's `/v2/` and what follows it.
    pub(super) async fn url(&self, path: &str, deadline: Instant) -> Result<Url, RegistryError> {
        let base = self.base.get_or_try_init(|| self.find_scheme(deadline)).await?;
        base.join(path).map_err(|e| self.malformed("the URL of a request", e.to_string()))
    }

    /// HTTPS where the host speaks TLS, whoever it says to be; plain HTTP otherwise. Only asked of this machine's own, and
    /// where the user allowed plain HTTP; no credential is sent. A certificate that is not trusted never leads to plain HTTP:
    /// what was meant for the registry would go in the clear to whoever shows a wrong one.
    async fn find_scheme(&self, deadline: Instant) -> Result<Url, RegistryError> {
        let what = "asking for its protocol";
        let parse = |scheme: &str| {
            Url::parse(&format!("{scheme}://{}/v2/", self.host)).map_err(|e| self.malformed(what, e.to_string()))
        };
        let secure = parse("https")?;
        let patience = deadline.min(Instant::now() + FIND_SCHEME);
        match self.http.speaks_tls(&secure, patience).await.map_err(|e| self.failed(what, e))? {
            true => Ok(secure),
            false => parse("http"),
        }
    }

    /// Whether credentials of this registry may go to a URL.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        self.base.get().is_some_and(|b| b.origin() == url.origin())
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

    /// Sends a request as often as is useful and allowed. The secret is for the scheme, host and port of its URL.
    pub(super) async fn tries(&self, ask: &Ask<'_>, secret: Option<&Secret>) -> Result<Answer, RegistryError> {
        let mut request = Request::get(ask.url.clone(), ask.limit, ask.deadline);
        request.method = ask.method.clone();
        request.led_by.clone_from(&ask.led_by);
        request.headers = ask.headers.clone();
        (request.body, request.withheld) = (ask.body, ask.withheld);
        if ask.redirects {
            request.redirects = Redirects::Followed;
        }
        if ask.repeatable {
            request.tries = Tries::Busy(TRIES);
        }
        if let Ok(accept) = HeaderValue::from_str(ask.accept) {
            request.headers.insert(ACCEPT, accept);
        }
        if let Some(secret) = secret {
            let value = HeaderValue::from_str(secret);
            let value = value.map_err(|_| self.malformed(ask.what, "credentials that fit no header"))?;
            request.secret = Some((AUTHORIZATION, value));
        }
        self.http.ask(&request).await.map_err(|e| self.failed(ask.what, e))
    }

    fn failed(&self, what: &str, e: NetError) -> RegistryError {
        match e {
            NetError::NoAnswer { cause, tries } => self.unreachable(what, &cause, tries),
            NetError::Late { tries } => self.unreachable(what, &e.to_string(), tries),
            NetError::TooLarge { limit } => {
                RegistryError::TooLarge { place: self.place.clone(), what: format!("{what} (bytes)"), limit }
            }
            NetError::Redirect { .. } | NetError::NoTarget => self.malformed(what, e.to_string()),
            NetError::Setup { .. } | NetError::Address { .. } => {
                RegistryError::Configuration { place: self.place.clone(), cause: e.to_string() }
            }
        }
    }

    /// The error of an answer that is not one of the expected.
    pub(super) fn refused(&self, what: &str, answer: &Answer) -> RegistryError {
        use RegistryError as E;
        let mut error = refused(answer, &self.place, what, &self.http);
        if let (Some(why), E::Unauthorized { detail, .. } | E::RateLimited { detail, .. }) =
            (self.lacking.get(), &mut error)
        {
            detail.push_str(&format!("; it was asked without credentials: {why}"));
        }
        error
    }

    /// Remembers why the registry is asked without credentials.
    pub(super) fn lacks(&self, why: String) {
        // The first reason is as good as the next.
        let _ = self.lacking.set(why);
    }

    /// An answer that cannot be used. The cause may quote it.
    pub(super) fn malformed(&self, what: &str, cause: impl AsRef<str>) -> RegistryError {
        let cause = self.http.harmless(cause.as_ref(), CAUSE);
        RegistryError::Malformed { place: self.place.clone(), what: what.to_owned(), cause }
    }

    /// A document that cannot be read. The cause may quote it.
    pub(super) fn unreadable(&self, what: &str, e: JsonError) -> RegistryError {
        match unreadable(&self.place, what, e) {
            RegistryError::Malformed { cause, .. } => self.malformed(what, cause),
            other => other,
        }
    }

    /// Scheme, host and port of an address that an answer named.
    pub(super) fn named(&self, url: &Url) -> String {
        self.http.harmless(&origin(url), CAUSE)
    }

    fn unreachable(&self, what: &str, cause: &str, tries: usize) -> RegistryError {
        let named = if cause.contains("certificate") { "; --registry-ca FILE names one to trust" } else { "" };
        let cause = format!("{cause}{}{named}", tried(tries));
        RegistryError::Unreachable { place: self.place.clone(), what: what.to_owned(), cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(host: &str, allow_http: bool) -> Transport {
        let options = HttpOptions { allow_http, ..HttpOptions::new(Arc::new(crate::registry::oci_http::Anonymous)) };
        Transport::new("p".into(), host.into(), &options).unwrap()
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
        assert!(!t.may_trust_realm(&url("http://127.0.0.1:2/token")), "before it is known how the registry speaks");
        t.base.set(url("http://127.0.0.1:1/v2/")).unwrap();
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
}
