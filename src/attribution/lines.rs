//! [`Trailers`]: what a commit message says in `Key: value`, in its paragraphs of trailers or, for who must not miss anything, on
//! any line.

use super::own::Key;
use super::paragraphs::{blocks, trailer, trim};
use crate::model::shown;
use crate::model::{Captured, limits};

/// `Key: value` of a message, and all its lines.
pub(super) struct Trailers<'a> {
    all: Vec<(String, String)>,
    pub(super) lines: Vec<&'a str>,
}

fn is_value(text: &str) -> bool {
    !text.is_empty() && text.len() <= limits::VALUE_BYTES && !text.chars().any(char::is_control)
}

impl<'a> Trailers<'a> {
    /// Those that stand in paragraphs of trailers: in a sentence, `Agent: Smith` is nobody's.
    pub(super) fn of(message: &'a str) -> Self {
        let pairs = blocks(message).into_iter().flat_map(|block| block.pairs);
        let all = pairs.filter(|pair| !pair.value.is_empty()).map(|pair| (pair.name, pair.value));
        Self { all: all.take(limits::MESSAGE_TRAILERS).collect(), lines: lines(message) }
    }

    /// Those that stand on any line, with and without the line behind it: what looks like one.
    pub(super) fn anywhere(message: &'a str) -> Self {
        let lines = lines(message);
        let mut all = Vec::new();
        for (at, line) in lines.iter().enumerate() {
            if let Some((name, value)) = trailer(line.trim_start_matches(['>', '#', '`', ' ', '\t'])) {
                all.push((name.to_owned(), value.to_owned()));
                all.extend(
                    lines.get(at + 1).map(|next| (name.to_owned(), trim(&format!("{value} {next}")).to_owned())),
                );
            }
        }
        Self { all, lines }
    }

    /// Whether a trailer of ours is there.
    pub(super) fn has_own(&self, key: Key) -> bool {
        self.all.iter().any(|(name, _)| name.eq_ignore_ascii_case(key.name()))
    }

    /// The value that all trailers of ours of this name have, where it has the form of one.
    pub(super) fn own(&self, key: Key) -> Captured<String> {
        let own = self.all.iter().filter(|(name, _)| name.eq_ignore_ascii_case(key.name()));
        match agreed(&[key.name()], &own.map(|(_, v)| (key.name(), v.as_str())).collect::<Vec<_>>()) {
            Captured::Found { value, source } if !key.is_well_formed(&value) => {
                Captured::absent(&format!("{source} is not {}: `{}`", key.form(), shown::line(&value)))
            }
            found => found,
        }
    }

    /// The values of all trailers of one name.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.all.iter().filter(move |(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, v)| v.as_str())
    }

    /// The value that all trailers of these names have.
    pub(super) fn one(&self, keys: &[&str]) -> Captured<String> {
        let named = |key: &str| keys.iter().find(|k| k.eq_ignore_ascii_case(key));
        let values = self.all.iter().filter(|(_, value)| is_value(value));
        let found: Vec<_> = values.filter_map(|(k, v)| Some((*named(k)?, v.as_str()))).collect();
        agreed(keys, &found)
    }
}

fn lines(message: &str) -> Vec<&str> {
    message.lines().take(limits::MESSAGE_LINES).map(trim).collect()
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
            let mut names: Vec<_> = several.iter().map(|(key, _)| (*key).to_owned()).collect();
            let mut all: Vec<_> = several.iter().map(|(_, v)| shown::line(v)).collect();
            for list in [&mut names, &mut all] {
                list.sort_unstable();
                list.dedup();
                list.truncate(5);
            }
            Captured::absent(&format!("the commit's trailers {} differ: {}", names.join(", "), all.join(", ")))
        }
    }
}
