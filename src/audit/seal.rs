//! A draft to what is stored, and back.

use super::content::{Held, Packer, Piece, unpack};
use super::keys::{Key, Keys, PersonId, Random, derive};
use super::{AuditError, Stored};
use crate::record::commitment::Commitments;
use crate::record::entry::RecordId;
use crate::record::{Commitment, Draft, Entry, Known, Said, Told, kinds};
use crate::tlog::Hash;
use crate::tlog::note::NoteSigner;
use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, LessSafeKey, Nonce, UnboundKey};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Where and when a record goes into the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) index: u64,
    pub(super) minutes: u32,
    pub(super) id: RecordId,
}

/// A record that was read back, with every commitment checked.
#[derive(Clone, Debug)]
pub struct Opened {
    /// What stays for ever.
    pub entry: Entry,
    /// What it says. A field of a person whose key was destroyed is not among it.
    pub draft: Draft,
    /// Fields of people whose keys were destroyed, with the number under which the person stood.
    pub redacted: Vec<(&'static str, PersonId)>,
    /// Commitments to all fields, in their order.
    pub(super) commitments: Commitments,
    /// The names of all fields, in their order.
    pub(super) names: Vec<&'static str>,
}

/// Why a record says nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unopened {
    /// Its key is not there any more.
    NoKey(Box<Entry>),
    /// It is encrypted under another key than the one that is there.
    AnotherKey(Box<Entry>),
    /// It is a redaction, or says what the log is: its text is in clear.
    InClear(Box<Entry>),
    /// It is not what was written.
    Damaged(String),
}

/// Bytes at the end of a content by which the log knows its own record again.
const MARK: usize = 16;

/// Who writes records: whoever has the log's private key. Keys of contents are for readers as well.
pub(super) struct Author(Key);

impl Author {
    pub(super) fn of(signer: &NoteSigner) -> Self {
        Self(signer.derived("attest/author/v1"))
    }

    fn mark(&self, index: u64, entry: &Entry, sealed: &[u8]) -> [u8; MARK] {
        let mark = derive(&self.0, &[&index.to_be_bytes(), &entry.head(), entry.fields.bytes(), sealed]);
        let mut out = [0; MARK];
        out.copy_from_slice(&mark[..MARK]);
        out
    }

    /// Whether a record is one that this author wrote, for this number.
    pub(super) fn wrote(&self, stored: &Stored, index: u64) -> bool {
        let Ok(entry) = Entry::parse(&stored.entry) else { return false };
        let parts = stored.content.split_last_chunk::<MARK>();
        parts.is_some_and(|(sealed, mark)| *mark == self.mark(index, &entry, sealed))
    }
}

/// A record as it is stored. The keys of its day and people must be there.
pub(super) fn seal(
    draft: &Draft,
    at: Place,
    keys: &Keys,
    author: &Author,
    packer: &mut Packer,
) -> Result<Stored, AuditError> {
    let mut entry = Entry {
        kind: draft.kind,
        class: draft.class(),
        minutes: at.minutes,
        id: at.id,
        fields: Hash::of_nothing(),
        content: [0; 32],
    };
    let gone = || AuditError::Gone { index: at.index, why: "its key was destroyed before it was written".into() };
    let key = keys.record(entry.class, entry.day(), at.index).ok_or_else(gone)?;
    let mut commitments = Commitments::default();
    let mut pieces = Vec::with_capacity(draft.said.len());
    for said in &draft.said {
        let (piece, commitment) = piece(said, &key, keys).ok_or_else(gone)?;
        commitments.0.push(commitment);
        pieces.push(piece);
    }
    entry.fields = commitments.root();
    let mut content = packer.pack(&pieces)?;
    encrypt(&derive(&key, &[b"content"]), &bound(&entry, at.index), &mut content)?;
    let mark = author.mark(at.index, &entry, &content);
    content.extend(mark);
    entry.content = Sha256::digest(&content).into();
    Ok(Stored { entry: entry.bytes().to_vec(), content })
}

/// A signed note as a record: its text in clear.
pub(super) fn in_clear(kind: u8, note: &str, minutes: u32, random: Random<'_>) -> Stored {
    let content = note.as_bytes().to_vec();
    let mut id = RecordId([0; 16]);
    random(&mut id.0);
    let kind = kinds::numbered(kind).unwrap_or(&kinds::ALL[0]);
    let hash = Sha256::digest(&content).into();
    let entry = Entry { kind, class: kind.class, minutes, id, fields: Hash::of_nothing(), content: hash };
    Stored { entry: entry.bytes().to_vec(), content }
}

/// A field as it is kept, and the commitment to it; none where the person's key is not there.
fn piece(said: &Said, key: &Key, keys: &Keys) -> Option<(Piece, Commitment)> {
    let name = said.field.name;
    let of = |held, commitment| (Piece { field: said.field, known: said.known, held }, commitment);
    let person = said.field.person.then(|| said.told.value().as_str()).flatten();
    let Some(person) = person else {
        let value = said.told.value();
        let commitment = Commitment::to(name, value, said.known, &salt(key, name));
        return Some(of(Held::Open(value.clone()), commitment));
    };
    let who = keys.person(person)?;
    let key = who.field(key);
    let commitment = Commitment::to(name, said.told.value(), said.known, &salt(&key, name));
    let mut sealed = person.as_bytes().to_vec();
    sealed.resize(sealed.len().next_multiple_of(16), 0);
    encrypt(&derive(&key, &[b"value"]), name.as_bytes(), &mut sealed).ok()?;
    Some(of(Held::Person { id: who.id, sealed, commitment }, commitment))
}

/// Reads a record back: decrypts it and checks it against its entry.
///
/// # Errors
/// [`Unopened`].
pub fn open(stored: &Stored, index: u64, keys: &Keys) -> Result<Opened, Unopened> {
    let damaged = |cause: String| Unopened::Damaged(cause);
    let entry = Entry::parse(&stored.entry).map_err(damaged)?;
    if Sha256::digest(&stored.content)[..] != entry.content {
        return Err(Unopened::Damaged("its content is not the one that its entry commits to".into()));
    }
    if entry.kind.in_clear() {
        if entry.fields != Hash::of_nothing() {
            return Err(Unopened::Damaged(format!("`{}` with fields, which it has not", entry.kind.name)));
        }
        return Err(Unopened::InClear(Box::new(entry)));
    }
    let Some(key) = keys.record(entry.class, entry.day(), index) else { return Err(Unopened::NoKey(Box::new(entry))) };
    let (sealed, _) = stored.content.split_last_chunk::<MARK>().ok_or_else(|| damaged("it is cut off".into()))?;
    let content = decrypt(&derive(&key, &[b"content"]), &bound(&entry, index), sealed);
    let Some(content) = content else { return Err(Unopened::AnotherKey(Box::new(entry))) };
    let pieces = unpack(&content, entry.kind).map_err(damaged)?;
    let mut opened = Opened {
        draft: Draft { kind: entry.kind, said: Vec::new() },
        entry,
        redacted: Vec::new(),
        commitments: Commitments::default(),
        names: Vec::new(),
    };
    for piece in pieces {
        opened.take(piece, &key, keys).map_err(damaged)?;
    }
    if opened.commitments.root() != opened.entry.fields {
        return Err(Unopened::Damaged("its fields are not those that its entry commits to".into()));
    }
    Ok(opened)
}

impl Opened {
    fn take(&mut self, piece: Piece, key: &Key, keys: &Keys) -> Result<(), String> {
        let Piece { field, known, held } = piece;
        let name = field.name;
        self.names.push(name);
        let (value, commitment) = match held {
            Held::Open(value) => {
                let commitment = Commitment::to(name, &value, known, &salt(key, name));
                (value, commitment)
            }
            Held::Person { id, sealed, commitment } => {
                self.commitments.0.push(commitment);
                let Some((_, who)) = keys.numbered(&id) else {
                    self.redacted.push((name, id));
                    return Ok(());
                };
                let value = person(&who.field(key), name, known, &sealed, commitment);
                let value = value.ok_or_else(|| format!("`{name}` is not what its commitment says"))?;
                self.draft.said.push(Said { field, told: Told::Value(value), known });
                return Ok(());
            }
        };
        self.commitments.0.push(commitment);
        let told = if value.is_null() { Told::Withheld } else { Told::Value(value) };
        self.draft.said.push(Said { field, told, known });
        Ok(())
    }

    /// The salt of a field, for whoever is to be shown it.
    pub(super) fn salt_of(&self, name: &str, index: u64, keys: &Keys) -> Option<[u8; 32]> {
        let key = keys.record(self.entry.class, self.entry.day(), index)?;
        let said = self.draft.get(name)?;
        match said.told.value().as_str().filter(|_| said.field.person) {
            Some(person) => Some(salt(&keys.person(person)?.field(&key), name)),
            None => Some(salt(&key, name)),
        }
    }
}

/// A person's name, where it is the one that was committed to.
fn person(key: &Key, name: &str, known: Known, sealed: &[u8], commitment: Commitment) -> Option<Value> {
    let opened = decrypt(&derive(key, &[b"value"]), name.as_bytes(), sealed)?;
    let end = opened.iter().rposition(|b| *b != 0).map_or(0, |at| at + 1);
    let value = Value::String(String::from_utf8(opened.get(..end)?.to_vec()).ok()?);
    (Commitment::to(name, &value, known, &salt(key, name)) == commitment).then_some(value)
}

fn salt(key: &Key, name: &str) -> [u8; 32] {
    *derive(key, &[b"salt", name.as_bytes()])
}

/// What the encryption of a content is bound to: it cannot be put behind another entry.
fn bound(entry: &Entry, index: u64) -> Vec<u8> {
    [&entry.head()[..], &index.to_be_bytes(), entry.fields.bytes()].concat()
}

/// AES-256-GCM-SIV under a key that is used once, so that the nonce needs not to differ.
fn aead(key: &Key) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM_SIV, &key[..]).ok().map(LessSafeKey::new)
}

fn encrypt(key: &Key, bound: &[u8], text: &mut Vec<u8>) -> Result<(), AuditError> {
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let done = aead(key).and_then(|key| key.seal_in_place_append_tag(nonce, Aad::from(bound), text).ok());
    done.ok_or_else(|| AuditError::malformed("content", "it could not be encrypted"))
}

fn decrypt(key: &Key, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let mut text = sealed.to_vec();
    let nonce = Nonce::assume_unique_for_key([0; 12]);
    let length = aead(key)?.open_in_place(nonce, Aad::from(bound), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}
