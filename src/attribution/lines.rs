//! [`Trailers`]: the lines of a commit message that are `Key: value`, wherever they stand, since a squash leaves them in the
//! middle.

use crate::model::{Captured, limits};
use std::borrow::Cow;

/// `Key: value` lines of a message with the lines that continue them, in its order, and all lines as they are.
pub(super) struct Trailers<'a> {
    all: Vec<(&'a str, Cow<'a, str>)>,
    own: Vec<(String, String)>,
    pub(super) lines: Vec<&'a str>,
}

/// Most trailers, and lines, of one message that are looked at.
const TRAILERS: usize = 1000;
const LINES: usize = 20_000;

/// Key and first line of a trailer. Blanks may stand before the colon.
pub(super) fn trailer(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.trim().trim_start_matches(['*', '-', ' ']).split_once(':')?;
    let key = key.trim_end_matches([' ', '\t']);
    let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    named.then(|| (key, value.trim()))
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control)
}

/// Paragraphs of trailers: names and values. The first paragraph, the subject, is none.
pub(super) fn blocks(message: &str) -> Vec<Vec<(String, String)>> {
    let lines: Vec<&str> = message.lines().take(LINES).collect();
    let is_end = |line: &&str| line.trim().is_empty() || line.trim() == "---";
    let mut out = Vec::new();
    for (at, paragraph) in lines.split(|line| is_end(line)).enumerate() {
        if at == 0 || paragraph.is_empty() {
            continue;
        }
        let mut block: Vec<(String, String)> = Vec::new();
        let mut whole = true;
        let mut last = 0;
        for line in paragraph {
            let indent = line.len() - line.trim_start().len();
            let of_git = line.trim().starts_with("(cherry picked from commit ") || line.trim().starts_with('[');
            match (trailer(line), block.last_mut()) {
                // As git reads them: a line that stands further in than the trailer continues it.
                (_, Some((_, value))) if indent > last => {
                    value.push(' ');
                    value.push_str(line.trim());
                }
                (Some((name, value)), _) => {
                    last = indent;
                    block.push((name.to_owned(), value.to_owned()));
                }
                (None, _) => whole &= of_git,
            }
        }
        if whole {
            block.retain_mut(|(_, value)| {
                *value = value.trim().to_owned();
                !value.is_empty() && !value.chars().any(char::is_control)
            });
            out.push(block);
        }
    }
    out
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

impl<'a> Trailers<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        let raw: Vec<_> = message.lines().take(LINES).collect();
        let mut all = Vec::new();
        let mut at = 0;
        while let Some(line) = raw.get(at).filter(|_| all.len() < TRAILERS) {
            at += 1;
            let Some((key, first)) = trailer(line) else { continue };
            // As git reads them: a line that stands further in than the trailer continues it.
            let continues = |next: &&&str| indent(next) > indent(line) && !next.trim().is_empty();
            let more: Vec<_> = raw[at..].iter().take_while(continues).map(|next| next.trim()).collect();
            at += more.len();
            let value = match more.as_slice() {
                [] => Cow::Borrowed(first),
                more => Cow::Owned(format!("{first} {}", more.join(" ")).trim_start().to_owned()),
            };
            if is_value(&value) {
                all.push((key, value));
            }
        }
        let own = blocks(message).into_iter().flatten().filter(|(_, value)| is_value(value)).take(TRAILERS).collect();
        Self { all, own, lines: raw.into_iter().map(str::trim).collect() }
    }

    /// Whether a trailer of ours is there.
    pub(super) fn has_own(&self, key: &str) -> bool {
        self.own.iter().any(|(k, _)| k.eq_ignore_ascii_case(key))
    }

    /// The value that all trailers of ours of this name have: in a sentence, `Agent: Smith` is nobody's.
    pub(super) fn own(&self, key: &str) -> Captured<String> {
        let own = self.own.iter().filter(|(k, _)| k.eq_ignore_ascii_case(key));
        agreed(&[key], &own.map(|(_, v)| (key, v.as_str())).collect::<Vec<_>>())
    }

    /// The values of all trailers of one name.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.all.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_ref())
    }

    /// The value that all trailers of these names have.
    pub(super) fn one(&self, keys: &[&str]) -> Captured<String> {
        let named = |key: &str| keys.iter().find(|k| k.eq_ignore_ascii_case(key));
        let found: Vec<_> = self.all.iter().filter_map(|(k, v)| Some((*named(k)?, v.as_ref()))).collect();
        agreed(keys, &found)
    }
}

/// The value that all have.
fn agreed(keys: &[&str], found: &[(&str, &str)]) -> Captured<String> {
    match found {
        [] => Captured::absent(&format!("the commit has no trailer {}", keys.join(", "))),
        // A letter was lost when it was read: a name with another in its place would be signed.
        several if several.iter().any(|(_, v)| v.contains('\u{FFFD}')) => {
            Captured::absent(&format!("the commit's trailer {} is no UTF-8", several[0].0))
        }
        [(key, value), rest @ ..] if rest.iter().all(|(_, v)| v == value) => {
            Captured::found((*value).to_owned(), &format!("the commit's trailer {key}"))
        }
        several => {
            let mut names: Vec<_> = several.iter().map(|(key, _)| *key).collect();
            let mut all: Vec<_> = several.iter().map(|(_, v)| *v).collect();
            for list in [&mut names, &mut all] {
                list.sort_unstable();
                list.dedup();
                list.truncate(5);
            }
            Captured::absent(&format!("the commit's trailers {} differ: {}", names.join(", "), all.join(", ")))
        }
    }
}
