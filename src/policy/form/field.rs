//! Fields of a policy, declared once each: [`Map`] is the list of those that a map may have, and both the parser's knowledge
//! of them and the schema come from it.

use super::At;
use crate::model::yaml::{Kind, Node};
use crate::policy::PolicyError;
use serde_json::{Map as Members, Value, json};

/// What a value may be: how it is read, and what a schema says of it.
pub trait Form: Sync {
    /// What is read.
    type Value;

    /// Reads it.
    ///
    /// # Errors
    /// [`PolicyError`], at the value's place.
    fn read(&self, at: &At<'_>) -> Result<Self::Value, PolicyError>;

    /// Its schema, without a word on what the value means: that is the field's.
    fn schema(&self) -> Value;
}

/// A field as its map lists it.
pub trait Declared: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Whether the map must have it.
    fn is_needed(&self) -> bool {
        false
    }

    /// Its schema, with what it means.
    fn schema(&self) -> Value;
}

/// A field that may be absent.
pub struct Field<F> {
    name: &'static str,
    doc: &'static str,
    form: F,
}

/// A field that must be there.
pub struct Needed<F>(Field<F>);

/// A field that means something where it is absent, too.
pub struct Defaulted<F> {
    field: Field<F>,
    default: &'static str,
}

impl<F: Form> Field<F> {
    /// A field of this name and meaning. A map within has a word on its own meaning: then `doc` is empty.
    pub const fn new(name: &'static str, doc: &'static str, form: F) -> Self {
        Self { name, doc, form }
    }

    /// The same, which must be there.
    pub const fn needed(self) -> Needed<F> {
        Needed(self)
    }

    /// The same, which means this where it is absent: a plain scalar, read as one that stands in the file.
    pub const fn or(self, default: &'static str) -> Defaulted<F> {
        Defaulted { field: self, default }
    }

    /// What it says, where it is there.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn read(&self, map: &At<'_>) -> Result<Option<F::Value>, PolicyError> {
        map.get(self.name).map(|f| self.form.read(&f)).transpose()
    }

    fn described(&self) -> Value {
        let mut all = Members::new();
        if !self.doc.is_empty() {
            all.insert("description".into(), json!(self.doc));
        }
        if let Value::Object(members) = self.form.schema() {
            all.extend(members);
        }
        Value::Object(all)
    }
}

impl<F: Form> Needed<F> {
    /// What it says.
    ///
    /// # Errors
    /// [`PolicyError`], also where it is absent.
    pub fn read(&self, map: &At<'_>) -> Result<F::Value, PolicyError> {
        self.0.form.read(&map.need(self.0.name)?)
    }
}

impl<F: Form> Defaulted<F> {
    /// What it says, there or not.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn read(&self, map: &At<'_>) -> Result<F::Value, PolicyError> {
        if let Some(said) = self.field.read(map)? {
            return Ok(said);
        }
        let node = Node::plain(self.default);
        self.field.form.read(&At { path: self.field.name.to_owned(), node: &node, keys: map.keys })
    }
}

impl<F: Form> Declared for Field<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn schema(&self) -> Value {
        self.described()
    }
}

impl<F: Form> Declared for Needed<F> {
    fn name(&self) -> &'static str {
        self.0.name
    }

    fn is_needed(&self) -> bool {
        true
    }

    fn schema(&self) -> Value {
        self.0.described()
    }
}

impl<F: Form> Declared for Defaulted<F> {
    fn name(&self) -> &'static str {
        self.field.name
    }

    fn schema(&self) -> Value {
        let mut described = self.field.described();
        described["default"] = match Node::plain(self.default).kind {
            Kind::Bool(truth) => json!(truth),
            _ => self.default.parse::<u64>().map_or_else(|_| json!(self.default), |number| json!(number)),
        };
        described
    }
}

/// A map: the fields that it may have. One that it does not list is refused.
pub struct Map {
    doc: &'static str,
    fields: &'static [&'static dyn Declared],
    later: &'static [&'static str],
    least: usize,
}

impl Map {
    /// A map of these fields, and what it means.
    pub const fn of(doc: &'static str, fields: &'static [&'static dyn Declared]) -> Self {
        Self { doc, fields, later: &[], least: 0 }
    }

    /// The same, where one that demands nothing is a mistake.
    pub const fn not_empty(mut self) -> Self {
        self.least = 1;
        self
    }

    /// Fields of the format that this version does not enforce: a policy that has one is refused, never half applied.
    pub const fn later(mut self, names: &'static [&'static str]) -> Self {
        self.later = names;
        self
    }

    /// That a value is a map of fields that are listed here, or among `more`.
    ///
    /// # Errors
    /// As [`At::fields`].
    pub fn check(&self, at: &At<'_>, more: &[&dyn Declared]) -> Result<(), PolicyError> {
        let known: Vec<_> = self.fields.iter().chain(more).map(|f| f.name()).collect();
        at.fields(&known, self.later)
    }

    /// Its schema, with the fields of `more`.
    #[must_use]
    pub fn schema(&self, more: &[&dyn Declared]) -> Value {
        let fields = || self.fields.iter().chain(more);
        let mut all = Members::new();
        if !self.doc.is_empty() {
            all.insert("description".into(), json!(self.doc));
        }
        all.insert("type".into(), json!("object"));
        let needed: Vec<_> = fields().filter(|f| f.is_needed()).map(|f| f.name()).collect();
        if !needed.is_empty() {
            all.insert("required".into(), json!(needed));
        }
        if self.least > 0 {
            all.insert("minProperties".into(), json!(self.least));
        }
        all.insert("additionalProperties".into(), json!(false));
        let properties: Members<String, Value> = fields().map(|f| (f.name().to_owned(), f.schema())).collect();
        all.insert("properties".into(), Value::Object(properties));
        Value::Object(all)
    }
}

/// A map as the form of a field: `read` reads its fields, after all were found to be known.
pub struct Sub<T> {
    /// Its fields.
    pub map: &'static Map,
    /// Reads them.
    pub read: fn(&At<'_>) -> Result<T, PolicyError>,
}

impl<T> Form for Sub<T> {
    type Value = T;

    fn read(&self, at: &At<'_>) -> Result<T, PolicyError> {
        self.map.check(at, &[])?;
        (self.read)(at)
    }

    fn schema(&self) -> Value {
        self.map.schema(&[])
    }
}
