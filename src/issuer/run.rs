//! What a platform says of a run, in terms that all platforms share.

use crate::model::{Captured, Trigger};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Somebody, by an id that does not change with a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// For example `github:583231`.
    pub id: String,
    /// What people call it.
    pub name: Option<String>,
}

impl Principal {
    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::from_iter([("id".to_owned(), json!(self.id))]);
        out.extend(self.name.iter().map(|n| ("name".to_owned(), json!(n))));
        Value::Object(out)
    }
}

/// The file that says what a run does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workflow {
    /// Repository URL.
    pub repository: String,
    /// Path in the repository.
    pub path: String,
    /// Ref it was read at.
    pub reference: String,
}

/// What a platform says of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct CiContext {
    /// `builder.id` where no certificate speaks for the run.
    pub builder: Captured<String>,
    /// The page of the run, a URL.
    pub invocation: Captured<String>,
    /// Why it began.
    pub trigger: Captured<Trigger>,
    /// Who asked for it.
    pub requested_by: Captured<Principal>,
    /// What it runs.
    pub workflow: Captured<Workflow>,
    /// Repository URL that the run is for.
    pub repository: Captured<String>,
    /// Ref that the run is for.
    pub reference: Captured<String>,
    /// Commit that the run is for.
    pub commit: Captured<String>,
    /// The machine, as the platform names it.
    pub runner: Captured<String>,
    /// Whose machine it is: `github-hosted`, `self-hosted`, `local`.
    pub runner_kind: Captured<String>,
    /// The image that the job runs in, as the platform names it.
    pub container: Captured<String>,
    /// What the one who started the run chose. The value of an input whose name says that it is secret is `None`.
    pub inputs: Captured<BTreeMap<String, Option<Value>>>,
    /// What else the platform says, under its own names: members of its section of `internalParameters`.
    pub details: Vec<(&'static str, Captured<String>)>,
}

impl CiContext {
    /// Nothing is known, for one reason: what a platform does not tell its jobs.
    pub(crate) fn unknown(reason: &str) -> Self {
        Self {
            builder: Captured::absent(reason),
            invocation: Captured::absent(reason),
            trigger: Captured::absent(reason),
            requested_by: Captured::absent(reason),
            workflow: Captured::absent(reason),
            repository: Captured::absent(reason),
            reference: Captured::absent(reason),
            commit: Captured::absent(reason),
            runner: Captured::absent(reason),
            runner_kind: Captured::absent(reason),
            container: Captured::absent(reason),
            inputs: Captured::absent(reason),
            details: Vec::new(),
        }
    }
}
