//! The HTTP clients: made when first needed, one for plain HTTP and one with TLS.

use reqwest::{Certificate, Client, ClientBuilder, redirect};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

const CONNECT: Duration = Duration::from_secs(10);

/// Clients that are made when first used: loading the machine's certificates takes longer than a local verification.
pub(super) struct Clients {
    ca_pem: Option<Vec<u8>>,
    /// Plain requests go past a proxy: set for registries of this machine.
    direct: bool,
    plain: OnceLock<Result<Client, String>>,
    tls: OnceLock<Result<Client, String>>,
}

impl Clients {
    pub(super) fn new(ca_pem: Option<Vec<u8>>, direct: bool) -> Self {
        Self { ca_pem, direct, plain: OnceLock::new(), tls: OnceLock::new() }
    }

    /// The client for a URL's scheme.
    pub(super) fn get(&self, scheme: &str) -> Result<&Client, String> {
        let made = if scheme == "https" {
            self.tls.get_or_init(|| with_tls(self.ca_pem.as_deref()))
        } else {
            self.plain.get_or_init(|| {
                // Without roots no HTTPS works with it, and no certificate is loaded.
                let builder = base().tls_certs_only([]);
                let builder = if self.direct { builder.no_proxy() } else { builder };
                builder.build().map_err(|e| e.to_string())
            })
        };
        made.as_ref().map_err(Clone::clone)
    }
}

/// Redirects are followed by the transport, which knows what may go where; bodies are never decompressed.
fn base() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("attest/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(CONNECT)
}

/// Trusts the machine's roots where there are any, the embedded ones of the web otherwise (a scratch image has no
/// bundle), and the given CA beside them.
fn with_tls(ca_pem: Option<&[u8]>) -> Result<Client, String> {
    let extra = ca_pem.map(read_ca).transpose()?.unwrap_or_default();
    // Asked alone first: with a CA beside them, missing roots of the machine would go unnoticed.
    match base().build() {
        Ok(client) if extra.is_empty() => return Ok(client),
        Ok(_) => {
            let certificates = extra
                .iter()
                .map(|c| Certificate::from_der(c))
                .collect::<Result<Vec<_>, _>>()
                .map_err(|e| e.to_string())?;
            return base().tls_certs_merge(certificates).build().map_err(|e| format!("cannot use the CA file: {e}"));
        }
        Err(_) => {}
    }
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    for certificate in extra {
        roots.add(certificate).map_err(|e| format!("cannot use the CA file: {e}"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    base().tls_backend_preconfigured(config).build().map_err(|e| e.to_string())
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
        let e = Clients::new(Some(b"no pem".to_vec()), false).get("https").unwrap_err();
        assert_eq!(e, "the CA file holds no certificate");
        assert!(Clients::new(None, false).get("http").is_ok());
        assert!(Clients::new(None, false).get("https").is_ok());
    }
}
