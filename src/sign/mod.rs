//! Who signs, and who witnesses a signature. Neither knows how the other works; `flow::publish` composes them.

use crate::model::{Code, Envelope};
use crate::seam::BoxFuture;
use crate::trust::PublicKey;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

mod environment;
mod error;
#[cfg(feature = "cli")]
mod exec;
mod file;
mod key;
mod kinds;
#[cfg(feature = "cli")]
mod login;
#[cfg(feature = "pkcs11")]
mod pkcs11;
#[cfg(feature = "pkcs11")]
mod pkcs11_uri;
mod reference;
mod sigstore;

#[cfg(feature = "cli")]
pub use crate::issuer::Certified;
pub use error::{PASSWORD_NEEDED, SignError};
pub use key::armor::read_private_key;
pub use key::keygen::{DEFAULT_PREFIX, KeyPairFiles, KeygenError, write_key_pair};
pub use key::local::LocalKey;
pub use key::password::{EnvironmentPasswords, FirstOf, NoPassword, PASSWORD_VARIABLES, PasswordSource};
pub use kinds::{KINDS, find, key_file_facts, open};
#[cfg(all(feature = "cli", feature = "testing"))]
pub(crate) use login::untrusted;
#[cfg(feature = "cli")]
pub use login::{Login, LoginFlow, PUBLIC_CLIENT, PUBLIC_ISSUER, Person};
pub use reference::{Found, KeyFileFacts, Kind, OpenContext, Opened};
#[cfg(feature = "cli")]
pub use sigstore::ambient::{TokenSource, Variables};
#[cfg(feature = "cli")]
pub use sigstore::keyless::KeylessSigner;
#[cfg(feature = "cli")]
pub use sigstore::rekor::Rekor;
#[cfg(feature = "cli")]
pub use sigstore::service::ServiceClient;
pub use sigstore::services::{LogVersion, Selection, Services};
#[cfg(feature = "cli")]
pub use sigstore::several::Several;
#[cfg(feature = "cli")]
pub use sigstore::timestamp::TimestampAuthority;
#[cfg(feature = "cli")]
pub use sigstore::token::IdentityToken;

/// What a verifier needs to check a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyMaterial {
    /// A key that verifiers hold already.
    PublicKey(PublicKey),
    /// A certificate chain, DER, leaf first.
    Certificates(Vec<Vec<u8>>),
}

/// A signature and what to check it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The signature in its algorithm's usual form: ECDSA as ASN.1 DER, Ed25519 as 64 bytes.
    pub signature: Vec<u8>,
    /// What to check it with.
    pub material: KeyMaterial,
}

/// Signs the pre-authentication encoding of an envelope.
///
/// Contract: the signature MUST be over exactly the bytes given; the material MUST be the one that checks it; a secret
/// MUST NOT appear in an error, a `Debug` output or a log.
pub trait Signer: Send + Sync {
    /// Signs `pae`.
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>>;
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        (**self).sign(pae)
    }
}

/// What a witness of a signature hands back.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EvidenceItem {
    /// `TransparencyLogEntry` of `sigstore_rekor.proto`, as JSON.
    LogEntry(serde_json::Value),
    /// RFC 3161 `TimeStampResp`, DER.
    Timestamp(Vec<u8>),
}

/// A signature that is to be witnessed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Witnessed<'a> {
    /// That of an envelope, over its pre-authentication encoding.
    Envelope(&'a Envelope),
    /// One over the content of a file.
    Message {
        /// SHA-256 of the content.
        digest: [u8; 32],
        /// The signature.
        signature: &'a [u8],
    },
}

impl Witnessed<'_> {
    /// The signature; empty for an envelope without one.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        match self {
            Self::Envelope(envelope) => envelope.signatures().first().map_or(&[], |s| &s.sig),
            Self::Message { signature, .. } => signature,
        }
    }

    /// SHA-256 of what was signed.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        match self {
            Self::Envelope(envelope) => Sha256::digest(envelope.pae()).into(),
            Self::Message { digest, .. } => *digest,
        }
    }
}

/// Witnesses a signature: a transparency log, a timestamp authority, or several of them.
pub trait Evidence: Send + Sync {
    /// The service in words, for messages and progress.
    fn name(&self) -> String;

    /// Hands in a signature and its key material; gives all that its verifiers need, or an error.
    fn attest<'a>(
        &'a self,
        signature: Witnessed<'a>,
        material: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>>;
}

/// All codes of this module.
pub const CODES: &[&[Code]] = &[SignError::CODES, KeygenError::CODES];
