//! DSSE envelope v1. The payload is the bytes that were signed; they are never serialised again.

use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use bytes::Bytes;

/// Payload type of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    /// Signature over the pre-authentication encoding, in the algorithm's usual binary form.
    pub sig: Vec<u8>,
    /// An unauthenticated hint at the key; empty if none (DSSE protocol, `KEYID`).
    pub keyid: String,
}

/// A DSSE envelope: payload bytes as signed, their type, 1 to [`limits::SIGNATURES`] signatures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    payload_type: String,
    payload: Bytes,
    signatures: Vec<EnvelopeSignature>,
}

impl Envelope {
    /// Composes an envelope with one signature.
    #[must_use]
    pub fn new(payload_type: &str, payload: impl Into<Bytes>, signature: EnvelopeSignature) -> Self {
        Self { payload_type: payload_type.to_owned(), payload: payload.into(), signatures: vec![signature] }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When a field is missing or has another form, the payload is over [`limits::STATEMENT_BYTES`], or there are no or
    /// too many signatures.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        Self::with_payload(field, None)
    }

    /// The same of an envelope whose payload was decoded already, if it was.
    ///
    /// # Errors
    /// As [`Envelope::from_json`].
    pub(super) fn with_payload(field: &Field<'_>, payload: Option<Vec<u8>>) -> Result<Self, JsonError> {
        field.spelled(&["payload", "payloadType", "signatures"])?;
        let payload = match payload {
            Some(payload) => payload,
            None => field.need("payload")?.base64()?,
        };
        if payload.len() > limits::STATEMENT_BYTES {
            let what = format!("a payload of {} bytes", payload.len());
            return Err(JsonError::TooLarge { what, limit: limits::STATEMENT_BYTES });
        }
        let list = field.need("signatures")?;
        let signatures = list.list(limits::SIGNATURES)?;
        if signatures.is_empty() {
            return Err(list.error("at least one signature", "none"));
        }
        let signatures = signatures
            .iter()
            .map(|s| {
                let sig = s.need("sig")?.base64()?;
                Ok(EnvelopeSignature { sig, keyid: s.opt_str("keyid")?.unwrap_or_default().to_owned() })
            })
            .collect::<Result<_, JsonError>>()?;
        let payload_type = field.need("payloadType")?.str()?.to_owned();
        Ok(Self { payload_type, payload: payload.into(), signatures })
    }

    /// Reads a document that is an envelope and nothing else.
    ///
    /// # Errors
    /// As [`Envelope::from_json`], and when the bytes are no JSON.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        Self::from_json(&Field::root("envelope", &json::parse(bytes, limits::BUNDLE_BYTES)?))
    }

    /// What is signed: the pre-authentication encoding of type and payload.
    #[must_use]
    pub fn pae(&self) -> Vec<u8> {
        pae(&self.payload_type, &self.payload)
    }

    /// Media type of the payload.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The bytes that were signed.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The same bytes, without a copy.
    #[must_use]
    pub(crate) fn shared_payload(&self) -> &Bytes {
        &self.payload
    }

    /// The signatures.
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }
}

/// Pre-authentication encoding (DSSE protocol v1.0.2, "Signature Definition"): `DSSEv1 LEN(type) type LEN(body) body`.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    let mut out = Vec::with_capacity(head.len() + payload.len());
    out.extend_from_slice(head.as_bytes());
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn pae_is_as_the_specification_shows() {
        // DSSE protocol, "Test Vectors".
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
    }

    #[test]
    fn an_envelope_survives_its_json() {
        let e = Envelope::new(IN_TOTO, b"{}".to_vec(), EnvelopeSignature { sig: vec![1, 2], keyid: String::new() });
        assert_eq!(Envelope::parse(e.to_json().to_string().as_bytes()).unwrap(), e);
        assert_eq!(e.to_json()["signatures"][0]["keyid"], "");
    }

    #[test]
    fn no_signature_and_too_many_are_refused() {
        let with = |n: usize| {
            let sigs = vec![json!({"sig": "AA=="}); n];
            json!({"payload": "e30=", "payloadType": IN_TOTO, "signatures": sigs}).to_string()
        };
        assert!(Envelope::parse(with(0).as_bytes()).is_err());
        assert!(Envelope::parse(with(limits::SIGNATURES).as_bytes()).is_ok());
        assert_eq!(
            Envelope::parse(with(limits::SIGNATURES + 1).as_bytes()).unwrap_err().code().as_str(),
            "limit-exceeded"
        );
    }
}
