//! [`compare`]: whether an issue still says what was recorded, and what of it does not.

use super::Live;
use crate::model::{Digest, ResourceDescriptor};
use serde_json::Value;

/// What became of a charter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// What differs, in words: `title`, `body`, `author`; empty where the digest is the same.
    pub changed: Vec<String>,
    /// What changed and leaves the charter what it is.
    pub notes: Vec<String>,
}

/// Compares a recorded charter with the issue as it is now.
///
/// The digest decides. The annotations, which nobody needs to believe, only say which part it was.
#[must_use]
pub fn compare(recorded: &ResourceDescriptor, live: &Live) -> Compared {
    let canonical = live.snapshot.canonical();
    let mut strong = recorded.digest().into_iter().flat_map(|d| d.strong()).peekable();
    let same = strong.peek().is_some() && strong.all(|d| d.matches(&canonical));
    let text = |key: &str| recorded.annotations().get(key)?.as_str();
    let mut notes = Vec::new();
    if let Some(state) = text("state").filter(|s| *s != live.state) {
        notes.push(format!("it is {} now and was {state} when it was captured", live.state));
    }
    if same {
        return Compared { changed: Vec::new(), notes };
    }
    let part = |key: &str, now: &str| {
        let then = recorded.annotations().get("parts")?.get(key)?.get("sha256").and_then(Value::as_str)?;
        Some(then != Digest::sha256(now.as_bytes()).hex())
    };
    let rows = [
        ("title", part("title", &live.snapshot.title)),
        ("body", part("body", &live.snapshot.body)),
        ("author", text("author").map(|a| Some(a) != live.author.as_deref())),
        ("issue itself: another one has its number", text("id").map(|id| id != live.snapshot.id)),
    ];
    let mut changed: Vec<_> =
        rows.into_iter().filter(|(_, differs)| *differs == Some(true)).map(|(what, _)| what.to_owned()).collect();
    if changed.is_empty() {
        changed.push("text, by its digest; the provenance does not say which part".into());
    }
    Compared { changed, notes }
}
