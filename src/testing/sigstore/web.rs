//! [`WebCertificate`]: a certificate for names of the web, and the authority that issued it.

use super::certificate::{Body, issuing, subject};
use super::der::{extension, oid, sequence, tlv};
use super::{DAY, SIGNED_AT};
use crate::sign::LocalKey;
use crate::trust::KeyAlgorithm;

/// Seconds since 1970, in 2049: the last that a certificate can say in its short form.
const LATE: i64 = 2_500_000_000;

/// A certificate for some names, valid today.
pub struct WebCertificate {
    /// The authority's own certificate, PEM.
    pub authority: String,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// Its private key, PKCS#8.
    pub key: Vec<u8>,
}

impl std::fmt::Debug for WebCertificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebCertificate").finish_non_exhaustive()
    }
}

impl WebCertificate {
    /// One for these host names.
    ///
    /// # Panics
    /// When the system makes no keys.
    #[must_use]
    pub fn new(names: &[&str]) -> Self {
        let key = || LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let (authority, own) = (key(), key());
        let (issuer, window) = (subject("web"), (SIGNED_AT - DAY, LATE));
        let root = Body::new(&issuer, &issuer, 1, authority.public_key(), window, issuing());
        let names: Vec<Vec<u8>> = names.iter().map(|name| tlv(0x82, name.as_bytes())).collect();
        let names: Vec<&[u8]> = names.iter().map(Vec::as_slice).collect();
        let own_extensions = vec![
            extension("2.5.29.17", true, sequence(&names)),
            extension("2.5.29.37", false, sequence(&[&oid("1.3.6.1.5.5.7.3.1")])),
        ];
        let leaf = Body::new(&issuer, "", 2, own.public_key(), window, own_extensions);
        let root = pem::Pem::new("CERTIFICATE", root.issued_by(&authority));
        Self {
            authority: pem::encode(&root),
            certificate: leaf.issued_by(&authority),
            key: own.to_pkcs8().expect("PKCS#8").to_vec(),
        }
    }
}
