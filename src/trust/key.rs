//! [`PublicKey`]: a verification key by its SubjectPublicKeyInfo.

use crate::model::digest::hex;
use crate::model::{Code, limits};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use spki::der::{Decode as _, Encode as _};
use std::fmt;

/// Algorithm of a key together with the hash that DSSE signatures made with it use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    EcdsaP256,
    /// ECDSA on P-384 with SHA-384.
    EcdsaP384,
    /// Ed25519, pure.
    Ed25519,
    /// RSA, PKCS#1 v1.5 with SHA-256, 2048 to 8192 bits: read only, for keys that cosign users have.
    RsaPkcs1Sha256,
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EcdsaP256 => "ECDSA P-256",
            Self::EcdsaP384 => "ECDSA P-384",
            Self::Ed25519 => "Ed25519",
            Self::RsaPkcs1Sha256 => "RSA PKCS#1 v1.5",
        })
    }
}

/// Not a public key that this version can verify with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Not PEM or DER of a SubjectPublicKeyInfo.
    #[error("expected a PEM public key (-----BEGIN PUBLIC KEY-----), found {found}")]
    Malformed {
        /// What was found, in words.
        found: String,
    },
    /// A key of an algorithm that is not verified.
    #[error("expected an ECDSA P-256, ECDSA P-384, Ed25519 or RSA key, found algorithm {found}")]
    UnsupportedAlgorithm {
        /// Object identifier.
        found: String,
    },
}

impl KeyError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = &[Code::new("public-key-malformed"), Code::new("public-key-unsupported")];

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Malformed { .. } => Self::CODES[0],
            Self::UnsupportedAlgorithm { .. } => Self::CODES[1],
        }
    }
}

/// A public key: DER of its SubjectPublicKeyInfo (RFC 5280 section 4.1) and the algorithm it says.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    spki: Vec<u8>,
}

impl PublicKey {
    /// Reads PEM (`PUBLIC KEY`), one block.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_pem(bytes: &[u8]) -> Result<Self, KeyError> {
        let malformed = |found: &str| KeyError::Malformed { found: found.to_owned() };
        if bytes.len() > limits::KEY_BYTES {
            return Err(malformed("a file over 64 KiB"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| malformed("bytes that are no text"))?;
        let mut blocks = pem::parse_many(text).map_err(|_| malformed("text that is no PEM"))?;
        match blocks.len() {
            0 => return Err(malformed("no PEM block")),
            1 => {}
            n => return Err(malformed(&format!("{n} PEM blocks"))),
        }
        let block = blocks.remove(0);
        if block.tag() != "PUBLIC KEY" {
            return Err(malformed(&format!("a PEM block `{}`", block.tag().chars().take(60).collect::<String>())));
        }
        Self::from_der(block.contents())
    }

    /// Reads DER of a SubjectPublicKeyInfo; nothing may follow it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let info = spki::SubjectPublicKeyInfoRef::from_der(der)
            .map_err(|_| KeyError::Malformed { found: "DER that is no SubjectPublicKeyInfo".into() })?;
        // Only the canonical form, so that one key has one digest.
        if info.to_der().ok().as_deref() != Some(der) {
            return Err(KeyError::Malformed { found: "DER that is not canonical".into() });
        }
        let oid = info.algorithm.oid.to_string();
        let curve = info.algorithm.parameters_oid().map(|o| o.to_string()).unwrap_or_default();
        let algorithm = match (oid.as_str(), curve.as_str()) {
            ("1.2.840.10045.2.1", "1.2.840.10045.3.1.7") => KeyAlgorithm::EcdsaP256,
            ("1.2.840.10045.2.1", "1.3.132.0.34") => KeyAlgorithm::EcdsaP384,
            ("1.3.101.112", "") => KeyAlgorithm::Ed25519,
            ("1.2.840.113549.1.1.1", _) => KeyAlgorithm::RsaPkcs1Sha256,
            _ => return Err(KeyError::UnsupportedAlgorithm { found: format!("{oid} {curve}").trim().to_owned() }),
        };
        Ok(Self { algorithm, spki: der.to_vec() })
    }

    /// The algorithm.
    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// DER of the SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key bits of the SubjectPublicKeyInfo: a point, 32 bytes, or an RSAPublicKey.
    #[must_use]
    pub fn raw(&self) -> &[u8] {
        spki::SubjectPublicKeyInfoRef::from_der(&self.spki)
            .ok()
            .and_then(|i| i.subject_public_key.as_bytes())
            .unwrap_or_default()
    }

    /// PEM, as it is written to a file.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::encode_config(
            &pem::Pem::new("PUBLIC KEY", self.spki.clone()),
            pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF),
        )
    }

    /// The hint that a bundle carries for this key: base64 of the SHA-256 digest of its DER, as cosign writes it.
    #[must_use]
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(&self.spki))
    }

    /// The key's name in policies and output: `sha256:` and the hex digest of its DER.
    #[must_use]
    pub fn id(&self) -> String {
        format!("sha256:{}", hex(&Sha256::digest(&self.spki)))
    }
}

/// A bundle's hint as [`PublicKey::id`] writes it, where it has the form of [`PublicKey::hint`]; else as it is. It is a
/// claim: nothing that it names is verified.
#[must_use]
pub fn shown_hint(hint: &str) -> String {
    match STANDARD.decode(hint) {
        Ok(digest) if digest.len() == 32 => format!("sha256:{}", hex(&digest)),
        _ => hint.chars().take(100).collect(),
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_shown_as_the_id_that_it_means() {
        const PEM: &[u8] = b"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        let key = PublicKey::from_pem(PEM).unwrap();
        assert_eq!(shown_hint(&key.hint()), key.id());
        for other in ["", "my-key", "AAAA"] {
            assert_eq!(shown_hint(other), other);
        }
        assert_eq!(shown_hint(&"x".repeat(1000)).len(), 100);
    }
}
