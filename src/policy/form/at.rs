//! [`At`]: a value of a policy with its path.

use crate::model::yaml::{Kind, Node};
use crate::policy::PolicyError;
use crate::trust::PublicKey;
use std::fmt;

/// Finds the key that a policy names by a path, relative to the policy file. The error is for people.
pub type KeyLoader<'a> = &'a dyn Fn(&str) -> Result<PublicKey, String>;

/// A node together with its path, so that every error names the field and its place.
#[derive(Clone)]
pub struct At<'a> {
    /// Dotted path from the document's root.
    pub path: String,
    /// The value.
    pub node: &'a Node,
    /// Finds keys that are named by paths.
    pub keys: KeyLoader<'a>,
}

impl fmt::Debug for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("At").field("path", &self.path).field("node", &self.node).finish_non_exhaustive()
    }
}

impl<'a> At<'a> {
    /// The document.
    #[must_use]
    pub fn root(node: &'a Node, keys: KeyLoader<'a>) -> Self {
        Self { path: String::new(), node, keys }
    }

    /// An error about this field.
    pub fn error(&self, expected: impl Into<String>) -> PolicyError {
        PolicyError::Unexpected {
            line: self.node.line,
            column: self.node.column,
            path: if self.path.is_empty() { "the policy".into() } else { self.path.clone() },
            expected: expected.into(),
            found: self.node.describe(),
        }
    }

    /// Checks that this is a map of known fields; `later` are fields of the format that this version does not enforce.
    ///
    /// # Errors
    /// When it is no map, or has a field of `later`, an unknown one or one without a value: a demand whose value was
    /// not filled in is a mistake, not "no demand".
    pub fn fields(&self, known: &[&str], later: &[&str]) -> Result<(), PolicyError> {
        let Kind::Map(members) = &self.node.kind else { return Err(self.error("a map")) };
        for (key, value) in members {
            let (line, column, path) = (value.line, value.column, self.join(key));
            if later.contains(&key.as_str()) {
                return Err(PolicyError::NotEnforced { line, column, path });
            }
            if !known.contains(&key.as_str()) {
                let known = known.join(", ");
                return Err(PolicyError::UnknownField { line, column, path, known });
            }
            if matches!(value.kind, Kind::Null) {
                let field = Self { path, node: value, keys: self.keys };
                return Err(field.error("a value (leave the field out where nothing is demanded)"));
            }
        }
        Ok(())
    }

    /// A member, if there. One without a value is there.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Self> {
        let Kind::Map(members) = &self.node.kind else { return None };
        let (_, node) = members.iter().find(|(k, _)| k == key)?;
        Some(Self { path: self.join(key), node, keys: self.keys })
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// [`PolicyError::Missing`].
    pub fn need(&self, key: &str) -> Result<Self, PolicyError> {
        self.get(key).ok_or_else(|| PolicyError::Missing {
            line: self.node.line,
            column: self.node.column,
            path: self.join(key),
        })
    }

    /// The elements of the list this is: at least one.
    ///
    /// # Errors
    /// When it is something else, or empty: an empty list of what is allowed is a mistake, not "anything".
    pub fn list(&self) -> Result<Vec<Self>, PolicyError> {
        match &self.node.kind {
            Kind::List(items) if !items.is_empty() => Ok(items
                .iter()
                .enumerate()
                .map(|(i, node)| Self { path: format!("{}[{i}]", self.path), node, keys: self.keys })
                .collect()),
            _ => Err(self.error("a list with at least one element")),
        }
    }

    /// The text this is.
    ///
    /// # Errors
    /// When it is something else, or empty.
    pub fn str(&self) -> Result<&'a str, PolicyError> {
        match &self.node.kind {
            Kind::Text(t) if !t.is_empty() => Ok(t),
            _ => Err(self.error("a text")),
        }
    }

    /// The truth value this is.
    ///
    /// # Errors
    /// When it is something else.
    pub fn bool(&self) -> Result<bool, PolicyError> {
        match self.node.kind {
            Kind::Bool(b) => Ok(b),
            _ => Err(self.error("true or false")),
        }
    }

    fn join(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::node;

    #[test]
    fn an_error_names_field_and_place() {
        let n = node("spec:\n  mode: [1]\n").unwrap();
        let e = At::root(&n, &|_| Err(String::new())).need("spec").unwrap().need("mode").unwrap().str().unwrap_err();
        assert_eq!(e.to_string(), "line 2, column 9: field `spec.mode`: expected a text, found a list");
    }
}
