//! A record as it is handed in: fields by name, checked against the tables, in their order.

use super::fields::{self, Field, Form};
use super::kinds::{self, Class, Kind};
pub use super::value::{Origin, Random, Told, has_address, is_outside};
use super::value::{committed, shown, told};
use super::{Committed, RecordError, reading};
use crate::model::Digest;
use crate::secrets::{Search, find_secret};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// How the log's own tags begin.
pub const OWN_TAGS: &str = "attest.";

/// How a value is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Known {
    /// Whoever recorded it saw it happen.
    Witnessed = b'w',
    /// Somebody said so.
    Declared = b'd',
    /// It was worked out of others.
    Derived = b'r',
}

impl Known {
    /// Every one, with its name.
    pub const ALL: &'static [(Self, &'static str)] =
        &[(Self::Witnessed, "witnessed"), (Self::Declared, "declared"), (Self::Derived, "derived")];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(known, _)| *known == self).map_or("", |(_, name)| name)
    }

    /// How far it is from having been seen: what rests upon several is known as the farthest of them.
    #[must_use]
    pub fn distance(self) -> u8 {
        match self {
            Self::Witnessed => 0,
            Self::Declared => 1,
            Self::Derived => 2,
        }
    }

    /// The one of a name, or of its letter.
    #[must_use]
    pub fn named(text: &str) -> Option<Self> {
        let is = |known: Self, name: &str| name == text || text.as_bytes() == [known as u8];
        Self::ALL.iter().find(|(known, name)| is(*known, name)).map(|(known, _)| *known)
    }
}

/// One field of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Which.
    pub field: &'static Field,
    /// What.
    pub told: Told,
    /// How it is known.
    pub known: Known,
}

/// A record that is not in the log yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// What happened.
    pub kind: &'static Kind,
    /// What is said of it, in the order of the table of fields.
    pub said: Vec<Said>,
}

impl Draft {
    /// Reads a record as JSON: `kind`, its fields by name, and in `known` how some of them are known; the others are
    /// `declared`. A text where a commitment belongs is committed to, and let go of.
    ///
    /// # Errors
    /// [`RecordError`]: names the field, and no value.
    pub fn read(document: &Value, origin: Origin, random: Random<'_>) -> Result<Self, RecordError> {
        let members = document
            .as_object()
            .ok_or_else(|| RecordError::malformed("record", "an object", crate::model::json::kind(document)))?;
        let name = members.get("kind").and_then(Value::as_str);
        let name = name.ok_or_else(|| RecordError::malformed("kind", format!("one of {}", names()), "none"))?;
        let is_one = |k: &&Kind| k.is_handed_in() || (origin == Origin::Own && !k.in_clear());
        let kind = kinds::named(name).filter(is_one);
        let kind = kind.ok_or_else(|| RecordError::malformed("kind", format!("one of {}", names()), shown(name)))?;
        // By these the log knows what it counted; who else said so could keep executions from being counted.
        let reserved = members.get("key").and_then(Value::as_str).is_some_and(|key| key.starts_with(OWN_TAGS));
        if reserved && origin != Origin::Own {
            return Err(RecordError::malformed(
                "key",
                format!("a name that does not begin with `{OWN_TAGS}`"),
                "one that does",
            ));
        }
        let derived = with_derived_id(members, origin);
        let members = derived.as_ref().unwrap_or(members);
        let known = known_of(members)?;
        let mut said = Vec::new();
        for (name, value) in members.iter().filter(|(name, _)| !["kind", "known"].contains(&name.as_str())) {
            let (at, field) = fields::placed(name).filter(|_| kind.may_have(name)).ok_or_else(|| {
                let expected = format!("a field of `{}`, as `attest schema audit-record` lists them", kind.name);
                RecordError::malformed(shown(name), expected, "one that it has not")
            })?;
            let told = match field.form {
                Form::Committed if !(value.is_null() && origin == Origin::Captured) => {
                    committed(field, value, id_of(members).as_ref().map(|(source, id)| (source.as_ref(), *id)), random)?
                }
                _ => told(field, value, origin)?,
            };
            let known = known.iter().find(|(n, _)| n == name).map_or(Known::Declared, |(_, known)| *known);
            said.push((at, Said { field, told, known }));
        }
        if let Some((name, _)) = known.iter().find(|(name, _)| !members.contains_key(*name)) {
            return Err(RecordError::malformed("known", "names of fields that the record has", shown(name)));
        }
        said.sort_by_key(|(at, _)| *at);
        let draft = Self { kind, said: said.into_iter().map(|(_, said)| said).collect() };
        names_whole(&draft)?;
        match kind.needs.iter().find(|need| draft.get(need).is_none()) {
            Some(need) => Err(RecordError::malformed(*need, fields::named(need).map_or("", |f| f.about), "nothing")),
            None => Ok(draft),
        }
    }

    /// How long it is kept: as long as its kind, but that a commit was made for ever, as the history that it is of.
    #[must_use]
    pub fn class(&self) -> Class {
        let is = |name: &str| self.text(name).unwrap_or_default();
        let made = self.kind.name == "action" && ["commit", "merge"].contains(&is("action_type"));
        match made && is("target").starts_with("commit:") {
            true => Class::Permanent,
            false => self.kind.class,
        }
    }

    /// A field by name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Said> {
        self.said.iter().find(|said| said.field.name == name)
    }

    /// The text of a field, where it has one.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.told.value().as_str()
    }

    /// Says what was worked out of the rest; whether it is a field of this kind, and was not said.
    pub fn derive(&mut self, name: &str, told: Told) -> bool {
        let Some((at, field)) = fields::placed(name).filter(|_| self.kind.may_have(name)) else { return false };
        if self.get(name).is_some() {
            return false;
        }
        let before = |said: &Said| fields::placed(said.field.name).is_some_and(|(own, _)| own < at);
        let place = self.said.iter().take_while(|said| before(said)).count();
        self.said.insert(place, Said { field, told, known: Known::Derived });
        true
    }

    /// Whether a record that was read back from a log says surely another thing than this one, but for the fields of people who
    /// were erased, and for a cost that was worked out: its source says nothing of it.
    #[must_use]
    pub fn differs(&self, recorded: &Self, erased: &[&str]) -> bool {
        let said = |draft: &'_ Self, name: &str| draft.get(name).map(|said| (said.told.clone(), said.known));
        let names = self.said.iter().chain(&recorded.said).map(|said| said.field);
        let other = |field: &Field| match (said(self, field.name), said(recorded, field.name)) {
            (Some((told, known)), Some((before, was))) if field.form == Form::Committed => {
                let read = |told: &Told| Committed::read(field.name, told.value()).ok();
                match (read(&told), read(&before)) {
                    (Some(told), Some(before)) => known != was || told.differs(&before),
                    (told, before) => told != before,
                }
            }
            (told, before) => {
                let is_own =
                    |said: &Option<(Told, Known)>| said.as_ref().is_none_or(|(_, known)| *known == Known::Derived);
                told != before && !(field.name == "cost" && is_own(&told) && is_own(&before))
            }
        };
        self.kind != recorded.kind || names.filter(|field| !erased.contains(&field.name)).any(other)
    }

    /// Whether it and a record of the same call by another witness cannot both be true. Each may say what the other does not, and
    /// what a call was given and gave has another form in a hook than in a transcript.
    #[must_use]
    pub fn contradicts(&self, recorded: &Self) -> bool {
        const SAME: [&str; 4] = ["session_id", "action_type", "target", "command"];
        let told = |draft: &'_ Self, name: &str| draft.get(name).map(|said| said.told.clone());
        let other = |name: &&str| match (told(self, name), told(recorded, name)) {
            (Some(Told::Value(one)), Some(Told::Value(two))) => {
                match (Committed::read(name, &one), Committed::read(name, &two)) {
                    (Ok(one), Ok(two)) => one.differs(&two),
                    _ => one != two,
                }
            }
            _ => false,
        };
        self.kind != recorded.kind || SAME.iter().any(other)
    }

    /// As JSON, in the form in which it is read.
    #[must_use]
    pub fn document(&self) -> Map<String, Value> {
        let mut out = Map::from_iter([("kind".to_owned(), json!(self.kind.name))]);
        let mut known = Map::new();
        for said in &self.said {
            out.insert(said.field.name.to_owned(), said.told.value().clone());
            if said.known != Known::Declared {
                known.insert(said.field.name.to_owned(), json!(said.known.name()));
            }
        }
        if !known.is_empty() {
            out.insert("known".to_owned(), Value::Object(known));
        }
        out
    }
}

/// That what is decided about is named so that it can be nothing else: a commit by its whole id. The beginning of one is that of every
/// commit that somebody makes to begin so.
fn names_whole(draft: &Draft) -> Result<(), RecordError> {
    let target = draft.text("target").filter(|_| ["approval", "exception", "outcome"].contains(&draft.kind.name));
    let Some(target) = target else { return Ok(()) };
    let is_bare = |text: &str| {
        (7..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_hexdigit())
            && ([40, 64].contains(&text.len()) || text.bytes().any(|b| b.is_ascii_alphabetic()))
    };
    let is_other = match target.split_once(':') {
        Some((scheme, id)) if scheme.eq_ignore_ascii_case("commit") => scheme != "commit" || !reading::is_commit_id(id),
        Some(_) => false,
        None => target == "HEAD" || is_bare(target),
    };
    match is_other {
        true => Err(RecordError::malformed("target", "commit: and a whole id", shown(target))),
        false => Ok(()),
    }
}

fn names() -> String {
    kinds::ALL.iter().filter(|k| k.is_handed_in()).map(|k| k.name).collect::<Vec<_>>().join(", ")
}

fn known_of(members: &Map<String, Value>) -> Result<Vec<(&str, Known)>, RecordError> {
    let Some(value) = members.get("known") else { return Ok(Vec::new()) };
    let wrong = |found: String| {
        RecordError::malformed("known", "names of fields with `witnessed`, `declared` or `derived`", found)
    };
    let each = value.as_object().ok_or_else(|| wrong(crate::model::json::kind(value).into()))?.iter();
    let read = each.map(|(name, value)| {
        let known = value
            .as_str()
            .and_then(Known::named)
            .ok_or_else(|| wrong(format!("something else for {}", shown(name))))?;
        Ok((name.as_str(), known))
    });
    read.collect()
}

/// A record that was taken from elsewhere and whose own id must not be kept, with one that is made of all that it says: the same
/// record has the same one, and whoever guesses the id cannot try it out without the rest.
fn with_derived_id(members: &Map<String, Value>, origin: Origin) -> Option<Map<String, Value>> {
    let id = members.get("source_id").and_then(Value::as_str).filter(|_| origin == Origin::Captured)?;
    if !is_outside(id) && !has_address(id) && find_secret(&json!({ "source_id": id }), &Search::default()).is_ok() {
        return None;
    }
    let all: BTreeMap<&String, &Value> = members.iter().collect();
    let digest = Digest::sha256(&serde_json::to_vec(&all).ok()?).to_string();
    let mut out = members.clone();
    out.insert("source_id".to_owned(), json!(format!("derived:{digest}")));
    Some(out)
}

/// The source and its own id of what happened, where there is one.
fn id_of(members: &Map<String, Value>) -> Option<(Cow<'_, str>, &str)> {
    let text = |name: &str| members.get(name).and_then(Value::as_str);
    Some((witness_of(text("source").unwrap_or_default()), text("source_id")?))
}

/// How the id of a call ends of which it is not known yet what came of it.
pub const UNANSWERED: &str = "/unanswered";

/// The one name of those who tell of the same calls by the same ids: the hook of an agent, and its transcript.
#[must_use]
pub fn witness_of(source: &str) -> Cow<'_, str> {
    match source.strip_prefix("hook ") {
        Some(agent) => format!("import {agent}").into(),
        None => source.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits;

    fn read(document: Value, origin: Origin) -> Result<Draft, RecordError> {
        Draft::read(&document, origin, &mut |bytes| bytes.fill(7))
    }

    fn action() -> Value {
        json!({ "kind": "action", "target": "src/a.rs", "action_type": "file_modify", "execution_id": "e1",
            "known": { "target": "witnessed" } })
    }

    #[test]
    fn a_record_is_read_in_the_order_of_the_table_and_written_as_it_was_read() {
        let draft = read(action(), Origin::Typed).unwrap();
        assert_eq!(
            draft.said.iter().map(|s| s.field.name).collect::<Vec<_>>(),
            ["execution_id", "action_type", "target"]
        );
        assert_eq!(draft.get("target").unwrap().known, Known::Witnessed);
        assert_eq!(draft.get("execution_id").unwrap().known, Known::Declared);
        assert_eq!(read(Value::Object(draft.document()), Origin::Typed).unwrap(), draft);
    }

    #[test]
    fn what_is_no_record_is_named() {
        for (change, value, at) in [
            ("kind", json!("acton"), "kind"),
            ("kind", json!("redaction"), "kind"),
            ("kind", json!("summary"), "kind"),
            ("target", json!("/home/alice/x"), "target"),
            ("target", json!("../x"), "target"),
            ("target", json!("C:\\Users\\alice"), "target"),
            ("target", json!(null), "target"),
            ("target", json!("a\nb"), "target"),
            ("action_type", json!("file.write"), "action_type"),
            ("verdict", json!("allow"), "`verdict`"),
            ("no_field", json!("x"), "`no_field`"),
            ("tokens_in", json!(-1), "tokens_in"),
            ("cost", json!("1.2.3"), "cost"),
            ("elevated", json!("yes"), "elevated"),
            ("metadata", json!({ "a": 1 }), "metadata"),
            ("known", json!({ "nothing": "witnessed" }), "known"),
            ("known", json!({ "target": "seen" }), "known"),
            ("at", json!("yesterday"), "at"),
        ] {
            let mut document = action();
            document[change] = value;
            let RecordError::Malformed { at: found, .. } = read(document, Origin::Typed).unwrap_err() else { panic!() };
            assert_eq!(found, at);
        }
        let mut document = action();
        document.as_object_mut().unwrap().remove("action_type");
        assert!(
            read(document, Origin::Typed).unwrap_err().to_string().starts_with("action_type: expected what was done")
        );
        assert!(read(json!([]), Origin::Typed).is_err());
    }

    #[test]
    fn what_is_decided_of_a_commit_names_its_whole_id() {
        let id = "4444444aaaabbbbccccddddeeeeffff000011112";
        let sha256 = format!("{id}{}", "0".repeat(24));
        let kinds = [
            json!({ "kind": "approval", "approver": "github:1" }),
            json!({ "kind": "exception", "rule": "ORG-001", "reason": "hotfix" }),
            json!({ "kind": "outcome", "outcome_kind": "pr", "state": "merged" }),
        ];
        let of = |kind: &Value, target: &str| {
            let mut document = kind.clone();
            document["target"] = json!(target);
            [Origin::Typed, Origin::Captured].map(|origin| read(document.clone(), origin).map_err(|e| e.to_string()))
        };
        for kind in &kinds {
            let capital = format!("commit:{}", id.to_uppercase());
            for bad in
                ["commit:4444444", "commit:HEAD", "commit:main", "HEAD", "4444444a", id, &capital, "Commit:4444444"]
            {
                for found in of(kind, bad) {
                    let said = found.unwrap_err();
                    let shown: String = bad.chars().take(40).collect();
                    assert_eq!(said, format!("target: expected commit: and a whole id, found `{shown}`"), "{kind}");
                }
            }
            for good in [&format!("commit:{id}"), &format!("commit:{sha256}"), "acme/app#57", "exec-1", "1234567"] {
                assert!(of(kind, good).iter().all(Result::is_ok), "{kind} {good}");
            }
        }
        // What was done is said as whoever did it saw it.
        let mut action = action();
        (action["action_type"], action["target"]) = (json!("commit"), json!("commit:4444444"));
        assert!(read(action, Origin::Typed).is_ok());
    }

    #[test]
    fn why_a_text_is_no_line_is_said() {
        for (text, why) in [
            ("a\u{1b}[1m", "one with a control character"),
            ("a\nb", "one of several lines"),
            ("", "an empty one"),
            (&"x".repeat(limits::VALUE_BYTES + 1), "bytes"),
        ] {
            let mut document = action();
            document["result"] = json!(text);
            let said = read(document, Origin::Typed).unwrap_err().to_string();
            assert!(said.starts_with("result: expected a text of one line") && said.ends_with(why), "{said}");
        }
    }

    #[test]
    fn a_text_that_is_committed_to_is_let_go_of() {
        let mut document = action();
        document["command"] = json!("curl -H 'authorization: token' https://example.com");
        let draft = read(document, Origin::Typed).unwrap();
        let value = draft.get("command").unwrap().told.value();
        assert!(!value.to_string().contains("curl"));
        let committed = Committed::read("command", value).unwrap();
        assert!(committed.is(b"curl -H 'authorization: token' https://example.com"));
    }

    #[test]
    fn a_record_under_its_id_is_the_same_or_another_one() {
        let mut n = 0_u8;
        let mut read = |change: &dyn Fn(&mut Value)| {
            let mut document = action();
            document["source_id"] = json!("id-1");
            document["requested_by"] = json!("github:1");
            document["command"] = json!("cargo test");
            document["kind"] = json!("action");
            document.as_object_mut().unwrap().remove("requested_by");
            change(&mut document);
            Draft::read(&document, Origin::Captured, &mut |bytes| {
                n += 1;
                bytes.fill(n);
            })
            .unwrap()
        };
        let one = read(&|_| {});
        assert!(!read(&|_| {}).differs(&one, &[]), "as often as it is handed in");
        for change in [
            &(|d: &mut Value| d["target"] = json!("src/b.rs")) as &dyn Fn(&mut Value),
            &|d| d["command"] = json!("cargo tesT"),
            &|d| d["result"] = json!("ok"),
            &|d| d["known"] = json!({}),
            &|d| d["command"] = json!(null),
            &|d| drop(d.as_object_mut().unwrap().remove("command")),
        ] {
            assert!(read(change).differs(&one, &[]), "{:?}", read(change));
            assert!(one.differs(&read(change), &[]));
        }
        let less = read(&|d| drop(d.as_object_mut().unwrap().remove("execution_id")));
        assert!(one.differs(&less, &[]) && !one.differs(&less, &["execution_id"]), "erased");
    }

    #[test]
    fn an_id_that_must_not_be_kept_is_made_of_what_the_record_says() {
        let id = |id: &str, target: &str, origin| {
            let mut document = action();
            (document["source_id"], document["target"]) = (json!(id), json!(target));
            read(document, origin).map(|draft| draft.text("source_id").unwrap_or_default().to_owned())
        };
        let secret = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for place in [secret.as_str(), "/home/alice/1", "alice@example.com/1"] {
            let found = id(place, "src/a.rs", Origin::Captured).unwrap();
            assert!(found.starts_with("derived:sha256:") && !found.contains(place), "{found}");
            assert_eq!(id(place, "src/a.rs", Origin::Captured).unwrap(), found, "stable");
            assert_ne!(id(place, "src/b.rs", Origin::Captured).unwrap(), found, "nobody can try ids out");
        }
        assert!(id(&secret, "src/a.rs", Origin::Typed).is_err(), "what is typed is refused");
        assert_eq!(id("toolu_1", "src/a.rs", Origin::Captured).unwrap(), "toolu_1", "the twin");
    }

    #[test]
    fn a_secret_is_refused_where_it_was_typed_and_withheld_where_it_was_found() {
        let secret = format!("ghp_{}", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        let mut document = action();
        document["metadata"] = json!({ "header": secret });
        let refused = read(document.clone(), Origin::Typed).unwrap_err();
        assert!(!refused.to_string().contains("ghp_"), "{refused}");
        assert_eq!(refused.code().as_str(), "record-secret");
        let kept = read(document, Origin::Captured).unwrap();
        assert_eq!(kept.get("metadata").unwrap().told, Told::Withheld);
        assert_eq!(kept.text("target"), Some("src/a.rs"));
        let mut document = action();
        document["target"] = json!("/home/alice/x");
        assert_eq!(read(document, Origin::Captured).unwrap().get("target").unwrap().told, Told::Withheld);
    }
}
