//! `agent`: which agent, with which model.

use super::matching::{GLOBS, Level, any_of, assurance, verdict};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Parsed};
use crate::policy::{Assurance, Glob, Reason};
use crate::predicate::field::fact;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    AGENT = "agent-mismatch", [Producer],
        "the provenance names another agent than is demanded, or none",
        "compare the agent in the message with --agent or `agent.ids`; if it is the right one, allow it there";
    MODEL = "model-mismatch", [Producer],
        "the provenance names another model than is demanded, or none",
        "compare the model in the message with `agent.models`; if it is the right one, allow it there";
}

static IDS: Field<ListOf<Parsed<Glob>>> = Field::new("ids", "Ids, squad/agent: any of these.", GLOBS);
static MODELS: Field<ListOf<Parsed<Glob>>> = Field::new("models", "Models, provider/id: any of these.", GLOBS);
static ASSURANCE: Field<Level> = assurance("the agent");

/// The row.
pub(super) static RULE: Rule =
    Rule::of("agent", &Map::of("Which agent, with which model.", &[&IDS, &MODELS, &ASSURANCE]).not_empty(), |field| {
        let (ids, models) = (IDS.read(field)?.unwrap_or_default(), MODELS.read(field)?.unwrap_or_default());
        let assurance = ASSURANCE.read(field)?;
        if ids.is_empty() && models.is_empty() && assurance.is_none() {
            return Err(field.error("at least one of ids, models, assurance"));
        }
        Ok(Box::new(AgentCheck { ids, models, assurance }))
    });

/// A demand on the agent.
#[derive(Debug, Default, Clone)]
#[non_exhaustive]
pub struct AgentCheck {
    /// Any of these ids, `squad/agent`; empty means any.
    pub ids: Vec<Glob>,
    /// Any of these models, `provider/id`; empty means any.
    pub models: Vec<Glob>,
    /// How it must be known.
    pub assurance: Option<Assurance>,
}

impl AgentCheck {
    /// Adds an id, `squad/agent`: any of them will do.
    #[must_use]
    pub fn id(mut self, id: Glob) -> Self {
        self.ids.push(id);
        self
    }

    /// Adds a model, `provider/id`: any of them will do.
    #[must_use]
    pub fn model(mut self, model: Glob) -> Self {
        self.models.push(model);
        self
    }

    /// How it must be known.
    #[must_use]
    pub fn assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }
}

impl Check for AgentCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        let p = input.provenance()?;
        let (agent, model) = (p.agent(), p.model());
        let demanded = [!self.ids.is_empty(), !self.models.is_empty()];
        let named = [agent.is_some(), model.is_some()];
        let parts = if demanded.contains(&true) { demanded } else { named };
        let parts: Vec<_> = [fact::AGENT_ID, fact::AGENT_MODEL]
            .into_iter()
            .zip(parts)
            .filter(|(_, counts)| *counts)
            .map(|(f, _)| f.name)
            .collect();
        verdict(vec![
            self.assurance.and_then(|wanted| input.too_low("agent", wanted, &parts)),
            (!self.ids.is_empty()).then(|| any_of(AGENT, "agent", &self.ids, agent)).flatten(),
            (!self.models.is_empty()).then(|| any_of(MODEL, "model", &self.models, model.as_deref())).flatten(),
        ])
    }
}
