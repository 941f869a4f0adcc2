//! DER, written by hand: a test must be able to write what no library would.

use std::time::Duration;
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::{GeneralizedTime, ObjectIdentifier, OctetString};
use x509_cert::ext::Extension;
use x509_cert::spki::AlgorithmIdentifierOwned;

/// A claim's value: DER of a UTF8String.
#[must_use]
pub fn text(value: &str) -> Vec<u8> {
    tlv(0x0c, value.as_bytes())
}

/// Tag, length and value.
pub(super) fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        short @ 0..0x80 => vec![short as u8],
        middle @ 0x80..0x100 => vec![0x81, middle as u8],
        long => [&[0x82], &be(2, long)[..]].concat(),
    };
    [&[tag], &length[..], content].concat()
}

/// A SEQUENCE of these.
pub(super) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    tlv(0x30, &parts.concat())
}

/// The last `count` bytes of a number, big end first.
pub(super) fn be(count: usize, number: usize) -> Vec<u8> {
    (number as u64).to_be_bytes()[8 - count..].to_vec()
}

/// An OBJECT IDENTIFIER.
pub(super) fn oid(dotted: &str) -> Vec<u8> {
    ObjectIdentifier::new(dotted).expect("an object identifier").to_der().expect("DER")
}

/// A GeneralizedTime of seconds since 1970.
pub(super) fn generalized_time(seconds: i64) -> Vec<u8> {
    let since = Duration::from_secs(u64::try_from(seconds).expect("a time after 1970"));
    GeneralizedTime::from_unix_duration(since).and_then(|t| t.to_der()).expect("a time")
}

/// A certificate's extension.
pub(super) fn extension(oid: &str, critical: bool, value: Vec<u8>) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new(oid).expect("an object identifier"),
        critical,
        extn_value: OctetString::new(value).expect("bytes"),
    }
}

/// How the keys of certificates sign here.
pub(super) const ECDSA_WITH_SHA256: AlgorithmIdentifierOwned =
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), parameters: None };
