//! What a record says, as it is encrypted: fields by their place in the table, in one line of JSON, compressed with a
//! dictionary that is part of this program, and padded, so that its length says little.
//!
//! The dictionary is made of the format's own words. One that was trained on records would keep pieces of what is erased.

use super::AuditError;
use super::keys::PersonId;
use crate::model::{json, limits};
use crate::record::{Commitment, Field, Kind, Known, fields};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::sync::LazyLock;
use zstd::dict::{DecoderDictionary, EncoderDictionary};

/// The words; a change would make every content unreadable, so there is a test over its digest.
const DICTIONARY: &[u8] = include_bytes!("dictionary.v1");
/// How hard is tried.
const LEVEL: i32 = 3;
/// Contents are padded to multiples of this (bytes).
const PADDED: usize = 16;

static ENCODER: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static DECODER: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// A field as it stands in a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) field: &'static Field,
    pub(super) known: Known,
    pub(super) held: Held,
}

/// What stands for its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// The value itself; `null` where it is withheld.
    Open(Value),
    /// A person: encrypted once more, with the commitment that nobody can make again when the person's key is gone.
    Person { id: PersonId, sealed: Vec<u8>, commitment: Commitment },
}

/// Compresses contents; kept for a batch, as making one takes longer than using it.
pub(super) struct Packer(zstd::bulk::Compressor<'static>);

impl Packer {
    pub(super) fn new() -> Result<Self, AuditError> {
        let fail = |e: std::io::Error| AuditError::malformed("content", e.to_string());
        let mut compressor = zstd::bulk::Compressor::with_prepared_dictionary(&ENCODER).map_err(fail)?;
        // What is in a frame's head besides is known: the length is in front, and encryption sees every change.
        let parameter = zstd::zstd_safe::CParameter::ContentSizeFlag(false);
        compressor.set_parameter(parameter).map_err(fail)?;
        Ok(Self(compressor))
    }

    /// A content before it is encrypted.
    pub(super) fn pack(&mut self, pieces: &[Piece]) -> Result<Vec<u8>, AuditError> {
        let list: Vec<Value> = pieces.iter().map(value).collect();
        let text = serde_json::to_vec(&list).map_err(|e| AuditError::malformed("content", e.to_string()))?;
        if text.len() > limits::RECORD_BYTES {
            return Err(AuditError::TooLarge { found: text.len(), limit: limits::RECORD_BYTES });
        }
        let packed = self.0.compress(&text).map_err(|e| AuditError::malformed("content", e.to_string()))?;
        let mut out = Vec::with_capacity(packed.len() + 4 + PADDED);
        out.extend((packed.len() as u32).to_be_bytes());
        out.extend(packed);
        out.resize(out.len().next_multiple_of(PADDED), 0);
        Ok(out)
    }
}

/// Reads a content that was decrypted.
pub(super) fn unpack(bytes: &[u8], kind: &Kind) -> Result<Vec<Piece>, String> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or("it is cut off")?;
    let packed = rest.get(..u32::from_be_bytes(*length) as usize).ok_or("it is cut off")?;
    let mut decompressor = zstd::bulk::Decompressor::with_prepared_dictionary(&DECODER).map_err(|e| e.to_string())?;
    let text = decompressor.decompress(packed, limits::RECORD_BYTES).map_err(|e| e.to_string())?;
    let list = json::parse(&text, limits::RECORD_BYTES).map_err(|e| e.to_string())?;
    let list = list.as_array().ok_or("it is no list of fields")?;
    list.iter().map(|item| piece(item, kind).ok_or_else(|| "a field of another form".to_owned())).collect()
}

fn value(piece: &Piece) -> Value {
    let at = fields::placed(piece.field.name).map_or(0, |(at, _)| at);
    let held = match &piece.held {
        Held::Open(value) => value.clone(),
        Held::Person { id, sealed, commitment } => {
            json!([STANDARD.encode(id), STANDARD.encode(sealed), STANDARD.encode(commitment.0)])
        }
    };
    match piece.known {
        Known::Declared => json!([at, held]),
        known => json!([at, held, char::from(known as u8).to_string()]),
    }
}

fn piece(item: &Value, kind: &Kind) -> Option<Piece> {
    let (at, held, known) = match item.as_array()?.as_slice() {
        [at, held] => (at, held, Known::Declared),
        [at, held, known] => (at, held, Known::named(known.as_str()?)?),
        _ => return None,
    };
    let field = fields::ALL.get(usize::try_from(at.as_u64()?).ok()?).filter(|field| kind.may_have(field.name))?;
    let held = match (field.person, held.as_array()) {
        (true, Some(parts)) => {
            let part = |n: usize| STANDARD.decode(parts.get(n)?.as_str()?).ok();
            Held::Person {
                id: part(0)?.try_into().ok()?,
                sealed: part(1)?,
                commitment: Commitment(part(2)?.try_into().ok()?),
            }
        }
        _ => Held::Open(held.clone()),
    };
    Some(Piece { field, known, held })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Digest;
    use crate::record::kinds;

    #[test]
    fn the_dictionary_is_the_one_that_contents_are_packed_with() {
        let digest = Digest::sha256(DICTIONARY).to_string();
        assert_eq!(digest, include_str!("dictionary.v1.sha256").trim());
    }

    #[test]
    fn a_content_is_read_as_it_was_packed() {
        let kind = kinds::named("execution_started").unwrap();
        let open = |name: &str, value: Value, known| Piece {
            field: fields::named(name).unwrap(),
            known,
            held: Held::Open(value),
        };
        let pieces = vec![
            open("execution_id", json!("exec-1"), Known::Witnessed),
            open("agent", json!("platform/builder"), Known::Declared),
            Piece {
                field: fields::named("requested_by").unwrap(),
                known: Known::Derived,
                held: Held::Person { id: [1; 8], sealed: vec![2; 30], commitment: Commitment([3; 32]) },
            },
            open("charter", Value::Null, Known::Declared),
        ];
        let mut packer = Packer::new().unwrap();
        let packed = packer.pack(&pieces).unwrap();
        assert_eq!(packed.len() % PADDED, 0);
        assert_eq!(unpack(&packed, kind).unwrap(), pieces);
        assert!(unpack(&packed, kinds::named("heartbeat").unwrap()).is_err(), "fields that the kind has not");
        for bad in [&packed[..3], &packed[..20], &[0; 16]] {
            assert!(unpack(bad, kind).is_err());
        }
        let large = open("metadata", json!({ "a": "x".repeat(limits::RECORD_BYTES) }), Known::Declared);
        assert!(matches!(packer.pack(&[large]), Err(AuditError::TooLarge { .. })));
    }
}
