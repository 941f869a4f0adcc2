//! Bundles in another spelling than ours: base64 of the URL alphabet or without padding (DSSE allows either, protobuf's JSON
//! readers take both), and a byte order mark. What was signed is the bytes that such a text stands for, and stays what it is.

use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::engine::{DecodePaddingMode, Engine as _};
use serde_json::Value;

/// Members of a bundle that hold base64.
const BASE64: &[&str] = &[
    "canonicalizedBody",
    "digest",
    "hashes",
    "keyId",
    "payload",
    "rawBytes",
    "rootHash",
    "sig",
    "signature",
    "signedEntryTimestamp",
    "signedTimestamp",
];

const ANY_PADDING: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const ORDINARY: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, ANY_PADDING);
const FOR_URLS: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, ANY_PADDING);

/// A document without its byte order mark.
#[must_use]
pub fn without_mark(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)
}

/// Writes every base64 of a bundle in the standard alphabet with padding; whether anything was written otherwise. What is
/// neither stays as it is, to be refused where it is read.
pub(crate) fn to_standard(value: &mut Value) -> bool {
    match value {
        Value::Object(members) => members.iter_mut().fold(false, |changed, (name, member)| {
            let here = BASE64.contains(&name.as_str()) && rewrite_all(member);
            to_standard(member) | here | changed
        }),
        Value::Array(items) => items.iter_mut().fold(false, |changed, item| to_standard(item) | changed),
        _ => false,
    }
}

fn rewrite_all(value: &mut Value) -> bool {
    match value {
        Value::String(text) => match standard(text) {
            Some(standard) => {
                *text = standard;
                true
            }
            None => false,
        },
        Value::Array(items) => items.iter_mut().fold(false, |changed, item| rewrite_all(item) | changed),
        _ => false,
    }
}

/// A text in standard base64, where it is base64 and is not written like that.
fn standard(text: &str) -> Option<String> {
    if STANDARD.decode(text).is_ok() {
        return None;
    }
    let engine = if text.contains(['-', '_']) { FOR_URLS } else { ORDINARY };
    engine.decode(text).ok().map(|bytes| STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_value_has_several_spellings_and_no_other_value_gets_one() {
        for (text, wanted) in [
            ("+/8=", None),
            ("-_8=", Some("+/8=")),
            ("-_8", Some("+/8=")),
            ("+/8", Some("+/8=")),
            ("+_8=", None),
            ("+/9=", None),
            ("+/8==", None),
            ("+/ 8=", None),
        ] {
            assert_eq!(standard(text).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn only_what_holds_base64_is_rewritten() {
        let mut bundle =
            json!({ "sig": "-_8", "keyid": "-_8", "proof": { "hashes": ["-_8", "+/8="], "logIndex": "12" } });
        assert!(to_standard(&mut bundle));
        let wanted =
            json!({ "sig": "+/8=", "keyid": "-_8", "proof": { "hashes": ["+/8=", "+/8="], "logIndex": "12" } });
        assert_eq!(bundle, wanted);
        assert!(!to_standard(&mut bundle));
    }
}
