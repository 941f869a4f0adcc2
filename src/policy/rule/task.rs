//! `task`: under which task.

use super::{Check, Rule, RuleInput, any_of, globs, verdict};
use crate::model::Code;
use crate::policy::schema;
use crate::policy::{Assurance, At, Glob, PolicyError, Reason};
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
    /// How it must be known.
    pub assurance: Option<Assurance>,
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
            self.assurance.and_then(|wanted| input.too_low("task", wanted, &["task.id"])),
        ])
    }
}
