//! The trusted root of a private instance, put together from what its operator knows: chains and keys.

use crate::model::code::codes;
use crate::model::json::JsonError;
use crate::model::{Code, Timestamp};
use crate::trust::{KeyAlgorithm, KeyError, PublicKey, RootError, TrustedRoot};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::attr::AttributeValue;
use x509_cert::der::{Decode as _, oid::ObjectIdentifier};

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";
const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// Why there is no root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InitError {
    /// Not a PEM chain of certificates.
    #[error("{of}: expected PEM certificates, issuing one first, found {found}")]
    Chain {
        /// Whose.
        of: String,
        /// What.
        found: String,
    },
    /// Not a public key.
    #[error("{of}: {source}")]
    Key {
        /// Whose.
        of: String,
        /// Why.
        source: KeyError,
    },
    /// What was put together cannot be verified with.
    #[error(transparent)]
    Root(#[from] RootError),
}

codes! {
    /// Codes of [`InitError`].
    CODES;
    AUTHORITY_CHAIN_MALFORMED = "authority-chain-malformed", [Caller],
        "what is given for an authority is no PEM chain of certificates, issuing one first (`attest trust init`)",
        "give one PEM file per authority, the issuing certificate first and its root last";
}

impl InitError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Chain { .. } => AUTHORITY_CHAIN_MALFORMED,
            Self::Key { source, .. } => source.code(),
            Self::Root(e) => e.code(),
        }
    }
}

/// A log and its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    /// Its URL.
    pub url: String,
    /// Its public key: PEM.
    pub pem: Vec<u8>,
    /// The origin of its checkpoints, for a log that is known by it and its key together (Rekor v2).
    pub origin: Option<String>,
}

/// What a private instance consists of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Private {
    /// Certificate authorities: URL and PEM chain, issuing certificate first.
    pub fulcio: Vec<(String, Vec<u8>)>,
    /// Logs of certificates.
    pub ct: Vec<LogKey>,
    /// Logs of signatures.
    pub rekor: Vec<LogKey>,
    /// Timestamp authorities: URL and PEM chain, signing certificate first.
    pub timestamps: Vec<(String, Vec<u8>)>,
    /// From when on they vouch; without it, from when the first certificate of each chain is valid.
    pub valid_from: Option<Timestamp>,
}

/// Puts a trusted root together, and reads it as verification will. An authority's window begins with its certificates;
/// a log's with the first of all windows, as a key has no date.
///
/// # Errors
/// [`InitError`], which names the authority.
pub fn assemble(parts: &Private) -> Result<String, InitError> {
    let mut first: Option<Timestamp> = parts.valid_from;
    let mut authority = |(url, pem): &(String, Vec<u8>)| {
        let chain = Chain::read(url, pem)?;
        let start = parts.valid_from.unwrap_or(chain.start);
        first = Some(first.map_or(start, |f| f.min(start)));
        Ok(json!({
            "subject": chain.subject,
            "uri": url,
            "certChain": {"certificates": chain.certificates},
            "validFor": {"start": start.to_string()},
        }))
    };
    let fulcio = parts.fulcio.iter().map(&mut authority).collect::<Result<Vec<Value>, InitError>>()?;
    let timestamps = parts.timestamps.iter().map(&mut authority).collect::<Result<Vec<Value>, InitError>>()?;
    let start = first.map(|t| t.to_string());
    let log = |log: &LogKey| {
        let key = PublicKey::from_pem(&log.pem).map_err(|source| InitError::Key { of: log.url.clone(), source })?;
        let mut public = json!({"rawBytes": STANDARD.encode(key.spki()), "keyDetails": details(key.algorithm())});
        if let (Some(start), Value::Object(fields)) = (&start, &mut public) {
            fields.insert("validFor".into(), json!({"start": start}));
        }
        Ok(json!({
            "baseUrl": log.url,
            "hashAlgorithm": "SHA2_256",
            "publicKey": public,
            "logId": {"keyId": STANDARD.encode(log_id(&key, log.origin.as_deref()))},
        }))
    };
    let root = json!({
        "mediaType": MEDIA_TYPE,
        "tlogs": parts.rekor.iter().map(log).collect::<Result<Vec<_>, InitError>>()?,
        "certificateAuthorities": fulcio,
        "ctlogs": parts.ct.iter().map(log).collect::<Result<Vec<_>, InitError>>()?,
        "timestampAuthorities": timestamps,
    });
    let text = serde_json::to_string_pretty(&root)
        .map_err(|e| InitError::Root(RootError::Malformed(JsonError::Syntax { message: e.to_string() })))?
        + "\n";
    TrustedRoot::parse(text.as_bytes(), "the new root")?;
    Ok(text)
}

/// The id of a log: the hash of its key (RFC 6962), or for an Ed25519 key of checkpoints the key id of a signed note,
/// not cut short.
fn log_id(key: &PublicKey, origin: Option<&str>) -> Vec<u8> {
    match origin {
        Some(origin) if key.algorithm() == KeyAlgorithm::Ed25519 => {
            const ED25519: u8 = 1;
            let note = [origin.as_bytes(), b"\n", &[ED25519], key.raw()].concat();
            Sha256::digest(note).to_vec()
        }
        _ => Sha256::digest(key.spki()).to_vec(),
    }
}

/// The name of `PublicKeyDetails` (`sigstore_common.proto`).
fn details(algorithm: KeyAlgorithm) -> &'static str {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
        KeyAlgorithm::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
        KeyAlgorithm::EcdsaP521 => "PKIX_ECDSA_P521_SHA_512",
        KeyAlgorithm::Ed25519 => "PKIX_ED25519",
        KeyAlgorithm::RsaPkcs1Sha256 => "PKIX_RSA_PKCS1V15_2048_SHA256",
    }
}

struct Chain {
    certificates: Vec<Value>,
    subject: Value,
    start: Timestamp,
}

impl Chain {
    fn read(of: &str, bytes: &[u8]) -> Result<Self, InitError> {
        let wrong = |found: String| InitError::Chain { of: of.to_owned(), found };
        let blocks = pem::parse_many(bytes).map_err(|e| wrong(e.to_string()))?;
        if let Some(other) = blocks.iter().find(|b| b.tag() != "CERTIFICATE") {
            return Err(wrong(format!("`{}`", other.tag())));
        }
        let read = |b: &pem::Pem| Certificate::from_der(b.contents()).map_err(|e| wrong(e.to_string()));
        let parsed = blocks.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let (Some(leaf), Some(last)) = (parsed.first(), parsed.last()) else {
            return Err(wrong("none".into()));
        };
        for (below, above) in parsed.iter().zip(parsed.iter().skip(1)) {
            if below.tbs_certificate.issuer != above.tbs_certificate.subject {
                return Err(wrong("a certificate that the next one did not issue".into()));
            }
        }
        let seconds = leaf.tbs_certificate.validity.not_before.to_unix_duration().as_secs();
        let start = i64::try_from(seconds).ok().and_then(Timestamp::from_unix);
        let name = |wanted| attribute(last, wanted).unwrap_or_default();
        Ok(Self {
            certificates: blocks.iter().map(|b| json!({"rawBytes": STANDARD.encode(b.contents())})).collect(),
            subject: json!({"organization": name(ORGANIZATION), "commonName": name(COMMON_NAME)}),
            start: start.ok_or_else(|| wrong("a date out of range".into()))?,
        })
    }
}

/// The first value of this kind in a certificate's subject.
fn attribute(certificate: &Certificate, wanted: ObjectIdentifier) -> Option<String> {
    let names = certificate.tbs_certificate.subject.0.iter().flat_map(|set| set.0.iter());
    let value: &AttributeValue = &names.into_iter().find(|n| n.oid == wanted)?.value;
    // UTF8String, PrintableString and the like: their content is the text.
    String::from_utf8(value.value().to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ED25519: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA/cMm6eoiWEVd4YhE1AvcwitBcNzP67HFzMRfStLc914=\n-----END PUBLIC KEY-----\n";

    fn log(pem: &str) -> LogKey {
        LogKey { url: "https://log.example.org".into(), pem: pem.into(), origin: None }
    }

    fn code(parts: &Private) -> Result<(), String> {
        assemble(parts).map(|_| ()).map_err(|e| e.code().to_string())
    }

    /// Values of a log that Rekor v2 ran: the beginning of its key id stands before each of its signatures.
    #[test]
    fn a_log_of_checkpoints_is_known_by_its_origin_and_key() {
        let key = PublicKey::from_pem(ED25519.as_bytes()).unwrap();
        assert_eq!(log_id(&key, Some("127.0.0.1"))[..4], [0xed, 0xb3, 0x0e, 0x97]);
        assert_eq!(STANDARD.encode(log_id(&key, None)), "LzchCHefxs7YXysxiI/AFdaPF8qs3SwKjgHgNpq/kts=");
    }

    #[test]
    fn what_is_no_chain_or_key_is_refused_by_name() {
        let rekor = Private { rekor: vec![log(ED25519)], ..Private::default() };
        assert_eq!(code(&rekor), Ok(()));
        assert_eq!(
            code(&Private { rekor: vec![log("nothing")], ..Private::default() }),
            Err("public-key-malformed".into())
        );
        for chain in ["", "nothing", ED25519, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let fulcio = vec![("https://ca.example.org".to_owned(), chain.into())];
            let parts = Private { fulcio, ..rekor.clone() };
            assert_eq!(code(&parts), Err("authority-chain-malformed".into()), "{chain}");
        }
    }

    #[test]
    fn windows_begin_when_they_are_told_to() {
        let valid_from = Timestamp::parse("2026-01-01T00:00:00Z").ok();
        let text = assemble(&Private { rekor: vec![log(ED25519)], valid_from, ..Private::default() }).unwrap();
        let root = TrustedRoot::parse(text.as_bytes(), "f").unwrap().remove(0);
        assert_eq!(root.authorities().unwrap()[0].window.not_before, valid_from);
    }
}
