//! in-toto Statement: v1 read and written, v0.1 read.

use crate::model::json::{self, Field, JsonError};
use crate::model::resource::Subject;
use crate::model::work::{self, Work};
use crate::model::{limits, uri};
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fmt;

/// The type of a predicate: an absolute URI without white space, at most 2,048 characters (in-toto `TypeURI`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PredicateUri(String);

impl PredicateUri {
    /// Checks the form; two URIs are the same only if equal to the letter.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once(':')?;
        let ok = !rest.is_empty()
            && text.len() <= 2048
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
            && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
        ok.then(|| Self(text.to_owned()))
    }

    /// SLSA provenance v1.
    #[must_use]
    pub fn slsa_provenance() -> Self {
        Self(uri::SLSA_PROVENANCE.to_owned())
    }

    /// The URI.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PredicateUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An in-toto Statement (attestation framework, Statement layer v1): 1 to [`limits::SUBJECTS`] subjects, a predicate.
///
/// Parsed is not verified: that a value of this type exists says nothing about who wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    subjects: Vec<Subject>,
    predicate_type: PredicateUri,
    /// As it was written: an object. A tree of it is made when somebody asks, as it takes many times as much memory.
    predicate: Text,
}

/// A text in memory that it may share: with the rest of the document that it stands in, or with other statements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text(Bytes);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text.into_bytes().into())
    }
}

impl Text {
    /// A part of a document.
    fn part(document: &Bytes, part: &str) -> Self {
        Self(document.slice_ref(part.as_bytes()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("made of a text")
    }
}

impl Statement {
    /// Composes a statement.
    ///
    /// # Errors
    /// When there is no subject, or more than [`limits::SUBJECTS`].
    pub fn new(
        subjects: Vec<Subject>,
        predicate_type: PredicateUri,
        predicate: Map<String, Value>,
    ) -> Result<Self, JsonError> {
        Self::of(subjects, predicate_type, Value::Object(predicate).to_string().into())
    }

    /// Composes a statement of a predicate as it is written: its numbers keep their text. It must be an object of acceptable
    /// JSON, as [`json::check`] finds it.
    ///
    /// # Errors
    /// As [`Statement::new`], and where the text is none.
    pub fn written(subjects: Vec<Subject>, predicate_type: PredicateUri, predicate: &Text) -> Result<Self, JsonError> {
        json::check(predicate.as_str().as_bytes(), limits::STATEMENT_BYTES)?;
        match json::written_kind(predicate.as_str().as_bytes()) {
            "an object" => Self::of(subjects, predicate_type, predicate.clone()),
            found => Err(JsonError::unexpected("statement.predicate", "an object", found)),
        }
    }

    fn of(subjects: Vec<Subject>, predicate_type: PredicateUri, predicate: Text) -> Result<Self, JsonError> {
        if subjects.is_empty() {
            return Err(JsonError::unexpected("statement.subject", "at least one subject", "none"));
        }
        if subjects.len() > limits::SUBJECTS {
            let what = format!("the number of subjects of a statement, {}", subjects.len());
            return Err(JsonError::TooLarge { what, limit: limits::SUBJECTS });
        }
        Ok(Self { subjects, predicate_type, predicate })
    }

    /// Reads a statement, v1 or v0.1.
    ///
    /// # Errors
    /// Not JSON, a duplicate key, another `_type`, no subject with a digest, a digest that is not canonical, a predicate
    /// type that is no URI, a predicate that is no object, or over a limit. A subject without a digest beside others names
    /// nothing that could be verified, and is passed over.
    pub fn parse(bytes: &[u8]) -> Result<Self, JsonError> {
        Self::parse_shared(&Bytes::copy_from_slice(bytes))
    }

    /// The same, without a copy of the predicate, which may be tens of megabytes: it keeps the document.
    ///
    /// # Errors
    /// As [`Statement::parse`].
    pub(crate) fn parse_shared(document: &Bytes) -> Result<Self, JsonError> {
        Self::read(document, false)
    }

    /// Reads a statement that is about to be signed: every subject has a digest.
    ///
    /// # Errors
    /// As [`Statement::parse`], and for a subject without a digest.
    pub(crate) fn parse_whole(document: &Bytes) -> Result<Self, JsonError> {
        Self::read(document, true)
    }

    fn read(bytes: &Bytes, whole: bool) -> Result<Self, JsonError> {
        work::did(Work::Statement, bytes);
        json::check(bytes, limits::STATEMENT_BYTES)?;
        let mut written = json::members("statement", bytes)?;
        let predicate = written.remove("predicate").map(|p| p.get()).filter(|p| *p != "null");
        // Of fields that nobody knows only the name matters.
        let known = |key: &str| ["_type", "subject", "predicateType"].contains(&key);
        let read = |(key, text): (&Cow<'_, str>, &&RawValue)| -> Result<(String, Value), JsonError> {
            let value =
                if known(key) { json::parse(text.get().as_bytes(), limits::STATEMENT_BYTES)? } else { Value::Null };
            Ok((key.to_string(), value))
        };
        let value = Value::Object(written.iter().map(read).collect::<Result<_, _>>()?);
        let root = Field::root("statement", &value);
        let version = root.need("_type")?;
        if ![uri::STATEMENT_V1, uri::STATEMENT_V01].contains(&version.str()?) {
            return Err(version.error(format!("`{}`", uri::STATEMENT_V1), format!("`{}`", version.str()?)));
        }
        root.spelled(&["_type", "subject", "predicateType", "predicate"])?;
        if root.object()?.contains_key("subjects") {
            return Err(JsonError::unexpected("statement.subjects", "no such field", "a second spelling of a field"));
        }
        let subjects = root.need("subject")?.list(limits::SUBJECTS)?;
        let named = subjects.iter().any(Subject::has_digest);
        let counts = |s: &&Field<'_>| whole || !named || Subject::has_digest(s);
        let subjects = subjects.iter().filter(counts).map(Subject::from_json).collect::<Result<Vec<_>, _>>()?;
        let kind = root.need("predicateType")?;
        let predicate_type = PredicateUri::parse(kind.str()?)
            .ok_or_else(|| kind.error("an absolute URI", format!("`{}`", kind.str().unwrap_or_default())))?;
        match predicate.map(|p| (p, json::written_kind(p.as_bytes()))) {
            None => Self::of(subjects, predicate_type, String::from("{}").into()),
            Some((p, "an object")) => Self::of(subjects, predicate_type, Text::part(bytes, p)),
            Some((_, found)) => Err(JsonError::unexpected("statement.predicate", "an object", found)),
        }
    }

    /// The bytes to sign: JSON, v1, fields in the specification's order.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let subjects: Value = self.subjects.iter().map(|s| s.descriptor().to_json()).collect();
        let (version, kind) = (Value::from(uri::STATEMENT_V1), Value::from(self.predicate_type.as_str()));
        let predicate = self.predicate.as_str();
        let head = format!(r#"{{"_type":{version},"subject":{subjects},"predicateType":{kind},"predicate":"#);
        [head.as_bytes(), predicate.as_bytes(), b"}"].concat()
    }

    /// What it is about.
    #[must_use]
    pub fn subjects(&self) -> &[Subject] {
        &self.subjects
    }

    /// What kind of claim it makes.
    #[must_use]
    pub fn predicate_type(&self) -> &PredicateUri {
        &self.predicate_type
    }

    /// The claim, as it was written.
    #[must_use]
    pub fn predicate_text(&self) -> &str {
        self.predicate.as_str()
    }

    /// The claim, read anew each time.
    ///
    /// # Errors
    /// [`JsonError::TooLarge`] where a tree of it would take too much memory.
    pub fn predicate(&self) -> Result<Map<String, Value>, JsonError> {
        self.predicate_counted().map(|(predicate, _)| predicate)
    }

    /// The same, with an estimate of the memory that it takes (bytes).
    ///
    /// # Errors
    /// As [`Statement::predicate`].
    pub fn predicate_counted(&self) -> Result<(Map<String, Value>, usize), JsonError> {
        match json::parse_counted(&self.predicate.0, limits::STATEMENT_BYTES)? {
            (Value::Object(predicate), memory) => Ok((predicate, memory)),
            (other, _) => Err(JsonError::unexpected("statement.predicate", "an object", json::kind(&other))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn doc(kind: &str, digest: &str) -> String {
        format!(
            r#"{{"_type":"{kind}","subject":[{{"name":"a","digest":{{"sha256":"{digest}"}}}}],"predicateType":"https://x.example/p","predicate":{{"k":9007199254740993}}}}"#
        )
    }

    #[test]
    fn both_versions_are_read_and_anything_else_is_refused() {
        let hex = "0".repeat(64);
        assert!(Statement::parse(doc(uri::STATEMENT_V1, &hex).as_bytes()).is_ok());
        assert!(Statement::parse(doc(uri::STATEMENT_V01, &hex).as_bytes()).is_ok());
        let e = Statement::parse(doc("https://in-toto.io/Statement/v2", &hex).as_bytes()).unwrap_err();
        assert!(e.to_string().contains("statement._type"), "{e}");
        let e = Statement::parse(doc(uri::STATEMENT_V1, "00").as_bytes()).unwrap_err();
        assert!(e.to_string().contains("statement.subject[0].digest.sha256"), "{e}");
    }

    #[test]
    fn a_neighbour_without_a_digest_is_passed_over_and_never_signed() {
        let text = doc(uri::STATEMENT_V1, &"0".repeat(64));
        for (neighbour, fine) in [
            (r#"{"name":"b"}"#, true),
            (r#"{"name":"b","digest":{}}"#, true),
            (r#"{"name":"b","digest":null}"#, true),
            (r#"{"name":"b","Digest":{"sha256":"00"}}"#, false),
            (r#"{"name":"b","digest":{"sha256":"00"}}"#, false),
            (r#"{"name":"b","digest":"x"}"#, false),
            ("7", false),
        ] {
            let with = text.replace(r#""subject":["#, &format!(r#""subject":[{neighbour},"#));
            assert_eq!(Statement::parse(with.as_bytes()).is_ok_and(|s| s.subjects().len() == 1), fine, "{neighbour}");
            assert!(Statement::parse_whole(&with.clone().into_bytes().into()).is_err(), "{neighbour}");
        }
        assert!(Statement::parse_whole(&text.into_bytes().into()).is_ok());
        let alone = r#"{"_type":"https://in-toto.io/Statement/v1","subject":[{"name":"a"}],"predicateType":"a:b"}"#;
        assert!(Statement::parse(alone.as_bytes()).is_err());
    }

    #[test]
    fn what_is_written_is_read_back_equal() {
        let s = Statement::parse(doc(uri::STATEMENT_V01, &"0".repeat(64)).as_bytes()).unwrap();
        let again = Statement::parse(&s.to_bytes()).unwrap();
        assert_eq!(s, again);
        assert_eq!(again.predicate().unwrap()["k"].to_string(), "9007199254740993");
    }
}
