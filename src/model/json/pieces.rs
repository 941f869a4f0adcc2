//! JSON objects with one large member, member by member of it: nothing but the piece in hand is kept.

use crate::model::json::JsonError;
use crate::model::json::read::{DUPLICATE, Left, Strict, VALUES, from_serde};
use crate::model::limits;
use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;

/// What is done with each member of the large one: its name and its value.
pub type Each<'a> = &'a mut dyn FnMut(&str, &Value) -> Result<(), JsonError>;

/// Reads a document of at most [`limits::LOCK_FILE_BYTES`] that is an object. Hands each member of its member `large` to
/// `each`, and returns those of `kept`; the others are passed over without being kept.
///
/// # Errors
/// As [`crate::model::json::parse`], with [`limits::LOCK_VALUES`] and, for one member, [`limits::LOCK_PIECE_VALUES`]; over
/// [`limits::DEPENDENCIES`] members; the first of `each`.
pub fn each_member(bytes: &[u8], large: &str, kept: &[&str], each: Each<'_>) -> Result<Pieces, JsonError> {
    if bytes.len() > limits::LOCK_FILE_BYTES {
        let what = format!("a JSON document of {} bytes", bytes.len());
        return Err(JsonError::TooLarge { what, limit: limits::LOCK_FILE_BYTES });
    }
    let mut de = serde_json::Deserializer::from_slice(bytes);
    let (failed, values) = (Cell::new(None), Cell::new(0));
    let document = Document { large, kept, each, failed: &failed, values: &values };
    let read = de.deserialize_map(document).and_then(|found| de.end().map(|()| found));
    read.map_err(|e| {
        failed.take().unwrap_or_else(|| match from_serde(&e, bytes.len()) {
            // Serde quotes the value that it found.
            JsonError::Syntax { message } if message.starts_with("invalid type") => {
                JsonError::unexpected(format!("the document, or its `{large}`"), "an object", "something else")
            }
            other => other,
        })
    })
}

/// What is left of a document whose large member was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Pieces {
    /// The members that were to be kept.
    pub kept: Map<String, Value>,
    /// Whether the large member was there.
    pub has_large: bool,
}

struct Document<'a> {
    large: &'a str,
    kept: &'a [&'a str],
    each: Each<'a>,
    /// The error behind one of serde's, which holds text alone.
    failed: &'a Cell<Option<JsonError>>,
    values: &'a Cell<usize>,
}

impl Document<'_> {
    fn fail<E: serde::de::Error>(&self, error: JsonError) -> E {
        let text = E::custom(error.code());
        self.failed.set(Some(error));
        text
    }

    /// The next value, within what one piece and the whole file may have.
    fn piece<'de, A: MapAccess<'de>>(&self, map: &mut A) -> Result<Value, A::Error> {
        // One piece is small enough for a tree of it.
        let left = Left::new(limits::LOCK_PIECE_VALUES, usize::MAX);
        let value = map.next_value_seed(Strict::new(&left)).map_err(|e| {
            let of_piece = e.to_string().starts_with(VALUES);
            let what = "the number of values of one part of a lock file".to_owned();
            if of_piece { self.fail(JsonError::TooLarge { what, limit: limits::LOCK_PIECE_VALUES }) } else { e }
        })?;
        self.values.set(self.values.get() + limits::LOCK_PIECE_VALUES - left.values());
        if self.values.get() > limits::LOCK_VALUES {
            let what = format!("the number of values of a lock file, {} by now,", self.values.get());
            return Err(self.fail(JsonError::TooLarge { what, limit: limits::LOCK_VALUES }));
        }
        Ok(value)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = Pieces;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut out, mut seen) = (Map::new(), false);
        while let Some(key) = map.next_key::<String>()? {
            let twice = if key == self.large { std::mem::replace(&mut seen, true) } else { out.contains_key(&key) };
            if twice {
                return Err(A::Error::custom(format!("{DUPLICATE}{key}")));
            }
            if key == self.large {
                map.next_value_seed(Members(&mut self))?;
            } else if self.kept.contains(&key.as_str()) {
                let value = self.piece(&mut map)?;
                out.insert(key, value);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Pieces { kept: out, has_large: seen })
    }
}

/// The large member.
struct Members<'a, 'b>(&'a mut Document<'b>);

impl<'de> DeserializeSeed<'de> for Members<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        d.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if seen.len() >= limits::DEPENDENCIES {
                let what = format!("the number of members of `{}`", self.0.large);
                return Err(self.0.fail(JsonError::TooLarge { what, limit: limits::DEPENDENCIES }));
            }
            let value = self.0.piece(&mut map)?;
            if let Err(e) = (self.0.each)(&key, &value) {
                return Err(self.0.fail(e));
            }
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("{DUPLICATE}{key}")));
            }
        }
        Ok(())
    }
}
