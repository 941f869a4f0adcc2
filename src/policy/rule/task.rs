//! `task`: under which task.

use super::{Check, Rule, RuleInput, any_of, globs, verdict};
use crate::model::Code;
use crate::policy::schema;
use crate::policy::{At, Glob, PolicyError, Reason};
use serde_json::{Value, json};

const TASK: Code = Code::new("task-mismatch");
/// Codes of this rule.
pub(super) const CODES: &[Code] = &[TASK];

/// The row.
pub(super) struct Task;

/// A demand on the task.
#[derive(Debug, Clone)]
pub struct TaskCheck {
    /// Any of these ids.
    pub ids: Vec<Glob>,
}

impl Rule for Task {
    fn name(&self) -> &'static str {
        "task"
    }

    fn parse(&self, field: &At<'_>) -> Result<Box<dyn Check>, PolicyError> {
        field.fields(&["ids"], &[])?;
        Ok(Box::new(TaskCheck { ids: globs(&field.need("ids")?)? }))
    }

    fn schema(&self) -> Value {
        schema::rule("Under which task.", &["ids"], json!({ "ids": schema::globs("Ids: any of these.") }))
    }
}

impl Check for TaskCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        verdict(vec![any_of(TASK, "task", &self.ids, input.provenance()?.task())])
    }
}
