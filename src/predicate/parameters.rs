//! What a provenance of the agent build type says in its parameters and metadata.

use super::provenance::{Provenance, TIMES};
use crate::model::json::Field;
use crate::model::{DigestSet, ResourceDescriptor, Timestamp, uri};

impl Provenance {
    /// `externalParameters.agent.id`, written `squad/agent`.
    #[must_use]
    pub fn agent(&self) -> Option<&str> {
        self.text(&["agent", "id"])
    }

    /// `externalParameters.agent.model` as `provider/id`; the id alone where no provider is named.
    #[must_use]
    pub fn model(&self) -> Option<String> {
        let (model, id) = (self.external.get("agent")?.get("model")?, self.text(&["agent", "model", "id"])?);
        match model.get("provider") {
            Some(provider) => Some(format!("{}/{id}", provider.as_str()?)),
            None => Some(id.to_owned()),
        }
    }

    /// `externalParameters.task.id`.
    #[must_use]
    pub fn task(&self) -> Option<&str> {
        self.text(&["task", "id"])
    }

    /// `externalParameters.charter.uri`, of a charter that can be read as a whole.
    #[must_use]
    pub fn charter(&self) -> Option<&str> {
        self.charter_descriptor()?;
        self.text(&["charter", "uri"])
    }

    /// `externalParameters.charter`, whole. Who asks for a part of it asks the same of the rest, so that none can be had
    /// for a demand and hidden from the next.
    #[must_use]
    pub fn charter_descriptor(&self) -> Option<ResourceDescriptor> {
        ResourceDescriptor::from_json(&self.external("charter")?).ok()
    }

    /// `externalParameters.charter.digest`.
    #[must_use]
    pub fn charter_digest(&self) -> Option<DigestSet> {
        self.charter_descriptor()?.digest().cloned()
    }

    /// `externalParameters.requestedBy.id`.
    #[must_use]
    pub fn requested_by(&self) -> Option<&str> {
        self.text(&["requestedBy", "id"])
    }

    /// `externalParameters.trigger` of the agent build type: what set the build off.
    #[must_use]
    pub fn trigger(&self) -> Option<&str> {
        self.text(&["trigger"]).filter(|_| self.build_type == uri::AGENT_BUILD)
    }

    /// A string of `runDetails.metadata`; of a time that is none, as one without its zone, nothing.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        let text = self.metadata.get(key)?.as_str()?;
        (!TIMES.contains(&key) || Timestamp::parse(text).is_ok()).then_some(text)
    }

    /// A string below `externalParameters`.
    #[must_use]
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.external.get(*first)?, |v, key| v.get(key))?.as_str()
    }

    pub(super) fn external(&self, key: &str) -> Option<Field<'_>> {
        self.external
            .get(key)
            .filter(|v| v.is_object())
            .map(|v| Field::root(&format!("predicate.buildDefinition.externalParameters.{key}"), v))
    }
}
