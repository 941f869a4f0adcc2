//! [`Certificate`]: what the webhook shows an API server, replaced while it serves.

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};
use x509_cert::der::Decode as _;

/// A certificate and its key.
#[derive(Debug)]
pub struct Certificate(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Of PEM: a chain, the server's own first, and its key.
    ///
    /// # Errors
    /// What is wrong with them, without a word of the key.
    pub fn new(chain: &[u8], key: &[u8]) -> Result<Arc<Self>, String> {
        Ok(Arc::new(Self(RwLock::new(pair(chain, key)?))))
    }

    /// Puts another pair in its place; where it is none, or the key is another certificate's, the old one stays.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn replace(&self, chain: &[u8], key: &[u8]) -> Result<(), String> {
        let pair = pair(chain, key)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
        Ok(())
    }

    /// When it ends (Unix seconds), where that can be read.
    #[must_use]
    pub fn ends(&self) -> Option<i64> {
        let pair = self.now();
        let certificate = x509_cert::Certificate::from_der(pair.cert.first()?).ok()?;
        let end = certificate.tbs_certificate.validity.not_after.to_unix_duration();
        i64::try_from(end.as_secs()).ok()
    }

    /// TLS 1.2 and 1.3 with it, for HTTP/2 and HTTP/1.1.
    ///
    /// # Errors
    /// What the library says.
    pub fn config(self: &Arc<Self>) -> Result<ServerConfig, String> {
        let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn now(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now())
    }
}

fn pair(chain: &[u8], key: &[u8]) -> Result<Arc<CertifiedKey>, String> {
    let certificates = CertificateDer::pem_slice_iter(chain).collect::<Result<Vec<_>, _>>();
    let certificates = certificates.map_err(|e| format!("the certificate is not PEM: {e}"))?;
    if certificates.is_empty() {
        return Err("the certificate file holds no certificate".into());
    }
    // What the library says of a key could repeat a part of it.
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "the key file holds no private key in PEM".to_owned())?;
    let pair = CertifiedKey::from_der(certificates, key, &default_provider());
    pair.map(Arc::new).map_err(|e| format!("the key is not the certificate's, or of a kind that is not known: {e}"))
}
