//! Which contents a replica lets go of. Whoever writes to the log could else have deleted there what the log's own account would
//! not explain: an order counts where it has authority, where it is not sooner than the log's settings say, and where no hold
//! keeps what it takes.

use super::{Content, Gone};
use crate::audit::notes::{Covers, Held};
use crate::audit::tree::read_all;
use crate::audit::{AuditError, Holds, LogStore, Redaction, Settings, What};
use crate::record::{Class, Entry, kinds};
use std::collections::BTreeSet;

/// Redactions that count, and holds.
pub(super) struct Orders {
    pub(super) redactions: Vec<(u64, Redaction)>,
    covers: Covers,
    holds: Holds,
}

impl Orders {
    /// Those of the records from `from` to before `until` that count today.
    pub(super) fn of(
        store: &dyn LogStore,
        (settings, today): (&Settings, u32),
        from: u64,
        until: u64,
    ) -> Result<Self, AuditError> {
        let (mut redactions, mut index) = (Vec::new(), from);
        while index < until {
            let count = usize::try_from(until - index).unwrap_or(usize::MAX).min(4096);
            for record in read_all(store, index, count)? {
                redactions
                    .extend(lawful(index, &record.entry, &record.content, (settings, today)).map(|one| (index, one)));
                index += 1;
            }
        }
        let holds = if redactions.is_empty() { Holds::default() } else { Holds::of(store, settings)? };
        Ok(Self::with(redactions, holds))
    }

    /// Those that were found elsewhere.
    pub(super) fn with(redactions: Vec<(u64, Redaction)>, holds: Holds) -> Self {
        Self { covers: Covers::of(&redactions), redactions, holds }
    }

    /// The order by which a content was destroyed.
    fn by(&self, index: u64, content: &Content) -> Option<u64> {
        let by = self.covers.record(index).or_else(|| self.covers.expired(index, content.class, content.day));
        by.filter(|by| self.holds.kept(index, *by).is_none())
    }

    /// Whether a content was destroyed by order.
    pub(super) fn took(&self, index: u64, content: &Content) -> bool {
        self.by(index, content).is_some()
    }

    /// Whether that order stands before a number.
    pub(super) fn before(&self, index: u64, content: &Content, until: u64) -> bool {
        self.by(index, content).is_some_and(|by| by < until)
    }

    /// What an order takes; none where it takes nothing from a replica, as one about a person does.
    pub(super) fn gone(
        &self,
        (at, redaction): &(u64, Redaction),
        store: &dyn LogStore,
    ) -> Result<Option<Gone>, AuditError> {
        match &redaction.what {
            What::Person(_) => Ok(None),
            What::Records(ranges) => {
                let mut all = BTreeSet::new();
                for index in ranges.iter().flat_map(|(low, high)| *low..=(*high).min(*at)).filter(|index| index < at) {
                    if self.holds.kept(index, *at).is_none() {
                        all.extend(placed(store, index)?.map(|(class, day)| (class, day, index)));
                    }
                }
                Ok(Some(Gone::Records(all)))
            }
            What::Expired { class, from, until, .. } => {
                let Some(kept) = self.kept_days(store, *class, *at)? else { return Ok(None) };
                Ok(Some(Gone::Days { class: *class, days: *from..=*until, kept, before: *at }))
            }
        }
    }

    /// Days of a class of which a hold kept a record when another record was written; none where all were kept.
    fn kept_days(&self, store: &dyn LogStore, class: Class, at: u64) -> Result<Option<BTreeSet<u32>>, AuditError> {
        let mut days = BTreeSet::new();
        for one in self.holds.0.iter().filter(|one| one.at < at && one.released.is_none_or(|released| released > at)) {
            let Held::Records(ranges) = &one.held else { return Ok(None) };
            for index in ranges.iter().flat_map(|(low, high)| *low..=(*high).min(at)) {
                days.extend(placed(store, index)?.filter(|(of, _)| *of == class).map(|(_, day)| day));
            }
        }
        Ok(Some(days))
    }
}

/// The class and the day of a record.
fn placed(store: &dyn LogStore, index: u64) -> Result<Option<(Class, u32)>, AuditError> {
    let record = read_all(store, index, 1)?;
    Ok(record.first().and_then(|record| Entry::parse(&record.entry).ok()).map(|entry| (entry.class, entry.day())))
}

/// A redaction that counts: signed by the officer, in its own place, and not sooner than what it takes may expire. One that is
/// dated ahead of this machine's day does not: whoever writes the log chooses the date, and years ahead everything has expired. A
/// day is left for clocks that differ.
pub(super) fn lawful(
    index: u64,
    entry: &[u8],
    content: &[u8],
    (settings, today): (&Settings, u32),
) -> Option<Redaction> {
    let entry = Entry::parse(entry).ok().filter(|entry| entry.kind.number == kinds::REDACTION)?;
    let found = Redaction::authorised(content, &settings.origin, &settings.officer).ok()?;
    let in_time = match &found.what {
        What::Expired { class, until, kept, .. } => {
            until.saturating_add(*kept) < entry.day()
                && entry.day() <= today + 1
                && settings.retention.get(class) == Some(kept)
        }
        What::Person(_) | What::Records(_) => true,
    };
    (found.at == index && in_time).then_some(found)
}
