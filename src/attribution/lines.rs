//! [`Trailers`]: the lines of a commit message that are `Key: value`, wherever they stand, since a squash leaves them in the
//! middle.

use crate::model::{Captured, limits};

/// `Key: value` lines of a message, in its order, and all lines as they are.
pub(super) struct Trailers<'a> {
    all: Vec<(&'a str, &'a str)>,
    pub(super) lines: Vec<&'a str>,
}

/// Most trailers, and lines, of one message that are looked at.
const TRAILERS: usize = 1000;
const LINES: usize = 20_000;

impl<'a> Trailers<'a> {
    pub(super) fn of(message: &'a str) -> Self {
        let lines: Vec<_> = message.lines().take(LINES).map(str::trim).collect();
        let trailer = |line: &&'a str| {
            let (key, value) = line.trim_start_matches(['*', '-', ' ']).split_once(':')?;
            let named = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
            let value = value.trim();
            let plain = !value.is_empty() && value.len() <= limits::VALUE_BYTES && !value.chars().any(char::is_control);
            (named && plain).then_some((key, value))
        };
        Self { all: lines.iter().filter_map(trailer).take(TRAILERS).collect(), lines }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.all.iter().any(|(k, _)| k.eq_ignore_ascii_case(key))
    }

    /// The values of all trailers of one name.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &'a str> {
        self.all.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| *v)
    }

    /// The value that all trailers of these names have.
    pub(super) fn one(&self, keys: &[&str]) -> Captured<String> {
        let named = |key: &str| keys.iter().find(|k| k.eq_ignore_ascii_case(key));
        let found: Vec<_> = self.all.iter().filter_map(|(k, v)| Some((named(k)?, *v))).collect();
        match found.as_slice() {
            [] => Captured::absent(&format!("the commit has no trailer {}", keys.join(", "))),
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
