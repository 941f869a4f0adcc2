//! JSON as a verifier must read it: no duplicate keys, bounded depth and size, errors that name the field.
//!
//! Two readers that disagree about which of two equal keys counts would see two statements under one signature, so a
//! duplicate key is refused (in-toto and DSSE are silent here; RFC 8259 section 4 calls the outcome unpredictable).

pub mod pieces;
mod read;
mod written;

use crate::model::code::codes;
use crate::model::{Code, code};
pub use read::{check, elements, members, memory_of, parse, parse_apart, parse_but_text, parse_counted, written_kind};
use serde_json::{Map, Value};
use std::fmt;
pub use written::{compact, may_round, numbers, spread, written_at};

/// Why a JSON document or one of its fields could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JsonError {
    /// Not JSON, or a duplicate key, or too deep.
    #[error("not acceptable JSON: {message}")]
    Syntax {
        /// The parser's message, with line and column.
        message: String,
    },
    /// One object has the same key twice.
    #[error("duplicate key `{key}` in a JSON object: its meaning would depend on the reader")]
    DuplicateKey {
        /// The key.
        key: String,
    },
    /// The document is nested deeper, is longer or has more elements than allowed.
    #[error("{what} is over the limit of {limit}")]
    TooLarge {
        /// What was counted.
        what: String,
        /// The cap.
        limit: usize,
    },
    /// A field is absent.
    #[error("field `{path}` is missing")]
    Missing {
        /// Dotted path of the field.
        path: String,
    },
    /// A field has another type or form.
    #[error("field `{path}`: expected {expected}, found {found}")]
    Unexpected {
        /// Dotted path of the field.
        path: String,
        /// What it must be.
        expected: String,
        /// What it is.
        found: String,
    },
}

codes! {
    /// Codes of [`JsonError`].
    CODES;
    MALFORMED_JSON = "malformed-json", [Caller],
        "the bytes are no JSON",
        "correct the JSON at the line and column that the message names";
    DUPLICATE_KEY = "duplicate-key", [Caller],
        "an object has a key twice, so readers would not agree about it",
        "write the key once";
    MALFORMED_FIELD = "malformed-field", [Caller],
        "a field has another type or form than it must have",
        "give the field the form that the message names";
    MISSING_FIELD = "missing-field", [Caller],
        "a field that must be there is not",
        "add the field that the message names";
}

impl JsonError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Syntax { .. } => MALFORMED_JSON,
            Self::DuplicateKey { .. } => DUPLICATE_KEY,
            Self::TooLarge { .. } => code::LIMIT_EXCEEDED,
            Self::Unexpected { .. } => MALFORMED_FIELD,
            Self::Missing { .. } => MISSING_FIELD,
        }
    }

    /// The same error without what a value says: for files under whose name something secret may stand. Names of fields,
    /// kinds of values and short numbers stay.
    #[must_use]
    pub fn without_value(self) -> Self {
        let Self::Unexpected { path, expected, found } = self else { return self };
        let number = found.len() <= 4 && found.bytes().all(|b| b.is_ascii_digit());
        let kinds = ["null", "a boolean", "a number", "a string", "a list", "an object"];
        let keep = number || kinds.contains(&found.as_str());
        Self::Unexpected { path, expected, found: if keep { found } else { "something else".to_owned() } }
    }

    /// A field that is not what it must be.
    pub fn unexpected(path: impl Into<String>, expected: impl Into<String>, found: impl fmt::Display) -> Self {
        let found: String = found.to_string().chars().take(120).collect();
        Self::Unexpected { path: path.into(), expected: expected.into(), found }
    }
}

/// What a value is, in words for an error message.
#[must_use]
pub fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// One value of a document together with its path, so that every error names the field.
#[derive(Clone, Debug)]
pub struct Field<'a> {
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    /// The whole document; `name` stands in errors for the document itself.
    #[must_use]
    pub fn root(name: &str, value: &'a Value) -> Self {
        Self { path: name.to_owned(), value }
    }

    /// Dotted path from the root.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &'a Value {
        self.value
    }

    /// An error about this field.
    pub fn error(&self, expected: impl Into<String>, found: impl fmt::Display) -> JsonError {
        JsonError::unexpected(&self.path, expected, found)
    }

    /// The object this is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn object(&self) -> Result<&'a Map<String, Value>, JsonError> {
        self.value.as_object().ok_or_else(|| self.error("an object", kind(self.value)))
    }

    /// A member that may be absent; `null` counts as absent.
    ///
    /// # Errors
    /// When this is no object.
    pub fn get(&self, key: &str) -> Result<Option<Self>, JsonError> {
        Ok(self.object()?.get(key).filter(|v| !v.is_null()).map(|value| Self { path: self.join(key), value }))
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// When it is absent or `null`.
    pub fn need(&self, key: &str) -> Result<Self, JsonError> {
        self.get(key)?.ok_or_else(|| JsonError::Missing { path: self.join(key) })
    }

    /// The elements of the list this is.
    ///
    /// # Errors
    /// When it is something else, or has more than `limit` elements.
    pub fn list(&self, limit: usize) -> Result<Vec<Self>, JsonError> {
        let items = self.value.as_array().ok_or_else(|| self.error("a list", kind(self.value)))?;
        if items.len() > limit {
            return Err(JsonError::TooLarge { what: format!("the list `{}` of {}", self.path, items.len()), limit });
        }
        Ok(items.iter().enumerate().map(|(i, value)| Self { path: format!("{}[{i}]", self.path), value }).collect())
    }

    /// The string this is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn str(&self) -> Result<&'a str, JsonError> {
        self.value.as_str().ok_or_else(|| self.error("a string", kind(self.value)))
    }

    /// The bytes that this string of standard base64 stands for; only the canonical encoding is taken.
    ///
    /// # Errors
    /// When it is no string or no canonical base64.
    pub fn base64(&self) -> Result<Vec<u8>, JsonError> {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD
            .decode(self.str()?)
            .map_err(|e| self.error("standard base64 with padding", e))
    }

    /// A member that is a string, if there.
    ///
    /// # Errors
    /// When it is there and no string.
    pub fn opt_str(&self, key: &str) -> Result<Option<&'a str>, JsonError> {
        self.get(key)?.map(|f| f.str()).transpose()
    }

    /// That this object names none of `names` in another spelling: other case, underscores, or a letter that folds to
    /// one of theirs.
    ///
    /// Other readers take such a key for the same field (Go's `encoding/json` and protobuf's JSON do), so that one
    /// document would have two meanings.
    ///
    /// # Errors
    /// When this is no object, or has such a key.
    pub fn spelled(&self, names: &[&str]) -> Result<(), JsonError> {
        for key in self.object()?.keys().filter(|k| !names.contains(&k.as_str())) {
            if let Some(name) = names.iter().find(|n| folded(n).eq(folded(key))) {
                let found = format!("a second spelling, `{key}`");
                return Err(JsonError::unexpected(self.join(name), format!("the name `{name}`"), found));
            }
        }
        Ok(())
    }

    fn join(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }
}

/// A key as lenient readers compare it: without underscores, in lower case, with the two letters outside of ASCII that
/// fold into it (U+017F, U+212A).
fn folded(key: &str) -> impl Iterator<Item = char> + '_ {
    key.chars().filter(|c| *c != '_').map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::limits;

    #[test]
    fn a_duplicate_key_is_refused_at_any_depth() {
        let e = parse(br#"{"a":[{"b":1,"b":2}]}"#, 100).unwrap_err();
        assert_eq!(e, JsonError::DuplicateKey { key: "b".into() });
        assert!(parse(br#"{"a":[{"b":1},{"b":2}]}"#, 100).is_ok());
        // An escaped spelling of the same key is the same key.
        assert_eq!(parse(br#"{"a":1,"\u0061":2}"#, 100).unwrap_err().code().as_str(), "duplicate-key");
    }

    #[test]
    fn depth_is_capped() {
        let doc = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n));
        assert!(parse(doc(limits::JSON_DEPTH).as_bytes(), 1 << 20).is_ok());
        for n in [limits::JSON_DEPTH + 2, 10_000] {
            assert_eq!(parse(doc(n).as_bytes(), 1 << 20).unwrap_err().code(), code::LIMIT_EXCEEDED);
        }
    }

    #[test]
    fn the_number_of_values_is_capped() {
        let doc = |n: usize| format!("[{}0]", "0,".repeat(n - 2));
        assert_eq!(check(doc(limits::JSON_VALUES).as_bytes(), 1 << 24), Ok(()));
        let e = check(doc(limits::JSON_VALUES + 1).as_bytes(), 1 << 24).unwrap_err();
        assert_eq!(e.code(), code::LIMIT_EXCEEDED);
    }

    #[test]
    fn the_memory_of_a_tree_is_capped_and_a_check_makes_none() {
        let doc = |n: usize| format!("[{}{{}}]", r#"{"":{}},"#.repeat(n));
        let few = doc(10_000);
        let (value, memory) = parse_counted(few.as_bytes(), 1 << 24).unwrap();
        assert!(
            value.as_array().is_some_and(|a| a.len() == 10_001) && memory > 10_000 * size_of::<Value>(),
            "{memory}"
        );
        let many = doc(200_000);
        assert_eq!(check(many.as_bytes(), 1 << 24), Ok(()));
        let e = parse(many.as_bytes(), 1 << 24).unwrap_err();
        assert!(e.code() == code::LIMIT_EXCEEDED && e.to_string().contains("memory"), "{e}");
        // What a lock file becomes: a hundred thousand packages with a digest each.
        let dependency =
            format!(r#"{{"uri":"pkg:npm/some-name@1.22.333","digest":{{"sha512":"{}"}}}},"#, "0".repeat(128));
        let honest = format!("[{}{{}}]", dependency.repeat(100_000));
        assert!(parse(honest.as_bytes(), 1 << 26).is_ok());
    }

    #[test]
    fn a_long_text_is_handed_out() {
        let apart = |text: &str, takes: bool| {
            let mut out = Vec::new();
            let mut take = |text: &str| {
                out.push(text.to_owned());
                takes
            };
            let rest = parse_but_text(text.as_bytes(), 1 << 24, &["a", "b"], &mut take).map(|v| v.to_string());
            (rest, out)
        };
        let text = r#"{"b":"x","a":{"c":"y","b":"z\u0041"}}"#;
        assert_eq!(apart(text, true), (Ok(r#"{"b":"x","a":{"c":"y","b":""}}"#.into()), vec!["zA".into()]));
        assert_eq!(apart(text, false), (Ok(r#"{"b":"x","a":{"c":"y","b":"zA"}}"#.into()), vec!["zA".into()]));
        for text in [r#"{"a":{"b":["x"]}}"#, r#"{"a":["b"]}"#, r#"{"a":{"b":{"b":"x"}}}"#, r#""a""#] {
            assert_eq!(apart(text, true), (Ok(text.into()), vec![]));
        }
        let twice = apart(r#"{"a":{"b":"x","b":"y"}}"#, true).0.unwrap_err();
        assert_eq!(twice, JsonError::DuplicateKey { key: "b".into() });
    }

    #[test]
    fn a_long_list_is_handed_out_within_the_same_limits() {
        let apart = |text: &str, keep: usize| {
            let mut out = Vec::new();
            let mut each = |v: Value| {
                out.push(v.to_string());
                keep
            };
            let rest = parse_apart(text.as_bytes(), 1 << 24, &["a", "b"], &mut each);
            rest.map(|(rest, memory)| (rest.to_string(), out, memory))
        };
        let (rest, out, _) = apart(r#"{"b":[0],"a":{"c":[1],"b":[2,{"b":[3]}]}}"#, 0).unwrap();
        assert_eq!(
            (rest.as_str(), out),
            (r#"{"b":[0],"a":{"c":[1],"b":[]}}"#, vec!["2".into(), r#"{"b":[3]}"#.into()])
        );
        for text in [r#"{"a":{"b":{"0":1}}}"#, r#"{"a":[{"b":[1]}]}"#, r#"{"a":7}"#, "[1]", r#""a""#] {
            assert_eq!(apart(text, 0).unwrap().0, text);
        }
        assert_eq!(
            apart(r#"{"a":{"b":[{"x":1,"x":2}]}}"#, 0).unwrap_err(),
            JsonError::DuplicateKey { key: "x".into() }
        );
        assert_eq!(apart(r#"{"a":{"b":[1],"b":[2]}}"#, 0).unwrap_err(), JsonError::DuplicateKey { key: "b".into() });
        let deep = format!("{}1{}", "[".repeat(limits::JSON_DEPTH - 2), "]".repeat(limits::JSON_DEPTH - 2));
        assert!(apart(&format!(r#"{{"a":{{"b":[{deep}]}}}}"#), 0).is_err());
        assert!(apart(&format!(r#"{{"a":{{"b":{deep}}}}}"#), 0).is_ok());
        // Only what is kept counts.
        let many = format!(r#"{{"a":{{"b":[{}{{}}]}}}}"#, r#"{"":{}},"#.repeat(200_000));
        assert!(apart(&many, 0).unwrap().2 < 10_000);
        assert_eq!(apart(&many, 1000).unwrap_err().code(), code::LIMIT_EXCEEDED);
        let tree = parse(br#"{"a":{"b":[[1],"xy",{"c":{},"d":null}]}}"#, 100).unwrap();
        let counted = parse_counted(tree.to_string().as_bytes(), 100).unwrap().1;
        assert_eq!(memory_of(&tree), counted);
    }

    #[test]
    fn a_check_takes_what_a_parse_takes() {
        for text in [
            "{}",
            "[1,2.5,-3,\"a\\u0061\",true,null]",
            r#"{"a":{"a":1}}"#,
            r#"{"a":1,"\u0061":2}"#,
            "{} {}",
            "{",
            "[1,]",
            "nul",
            r#""\ud800""#,
            "\"\u{1}\"",
            "1e400",
            "",
        ] {
            let (parsed, checked) = (parse(text.as_bytes(), 100), check(text.as_bytes(), 100));
            assert_eq!(parsed.map(|_| ()), checked, "{text}");
        }
    }

    #[test]
    fn an_error_names_the_field() {
        let v = parse(br#"{"a":{"b":[1]}}"#, 100).unwrap();
        let root = Field::root("doc", &v);
        let e = root.need("a").unwrap().need("b").unwrap().list(5).unwrap()[0].str().unwrap_err();
        assert_eq!(e.to_string(), "field `doc.a.b[0]`: expected a string, found a number");
        assert_eq!(root.need("c").unwrap_err().to_string(), "field `doc.c` is missing");
    }

    #[test]
    fn a_second_spelling_of_a_field_is_refused() {
        let check =
            |text: &str| Field::root("d", &parse(text.as_bytes(), 100).unwrap()).spelled(&["manifests", "mediaType"]);
        assert!(check(r#"{"manifests":1,"mediaType":2,"other":3}"#).is_ok());
        for bad in ["Manifests", "manifeſts", "MANIFESTS", "media_type", "MediaType"] {
            let e = check(&format!(r#"{{"manifests":1,"{bad}":2}}"#)).unwrap_err();
            assert!(e.to_string().contains("a second spelling"), "{bad}: {e}");
        }
    }

    #[test]
    fn trailing_bytes_are_refused() {
        assert!(matches!(parse(b"{} {}", 100), Err(JsonError::Syntax { .. })));
    }
}
