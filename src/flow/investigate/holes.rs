//! What of a log cannot be read: counted and named, never passed over.

use super::Log;
use crate::audit::{AuditError, Redaction, Unopened, What, open};
use crate::flow::audit;
use crate::inquiry::{Hole, Why};
use crate::model::limits;
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
        let (mut number, last) = (first.max(*within.start()), last.min(*within.end()));
        while number <= last {
            let count = usize::try_from(last - number + 1).unwrap_or(usize::MAX).min(limits::READ_TOGETHER);
            let records = log.store.read(number, count)?;
            if records.is_empty() {
                return Err(AuditError::Unknown { what: format!("record {number}") });
            }
            for record in &records {
                let entry = match open(record, number, log.keys) {
                    Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry)) => Some(entry),
                    Err(Unopened::Damaged(_)) => {
                        Hole::add(&mut out, number, Why::Damaged);
                        None
                    }
                    Ok(_) | Err(Unopened::InClear(_)) => None,
                };
                if let Some(entry) = entry.filter(|entry| fits(entry)) {
                    let list = match redactions.take() {
                        Some(list) => list,
                        None => audit::redactions(log.store, log.settings)?,
                    };
                    Hole::add(&mut out, number, why(&list, number, &entry));
                    redactions = Some(list);
                }
                number += 1;
            }
        }
    }
    Ok(out)
}

/// Why what a record said is gone.
fn why(redactions: &[(u64, Redaction)], number: u64, entry: &Entry) -> Why {
    audit::redacted_by(redactions, number, entry).map_or(Why::NoKey, |(at, by)| match by.what {
        What::Expired { .. } => Why::Expired(*at),
        _ => Why::Erased(*at, by.basis.clone()),
    })
}
