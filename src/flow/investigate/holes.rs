//! What of a log cannot be read: counted and named, never passed over.

use super::Log;
use crate::audit::{AuditError, Unopened, What};
use crate::flow::audit;
use crate::inquiry::{Hole, Why};
use crate::record::Entry;
use std::ops::RangeInclusive;

/// Records that cannot be read, of those whose numbers are in a range and whose entries fit; of an entry, kind and minute are
/// known.
///
/// # Errors
/// [`AuditError`].
pub fn holes(
    log: &Log<'_>,
    within: RangeInclusive<u64>,
    fits: &dyn Fn(&Entry) -> bool,
) -> Result<Vec<Hole>, AuditError> {
    let (mut out, mut redactions) = (Vec::new(), None);
    for (first, last) in log.index.missing()? {
        for number in first.max(*within.start())..=last.min(*within.end()) {
            let found = audit::opened(log.store, log.keys, number)?;
            let entry = match found {
                Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) => entry,
                Err(Unopened::Damaged(_)) => {
                    Hole::add(&mut out, number, Why::Damaged);
                    continue;
                }
                Ok(_) | Err(Unopened::InClear(_)) => continue,
            };
            if !fits(&entry) {
                continue;
            }
            let list = match redactions.take() {
                Some(list) => list,
                None => audit::redactions(log.store, log.settings)?,
            };
            let why = audit::redacted_by(&list, number, &entry).map_or(Why::NoKey, |(at, by)| match by.what {
                What::Expired { .. } => Why::Expired(*at),
                _ => Why::Erased(*at, by.basis.clone()),
            });
            redactions = Some(list);
            Hole::add(&mut out, number, why);
        }
    }
    Ok(out)
}
