//! [`Request`]: what the caller says of a build, by flag, checked before it is used.

use crate::capture::error::CaptureError;
use crate::capture::required::Required;
use crate::capture::{Captured, Environment};
use crate::model::limits;
use crate::secrets::Allowed;
use std::path::PathBuf;

/// What flags say. Each value wins over the variable `ATTEST_NAME`, which wins over what the platform says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// `--agent`: who built, written `squad/agent`.
    pub agent: Option<String>,
    /// `--agent-version`.
    pub agent_version: Option<String>,
    /// `--model`: written `provider/id`.
    pub model: Option<String>,
    /// `--session`: the conversation.
    pub session: Option<String>,
    /// `--execution`: one run of the agent.
    pub execution: Option<String>,
    /// `--task`: the id of what was to be done.
    pub task: Option<String>,
    /// `--task-uri`.
    pub task_uri: Option<String>,
    /// `--charter`: a URL, or a file.
    pub charter: Option<String>,
    /// `--requested-by`: a principal, for example `github:583231`.
    pub requested_by: Option<String>,
    /// `--trigger`: manual, scheduled, event or smart.
    pub trigger: Option<String>,
    /// `--builder-id`: who runs the build, a URI, where neither a certificate nor a CI system names it.
    pub builder_id: Option<String>,
    /// `--dependencies`: lock files beside those at the top of the checkout.
    pub dependencies: Vec<PathBuf>,
    /// `--materials`: `NAME=URI@ALGORITHM:HEX`, `NAME=nar:PATH`, `NAME=PATH`, `PATH` or a glob.
    pub materials: Vec<String>,
    /// `--require`: names of fields that must be there, besides those that the project file requires.
    pub require: Vec<String>,
    /// `--allow-secret-like`: texts that look like secrets and are none.
    pub allowed_secret_like: Vec<Allowed>,
    /// `--base-image`: an image reference with a digest.
    pub base_image: Option<String>,
    /// The subject's annotations `org.opencontainers.image.base.name` and `.digest`, where the caller has its manifest.
    pub base_annotations: Option<(String, String)>,
    /// `--record-credentials names`: names of credentials beside their kinds.
    pub credential_names: bool,
    /// `--share-identity`: the build step is handed what asks for identity tokens.
    pub share_identity: bool,
    /// The build step after `--`.
    pub command: Vec<String>,
    /// Another predicate than provenance is signed: lock files that nobody named are not read.
    pub other_predicate: bool,
    /// Subjects and outputs, names or globs relative to the working folder: no part of the source.
    pub excluded: Vec<PathBuf>,
}

impl Request {
    /// The fields that must be there: those of the flag, and those of the project file.
    pub(super) fn required(&self, by_project: &[Required]) -> Result<Vec<Required>, CaptureError> {
        const FIELD: &str =
            "the name of a field of the provenance (docs/provenance.md), for example source, agent.id or dependencies";
        let mut all = by_project.to_vec();
        for name in &self.require {
            all.push(Required::named(name).ok_or_else(|| CaptureError::value("--require", FIELD, name))?);
        }
        Ok(all)
    }

    /// The flags that say something of the agent, and whether each was given.
    pub(super) fn of_agent(&self) -> [(&'static str, bool); 4] {
        [
            ("--agent-version", self.agent_version.is_some()),
            ("--model", self.model.is_some()),
            ("--session", self.session.is_some()),
            ("--execution", self.execution.is_some()),
        ]
    }
}

/// A flag, else its variable; `None` with the reason where neither is there.
///
/// # Errors
/// [`CaptureError::Value`] when it is empty, too long or has control characters.
pub(super) fn given(flag: &Option<String>, name: &str, env: &Environment) -> Result<Captured<String>, CaptureError> {
    let variable = format!("ATTEST_{}", name.to_ascii_uppercase().replace('-', "_"));
    let flag_name = format!("--{name}");
    let (value, source) = match (flag, env.variable(&variable)) {
        (Some(value), _) => (value.as_str(), flag_name),
        (None, Some(value)) => (value, variable),
        (None, None) => return Ok(Captured::absent(&format!("neither {flag_name} nor {variable} was given"))),
    };
    if value.trim().is_empty() || value.len() > limits::VALUE_BYTES || value.chars().any(char::is_control) {
        return Err(CaptureError::value(source, "one line of text", value));
    }
    Ok(Captured::found(value.to_owned(), &source))
}
