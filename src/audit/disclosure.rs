//! A record's entry, and single fields of it, shown with their proof: what `extra` of a receipt holds.

use super::keys::Keys;
use super::{AuditError, Opened};
use crate::model::json::{self, Field as Place, JsonError};
use crate::model::limits;
use crate::record::{Commitment, Entry, Known};
use crate::tlog::{Hash, merkle};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// One field that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosed {
    /// Its name.
    pub name: String,
    /// Its value; `null` where it was withheld when it was recorded.
    pub value: Value,
    /// How it is known.
    pub known: Known,
    salt: [u8; 32],
    at: u64,
    proof: Vec<Hash>,
}

/// An entry and the fields of it that are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disclosure {
    /// The entry, as it stands in the log.
    pub entry: Vec<u8>,
    /// How many fields the record has.
    pub of: u64,
    /// Those that are shown.
    pub fields: Vec<Disclosed>,
    /// The text of a redaction, which stands in the log in clear.
    pub text: Option<String>,
}

impl Disclosure {
    /// Shows fields of a record, by name.
    ///
    /// # Errors
    /// [`AuditError::Unknown`] when the record has no such field, or its key is gone.
    pub fn of(opened: &Opened, index: u64, names: &[String], keys: &Keys) -> Result<Self, AuditError> {
        let mut fields = Vec::new();
        for name in names {
            let unknown = || AuditError::Unknown { what: format!("field `{name}` of record {index}") };
            let said = opened.draft.get(name).ok_or_else(unknown)?;
            let at = opened.names.iter().position(|n| n == name).ok_or_else(unknown)?;
            fields.push(Disclosed {
                name: name.clone(),
                value: said.told.value().clone(),
                known: said.known,
                salt: opened.salt_of(name, index, keys).ok_or_else(unknown)?,
                at: at as u64,
                proof: opened.commitments.proof(at).ok_or_else(unknown)?,
            });
        }
        Ok(Self { entry: opened.entry.bytes().to_vec(), of: opened.names.len() as u64, fields, text: None })
    }

    /// Shows an entry alone, whose fields cannot be read; of a redaction its text.
    #[must_use]
    pub fn of_entry(entry: &Entry, text: Option<String>) -> Self {
        Self { entry: entry.bytes().to_vec(), of: 0, fields: Vec::new(), text }
    }

    /// As `extra` of a receipt.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let field = |f: &Disclosed| {
            let proof: Vec<String> = f.proof.iter().map(Hash::to_string).collect();
            json!({ "name": f.name, "value": f.value, "known": f.known.name(), "salt": STANDARD.encode(f.salt),
                "at": f.at, "proof": proof })
        };
        let fields: Vec<Value> = self.fields.iter().map(field).collect();
        let mut document = json!({ "entry": STANDARD.encode(&self.entry), "of": self.of, "fields": fields });
        if let Some(text) = &self.text {
            document["text"] = json!(text);
        }
        serde_json::to_vec(&document).unwrap_or_default()
    }

    /// Reads `extra` of a receipt, and checks that each field is one of the entry.
    ///
    /// # Errors
    /// [`AuditError::Malformed`], [`AuditError::Unproven`] for a field that the entry does not commit to.
    pub fn check(bytes: &[u8]) -> Result<(Self, Entry), AuditError> {
        let wrong = |cause: String| AuditError::malformed("what the receipt shows", cause);
        let read = |e: JsonError| wrong(e.without_value().to_string());
        let value = json::parse(bytes, limits::RECORD_BYTES * 2).map_err(read)?;
        let unproven = |cause: String| AuditError::Unproven { what: "the receipt".into(), cause };
        let root = Place::root("extra", &value);
        let bytes = root.need("entry").and_then(|f| f.base64()).map_err(read)?;
        let entry = Entry::parse(&bytes).map_err(wrong)?;
        let number = |f: &Place<'_>, name: &str| {
            f.need(name).map_err(read)?.value().as_u64().ok_or_else(|| wrong(format!("`{name}` is no number")))
        };
        let of = number(&root, "of")?;
        let mut fields = Vec::new();
        for field in root.need("fields").and_then(|f| f.list(limits::RECORD_LIST * 2)).map_err(read)? {
            let text = |name: &str| field.need(name).and_then(|f| f.str()).map_err(read);
            let known = Known::named(text("known")?).ok_or_else(|| wrong("`known` is none of its words".into()))?;
            let salt = field.need("salt").and_then(|f| f.base64()).map_err(read)?;
            let salt = salt.try_into().map_err(|_| wrong("a salt that has not 32 bytes".into()))?;
            let proof = field.need("proof").and_then(|f| f.list(64)).map_err(read)?;
            let hash = |f: &Place<'_>| {
                Hash::parse(f.str().map_err(read)?).ok_or_else(|| wrong("a hash of another form".into()))
            };
            let proof = proof.iter().map(hash).collect::<Result<Vec<_>, _>>()?;
            let found = Disclosed {
                name: text("name")?.to_owned(),
                value: field.need("value").map_err(read)?.value().clone(),
                known,
                salt,
                at: number(&field, "at")?,
                proof,
            };
            if !entry.kind.may_have(&found.name) {
                return Err(unproven(format!("`{}` is no field of `{}`", found.name, entry.kind.name)));
            }
            let leaf = Hash::of_entry(&Commitment::to(&found.name, &found.value, known, &found.salt).0);
            let proven = merkle::check_inclusion(leaf, found.at, of, &found.proof, entry.fields);
            proven.map_err(|_| unproven(format!("the record does not say this of `{}`", found.name)))?;
            fields.push(found);
        }
        let text = root.opt_str("text").map_err(read)?.map(str::to_owned);
        if text.as_ref().is_some_and(|text| Sha256::digest(text.as_bytes())[..] != entry.content) {
            return Err(unproven("the text is not the one of the record".into()));
        }
        Ok((Self { entry: bytes, of, fields, text }, entry))
    }
}
