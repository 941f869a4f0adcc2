//! [`Gone`]: contents that a replica is to delete.

use crate::record::Class;
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// Contents that a replica is to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gone {
    /// Of single records: class, day and number of each.
    Records(BTreeSet<(Class, u32, u64)>),
    /// Of days of a class (days since 1970).
    Days {
        /// Of which records.
        class: Class,
        /// The days, both ends included.
        days: RangeInclusive<u32>,
        /// Those of them that stay.
        kept: BTreeSet<u32>,
        /// Only records before this number.
        before: u64,
    },
}

impl Gone {
    /// Whether a record's content is among them.
    #[must_use]
    pub fn has(&self, class: Class, day: u32, index: u64) -> bool {
        match self {
            Self::Records(list) => list.contains(&(class, day, index)),
            Self::Days { before, .. } => self.is_of(class, day) && index < *before,
        }
    }

    /// Whether a content of a day is among them.
    #[must_use]
    pub fn is_of(&self, class: Class, day: u32) -> bool {
        match self {
            Self::Records(list) => list.range((class, day, 0)..=(class, day, u64::MAX)).next().is_some(),
            Self::Days { class: of, days, kept, .. } => *of == class && days.contains(&day) && !kept.contains(&day),
        }
    }
}
