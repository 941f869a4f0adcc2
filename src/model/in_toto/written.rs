//! How bundles and envelopes are written. The payload, of tens of megabytes, goes to its base64 without a copy between.

use super::bundle::{Bundle, BundleContent, MEDIA_TYPE, VerificationMaterial};
use super::envelope::{Envelope, EnvelopeSignature};
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// What base64 and the parts around the payload take of a bundle with one certificate and one log entry (bytes).
const AROUND: usize = 16 << 10;

impl Bundle {
    /// The JSON form, one line, v0.3.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let payload = self.envelope().map_or(0, |e| e.payload().len());
        let mut out = Vec::with_capacity(payload / 3 * 4 + AROUND);
        serde_json::to_writer(&mut out, &Document::of(self)).expect("texts have a JSON form, and memory takes it");
        out
    }
}

impl Envelope {
    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        serde_json::to_value(EnvelopeForm::of(self)).expect("texts have a JSON form")
    }
}

/// Bytes, in standard base64.
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(self.0, &STANDARD))
    }
}

/// `Envelope` of DSSE.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EnvelopeForm<'a> {
    payload: Base64<'a>,
    payload_type: &'a str,
    signatures: Vec<SignatureForm<'a>>,
}

/// Some readers (securesystemslib, GUAC) need the key id, if empty.
#[derive(Serialize)]
struct SignatureForm<'a> {
    keyid: &'a str,
    sig: Base64<'a>,
}

impl<'a> EnvelopeForm<'a> {
    fn of(envelope: &'a Envelope) -> Self {
        let form = |s: &'a EnvelopeSignature| SignatureForm { keyid: &s.keyid, sig: Base64(&s.sig) };
        Self {
            payload: Base64(envelope.payload()),
            payload_type: envelope.payload_type(),
            signatures: envelope.signatures().iter().map(form).collect(),
        }
    }
}

/// `Bundle` of `sigstore_bundle.proto`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    media_type: &'static str,
    verification_material: MaterialForm<'a>,
    #[serde(flatten)]
    content: ContentForm<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MaterialForm<'a> {
    #[serde(flatten)]
    key: KeyForm<'a>,
    #[serde(skip_serializing_if = "<[Value]>::is_empty")]
    tlog_entries: &'a [Value],
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp_verification_data: Option<TimestampsForm<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum KeyForm<'a> {
    PublicKey {
        hint: &'a str,
    },
    #[serde(rename_all = "camelCase")]
    Certificate {
        raw_bytes: Base64<'a>,
    },
}

#[derive(Serialize)]
struct TimestampsForm<'a> {
    #[serde(rename = "rfc3161Timestamps")]
    all: Vec<TimestampForm<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TimestampForm<'a> {
    signed_timestamp: Base64<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum ContentForm<'a> {
    DsseEnvelope(EnvelopeForm<'a>),
    #[serde(rename_all = "camelCase")]
    MessageSignature {
        #[serde(skip_serializing_if = "Option::is_none")]
        message_digest: Option<DigestForm<'a>>,
        signature: Base64<'a>,
    },
}

#[derive(Serialize)]
struct DigestForm<'a> {
    algorithm: &'static str,
    digest: Base64<'a>,
}

impl<'a> Document<'a> {
    fn of(bundle: &'a Bundle) -> Self {
        let key = match bundle.material() {
            VerificationMaterial::PublicKey { hint } => KeyForm::PublicKey { hint },
            VerificationMaterial::Certificates(chain) => {
                KeyForm::Certificate { raw_bytes: Base64(chain.first().map_or(&[], Vec::as_slice)) }
            }
        };
        let timestamps = bundle.timestamps();
        let all = timestamps.iter().map(|t| TimestampForm { signed_timestamp: Base64(t) }).collect();
        let content = match bundle.content() {
            BundleContent::Envelope(envelope) => ContentForm::DsseEnvelope(EnvelopeForm::of(envelope)),
            BundleContent::MessageSignature { signature, digest } => ContentForm::MessageSignature {
                message_digest: digest.as_ref().map(|d| DigestForm { algorithm: "SHA2_256", digest: Base64(d) }),
                signature: Base64(signature),
            },
        };
        Self {
            media_type: MEDIA_TYPE,
            verification_material: MaterialForm {
                key,
                tlog_entries: bundle.log_entries(),
                timestamp_verification_data: (!timestamps.is_empty()).then_some(TimestampsForm { all }),
            },
            content,
        }
    }
}
