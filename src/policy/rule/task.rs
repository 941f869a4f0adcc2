//! `task`: under which task.

use super::{Check, Rule, RuleInput, any_of, globs, verdict};
use crate::model::code::codes;
use crate::policy::schema;
use crate::policy::{Assurance, At, Glob, PolicyError, Reason};
use crate::predicate::field::fact;
use serde_json::{Value, json};

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    TASK = "task-mismatch", [Producer],
        "the provenance names another task than is demanded, or none",
        "compare the task in the message with --task or `task.ids`; if it is the right one, allow it there";
}

/// The row.
pub(super) struct Task;

/// A demand on the task.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TaskCheck {
    /// Any of these ids.
    pub ids: Vec<Glob>,
    /// How it must be known.
    pub assurance: Option<Assurance>,
}

impl TaskCheck {
    /// A task of one of these ids.
    #[must_use]
    pub fn of(ids: Vec<Glob>) -> Self {
        Self { ids, assurance: None }
    }

    /// How it must be known.
    #[must_use]
    pub fn assurance(mut self, assurance: Assurance) -> Self {
        self.assurance = Some(assurance);
        self
    }
}

impl Rule for Task {
    fn name(&self) -> &'static str {
        "task"
    }

    fn parse(&self, field: &At<'_>) -> Result<Box<dyn Check>, PolicyError> {
        field.fields(&["ids", "assurance"], &[])?;
        Ok(Box::new(TaskCheck { ids: globs(&field.need("ids")?)?, assurance: super::assurance(field)? }))
    }

    fn schema(&self) -> Value {
        schema::rule(
            "Under which task.",
            &["ids"],
            json!({ "ids": schema::globs("Ids: any of these."), "assurance": super::assurance_schema("the task") }),
        )
    }
}

impl Check for TaskCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        verdict(vec![
            any_of(TASK, "task", &self.ids, input.provenance()?.task()),
            self.assurance.and_then(|wanted| input.too_low("task", wanted, &[fact::TASK_ID.name])),
        ])
    }
}
