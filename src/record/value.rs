//! One value of a record: in the form of its field, or withheld.

use super::fields::{Field, Form};
use super::{Committed, RecordError, actions};
use crate::model::{Timestamp, limits};
use crate::secrets::{Search, find_secret};
use serde_json::{Value, json};

/// A value, or that it was withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// What was said, in the form of its field.
    Value(Value),
    /// It looked like a secret, or was a path outside of the repository; `null` stands in its place.
    Withheld,
}

impl Told {
    /// What is committed to.
    #[must_use]
    pub fn value(&self) -> &Value {
        match self {
            Self::Value(value) => value,
            Self::Withheld => &Value::Null,
        }
    }
}

/// Who hands a record in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A person or a program wrote it: what looks like a secret is refused.
    Typed,
    /// It was taken from elsewhere: what looks like a secret is withheld, and the record stays.
    Captured,
    /// The log made it of its own records, where all that it says was looked at before.
    Own,
}

/// Bytes that nobody can guess.
pub type Random<'a> = &'a mut dyn FnMut(&mut [u8]);

/// The largest whole number that every reader of JSON keeps: commitments are to RFC 8785, which rounds beyond it.
const EXACT: u64 = 1 << 53;

/// A name from outside in an error; not one that looks like a secret.
pub(super) fn shown(name: &str) -> String {
    if find_secret(&json!(name), &Search::default()).is_err() {
        return "what looks like a secret".into();
    }
    format!("`{}`", name.chars().filter(|c| !c.is_control()).take(40).collect::<String>())
}

/// A value in the form of its field, or that it is withheld.
pub(super) fn told(field: &Field, value: &Value, origin: Origin) -> Result<Told, RecordError> {
    if value.is_null() && origin == Origin::Captured {
        return Ok(Told::Withheld);
    }
    let wrong = |expected: &str| RecordError::malformed(field.name, expected, crate::model::json::kind(value));
    let text = || {
        let expected = format!("a text of one line and at most {} bytes", limits::VALUE_BYTES);
        let text = value.as_str().ok_or_else(|| wrong(&expected))?;
        match is_line(text) {
            true => Ok(text),
            false => Err(RecordError::malformed(field.name, expected, no_line(text))),
        }
    };
    let value = match field.form {
        Form::Text => json!(text()?),
        Form::Word(words) => {
            let word = text()?;
            let expected = || RecordError::malformed(field.name, format!("one of {}", words.join(", ")), shown(word));
            json!(words.contains(&word).then_some(word).ok_or_else(expected)?)
        }
        Form::Time => {
            let time = Timestamp::parse(text()?);
            json!(time.map_err(|_| wrong("a time like 2026-01-31T00:00:00Z"))?.to_string())
        }
        Form::Count => {
            json!(value.as_u64().filter(|n| *n <= EXACT).ok_or_else(|| wrong("a whole number from 0 to 2^53"))?)
        }
        Form::Number => {
            json!(value.as_i64().filter(|n| n.unsigned_abs() <= EXACT).ok_or_else(|| wrong("a whole number to 2^53"))?)
        }
        Form::Decimal => json!(decimal(value).ok_or_else(|| wrong("a decimal number such as \"3.87\""))?),
        Form::Flag => json!(value.as_bool().ok_or_else(|| wrong("true or false"))?),
        Form::List => texts(value, &wrong)?,
        Form::Map => members(value, &wrong)?,
        Form::Action => {
            let name = Some(text()?).filter(|t| actions::is_name(t));
            json!(name.ok_or_else(|| wrong("the name of an action type, such as `file_modify`"))?)
        }
        Form::Target => {
            let target = text()?;
            match (is_outside(target), origin) {
                (true, Origin::Captured) => return Ok(Told::Withheld),
                (true, Origin::Typed | Origin::Own) => {
                    return Err(RecordError::malformed(
                        field.name,
                        "a path relative to the repository",
                        "one that is not",
                    ));
                }
                (false, _) => json!(target),
            }
        }
        Form::Committed => return Err(wrong("a text that is committed to")),
    };
    // The name of the field stands before what the search says of the place.
    match (find_secret(&json!({ field.name: &value }), &Search::default()), origin) {
        (Ok(()), _) | (Err(_), Origin::Own) => Ok(Told::Value(value)),
        (Err(_), Origin::Captured) => Ok(Told::Withheld),
        (Err(found), Origin::Typed) => Err(RecordError::Secret(found)),
    }
}

/// A commitment to a text: of what has an id of its own the same one each time.
pub(super) fn committed(
    field: &Field,
    value: &Value,
    id: Option<(&str, &str)>,
    random: Random<'_>,
) -> Result<Told, RecordError> {
    let committed = match value {
        Value::String(text) => {
            let mut salt = id.map_or([0; 16], |(source, id)| Committed::salt_of(source, id, field.name));
            if id.is_none() {
                random(&mut salt);
            }
            Committed::to(text.as_bytes(), salt)
        }
        other => Committed::read(field.name, other)?,
    };
    Ok(Told::Value(committed.value()))
}

/// Why a text is none of one line.
fn no_line(text: &str) -> String {
    match text {
        "" => "an empty one".into(),
        text if text.chars().any(|c| c == '\n' || c == '\r') => "one of several lines".into(),
        text if text.chars().any(char::is_control) => "one with a control character".into(),
        text => format!("one of {} bytes", text.len()),
    }
}

fn is_line(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control)
}

/// Digits with at most one point, kept as they are.
fn decimal(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(n) => n.to_string(),
        _ => return None,
    };
    let (whole, part) = text.split_once('.').unwrap_or((&text, "0"));
    let digits = |t: &str| !t.is_empty() && t.len() <= 18 && t.bytes().all(|b| b.is_ascii_digit());
    (digits(whole) && digits(part)).then_some(text)
}

fn texts(value: &Value, wrong: &dyn Fn(&str) -> RecordError) -> Result<Value, RecordError> {
    let list = value.as_array().filter(|l| l.len() <= limits::RECORD_LIST);
    let list = list.filter(|l| l.iter().all(|t| t.as_str().is_some_and(is_line)));
    list.map(|l| json!(l)).ok_or_else(|| wrong(&format!("a list of at most {} texts of one line", limits::RECORD_LIST)))
}

fn members(value: &Value, wrong: &dyn Fn(&str) -> RecordError) -> Result<Value, RecordError> {
    let map = value.as_object().filter(|m| m.len() <= limits::RECORD_LIST);
    let map = map.filter(|m| m.iter().all(|(name, t)| is_line(name) && t.as_str().is_some_and(is_line)));
    map.map(|m| json!(m))
        .ok_or_else(|| wrong(&format!("at most {} names, each with a text of one line", limits::RECORD_LIST)))
}

/// Whether a text has a mail address in it.
#[must_use]
pub fn has_address(text: &str) -> bool {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    text.match_indices('@').any(|(at, _)| {
        let before = text[..at].chars().next_back().is_some_and(is_local);
        let host = text[at + 1..].split(|c: char| !(c.is_ascii_alphanumeric() || ".-".contains(c))).next();
        let top = host.and_then(|host| host.trim_end_matches('.').rsplit_once('.')).map(|(_, top)| top);
        before && top.is_some_and(|top| top.len() > 1 && top.bytes().all(|b| b.is_ascii_alphabetic()))
    })
}

/// Whether a path says where somebody's home is, or leads out of the repository.
#[must_use]
pub fn is_outside(target: &str) -> bool {
    let drive = target.as_bytes().get(1) == Some(&b':')
        && target.as_bytes()[0].is_ascii_alphabetic()
        && target.as_bytes().get(2).is_some_and(|b| [b'\\', b'/'].contains(b));
    let target = target.trim_start();
    let homes = ["/home/", "/Users/", "\\Users\\", "file:"];
    drive
        || homes.iter().any(|home| target.contains(home))
        || target.starts_with(['/', '~', '\\', '$'])
        || target.split(['/', '\\']).any(|part| part == "..")
}
