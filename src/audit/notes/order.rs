//! The form of notes by which the officer of a log orders something. They stand in the log in clear, so that everybody can check
//! on whose authority it was done; each is written in one way only, and says where in the log it belongs.
//!
//! ```text
//! attest/redaction/v1
//! ORIGIN
//! time 2026-11-29T20:00:00Z
//! basis request-2026-114
//! at 48214
//! person 0123456789abcdef
//! ```

use crate::audit::AuditError;
use crate::model::{Timestamp, limits};
use crate::tlog::{Note, NoteKey};
use std::fmt::{self, Display};

/// A note, its last line in `W`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order<W> {
    /// The log.
    pub origin: String,
    /// When it was ordered.
    pub time: Timestamp,
    /// Why: the number of a request, or `policy`.
    pub basis: String,
    /// The number of its record: whoever puts a signed one into the log again, in another place, has none.
    pub at: u64,
    /// What.
    pub what: W,
}

/// What one kind of notes orders.
pub trait Ordered: Display + Sized {
    /// The first line of such a note.
    const HEAD: &'static str;
    /// What it is, in a word.
    const NAME: &'static str;

    /// Reads the last line.
    fn read(line: &str) -> Option<Self>;
}

impl<W: Ordered> Order<W> {
    /// Reads the text of a note, which is written in one way only.
    ///
    /// # Errors
    /// [`AuditError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let wrong = || AuditError::malformed(W::NAME, "it has not the form of one");
        if text.len() > limits::REDACTION_BYTES {
            return Err(wrong());
        }
        let lines: Vec<&str> = text.split('\n').collect();
        let [head, origin, time, basis, at, what, ""] = lines[..] else { return Err(wrong()) };
        let time = time.strip_prefix("time ").and_then(|t| Timestamp::parse(t).ok()).ok_or_else(wrong)?;
        let basis = basis.strip_prefix("basis ").filter(|b| is_basis(b)).ok_or_else(wrong)?;
        let at = at.strip_prefix("at ").and_then(|at| at.parse().ok()).ok_or_else(wrong)?;
        let what = W::read(what).filter(|_| head == W::HEAD).ok_or_else(wrong)?;
        let found = Self { origin: origin.to_owned(), time, basis: basis.to_owned(), at, what };
        if found.to_string() == text { Ok(found) } else { Err(wrong()) }
    }

    /// Reads a note that the officer of a log signed for it.
    ///
    /// # Errors
    /// [`AuditError::Damaged`]: an order without authority.
    pub fn authorised(note: &[u8], origin: &str, officer: &NoteKey) -> Result<Self, AuditError> {
        let wrong = |cause: &str| AuditError::damaged(None, format!("a {} without authority: {cause}", W::NAME));
        let note = Note::parse(note).map_err(|e| wrong(&e.to_string()))?;
        let found = Self::parse(note.text).map_err(|e| wrong(&e.to_string()))?;
        match note.is_signed_by(officer) {
            Ok(true) if found.origin == origin => Ok(found),
            Ok(true) => Err(wrong("it is of another log")),
            Ok(false) | Err(_) => Err(wrong("it is not signed by the key of redactions")),
        }
    }
}

impl<W: Ordered> Display for Order<W> {
    /// The text that is signed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { origin, time, basis, at, what } = self;
        writeln!(f, "{}\n{origin}\ntime {time}\nbasis {basis}\nat {at}\n{what}", W::HEAD)
    }
}

/// Whether a reason can stand in an order: one line of at most 256 bytes.
#[must_use]
pub(in crate::audit) fn is_basis(basis: &str) -> bool {
    !basis.is_empty() && basis.len() <= 256 && !basis.chars().any(char::is_control)
}

/// Ranges of records as `5-5,9-12`, ends included.
pub(in crate::audit) fn ranges(list: &str) -> Option<Vec<(u64, u64)>> {
    let range = |text: &str| {
        let (low, high) = text.split_once('-')?;
        Some((low.parse().ok()?, high.parse().ok()?)).filter(|(low, high): &(u64, u64)| low <= high)
    };
    list.split(',').map(range).collect()
}

/// The same as a text.
pub(in crate::audit) fn listed(ranges: &[(u64, u64)]) -> String {
    ranges.iter().map(|(low, high)| format!("{low}-{high}")).collect::<Vec<_>>().join(",")
}

/// Numbers in their order as ranges.
pub(in crate::audit) fn joined(list: &[u64]) -> Vec<(u64, u64)> {
    let mut out: Vec<(u64, u64)> = Vec::new();
    for index in list {
        match out.last_mut().filter(|(_, high)| high + 1 == *index) {
            Some((_, high)) => *high = *index,
            None => out.push((*index, *index)),
        }
    }
    out
}
