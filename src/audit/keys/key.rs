//! A key, what is derived from it, and keys read from bytes.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

/// A key of 32 bytes, overwritten when it is dropped.
pub type Key = Zeroizing<[u8; 32]>;

/// A key made of another one and of words: HMAC-SHA-256.
#[must_use]
pub fn derive(key: &Key, words: &[&[u8]]) -> Key {
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key[..]);
    let mut context = hmac::Context::with_key(&key);
    for word in words {
        context.update(&(word.len() as u32).to_be_bytes());
        context.update(word);
    }
    let mut out = Key::default();
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Reads bytes one after another.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    pub(super) fn number(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    pub(super) fn key(&mut self) -> Option<Key> {
        let mut key = Key::default();
        key.copy_from_slice(self.take(32)?);
        Some(key)
    }
}
