//! [`Context::explain`]: for every field its value and where it came from, or why it is not there.

use crate::capture::record::assurance::unwritten;
use crate::capture::{Captured, Context, Principal, UnreadLockFile};
use crate::model::{ResourceDescriptor, Timestamp};
use crate::predicate::field;
use serde_json::{Map, Value, json};

/// One field of the provenance and how it came about.
#[derive(Clone, Debug, PartialEq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Path below `predicate.buildDefinition` or `predicate.runDetails`.
    pub field: String,
    /// The value as it is written; absent fields have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// The flag, variable, file or git call it came from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What would raise its assurance above `declared`: the level, and what a verifier would need for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_by: Option<String>,
    /// Why it is absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What two places say differently of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disagreement: Option<String>,
}

impl Context {
    /// What was passed over, and what two places say differently of a field, each in a line for whoever signs it.
    #[must_use]
    pub fn doubts(&self) -> Vec<String> {
        let passed_over = self.passed_over.iter().map(|reason| format!("passed over: {reason}"));
        let rows = self.explain();
        let disagreements = rows.iter().filter_map(|r| Some(format!("{}: {}", r.field, r.disagreement.as_ref()?)));
        passed_over.chain(self.left_out()).chain(disagreements).collect()
    }

    /// Every field of the provenance, in its order, present or not.
    #[must_use]
    pub fn explain(&self) -> Vec<Explained> {
        let mut rows = self.rows_of_the_build();
        rows.extend(self.rows_of_what_went_in());
        let section = self.platform_section();
        rows.extend(self.platform.details.iter().map(|(k, v)| row(&format!("internalParameters.{section}.{k}"), v)));
        rows.extend(self.byproducts.iter().map(|(name, found)| {
            explained(&format!("byproducts.{name}"), found, |all| all.iter().map(ResourceDescriptor::to_json).collect())
        }));
        let said = self.disagreements.iter().map(|(field, text)| (*field, text));
        for (field, text) in said.chain(self.contradictions.iter().map(|(field, text)| (field.as_str(), text))) {
            let row = rows.iter_mut().filter(|r| field.starts_with(r.field.as_str())).last();
            if let Some(row) = row {
                let all = row.disagreement.take().map_or_else(|| text.clone(), |other| format!("{other}; {text}"));
                row.disagreement = Some(all);
            }
        }
        for row in rows.iter_mut().filter(|row| row.value.is_some()) {
            row.raised_by = Some(self.raised_by(&row.field));
        }
        rows
    }

    /// What a finished provenance says of where its fields came from.
    pub(in crate::capture) fn recorded_sources(&self) -> Map<String, Value> {
        // Where a trail of an agent lies on this machine is nobody's business; its digest says which it is.
        let written =
            |row: &Explained| row.value.as_ref().is_some_and(|v| !is_empty(v)) && !row.field.starts_with("byproducts.");
        let rows = self.explain().into_iter().filter(written);
        rows.filter_map(|row| Some((row.field, row.source?.into()))).collect()
    }

    /// What two places say differently, by field.
    pub(in crate::capture) fn recorded_disagreements(&self) -> Map<String, Value> {
        self.explain().into_iter().filter_map(|row| Some((row.field, row.disagreement?.into()))).collect()
    }

    /// Who built, for what, where and with which rights.
    fn rows_of_the_build(&self) -> Vec<Explained> {
        let (agent, task, platform) = (&self.agent, &self.task, &self.platform);
        let descriptor = ResourceDescriptor::to_json;
        // Written only below an id.
        let below = |id: &Captured<String>, captured: &Captured<String>, what: &str| match (id, captured) {
            (Captured::Absent { .. }, Captured::Found { source, .. }) => {
                Captured::absent(&format!("{source} was given, but {what}"))
            }
            _ => captured.clone(),
        };
        const NO_AGENT: &str = "no agent it would belong to";
        let model = agent.model.clone().map(|model| model.to_string());
        vec![
            explained(field::SOURCE.path, &self.source, descriptor),
            row(field::TASK_ID.path, &task.id),
            row(field::TASK_URI.path, &below(&task.id, &task.uri, "no task it would belong to")),
            explained(field::CHARTER.path, &self.charter, descriptor),
            row(field::AGENT_ID.path, &agent.id),
            row(field::AGENT_VERSION.path, &below(&agent.id, &agent.version, NO_AGENT)),
            row(field::AGENT_MODEL.path, &below(&agent.id, &model, NO_AGENT)),
            row(field::AGENT_SESSION.path, &below(&agent.id, &agent.session, NO_AGENT)),
            row(field::AGENT_EXECUTION.path, &below(&agent.id, &agent.execution, NO_AGENT)),
            explained(field::REQUESTED_BY.path, &self.requested_by, Principal::to_json),
            explained(field::TRIGGER.path, &self.trigger, |t| json!(t.name())),
            explained(field::COMMAND.path, &self.command, |c| json!(c)),
            explained(
                field::WORKFLOW.path,
                &platform.workflow,
                |w| json!({ "repository": w.repository, "path": w.path, "ref": w.reference }),
            ),
            explained(field::INPUTS.path, &platform.inputs, |i| json!(i)),
            row(field::ENVIRONMENT_ID.path, &platform.runner),
            row(field::ENVIRONMENT_KIND.path, &platform.runner_kind),
            row(field::ENVIRONMENT_OS.path, &Captured::found(self.os.clone(), "the running program")),
            row(field::ENVIRONMENT_ARCH.path, &Captured::found(self.arch.clone(), "the running program")),
            explained(field::ENVIRONMENT_CONTAINER.path, &platform.container, |c| {
                crate::capture::record::assemble::container(c)
            }),
            row(field::ENVIRONMENT_NIX_FLAKE.path, &self.nix),
            explained(field::CREDENTIALS.path, &self.credentials, |c| {
                crate::capture::secret::credentials::to_json(c, self.credential_names)
            }),
            explained(field::ELEVATED.path, &self.elevated, |e| json!(e)),
            explained(field::IDENTITY_SHARED.path, &self.identity_shared, |s| json!(s)),
            explained(field::CAPTURED_AT.path, &self.captured_at, |t: &Timestamp| json!(t.to_string())),
            explained(field::SUBJECTS_NOT_WRITTEN.path, &unwritten(self.unwritten.as_ref()), |n| json!(n)),
        ]
    }

    /// The state of the source and what else went in, and when and by whom it was built.
    fn rows_of_what_went_in(&self) -> Vec<Explained> {
        let platform = &self.platform;
        let descriptor = ResourceDescriptor::to_json;
        let time = |t: &Timestamp| json!(t.to_string());
        let count = self.dependencies.len();
        let signature = match &self.git.object {
            Captured::Absent { reason } => Captured::absent(reason),
            Captured::Found { value, source } => match &value.signature {
                Some(signature) => Captured::found(signature.clone(), &format!("{source}; nobody has verified it")),
                None => Captured::absent("the commit is not signed"),
            },
        };
        vec![
            explained(field::SOURCE_DIRTY.path, &self.git.dirty, |d| {
                let digest = d.digest.value().map(|d| d.hex().to_owned());
                let examples: Vec<_> =
                    d.examples.iter().map(|(path, why)| json!({ "path": path, "why": why })).collect();
                let mut value =
                    json!({ "dirty": d.files > 0, "files": d.files, "sha256": digest, "examples": examples });
                if let (Captured::Absent { reason }, true) = (&d.digest, d.files > 0) {
                    value["noSha256"] = json!(reason);
                }
                value
            }),
            explained(field::SOURCE_SIGNATURE.path, &signature, crate::capture::record::assemble::signature_json),
            explained(field::SOURCE_TAGS.path, &self.git.tags, |t| json!(t)),
            explained(field::SOURCE_CHECKOUT.path, &self.git.shape, |s| json!(s)),
            explained(field::SOURCE_PASSED_OVER.path, &self.passed_over(), |all| json!(all)),
            explained(field::SUBMODULES.path, &self.git.submodules, |all| {
                all.iter().map(|s| json!({ "path": s.path, "commit": s.commit, "url": s.url })).collect()
            }),
            explained(field::BASE_IMAGE.path, &self.base_image, descriptor),
            explained(field::LOCK_FILES.path, &self.lock_files, |names| {
                let unread: Vec<_> = self.unread_lock_files.iter().map(UnreadLockFile::to_string).collect();
                let mut value = json!({ "files": names, "dependencies": count });
                if !unread.is_empty() {
                    value["unread"] = json!(unread);
                }
                value
            }),
            row(field::BUILDER_ID.path, &platform.builder),
            row(field::METADATA_INVOCATION_ID.path, &platform.invocation),
            explained(field::METADATA_STARTED_ON.path, &self.started, time),
            explained(field::METADATA_FINISHED_ON.path, &self.finished, time),
        ]
    }
}

impl Context {
    /// What a variable or a trailer says of an agent or task that nothing names: it is not recorded, and whoever signs should
    /// know.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        fn source<T>(captured: &Captured<T>) -> Option<&str> {
            match captured {
                Captured::Found { source, .. } => Some(source),
                Captured::Absent { .. } => None,
            }
        }
        let (agent, task) = (&self.agent, &self.task);
        let of_agent = [source(&agent.version), source(&agent.model), source(&agent.session), source(&agent.execution)];
        let said = |who: &'static str, id: &Captured<String>, sources: &[Option<&str>]| -> Vec<String> {
            let said = sources.iter().flatten().filter(|_| id.value().is_none());
            said.map(|source| format!("{source} says something of {who}, which nothing names: it is not recorded"))
                .collect()
        };
        let mut all = said("an agent", &agent.id, &of_agent);
        all.extend(said("a task", &task.id, &[source(&task.uri)]));
        all
    }

    /// What git would have run or believed, and the files that lead out of the checkout.
    fn passed_over(&self) -> Captured<Vec<String>> {
        let files = self.passed_over.iter().map(|reason| format!("file {reason}"));
        match &self.git.passed_over {
            Captured::Found { value, source } => Captured::found(value.iter().cloned().chain(files).collect(), source),
            Captured::Absent { .. } if !self.passed_over.is_empty() => {
                Captured::found(files.collect(), "the files that were looked for")
            }
            absent => absent.clone(),
        }
    }
}

fn row(field: &str, captured: &Captured<String>) -> Explained {
    explained(field, captured, |v| json!(v))
}

fn explained<T>(field: &str, captured: &Captured<T>, to_json: impl Fn(&T) -> Value) -> Explained {
    let (value, source, reason) = match captured {
        Captured::Found { value, source } => (Some(to_json(value)), Some(source.clone()), None),
        Captured::Absent { reason } => (None, None, Some(reason.clone())),
    };
    Explained { field: field.to_owned(), value, source, raised_by: None, reason, disagreement: None }
}

/// Nothing that would be written.
fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}
