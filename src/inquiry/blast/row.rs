//! [`Row`]: what an index has behind a value.

use crate::record::Known;

/// A row of an index behind one of the values that were asked for.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// Number of its record.
    pub number: u64,
    /// Its kind.
    pub kind: &'a str,
    /// When, in the words of who says so.
    pub at: Option<&'a str>,
    /// How its fields are known that are not only declared: `target=w,cost=r`.
    pub known: &'a str,
    /// What the step wants, in its order.
    pub wants: &'static [&'static str],
    /// The same, as it is there.
    pub cells: &'a [Option<String>],
}

impl Row<'_> {
    /// What it has of a column that was wanted.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let at = self.wants.iter().position(|want| *want == name)?;
        self.cells.get(at)?.as_deref()
    }

    /// How a field is known.
    fn known(&self, name: &str) -> Known {
        let letter = self.known.split(',').find_map(|one| one.strip_prefix(name)?.strip_prefix('='));
        letter.and_then(Known::named).unwrap_or(Known::Declared)
    }

    /// How well everything is known that rests upon fields: as the worst of them.
    pub(super) fn worst(&self, fields: &[&str]) -> Known {
        worst(fields.iter().map(|name| self.known(name)))
    }
}

/// The worst of how things are known.
pub(super) fn worst(all: impl IntoIterator<Item = Known>) -> Known {
    all.into_iter().max_by_key(|known| known.distance()).unwrap_or(Known::Witnessed)
}
