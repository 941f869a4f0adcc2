//! Sigstore bundle v0.1 to v0.3: read; v0.3: written (`sigstore_bundle.proto` of sigstore/protobuf-specs).

use crate::model::envelope::Envelope;
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::model::spelling::{self, to_standard};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// Media type of what is written: the bundle, its layer and its manifest's `artifactType`.
pub const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// Where the payload stands in a bundle.
const PAYLOAD: &[&str] = &["dsseEnvelope", "payload"];

/// Version of a bundle, from its media type. The media type is not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BundleVersion {
    /// `application/vnd.dev.sigstore.bundle+json;version=0.1`
    V01,
    /// `application/vnd.dev.sigstore.bundle+json;version=0.2`
    V02,
    /// `application/vnd.dev.sigstore.bundle.v0.3+json`, or the older spelling with `;version=0.3`
    V03,
}

impl BundleVersion {
    /// The version that a media type names.
    #[must_use]
    pub fn by_media_type(media_type: &str) -> Option<Self> {
        match media_type {
            "application/vnd.dev.sigstore.bundle+json;version=0.1" => Some(Self::V01),
            "application/vnd.dev.sigstore.bundle+json;version=0.2" => Some(Self::V02),
            MEDIA_TYPE | "application/vnd.dev.sigstore.bundle+json;version=0.3" => Some(Self::V03),
            _ => None,
        }
    }
}

/// What is signed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum BundleContent {
    /// A DSSE envelope: what an attestation is.
    Envelope(Envelope),
    /// A signature over a digest. It says nothing about the artifact, so it never becomes a verified statement.
    MessageSignature {
        /// The signature.
        signature: Vec<u8>,
        /// SHA-256 of what was signed, as a hint for readers; nobody believes it.
        digest: Option<Vec<u8>>,
    },
}

/// What the signature is to be checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerificationMaterial {
    /// A key that the verifier must already have; `hint` is unauthenticated.
    PublicKey {
        /// Usually base64 of the SHA-256 digest of the key's SubjectPublicKeyInfo.
        hint: String,
    },
    /// Certificates, DER, leaf first; v0.3 has exactly one.
    Certificates(Vec<Vec<u8>>),
}

/// How a bundle was written. It is no part of what the bundle says: two that differ in nothing else are equal.
#[derive(Clone, Debug)]
struct Respelled(Option<Box<str>>);

impl PartialEq for Respelled {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// A Sigstore bundle. Parsed is not verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    version: BundleVersion,
    content: BundleContent,
    material: VerificationMaterial,
    log_entries: Vec<Value>,
    timestamps: Vec<Vec<u8>>,
    /// The document in our spelling, where it came in another.
    respelled: Respelled,
    /// Whether it came as an envelope alone.
    bare: bool,
}

impl Bundle {
    /// A v0.3 bundle of an envelope signed with a key.
    #[must_use]
    pub fn keyed(envelope: Envelope, hint: String) -> Self {
        Self {
            version: BundleVersion::V03,
            content: BundleContent::Envelope(envelope),
            material: VerificationMaterial::PublicKey { hint },
            log_entries: Vec::new(),
            timestamps: Vec::new(),
            respelled: Respelled(None),
            bare: false,
        }
    }

    /// A v0.3 bundle of an envelope signed with a certificate; of the chain, only the leaf is written.
    #[must_use]
    pub fn certified(envelope: Envelope, mut chain: Vec<Vec<u8>>) -> Self {
        chain.truncate(1);
        Self { material: VerificationMaterial::Certificates(chain), ..Self::keyed(envelope, String::new()) }
    }

    /// A v0.3 bundle of a signature over the content of a file, made with a certificate; `digest` is its SHA-256.
    #[must_use]
    pub fn message(digest: [u8; 32], signature: Vec<u8>, mut chain: Vec<Vec<u8>>) -> Self {
        chain.truncate(1);
        Self {
            version: BundleVersion::V03,
            content: BundleContent::MessageSignature { signature, digest: Some(digest.to_vec()) },
            material: VerificationMaterial::Certificates(chain),
            log_entries: Vec::new(),
            timestamps: Vec::new(),
            respelled: Respelled(None),
            bare: false,
        }
    }

    /// An envelope that came with no bundle around it, and with its certificates beside the signature, as
    /// slsa-github-generator wrote it before there were bundles: no log entry is there, and none is made up.
    #[must_use]
    pub fn bare(envelope: Envelope, chain: Vec<Vec<u8>>) -> Self {
        let bundle = Self::certified(envelope, chain);
        let text = String::from_utf8(bundle.to_bytes()).ok().map(String::into_boxed_str);
        Self { respelled: Respelled(text), bare: true, ..bundle }
    }

    /// Adds a log entry, as its JSON form (`TransparencyLogEntry` of `sigstore_rekor.proto`).
    #[must_use]
    pub fn with_log_entry(mut self, entry: Value) -> Self {
        self.log_entries.push(entry);
        self
    }

    /// Adds an RFC 3161 `TimeStampResp`, DER.
    #[must_use]
    pub fn with_timestamp(mut self, response: Vec<u8>) -> Self {
        self.timestamps.push(response);
        self
    }

    /// Reads a bundle.
    ///
    /// # Errors
    /// Not JSON, a duplicate key, an unknown media type, a part missing that the version demands, two parts where one
    /// may be, a second spelling of a field, or over a limit.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        let plain = spelling::without_mark(bytes);
        // The payload may be nearly all of it, and becomes bytes as it is read.
        let mut payload = None;
        let mut decode = |text: &str| {
            payload = STANDARD.decode(text).ok();
            payload.is_some()
        };
        let mut value = json::parse_but_text(plain, limits::BUNDLE_BYTES, PAYLOAD, &mut decode)?;
        let respelled = to_standard(&mut value) || plain.len() < bytes.len();
        if respelled && payload.take().is_some() {
            // Then it is needed in the text, too.
            value = json::parse(plain, limits::BUNDLE_BYTES)?;
            to_standard(&mut value);
        }
        let respelled = Respelled(respelled.then(|| value.to_string().into_boxed_str()));
        let root = Field::root("bundle", &value);
        let media_type = root.need("mediaType")?;
        let version = BundleVersion::by_media_type(media_type.str()?).ok_or_else(|| {
            media_type.error(
                format!("`{MEDIA_TYPE}` or an older version"),
                format!("`{}`", media_type.str().unwrap_or_default()),
            )
        })?;
        // Protobuf's JSON readers also take the names of the .proto file: two spellings, two meanings.
        root.spelled(&["mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope"])?;
        let material_field = root.need("verificationMaterial")?;
        material_field.spelled(&[
            "publicKey",
            "certificate",
            "x509CertificateChain",
            "tlogEntries",
            "timestampVerificationData",
        ])?;

        let content = match (root.get("dsseEnvelope")?, root.get("messageSignature")?) {
            (Some(e), None) => BundleContent::Envelope(Envelope::with_payload(&e, payload)?),
            (None, Some(m)) => {
                let digest = m.get("messageDigest")?.map(|d| d.get("digest")).transpose()?.flatten();
                let digest = digest.map(|d| d.base64()).transpose()?;
                BundleContent::MessageSignature { signature: m.need("signature")?.base64()?, digest }
            }
            (None, None) => return Err(JsonError::Missing { path: "bundle.dsseEnvelope".into() }),
            (Some(_), Some(_)) => return Err(root.error("one of `dsseEnvelope` and `messageSignature`", "both")),
        };
        let log_entries = match material_field.get("tlogEntries")? {
            Some(l) => l
                .list(limits::LOG_ENTRIES)?
                .iter()
                .map(|e| e.object().map(|_| e.value().clone()))
                .collect::<Result<_, _>>()?,
            None => Vec::new(),
        };
        let mut timestamps = Vec::new();
        if let Some(data) = material_field.get("timestampVerificationData")? {
            data.spelled(&["rfc3161Timestamps"])?;
            if let Some(list) = data.get("rfc3161Timestamps")? {
                for t in list.list(limits::TIMESTAMPS)? {
                    timestamps.push(t.need("signedTimestamp")?.base64()?);
                }
            }
        }
        let material = material(&material_field, version)?;
        Ok(Self { version, content, material, log_entries, timestamps, respelled, bare: false })
    }

    /// Whether it came as an envelope alone, with its certificates.
    #[must_use]
    pub fn is_bare(&self) -> bool {
        self.bare
    }

    /// The document in standard base64 and without a byte order mark, where it came in another spelling.
    #[must_use]
    pub fn respelled(&self) -> Option<&str> {
        self.respelled.0.as_deref()
    }

    /// The version its media type claims.
    #[must_use]
    pub fn version(&self) -> BundleVersion {
        self.version
    }

    /// What is signed.
    #[must_use]
    pub fn content(&self) -> &BundleContent {
        &self.content
    }

    /// The envelope, if the content is one.
    #[must_use]
    pub fn envelope(&self) -> Option<&Envelope> {
        match &self.content {
            BundleContent::Envelope(e) => Some(e),
            BundleContent::MessageSignature { .. } => None,
        }
    }

    /// What the signature is to be checked with.
    #[must_use]
    pub fn material(&self) -> &VerificationMaterial {
        &self.material
    }

    /// Log entries as found.
    #[must_use]
    pub fn log_entries(&self) -> &[Value] {
        &self.log_entries
    }

    /// RFC 3161 responses as found, DER.
    #[must_use]
    pub fn timestamps(&self) -> &[Vec<u8>] {
        &self.timestamps
    }
}

fn material(field: &Field<'_>, version: BundleVersion) -> Result<VerificationMaterial, JsonError> {
    let key = field.get("publicKey")?;
    let single = field.get("certificate")?;
    let chain = field.get("x509CertificateChain")?;
    match (key, single, chain) {
        (Some(k), None, None) => {
            Ok(VerificationMaterial::PublicKey { hint: k.opt_str("hint")?.unwrap_or_default().to_owned() })
        }
        (None, Some(c), None) => Ok(VerificationMaterial::Certificates(vec![c.need("rawBytes")?.base64()?])),
        (None, None, Some(c)) if version < BundleVersion::V03 => {
            let list = c.need("certificates")?;
            let certificates = list.list(limits::CHAIN)?;
            if certificates.is_empty() {
                return Err(list.error("at least one certificate", "none"));
            }
            let certificates = certificates.iter().map(|c| c.need("rawBytes")?.base64()).collect::<Result<_, _>>()?;
            Ok(VerificationMaterial::Certificates(certificates))
        }
        (None, None, Some(_)) => Err(field.error("`certificate` or `publicKey` (bundle v0.3)", "a certificate chain")),
        (None, None, None) => Err(field.error("one of `publicKey`, `certificate`, `x509CertificateChain`", "none")),
        _ => Err(field.error("one of `publicKey`, `certificate`, `x509CertificateChain`", "several")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::envelope::{EnvelopeSignature, IN_TOTO};
    use serde_json::json;

    fn keyed() -> Bundle {
        let sig = EnvelopeSignature { sig: vec![1], keyid: String::new() };
        Bundle::keyed(Envelope::new(IN_TOTO, b"{}".to_vec(), sig), "hint".into())
    }

    #[test]
    fn what_is_written_is_read_back_equal() {
        let b = keyed().with_timestamp(vec![7]).with_log_entry(json!({"logIndex": "1"}));
        assert_eq!(Bundle::parse(&b.to_bytes()).unwrap(), b);
        let b = Bundle::message([7; 32], vec![1], vec![vec![2], vec![3]]);
        assert_eq!(Bundle::parse(&b.to_bytes()).unwrap(), b);
        assert_eq!(b.material(), &VerificationMaterial::Certificates(vec![vec![2]]));
    }

    #[test]
    fn two_meanings_are_refused() {
        let good: Value = serde_json::from_slice(&keyed().to_bytes()).unwrap();
        let with = |f: &dyn Fn(&mut Value)| {
            let mut v = good.clone();
            f(&mut v);
            Bundle::parse(v.to_string().as_bytes())
        };
        assert!(with(&|_| ()).is_ok());
        assert!(with(&|v| v["messageSignature"] = json!({"signature": "AA=="})).is_err());
        assert!(with(&|v| v["dsse_envelope"] = json!({})).is_err());
        assert!(with(&|v| v["verificationMaterial"]["certificate"] = json!({"rawBytes": "AA=="})).is_err());
        assert!(with(&|v| v["verificationMaterial"]["x509CertificateChain"] = json!({"certificates": []})).is_err());
        assert!(with(&|v| v["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into()).is_err());
    }
}
