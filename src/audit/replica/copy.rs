//! Copying what is new. Before anything of a replica moves, the log has to prove that it continues what the replica has: from the
//! tree of the replica's checkpoint on, which the log signed once, its own records must lead to its checkpoint of today.

use super::compare::first_other;
use super::orders::Orders;
use super::{BATCH, Content, Replica, ReplicaError, STEP, Taken};
use crate::audit::log::{day, own, replayed};
use crate::audit::store::CHECKPOINT;
use crate::audit::tree::{Growing, read_all};
use crate::audit::{AuditError, LogStore, Settings, Stored, keep_to};
use crate::model::{Timestamp, limits};
use crate::record::Entry;
use crate::tlog::{Checkpoint, Hash};
use sha2::{Digest as _, Sha256};

/// What came of copying.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replicated {
    /// Records that it had before.
    pub before: u64,
    /// Records that it has now.
    pub size: u64,
    /// What was deleted there.
    pub forgotten: Vec<Forgotten>,
}

/// Contents that were deleted in a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forgotten {
    /// The number of the redaction that ordered it.
    pub redaction: u64,
    /// How many contents there were.
    pub contents: u64,
}

/// Copies what a log has published since the last time, and deletes what was destroyed in it.
///
/// # Errors
/// [`ReplicaError::Differs`] where the log does not continue what the replica has: then nothing was copied.
pub async fn replicate(
    store: &dyn LogStore,
    settings: &Settings,
    replica: &mut dyn Replica,
    now: Timestamp,
) -> Result<Replicated, ReplicaError> {
    keep_to(store, settings)?;
    let note = store.get(CHECKPOINT)?.ok_or_else(|| AuditError::Unknown { what: "a checkpoint".into() })?;
    let ours = own(&note, settings)?;
    let before = taken(replica, settings).await?;
    let mut tree = continued(store, &ours, before.as_ref(), replica).await?;
    // Where somebody else put the log's checkpoint there, what it is of may be missing.
    let sure = replica.sure().min(tree.size());
    if sure < tree.size() {
        tree = match Growing::published(store, sure)? {
            Some(tree) => tree,
            None => replayed(store, Growing::default(), sure)?,
        };
    }
    let before = before.map_or(0, |before| before.size);
    let from = tree.size();
    let forgets = replica.keeps().contents && replica.keeps().forgets;
    // Where nothing is deleted on order, there is none that was not carried out.
    let done = if forgets { replica.carried_out().await? } else { u64::MAX };
    let orders = Orders::of(store, (settings, day(now)), from.min(done), ours.size)?;
    if from < ours.size {
        copy(store, &mut tree, ours.size, &orders, replica).await?;
        replica.seal(&note).await?;
    }
    let mut forgotten = Vec::new();
    if forgets && done < ours.size {
        // Only now: the order itself is in the replica before anything is missing there.
        for order in orders.redactions.iter().filter(|(at, _)| *at >= done) {
            if let Some(gone) = orders.gone(order, store)? {
                forgotten.push(Forgotten { redaction: order.0, contents: replica.forget(&gone).await? });
            }
        }
        replica.mark(ours.size).await?;
    }
    Ok(Replicated { before, size: ours.size, forgotten })
}

/// The checkpoint that a replica took last: one of this log.
async fn taken(replica: &dyn Replica, settings: &Settings) -> Result<Option<Checkpoint>, ReplicaError> {
    let Some(note) = replica.checkpoint().await? else { return Ok(None) };
    let place = replica.name().to_owned();
    match own(&note, settings) {
        Ok(checkpoint) => Ok(Some(checkpoint)),
        Err(AuditError::Damaged { cause, .. }) => Err(ReplicaError::Foreign { place, cause }),
        Err(e) => Err(ReplicaError::Changed { place, index: None, cause: e.to_string() }),
    }
}

/// The tree of what the replica has, once it is proven that the log's checkpoint continues it.
async fn continued(
    store: &dyn LogStore,
    ours: &Checkpoint,
    before: Option<&Checkpoint>,
    replica: &dyn Replica,
) -> Result<Growing, ReplicaError> {
    let mut tree = Growing::default();
    if let Some(before) = before {
        let fits = before.size <= ours.size;
        let found = if fits { Growing::published(store, before.size)? } else { None };
        let found = found.filter(|tree| tree.root() == before.root);
        tree = match found {
            Some(tree) => tree,
            None if fits => replayed(store, tree, before.size)?,
            None => tree,
        };
        if tree.root() != before.root {
            return Err(differs(store, ours, before, replica).await?);
        }
    }
    let mut edge = tree.edge().clone();
    while edge.size() < ours.size {
        let count = usize::try_from((ours.size - edge.size()).min(BATCH)).unwrap_or(0);
        for record in read_all(store, edge.size(), count)? {
            let index = edge.size();
            let committed = Entry::parse(&record.entry).is_ok_and(|e| Sha256::digest(&record.content)[..] == e.content);
            if !committed {
                let cause = format!("record {index} says not what its entry commits to");
                return Err(AuditError::damaged(index, cause).into());
            }
            edge.push(Hash::of_entry(&record.entry), &mut |_, _, _| {});
        }
    }
    if edge.root() != ours.root {
        let cause = "its journal is not the one that its checkpoint was made of: `attest audit verify` finds the place";
        return Err(AuditError::damaged(None, cause).into());
    }
    Ok(tree)
}

/// How a log differs from what its replica has.
async fn differs(
    store: &dyn LogStore,
    ours: &Checkpoint,
    before: &Checkpoint,
    replica: &dyn Replica,
) -> Result<ReplicaError, ReplicaError> {
    let place = replica.name().to_owned();
    let both = before.size.min(ours.size);
    let other = match first_other(store, replica, both).await {
        // Its checkpoint shows that it differs, also to who may not read the rest.
        Err(ReplicaError::Unusable { .. }) => None,
        other => other?,
    };
    let (index, cause) = match other {
        Some(index) => {
            (index, format!("record {index} is another one, and {} records were copied before", before.size))
        }
        None if before.size > ours.size => {
            let cause = format!(
                "it has {} records, and the log ends after {both}: its tail was cut off, or an old copy was put back",
                before.size
            );
            (both, cause)
        }
        // Entry by entry they are the same or cannot be read, and the checkpoint that the replica has is of something else.
        None => {
            (both, format!("its checkpoint of {} records is of another tree than the same records here", before.size))
        }
    };
    Ok(ReplicaError::Differs { place, index, cause })
}

/// Hands over records and tiles, up to a size.
async fn copy(
    store: &dyn LogStore,
    tree: &mut Growing,
    until: u64,
    orders: &Orders,
    replica: &mut dyn Replica,
) -> Result<(), ReplicaError> {
    while tree.size() < until {
        let next = ((tree.size() / STEP + 1) * STEP).min(until);
        let (mut batch, mut bytes, mut first) = (Vec::new(), 0, tree.size());
        while tree.size() < next {
            let count = usize::try_from((next - tree.size()).min(BATCH)).unwrap_or(0);
            for record in read_all(store, tree.size(), count)? {
                bytes += record.content.len() + record.entry.len();
                batch.push(piece(tree.size(), &record, orders));
                tree.push(record.entry);
                if bytes > limits::JOURNAL_FRAME_BYTES {
                    replica.take(first, &std::mem::take(&mut batch)).await?;
                    (bytes, first) = (0, tree.size());
                }
            }
        }
        replica.take(first, &batch).await?;
        let mut files = Vec::new();
        tree.files(&mut |name, bytes| {
            files.push((name, bytes));
            Ok(())
        })?;
        replica.publish(&files).await?;
    }
    Ok(())
}

/// A record as a replica gets it.
fn piece(index: u64, record: &Stored, orders: &Orders) -> Taken {
    let content = Entry::parse(&record.entry).ok().map(|entry| Content {
        class: entry.class,
        day: entry.day(),
        bytes: record.content.clone(),
    });
    Taken { entry: record.entry.clone(), content: content.filter(|content| !orders.took(index, content)) }
}
