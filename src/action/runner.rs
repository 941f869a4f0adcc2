#![expect(clippy::disallowed_methods, reason = "back end: the files that a runner names for a step")]
//! [`Runner`]: what the runner of a workflow gives a step, and takes of it.

use super::ActionError;
use super::encode;
use crate::capture::Environment;
use crate::model::{json, limits};
use crate::places::{files, random_text};
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The file of outputs.
const OUTPUT: &str = "GITHUB_OUTPUT";
/// The job summary.
const SUMMARY: &str = "GITHUB_STEP_SUMMARY";
/// The folder that goes with the job.
const TEMP: &str = "RUNNER_TEMP";
/// What actions/attest remembers its bundles in; later steps of the job read it.
const REMEMBERED: &str = "created_attestation_paths.txt";

/// What the runner gives a step.
#[derive(Debug)]
pub(super) struct Runner<'a> {
    env: &'a Environment,
    output: PathBuf,
    summary: Option<PathBuf>,
    temp: PathBuf,
    /// Nobody guesses it: values end with it, and commands begin to count again.
    pub(super) token: String,
}

impl<'a> Runner<'a> {
    /// Finds it. Everything that is written later can be written now, so that nothing is signed of which no later step could learn.
    ///
    /// # Errors
    /// Where this is no step of a workflow, or a file cannot be written.
    pub(super) fn find(env: &'a Environment) -> Result<Self, ActionError> {
        let named = |variable: &'static str| env.variable(variable).map(PathBuf::from);
        let needed = |variable: &'static str| named(variable).ok_or(ActionError::NoRunner { variable });
        let (output, temp, summary) = (needed(OUTPUT)?, needed(TEMP)?, named(SUMMARY));
        append(OUTPUT, &output, b"")?;
        summary.as_ref().map_or(Ok(()), |path| append(SUMMARY, path, b""))?;
        if !temp.is_dir() {
            return Err(unwritable(TEMP, &temp, "it is no folder"));
        }
        append(TEMP, &temp.join(REMEMBERED), b"")?;
        let token = random_text().ok_or(ActionError::NoRandomness)?;
        Ok(Self { env, output, summary, temp, token })
    }

    /// Adds outputs, all of them or none.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(super) fn output(&self, outputs: &[(&str, &str)]) -> Result<(), ActionError> {
        let text: String = outputs.iter().map(|(name, value)| encode::output(name, value, &self.token)).collect();
        append(OUTPUT, &self.output, text.as_bytes())
    }

    /// Writes the summary to a file of its own, and adds it to that of the job where it is asked for. The file's path.
    ///
    /// # Errors
    /// Where one of them cannot be written.
    pub(super) fn summarise(&self, markdown: &str, to_job: bool) -> Result<PathBuf, ActionError> {
        let path = self.own("summary.md");
        files::replace(&path, markdown.as_bytes())?;
        if let (Some(summary), true) = (&self.summary, to_job) {
            append(SUMMARY, summary, format!("{markdown}\n").as_bytes())?;
        }
        Ok(path)
    }

    /// Remembers a file of bundles, as actions/attest does.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn remember(&self, bundle: &Path) -> Result<(), ActionError> {
        let path = self.env.working_dir.join(bundle);
        append(TEMP, &self.temp.join(REMEMBERED), format!("{}\n", path.display()).as_bytes())
    }

    /// Writes a file in a folder of its own, where nothing else is. Its path.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub(super) fn alone(&self, name: &str, text: &str) -> Result<PathBuf, ActionError> {
        let folder = self.own("subjects");
        fs::create_dir(&folder).map_err(|e| unwritable(TEMP, &folder, &e.to_string()))?;
        let path = folder.join(name);
        files::replace(&path, text.as_bytes())?;
        Ok(path)
    }

    /// A path in the job's temporary folder that no other step has.
    pub(super) fn own(&self, name: &str) -> PathBuf {
        self.temp.join(format!("attest-{}-{name}", self.token.get(..12).unwrap_or(&self.token)))
    }

    /// Where an outbox is that nobody names.
    pub(super) fn outbox(&self) -> PathBuf {
        self.temp.join("attest-outbox")
    }

    /// The list of the job's artifacts; none where the runner makes none.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub(super) fn artifacts(&self) -> Result<Option<Vec<u8>>, ActionError> {
        let path = self.env.variable("GITHUB_ARTIFACTS_LIST").filter(|path| !path.trim().is_empty());
        Ok(path.map(|path| files::read(Path::new(path), limits::CHECKSUM_BYTES)).transpose()?)
    }

    /// Whether a job of GitHub's may ask for a token of its identity.
    pub(super) fn gives_identity(&self) -> bool {
        self.env.variable("ACTIONS_ID_TOKEN_REQUEST_URL").is_some()
    }

    /// Whether this runs for a pull request of another repository, whose jobs are given neither secrets nor an identity.
    pub(super) fn is_of_fork(&self) -> bool {
        if self.env.variable("GITHUB_EVENT_NAME") != Some("pull_request") || self.gives_identity() {
            return false;
        }
        let Some(path) = self.env.variable("GITHUB_EVENT_PATH") else { return false };
        let bytes = files::read(Path::new(path), limits::PREDICATE_BYTES).unwrap_or_default();
        let Ok(event) = json::parse(&bytes, limits::PREDICATE_BYTES) else { return false };
        let name = |side: &str| event.pointer(&format!("/pull_request/{side}/repo/full_name")).and_then(Value::as_str);
        // The head of a fork that was deleted has no repository.
        name("base").is_some_and(|base| name("head") != Some(base))
    }
}

/// Adds bytes to a regular file, in one write.
fn append(variable: &'static str, path: &Path, bytes: &[u8]) -> Result<(), ActionError> {
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file()) {
        return Err(unwritable(variable, path, "it is no regular file"));
    }
    let opened = OpenOptions::new().append(true).create(true).open(path);
    let written = opened.and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| unwritable(variable, path, &e.to_string()))
}

fn unwritable(variable: &'static str, path: &Path, cause: &str) -> ActionError {
    ActionError::RunnerFile { variable, path: path.display().to_string(), cause: cause.to_owned() }
}
