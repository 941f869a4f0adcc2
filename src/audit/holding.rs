//! Writing holds, and finding what they keep.

use super::AuditError;
use super::keys::Random;
use super::log::{Log, minutes};
use super::notes::{Held, Hold, Holds, Keep};
use super::seal::in_clear;
use super::tree::read_all;
use crate::model::Timestamp;
use crate::record::{Class, Entry, kinds};
use crate::tlog::note::NoteSigner;
use std::collections::BTreeSet;

impl Log {
    /// The holds of this log.
    ///
    /// # Errors
    /// As [`Holds::of`].
    pub fn holds(&self) -> Result<Holds, AuditError> {
        Holds::of(&*self.store, &self.settings)
    }

    /// Holds records, or lets a hold go: the number of its record. `officer` signs it.
    ///
    /// # Errors
    /// [`AuditError::Unknown`] when a record or hold is not there, [`AuditError::Nothing`] for a hold of nothing that is left or one
    /// that was let go, [`AuditError::Malformed`] when the key is not the one of the settings or the reason is none,
    /// [`AuditError::Unusable`].
    pub fn hold(
        &mut self,
        keep: Keep,
        basis: &str,
        officer: &NoteSigner,
        now: Timestamp,
        random: Random<'_>,
    ) -> Result<u64, AuditError> {
        self.finish_redaction(now, random)?;
        self.authority(basis, officer)?;
        match &keep {
            Keep::Hold(Held::Everything) => {}
            Keep::Hold(Held::Records(ranges)) => {
                if let Some((_, high)) = ranges.iter().find(|(_, high)| *high >= self.size()) {
                    return Err(AuditError::Unknown { what: format!("record {high}") });
                }
                if ranges.is_empty() {
                    return Err(AuditError::nothing(
                        "to hold",
                        "what was named is erased already, or stands in clear for ever",
                    ));
                }
            }
            Keep::Release(at) => {
                let holds = self.holds()?;
                let hold = holds.0.iter().find(|one| one.at == *at);
                let hold = hold.ok_or_else(|| AuditError::Unknown { what: format!("a hold in record {at}") })?;
                if let Some(released) = hold.released {
                    return Err(AuditError::nothing(
                        "to let go",
                        &format!("record {released} let that hold go already"),
                    ));
                }
            }
        }
        let index = self.size();
        let origin = self.settings.origin.clone();
        let hold = Hold { origin, time: now, basis: basis.to_owned(), at: index, what: keep };
        self.put(vec![in_clear(kinds::HOLD, &officer.sign(&hold.to_string()), minutes(now), random)])?;
        self.publish()?;
        Ok(index)
    }

    /// Days of classes of which a hold keeps a record: such a day stays whole, as its records have one key together.
    pub(super) fn held_days(&self, holds: &Holds) -> Result<BTreeSet<(Class, u32)>, AuditError> {
        let mut days = BTreeSet::new();
        for one in holds.in_force() {
            let Held::Records(ranges) = &one.held else { continue };
            for index in ranges.iter().flat_map(|(low, high)| *low..=*high) {
                let record = read_all(&*self.store, index, 1)?;
                days.extend(record.iter().filter_map(|r| Entry::parse(&r.entry).ok()).map(|e| (e.class, e.day())));
            }
        }
        Ok(days)
    }
}
