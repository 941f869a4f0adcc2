//! What a log is, as its first record says: in clear, signed by the log's key, and under every checkpoint. `log.json` says the
//! same for whoever opens the log; whoever can write that file alone can give redactions no other key, and nothing a shorter life.
//!
//! ```text
//! attest/settings/v1
//! ORIGIN
//! created 2026-11-29T20:00:00Z
//! redactions ORIGIN/redaction+1b2c3d4e+AX...
//! anchors MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE...
//! kept executions 90
//! kept sessions 30
//! ```

use crate::audit::settings::{anchor_key, shown};
use crate::audit::{AuditError, LogStore, Settings, Stored};
use crate::model::{Timestamp, limits};
use crate::record::{Class, Entry, kinds};
use crate::tlog::{Note, NoteKey};
use std::fmt::Write as _;

const HEAD: &str = "attest/settings/v1";

/// What the first record of a log says that it is; none of a log whose first record says something else.
///
/// # Errors
/// [`AuditError::Damaged`] where the log's key did not sign it.
pub fn bound(first: &Stored, key: &NoteKey) -> Result<Option<Settings>, AuditError> {
    let is_one = Entry::parse(&first.entry).is_ok_and(|entry| entry.kind.number == kinds::SETTINGS);
    if is_one { signed(&first.content, key).map(Some) } else { Ok(None) }
}

/// That the settings with which a log is opened are those of its first record.
///
/// # Errors
/// [`AuditError::Rebound`] where they are not, [`AuditError::Damaged`] where the log's key did not sign the record.
pub fn keep_to(store: &dyn LogStore, settings: &Settings) -> Result<(), AuditError> {
    match store.read(0, 1)?.first().map(|first| bound(first, &settings.key)).transpose()?.flatten() {
        Some(bound) => compare(settings, &bound),
        None => Ok(()),
    }
}

/// Whether settings say what is bound.
pub(in crate::audit) fn compare(settings: &Settings, bound: &Settings) -> Result<(), AuditError> {
    let other =
        |what: &str, found: String, bound: String| Err(AuditError::Rebound { what: what.to_owned(), found, bound });
    let days = |settings: &Settings| {
        let all: Vec<String> = settings.retention.iter().map(|(c, days)| format!("{} {days}", c.name())).collect();
        if all.is_empty() { "all for ever".to_owned() } else { all.join(", ") }
    };
    match () {
        () if settings.officer != bound.officer => {
            other("the key of redactions", settings.officer.to_string(), bound.officer.to_string())
        }
        () if settings.anchor != bound.anchor => {
            let key = |settings: &Settings| settings.anchor.as_ref().map_or_else(|| "none".to_owned(), shown);
            other("the key of anchors", key(settings), key(bound))
        }
        () if settings.retention != bound.retention => {
            other("the days that things are kept", days(settings), days(bound))
        }
        () if settings.created != bound.created => {
            other("when it was made", settings.created.to_string(), bound.created.to_string())
        }
        () if settings.origin != bound.origin => other("its name", settings.origin.clone(), bound.origin.clone()),
        () => Ok(()),
    }
}

/// The text that is signed.
pub(in crate::audit) fn text(settings: &Settings) -> String {
    let Settings { origin, officer, anchor, created, retention, .. } = settings;
    let mut out = format!("{HEAD}\n{origin}\ncreated {created}\nredactions {officer}\n");
    if let Some(anchor) = anchor {
        let _ = writeln!(out, "anchors {}", shown(anchor));
    }
    for (class, days) in retention {
        let _ = writeln!(out, "kept {} {days}", class.name());
    }
    out
}

fn signed(note: &[u8], key: &NoteKey) -> Result<Settings, AuditError> {
    let wrong = |cause: &str| AuditError::damaged(0, format!("its first record says not what it is: {cause}"));
    let note = Note::parse(note).map_err(|e| wrong(&e.to_string()))?;
    match note.is_signed_by(key) {
        Ok(true) => parse(note.text, key).ok_or_else(|| wrong("it has not the form of one")),
        Ok(false) | Err(_) => Err(wrong("it is not signed by the log's key")),
    }
}

/// Reads the text, which is written in one way only.
fn parse(found: &str, key: &NoteKey) -> Option<Settings> {
    if found.len() > limits::SETTINGS_BYTES {
        return None;
    }
    let lines: Vec<&str> = found.split('\n').collect();
    let [HEAD, origin, created, officer, rest @ .., ""] = lines.as_slice() else { return None };
    let (anchor, kept) = match rest {
        [first, kept @ ..] if first.starts_with("anchors ") => (Some(anchor_key(&first["anchors ".len()..])?), kept),
        kept => (None, kept),
    };
    let kept = kept.iter().map(|line| {
        let (class, days) = line.strip_prefix("kept ")?.split_once(' ')?;
        Some((Class::named(class)?, days.parse().ok()?))
    });
    let settings = Settings {
        origin: (*origin).to_owned(),
        key: key.clone(),
        officer: NoteKey::parse(officer.strip_prefix("redactions ")?).ok()?,
        anchor,
        created: Timestamp::parse(created.strip_prefix("created ")?).ok()?,
        retention: kept.collect::<Option<_>>()?,
    };
    (text(&settings) == found).then_some(settings)
}
