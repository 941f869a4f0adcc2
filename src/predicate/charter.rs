//! `charter/v1`: what a charter said when it was captured. docs/charter.md says it byte for byte.

use super::PredicateType;
use crate::model::json::{Field, JsonError};
use crate::model::{Digest, Timestamp, uri};
use serde_json::{Map, Value, json};

/// The predicate type's row.
pub(super) struct CharterV1;

impl PredicateType for CharterV1 {
    fn uri(&self) -> &'static str {
        uri::CHARTER
    }
    fn name(&self) -> &'static str {
        "charter"
    }
    fn check(&self, predicate: &Map<String, Value>) -> Result<(), JsonError> {
        Charter::from_json(predicate).map(|_| ())
    }
    fn supports(&self) -> bool {
        true
    }
}

/// The part of an issue that makes it this charter: what its digest is taken over. A comment, a label or a closed issue
/// changes none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CharterSnapshot {
    /// The author's number at the host, in decimal; empty where the host names nobody.
    pub author_id: String,
    /// The text, as the host serves it; empty where there is none.
    pub body: String,
    /// The host, lower case, with its port where that is not the scheme's own.
    pub host: String,
    /// The number among all of the host (not the one in its URL), in decimal.
    pub id: String,
    /// The title, as the host serves it.
    pub title: String,
}

impl CharterSnapshot {
    /// Members, in the order of RFC 8785.
    const MEMBERS: [&str; 5] = ["authorId", "body", "host", "id", "title"];

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let Self { author_id, body, host, id, title } = self;
        json!({ "authorId": author_id, "body": body, "host": host, "id": id, "title": title })
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// When a member is missing or no string, or there is another: the digest covers exactly these.
    pub fn from_json(field: &Field<'_>) -> Result<Self, JsonError> {
        if let Some(other) = field.object()?.keys().find(|k| !Self::MEMBERS.contains(&k.as_str())) {
            return Err(field.error(format!("only {}", Self::MEMBERS.join(", ")), format!("`{other}`")));
        }
        let text = |key| field.need(key)?.str().map(str::to_owned);
        Ok(Self {
            author_id: text("authorId")?,
            body: text("body")?,
            host: text("host")?,
            id: text("id")?,
            title: text("title")?,
        })
    }

    /// The bytes that the digest is taken over: RFC 8785 JSON.
    #[must_use]
    pub fn canonical(&self) -> Vec<u8> {
        // Five strings: there is no number and no other key that could fail.
        serde_json_canonicalizer::to_vec(&self.to_json()).expect("strings have a canonical form")
    }

    /// The charter's digest: sha256 of [`CharterSnapshot::canonical`].
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::sha256(&self.canonical())
    }
}

/// The predicate: a snapshot, where it was taken, and what was so besides. Its statement's subject is the snapshot's
/// digest, named by the URI.
#[derive(Clone, Debug, PartialEq)]
pub struct Charter {
    /// Where the charter is, as it was given.
    pub uri: String,
    /// What it says.
    pub snapshot: CharterSnapshot,
    /// What may change and leaves the charter what it is: `capturedAt`, `author`, `state`, `labels`,
    /// `approvals`, `updatedAt`.
    pub annotations: Map<String, Value>,
}

impl Charter {
    /// Reads a predicate.
    ///
    /// # Errors
    /// When `uri` or `snapshot` is missing, a member has another type, or a time is no RFC 3339.
    pub fn from_json(predicate: &Map<String, Value>) -> Result<Self, JsonError> {
        let whole = Value::Object(predicate.clone());
        let root = Field::root("predicate", &whole);
        root.spelled(&["uri", "snapshot", "annotations"])?;
        let uri = root.need("uri")?.str()?.to_owned();
        let snapshot = CharterSnapshot::from_json(&root.need("snapshot")?)?;
        let annotations = match root.get("annotations")? {
            Some(f) => {
                for key in ["capturedAt", "updatedAt"] {
                    if let Some(t) = f.opt_str(key)? {
                        let path = format!("{}.{key}", f.path());
                        Timestamp::parse(t).map_err(|e| JsonError::unexpected(path, "an RFC 3339 time", e.found))?;
                    }
                }
                f.object()?.clone()
            }
            None => Map::new(),
        };
        Ok(Self { uri, snapshot, annotations })
    }

    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        let mut out = Map::new();
        out.insert("uri".into(), self.uri.clone().into());
        out.insert("snapshot".into(), self.snapshot.to_json());
        if !self.annotations.is_empty() {
            out.insert("annotations".into(), Value::Object(self.annotations.clone()));
        }
        out
    }
}

/// The JSON Schema of the predicate.
#[must_use]
pub fn schema() -> Value {
    let text = |description: &str| json!({ "description": description, "type": "string" });
    let time = |description: &str| json!({ "description": description, "type": "string", "format": "date-time" });
    json!({
        "title": "Snapshot of a charter",
        "description": "Predicate of an in-toto Statement v1. The statement's subject is named by `uri` and has the sha256 of the RFC 8785 form of `snapshot`.",
        "type": "object",
        "required": ["uri", "snapshot"],
        "properties": {
            "uri": text("Where the charter is, as it was given."),
            "snapshot": {
                "description": "What the charter's digest is taken over: these members and no other.",
                "type": "object",
                "required": CharterSnapshot::MEMBERS,
                "additionalProperties": false,
                "properties": {
                    "authorId": text("The author's number at the host, in decimal; empty where the host names nobody."),
                    "body": text("The text as the host serves it; empty where there is none."),
                    "host": text("The host, lower case, with its port where that is not the scheme's own."),
                    "id": text("The issue's number among all of the host, in decimal."),
                    "title": text("The title as the host serves it."),
                },
            },
            "annotations": {
                "description": "What may change and leaves the charter what it is.",
                "type": "object",
                "properties": {
                    "capturedAt": time("When it was fetched."),
                    "author": text("The author, for example github:583231."),
                    "state": text("open, closed, merged or locked."),
                    "labels": { "description": "Labels, as the host orders them.", "type": "array", "items": { "type": "string" } },
                    "approvals": { "description": "Who approved a pull or merge request, as the host lists it.", "type": "array", "items": { "type": "string" } },
                    "updatedAt": time("When the host says that it was last changed; a comment changes it too."),
                },
            },
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot() -> CharterSnapshot {
        CharterSnapshot {
            author_id: "583231".into(),
            body: "Ship it.\r\n\r\nBy \"Friday\".\t\u{e9} e\u{301} \u{1f680} \u{2028} \u{7f}</b>".into(),
            host: "github.com".into(),
            id: "2021".into(),
            title: "Release 1.0".into(),
        }
    }

    #[test]
    fn the_canonical_form_is_exact() {
        // RFC 8785 section 3.2.2.2: short escapes and no other, nothing normalised, everything else as it is.
        let expected = "{\"authorId\":\"583231\",\"body\":\"Ship it.\\r\\n\\r\\nBy \\\"Friday\\\".\\t\u{e9} e\u{301} \u{1f680} \u{2028} \u{7f}</b>\",\"host\":\"github.com\",\"id\":\"2021\",\"title\":\"Release 1.0\"}";
        assert_eq!(String::from_utf8(snapshot().canonical()).unwrap(), expected);
        assert_eq!(snapshot().digest(), Digest::sha256(expected.as_bytes()));
    }

    #[test]
    fn line_endings_and_composed_letters_are_told_apart() {
        let with = |body: &str| CharterSnapshot { body: body.into(), ..snapshot() }.digest();
        for (a, b) in [("a\r\nb", "a\nb"), ("\u{e9}", "e\u{301}"), ("a", "a "), ("a", "a\n"), ("", " ")] {
            assert_ne!(with(a), with(b), "{a:?}");
        }
    }

    #[test]
    fn a_predicate_is_read_as_it_is_written_and_a_snapshot_has_no_other_member() {
        let annotations = json!({ "capturedAt": "2026-01-01T00:00:00Z" }).as_object().unwrap().clone();
        let charter = Charter { uri: "https://github.com/a/b/issues/1".into(), snapshot: snapshot(), annotations };
        let written = charter.to_json();
        assert_eq!(Charter::from_json(&written), Ok(charter));
        let wrong = |change: fn(&mut Value)| {
            let mut value = Value::Object(written.clone());
            change(&mut value);
            Charter::from_json(value.as_object().unwrap()).unwrap_err().to_string()
        };
        assert!(wrong(|v| v["snapshot"]["state"] = json!("open")).contains("`state`"));
        assert!(wrong(|v| v["snapshot"]["id"] = json!(1)).contains("predicate.snapshot.id"));
        assert!(wrong(|v| v["annotations"]["capturedAt"] = json!("today")).contains("RFC 3339"));
        assert!(wrong(|v| v["Snapshot"] = json!({})).contains("second spelling"));
    }
}
