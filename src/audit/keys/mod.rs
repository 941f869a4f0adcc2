//! Keys of what records say, and of people: whatever is destroyed here can never be read again, wherever copies of it are.

mod folder;
mod ggm;
mod key;
mod memory;

pub use folder::{FolderKeys, NoteFile};
pub use memory::MemoryKeys;

use super::AuditError;
use crate::record::Class;
use ggm::Tree;
use key::Reader;
pub use key::{Key, derive};
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// The number under which a person stands in records.
pub type PersonId = [u8; 8];
/// Bytes that nobody can guess.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);

/// Where keys are kept.
///
/// A back end MUST keep to this: [`KeyStore::save`] that is `Ok` is durable and whole; with `destroys`, nothing that was saved
/// before can be read any more, by anybody who has not a copy of both the old keys and the old master key.
pub trait KeyStore: Send {
    /// The keys; none where none were saved yet.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Malformed`].
    fn load(&self) -> Result<Option<Keys>, AuditError>;

    /// Saves the keys in place of those before.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::NoRandomness`].
    fn save(&mut self, keys: &Keys, destroys: bool) -> Result<(), AuditError>;

    /// Does away with what a save that was interrupted left. Only for the one writer of a log.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn settle(&mut self) -> Result<(), AuditError> {
        Ok(())
    }

    /// The number of the last destruction: another one after each.
    fn generation(&self) -> u64;
}

/// A person whose fields are encrypted under a key of their own.
#[derive(Clone)]
pub struct Person {
    /// The number in records.
    pub id: PersonId,
    key: Key,
}

/// All keys of a log, in memory.
#[derive(Clone, Default)]
pub struct Keys {
    trees: BTreeMap<(Class, u32), Tree>,
    people: BTreeMap<String, Person>,
    /// How often keys were destroyed, as the store counts it.
    pub generation: u64,
    /// The text of a redaction that is to be carried out: it goes into the log first, then keys go.
    pub pending: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} trees, {} people)", self.trees.len(), self.people.len())
    }
}

impl Keys {
    /// Makes the key of a class and day where there is none; whether it did.
    pub fn ensure_day(&mut self, class: Class, day: u32, random: Random<'_>) -> bool {
        if self.trees.contains_key(&(class, day)) {
            return false;
        }
        let mut root = Key::default();
        random(&mut root[..]);
        self.trees.insert((class, day), Tree::new(root));
        true
    }

    /// Makes the key of a person where there is none; whether it did.
    pub fn ensure_person(&mut self, name: &str, random: Random<'_>) -> bool {
        if self.people.contains_key(name) {
            return false;
        }
        let mut person = Person { id: [0; 8], key: Key::default() };
        random(&mut person.id);
        random(&mut person.key[..]);
        self.people.insert(name.to_owned(), person);
        true
    }

    /// The key of a record; none where it was destroyed.
    #[must_use]
    pub fn record(&self, class: Class, day: u32, index: u64) -> Option<Key> {
        self.trees.get(&(class, day))?.leaf(index as u32)
    }

    /// A person by name.
    #[must_use]
    pub fn person(&self, name: &str) -> Option<&Person> {
        self.people.get(name)
    }

    /// A person by number, with the name.
    #[must_use]
    pub fn numbered(&self, id: &PersonId) -> Option<(&str, &Person)> {
        self.people.iter().find(|(_, person)| person.id == *id).map(|(name, person)| (name.as_str(), person))
    }

    /// How many people have a key.
    #[must_use]
    pub fn people(&self) -> usize {
        self.people.len()
    }

    /// Destroys the key of a person.
    pub fn forget_person(&mut self, id: &PersonId) {
        self.people.retain(|_, person| person.id != *id);
    }

    /// Destroys the key of one record.
    pub fn forget_record(&mut self, class: Class, day: u32, index: u64) {
        if let Some(tree) = self.trees.get_mut(&(class, day)) {
            tree.puncture(index as u32);
        }
    }

    /// Destroys the keys of a class of some days, both included; how many days there were.
    pub fn forget_days(&mut self, class: Class, from: u32, until: u32) -> usize {
        let before = self.trees.len();
        self.trees.retain(|(c, day), _| *c != class || !(from..=until).contains(day));
        before - self.trees.len()
    }

    /// Days of a class that have a key.
    pub fn days(&self, class: Class) -> impl Iterator<Item = u32> {
        self.trees.keys().filter(move |(c, _)| *c == class).map(|(_, day)| *day)
    }

    /// All keys as bytes, for a store that encrypts them.
    #[must_use]
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(vec![VERSION]);
        out.extend((self.trees.len() as u32).to_be_bytes());
        for ((class, day), tree) in &self.trees {
            out.push(*class as u8);
            out.extend(day.to_be_bytes());
            tree.write(&mut out);
        }
        out.extend((self.people.len() as u32).to_be_bytes());
        for (name, person) in &self.people {
            out.extend((name.len() as u16).to_be_bytes());
            out.extend(name.as_bytes());
            out.extend(person.id);
            out.extend(&person.key[..]);
        }
        let pending = self.pending.as_deref().unwrap_or_default();
        out.extend((pending.len() as u32).to_be_bytes());
        out.extend(pending.as_bytes());
        out
    }

    /// Reads what [`Keys::write`] made.
    ///
    /// # Errors
    /// [`AuditError::Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AuditError> {
        let keys = Reader(bytes).keys().filter(|keys| *keys.write() == bytes);
        keys.ok_or_else(|| AuditError::malformed("keys of the audit log", "they are cut off, or of another program"))
    }
}

const VERSION: u8 = 1;

impl Reader<'_> {
    fn keys(&mut self) -> Option<Keys> {
        let mut keys = Keys::default();
        if self.take(1)? != [VERSION] {
            return None;
        }
        for _ in 0..self.number()? {
            let class = Class::of(self.take(1)?[0])?;
            let day = self.number()?;
            keys.trees.insert((class, day), Tree::read(self)?);
        }
        for _ in 0..self.number()? {
            let length = u16::from_be_bytes(self.take(2)?.try_into().ok()?);
            let name = String::from_utf8(self.take(usize::from(length))?.to_vec()).ok()?;
            let id = self.take(8)?.try_into().ok()?;
            keys.people.insert(name, Person { id, key: self.key()? });
        }
        let length = self.number()? as usize;
        let pending = String::from_utf8(self.take(length)?.to_vec()).ok()?;
        keys.pending = (!pending.is_empty()).then_some(pending);
        self.0.is_empty().then_some(keys)
    }
}

impl Person {
    /// The key of a field of this person in one record.
    #[must_use]
    pub fn field(&self, record: &Key) -> Key {
        derive(record, &[b"person", &self.key[..]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_were_written_without_what_was_destroyed() {
        let mut n = 0;
        let mut random = |bytes: &mut [u8]| {
            n += 1;
            bytes.fill(n);
        };
        let mut keys = Keys::default();
        assert!(keys.ensure_day(Class::Executions, 100, &mut random));
        assert!(!keys.ensure_day(Class::Executions, 100, &mut random));
        keys.ensure_day(Class::Executions, 101, &mut random);
        keys.ensure_day(Class::Sessions, 100, &mut random);
        keys.ensure_person("github:1", &mut random);
        keys.ensure_person("github:2", &mut random);
        let (record, id) = (keys.record(Class::Executions, 101, 7).unwrap(), keys.person("github:1").unwrap().id);
        assert_ne!(keys.person("github:1").unwrap().field(&record), keys.person("github:2").unwrap().field(&record));
        keys.forget_record(Class::Executions, 101, 8);
        keys.forget_person(&id);
        assert_eq!(keys.forget_days(Class::Executions, 0, 100), 1);
        keys.pending = Some("a note".into());
        let read = Keys::parse(&keys.write()).unwrap();
        assert_eq!(read.record(Class::Executions, 101, 7).unwrap(), record);
        assert!(read.record(Class::Executions, 101, 8).is_none());
        assert!(read.record(Class::Executions, 100, 7).is_none());
        assert!(read.record(Class::Sessions, 100, 7).is_some());
        assert!(read.person("github:1").is_none() && read.numbered(&id).is_none());
        assert_eq!((read.pending.as_deref(), read.people()), (Some("a note"), 1));
        let bytes = keys.write();
        for end in 0..bytes.len() {
            assert!(Keys::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
    }
}
