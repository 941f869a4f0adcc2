//! Holds: what must stay, whatever expires or is asked to be erased, until it is let go. A hold is a signed note in the log, as a
//! redaction is, by the same key: so whoever checks the log sees what was kept from expiring, since when and why, and whether
//! something was destroyed all the same.
//!
//! The last line of the note is one of `hold everything`, `hold records 5-5,9-12`, `release 41` (the number of a hold's record).

use super::order::{Order, Ordered, joined, listed, ranges};
use crate::audit::tree::read_all;
use crate::audit::{AuditError, LogStore, Settings};
use crate::model::Timestamp;
use crate::record::{Entry, kinds};
use std::fmt;

/// What a hold keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Held {
    /// Every record, those to come among them.
    Everything,
    /// Records, by ranges of their numbers, ends included.
    Records(Vec<(u64, u64)>),
}

impl Held {
    /// Of records by their numbers, in their order.
    #[must_use]
    pub fn records(list: &[u64]) -> Self {
        Self::Records(joined(list))
    }

    fn has(&self, index: u64) -> bool {
        match self {
            Self::Everything => true,
            Self::Records(ranges) => ranges.iter().any(|(low, high)| (*low..=*high).contains(&index)),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everything => f.write_str("everything"),
            Self::Records(ranges) => write!(f, "records {}", listed(ranges)),
        }
    }
}

/// A hold, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// From here on it is kept.
    Hold(Held),
    /// The hold whose record has this number keeps nothing any more.
    Release(u64),
}

/// A signed hold.
pub type Hold = Order<Keep>;

impl Ordered for Keep {
    const HEAD: &'static str = "attest/hold/v1";
    const NAME: &'static str = "hold";

    fn read(line: &str) -> Option<Self> {
        match line.split_once(' ')? {
            ("hold", "everything") => Some(Self::Hold(Held::Everything)),
            ("hold", rest) => Some(Self::Hold(Held::Records(ranges(rest.strip_prefix("records ")?)?))),
            ("release", at) => Some(Self::Release(at.parse().ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for Keep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hold(held) => write!(f, "hold {held}"),
            Self::Release(at) => write!(f, "release {at}"),
        }
    }
}

/// One hold of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneHold {
    /// Number of its record.
    pub at: u64,
    /// Number of the record that let it go.
    pub released: Option<u64>,
    /// What it keeps.
    pub held: Held,
    /// Why.
    pub basis: String,
    /// Since when.
    pub time: Timestamp,
}

/// Every hold of a log, those that were let go among them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds(pub(in crate::audit) Vec<OneHold>);

impl Holds {
    /// The holds of a log that have authority. It goes over every entry.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Damaged`].
    pub fn of(store: &dyn LogStore, settings: &Settings) -> Result<Self, AuditError> {
        let (mut all, mut index) = (Self::default(), 0);
        while index < store.size() {
            let count = usize::try_from(store.size() - index).unwrap_or(usize::MAX).min(4096);
            for record in read_all(store, index, count)? {
                if Entry::parse(&record.entry).is_ok_and(|entry| entry.kind.number == kinds::HOLD)
                    && let Ok(hold) = Hold::authorised(&record.content, &settings.origin, &settings.officer)
                    && hold.at == index
                {
                    all.add(hold);
                }
                index += 1;
            }
        }
        Ok(all)
    }

    /// Adds the next one, in the order of their records.
    pub(in crate::audit) fn add(&mut self, hold: Hold) {
        match hold.what {
            Keep::Hold(held) => {
                self.0.push(OneHold { at: hold.at, released: None, held, basis: hold.basis, time: hold.time });
            }
            Keep::Release(at) => {
                if let Some(one) = self.0.iter_mut().find(|one| one.at == at && one.released.is_none()) {
                    one.released = Some(hold.at);
                }
            }
        }
    }

    /// Those that keep something now.
    pub fn in_force(&self) -> impl Iterator<Item = &OneHold> {
        self.0.iter().filter(|one| one.released.is_none())
    }

    /// A hold that kept a record when the record `when` was written.
    pub(in crate::audit) fn kept(&self, index: u64, when: u64) -> Option<&OneHold> {
        let in_force = |one: &&OneHold| one.at < when && one.released.is_none_or(|released| released > when);
        self.0.iter().filter(in_force).find(|one| one.held.has(index))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hold_has_one_form() {
        let all = [Keep::Hold(Held::Everything), Keep::Hold(Held::Records(vec![(5, 5), (9, 12)])), Keep::Release(41)];
        for what in all {
            let time = Timestamp::from_unix(1_800_000_000).unwrap();
            let hold = Hold { origin: "log.example".into(), time, basis: "case-7".into(), at: 7, what };
            assert_eq!(Hold::parse(&hold.to_string()).unwrap(), hold);
            assert!(crate::audit::Redaction::parse(&hold.to_string()).is_err(), "a hold is no redaction");
        }
        let lines = |what: &str| format!("attest/hold/v1\no\ntime 2026-11-29T20:00:00Z\nbasis b\nat 7\n{what}\n");
        for bad in ["hold records 9-5", "hold", "hold 5-5", "release", "release x", "release 07", "person 00"] {
            assert!(Hold::parse(&lines(bad)).is_err(), "{bad}");
        }
    }
}
