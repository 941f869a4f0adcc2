//! [`Trailers`]: the lines of a commit message that are `Key: value`, wherever they stand, since a squash leaves them in the
//! middle.

use crate::model::{Captured, limits};
use std::borrow::Cow;

/// `Key: value` lines of a message with the lines that continue them, in its order, and all lines as they are.
pub(super) struct Trailers<'a> {
    all: Vec<(&'a str, Cow<'a, str>)>,
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
            if !value.is_empty() && value.len() <= limits::VALUE_BYTES && !value.chars().any(char::is_control) {
                all.push((key, value));
            }
        }
        Self { all, lines: raw.into_iter().map(str::trim).collect() }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.all.iter().any(|(k, _)| k.eq_ignore_ascii_case(key))
    }

    /// The values of all trailers of one name.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.all.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_ref())
    }

    /// The value that all trailers of these names have.
    pub(super) fn one(&self, keys: &[&str]) -> Captured<String> {
        let named = |key: &str| keys.iter().find(|k| k.eq_ignore_ascii_case(key));
        let found: Vec<_> = self.all.iter().filter_map(|(k, v)| Some((named(k)?, v.as_ref()))).collect();
        match found.as_slice() {
            [] => Captured::absent(&format!("the commit has no trailer {}", keys.join(", "))),
            // A letter was lost when it was read: a name with another in its place would be signed.
            several if several.iter().any(|(_, v)| v.contains('\u{FFFD}')) => {
                Captured::absent(&format!("the commit's trailer {} is no UTF-8", several[0].0))
            }
            [(key, value), rest @ ..] if rest.iter().all(|(_, v)| v == value) => {
                Captured::found((*value).to_owned(), &format!("the commit's trailer {key}"))
            }
            several => {
                let mut names: Vec<_> = several.iter().map(|(key, _)| **key).collect();
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
}
