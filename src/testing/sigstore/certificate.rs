//! [`Body`]: a certificate before it is signed.

use super::der::{ECDSA_WITH_SHA256, extension};
use crate::sign::LocalKey;
use crate::trust::PublicKey;
use std::str::FromStr as _;
use std::time::Duration;
use x509_cert::der::asn1::{BitString, UtcTime};
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::{Time, Validity};
use x509_cert::{Certificate, TbsCertificate, Version};

/// What is signed of a certificate.
pub(super) struct Body(TbsCertificate);

/// The distinguished name of an authority.
pub(super) fn subject(name: &str) -> String {
    format!("CN={name},O={name}")
}

/// Extensions of a certificate that issues others.
pub(super) fn issuing() -> Vec<Extension> {
    vec![
        extension("2.5.29.19", true, vec![0x30, 0x03, 0x01, 0x01, 0xff]),
        extension("2.5.29.15", true, vec![0x03, 0x02, 0x02, 0x04]),
    ]
}

impl Body {
    /// A certificate of `key`. Names are distinguished names; an empty subject has none.
    pub(super) fn new(
        issuer: &str,
        subject: &str,
        serial: u8,
        key: &PublicKey,
        window: (i64, i64),
        extensions: Vec<Extension>,
    ) -> Self {
        let time = |seconds: i64| {
            let since = Duration::from_secs(u64::try_from(seconds).expect("a time after 1970"));
            Time::UtcTime(UtcTime::from_unix_duration(since).expect("a time before 2050"))
        };
        Self(TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&[serial]).expect("a number"),
            signature: ECDSA_WITH_SHA256,
            issuer: Name::from_str(issuer).expect("a name"),
            validity: Validity { not_before: time(window.0), not_after: time(window.1) },
            subject: if subject.is_empty() { Name::default() } else { Name::from_str(subject).expect("a name") },
            subject_public_key_info: SubjectPublicKeyInfoOwned::from_der(key.spki()).expect("a key"),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        })
    }

    /// Its DER.
    pub(super) fn to_der(&self) -> Vec<u8> {
        self.0.to_der().expect("DER")
    }

    /// The same with one more extension.
    pub(super) fn with(mut self, extension: Extension) -> Self {
        self.0.extensions.get_or_insert_default().push(extension);
        self
    }

    /// The certificate, signed by `key`, DER.
    pub(super) fn issued_by(self, key: &LocalKey) -> Vec<u8> {
        let signature = key.sign_bytes(&self.to_der()).expect("a signature");
        let certificate = Certificate {
            tbs_certificate: self.0,
            signature_algorithm: ECDSA_WITH_SHA256,
            signature: BitString::from_bytes(&signature).expect("bits"),
        };
        certificate.to_der().expect("DER")
    }
}

/// DER of a distinguished name.
pub(super) fn name(distinguished: &str) -> Vec<u8> {
    Name::from_str(distinguished).and_then(|n| n.to_der()).expect("a name")
}
