//! Texts that are never kept: what is recorded is a salted hash and the size, by which the text is known again.
//!
//! A command or a diff may hold anything. A plain hash of it would let everybody who reads the log try out guesses; the salt
//! stands in the encrypted content and is destroyed with it. Of what has an id of its own the salt is made from the id: the same
//! text handed in again has the same commitment, and another text is found out.

use super::RecordError;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// What is hashed before the salt: this form of commitment and no other.
const LABEL: &[u8] = b"attest/text/v1";
const SALT: &[u8] = b"attest/text-salt/v1";

/// A text that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    salt: [u8; 16],
    digest: [u8; 32],
    /// How long the text was (bytes).
    pub size: u64,
}

impl Committed {
    /// Commits to a text under a salt.
    #[must_use]
    pub fn to(text: &[u8], salt: [u8; 16]) -> Self {
        Self { salt, digest: hash(&salt, text), size: text.len() as u64 }
    }

    /// The salt of a field of what a source has an id of its own for.
    #[must_use]
    pub fn salt_of(source: &str, source_id: &str, field: &str) -> [u8; 16] {
        let mut hash = Sha256::new().chain_update(SALT);
        for part in [source, source_id, field] {
            hash = hash.chain_update((part.len() as u64).to_be_bytes()).chain_update(part);
        }
        let mut out = [0; 16];
        out.copy_from_slice(&hash.finalize()[..16]);
        out
    }

    /// Whether another one is surely of another text. Under another salt only its size can tell.
    #[must_use]
    pub fn differs(&self, other: &Self) -> bool {
        self.size != other.size || (self.salt == other.salt && self.digest != other.digest)
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
        let salted = Committed::to(b"cargo test", [8; 16]);
        assert_ne!(one.digest, salted.digest, "another salt");
        assert!(!one.differs(&salted) && one.differs(&Committed::to(b"cargo tesT", [7; 16])));
        assert!(one.differs(&Committed::to(b"cargo", [8; 16])), "another size");
        assert_ne!(Committed::salt_of("a", "bc", "input"), Committed::salt_of("ab", "c", "input"));
        assert_eq!(Committed::read("command", &one.value()).unwrap(), one);
        for bad in [json!({}), json!("x"), json!({ "salt": "AA==", "digest": "AA==", "size": 1 })] {
            assert!(Committed::read("command", &bad).is_err(), "{bad}");
        }
        let mut more = one.value();
        more["text"] = json!("cargo test");
        assert!(Committed::read("command", &more).is_err(), "with the text beside it");
    }
}
