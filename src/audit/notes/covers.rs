//! Which records the redactions of a log explain.

use super::{Redaction, What};
use crate::audit::keys::PersonId;
use crate::record::Class;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// What redactions cover: each only what was there before it.
#[derive(Default)]
pub(in crate::audit) struct Covers {
    /// Each with the first redaction of it.
    records: BTreeMap<u64, u64>,
    /// Each with the redaction of it.
    pub(in crate::audit) people: BTreeMap<PersonId, u64>,
    expired: Vec<(Class, RangeInclusive<u32>, u64)>,
}

impl Covers {
    pub(in crate::audit) fn of(redactions: &[(u64, Redaction)]) -> Self {
        let mut covers = Self::default();
        for (at, redaction) in redactions {
            match &redaction.what {
                What::Person(id) => drop(covers.people.insert(*id, *at)),
                What::Records(ranges) => {
                    let all = ranges.iter().flat_map(|(low, high)| *low..=(*high).min(*at)).filter(|i| i < at);
                    for i in all {
                        covers.records.entry(i).or_insert(*at);
                    }
                }
                What::Expired { class, from, until, .. } => covers.expired.push((*class, *from..=*until, *at)),
            }
        }
        covers
    }

    /// The redaction of a record.
    pub(in crate::audit) fn record(&self, index: u64) -> Option<u64> {
        self.records.get(&index).copied()
    }

    /// The redaction by which it expired.
    pub(in crate::audit) fn expired(&self, index: u64, class: Class, day: u32) -> Option<u64> {
        let all = self.expired.iter().filter(|(c, days, at)| *c == class && days.contains(&day) && index < *at);
        all.map(|(.., at)| *at).next()
    }
}
