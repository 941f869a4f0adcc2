//! Signed notes that say which keys were destroyed, and on whose authority. They stand in the log in clear, signed by another
//! key than the log's, so that a hole in the log is either covered by one, or unexplained.
//!
//! ```text
//! attest/redaction/v1
//! ORIGIN
//! time 2026-11-29T20:00:00Z
//! basis request-2026-114
//! at 48214
//! person 0123456789abcdef
//! ```
//! The last line is one of `person ID`, `records 5-5,9-12`, `expired CLASS until DAY kept DAYS`.

use super::AuditError;
use super::keys::PersonId;
use crate::model::digest::{hex, unhex};
use crate::model::{Timestamp, limits};
use crate::record::Class;
use crate::tlog::{Note, NoteKey};
use std::fmt::{self, Write as _};

const HEAD: &str = "attest/redaction/v1";

/// What was destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The key of a person: every field with it, in every record before.
    Person(PersonId),
    /// The keys of records, by ranges of their numbers, ends included, in their order.
    Records(Vec<(u64, u64)>),
    /// The keys of a class up to a day, that day included (days since 1970), kept for so many days.
    Expired {
        /// Of which records.
        class: Class,
        /// The last day.
        until: u32,
        /// For how many days they are kept.
        kept: u32,
    },
}

/// A redaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redaction {
    /// The log.
    pub origin: String,
    /// When it was ordered.
    pub time: Timestamp,
    /// Why: the number of a request, or `policy`.
    pub basis: String,
    /// The number of its record: whoever puts a signed one into the log again, in another place, has none.
    pub at: u64,
    /// What.
    pub what: What,
}

impl Redaction {
    /// Reads the text of a note, which is written in one way only.
    ///
    /// # Errors
    /// [`AuditError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let wrong = || AuditError::malformed("redaction", "it has not the form of one");
        if text.len() > limits::REDACTION_BYTES {
            return Err(wrong());
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let [HEAD, origin, time, basis, at, what, ""] = lines[..] else { return Err(wrong()) };
        let time = time.strip_prefix("time ").and_then(|t| Timestamp::parse(t).ok()).ok_or_else(wrong)?;
        let basis = basis.strip_prefix("basis ").filter(|b| is_basis(b)).ok_or_else(wrong)?;
        let at = at.strip_prefix("at ").and_then(|at| at.parse().ok()).ok_or_else(wrong)?;
        let what = What::parse(what).ok_or_else(wrong)?;
        let found = Self { origin: origin.to_owned(), time, basis: basis.to_owned(), at, what };
        if found.to_string() == text { Ok(found) } else { Err(wrong()) }
    }

    /// Reads a note that the officer of a log signed for it.
    ///
    /// # Errors
    /// [`AuditError::Damaged`]: a redaction without authority.
    pub fn authorised(note: &[u8], origin: &str, officer: &NoteKey) -> Result<Self, AuditError> {
        let wrong = |cause: &str| AuditError::damaged(None, format!("a redaction without authority: {cause}"));
        let note = Note::parse(note).map_err(|e| wrong(&e.to_string()))?;
        let found = Self::parse(note.text).map_err(|e| wrong(&e.to_string()))?;
        match note.is_signed_by(officer) {
            Ok(true) if found.origin == origin => Ok(found),
            Ok(true) => Err(wrong("it is of another log")),
            Ok(false) | Err(_) => Err(wrong("it is not signed by the key of redactions")),
        }
    }
}

/// Whether a reason can stand in a redaction: one line of at most 256 bytes.
#[must_use]
pub(super) fn is_basis(basis: &str) -> bool {
    !basis.is_empty() && basis.len() <= 256 && !basis.chars().any(char::is_control)
}

impl What {
    fn parse(line: &str) -> Option<Self> {
        if let Some(id) = line.strip_prefix("person ") {
            return Some(Self::Person(unhex(id)?.try_into().ok()?));
        }
        if let Some(list) = line.strip_prefix("records ") {
            let range = |text: &str| {
                let (low, high) = text.split_once('-')?;
                Some((low.parse().ok()?, high.parse().ok()?)).filter(|(low, high): &(u64, u64)| low <= high)
            };
            return Some(Self::Records(list.split(',').map(range).collect::<Option<_>>()?));
        }
        let words: Vec<&str> = line.split(' ').collect();
        let ["expired", class, "until", until, "kept", kept] = words[..] else { return None };
        Some(Self::Expired { class: Class::named(class)?, until: until.parse().ok()?, kept: kept.parse().ok()? })
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person {}", hex(id)),
            Self::Records(ranges) => {
                let mut list = String::new();
                for (low, high) in ranges {
                    let _ = write!(list, "{}{low}-{high}", if list.is_empty() { "" } else { "," });
                }
                write!(f, "records {list}")
            }
            Self::Expired { class, until, kept } => write!(f, "expired {} until {until} kept {kept}", class.name()),
        }
    }
}

impl fmt::Display for Redaction {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, time, basis, at, what } = self;
        writeln!(f, "{HEAD}\n{origin}\ntime {time}\nbasis {basis}\nat {at}\n{what}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tlog::note::NoteSigner;

    #[test]
    fn a_redaction_has_one_form_and_one_key() {
        let officer = NoteSigner::from_seed("log.example/officer", &[1; 32]).unwrap();
        for what in [
            What::Person([7; 8]),
            What::Records(vec![(5, 5), (9, 12)]),
            What::Expired { class: Class::Executions, until: 20_000, kept: 90 },
        ] {
            let redaction = Redaction {
                origin: "log.example".into(),
                time: Timestamp::from_unix(1_800_000_000).unwrap(),
                basis: "request-1".into(),
                at: 7,
                what,
            };
            let text = redaction.to_string();
            assert_eq!(Redaction::parse(&text).unwrap(), redaction);
            let note = officer.sign(&text);
            let read = |note: &str, origin: &str, key: &NoteKey| Redaction::authorised(note.as_bytes(), origin, key);
            assert_eq!(read(&note, "log.example", officer.key()).unwrap(), redaction);
            let other = NoteSigner::from_seed("log.example/officer", &[2; 32]).unwrap();
            assert!(read(&note, "log.example", other.key()).is_err(), "another key");
            assert!(read(&note, "lag.example", officer.key()).is_err(), "another log");
            assert!(read(&note.replacen("request-1", "request-2", 1), "log.example", officer.key()).is_err());
            for bad in
                [text.replacen("v1", "v2", 1), format!("{text}more\n"), text.replacen("basis request-1", "basis ", 1)]
            {
                assert!(Redaction::parse(&bad).is_err(), "{bad}");
            }
        }
        let lines = |what: &str| format!("{HEAD}\no\ntime 2026-11-29T20:00:00Z\nbasis b\nat 7\n{what}\n");
        for bad in ["records 9-5", "records ", "records 05-5", "person 00", "expired nothing until 1 kept 1", "all"] {
            assert!(Redaction::parse(&lines(bad)).is_err(), "{bad}");
        }
    }
}
