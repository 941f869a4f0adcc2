//! Searches what is about to be signed for secrets: the known values, however they are written, and well-known forms.
//!
//! A value is looked for as it is, in any case, in hex, in base32, in base64 once and twice (both alphabets, at any place of
//! what was encoded), and by its single lines. The text is looked at as it is, with its line breaks away, with percent
//! escapes and with JSON escapes resolved, each of them twice.

use super::Secret;
use super::shapes::{known, passwords};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;
use std::collections::HashMap;

/// Shorter values would be found in everything: they count as a whole field only.
const SHORT: usize = 8;

/// A secret that stands where it must not. It never holds the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoundSecret {
    /// A value that is known to be secret.
    #[error("field `{path}` holds the value of `{name}`, which is secret")]
    Value {
        /// Dotted path of the field.
        path: String,
        /// The variable whose value it is.
        name: String,
    },
    /// A text of the form of a credential.
    #[error("field `{path}` holds what looks like {kind}")]
    Form {
        /// Dotted path of the field.
        path: String,
        /// What it looks like.
        kind: &'static str,
    },
}

/// Searches a finished statement, names of fields included. Values shorter than 8 bytes count only as a whole field.
///
/// # Errors
/// [`FoundSecret::Value`] names the field and the variable, [`FoundSecret::Form`] the field and
/// the kind of credential; never the value.
pub fn find_secret(statement: &Value, secrets: &[Secret]) -> Result<(), FoundSecret> {
    let needles = Needles::of(secrets);
    // An explicit stack: the statement's depth is capped elsewhere, a recursion here would have its own.
    let mut left = vec![("statement".to_owned(), statement)];
    while let Some((path, value)) = left.pop() {
        match value {
            Value::String(text) => needles.check(&path, text)?,
            Value::Number(n) => needles.check(&path, &n.to_string())?,
            Value::Array(items) => {
                left.extend(items.iter().enumerate().map(|(i, v)| (format!("{path}[{i}]"), v)));
            }
            Value::Object(members) => {
                // Before any path is made of them.
                for name in members.keys() {
                    needles.check(&path, name)?;
                }
                left.extend(members.iter().map(|(k, v)| (format!("{path}.{k}"), v)));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
    Ok(())
}

/// What is looked for.
struct Needle<'a> {
    bytes: Vec<u8>,
    any_case: bool,
    name: &'a str,
}

/// All of them, by their first eight bytes in lower case.
struct Needles<'a> {
    by_beginning: HashMap<[u8; SHORT], Vec<Needle<'a>>>,
    short: Vec<(&'a str, &'a str)>,
}

impl<'a> Needles<'a> {
    fn of(secrets: &'a [Secret]) -> Self {
        let mut all = Self { by_beginning: HashMap::new(), short: Vec::new() };
        for secret in secrets {
            let value = secret.value().trim();
            match value.len() {
                0 => {}
                1..SHORT => all.short.push((value, &secret.name)),
                _ => all.long(value, &secret.name),
            }
        }
        all
    }

    fn long(&mut self, value: &str, name: &'a str) {
        let joined = unbroken(value);
        let lines = value.lines().map(str::trim).filter(|line| line.len() >= 2 * SHORT).map(str::to_owned);
        let mut forms: Vec<String> = lines.collect();
        forms.extend([value.to_owned(), joined.clone()]);
        forms.sort_unstable();
        forms.dedup();
        for form in &forms {
            self.add(form.clone().into_bytes(), true, name);
        }
        for form in [value, &joined] {
            self.add(form.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(), true, name);
            for once in base64_of(form.as_bytes()) {
                for twice in base64_of(&once) {
                    self.add(twice, false, name);
                }
                self.add(once, false, name);
            }
            for text in base32_of(form.as_bytes()) {
                self.add(text, true, name);
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>, any_case: bool, name: &'a str) {
        let bytes = if any_case { bytes.to_ascii_lowercase() } else { bytes };
        let Some(beginning) = bytes.first_chunk::<SHORT>().map(|b| b.map(|b| b.to_ascii_lowercase())) else { return };
        let same = self.by_beginning.entry(beginning).or_default();
        if !same.iter().any(|n| n.bytes == bytes) {
            same.push(Needle { bytes, any_case, name });
        }
    }

    fn check(&self, path: &str, text: &str) -> Result<(), FoundSecret> {
        let found = |name: &str| FoundSecret::Value { path: path.to_owned(), name: name.to_owned() };
        if let Some((_, name)) = self.short.iter().find(|(value, _)| *value == text) {
            return Err(found(name));
        }
        for form in forms(text) {
            if let Some(name) = self.hit(form.as_bytes()) {
                return Err(found(name));
            }
            if let Some(kind) = known(&form) {
                return Err(FoundSecret::Form { path: path.to_owned(), kind });
            }
        }
        Ok(())
    }

    fn hit(&self, text: &[u8]) -> Option<&'a str> {
        if self.by_beginning.is_empty() {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        lower.windows(SHORT).enumerate().find_map(|(at, window)| {
            let candidates = self.by_beginning.get(window)?;
            let here = |n: &&Needle<'_>| if n.any_case { &lower[at..] } else { &text[at..] }.starts_with(&n.bytes);
            candidates.iter().find(here).map(|n| n.name)
        })
    }
}

/// What base64 makes of bytes wherever they stand in what is encoded: what stands before shifts them, and characters that
/// also hold bits of a neighbour go. In both alphabets.
fn base64_of(value: &[u8]) -> Vec<Vec<u8>> {
    let shifted = (0..3).flat_map(|skipped| {
        let bytes = [&[0; 3][..skipped], value].concat();
        let (from, to) = ((8 * skipped).div_ceil(6), 8 * bytes.len() / 6);
        let both = [STANDARD.encode(&bytes), URL_SAFE.encode(&bytes)];
        both.map(|text| text.as_bytes().get(from..to).unwrap_or_default().to_vec())
    });
    let mut all: Vec<_> = shifted.collect();
    all.dedup();
    all
}

/// The same for base32 (RFC 4648, section 6).
fn base32_of(value: &[u8]) -> Vec<Vec<u8>> {
    let shifted = (0..5).map(|skipped| {
        let bytes = [&[0; 5][..skipped], value].concat();
        let (from, to) = ((8 * skipped).div_ceil(5), 8 * bytes.len() / 5);
        let bit = |at: usize| usize::from(bytes[at / 8] >> (7 - at % 8) & 1);
        (from..to).map(|i| BASE32[(5 * i..5 * i + 5).fold(0, |sum, at| 2 * sum + bit(at))]).collect()
    });
    shifted.collect()
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The ways to read a text, each once.
fn forms(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned()];
    // Package URLs encode what is encoded already.
    for change in [percent_decoded, percent_decoded, json_unescaped, json_unescaped, unbroken] {
        for form in all.clone() {
            let other = change(&form);
            if !all.contains(&other) {
                all.push(other);
            }
        }
    }
    all
}

/// Without line breaks and the white space around them.
fn unbroken(text: &str) -> String {
    text.split(['\n', '\r']).map(str::trim).collect()
}

pub(super) fn percent_decoded(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(&b) = bytes.get(at) {
        let digits = bytes.get(at + 1..at + 3).and_then(|d| std::str::from_utf8(d).ok());
        let escaped = digits.filter(|_| b == b'%').and_then(|d| u8::from_str_radix(d, 16).ok());
        out.push(escaped.unwrap_or(b));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Resolves `\n`, `\"`, `\u0041` and their kin, once.
fn json_unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut chars = after.chars();
        rest = match chars.next() {
            Some('u') => {
                let code = after.get(1..5).and_then(|d| u32::from_str_radix(d, 16).ok());
                match code.and_then(char::from_u32) {
                    Some(c) => {
                        out.push(c);
                        after.get(5..).unwrap_or_default()
                    }
                    None => after,
                }
            }
            Some('n') => push(&mut out, '\n', &chars),
            Some('r') => push(&mut out, '\r', &chars),
            Some('t') => push(&mut out, '\t', &chars),
            Some(c @ ('"' | '\\' | '/')) => push(&mut out, c, &chars),
            _ => after,
        };
    }
    out + rest
}

fn push<'a>(out: &mut String, c: char, rest: &std::str::Chars<'a>) -> &'a str {
    out.push(c);
    rest.as_str()
}

/// The passwords of the URLs in a value, as they are written and as they are meant.
pub(crate) fn passwords_of(name: &str, value: &str) -> Vec<Secret> {
    let both = passwords(value).flat_map(|p| [p.to_owned(), percent_decoded(p)]);
    let mut all: Vec<_> = both.map(|p| Secret::new(name, p)).collect();
    all.dedup();
    all
}
