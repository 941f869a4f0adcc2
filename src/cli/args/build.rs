//! What `create`, `generate` and `flush` share: subjects, captured context, statements.

use crate::capture;
use crate::capture::step::{BuildStep, Snapshot};
use crate::capture::{Context, Environment, Local, Request, Secret, input::files as hashing};
use crate::cli::Ui;
use crate::cli::args::EvidenceArgs;
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::target;
use crate::cli::args::target::Resolved;
use crate::cli::args::{BuildArgs, Common, RecordCredentials};
use crate::cli::exit::Failure;
use crate::cli::show::progress;
use crate::flow;
use crate::model::json;
use crate::model::{Artifact, DigestSet, PredicateUri, Statement, Subject, limits};
use crate::places::files;
use crate::policy::Reason;
use crate::verify::Signer;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The subjects of a build, as they are after the step.
#[derive(Default)]
pub(in crate::cli) struct Subjects {
    /// Artifacts in registries and layouts.
    pub images: Vec<Resolved>,
    /// Files, and what checksum files name.
    pub files: Vec<Subject>,
    /// Paths of the files, where the subjects are files that are here.
    pub paths: Vec<PathBuf>,
}

/// That no verifier will hold the certificate against what was just signed by it.
///
/// # Errors
/// Exit 1. Of another builder a policy may say that the signer speaks for it, so that is a note.
pub(in crate::cli) fn agrees(statement: &Statement, signer: &Signer, ui: &Ui) -> Result<(), Failure> {
    without(flow::contradictions(statement, signer), ui)
}

/// The same of a certificate that has signed nothing yet, by its issuer and claims: then nothing is signed, and no log told.
///
/// # Errors
/// As [`agrees`].
pub(in crate::cli) fn agrees_beforehand(
    statement: &Statement,
    certificate: &(String, BTreeMap<u32, String>),
    ui: &Ui,
) -> Result<(), Failure> {
    without(flow::contradictions_of(statement, &certificate.0, &certificate.1), ui)
}

fn without(contradictions: Vec<Reason>, ui: &Ui) -> Result<(), Failure> {
    for reason in contradictions {
        let message = format!("the signing certificate contradicts the provenance: {}", reason.message);
        if reason.code == flow::OTHER_BUILDER {
            ui.note(&format!("{message}; only a policy that lists `builders` for this signer will take it"));
        } else {
            return Err(Failure::no(
                reason.code,
                format!("{message}; nobody could verify it, so it was not published"),
            ));
        }
    }
    Ok(())
}

/// Captures the context, before the build step.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) fn context(
    build: &BuildArgs,
    subjects: &[String],
    own: &[PathBuf],
    step: Option<&BuildStep<'_>>,
    env: &Environment,
    common: &Common,
) -> Result<Context, Failure> {
    let request = Request {
        agent: build.agent.clone(),
        agent_version: build.agent_version.clone(),
        model: build.model.clone(),
        session: build.session.clone(),
        execution: build.execution.clone(),
        task: build.task.clone(),
        task_uri: build.task_uri.clone(),
        charter: build.charter.clone(),
        requested_by: build.requested_by.clone(),
        trigger: build.trigger.clone(),
        dependencies: build.dependencies.clone(),
        materials: build.materials.clone(),
        base_image: build.base_image.clone(),
        base_annotations: None,
        credential_names: build.record_credentials == RecordCredentials::Names,
        share_identity: step.is_some_and(|s| s.share_identity),
        command: step.map_or_else(Vec::new, |s| s.command.to_vec()),
        excluded: excluded(subjects, own),
    };
    let local = Local { hash_time: common.timeout, ..Local::default() };
    Ok(capture::capture(&request, env, &local)?)
}

/// Says what was passed over, and what two places say differently of a field: whoever signs it should know.
pub(in crate::cli) fn note_disagreements(context: &Context, ui: &Ui) {
    for reason in &context.passed_over {
        ui.note(&format!("passed over: {reason}"));
    }
    for text in context.left_out() {
        ui.note(&text);
    }
    for row in context.explain() {
        if let Some(text) = &row.disagreement {
            ui.note(&format!("{}: {text}", row.field));
        }
    }
}

/// Subjects and files of ours: no part of the source, and nothing that a step wrote beside its subjects.
pub(in crate::cli) fn excluded(subjects: &[String], own: &[PathBuf]) -> Vec<PathBuf> {
    subjects.iter().filter_map(|s| local_path(s)).chain(own.iter().cloned()).collect()
}

/// The path of a subject that may be one: nothing that names a registry.
fn local_path(subject: &str) -> Option<PathBuf> {
    let text = subject.strip_prefix("file:").unwrap_or(subject);
    if let Some(layout) = text.strip_prefix("oci:") {
        return Some(layout.split_once("@sha").map_or(layout, |(p, _)| p).into());
    }
    (!text.contains('@')).then(|| text.into())
}

/// Files that subjects name and that are there already, with their digests: to tell later what the step wrote.
///
/// # Errors
/// A file's that is there and cannot be hashed.
pub(in crate::cli) fn snapshot(subjects: &[String], env: &Environment, common: &Common) -> Result<Snapshot, Failure> {
    let mut paths = Vec::new();
    for s in subjects.iter().filter(|s| !s.starts_with("oci:") && !s.contains('@')) {
        let pattern = s.strip_prefix("file:").unwrap_or(s).to_owned();
        // What does not exist yet is the usual case before a build.
        if let Ok(found) = hashing::expand(&[pattern], &env.working_dir) {
            paths.extend(found.iter().map(|p| env.working_dir.join(p)));
        }
    }
    Ok(Snapshot::take(&paths, progress::hashing(common).as_ref())?)
}

/// Resolves all subjects, after the step.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn subjects(
    typed: &[String],
    env: &Environment,
    common: &Common,
    attestation_repository: Option<&str>,
) -> Result<Subjects, Failure> {
    let mut out = Subjects::default();
    let places =
        EvidenceArgs { attestation_repository: attestation_repository.map(str::to_owned), ..EvidenceArgs::default() };
    let mut patterns = Vec::new();
    for text in typed {
        let pattern = text.strip_prefix("file:").unwrap_or(text);
        let is_glob = !text.starts_with("oci:") && !text.contains('@') && pattern.contains(['*', '?', '[']);
        let checksums = Path::new(pattern).file_name().and_then(|n| n.to_str()).is_some_and(capture::is_checksum_file);
        if is_glob {
            patterns.push(pattern.to_owned());
            continue;
        }
        match SubjectSpec::parse(text)? {
            SubjectSpec::File(path) if checksums => {
                let bytes = files::read(&path, limits::CHECKSUM_BYTES)?;
                out.files.extend(capture::from_checksums(&path.display().to_string(), &bytes)?);
            }
            SubjectSpec::File(path) => patterns.push(path.display().to_string()),
            SubjectSpec::Image(_) | SubjectSpec::Layout { .. } => {
                out.images.push(target::resolve(text, common, &places, false).await?);
            }
        }
    }
    if !patterns.is_empty() {
        let found = hashing::subjects(&patterns, &env.working_dir, progress::hashing(common).as_ref())?;
        out.paths = found.iter().filter_map(|s| s.descriptor().name()).map(PathBuf::from).collect();
        out.files.extend(found);
    }
    Ok(out)
}

impl Subjects {
    /// All subjects of the statements: images first.
    #[must_use]
    pub(in crate::cli) fn all(&self) -> Vec<Subject> {
        let images =
            self.images.iter().map(|r| Subject::new(image_name(&r.artifact), DigestSet::of(&r.artifact.digest)));
        images.chain(self.files.iter().cloned()).collect()
    }
}

/// Name of an image in a statement: the repository, or the layout's folder without what leads to it.
pub(in crate::cli) fn image_name(artifact: &Artifact) -> String {
    match artifact.scope.strip_prefix("oci:") {
        Some(path) => {
            Path::new(path).file_name().map_or_else(|| "image".to_owned(), |n| n.to_string_lossy().into_owned())
        }
        None => artifact.scope.clone(),
    }
}

/// A predicate and its type.
pub(in crate::cli) type GivenPredicate = (PredicateUri, Map<String, Value>);

/// The predicate that flags name, instead of provenance.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) fn given_predicate(build: &BuildArgs, env: &Environment) -> Result<Option<GivenPredicate>, Failure> {
    let Some(path) = &build.predicate else { return Ok(None) };
    let kind = crate::cli::args::demands::predicate_type(build.predicate_type.as_deref())?;
    let bytes = files::read_published(path, env, limits::PREDICATE_BYTES)?;
    let malformed = |e: json::JsonError| Failure::usage(e.code(), format!("--predicate `{}`: {e}", path.display()));
    let value = json::parse(&bytes, limits::PREDICATE_BYTES).map_err(malformed)?;
    match value {
        Value::Object(map) => Ok(Some((kind, map))),
        other => Err(malformed(json::JsonError::unexpected("predicate", "an object", json::kind(&other)))),
    }
}

/// Stops what must not be signed.
///
/// # Errors
/// `secret-in-statement` names the field and exits 1.
pub(in crate::cli) fn search(statement: &Value, secrets: &[Secret]) -> Result<(), Failure> {
    crate::secrets::find_secret(statement, secrets)
        .map_err(capture::CaptureError::from)
        .map_err(|e| Failure::no(e.code(), e.to_string()))
}

/// The secrets that a build could have written into its own context: of the environment, of the repository's remotes, and
/// of the files that programs keep credentials in. Says which of these could not be read.
pub(in crate::cli) fn secrets(env: &Environment, withheld: &[String], context: &Context, ui: &Ui) -> Vec<Secret> {
    let mut all = capture::secrets(env, withheld);
    all.extend_from_slice(&context.git.secrets);
    all.extend_from_slice(&context.file_secrets.secrets);
    for reason in &context.file_secrets.unread {
        ui.note(&format!("a secret in this file would not be recognised: {reason}"));
    }
    all
}

/// The statements about the subjects: one, or several above the limit of subjects. Searched for secrets.
///
/// # Errors
/// [`Failure`]; `secret-in-statement` names the field and exits 1.
pub(in crate::cli) fn statements(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    predicate: &Map<String, Value>,
    secrets: &[Secret],
) -> Result<Vec<Vec<u8>>, Failure> {
    let mut out = Vec::new();
    for chunk in capture::chunks(subjects) {
        let refused = |e| Failure::from(crate::flow::PublishError::Statement(e));
        let statement = Statement::new(chunk, kind.clone(), predicate.clone()).map_err(refused)?;
        let bytes = statement.to_bytes();
        let value = json::parse(&bytes, limits::STATEMENT_BYTES).map_err(refused)?;
        search(&value, secrets)?;
        out.push(bytes);
    }
    Ok(out)
}
