//! One record as it is handed out.

use crate::audit::keys::Keys;
use crate::audit::{AuditError, Opened, Unopened};
use crate::model::digest::hex;
use crate::model::json::{self, JsonError};
use crate::model::{Timestamp, limits};
use crate::record::commitment::Commitments;
use crate::record::{Commitment, Entry, Known, Said, fields};
use crate::tlog::Hash;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// How a field is handed out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Show {
    /// As it is, so that it is proven.
    Open,
    /// As something else; of what it is there is the commitment.
    As(Value),
    /// Not at all; there is the commitment to it.
    Hidden,
}

/// Says how each field is handed out.
pub type Showing<'a> = &'a dyn Fn(&Said) -> Show;

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// Its number.
    pub index: u64,
    /// SHA-256 of the line before, in hex; of the first line 64 zeros.
    pub previous: String,
    /// Its kind.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// When it was put into the log, to the minute, by the log's clock.
    pub logged_at: String,
    /// What it says, by field. Names that stand in `hidden` too are not what the log has, but pseudonyms.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub record: Map<String, Value>,
    /// How fields are known that are not only declared: `witnessed` or `derived`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub known: BTreeMap<String, String>,
    /// Why it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hole: Option<Missing>,
    /// The text of a note in clear: a redaction, a hold, or what the log is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its entry as it stands in the log, in base64.
    pub entry: String,
    /// The salt of each field that is shown as it is, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub salts: BTreeMap<String, String>,
    /// The commitment to each other field, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hidden: BTreeMap<String, String>,
    /// The way from the entry to the root of the checkpoint, where the records are single ones.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inclusion: Vec<String>,
}

/// Why a record says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Missing {
    /// `erased`, `expired` or `no-key`.
    pub why: String,
    /// Number of the redaction's record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redaction: Option<u64>,
}

impl Line {
    /// A record, or that it says nothing: then `hole` is for the caller. The text of a note in clear is given with `texts`.
    ///
    /// # Errors
    /// [`AuditError::Damaged`] where it is not what was written.
    pub fn of(
        index: u64,
        found: &Result<Opened, Unopened>,
        content: &[u8],
        (keys, showing, texts): (&Keys, Showing<'_>, bool),
    ) -> Result<Self, AuditError> {
        let entry = match found {
            Ok(opened) => &opened.entry,
            Err(Unopened::NoKey(entry) | Unopened::AnotherKey(entry) | Unopened::InClear(entry)) => entry,
            Err(Unopened::Damaged(cause)) => return Err(AuditError::damaged(index, cause.clone())),
        };
        let mut line = Self {
            index,
            kind: entry.kind.name.to_owned(),
            id: entry.id.to_string(),
            logged_at: logged_at(entry),
            entry: STANDARD.encode(entry.bytes()),
            ..Self::default()
        };
        match found {
            Ok(opened) => line.take(opened, keys, showing)?,
            Err(Unopened::InClear(_)) if texts => line.text = String::from_utf8(content.to_vec()).ok(),
            Err(_) => {}
        }
        Ok(line)
    }

    fn take(&mut self, opened: &Opened, keys: &Keys, showing: Showing<'_>) -> Result<(), AuditError> {
        let index = self.index;
        for (name, commitment) in opened.names.iter().zip(&opened.commitments.0) {
            let hidden = STANDARD.encode(commitment.0);
            let Some(said) = opened.draft.get(name) else {
                self.hidden.insert((*name).to_owned(), hidden);
                continue;
            };
            let value = match showing(said) {
                Show::Open => {
                    let gone = || AuditError::Gone { index, why: format!("the key of `{name}` is not there") };
                    let salt = opened.salt_of(name, index, keys).ok_or_else(gone)?;
                    self.salts.insert((*name).to_owned(), STANDARD.encode(salt));
                    Some(said.told.value().clone())
                }
                Show::As(value) => {
                    self.hidden.insert((*name).to_owned(), hidden);
                    Some(value)
                }
                Show::Hidden => {
                    self.hidden.insert((*name).to_owned(), hidden);
                    None
                }
            };
            if let Some(value) = value {
                self.record.insert((*name).to_owned(), value);
                if said.known != Known::Declared {
                    self.known.insert((*name).to_owned(), said.known.name().to_owned());
                }
            }
        }
        Ok(())
    }

    /// How a field is known.
    #[must_use]
    pub fn known(&self, name: &str) -> Known {
        self.known.get(name).and_then(|text| Known::named(text)).unwrap_or(Known::Declared)
    }

    /// Reads a line, and holds it against its own entry.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &[u8]) -> Result<(Self, Entry), String> {
        let wrong = |e: JsonError| e.without_value().to_string();
        let value = json::parse(bytes, limits::HANDOUT_LINE_BYTES).map_err(wrong)?;
        let line: Self = serde_json::from_value(value).map_err(|_| "it has not the form of a record".to_owned())?;
        let entry = STANDARD.decode(&line.entry).map_err(|_| "its entry is no base64".to_owned())?;
        let entry = Entry::parse(&entry)?;
        if (entry.kind.name, &entry.id.to_string(), &logged_at(&entry)) != (&line.kind, &line.id, &line.logged_at) {
            return Err("its kind, id or time is not that of its entry".into());
        }
        line.is_said_by(&entry)?;
        Ok((line, entry))
    }

    /// That the entry commits to what the line says, and to nothing else.
    fn is_said_by(&self, entry: &Entry) -> Result<(), String> {
        let text = self.text.as_ref().map(|text| Sha256::digest(text.as_bytes()));
        if text.is_some_and(|hash| hash[..] != entry.content) {
            return Err("its text is not the one of its entry".into());
        }
        if self.salts.is_empty() && self.hidden.is_empty() {
            return if self.record.is_empty() { Ok(()) } else { Err("it proves nothing of what it says".into()) };
        }
        let mut all: BTreeMap<usize, Commitment> = BTreeMap::new();
        let placed = |name: &str| {
            let found = fields::placed(name).filter(|_| entry.kind.may_have(name));
            found.map(|(at, _)| at).ok_or_else(|| format!("`{name}` is no field of `{}`", entry.kind.name))
        };
        let bytes = |text: &String| {
            let bytes = STANDARD.decode(text).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes.ok_or_else(|| "a salt or commitment that is not 32 bytes in base64".to_owned())
        };
        for (name, salt) in &self.salts {
            let value = self.record.get(name).ok_or_else(|| format!("`{name}` is not shown, and has a salt"))?;
            all.insert(placed(name)?, Commitment::to(name, value, self.known(name), &bytes(salt)?));
        }
        for (name, commitment) in &self.hidden {
            if all.insert(placed(name)?, Commitment(bytes(commitment)?)).is_some() {
                return Err(format!("`{name}` is shown and hidden"));
            }
        }
        if let Some(name) =
            self.record.keys().find(|name| !self.salts.contains_key(*name) && !self.hidden.contains_key(*name))
        {
            return Err(format!("nothing proves `{name}`"));
        }
        match Commitments(all.into_values().collect()).root() == entry.fields {
            true => Ok(()),
            false => Err("its fields are not those that its entry commits to".into()),
        }
    }
}

fn logged_at(entry: &Entry) -> String {
    Timestamp::from_unix(i64::from(entry.minutes) * 60).map_or_else(String::new, |time| time.to_string())
}

/// Lines, each of which has the hash of the one before.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    last: [u8; 32],
}

impl Chain {
    /// The hash of the last line, in hex.
    #[must_use]
    pub fn last(&self) -> String {
        hex(&self.last)
    }

    /// Adds a line: as it is written, without its end.
    #[must_use]
    pub fn add(&mut self, line: &mut Line) -> Vec<u8> {
        line.previous = self.last();
        let bytes = serde_json::to_vec(line).unwrap_or_default();
        self.took(&bytes);
        bytes
    }

    pub(super) fn took(&mut self, line: &[u8]) {
        self.last = Sha256::digest(line).into();
    }

    /// The hash of an entry as the tree has it.
    pub(super) fn leaf(entry: &Entry) -> Hash {
        Hash::of_entry(&entry.bytes())
    }
}
