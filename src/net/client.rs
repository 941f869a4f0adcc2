//! [`HttpClient`]: the only place that builds one.

use super::error::NetError;
use super::named::Named;
use super::reach::{Reach, is_loopback};
use super::resolve::Gate;
use super::sent::Sent;
use reqwest::{Client, ClientBuilder, Url, redirect};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::Verifier;
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);

/// How services are reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Certificates (PEM) of authorities to trust beside the usual ones.
    pub ca_pem: Option<Vec<u8>>,
    /// What a person's own words may reach.
    pub typed: Reach,
    /// What the words of an answer may reach.
    pub led: Reach,
    /// Whether a service of this machine may send to another machine by plain HTTP.
    pub plain: bool,
    /// Answers names in the place of the system, for tests.
    pub resolver: Option<fn(&str) -> Vec<IpAddr>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ca_pem: None, typed: Reach::ALL, led: Reach::LED, plain: false, resolver: None }
    }
}

type Made = OnceLock<Result<Client, String>>;

/// Asks services over HTTP. Cheap to make and to clone: loading the machine's certificates takes longer than a local
/// verification, and happens when the first HTTPS request is made.
#[derive(Clone)]
pub struct HttpClient(Arc<Inner>);

struct Inner {
    settings: Settings,
    gate: Gate,
    sent: Sent,
    /// Plain HTTP, then TLS, each through the proxy of the environment and past it.
    clients: [[Made; 2]; 2],
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}

impl HttpClient {
    /// A client with these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let gate = Gate::new(settings.typed, settings.led, settings.resolver);
        Self(Arc::new(Inner { settings, gate, sent: Sent::default(), clients: Default::default() }))
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.0.gate
    }

    pub(super) fn sent(&self) -> &Sent {
        &self.0.sent
    }

    /// Words that a service chose, fit for a terminal or a log: at most `limit` characters, those that move a cursor or
    /// turn a line around escaped, and [`CONCEALED`](super::CONCEALED) in the place of such as repeat a part of what any
    /// service was shown by this client.
    #[must_use]
    pub fn harmless(&self, words: &str, limit: usize) -> String {
        self.0.sent.harmless(words, limit)
    }

    /// The client for plain HTTP from or past the proxy, as [`Self::of`] has it for a URL: it trusts no certificate at all.
    pub(super) fn trusting_none(&self, url: &Url) -> Result<&Client, NetError> {
        let mut plain = url.clone();
        // Between these two it cannot fail.
        let _ = plain.set_scheme("http");
        self.of(&plain)
    }

    /// The client for a URL. Services of this machine are asked past the proxy: its loopback is another machine's, and
    /// it would read what is meant for this one.
    pub(super) fn of(&self, url: &Url) -> Result<&Client, NetError> {
        let tls = url.scheme() == "https";
        let direct = url.host_str().is_some_and(is_loopback);
        let base = || {
            let builder = base(self.0.gate.clone());
            if direct { builder.no_proxy() } else { builder }
        };
        let made = self.0.clients[usize::from(tls)][usize::from(direct)].get_or_init(|| match tls {
            true => with_tls(&base, self.0.settings.ca_pem.as_deref()),
            // Without roots no HTTPS works with it, and no certificate is loaded.
            false => base().tls_certs_only([]).build().map_err(|e| e.to_string()),
        });
        made.as_ref().map_err(|cause| NetError::Setup { cause: cause.clone() })
    }
}

/// Redirects are followed by `exchange`, which knows what may go where; bodies are never decompressed.
fn base(gate: Gate) -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("attest/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .referer(false)
        .dns_resolver(gate)
        .connect_timeout(CONNECT)
}

/// Trusts the machine's roots where there are any, the embedded ones of the web otherwise (a scratch image has no
/// bundle), and the given certificates beside them: of authorities, or of the server itself.
fn with_tls(base: &dyn Fn() -> ClientBuilder, ca_pem: Option<&[u8]>) -> Result<Client, String> {
    let extra = ca_pem.map(read_ca).transpose()?.unwrap_or_default();
    if extra.is_empty()
        && let Ok(client) = base().build()
    {
        return Ok(client);
    }
    let mut config = tls_config(extra)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    base().tls_backend_preconfigured(config).build().map_err(|e| e.to_string())
}

/// How servers are believed: by the machine's roots where there are any, the embedded ones of the web otherwise, and by the given
/// certificates beside them.
///
/// # Errors
/// Says what cannot be used, in words.
pub fn tls_config(extra: Vec<CertificateDer<'static>>) -> Result<ClientConfig, String> {
    let unusable = |e: String| format!("cannot use the CA file: {e}");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    // Asked alone first: with a CA beside them, missing roots of the machine would go unnoticed.
    let inner: Arc<dyn ServerCertVerifier> = match Verifier::new(provider.clone()) {
        Ok(_) => Arc::new(
            Verifier::new_with_extra_roots(extra.clone(), provider.clone()).map_err(|e| unusable(e.to_string()))?,
        ),
        Err(_) => {
            let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
            for certificate in &extra {
                roots.add(certificate.clone()).map_err(|e| unusable(e.to_string()))?;
            }
            WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
                .build()
                .map_err(|e| unusable(e.to_string()))?
        }
    };
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Named { inner, certificates: extra }))
        .with_no_client_auth();
    Ok(config)
}

fn read_ca(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let list = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| format!("the CA file is not PEM: {e}"))?;
    if list.is_empty() { Err("the CA file holds no certificate".into()) } else { Ok(list) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ca_file_without_a_certificate_is_refused() {
        let of = |ca: Option<&[u8]>, url: &str| {
            let client = HttpClient::new(Settings { ca_pem: ca.map(<[u8]>::to_vec), ..Settings::default() });
            client.of(&Url::parse(url).unwrap()).map(|_| ())
        };
        let e = of(Some(b"no pem"), "https://r.example").unwrap_err();
        assert_eq!(e.to_string(), "the CA file holds no certificate");
        assert!(of(None, "http://r.example").is_ok() && of(None, "https://r.example").is_ok());
    }
}
