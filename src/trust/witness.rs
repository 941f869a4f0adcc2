//! [`WitnessKey`]: a witness of transparency logs, by its key.

use super::PublicKey;
use crate::model::digest::hex;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// DER of an Ed25519 SubjectPublicKeyInfo up to its 32 key bytes (RFC 8410 section 4).
const ED25519: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
/// Signature type of a timestamped Ed25519 cosignature (C2SP signed-note).
const COSIGNATURE: u8 = 0x04;
/// Most characters of a key as it is written.
const CHARS: usize = 1024;

/// The key of a witness that cosigns checkpoints (C2SP tlog-cosignature, Ed25519), and the name it cosigns under.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: [u8; 4],
    key: PublicKey,
}

impl WitnessKey {
    /// Reads a vkey (C2SP signed-note): `name+id+base64`, where the id is `SHA-256(name || LF || type || key)[:4]` in hex
    /// and the type that of a timestamped Ed25519 cosignature.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.len() > CHARS {
            return Err(format!("over {CHARS} characters"));
        }
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err("not of the form name+id+base64".into());
        };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err("a name that is empty or has blanks".into());
        }
        let bytes = STANDARD.decode(key).map_err(|_| "a key that is no base64".to_owned())?;
        let raw = match bytes.split_first() {
            Some((&COSIGNATURE, raw)) if raw.len() == 32 => raw,
            Some((&COSIGNATURE, raw)) => return Err(format!("a key of {} bytes, not 32", raw.len())),
            Some((kind, _)) => return Err(format!("a key of type {kind}, not of an Ed25519 cosignature (4)")),
            None => return Err("an empty key".into()),
        };
        let digest = Sha256::digest([name.as_bytes(), b"\n", &bytes].concat());
        let own = [digest[0], digest[1], digest[2], digest[3]];
        if id != hex(&own) {
            return Err(format!("the id {}, and name and key make {}", cut(id), hex(&own)));
        }
        let key = PublicKey::from_der(&[&ED25519, raw].concat()).map_err(|e| e.to_string())?;
        Ok(Self { name: name.to_owned(), id: own, key })
    }

    /// The name it cosigns under.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id that its signature lines carry.
    #[must_use]
    pub fn id(&self) -> [u8; 4] {
        self.id
    }

    /// The key: two witnesses of one key are one.
    #[must_use]
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

fn cut(text: &str) -> String {
    text.chars().take(20).collect()
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.name, hex(&self.id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vkey(name: &str, bytes: &[u8]) -> String {
        let id = Sha256::digest([name.as_bytes(), b"\n", bytes].concat());
        format!("{name}+{}+{}", hex(&id[..4]), STANDARD.encode(bytes))
    }

    #[test]
    fn a_key_is_read_whole() {
        let bytes = [&[4], &[7; 32][..]].concat();
        let key = WitnessKey::parse(&vkey("w.example", &bytes)).unwrap();
        assert_eq!((key.name(), key.key().raw()), ("w.example", &[7; 32][..]));
        for (text, why) in [
            (vkey("", &bytes), "a name that is empty"),
            (vkey("w example", &bytes), "a name that is empty or has blanks"),
            (vkey("w.example", &bytes).replacen("w.", "v.", 1), "the id"),
            (vkey("w.example", &[&[1], &[7; 32][..]].concat()), "a key of type 1"),
            (vkey("w.example", &[&[6], &[7; 32][..]].concat()), "a key of type 6"),
            (vkey("w.example", &bytes[..32]), "a key of 31 bytes"),
            (vkey("w.example", b""), "an empty key"),
            ("w.example+00000000".into(), "not of the form"),
            ("w.example+00000000+?".into(), "no base64"),
            ("x".repeat(2000), "over 1024 characters"),
        ] {
            let found = WitnessKey::parse(&text).unwrap_err();
            assert!(found.contains(why), "{text}: {found}");
        }
    }
}
