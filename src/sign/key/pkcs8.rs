//! Unencrypted private keys: PKCS#8 (RFC 5958) and SEC1 (RFC 5915), DER.

use crate::sign::{LocalKey, SignError};
use crate::trust::KeyAlgorithm;
use pkcs8::PrivateKeyInfoRef;
use pkcs8::der::Decode as _;
use sec1::{EcParameters, EcPrivateKey};

impl LocalKey {
    /// Reads PKCS#8 DER (RFC 5958, version 1 or 2), unencrypted.
    ///
    /// # Errors
    /// [`SignError::Malformed`] under the name `reference`, saying what was found.
    pub fn from_pkcs8(reference: &str, der: &[u8]) -> Result<Self, SignError> {
        read(reference, der)
    }
}

/// The PEM label that these bytes would have; `None` for what is no private key, or an encrypted one.
pub(in crate::sign) fn label(der: &[u8]) -> Option<&'static str> {
    if PrivateKeyInfoRef::try_from(der).is_ok() {
        return Some("PRIVATE KEY");
    }
    EcPrivateKey::from_der(der).is_ok().then_some("EC PRIVATE KEY")
}

/// Reads PKCS#8; nothing may follow it.
///
/// # Errors
/// [`SignError::Malformed`].
pub(in crate::sign) fn read(reference: &str, der: &[u8]) -> Result<LocalKey, SignError> {
    let malformed = |why: String| SignError::Malformed { reference: reference.to_owned(), why };
    let info = PrivateKeyInfoRef::try_from(der)
        .map_err(|_| malformed("expected PKCS#8 in DER, found bytes that are not".into()))?;
    let oid = info.algorithm.oid.to_string();
    let key = match oid.as_str() {
        "1.2.840.10045.2.1" => {
            let curve = info.algorithm.parameters_oid().map(|o| o.to_string()).unwrap_or_default();
            LocalKey::ecdsa(named_curve(&curve).map_err(malformed)?, der)
        }
        "1.3.101.112" => LocalKey::ed25519(der),
        "1.2.840.113549.1.1.1" | "1.2.840.113549.1.1.10" => return Err(malformed(RSA.into())),
        other => return Err(malformed(format!("{EXPECTED}, found a key of algorithm {other}"))),
    };
    key.ok_or_else(|| malformed("its parts do not belong together".into()))
}

/// Reads SEC1; nothing may follow it.
///
/// # Errors
/// [`SignError::Malformed`].
pub(in crate::sign) fn read_sec1(reference: &str, der: &[u8]) -> Result<LocalKey, SignError> {
    let malformed = |why: String| SignError::Malformed { reference: reference.to_owned(), why };
    let key = EcPrivateKey::from_der(der).map_err(|_| {
        malformed("expected SEC1 (RFC 5915) in DER with a named curve, found bytes that are not".into())
    })?;
    let curve = match key.parameters {
        Some(EcParameters::NamedCurve(oid)) => oid.to_string(),
        _ => return Err(malformed("expected a named curve, found none".into())),
    };
    let algorithm = named_curve(&curve).map_err(malformed)?;
    LocalKey::ecdsa(algorithm, der).ok_or_else(|| malformed("its parts do not belong together".into()))
}

const EXPECTED: &str = "expected an ECDSA P-256, P-384 or P-521, or an Ed25519 key";

/// What is said of RSA keys, which are verified with and not signed with.
pub(in crate::sign) const RSA: &str = "expected an ECDSA P-256, P-384 or P-521, or an Ed25519 key, found an RSA key; RSA keys verify here but do not sign";

fn named_curve(oid: &str) -> Result<KeyAlgorithm, String> {
    match oid {
        "1.2.840.10045.3.1.7" => Ok(KeyAlgorithm::EcdsaP256),
        "1.3.132.0.34" => Ok(KeyAlgorithm::EcdsaP384),
        "1.3.132.0.35" => Ok(KeyAlgorithm::EcdsaP521),
        "1.3.132.0.10" => Err(format!("{EXPECTED}, found an ECDSA secp256k1 key")),
        "" => Err(format!("{EXPECTED}, found an elliptic curve without a name")),
        other => Err(format!("{EXPECTED}, found a key on the curve {other}")),
    }
}
