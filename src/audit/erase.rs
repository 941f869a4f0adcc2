//! Destroying keys. The redaction is written down beside the keys, then it goes into the log, then the keys go: after a crash
//! at any place the rest is done when the log is opened for the next time, and there is never a hole without a redaction.

use super::keys::Random;
use super::log::{Log, day, expiring, minutes};
use super::notes::{is_basis, joined};
use super::seal::{Unopened, in_clear, open};
use super::tree::read_all;
use super::{AuditError, Held, Redaction, What};
use crate::model::Timestamp;
use crate::record::{Entry, RecordError, kinds};
use crate::secrets::{Search, find_secret};
use crate::tlog::note::NoteSigner;
use serde_json::json;

/// What is to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erase {
    /// Every field that names a person.
    Person(String),
    /// Records, by their numbers.
    Records(Vec<u64>),
}

impl Log {
    /// Erases: the number of the redaction's record. `officer` signs it.
    ///
    /// # Errors
    /// [`AuditError::Held`] when a hold keeps one of the records, [`AuditError::Nothing`] when there is nothing to erase,
    /// [`AuditError::Unknown`] when a record is not there, [`AuditError::Malformed`] when the key is not the one of the
    /// settings or the reason is none, [`AuditError::Unusable`].
    pub fn erase(
        &mut self,
        erase: &Erase,
        basis: &str,
        officer: &NoteSigner,
        now: Timestamp,
        random: Random<'_>,
    ) -> Result<u64, AuditError> {
        let what = match erase {
            Erase::Person(name) => {
                // The name itself must not be kept anywhere, an error of a log file included.
                let why = "this person stands in no record, or was erased already";
                let person = self.keys.person(name).ok_or_else(|| AuditError::nothing("to erase", why))?;
                let what = What::Person(person.id);
                if self.holds()?.in_force().next().is_some() {
                    self.not_held(self.records_of(name)?)?;
                }
                what
            }
            Erase::Records(list) => {
                let ranges = self.ranges(list)?;
                self.not_held(ranges.iter().flat_map(|(low, high)| *low..=*high))?;
                What::Records(ranges)
            }
        };
        self.redact(what, basis, officer, now, random)
    }

    /// What is kept long enough: days of classes whose keys are there, but for days of which a hold keeps a record.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Damaged`].
    pub fn due(&self, now: Timestamp) -> Result<Vec<What>, AuditError> {
        let mut due = Vec::new();
        let holds = self.holds()?;
        if holds.in_force().any(|one| one.held == Held::Everything) {
            return Ok(due);
        }
        let held = self.held_days(&holds)?;
        for class in expiring() {
            let Some(kept) = self.settings.retention.get(&class).copied() else { continue };
            let Some(last) = day(now).checked_sub(kept + 1) else { continue };
            let mut from = 0;
            // What lies between days that are held, and after the last of them.
            let held = held.iter().filter(|(c, day)| *c == class && *day <= last).map(|(_, day)| *day);
            for end in held.chain([last + 1]).collect::<Vec<_>>() {
                if self.keys.days(class).any(|day| (from..end).contains(&day)) {
                    due.push(What::Expired { class, from, until: end - 1, kept });
                }
                from = end + 1;
            }
        }
        Ok(due)
    }

    /// Destroys the keys of everything that is [due](Log::due); the numbers of the redactions' records.
    ///
    /// # Errors
    /// As [`Log::erase`].
    pub fn retain(&mut self, officer: &NoteSigner, now: Timestamp, random: Random<'_>) -> Result<Vec<u64>, AuditError> {
        let due = self.due(now)?;
        due.into_iter().map(|what| self.redact(what, "policy", officer, now, &mut *random)).collect()
    }

    /// That no hold keeps any of these records.
    fn not_held(&self, records: impl IntoIterator<Item = u64>) -> Result<(), AuditError> {
        let holds = self.holds()?;
        for index in records {
            if let Some(one) = holds.kept(index, self.size()) {
                return Err(AuditError::Held { index, hold: one.at, basis: one.basis.clone() });
            }
        }
        Ok(())
    }

    /// That an order has authority, and a reason that can stand in clear for ever.
    pub(super) fn authority(&self, basis: &str, officer: &NoteSigner) -> Result<(), AuditError> {
        if *officer.key() != self.settings.officer {
            return Err(AuditError::malformed("key of redactions", "it is not the one that the log's settings name"));
        }
        if !is_basis(basis) {
            return Err(AuditError::malformed(
                "reason",
                "expected one line of at most 256 bytes, without control characters",
            ));
        }
        // It stands in the log in clear, where no erasure reaches it.
        find_secret(&json!({ "basis": basis }), &Search::default()).map_err(RecordError::Secret)?;
        Ok(())
    }

    /// Of records, each of which is there, those whose keys are.
    ///
    /// # Errors
    /// [`AuditError::Unknown`] for one that the log has not, [`AuditError::Unusable`].
    pub fn remaining(&self, list: &[u64]) -> Result<Vec<u64>, AuditError> {
        let mut list = list.to_vec();
        list.sort_unstable();
        list.dedup();
        let mut out = Vec::new();
        for index in list {
            if index >= self.size() {
                return Err(AuditError::Unknown { what: format!("record {index}") });
            }
            let record = read_all(&*self.store, index, 1)?;
            let entry = record.first().and_then(|r| Entry::parse(&r.entry).ok());
            if entry.is_some_and(|entry| self.keys.record(entry.class, entry.day(), index).is_some()) {
                out.push(index);
            }
        }
        Ok(out)
    }

    /// Ranges of records. One whose key was destroyed before is passed over: a second redaction of it would say that something
    /// was destroyed, and nothing was.
    fn ranges(&self, list: &[u64]) -> Result<Vec<(u64, u64)>, AuditError> {
        let out = joined(&self.remaining(list)?);
        let why = "what was named is erased already, or stands in clear for ever";
        if out.is_empty() { Err(AuditError::nothing("to erase", why)) } else { Ok(out) }
    }

    fn redact(
        &mut self,
        what: What,
        basis: &str,
        officer: &NoteSigner,
        now: Timestamp,
        random: Random<'_>,
    ) -> Result<u64, AuditError> {
        self.authority(basis, officer)?;
        let origin = self.settings.origin.clone();
        let redaction = Redaction { origin, time: now, basis: basis.to_owned(), at: self.size(), what };
        self.keys.pending = Some(officer.sign(&redaction.to_string()));
        self.save_keys(false)?;
        let index = self.finish_redaction(now, random)?;
        index.ok_or_else(|| AuditError::Unknown { what: "a redaction".into() })
    }

    /// Carries out a redaction that was begun: what is missing of it, in its order. The number of its record; none where
    /// none was begun.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn finish_redaction(&mut self, now: Timestamp, random: Random<'_>) -> Result<Option<u64>, AuditError> {
        let Some(note) = self.keys.pending.clone() else { return Ok(None) };
        let redaction = Redaction::authorised(note.as_bytes(), &self.settings.origin, &self.settings.officer)?;
        let index = match self.written(&note)? {
            Some(index) => index,
            None => {
                let index = self.size();
                if redaction.at != index {
                    return Err(AuditError::damaged(index, format!("a redaction that belongs at {}", redaction.at)));
                }
                self.put(vec![in_clear(kinds::REDACTION, &note, minutes(now), random)])?;
                index
            }
        };
        // What is not published must be openable when the log is opened again: so this comes before any key goes.
        self.publish()?;
        self.destroy(&redaction.what, index)?;
        self.keys.pending = None;
        self.save_keys(true)?;
        self.keys.generation = self.key_store.generation();
        Ok(Some(index))
    }

    /// Whether a redaction stands in the log: it would be among the last records, as nothing else is written before it is done.
    fn written(&self, note: &str) -> Result<Option<u64>, AuditError> {
        let Some(last) = self.size().checked_sub(1) else { return Ok(None) };
        let record = read_all(&*self.store, last, 1)?;
        Ok(record.first().is_some_and(|r| r.content == note.as_bytes()).then_some(last))
    }

    fn destroy(&mut self, what: &What, before: u64) -> Result<(), AuditError> {
        match what {
            What::Person(id) => self.keys.forget_person(id),
            What::Expired { class, from, until, .. } => drop(self.keys.forget_days(*class, *from, *until)),
            What::Records(ranges) => {
                for index in ranges.iter().flat_map(|(low, high)| *low..=*high).filter(|index| *index < before) {
                    let record = read_all(&*self.store, index, 1)?;
                    let entry = record.first().and_then(|r| Entry::parse(&r.entry).ok());
                    if let Some(entry) = entry {
                        self.keys.forget_record(entry.class, entry.day(), index);
                    }
                }
            }
        }
        Ok(())
    }

    /// The records in which a person stands.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Damaged`].
    pub fn records_of(&self, person: &str) -> Result<Vec<u64>, AuditError> {
        let mut out = Vec::new();
        let mut index = 0;
        while index < self.size() {
            for stored in self.store.read(index, 4096)? {
                match open(&stored, index, &self.keys) {
                    Ok(opened) if opened.draft.said.iter().any(|s| s.field.person && s.told.value() == person) => {
                        out.push(index);
                    }
                    Ok(_) | Err(Unopened::NoKey(_) | Unopened::AnotherKey(_) | Unopened::InClear(_)) => {}
                    Err(Unopened::Damaged(cause)) => return Err(AuditError::damaged(index, cause)),
                }
                index += 1;
            }
        }
        Ok(out)
    }
}
