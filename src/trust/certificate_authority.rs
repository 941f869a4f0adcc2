//! [`CertificateAuthority`]: one that issues signing certificates, with verifiers that believe nobody else.

use super::verifiers::Verifiers;
use crate::model::{Timestamp, ValidityWindow};
use sigstore_verify::trust_root::{CertificateAuthority as Ca, TrustedRoot};
use x509_cert::der::{self, Decode as _, Encode as _};
use x509_cert::ext::pkix::SubjectKeyIdentifier;

/// A certificate authority.
pub(crate) struct CertificateAuthority {
    /// Its certificates.
    pub(crate) certificates: Vec<CaCertificate>,
    /// The library's verifiers of its root with no other certificate authority: what they accept, this one vouched for.
    /// Names do not tell, as two authorities may have one, and the chain of a bundle is not signed.
    pub(crate) verifiers: Verifiers,
}

/// A certificate of a certificate authority.
pub(crate) struct CaCertificate {
    /// DER of its subject.
    pub(crate) subject: Vec<u8>,
    /// Its own validity.
    pub(crate) window: ValidityWindow,
    /// What the certificates that its key issued name that key by (RFC 5280 section 4.2.1.2); empty where it says nothing.
    key: Vec<u8>,
}

impl CertificateAuthority {
    /// One of the authorities of a root; `others` is the root without any.
    pub(super) fn new(others: &TrustedRoot, ca: Ca) -> Result<Self, der::Error> {
        let certificates = ca.cert_chain.certificates.iter().map(|c| CaCertificate::of(c.raw_bytes.as_bytes()));
        let certificates = certificates.collect::<Result<_, _>>()?;
        let mut alone = others.clone();
        alone.certificate_authorities = vec![ca];
        Ok(Self { certificates, verifiers: Verifiers::of(alone) })
    }

    /// Whether a key of this authority has this id, by which a certificate names its issuer's. Of several with one name, it
    /// is then asked first: no more than that follows, as anybody can write it.
    pub(crate) fn has_key(&self, id: &[u8]) -> bool {
        self.certificates.iter().any(|c| !c.key.is_empty() && c.key == id)
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
        let key = certificate.get::<SubjectKeyIdentifier>().ok().flatten();
        let key = key.map_or_else(Vec::new, |(_, id)| id.0.as_bytes().to_vec());
        Ok(Self { subject: certificate.subject.to_der()?, window, key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_authorities_of_one_name_a_certificate_names_its_own() {
        let json = sigstore_verify::trust_root::SigstoreInstance::GitHub.embedded_trusted_root_json();
        let mut root = TrustedRoot::from_json(json).unwrap();
        let all = std::mem::take(&mut root.certificate_authorities);
        let authorities: Vec<_> = all.into_iter().map(|ca| CertificateAuthority::new(&root, ca).unwrap()).collect();
        assert!(authorities.iter().all(|a| a.certificates[0].subject == authorities[0].certificates[0].subject));
        for (i, authority) in authorities.iter().enumerate() {
            let key = &authority.certificates[0].key;
            let named: Vec<_> = authorities.iter().map(|a| a.has_key(key)).collect();
            assert_eq!((named[i], named.iter().filter(|n| **n).count()), (true, 1), "{i}: {named:?}");
        }
        assert!(!authorities[0].has_key(b"") && authorities.len() > 1);
    }
}
