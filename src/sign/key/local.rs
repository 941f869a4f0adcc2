//! [`LocalKey`]: a private key in this process, and the [`Signer`] it is.

use crate::seam::{BoxFuture, ready};
use crate::sign::{KeyMaterial, SignError, Signed, Signer};
use crate::trust::{KeyAlgorithm, PublicKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _,
};
use std::fmt;
use zeroize::Zeroizing;

/// A private key held in memory: ECDSA on P-256 (SHA-256), P-384 (SHA-384) or P-521 (SHA-512), or Ed25519
/// (pure).
///
/// Its secret leaves only through [`LocalKey::to_pkcs8`]; `Debug` shows the public half.
pub struct LocalKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl LocalKey {
    /// Makes a fresh key with the system's randomness.
    ///
    /// # Errors
    /// [`SignError::Failed`] for RSA, which this version does not sign with, or when the system gives no randomness.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, SignError> {
        let pair = match algorithm {
            KeyAlgorithm::Ed25519 => Ed25519KeyPair::generate().map(Pair::Ed25519),
            other => {
                let curve =
                    curve(other).ok_or_else(|| SignError::Failed { cause: format!("{other} keys are not made") })?;
                EcdsaKeyPair::generate(curve).map(Pair::Ecdsa)
            }
        };
        let pair = pair.map_err(|_| SignError::Failed { cause: "the system made no key".into() })?;
        Self::of(pair).ok_or_else(|| SignError::Failed { cause: "the system made an unusable key".into() })
    }

    /// PKCS#8 version 1 DER (RFC 5208), unencrypted; wiped from memory when dropped.
    ///
    /// # Errors
    /// [`SignError::Failed`] when the key cannot be encoded.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SignError> {
        match &self.pair {
            Pair::Ecdsa(k) => k.to_pkcs8v1(),
            Pair::Ed25519(k) => k.to_pkcs8v1(),
        }
        .map(|document| Zeroizing::new(document.as_ref().to_vec()))
        .map_err(|_| SignError::Failed { cause: "the key cannot be encoded".into() })
    }

    /// What verifiers check its signatures with.
    #[must_use]
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs `message`: ECDSA as ASN.1 DER, Ed25519 as 64 bytes.
    ///
    /// # Errors
    /// [`SignError::Failed`].
    pub fn sign_bytes(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        match &self.pair {
            Pair::Ecdsa(k) => k.sign(&SystemRandom::new(), message),
            Pair::Ed25519(k) => k.try_sign(message),
        }
        .map(|signature| signature.as_ref().to_vec())
        .map_err(|_| SignError::Failed { cause: format!("the {} key made no signature", self.public.algorithm()) })
    }

    /// An ECDSA key from PKCS#8 or SEC1 DER; `None` when the bytes are no consistent key of this algorithm.
    pub(in crate::sign) fn ecdsa(algorithm: KeyAlgorithm, der: &[u8]) -> Option<Self> {
        // Checks that the public point, if there is one, belongs to the private scalar.
        EcdsaKeyPair::from_private_key_der(curve(algorithm)?, der).ok().map(Pair::Ecdsa).and_then(Self::of)
    }

    /// An Ed25519 key from PKCS#8 DER; `None` when the bytes are no consistent key.
    pub(in crate::sign) fn ed25519(der: &[u8]) -> Option<Self> {
        Ed25519KeyPair::from_pkcs8(der).ok().map(Pair::Ed25519).and_then(Self::of)
    }

    fn of(pair: Pair) -> Option<Self> {
        let spki: PublicKeyX509Der<'_> = match &pair {
            Pair::Ecdsa(k) => k.public_key().as_der(),
            Pair::Ed25519(k) => k.public_key().as_der(),
        }
        .ok()?;
        let public = PublicKey::from_der(spki.as_ref()).ok()?;
        Some(Self { pair, public })
    }
}

fn curve(algorithm: KeyAlgorithm) -> Option<&'static EcdsaSigningAlgorithm> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some(&ECDSA_P256_SHA256_ASN1_SIGNING),
        KeyAlgorithm::EcdsaP384 => Some(&ECDSA_P384_SHA384_ASN1_SIGNING),
        KeyAlgorithm::EcdsaP521 => Some(&ECDSA_P521_SHA512_ASN1_SIGNING),
        _ => None,
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalKey({:?})", self.public)
    }
}

impl Signer for LocalKey {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        ready(
            self.sign_bytes(pae)
                .map(|signature| Signed { signature, material: KeyMaterial::PublicKey(self.public.clone()) }),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};

    const ALL: [(KeyAlgorithm, &dyn VerificationAlgorithm); 4] = [
        (KeyAlgorithm::EcdsaP256, &signature::ECDSA_P256_SHA256_ASN1),
        (KeyAlgorithm::EcdsaP384, &signature::ECDSA_P384_SHA384_ASN1),
        (KeyAlgorithm::EcdsaP521, &signature::ECDSA_P521_SHA512_ASN1),
        (KeyAlgorithm::Ed25519, &signature::ED25519),
    ];

    #[test]
    fn a_signature_is_over_exactly_the_bytes_given_and_checks_with_the_public_half() {
        for (algorithm, verification) in ALL {
            let key = LocalKey::generate(algorithm).unwrap();
            assert_eq!(key.public_key().algorithm(), algorithm);
            let signature = key.sign_bytes(b"message").unwrap();
            let public = UnparsedPublicKey::new(verification, key.public_key().raw());
            assert!(public.verify(b"message", &signature).is_ok(), "{algorithm}");
            assert!(public.verify(b"messagf", &signature).is_err(), "{algorithm}");
        }
    }

    #[test]
    fn an_exported_key_is_the_same_key() {
        for (algorithm, _) in ALL {
            let key = LocalKey::generate(algorithm).unwrap();
            let again = LocalKey::from_pkcs8("k", &key.to_pkcs8().unwrap()).unwrap();
            assert_eq!(again.public_key(), key.public_key());
        }
    }

    #[test]
    fn rsa_keys_are_not_made() {
        assert_eq!(
            LocalKey::generate(KeyAlgorithm::RsaPkcs1Sha256).unwrap_err(),
            SignError::Failed { cause: "RSA PKCS#1 v1.5 keys are not made".into() }
        );
    }

    #[test]
    fn debug_shows_the_public_half_only() {
        for (algorithm, _) in ALL {
            let key = LocalKey::generate(algorithm).unwrap();
            assert_eq!(format!("{key:?}"), format!("LocalKey({algorithm} {})", key.public_key().id()));
        }
    }
}
