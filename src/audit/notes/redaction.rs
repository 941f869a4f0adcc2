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
//! The last line is one of `person ID`, `records 5-5,9-12`, `expired CLASS until DAY kept DAYS`, with `from DAY` before `until` where
//! a hold keeps an older day.

use super::order::{Order, Ordered, listed, ranges};
use crate::audit::keys::PersonId;
use crate::model::digest::{hex, unhex};
use crate::record::Class;
use std::fmt;

/// What was destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The key of a person: every field with it, in every record before.
    Person(PersonId),
    /// The keys of records, by ranges of their numbers, ends included, in their order.
    Records(Vec<(u64, u64)>),
    /// The keys of a class of some days, both included (days since 1970), kept for so many days.
    Expired {
        /// Of which records.
        class: Class,
        /// The first day; 0 where no hold keeps one before.
        from: u32,
        /// The last day.
        until: u32,
        /// For how many days they are kept.
        kept: u32,
    },
}

/// A redaction.
pub type Redaction = Order<What>;

impl Ordered for What {
    const HEAD: &'static str = "attest/redaction/v1";
    const NAME: &'static str = "redaction";

    fn read(line: &str) -> Option<Self> {
        if let Some(id) = line.strip_prefix("person ") {
            return Some(Self::Person(unhex(id)?.try_into().ok()?));
        }
        if let Some(list) = line.strip_prefix("records ") {
            return Some(Self::Records(ranges(list)?));
        }
        let words: Vec<&str> = line.split(' ').collect();
        let (class, from, until, kept) = match words[..] {
            ["expired", class, "until", until, "kept", kept] => (class, "0", until, kept),
            ["expired", class, "from", from, "until", until, "kept", kept] => (class, from, until, kept),
            _ => return None,
        };
        let day = |text: &str| text.parse().ok();
        Some(Self::Expired { class: Class::named(class)?, from: day(from)?, until: day(until)?, kept: day(kept)? })
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(id) => write!(f, "person {}", hex(id)),
            Self::Records(ranges) => write!(f, "records {}", listed(ranges)),
            Self::Expired { class, from, until, kept } => {
                let from = if *from == 0 { String::new() } else { format!(" from {from}") };
                write!(f, "expired {}{from} until {until} kept {kept}", class.name())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Timestamp;
    use crate::tlog::NoteKey;
    use crate::tlog::note::NoteSigner;

    #[test]
    fn a_redaction_has_one_form_and_one_key() {
        let officer = NoteSigner::from_seed("log.example/officer", &[1; 32]).unwrap();
        for what in [
            What::Person([7; 8]),
            What::Records(vec![(5, 5), (9, 12)]),
            What::Expired { class: Class::Executions, from: 0, until: 20_000, kept: 90 },
            What::Expired { class: Class::Executions, from: 19_990, until: 20_000, kept: 90 },
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
        let lines = |what: &str| format!("attest/redaction/v1\no\ntime 2026-11-29T20:00:00Z\nbasis b\nat 7\n{what}\n");
        for bad in [
            "records 9-5",
            "records ",
            "records 05-5",
            "person 00",
            "expired nothing until 1 kept 1",
            "all",
            "hold everything",
            "expired executions from 0 until 1 kept 1",
        ] {
            assert!(Redaction::parse(&lines(bad)).is_err(), "{bad}");
        }
    }
}
