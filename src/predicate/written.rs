//! A provenance as it is written, fields in the specification's order. No tree is made of its dependencies, of which there may be
//! a hundred thousand.

use super::Provenance;
use crate::model::{ResourceDescriptor, uri};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

impl Provenance {
    /// The JSON form.
    #[must_use]
    pub fn to_json(&self) -> Map<String, Value> {
        match serde_json::to_value(Written { provenance: self, more: &[] }) {
            Ok(Value::Object(members)) => members,
            _ => unreachable!("texts and values have a JSON form, and this one is an object"),
        }
    }

    /// The JSON form as a text; `more` follow its dependencies.
    #[must_use]
    pub fn to_text(&self, more: &[ResourceDescriptor]) -> String {
        serde_json::to_string(&Written { provenance: self, more }).expect("texts and values have a JSON form")
    }
}

struct Written<'a> {
    provenance: &'a Provenance,
    more: &'a [ResourceDescriptor],
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("buildDefinition", &Definition(self))?;
        out.serialize_entry("runDetails", &Run(self.provenance))?;
        ended(out, &self.provenance.extra[0])
    }
}

struct Definition<'a>(&'a Written<'a>);

impl Serialize for Definition<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Written { provenance, more } = self.0;
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("buildType", &provenance.build_type)?;
        out.serialize_entry("externalParameters", &provenance.external)?;
        if !provenance.internal.is_empty() {
            out.serialize_entry("internalParameters", &provenance.internal)?;
        }
        if !provenance.dependencies.is_empty() || !more.is_empty() {
            out.serialize_entry("resolvedDependencies", &Lists([&provenance.dependencies, more]))?;
        }
        ended(out, &provenance.extra[1])
    }
}

struct Run<'a>(&'a Provenance);

impl Serialize for Run<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("builder", &Builder(self.0))?;
        // Readers of SLSA's own schema expect it (GUAC), if empty; of another maker's build type it stays as it was.
        if !self.0.metadata.is_empty() || self.0.build_type == uri::AGENT_BUILD {
            out.serialize_entry("metadata", &self.0.metadata)?;
        }
        if !self.0.byproducts.is_empty() {
            out.serialize_entry("byproducts", &self.0.byproducts)?;
        }
        ended(out, &self.0.extra[2])
    }
}

struct Builder<'a>(&'a Provenance);

impl Serialize for Builder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_map(None)?;
        out.serialize_entry("id", &self.0.builder_id)?;
        ended(out, &self.0.extra[3])
    }
}

/// Two lists as one.
struct Lists<'a>([&'a [ResourceDescriptor]; 2]);

impl Serialize for Lists<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().flatten())
    }
}

/// The members that this version does not know come last.
fn ended<M: SerializeMap>(mut out: M, unknown: &Map<String, Value>) -> Result<M::Ok, M::Error> {
    for (key, value) in unknown {
        out.serialize_entry(key, value)?;
    }
    out.end()
}
