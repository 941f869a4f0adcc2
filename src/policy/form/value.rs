//! Forms that several fields have.

use super::{At, Form};
use crate::model::limits::POLICY_COUNT as MOST;
use crate::model::yaml::Kind;
use crate::policy::{Glob, PolicyError};
use crate::trust::PublicKey;
use serde_json::{Value, json};

/// A text that something is made of. The error says what was expected.
pub(in crate::policy) struct Parsed<T> {
    /// Makes it.
    pub(in crate::policy) read: fn(&str) -> Result<T, String>,
    /// What a schema says of the text.
    pub(in crate::policy) schema: fn() -> Value,
}

impl<T> Form for Parsed<T> {
    type Value = T;

    fn read(&self, at: &At<'_>) -> Result<T, PolicyError> {
        (self.read)(at.str()?).map_err(|expected| at.error(expected))
    }

    fn schema(&self) -> Value {
        (self.schema)()
    }
}

/// A text that is not empty.
pub(in crate::policy) const TEXT: Parsed<String> =
    Parsed { read: |text| Ok(text.to_owned()), schema: || json!({ "type": "string", "minLength": 1 }) };

/// How many of something: from 1 to [`MOST`]. A plain scalar of YAML is a text.
pub(in crate::policy) const COUNT: Parsed<usize> = Parsed {
    read: |text| {
        let number = text.parse::<usize>().ok().filter(|n| (1..=MOST).contains(n));
        number.ok_or_else(|| format!("a number from 1 to {MOST}"))
    },
    schema: || {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 1, "maximum": MOST },
            { "type": "string", "pattern": "^([1-9]|[12][0-9]|3[0-2])$" },
        ] })
    },
};

/// A number of days or hours, in seconds.
pub(in crate::policy) const AGE: Parsed<i64> = Parsed {
    read: |text| {
        let unit = [("d", 86_400), ("h", 3_600)].into_iter().find_map(|(u, s)| Some((text.strip_suffix(u)?, s)));
        let digits = |n: &&str| !n.is_empty() && n.len() <= 5 && n.bytes().all(|b| b.is_ascii_digit());
        let seconds = unit.filter(|(n, _)| digits(n)).and_then(|(n, s)| Some(n.parse::<i64>().ok()? * s));
        seconds.filter(|s| *s > 0).ok_or_else(|| "a number of days or hours, such as 90d or 12h".to_owned())
    },
    schema: || json!({ "type": "string", "pattern": "^[0-9]{1,5}[dh]$" }),
};

/// A glob.
pub(in crate::policy) fn pattern(text: &str) -> Result<Glob, String> {
    Glob::parse(text).ok_or_else(|| "a glob (`*` within a path element, `**` across `/`)".to_owned())
}

impl Glob {
    /// What a schema says of a glob.
    pub(in crate::policy) fn schema(description: &str) -> Value {
        let mut schema = json!({ "description": description, "type": "string" });
        if description.is_empty() {
            schema = json!({ "type": "string" });
        }
        (schema["minLength"], schema["maxLength"]) = (json!(1), json!(2048));
        schema["not"] = json!({ "pattern": "\\*\\*\\*" });
        schema
    }
}

/// `true` or `false`.
pub(in crate::policy) struct Truth;

impl Form for Truth {
    type Value = bool;

    fn read(&self, at: &At<'_>) -> Result<bool, PolicyError> {
        at.bool()
    }

    fn schema(&self) -> Value {
        json!({ "type": "boolean" })
    }
}

/// A word that must stand there. Errors put `intro` before it.
pub(in crate::policy) struct Word {
    /// The word.
    pub(in crate::policy) word: &'static str,
    /// What it is called.
    pub(in crate::policy) intro: &'static str,
}

impl Form for Word {
    type Value = ();

    fn read(&self, field: &At<'_>) -> Result<(), PolicyError> {
        let wanted = self.word;
        if field.str()? != wanted {
            return Err(field.error(format!("{}`{wanted}`", self.intro)));
        }
        Ok(())
    }

    fn schema(&self) -> Value {
        json!({ "const": self.word })
    }
}

/// One of several words.
pub(in crate::policy) struct OneOf<T: 'static>(pub(in crate::policy) fn() -> Vec<(T, &'static str)>);

impl<T> Form for OneOf<T> {
    type Value = T;

    fn read(&self, at: &At<'_>) -> Result<T, PolicyError> {
        let text = at.str()?;
        let known = (self.0)().into_iter().find(|(_, name)| *name == text);
        known.map(|(meant, _)| meant).ok_or_else(|| {
            let names: Vec<_> = (self.0)().into_iter().map(|(_, name)| name).collect();
            match names.split_last() {
                Some((last, others)) if !others.is_empty() => at.error(format!("{} or {last}", others.join(", "))),
                _ => at.error(names.join(", ")),
            }
        })
    }

    fn schema(&self) -> Value {
        json!({ "enum": (self.0)().into_iter().map(|(_, name)| name).collect::<Vec<_>>() })
    }
}

/// A list with at least one element.
pub(in crate::policy) struct ListOf<F>(pub(in crate::policy) F);

impl<F: Form> Form for ListOf<F> {
    type Value = Vec<F::Value>;

    fn read(&self, at: &At<'_>) -> Result<Vec<F::Value>, PolicyError> {
        at.list()?.iter().map(|item| self.0.read(item)).collect()
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "minItems": 1, "items": self.0.schema() })
    }
}

/// A list that may be empty: there "none" is something to say.
pub(in crate::policy) struct AnyNumberOf<F>(pub(in crate::policy) F);

impl<F: Form> Form for AnyNumberOf<F> {
    type Value = Vec<F::Value>;

    fn read(&self, at: &At<'_>) -> Result<Vec<F::Value>, PolicyError> {
        match &at.node.kind {
            Kind::List(items) if items.is_empty() => Ok(Vec::new()),
            _ => at.list()?.iter().map(|item| self.0.read(item)).collect(),
        }
    }

    fn schema(&self) -> Value {
        json!({ "type": "array", "items": self.0.schema() })
    }
}

/// One value, or a list of several of which any will do.
pub(in crate::policy) struct Either<F>(pub(in crate::policy) F);

impl<F: Form> Form for Either<F> {
    type Value = Vec<F::Value>;

    fn read(&self, at: &At<'_>) -> Result<Vec<F::Value>, PolicyError> {
        match at.node.kind {
            Kind::List(_) => at.list()?.iter().map(|item| self.0.read(item)).collect(),
            _ => Ok(vec![self.0.read(at)?]),
        }
    }

    fn schema(&self) -> Value {
        let one = self.0.schema();
        json!({ "oneOf": [one, { "type": "array", "minItems": 1, "items": one }] })
    }
}

/// A map for other readers.
pub(in crate::policy) struct Unread;

impl Form for Unread {
    type Value = ();

    fn read(&self, _: &At<'_>) -> Result<(), PolicyError> {
        Ok(())
    }

    fn schema(&self) -> Value {
        json!({ "type": "object" })
    }
}

/// Whatever other readers need, of any kind.
pub(in crate::policy) struct Anything;

impl Form for Anything {
    type Value = ();

    fn read(&self, _: &At<'_>) -> Result<(), PolicyError> {
        Ok(())
    }

    fn schema(&self) -> Value {
        json!({ "not": { "type": "null" } })
    }
}

/// A key: PEM in the policy itself, or the path of a PEM file.
pub(in crate::policy) struct Key;

impl Form for Key {
    type Value = PublicKey;

    fn read(&self, at: &At<'_>) -> Result<PublicKey, PolicyError> {
        let text = at.str()?;
        let key = if text.starts_with("-----BEGIN") {
            PublicKey::from_pem(text.as_bytes()).map_err(|e| e.to_string())
        } else {
            (at.keys)(text)
        };
        key.map_err(|why| at.error(format!("a public key ({why})")))
    }

    fn schema(&self) -> Value {
        TEXT.schema()
    }
}
