//! Texts that are never kept: what is recorded is a salted hash and the size, by which the text is known again.
//!
//! A command or a diff may hold anything. A plain hash of it would let everybody who reads the log try out guesses; the salt
//! stands in the encrypted content and is destroyed with it.

use super::RecordError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What is hashed before the salt: this form of commitment and no other.
const LABEL: &[u8] = b"attest/text/v1";

/// A text that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    salt: [u8; 16],
    digest: [u8; 32],
    /// How long the text was (bytes).
    pub size: u64,
}

impl Committed {
    /// Commits to a text under a salt that nobody can guess.
    #[must_use]
    pub fn to(text: &[u8], salt: [u8; 16]) -> Self {
        Self { salt, digest: hash(&salt, text), size: text.len() as u64 }
    }

    /// Whether a text is the one.
    #[must_use]
    pub fn is(&self, text: &[u8]) -> bool {
        self.size == text.len() as u64 && hash(&self.salt, text) == self.digest
    }

    /// As a record holds it.
    #[must_use]
    pub fn value(&self) -> Value {
        json!({ "salt": STANDARD.encode(self.salt), "digest": STANDARD.encode(self.digest), "size": self.size })
    }

    /// Reads what [`Committed::value`] made.
    ///
    /// # Errors
    /// [`RecordError::Malformed`].
    pub fn read(at: &str, value: &Value) -> Result<Self, RecordError> {
        let wrong =
            || RecordError::malformed(at, "a salt of 16 bytes and a digest of 32 in base64, and a size", "another");
        let bytes = |name: &str| STANDARD.decode(value.get(name)?.as_str()?).ok();
        let read = || {
            let members = value.as_object().filter(|m| m.len() == 3)?;
            Some(Self {
                salt: bytes("salt")?.try_into().ok()?,
                digest: bytes("digest")?.try_into().ok()?,
                size: members.get("size")?.as_u64()?,
            })
        };
        read().ok_or_else(wrong)
    }
}

fn hash(salt: &[u8; 16], text: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(LABEL).chain_update(salt).chain_update(text).finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_again_and_no_other_is() {
        let one = Committed::to(b"cargo test", [7; 16]);
        assert!(one.is(b"cargo test"));
        assert!(!one.is(b"cargo tesT") && !one.is(b"cargo test\n"));
        assert_ne!(one.digest, Committed::to(b"cargo test", [8; 16]).digest, "another salt");
        assert_eq!(Committed::read("command", &one.value()).unwrap(), one);
        for bad in [json!({}), json!("x"), json!({ "salt": "AA==", "digest": "AA==", "size": 1 })] {
            assert!(Committed::read("command", &bad).is_err(), "{bad}");
        }
        let mut more = one.value();
        more["text"] = json!("cargo test");
        assert!(Committed::read("command", &more).is_err(), "with the text beside it");
    }
}
