//! [`CertificateAuthority`]: one that issues signing certificates, with a verifier that believes nobody else.

use super::RootError;
use crate::model::{Timestamp, ValidityWindow};
use sigstore_verify::trust_root::{CertificateAuthority as Ca, TrustedRoot};
use sigstore_verify::{Error, Verifier};
use std::sync::OnceLock;
use x509_cert::der::{self, Decode as _, Encode as _};

/// A certificate authority.
pub(crate) struct CertificateAuthority {
    /// Its certificates.
    pub(crate) certificates: Vec<CaCertificate>,
    /// Its root with no other certificate authority: its verifier is made when it is first asked.
    alone: TrustedRoot,
    verifier: OnceLock<Result<Verifier, RootError>>,
}

/// A certificate of a certificate authority.
pub(crate) struct CaCertificate {
    /// DER of its subject.
    pub(crate) subject: Vec<u8>,
    /// Its own validity.
    pub(crate) window: ValidityWindow,
}

impl CertificateAuthority {
    /// One of the authorities of a root; `others` is the root without any.
    pub(super) fn new(others: &TrustedRoot, ca: Ca) -> Result<Self, der::Error> {
        let certificates = ca.cert_chain.certificates.iter().map(|c| CaCertificate::of(c.raw_bytes.as_bytes()));
        let certificates = certificates.collect::<Result<_, _>>()?;
        let mut alone = others.clone();
        alone.certificate_authorities = vec![ca];
        Ok(Self { certificates, alone, verifier: OnceLock::new() })
    }

    /// The library's verifier of its root with no other certificate authority: what it accepts, this one vouched for.
    /// Names do not tell, as two authorities may have one, and the chain of a bundle is not signed.
    pub(crate) fn verifier(&self) -> Result<&Verifier, RootError> {
        let unusable = |e: Error| RootError::Unusable { cause: e.to_string() };
        self.verifier.get_or_init(|| Verifier::new(&self.alone).map_err(unusable)).as_ref().map_err(Clone::clone)
    }
}

impl CaCertificate {
    pub(super) fn of(der: &[u8]) -> Result<Self, der::Error> {
        let certificate = x509_cert::Certificate::from_der(der)?.tbs_certificate;
        let time = |t: x509_cert::time::Time| {
            i64::try_from(t.to_unix_duration().as_secs()).ok().and_then(Timestamp::from_unix)
        };
        let window = ValidityWindow {
            not_before: time(certificate.validity.not_before),
            not_after: time(certificate.validity.not_after),
        };
        Ok(Self { subject: certificate.subject.to_der()?, window })
    }
}
