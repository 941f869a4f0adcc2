//! Checks a log whole, and accounts for every record: verified, redacted with authority, expired under policy, or unexplained.

mod outside;

pub use outside::Outside;

use super::keys::{Keys, PersonId};
use super::log::own;
use super::notes::bound::{bound, compare};
use super::notes::{Covers, Hold, Holds};
use super::seal::{Unopened, open};
use super::store::CHECKPOINT;
use super::tree::Growing;
use super::{AuditError, LogStore, Redaction, Settings, Stored, What};
use crate::model::Timestamp;
use crate::model::plural::counted;
use crate::record::{Class, Entry, kinds};
use crate::tlog::{Checkpoint, Hash};
use std::borrow::Cow;

/// Most faults that are kept one by one.
const KEPT: usize = 100;

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Which record, where that is known.
    pub index: Option<u64>,
    /// What was found.
    pub cause: String,
}

/// What was found in a log.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Records in the journal.
    pub size: u64,
    /// Records under the published checkpoint.
    pub published: u64,
    /// The root of the published tree.
    pub root: Option<Hash>,
    /// Records that are in the tree and say what their entry commits to.
    pub verified: u64,
    /// Of these, records in which a person was redacted.
    pub partly: u64,
    /// Records that are in the tree and whose content was not looked at, as there was no key store.
    pub unopened: u64,
    /// Records whose key was destroyed by order.
    pub redacted: u64,
    /// Records that were kept as long as the policy says.
    pub expired: u64,
    /// Redactions, all with authority.
    pub redactions: u64,
    /// Holds that keep something now.
    pub holds: u64,
    /// The record of a redaction that was begun, whose keys are not destroyed yet: the next command that writes does it.
    pub unfinished: Option<u64>,
    /// Whether its first record says what it is: the key of redactions, and how long things are kept.
    pub bound: bool,
    /// The expiry that is dated furthest ahead: its record, and its day (since 1970).
    pub last_expiry: Option<(u64, u32)>,
    /// Records that say that something was lost, and how many events.
    pub losses: (u64, u64),
    /// Everything else, the first first. It is what tampering looks like.
    pub unexplained: Vec<Bad>,
    /// How many there were, those that are not kept among them.
    pub faults: u64,
    /// Whether an outside checkpoint has more records than the journal.
    pub cut: bool,
    /// Whether an outside checkpoint is of another history.
    pub other: bool,
    /// How many records the largest outside checkpoint has that fits.
    pub fits: u64,
    /// The outside checkpoint that reaches furthest, of those that fit and prove something.
    pub furthest: Option<Outside>,
    /// How many records the largest checkpoint has that fits and whose time is proven, by when it was there, and who says so.
    pub timed: Option<(u64, (u64, Vec<String>))>,
    /// How many records the largest checkpoint has that fits and that public logs have, and these.
    pub public: Option<(u64, Vec<String>)>,
}

impl Account {
    /// Finds fault with what expired on a day that has not come: who holds the keys of the log could else date an expiry years
    /// ahead, destroy what is still to be kept, and the account would call it policy. A day is left for clocks that differ.
    pub fn as_of(&mut self, now: Timestamp) {
        let Some((index, day)) = self.last_expiry.filter(|(_, day)| *day > super::log::day(now) + 1) else { return };
        let ahead = day - super::log::day(now);
        self.bad(
            index,
            format!(
                "it says that records expired, and is dated {} ahead of this clock",
                counted(ahead as usize, "day")
            ),
        );
    }

    fn bad(&mut self, index: impl Into<Option<u64>>, cause: impl Into<String>) {
        self.faults += 1;
        if self.unexplained.len() < KEPT {
            self.unexplained.push(Bad { index: index.into(), cause: cause.into() });
        }
    }
}

/// Checks a log. `keys` are those of its store, where whoever checks may open contents.
///
/// # Errors
/// [`AuditError::Unusable`] where it could not be read: that is no answer. What is wrong with it is in the account.
pub fn account(
    store: &dyn LogStore,
    settings: &Settings,
    keys: Option<&Keys>,
    outside: &[Outside],
) -> Result<Account, AuditError> {
    let mut checker = Checker {
        account: Account { size: store.size(), ..Account::default() },
        store,
        settings,
        keys,
        gone: Vec::new(),
        partly: Vec::new(),
        open: Vec::new(),
        redactions: Vec::new(),
        holds: Holds::default(),
        bound: Cow::Borrowed(settings),
        broken: false,
    };
    let published = checker.checkpoint()?;
    checker.walk(published.as_ref(), outside)?;
    checker.judge();
    Ok(checker.account)
}

struct Checker<'a> {
    account: Account,
    store: &'a dyn LogStore,
    settings: &'a Settings,
    keys: Option<&'a Keys>,
    /// Records whose key is gone.
    gone: Vec<(u64, Class, u32, bool)>,
    /// Records in which a person's key is gone.
    partly: Vec<(u64, PersonId)>,
    /// Records that can be read.
    open: Vec<(u64, Class, u32)>,
    /// Redactions, by the number of their record.
    redactions: Vec<(u64, Redaction)>,
    /// What has to stay, and since when.
    holds: Holds,
    /// What the log is: as its first record says, else as `log.json` does.
    bound: Cow<'a, Settings>,
    /// Whether the journal cannot be read to its end: what explains a hole may stand behind the break.
    broken: bool,
}

impl Checker<'_> {
    /// The published checkpoint, if it is this log's own.
    fn checkpoint(&mut self) -> Result<Option<Checkpoint>, AuditError> {
        let Some(bytes) = self.store.get(CHECKPOINT)? else {
            if self.account.size > 0 {
                self.account
                    .bad(None, "there is no checkpoint; the next record makes one, of what the journal then holds");
            }
            return Ok(None);
        };
        match own(&bytes, self.settings) {
            Ok(checkpoint) => {
                (self.account.published, self.account.root) = (checkpoint.size, Some(checkpoint.root));
                Ok(Some(checkpoint))
            }
            Err(e) => {
                self.account.bad(None, e.to_string());
                Ok(None)
            }
        }
    }

    /// Goes over every record, and compares tree, tiles and checkpoints.
    fn walk(&mut self, published: Option<&Checkpoint>, outside: &[Outside]) -> Result<(), AuditError> {
        let mut outside: Vec<&Outside> = outside.iter().collect();
        outside.sort_by_key(|o| o.checkpoint.size);
        let mut outside = outside.into_iter().peekable();
        let mut tree = Growing::default();
        let mut compared = Compared { store: self.store, bad: Vec::new() };
        let end = published.map_or(0, |p| p.size);
        loop {
            let size = tree.size();
            while let Some(one) = outside.next_if(|o| o.checkpoint.size == size) {
                self.compare(one, tree.root());
            }
            if let Some(checkpoint) = published.filter(|p| p.size == size) {
                if tree.root() != checkpoint.root {
                    self.account
                        .bad(None, format!("the checkpoint of {size} records is of another tree than the journal's"));
                }
                tree.write(&mut compared)?;
            } else if size % 65_536 == 0 && size < end {
                tree.write(&mut compared)?;
            }
            if size >= self.account.size {
                // What stands behind the last whole record, if anything does.
                if let Err(AuditError::Damaged { index, cause }) = self.store.read(size, 1) {
                    self.broken = true;
                    self.account.bad(index, cause);
                } else if end > size {
                    self.broken = true;
                    self.account.bad(size, format!("the journal ends here, and the checkpoint has {end} records"));
                }
                break;
            }
            // Up to where something is compared.
            let next = [end, outside.peek().map_or(0, |o| o.checkpoint.size), (size / 65_536 + 1) * 65_536];
            let next = next.into_iter().filter(|n| *n > size).min().unwrap_or(self.account.size).min(self.account.size);
            let count = usize::try_from(next - size).unwrap_or(usize::MAX).min(4096);
            match self.store.read(size, count) {
                Ok(records) if records.is_empty() => {
                    self.account.bad(size, "the journal ends here");
                    break;
                }
                Ok(records) => {
                    for (index, record) in (size..).zip(records) {
                        self.record(index, &record);
                        tree.push(record.entry);
                    }
                }
                Err(AuditError::Damaged { index, cause }) => {
                    self.broken = true;
                    self.account.bad(index, cause);
                    break;
                }
                Err(e) => return Err(e),
            }
        }
        for one in outside.filter(|_| !self.broken) {
            if let Some(first) = one.differs {
                self.account.other = true;
                self.account.bad(first, other_record(&one.name, first));
                continue;
            }
            self.account.cut = true;
            let cause =
                format!("{}: {} records were there, and the journal ends before", one.name, one.checkpoint.size);
            self.account.bad(tree.size(), cause);
        }
        compared.bad.sort();
        compared.bad.dedup();
        for (index, cause) in compared.bad {
            self.account.bad(index, cause);
        }
        self.account.unexplained.sort_by_key(|bad| bad.index.unwrap_or(u64::MAX));
        Ok(())
    }

    fn compare(&mut self, outside: &Outside, root: Hash) {
        let (size, account) = (outside.checkpoint.size, &mut self.account);
        if outside.checkpoint.root != root {
            account.other = true;
            let (name, fits) = (&outside.name, account.fits);
            if let Some(first) = outside.differs {
                return account.bad(first, other_record(name, first));
            }
            let cause = format!("{name}: of the first {size} records, another history was shown elsewhere");
            // The first that can be another one: those before it fit what was seen.
            let cause = if fits == 0 { cause } else { format!("{cause}; the first {fits} fit") };
            return account.bad(fits, cause);
        }
        account.fits(outside);
    }

    fn record(&mut self, index: u64, stored: &Stored) {
        let Some(keys) = self.keys else { return self.unopened(index, stored) };
        match open(stored, index, keys) {
            Ok(opened) => {
                self.account.verified += 1;
                self.open.push((index, opened.entry.class, opened.entry.day()));
                if !opened.redacted.is_empty() {
                    self.account.partly += 1;
                }
                self.partly.extend(opened.redacted.iter().map(|(_, id)| (index, *id)));
                if let ("loss", Some(lost)) = (opened.entry.kind.name, opened.draft.get("lost")) {
                    let (records, events) = self.account.losses;
                    self.account.losses = (records + 1, events + lost.told.value().as_u64().unwrap_or(0));
                }
            }
            Err(Unopened::NoKey(entry)) => self.gone.push((index, entry.class, entry.day(), false)),
            // After the clock was set back, a day may have a second key beside the one that was destroyed.
            Err(Unopened::AnotherKey(entry)) => self.gone.push((index, entry.class, entry.day(), true)),
            Err(Unopened::InClear(entry)) => self.in_clear(index, &entry, stored),
            Err(Unopened::Damaged(cause)) => self.account.bad(index, cause),
        }
    }

    /// What can be said of a record without any key: its content is the one that its entry commits to.
    fn unopened(&mut self, index: u64, stored: &Stored) {
        match open(stored, index, &Keys::default()) {
            Ok(_) | Err(Unopened::NoKey(_) | Unopened::AnotherKey(_)) => self.account.unopened += 1,
            Err(Unopened::InClear(entry)) => self.in_clear(index, &entry, stored),
            Err(Unopened::Damaged(cause)) => self.account.bad(index, cause),
        }
    }

    fn in_clear(&mut self, index: u64, entry: &Entry, stored: &Stored) {
        match entry.kind.number {
            kinds::SETTINGS => {}
            kinds::HOLD => return self.hold(index, &stored.content),
            _ => return self.redaction(index, entry, &stored.content),
        }
        if index > 0 {
            return self.account.bad(index, "what the log is stands in its first record alone");
        }
        match bound(stored, &self.settings.key) {
            Ok(Some(found)) => {
                self.account.bound = true;
                match compare(self.settings, &found) {
                    Ok(()) => self.account.verified += 1,
                    Err(e) => self.account.bad(index, e.to_string()),
                }
                self.bound = Cow::Owned(found);
            }
            Ok(None) => {}
            Err(AuditError::Damaged { cause, .. }) => self.account.bad(index, cause),
            Err(e) => self.account.bad(index, e.to_string()),
        }
    }

    fn hold(&mut self, index: u64, note: &[u8]) {
        match Hold::authorised(note, &self.settings.origin, &self.bound.officer) {
            Ok(hold) if hold.at == index => {
                self.account.verified += 1;
                self.holds.add(hold);
            }
            Ok(hold) => self.account.bad(index, format!("the hold of record {}, put here again", hold.at)),
            Err(AuditError::Damaged { cause, .. }) => self.account.bad(index, cause),
            Err(e) => self.account.bad(index, e.to_string()),
        }
    }

    fn redaction(&mut self, index: u64, entry: &Entry, note: &[u8]) {
        match Redaction::authorised(note, &self.settings.origin, &self.bound.officer) {
            Ok(redaction) => {
                if self.keys.is_some_and(|keys| keys.pending.as_ref().is_some_and(|text| text.as_bytes() == note)) {
                    self.account.unfinished = Some(index);
                }
                if redaction.at != index {
                    self.account.bad(index, format!("the redaction of record {}, put here again", redaction.at));
                    return;
                }
                if let What::Expired { class, until, kept, .. } = &redaction.what {
                    let last = self.account.last_expiry.get_or_insert_with(|| (index, entry.day()));
                    if entry.day() > last.1 {
                        *last = (index, entry.day());
                    }
                    if until.saturating_add(*kept) >= entry.day() || self.keeps_otherwise(*class, *kept) {
                        self.account.bad(index, format!("`{}` expired sooner than the policy says", class.name()));
                    }
                }
                self.account.verified += 1;
                self.account.redactions += 1;
                self.redactions.push((index, redaction));
            }
            Err(AuditError::Damaged { cause, .. }) => self.account.bad(index, cause),
            Err(e) => self.account.bad(index, e.to_string()),
        }
    }

    /// Whether the first record binds another number of days.
    fn keeps_otherwise(&self, class: Class, kept: u32) -> bool {
        self.account.bound && self.bound.retention.get(&class) != Some(&kept)
    }

    /// Holds every hole against the redactions, and the redactions against what can still be read.
    fn judge(&mut self) {
        self.account.holds = self.holds.in_force().count() as u64;
        if self.keys.is_none() {
            return;
        }
        let covers = Covers::of(&self.redactions);
        let (holds, broken) = (std::mem::take(&mut self.holds), self.broken);
        for (index, class, day, other) in std::mem::take(&mut self.gone) {
            let (redacted, expired) = (covers.record(index), covers.expired(index, class, day));
            self.against(&holds, index, redacted.or(expired));
            match () {
                () if redacted.is_some() => self.account.redacted += 1,
                () if expired.is_some() => self.account.expired += 1,
                // What would explain it may stand behind the break.
                () if self.broken && !other => {}
                () if other => self.account.bad(index, "its content is encrypted under another key"),
                () => self.account.bad(index, "its key is gone, and no redaction says so"),
            }
        }
        let partly = std::mem::take(&mut self.partly);
        for (index, id) in partly.into_iter().take_while(|_| !broken) {
            self.against(&holds, index, covers.people.get(&id).copied());
            if covers.people.get(&id).is_none_or(|before| index >= *before) {
                self.account.bad(index, "the key of a person is gone, and no redaction says so");
            }
        }
        // A crash came between the redaction and the end of the keys: it is not carried out yet, and the account says so.
        let unfinished = self.account.unfinished;
        let done: Vec<_> = self.redactions.iter().filter(|(at, _)| Some(*at) != unfinished).cloned().collect();
        let done = Covers::of(&done);
        for (index, class, day) in std::mem::take(&mut self.open) {
            if done.record(index).is_some() || done.expired(index, class, day).is_some() {
                self.account.bad(index, "it can still be read, though a redaction says that its key was destroyed");
            }
        }
        self.account.unexplained.sort_by_key(|bad| bad.index.unwrap_or(u64::MAX));
    }

    /// That no hold kept a record when a redaction took it away: who has the key of redactions could else destroy what a
    /// hold that everybody was told of keeps, and the account would call it explained.
    fn against(&mut self, holds: &Holds, index: u64, redaction: Option<u64>) {
        let Some(redaction) = redaction else { return };
        if let Some(one) = holds.kept(index, redaction) {
            self.account
                .bad(index, format!("redaction {redaction} destroyed it while the hold of record {} kept it", one.at));
        }
    }
}

fn other_record(name: &str, index: u64) -> String {
    format!(
        "{name} shows another record {index}, under this log's own signature: it was written anew, or an old copy went on"
    )
}

/// Compares what would be published with what is.
struct Compared<'a> {
    store: &'a dyn LogStore,
    bad: Vec<(Option<u64>, String)>,
}

impl LogStore for Compared<'_> {
    fn size(&self) -> u64 {
        self.store.size()
    }

    fn append(&mut self, _: &[Stored]) -> Result<(), AuditError> {
        Ok(())
    }

    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError> {
        self.store.read(from, count)
    }

    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        self.store.get(name)
    }

    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError> {
        match self.store.get(name)? {
            Some(found) if found == bytes => {}
            Some(found) => self.bad.push(differs(name, bytes, &found)),
            None => self.bad.push((None, format!("{name} is missing"))),
        }
        Ok(())
    }

    fn swap_checkpoint(&mut self, _: Option<&[u8]>, _: &[u8]) -> Result<(), AuditError> {
        Ok(())
    }
}

/// The first record that a published file shows otherwise than the journal.
fn differs(name: &str, expected: &[u8], found: &[u8]) -> (Option<u64>, String) {
    use crate::tlog::tile::{self, Row, Tile, WIDTH};
    let cause = format!("{name} is not what the journal makes");
    let Some(tile) = Tile::parse(name) else { return (None, cause) };
    let at = match tile.row {
        Row::Level(0) => expected.chunks(32).zip(found.chunks(32)).position(|(a, b)| a != b),
        Row::Level(_) => None,
        Row::Entries => match (tile::entries(expected, tile.width), tile::entries(found, tile.width)) {
            (Ok(expected), Ok(found)) => expected.iter().zip(&found).position(|(a, b)| a != b),
            _ => None,
        },
    };
    (at.map(|at| tile.index * WIDTH + at as u64), cause)
}
