//! How JSON is read: to a tree of values, or only checked; within limits of depth, number and memory.

use crate::model::json::JsonError;
use crate::model::limits;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use serde_json::{Map, Number, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};
use std::fmt;

pub(in crate::model) const DUPLICATE: &str = "\u{1}duplicate key ";
const DEPTH: &str = "\u{1}too deep";
pub(in crate::model) const VALUES: &str = "\u{1}too many values";
const TREE: &str = "\u{1}too much memory";

/// Parses a whole document of at most `limit` bytes to a tree of values.
///
/// A tree takes many times the memory of small values: what it may take is a multiple of the document's size
/// ([`limits::json_tree`]).
///
/// # Errors
/// [`JsonError::TooLarge`] over `limit` bytes, [`limits::JSON_DEPTH`] levels, [`limits::JSON_VALUES`] values or that memory;
/// [`JsonError::DuplicateKey`], [`JsonError::Syntax`].
pub fn parse(bytes: &[u8], limit: usize) -> Result<Value, JsonError> {
    parse_counted(bytes, limit).map(|(value, _)| value)
}

/// The same, with an estimate of the memory that the tree takes (bytes).
///
/// # Errors
/// As [`parse`].
pub fn parse_counted(bytes: &[u8], limit: usize) -> Result<(Value, usize), JsonError> {
    let left = Left::of(bytes);
    let value = read(bytes, limit, Strict::new(&left))?;
    Ok((value, left.taken(bytes)))
}

/// The same, of a document with one long list, whose place `path` says by names of members: each of its elements is handed to
/// `each`, which says how much of its memory it keeps (bytes), and the list is empty in what is returned. What stands at the
/// place and is no list stays where it is.
///
/// # Errors
/// As [`parse`].
pub fn parse_apart(
    bytes: &[u8],
    limit: usize,
    path: &[&str],
    each: &mut dyn FnMut(Value) -> usize,
) -> Result<(Value, usize), JsonError> {
    let left = Left::of(bytes);
    let value =
        read(bytes, limit, Strict { depth: 0, left: &left, apart: Some(Apart { path, take: Take::Each(each) }) })?;
    Ok((value, left.taken(bytes)))
}

/// As [`parse`], of a document with one long text, whose place `path` says by names of members: it is handed to `take`, which
/// says whether it has what it needs of it; then it is empty in what is returned, and no memory is taken for it. What stands
/// at the place and is no text stays where it is.
///
/// # Errors
/// As [`parse`].
pub fn parse_but_text(
    bytes: &[u8],
    limit: usize,
    path: &[&str],
    take: &mut dyn FnMut(&str) -> bool,
) -> Result<Value, JsonError> {
    let left = Left::of(bytes);
    read(bytes, limit, Strict { depth: 0, left: &left, apart: Some(Apart { path, take: Take::Text(take) }) })
}

/// An estimate of the memory that a tree takes (bytes), by the same measure.
#[must_use]
pub fn memory_of(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(|v| 2 * VALUE + memory_of(v)).sum(),
        Value::Object(members) => {
            members.iter().enumerate().map(|(i, (k, v))| k.len() + member(i) + memory_of(v)).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// That a document of at most `limit` bytes is one that [`parse`] would take, but for the memory of its tree: none is made.
///
/// # Errors
/// As [`parse`].
pub fn check(bytes: &[u8], limit: usize) -> Result<(), JsonError> {
    read(bytes, limit, Form { depth: 0, left: &Left::of(bytes) })
}

/// The members of a document that is an object and that [`check`] took, as they are written.
///
/// # Errors
/// [`JsonError::Unexpected`] where it is no object.
pub fn members<'a>(name: &str, bytes: &'a [u8]) -> Result<BTreeMap<Cow<'a, str>, &'a RawValue>, JsonError> {
    #[derive(Deserialize)]
    struct Members<'a>(#[serde(borrow)] BTreeMap<Cow<'a, str>, &'a RawValue>);
    let members = serde_json::from_slice::<Members<'_>>(bytes);
    members.map(|m| m.0).map_err(|_| JsonError::unexpected(name, "an object", written_kind(bytes)))
}

/// The elements of a document that is a list and that [`check`] took, as they are written.
///
/// # Errors
/// [`JsonError::Unexpected`] where it is no list.
pub fn elements<'a>(name: &str, bytes: &'a [u8]) -> Result<Vec<&'a RawValue>, JsonError> {
    serde_json::from_slice(bytes).map_err(|_| JsonError::unexpected(name, "a list", written_kind(bytes)))
}

/// What a value is by its first letter, in words for an error message.
#[must_use]
pub fn written_kind(text: &[u8]) -> &'static str {
    match text.trim_ascii_start().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

fn read<'a, S: DeserializeSeed<'a>>(bytes: &'a [u8], limit: usize, seed: S) -> Result<S::Value, JsonError> {
    if bytes.len() > limit {
        return Err(JsonError::TooLarge { what: format!("a JSON document of {} bytes", bytes.len()), limit });
    }
    let mut de = serde_json::Deserializer::from_slice(bytes);
    let read = seed.deserialize(&mut de).and_then(|v| de.end().map(|()| v));
    read.map_err(|e| from_serde(&e, bytes.len()))
}

/// The error that the text of one of serde's stands for, of a document of `size` bytes.
pub(in crate::model) fn from_serde(e: &serde_json::Error, size: usize) -> JsonError {
    let text = e.to_string();
    if let Some(rest) = text.strip_prefix(DUPLICATE) {
        // serde_json appends " at line L column C".
        let key = rest.rsplit_once(" at line ").map_or(rest, |(k, _)| k);
        return JsonError::DuplicateKey { key: key.chars().take(120).collect() };
    }
    let over = |what: &str, limit| JsonError::TooLarge { what: what.into(), limit };
    if text.starts_with(VALUES) {
        return over("the number of values of a JSON document", limits::JSON_VALUES);
    }
    if text.starts_with(TREE) {
        return over("the memory that a JSON document takes (bytes)", limits::json_tree(size));
    }
    if text.starts_with(DEPTH) || text.starts_with("recursion limit exceeded") {
        return over("the nesting of a JSON document", limits::JSON_DEPTH);
    }
    JsonError::Syntax { message: text }
}

/// What a document may still have.
pub(in crate::model) struct Left {
    values: Cell<usize>,
    memory: Cell<usize>,
}

impl Left {
    /// So many values, in so much memory (bytes).
    pub(in crate::model) fn new(values: usize, memory: usize) -> Self {
        Self { values: Cell::new(values), memory: Cell::new(memory) }
    }

    fn of(bytes: &[u8]) -> Self {
        Self::new(limits::JSON_VALUES, limits::json_tree(bytes.len()))
    }

    /// What a document took of its memory.
    fn taken(&self, bytes: &[u8]) -> usize {
        limits::json_tree(bytes.len()).saturating_sub(self.memory.get())
    }

    /// Values that are left.
    pub(in crate::model) fn values(&self) -> usize {
        self.values.get()
    }

    fn value<E: serde::de::Error>(&self, depth: usize) -> Result<(), E> {
        if depth > limits::JSON_DEPTH {
            return Err(E::custom(DEPTH));
        }
        self.values.set(self.values.get().checked_sub(1).ok_or_else(|| E::custom(VALUES))?);
        Ok(())
    }

    fn memory<E: serde::de::Error>(&self, bytes: usize) -> Result<(), E> {
        self.memory.set(self.memory.get().checked_sub(bytes).ok_or_else(|| E::custom(TREE))?);
        Ok(())
    }
}

/// Memory of a value in a list (bytes).
const VALUE: usize = size_of::<Value>();
/// Memory of an object's member: hash, key, value, place in the table (bytes).
const MEMBER: usize = size_of::<String>() + VALUE + 3 * size_of::<usize>();
/// Members that an object has room for as soon as it has one; then it grows by doubling.
const ROOM: usize = 3;

/// What an object takes for a member that comes after so many.
const fn member(before: usize) -> usize {
    match before {
        0 => ROOM * MEMBER,
        1..ROOM => 0,
        _ => 2 * MEMBER,
    }
}

/// One value, within what a document may have.
pub(in crate::model) struct Strict<'a> {
    depth: usize,
    left: &'a Left,
    apart: Option<Apart<'a>>,
}

/// What is handed out of this value, and where it is.
struct Apart<'a> {
    path: &'a [&'a str],
    take: Take<'a>,
}

enum Take<'a> {
    /// The elements of a list.
    Each(&'a mut dyn FnMut(Value) -> usize),
    /// A text.
    Text(&'a mut dyn FnMut(&str) -> bool),
}

impl Take<'_> {
    fn again(&mut self) -> Take<'_> {
        match self {
            Self::Each(each) => Take::Each(&mut **each),
            Self::Text(text) => Take::Text(&mut **text),
        }
    }
}

impl<'a> Strict<'a> {
    /// A value at the top.
    pub(in crate::model) fn new(left: &'a Left) -> Self {
        Self { depth: 0, left, apart: None }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<Value, D::Error> {
        self.left.value(self.depth)?;
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(Value::Bool(v))
    }
    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(Value::Number(v.into()))
    }
    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(Number::from_f64(v).map_or(Value::Null, Value::Number))
    }
    fn visit_str<E: serde::de::Error>(self, v: &str) -> Result<Value, E> {
        if let Some(Apart { path: [], take: Take::Text(take) }) = self.apart
            && take(v)
        {
            return Ok(Value::String(String::new()));
        }
        self.left.memory(v.len())?;
        Ok(Value::String(v.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut out = Vec::new();
        let Strict { depth, left, apart } = self;
        let below = || Strict { depth: depth + 1, left, apart: None };
        if let Some(Apart { take: Take::Each(each), path: [] }) = apart {
            loop {
                let before = left.memory.get();
                let Some(v) = seq.next_element_seed(below())? else { return Ok(Value::Array(out)) };
                left.memory.set(before);
                left.memory(each(v))?;
            }
        }
        while let Some(v) = seq.next_element_seed(below())? {
            // A list that grows has room for twice as many.
            left.memory(2 * VALUE)?;
            out.push(v);
        }
        Ok(Value::Array(out))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Value, A::Error> {
        let mut out = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if out.contains_key(&key) {
                return Err(A::Error::custom(format!("{DUPLICATE}{key}")));
            }
            self.left.memory(key.len() + member(out.len()))?;
            let apart = self.apart.as_mut().filter(|a| a.path.first().is_some_and(|first| *first == key));
            let apart = apart.map(|a| Apart { path: &a.path[1..], take: a.take.again() });
            let value = map.next_value_seed(Strict { depth: self.depth + 1, left: self.left, apart })?;
            out.insert(key, value);
        }
        Ok(Value::Object(out))
    }
}

/// Reads a value and keeps nothing of it but the keys of the objects around.
struct Form<'a> {
    depth: usize,
    left: &'a Left,
}

impl<'de> DeserializeSeed<'de> for Form<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, d: D) -> Result<(), D::Error> {
        self.left.value(self.depth)?;
        d.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Form<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element_seed(Form { depth: self.depth + 1, left: self.left })?.is_some() {}
        Ok(())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = HashSet::new();
        while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
            if seen.contains(&key) {
                return Err(A::Error::custom(format!("{DUPLICATE}{key}")));
            }
            seen.insert(key);
            map.next_value_seed(Form { depth: self.depth + 1, left: self.left })?;
        }
        Ok(())
    }
}

/// A key, without a copy where it is written as it is.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);
