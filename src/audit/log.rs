//! [`Log`]: one writer's view of a log. Records are durable and in the tree when [`Log::append`] returns; what is published
//! follows with [`Log::publish`].

use super::content::Packer;
use super::keys::{KeyStore, Keys, Random};
use super::notes::Hold;
use super::notes::bound::{self, keep_to};
use super::seal::{Author, Place, Unopened, in_clear, open, seal};
use super::store::CHECKPOINT;
use super::tree::{Growing, nodes, read_all};
use super::{AuditError, LogStore, Settings, Stored};
use crate::model::{Timestamp, limits};
use crate::record::entry::RecordId;
use crate::record::{Class, Draft, kinds};
use crate::tlog::merkle;
use crate::tlog::note::NoteSigner;
use crate::tlog::proof::Proof;
use crate::tlog::{Checkpoint, Hash, Note};
use std::ops::Range;

/// What a log is made of.
pub struct Parts {
    /// What it is.
    pub settings: Settings,
    /// Where its records are.
    pub store: Box<dyn LogStore>,
    /// Where its keys are.
    pub keys: Box<dyn KeyStore>,
    /// What signs its checkpoints.
    pub signer: NoteSigner,
}

/// A log that is open for writing.
pub struct Log {
    pub(super) settings: Settings,
    pub(super) store: Box<dyn LogStore>,
    pub(super) key_store: Box<dyn KeyStore>,
    pub(super) keys: Keys,
    signer: NoteSigner,
    author: Author,
    /// Whether a write failed: what is on the disk is not known then, and this writer changes nothing more.
    failed: bool,
    tree: Growing,
    checkpoint: Option<Vec<u8>>,
    packer: Packer,
}

impl std::fmt::Debug for Log {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Log({}, {} records)", self.settings.origin, self.size())
    }
}

impl Log {
    /// Opens a log: what is published is compared with the journal, and made again where it lags behind or is damaged.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] when a checkpoint that this log signed is not one of the journal that is there: the journal
    /// was cut or changed, and nothing is added to it. [`AuditError::Rebound`] when the settings are not those of its first record.
    pub fn open(parts: Parts) -> Result<Self, AuditError> {
        let Parts { settings, mut store, keys: mut key_store, signer } = parts;
        if *signer.key() != settings.key {
            return Err(AuditError::malformed("key of the audit log", "it is not the one that its settings name"));
        }
        keep_to(&*store, &settings)?;
        let author = Author::of(&signer);
        store.settle()?;
        key_store.settle()?;
        let keys = key_store.load()?.unwrap_or_default();
        let checkpoint = store.get(CHECKPOINT)?;
        let published = checkpoint.as_deref().map(|bytes| own(bytes, &settings)).transpose()?;
        let tree = grown(&*store, published.as_ref())?;
        own_tail(&*store, published.map_or(0, |p| p.size), &keys, &author, &settings)?;
        let packer = Packer::new()?;
        Ok(Self { settings, store, key_store, keys, signer, author, failed: false, tree, checkpoint, packer })
    }

    /// How many records it has.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.tree.size()
    }

    /// What it is.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Its store, for who reads.
    #[must_use]
    pub fn store(&self) -> &dyn LogStore {
        &*self.store
    }

    /// Adds records; their numbers. After an error some of them may be there, from the first on, and the log is opened again
    /// before anything else is written: it then goes on where the disk says.
    ///
    /// # Errors
    /// [`AuditError::TooLarge`], [`AuditError::Unusable`].
    pub fn append(&mut self, drafts: &[Draft], now: Timestamp, random: Random<'_>) -> Result<Range<u64>, AuditError> {
        self.finish_redaction(now, random)?;
        let first = self.size();
        for batch in drafts.chunks(limits::RECORD_BATCH) {
            self.append_batch(batch, now, random)?;
        }
        Ok(first..self.size())
    }

    fn append_batch(&mut self, drafts: &[Draft], now: Timestamp, random: Random<'_>) -> Result<(), AuditError> {
        let minutes = minutes(now);
        let mut new = false;
        for draft in drafts {
            new |= self.keys.ensure_day(draft.class(), minutes / (24 * 60), random);
            for person in draft.said.iter().filter(|said| said.field.person) {
                new |= person.told.value().as_str().is_some_and(|name| self.keys.ensure_person(name, random));
            }
        }
        // A key that is only in memory is no key: what was encrypted with it could never be read again.
        if new {
            self.save_keys(false)?;
        }
        let first = self.size();
        let (mut batch, mut bytes) = (Vec::with_capacity(drafts.len()), 0);
        for (index, draft) in (first..).zip(drafts) {
            let mut id = RecordId([0; 16]);
            random(&mut id.0);
            let record = seal(draft, Place { index, minutes, id }, &self.keys, &self.author, &mut self.packer)?;
            bytes += record.entry.len() + record.content.len();
            batch.push(record);
            if bytes > limits::JOURNAL_FRAME_BYTES {
                bytes = 0;
                self.put(std::mem::take(&mut batch))?;
            }
        }
        if batch.is_empty() { Ok(()) } else { self.put(batch) }
    }

    /// Adds what is sealed, or public.
    pub(super) fn put(&mut self, batch: Vec<Stored>) -> Result<(), AuditError> {
        self.usable()?;
        let done = self.store.append(&batch);
        self.noted(done)?;
        batch.into_iter().for_each(|record| self.tree.push(record.entry));
        Ok(())
    }

    /// Writes the first record of a log that has none yet, which says what the log is; it is published with the next ones.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn found(&mut self, now: Timestamp, random: Random<'_>) -> Result<(), AuditError> {
        if self.size() > 0 {
            return Ok(());
        }
        let note = self.signer.sign(&bound::text(&self.settings));
        self.put(vec![in_clear(kinds::SETTINGS, &note, minutes(now), random)])
    }

    /// Writes the tiles and a signed checkpoint of every record that there is. Where there is nothing new, the checkpoint stays.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn publish(&mut self) -> Result<Checkpoint, AuditError> {
        let checkpoint = Checkpoint {
            origin: self.settings.origin.clone(),
            size: self.tree.size(),
            root: self.tree.root(),
            extensions: Vec::new(),
        };
        let note = self.signer.sign(&checkpoint.to_string()).into_bytes();
        if self.checkpoint.as_deref() == Some(&note) {
            return Ok(checkpoint);
        }
        self.usable()?;
        let done = self.tree.write(&mut *self.store);
        let done = done.and_then(|()| self.store.swap_checkpoint(self.checkpoint.as_deref(), &note));
        self.noted(done)?;
        self.checkpoint = Some(note);
        Ok(checkpoint)
    }

    /// Saves the keys as they are in memory.
    pub(super) fn save_keys(&mut self, destroys: bool) -> Result<(), AuditError> {
        self.usable()?;
        let done = self.key_store.save(&self.keys, destroys);
        self.noted(done)
    }

    /// That no write failed. A key that was to be saved and was not is in memory all the same: what is encrypted with it could
    /// be acknowledged, and never be read again.
    fn usable(&self) -> Result<(), AuditError> {
        let cause = || "an earlier write failed: open the log again".to_owned();
        if self.failed { Err(AuditError::Unusable { what: "the audit log".into(), cause: cause() }) } else { Ok(()) }
    }

    fn noted(&mut self, done: Result<(), AuditError>) -> Result<(), AuditError> {
        self.failed |= done.is_err();
        done
    }

    /// The receipt of a record, under the published checkpoint.
    ///
    /// # Errors
    /// [`AuditError::Unknown`] when there is no such record, or it is not published yet.
    pub fn prove(&self, index: u64) -> Result<Proof, AuditError> {
        receipt(&*self.store, &self.settings, index)
    }
}

/// The receipt of a record, from what is published.
///
/// # Errors
/// [`AuditError::Unknown`] when there is no such record, or it is not published yet.
pub fn receipt(store: &dyn LogStore, settings: &Settings, index: u64) -> Result<Proof, AuditError> {
    let unknown = || AuditError::Unknown { what: format!("record {index}") };
    let note = store.get(CHECKPOINT)?.ok_or_else(unknown)?;
    let checkpoint = own(&note, settings)?;
    if index >= checkpoint.size {
        return Err(unknown());
    }
    let hashes = merkle::inclusion(index, checkpoint.size, &nodes(store, checkpoint.size));
    let hashes = hashes.map_err(|e| AuditError::damaged(None, format!("its tiles: {e}")))?;
    let checkpoint = String::from_utf8(note).unwrap_or_default();
    Ok(Proof { extra: None, index, hashes, checkpoint })
}

/// The proof that the published tree of a size begins with a smaller one.
///
/// # Errors
/// [`AuditError::Damaged`] where a tile is not there any more.
pub fn consistency(store: &dyn LogStore, old: u64, size: u64) -> Result<Vec<Hash>, AuditError> {
    let proof = merkle::consistency(old, size, &nodes(store, size));
    proof.map_err(|e| AuditError::damaged(None, format!("its tiles: {e}")))
}

/// The proof that a record is in the published tree of a size.
///
/// # Errors
/// [`AuditError::Damaged`] where a tile is not there any more.
pub fn inclusion(store: &dyn LogStore, index: u64, size: u64) -> Result<Vec<Hash>, AuditError> {
    let proof = merkle::inclusion(index, size, &nodes(store, size));
    proof.map_err(|e| AuditError::damaged(None, format!("its tiles: {e}")))
}

/// A checkpoint that the log itself signed.
///
/// # Errors
/// [`AuditError::Damaged`] where it did not.
pub fn own(bytes: &[u8], settings: &Settings) -> Result<Checkpoint, AuditError> {
    let note = Note::parse(bytes)?;
    let wrong = |cause: String| AuditError::damaged(None, cause);
    let signed = note.is_signed_by(&settings.key).map_err(|e| wrong(e.to_string()))?;
    let checkpoint = Checkpoint::parse(note.text)?;
    match () {
        () if !signed => Err(wrong("its checkpoint is not signed by its key".into())),
        () if checkpoint.origin != settings.origin => {
            Err(wrong(format!("its checkpoint is of the log {}, not {}", checkpoint.origin, settings.origin)))
        }
        () => Ok(checkpoint),
    }
}

/// The tree of a store, from its tiles as far as they are published, then from the journal; from the journal alone where
/// the tiles are not those of the checkpoint.
fn grown(store: &dyn LogStore, published: Option<&Checkpoint>) -> Result<Growing, AuditError> {
    let size = store.size();
    let Some(published) = published else { return replayed(store, Growing::default(), size) };
    if published.size > size {
        let cause = format!("its checkpoint has {} records, and its journal ends after {size}", published.size);
        return Err(AuditError::damaged(size, cause));
    }
    if let Some(tree) = Growing::published(store, published.size)?
        && tree.root() == published.root
    {
        return replayed(store, tree, size);
    }
    let tree = replayed(store, Growing::default(), published.size)?;
    if tree.root() != published.root {
        let cause = "its journal is not the one that its checkpoint was made of: `attest audit verify` finds the place";
        return Err(AuditError::damaged(None, cause));
    }
    replayed(store, tree, size)
}

/// That every record that no checkpoint covers yet is one that this log wrote: it opens under the log's keys and was written
/// by who has its private key, or is the redaction that is being carried out, or a hold with authority. Whoever owns the disk could else write a record
/// behind the last, and have it signed; so could who holds the keys of contents alone.
fn own_tail(
    store: &dyn LogStore,
    from: u64,
    keys: &Keys,
    author: &Author,
    settings: &Settings,
) -> Result<(), AuditError> {
    let mut index = from;
    while index < store.size() {
        for record in store.read(index, 4096)? {
            let own = match open(&record, index, keys) {
                Ok(_) => author.wrote(&record, index),
                // Opening compared it with the log's key.
                Err(Unopened::InClear(entry)) if entry.kind.number == kinds::SETTINGS => index == 0,
                Err(Unopened::InClear(entry)) if entry.kind.number == kinds::HOLD => {
                    let hold = Hold::authorised(&record.content, &settings.origin, &settings.officer);
                    hold.is_ok_and(|hold| hold.at == index)
                }
                Err(Unopened::InClear(_)) => {
                    keys.pending.as_ref().is_some_and(|note| note.as_bytes() == record.content)
                }
                Err(_) => false,
            };
            if !own {
                let cause =
                    format!("record {index} stands behind the last that was signed, and this log did not write it");
                return Err(AuditError::damaged(index, cause));
            }
            index += 1;
        }
    }
    Ok(())
}

/// A tree that goes on with records of a store, up to a size.
pub(super) fn replayed(store: &dyn LogStore, mut tree: Growing, size: u64) -> Result<Growing, AuditError> {
    while tree.size() < size {
        let count = usize::try_from(size - tree.size()).unwrap_or(usize::MAX).min(4096);
        read_all(store, tree.size(), count)?.into_iter().for_each(|record| tree.push(record.entry));
    }
    Ok(tree)
}

/// Whole minutes since 1970.
pub(super) fn minutes(now: Timestamp) -> u32 {
    u32::try_from(now.unix().div_euclid(60)).unwrap_or(0)
}

/// Whole days since 1970.
pub(super) fn day(now: Timestamp) -> u32 {
    minutes(now) / (24 * 60)
}

/// Classes whose content expires.
pub(super) fn expiring() -> impl Iterator<Item = Class> {
    Class::ALL.iter().filter(|(_, _, days)| days.is_some()).map(|(class, ..)| *class)
}
