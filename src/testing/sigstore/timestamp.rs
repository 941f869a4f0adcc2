//! [`StampAuthority`]: a timestamp authority (RFC 3161) of a test's own.

use super::certificate::{Body, issuing, name, subject};
use super::der::{extension, generalized_time, oid, sequence, tlv};
use super::{DAY, SIGNED_AT};
use crate::sign::LocalKey;
use crate::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// A timestamp authority: a self-signed certificate, and one below it that signs timestamps. Its knobs make it wrong.
#[derive(Debug)]
pub struct StampAuthority {
    /// Its name.
    pub name: String,
    /// Key of the self-signed certificate.
    pub authority: LocalKey,
    /// Key that signs timestamps.
    pub signer: LocalKey,
    /// From when until when the signer's certificate is valid.
    pub signer_window: (i64, i64),
    /// From when until when the authority's own certificate is valid.
    pub authority_window: (i64, i64),
    /// Whether the signer's certificate is for timestamps (RFC 3161 section 2.3).
    pub for_timestamps: bool,
}

impl StampAuthority {
    /// A sound one.
    ///
    /// # Panics
    /// When the system makes no keys.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let key = || LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
        let window = (SIGNED_AT - 100 * DAY, SIGNED_AT + 1000 * DAY);
        Self {
            name: name.to_owned(),
            authority: key(),
            signer: key(),
            signer_window: window,
            authority_window: window,
            for_timestamps: true,
        }
    }

    /// How it stands in a trusted root (`timestampAuthorities`).
    #[must_use]
    pub fn root(&self) -> Value {
        let certificates = self.chain().into_iter().map(|c| json!({ "rawBytes": STANDARD.encode(c) }));
        json!({
            "subject": { "organization": self.name, "commonName": self.name },
            "uri": format!("https://{}.example", self.name),
            "certChain": { "certificates": certificates.collect::<Vec<_>>() },
            "validFor": { "start": "2024-01-01T00:00:00Z" },
        })
    }

    /// Its certificates, DER, the signer's first.
    #[must_use]
    pub fn chain(&self) -> [Vec<u8>; 2] {
        let own = subject(&self.name);
        let mut extensions = vec![extension("2.5.29.15", true, vec![0x03, 0x02, 0x07, 0x80])];
        let purpose = if self.for_timestamps { "1.3.6.1.5.5.7.3.8" } else { "1.3.6.1.5.5.7.3.3" };
        extensions.push(extension("2.5.29.37", true, sequence(&[&oid(purpose)])));
        let signer = Body::new(&own, &self.signer_name(), 2, self.signer.public_key(), self.signer_window, extensions);
        let authority = Body::new(&own, &own, 1, self.authority.public_key(), self.authority_window, issuing());
        [signer.issued_by(&self.authority), authority.issued_by(&self.authority)]
    }

    fn signer_name(&self) -> String {
        format!("CN={} signer", self.name)
    }

    /// A response with a timestamp of these bytes (a signature): DER of a `TimeStampResp`.
    #[must_use]
    pub fn stamp(&self, signature: &[u8], at: i64) -> Vec<u8> {
        self.respond(&Sha256::digest(signature), &[], at)
    }

    /// The answer to a `TimeStampReq` for a SHA-256 imprint; none where the bytes are no such request.
    #[must_use]
    pub fn answer(&self, request: &[u8], at: i64) -> Option<Vec<u8>> {
        let (_, fields) = first(request)?;
        let (_, after_version) = skip(fields)?;
        let (imprint, mut rest) = skip(after_version)?;
        let (_, algorithm_and_hash) = first(imprint)?;
        let (_, hash) = skip(algorithm_and_hash)?;
        let (0x04, hash) = first(hash)? else { return None };
        let mut nonce: &[u8] = &[];
        while !rest.is_empty() {
            let (element, after) = skip(rest)?;
            if element[0] == 0x02 {
                nonce = element;
            }
            rest = after;
        }
        (hash.len() == 32).then(|| self.respond(hash, nonce, at))
    }

    /// A granted response. `nonce`: the request's, as it is encoded there, or nothing.
    fn respond(&self, imprint: &[u8], nonce: &[u8], at: i64) -> Vec<u8> {
        let sha256 = sequence(&[&oid("2.16.840.1.101.3.4.2.1")]);
        let content = oid("1.2.840.113549.1.9.16.1.4");
        let info = sequence(&[
            &[0x02, 1, 1],
            &oid("1.3.6.1.4.1.57264.2"),
            &sequence(&[&sha256, &tlv(0x04, imprint)]),
            &[0x02, 1, 7],
            &generalized_time(at),
            nonce,
        ]);
        let certificate = Sha256::digest(&self.chain()[0]);
        // In the order of their encodings, as DER wants a set.
        let attributes = [
            attribute("1.2.840.113549.1.9.3", &content),
            attribute("1.2.840.113549.1.9.4", &tlv(0x04, &Sha256::digest(&info))),
            attribute("1.2.840.113549.1.9.16.2.47", &sequence(&[&sequence(&[&sequence(&[&tlv(0x04, &certificate)])])])),
        ]
        .concat();
        let signature = self.signer.sign_bytes(&tlv(0x31, &attributes)).expect("a signature");
        let signer = sequence(&[
            &[0x02, 1, 1],
            &sequence(&[&name(&subject(&self.name)), &[0x02, 1, 2]]),
            &sha256,
            &tlv(0xa0, &attributes),
            &sequence(&[&oid("1.2.840.10045.4.3.2")]),
            &tlv(0x04, &signature),
        ]);
        let signed = sequence(&[
            &[0x02, 1, 3],
            &tlv(0x31, &sha256),
            &sequence(&[&content, &tlv(0xa0, &tlv(0x04, &info))]),
            &tlv(0x31, &signer),
        ]);
        let token = sequence(&[&oid("1.2.840.113549.1.7.2"), &tlv(0xa0, &signed)]);
        sequence(&[&sequence(&[&[0x02, 1, 0]]), &token])
    }
}

fn attribute(kind: &str, value: &[u8]) -> Vec<u8> {
    sequence(&[&oid(kind), &tlv(0x31, value)])
}

/// Tag and content of the first element. Requests are short: lengths of one or two bytes.
fn first(der: &[u8]) -> Option<(u8, &[u8])> {
    let (element, _) = skip(der)?;
    let header = if element[1] < 0x80 { 2 } else { 3 };
    Some((element[0], &element[header..]))
}

/// The first element as it is encoded, and what follows it.
fn skip(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let length = match der {
        [_, length @ 0..=0x7f, ..] => 2 + usize::from(*length),
        [_, 0x81, length, ..] => 3 + usize::from(*length),
        _ => return None,
    };
    der.split_at_checked(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_answered_with_its_own_nonce() {
        let authority = StampAuthority::new("stamps");
        let imprint = sequence(&[&sequence(&[&oid("2.16.840.1.101.3.4.2.1")]), &tlv(0x04, &Sha256::digest(b"s"))]);
        let nonce = tlv(0x02, &[0x40, 1, 2, 3, 4, 5, 6, 7]);
        let request = sequence(&[&[0x02, 1, 1], &imprint, &nonce, &[0x01, 1, 0xff]]);
        let answer = authority.answer(&request, SIGNED_AT).unwrap();
        assert!(answer.windows(nonce.len()).any(|w| w == nonce));
        let plain = sequence(&[&[0x02, 1, 1], &imprint]);
        let answer = authority.answer(&plain, SIGNED_AT).unwrap();
        assert!(!answer.windows(nonce.len()).any(|w| w == nonce));
        for cut in 0..plain.len() {
            assert_eq!(authority.answer(&plain[..cut], SIGNED_AT), None, "{cut}");
        }
    }
}
