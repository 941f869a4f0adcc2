//! `task`: under which task.

use super::matching::{GLOBS, Level, any_of, assurance, verdict};
use super::seam::{Check, Rule, RuleInput};
use crate::model::code::codes;
use crate::policy::form::{Field, ListOf, Map, Needed, Parsed};
use crate::policy::{Assurance, Glob, Reason};
use crate::predicate::field::fact;

codes! {
    /// Codes of this rule.
    pub(super) CODES;
    TASK = "task-mismatch", [Producer],
        "the provenance names another task than is demanded, or none",
        "compare the task in the message with --task or `task.ids`; if it is the right one, allow it there";
}

static IDS: Needed<ListOf<Parsed<Glob>>> = Field::new("ids", "Ids: any of these.", GLOBS).needed();
static ASSURANCE: Field<Level> = assurance("the task");

/// The row.
pub(super) static RULE: Rule =
    Rule::of("task", &Map::of("Under which task.", &[&IDS, &ASSURANCE]).not_empty(), |field| {
        Ok(Box::new(TaskCheck { ids: IDS.read(field)?, assurance: ASSURANCE.read(field)? }))
    });

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

impl Check for TaskCheck {
    fn check(&self, input: &RuleInput<'_>) -> Result<(), Vec<Reason>> {
        verdict(vec![
            any_of(TASK, "task", &self.ids, input.provenance()?.task()),
            self.assurance.and_then(|wanted| input.too_low("task", wanted, &[fact::TASK_ID.name])),
        ])
    }
}
