//! Timestamp authorities (RFC 3161): a signed time for a signature.

use crate::model::limits;
use crate::seam::BoxFuture;
use crate::sign::sigstore::service::Question;
use crate::sign::{Evidence, EvidenceItem, KeyMaterial, ServiceClient, SignError, Witnessed};
use crate::trust::timestamp::StampResponse;
use aws_lc_rs::rand;
use sha2::{Digest as _, Sha256};

/// A timestamp authority.
pub struct TimestampAuthority {
    service: String,
    url: String,
    client: ServiceClient,
}

impl TimestampAuthority {
    /// The authority that answers at a URL.
    #[must_use]
    pub fn new(url: &str, client: ServiceClient) -> Self {
        Self { service: format!("the timestamp authority at {url}"), url: url.to_owned(), client }
    }

    async fn stamp(&self, signature: &[u8]) -> Result<Vec<u8>, SignError> {
        let mut nonce = [0; 8];
        rand::fill(&mut nonce).map_err(|_| SignError::Failed { cause: "the system gives no randomness".into() })?;
        // A positive INTEGER of exactly eight bytes.
        nonce[0] = (nonce[0] & 0x3f) | 0x40;
        let imprint = Sha256::digest(signature);
        let body = Some(("application/timestamp-query", request(&imprint, nonce)));
        let question = Question {
            service: &self.service,
            url: &self.url,
            body,
            limit: limits::TIMESTAMP_BYTES,
            ..Question::default()
        };
        let answer = self.client.ask(&question).await?.success(&self.service)?;
        check(&answer, &imprint, nonce).map_err(|found| SignError::Answer {
            service: self.service.clone(),
            expected: "a timestamp of this signature".into(),
            found: found.to_owned(),
        })?;
        Ok(answer)
    }
}

impl Evidence for TimestampAuthority {
    fn name(&self) -> String {
        self.service.clone()
    }

    fn attest<'a>(
        &'a self,
        signature: Witnessed<'a>,
        _: &'a KeyMaterial,
    ) -> BoxFuture<'a, Result<Vec<EvidenceItem>, SignError>> {
        Box::pin(async move {
            let stamp = self.stamp(signature.signature()).await;
            Ok(vec![EvidenceItem::Timestamp(stamp.map_err(|e| self.client.harmless(e))?)])
        })
    }
}

/// `AlgorithmIdentifier` of SHA-256.
const SHA256: &[u8] = &[0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// `TimeStampReq` (RFC 3161 section 2.4.1) with a nonce, asking for the certificate.
fn request(imprint: &[u8], nonce: [u8; 8]) -> Vec<u8> {
    // All of it is shorter than 128 bytes, so every length is one byte.
    let element = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).unwrap_or(u8::MAX)], content].concat();
    let message_imprint = element(0x30, &[SHA256, &element(0x04, imprint)].concat());
    let parts = [element(0x02, &[1]), message_imprint, element(0x02, &nonce), element(0x01, &[0xff])];
    element(0x30, &parts.concat())
}

/// That a `TimeStampResp` grants a timestamp of this digest for this request. Its signature is checked by verification.
fn check(response: &[u8], imprint: &[u8], nonce: [u8; 8]) -> Result<(), &'static str> {
    const CUT: &str = "bytes that are no timestamp response";
    let response = StampResponse::read(response).map_err(|_| CUT)?;
    if ![0, 1].contains(&response.status) {
        return Err("a refusal");
    }
    let stamp = response.stamp().map_err(|_| CUT)?.ok_or("something else that is signed")?;
    if stamp.imprint != imprint {
        return Err("a timestamp of something else");
    }
    if stamp.nonce.as_deref() != Some(nonce.as_slice()) {
        return Err("a timestamp for another request");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use x509_cert::der::{AnyRef, Decode as _, Tag, Tagged as _};

    /// OBJECT IDENTIFIERs of signed data and of a timestamp's content.
    const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
    const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

    /// An element of any length.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = match content.len() {
            n @ 0..=0x7f => vec![n as u8],
            n @ 0x80..=0xff => vec![0x81, n as u8],
            n => vec![0x82, (n >> 8) as u8, n as u8],
        };
        [&[tag], &length[..], content].concat()
    }

    fn response(status: u8, imprint: &[u8], nonce: &[u8]) -> Vec<u8> {
        let message = der(0x30, &[SHA256, &der(0x04, imprint)].concat());
        let accuracy = der(0x30, &der(0x02, &[1]));
        let time = der(0x18, b"20260101000000Z");
        let info = [der(0x02, &[1]), der(0x06, &[42]), message, der(0x02, &[9]), time, accuracy, der(0x02, nonce)];
        let octets = der(0x04, &der(0x30, &info.concat()));
        let encapsulated = der(0x30, &[der(0x06, TST_INFO), der(0xa0, &octets)].concat());
        let signed = der(0x30, &[der(0x02, &[3]), der(0x31, &[]), encapsulated, der(0x31, &[])].concat());
        let token = der(0x30, &[der(0x06, SIGNED_DATA), der(0xa0, &signed)].concat());
        der(0x30, &[der(0x30, &der(0x02, &[status])), token].concat())
    }

    const NONCE: [u8; 8] = [0x41, 2, 3, 4, 5, 6, 7, 8];

    #[test]
    fn an_answer_is_about_this_signature_and_this_request() {
        let imprint = [7; 32];
        assert_eq!(check(&response(0, &imprint, &NONCE), &imprint, NONCE), Ok(()));
        assert_eq!(check(&response(1, &imprint, &NONCE), &imprint, NONCE), Ok(()));
        assert_eq!(check(&response(2, &imprint, &NONCE), &imprint, NONCE), Err("a refusal"));
        assert_eq!(check(&response(0, &[8; 32], &NONCE), &imprint, NONCE), Err("a timestamp of something else"));
        assert_eq!(check(&response(0, &imprint, &[1; 8]), &imprint, NONCE), Err("a timestamp for another request"));
    }

    #[test]
    fn no_answer_of_any_length_is_taken_for_one() {
        let good = response(0, &[7; 32], &NONCE);
        for end in 0..good.len() {
            assert!(check(&good[..end], &[7; 32], NONCE).is_err(), "{end}");
        }
        assert!(check(b"<html>", &[7; 32], NONCE).is_err());
        assert!(check(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[7; 32], NONCE).is_err());
    }

    #[test]
    fn a_request_is_one_der_sequence() {
        let request = request(&[7; 32], NONCE);
        let whole = AnyRef::from_der(&request).unwrap();
        let content = whole.value();
        assert_eq!((whole.tag(), content.len()), (Tag::Sequence, request.len() - 2));
        assert!(content.windows(32).any(|w| w == [7; 32]) && content.windows(8).any(|w| w == NONCE));
        assert_eq!(content[..3], [2, 1, 1]);
        assert_eq!(content[content.len() - 3..], [1, 1, 0xff]);
    }
}
