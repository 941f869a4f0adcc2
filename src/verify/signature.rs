//! One signature, one key.

use crate::model::work::{self, Work};
use crate::trust::{KeyAlgorithm, PublicKey};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};

/// Whether `key` made `signature` over `message`: ECDSA as ASN.1 DER, Ed25519 as 64 bytes.
#[must_use]
pub fn made_by(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    work::did(Work::Signature, signature);
    let algorithm: &dyn VerificationAlgorithm = match key.algorithm() {
        KeyAlgorithm::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
        KeyAlgorithm::EcdsaP384 => &ECDSA_P384_SHA384_ASN1,
        KeyAlgorithm::EcdsaP521 => &ECDSA_P521_SHA512_ASN1,
        KeyAlgorithm::Ed25519 => &ED25519,
        KeyAlgorithm::RsaPkcs1Sha256 => &RSA_PKCS1_2048_8192_SHA256,
    };
    UnparsedPublicKey::new(algorithm, key.raw()).verify(message, signature).is_ok()
}
