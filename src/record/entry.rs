//! What stays in the log for ever: 87 bytes that say that something of a kind happened at about a time, and commit to what
//! it was. Nothing in it is about a person.

use super::kinds::{self, Class, Kind};
use crate::tlog::Hash;
use std::fmt;

/// The format's version, the first byte of an entry.
const VERSION: u8 = 2;
/// Bytes of an entry.
pub const BYTES: usize = 87;

/// Minutes of a day: keys belong to one.
const DAY_MINUTES: u32 = 24 * 60;

/// Id of a record: random, so that it says nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordId(pub [u8; 16]);

impl RecordId {
    /// Reads 32 digits of hex.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Some(Self(crate::model::digest::unhex(text)?.try_into().ok()?))
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::model::digest::hex(&self.0))
    }
}

impl fmt::Debug for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The permanent part of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub kind: &'static Kind,
    /// How long its content is kept.
    pub class: Class,
    /// When it was put into the log, in whole minutes since 1970, by the log's clock.
    pub minutes: u32,
    /// Its id.
    pub id: RecordId,
    /// Root over the commitments to its fields.
    pub fields: Hash,
    /// SHA-256 of its content as it is stored: encrypted, or in clear for a redaction and for settings.
    pub content: [u8; 32],
}

impl Entry {
    /// The day whose keys its content is under: days since 1970.
    #[must_use]
    pub fn day(&self) -> u32 {
        self.minutes / DAY_MINUTES
    }

    /// The bytes before the commitments: what the encryption of the content is bound to.
    #[must_use]
    pub fn head(&self) -> [u8; 23] {
        let mut out = [0; 23];
        (out[0], out[1], out[2]) = (VERSION, self.kind.number, self.class as u8);
        out[3..7].copy_from_slice(&self.minutes.to_be_bytes());
        out[7..].copy_from_slice(&self.id.0);
        out
    }

    /// As it stands in the log.
    #[must_use]
    pub fn bytes(&self) -> [u8; BYTES] {
        let mut out = [0; BYTES];
        out[..23].copy_from_slice(&self.head());
        out[23..55].copy_from_slice(self.fields.bytes());
        out[55..].copy_from_slice(&self.content);
        out
    }

    /// Reads an entry.
    ///
    /// # Errors
    /// Says what is wrong with it, in words.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        let found: &[u8; BYTES] =
            bytes.try_into().map_err(|_| format!("an entry of {} bytes, where one has {BYTES}", bytes.len()))?;
        let [version, kind, class, rest @ ..] = found;
        if *version != VERSION {
            return Err(format!("an entry of version {version}, of which this program knows only {VERSION}"));
        }
        let kind = kinds::numbered(*kind).ok_or_else(|| format!("an entry of kind {kind}, which is not known"))?;
        let class = Class::of(*class).ok_or_else(|| format!("an entry of class {class}, which is not known"))?;
        let word = |at: usize| rest.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, u32::from_be_bytes);
        let hash = |at: usize| rest.get(at..at + 32).and_then(|b| b.try_into().ok()).unwrap_or([0; 32]);
        let id = rest.get(4..20).and_then(|b| b.try_into().ok()).unwrap_or([0; 16]);
        let entry =
            Self { kind, class, minutes: word(0), id: RecordId(id), fields: Hash::from(hash(20)), content: hash(52) };
        if (entry.class == Class::Public) != (entry.kind.in_clear()) {
            return Err(format!("a record of kind `{}` of the class `{}`", kind.name, class.name()));
        }
        Ok(entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_as_it_was_written() {
        let entry = Entry {
            kind: kinds::named("action").unwrap(),
            class: Class::Executions,
            minutes: 29_000_000,
            id: RecordId([9; 16]),
            fields: Hash::of_nothing(),
            content: [3; 32],
        };
        let bytes = entry.bytes();
        assert_eq!(Entry::parse(&bytes).unwrap(), entry);
        assert_eq!(entry.day(), 29_000_000 / 1440);
        assert_eq!(RecordId::parse(&entry.id.to_string()), Some(entry.id));
        for (at, value) in [(0, 1), (1, 99), (2, 9), (2, 3)] {
            let mut other = bytes;
            other[at] = value;
            assert!(Entry::parse(&other).is_err(), "{at}");
        }
        assert!(Entry::parse(&bytes[1..]).is_err());
        assert!(Entry::parse(&[]).is_err());
    }
}
