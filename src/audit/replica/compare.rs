//! A replica and a log held against each other. What each of the two signed once decides which of them was changed: the tree of
//! the replica's records, that of the log's, and the checkpoint that the log signed for the replica.

use super::orders::{Orders, lawful};
use super::{BATCH, Content, Copied, Replica, ReplicaError, STEP};
use crate::audit::log::{day, own};
use crate::audit::tree::{Growing, read_all};
use crate::audit::{AuditError, Bad, Hold, Holds, LogStore, Outside, Redaction, Settings, Stored};
use crate::model::Timestamp;
use crate::record::{Class, Entry};
use crate::tlog::Checkpoint;
use sha2::{Digest as _, Sha256};

/// Most faults of a replica that are kept one by one.
const KEPT: usize = 100;

/// What a replica says of a log, and what is wrong with the replica itself.
#[derive(Clone, Debug, Default)]
pub struct Compared {
    /// Records that it has.
    pub size: u64,
    /// The checkpoint that the log signed for it: what the log's account is held against.
    pub outside: Option<Outside>,
    /// Those that it signed before, and are there still.
    pub earlier: Vec<Outside>,
    /// What of it is not as it was copied.
    pub bad: Vec<Bad>,
}

/// Reads a replica whole, and compares it with its log record by record.
///
/// # Errors
/// [`ReplicaError::Unusable`] where either could not be read: that is no answer.
pub async fn compare(
    store: &dyn LogStore,
    settings: &Settings,
    replica: &dyn Replica,
    now: Timestamp,
) -> Result<Compared, ReplicaError> {
    let bad = |cause: &str| Compared { bad: vec![Bad { index: None, cause: cause.to_owned() }], ..Compared::default() };
    let Some(note) = replica.checkpoint().await? else {
        return Ok(bad("it has no checkpoint: nothing was copied there yet, or somebody took it away"));
    };
    let theirs = match own(&note, settings) {
        Ok(theirs) => theirs,
        Err(AuditError::Damaged { cause, .. } | AuditError::Malformed { cause, .. }) => return Ok(bad(&cause)),
        Err(e) => return Err(e.into()),
    };
    let mut walk = Walk::of(store, (settings, day(now)), replica);
    walk.records(&theirs).await?;
    let whole = walk.tree.size() == theirs.size && walk.tree.root() == theirs.root;
    if walk.tree.size() == theirs.size && !whole {
        walk.bad(walk.other, "its records are not those of its checkpoint");
    }
    walk.behind(theirs.size).await?;
    if replica.keeps().contents {
        let done = if replica.keeps().forgets { replica.carried_out().await? } else { 0 };
        walk.contents(done);
    }
    walk.bad.extend(replica.noticed());
    let (size, mut bad) = (theirs.size, walk.bad);
    bad.sort_by_key(|bad| bad.index.unwrap_or(u64::MAX));
    let differs = walk.other.filter(|_| whole);
    let name = format!("the replica {}", replica.name());
    let earlier = replica.checkpoints().await?;
    let earlier = earlier.iter().filter_map(|note| own(note, settings).ok());
    let earlier = earlier.filter(|one| one.size != theirs.size || one.root != theirs.root);
    let earlier = earlier.map(|one| Outside::kept(&name, one)).collect();
    let outside = Outside { differs, ..Outside::kept(&name, theirs) };
    Ok(Compared { size, outside: Some(outside), earlier, bad })
}

/// The first record before `until` whose entry is another one in the log than in its replica.
///
/// # Errors
/// [`ReplicaError`] where either could not be read.
pub(super) async fn first_other(
    store: &dyn LogStore,
    replica: &dyn Replica,
    until: u64,
) -> Result<Option<u64>, ReplicaError> {
    let mut index = 0;
    while index < until {
        let theirs = replica.read(index, usize::try_from((until - index).min(BATCH)).unwrap_or(0)).await?;
        let ours = match read_all(store, index, theirs.len()) {
            Ok(ours) => ours,
            Err(AuditError::Damaged { index: Some(index), .. }) => return Ok(Some(index)),
            Err(e) => return Err(e.into()),
        };
        if let Some(at) = ours.iter().zip(&theirs).position(|(ours, theirs)| ours.entry != theirs.entry) {
            return Ok(Some(index + at as u64));
        }
        if theirs.is_empty() {
            let cause = format!("record {index} is missing");
            return Err(ReplicaError::Changed { place: replica.name().to_owned(), index: Some(index), cause });
        }
        index += theirs.len() as u64;
    }
    Ok(None)
}

struct Walk<'a> {
    store: &'a dyn LogStore,
    settings: &'a Settings,
    /// In days since 1970.
    today: u32,
    replica: &'a dyn Replica,
    tree: Growing,
    /// The first record that the log has otherwise.
    other: Option<u64>,
    /// Records with class and day, and whether their contents are there.
    open: Vec<(u64, Class, u32, bool)>,
    /// What the replica itself has of orders to delete, and of holds: the log that it is compared with may have lost them.
    redactions: Vec<(u64, Redaction)>,
    holds: Holds,
    bad: Vec<Bad>,
}

impl<'a> Walk<'a> {
    fn of(store: &'a dyn LogStore, (settings, today): (&'a Settings, u32), replica: &'a dyn Replica) -> Self {
        Self {
            store,
            settings,
            today,
            replica,
            tree: Growing::default(),
            other: None,
            open: Vec::new(),
            redactions: Vec::new(),
            holds: Holds::default(),
            bad: Vec::new(),
        }
    }

    fn bad(&mut self, index: impl Into<Option<u64>>, cause: impl Into<String>) {
        if self.bad.len() < KEPT {
            self.bad.push(Bad { index: index.into(), cause: cause.into() });
        }
    }

    /// Goes over every record and tile under a checkpoint.
    async fn records(&mut self, theirs: &Checkpoint) -> Result<(), ReplicaError> {
        while self.tree.size() < theirs.size {
            let first = self.tree.size();
            let next = ((first / STEP + 1) * STEP).min(theirs.size).min(first + BATCH);
            let copied = match self.replica.read(first, usize::try_from(next - first).unwrap_or(0)).await {
                Err(ReplicaError::Changed { index, cause, .. }) => {
                    self.bad(index.or(Some(first)), cause);
                    return Ok(());
                }
                other => other?,
            };
            if copied.is_empty() {
                self.bad(first, format!("record {first} is missing"));
                return Ok(());
            }
            let ours = self.ours(first, copied.len())?;
            for (at, copied) in copied.into_iter().enumerate() {
                self.record(copied, ours.get(at));
            }
            if self.tree.size().is_multiple_of(STEP) || self.tree.size() == theirs.size {
                self.tiles().await?;
            }
        }
        Ok(())
    }

    /// As many records of the log as there are, and can be read.
    fn ours(&self, first: u64, count: usize) -> Result<Vec<Stored>, ReplicaError> {
        let there = usize::try_from(self.store.size().saturating_sub(first)).unwrap_or(usize::MAX);
        match read_all(self.store, first, count.min(there)) {
            Err(AuditError::Damaged { .. }) => Ok(Vec::new()),
            other => Ok(other?),
        }
    }

    fn record(&mut self, copied: Copied, ours: Option<&Stored>) {
        let index = self.tree.size();
        if ours.is_some_and(|ours| ours.entry != copied.entry) {
            self.other.get_or_insert(index);
        }
        if let (Ok(entry), true) = (Entry::parse(&copied.entry), self.replica.keeps().contents) {
            let content = copied.content.as_deref();
            if content.is_some_and(|content| Sha256::digest(content)[..] != entry.content) {
                self.bad(index, format!("what record {index} says is not what its entry commits to"));
            }
            self.open.push((index, entry.class, entry.day(), content.is_some()));
            if entry.class == Class::Public {
                self.order(index, &copied.entry, content.unwrap_or_default());
            }
        }
        self.tree.push(copied.entry);
    }

    fn order(&mut self, index: u64, entry: &[u8], content: &[u8]) {
        self.redactions.extend(lawful(index, entry, content, (self.settings, self.today)).map(|one| (index, one)));
        if let Ok(hold) = Hold::authorised(content, &self.settings.origin, &self.settings.officer)
            && hold.at == index
        {
            self.holds.add(hold);
        }
    }

    /// Compares the tiles that the records make with those that are there.
    async fn tiles(&mut self) -> Result<(), ReplicaError> {
        let mut files = Vec::new();
        self.tree.files(&mut |name, bytes| {
            files.push((name, bytes));
            Ok(())
        })?;
        for (name, bytes) in files.iter().filter(|_| self.replica.keeps().tiles) {
            match self.replica.file(name).await? {
                Some(found) if found == *bytes => {}
                Some(_) => self.bad(None, format!("{name} is not what its records make")),
                None => self.bad(None, format!("{name} is missing")),
            }
        }
        Ok(())
    }

    /// What stands behind the checkpoint: an interrupted copy of the log, or what somebody else put there.
    async fn behind(&mut self, size: u64) -> Result<(), ReplicaError> {
        let more = self.replica.read(size, usize::try_from(BATCH).unwrap_or(0)).await?;
        let ours = self.ours(size, more.len())?;
        let other = (0..more.len()).find(|at| ours.get(*at).is_none_or(|ours| ours.entry != more[*at].entry));
        if let Some(at) = other {
            let index = size + at as u64;
            self.bad(index, format!("record {index} stands behind its checkpoint, and the log has no such record"));
        }
        Ok(())
    }

    /// Holds what is missing, and what is still there, against the orders.
    fn contents(&mut self, done: u64) {
        let orders = Orders::with(std::mem::take(&mut self.redactions), std::mem::take(&mut self.holds));
        for (index, class, day, is_there) in std::mem::take(&mut self.open) {
            let content = Content { class, day, bytes: Vec::new() };
            match orders.took(index, &content) {
                false if !is_there => {
                    self.bad(index, format!("what record {index} says is missing, and no redaction says so"));
                }
                true if is_there && orders.before(index, &content, done) => {
                    self.bad(index, format!("what record {index} says is still there, and a redaction destroyed it"));
                }
                _ => {}
            }
        }
    }
}
