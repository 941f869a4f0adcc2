//! Searches what is about to be signed for secrets: the known values, however they are written, and well-known forms.
//!
//! A value is looked for as it is, in any case, in hex, in base32, in base64 once and twice (both alphabets, at any place of
//! what was encoded), and by its single lines. The text is looked at as it is, with its line breaks away, with percent
//! escapes and with JSON escapes resolved, each of them twice.

use super::Secret;
use super::escapes::{json_unescaped, percent_decoded};
use super::shapes::{is_guessable, known, passwords};
use super::words::{is_glued_to_flag, is_of_names, is_word};
use crate::model::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;
use std::collections::HashMap;

/// Shorter values would be found in everything: they count as a whole field only.
const SHORT: usize = 8;

/// How package URLs begin.
const PACKAGE: &str = "pkg:";

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
    /// A word that is known to be secret, and that anybody would guess.
    #[error("field `{path}` holds the value of `{name}`, a word that is secret there")]
    Word {
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
        /// Of the field's whole text, by which it may be let through; none of a text whose secret part somebody may have
        /// made up: who reads a log could try passwords until one has this digest.
        digest: Option<Digest>,
    },
}

/// One text of a statement that may stand there though it looks like a secret: `FIELD=sha256:HEX`.
///
/// It is bound to the field and to every byte of its text, and lets through what looks like a credential, or a word that anybody
/// would guess; never a value that is known to be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Dotted path of the field, as a refusal names it.
    pub field: String,
    /// Of the field's whole text.
    pub digest: Digest,
}

impl std::str::FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || "expected FIELD=sha256:HEX, as the refusal prints it".to_owned();
        let (field, digest) = text.rsplit_once('=').filter(|(field, _)| !field.is_empty()).ok_or_else(expected)?;
        let digest = Digest::parse(digest).map_err(|_| expected())?;
        Ok(Self { field: field.to_owned(), digest })
    }
}

/// What is looked for, and what may stand all the same.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// Values that must not be there.
    pub secrets: Vec<Secret>,
    /// Texts that may be.
    pub allowed: Vec<Allowed>,
}

impl From<Vec<Secret>> for Search {
    fn from(secrets: Vec<Secret>) -> Self {
        Self { secrets, allowed: Vec::new() }
    }
}

/// Searches a finished statement, names of fields included. Values shorter than 8 bytes count only as a whole field.
///
/// # Errors
/// [`FoundSecret::Value`] names the field and the variable, [`FoundSecret::Form`] the field and
/// the kind of credential; never the value.
pub fn find_secret(statement: &Value, search: &Search) -> Result<(), FoundSecret> {
    find(&Needles::of(&search.secrets, &search.allowed), "statement", statement)
}

pub(super) fn find(needles: &Needles<'_>, path: &str, part: &Value) -> Result<(), FoundSecret> {
    // An explicit stack: the statement's depth is capped elsewhere, a recursion here would have its own.
    let mut left = vec![(path.to_owned(), part)];
    while let Some((path, value)) = left.pop() {
        match value {
            // The name of a package is no leak of a word.
            Value::String(text) if text.starts_with(PACKAGE) => needles.check_but_words(&path, text)?,
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
                let is_package = is_of_package(|key| members.get(key).and_then(Value::as_str));
                if let (true, Some(name)) = (is_package, members.get("name").and_then(Value::as_str)) {
                    needles.check_but_words(&format!("{path}.name"), name)?;
                    let rest = members.iter().filter(|(k, _)| *k != "name");
                    left.extend(rest.map(|(k, v)| (format!("{path}.{k}"), v)));
                    continue;
                }
                left.extend(members.iter().map(|(k, v)| (format!("{path}.{k}"), v)));
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
    Ok(())
}

/// Whether an object tells of a package, by its URL: then its name is the package's.
pub(super) fn is_of_package<T: AsRef<str>>(member: impl Fn(&str) -> Option<T>) -> bool {
    ["uri", "purl"].iter().any(|key| member(key).is_some_and(|uri| uri.as_ref().starts_with(PACKAGE)))
}

/// Searches numbers as they are written, where a tree of their values would have rounded them.
///
/// # Errors
/// As [`find_secret`].
pub(super) fn find_in_numbers<'a>(numbers: impl Iterator<Item = &'a str>, search: &Search) -> Result<(), FoundSecret> {
    let needles = Needles::of(&search.secrets, &search.allowed);
    // Shorter integers are in the tree what they are in the text.
    let is_rounded = |n: &&str| n.len() > 15 || !n.bytes().all(|b| b.is_ascii_digit());
    for number in numbers.filter(is_rounded) {
        needles.check("statement (a number)", number)?;
    }
    Ok(())
}

/// What is looked for.
struct Needle<'a> {
    bytes: Vec<u8>,
    any_case: bool,
    /// Counts only between characters that no name is made of.
    word: bool,
    name: &'a str,
}

/// All of them, by their first eight bytes in lower case.
pub(super) struct Needles<'a> {
    by_beginning: HashMap<[u8; SHORT], Vec<Needle<'a>>>,
    short: Vec<(&'a str, &'a str)>,
    allowed: &'a [Allowed],
}

impl<'a> Needles<'a> {
    pub(super) fn of(secrets: &'a [Secret], allowed: &'a [Allowed]) -> Self {
        let mut all = Self { by_beginning: HashMap::new(), short: Vec::new(), allowed };
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
            self.add(form.clone().into_bytes(), true, is_word(value), name);
        }
        for form in [value, &joined] {
            self.add(form.bytes().map(|b| format!("{b:02x}")).collect::<String>().into_bytes(), true, false, name);
            for once in base64_of(form.as_bytes()) {
                for twice in base64_of(&once) {
                    self.add(twice, false, false, name);
                }
                self.add(once, false, false, name);
            }
            for text in base32_of(form.as_bytes()) {
                self.add(text, true, false, name);
            }
        }
    }

    fn add(&mut self, bytes: Vec<u8>, any_case: bool, word: bool, name: &'a str) {
        let bytes = if any_case { bytes.to_ascii_lowercase() } else { bytes };
        let Some(beginning) = bytes.first_chunk::<SHORT>().map(|b| b.map(|b| b.to_ascii_lowercase())) else { return };
        let same = self.by_beginning.entry(beginning).or_default();
        if !same.iter().any(|n| n.bytes == bytes) {
            same.push(Needle { bytes, any_case, word, name });
        }
    }

    pub(super) fn check(&self, path: &str, text: &str) -> Result<(), FoundSecret> {
        self.look(path, text, true)
    }

    /// In the name of a package.
    pub(super) fn check_but_words(&self, path: &str, text: &str) -> Result<(), FoundSecret> {
        self.look(path, text, false)
    }

    fn look(&self, path: &str, text: &str, words: bool) -> Result<(), FoundSecret> {
        let value = |name: &str| FoundSecret::Value { path: path.to_owned(), name: name.to_owned() };
        if let Some((_, name)) = self.short.iter().find(|(value, _)| *value == text) {
            return Err(value(name));
        }
        // What is known to be secret first, in every form of the text: nothing lets that through.
        let forms = forms(text);
        if let Some(name) = forms.iter().find_map(|form| self.hit(form.as_bytes(), false)) {
            return Err(value(name));
        }
        let digest = || Digest::sha256(text.as_bytes());
        let is_allowed = || self.allowed.iter().any(|a| a.field == path && a.digest == digest());
        let word = || words.then(|| forms.iter().find_map(|form| self.hit(form.as_bytes(), true))).flatten();
        let (path_of, name_of) = (|| path.to_owned(), |name: &str| name.to_owned());
        let found = match word() {
            Some(name) => FoundSecret::Word { path: path_of(), name: name_of(name) },
            None => match forms.iter().find_map(|form| known(form)) {
                Some(kind) => {
                    let guessable = forms.iter().any(|form| is_guessable(form));
                    FoundSecret::Form { path: path_of(), kind, digest: (!guessable).then(digest) }
                }
                None => return Ok(()),
            },
        };
        if is_allowed() { Ok(()) } else { Err(found) }
    }

    /// The variable whose value stands in the text; of `words`, or of all others.
    fn hit(&self, text: &[u8], words: bool) -> Option<&'a str> {
        if self.by_beginning.is_empty() {
            return None;
        }
        let lower = text.to_ascii_lowercase();
        lower.windows(SHORT).enumerate().find_map(|(at, window)| {
            let candidates = self.by_beginning.get(window)?;
            let stands = |n: &&Needle<'_>| {
                let ends = at + n.bytes.len();
                let alone = || {
                    let before = at.checked_sub(1).is_some_and(|b| is_of_names(lower[b]));
                    let after = lower.get(ends).is_some_and(|b| is_of_names(*b));
                    !after && (!before || is_glued_to_flag(&text[..at]))
                };
                let here = if n.any_case { &lower[at..] } else { &text[at..] }.starts_with(&n.bytes);
                n.word == words && here && (!n.word || alone())
            };
            candidates.iter().find(stands).map(|n| n.name)
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
    // Most texts have nothing to resolve.
    if !text.contains(['%', '\\', '\n', '\r']) && text.trim() == text {
        return all;
    }
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

/// The passwords of the URLs in a value, as they are written and as they are meant.
pub(crate) fn passwords_of(name: &str, value: &str) -> Vec<Secret> {
    let both = passwords(value).flat_map(|p| [p.to_owned(), percent_decoded(p)]);
    let mut all: Vec<_> = both.map(|p| Secret::new(name, p)).collect();
    all.dedup();
    all
}
