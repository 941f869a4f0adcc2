//! What `create`, `generate` and `flush` share: subjects, captured context, statements.

use crate::capture::step::BuildStep;
use crate::capture::{Environment, Local, Request, input::files as hashing};
use crate::cli::args::EvidenceArgs;
use crate::cli::args::named::{Around, Lists, expand};
use crate::cli::args::subject::SubjectSpec;
use crate::cli::args::target;
use crate::cli::args::{BuildArgs, Common, RecordCredentials};
use crate::cli::exit::{Failure, codes};
use crate::cli::ui::Ui;
use crate::evidence::{SHARED_BUNDLES, bundles_of};
use crate::flow;
use crate::flow::create::{Image, Subjects};
use crate::model::json;
use crate::model::{Artifact, DigestSet, PredicateUri, Subject, Text, limits};
use crate::places::{Until, files};
use crate::seam::Deadline as _;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// That a flag which names a repository for attestations has an image whose they would be. The variable may be set for
/// other commands.
///
/// # Errors
/// Exit 2.
pub(in crate::cli) fn repository_is_used(
    subjects: &[String],
    named: Option<&str>,
    env: &Environment,
) -> Result<(), Failure> {
    let is_file =
        |text: &String| matches!(SubjectSpec::parse(text), Ok(SubjectSpec::File(_) | SubjectSpec::Digest { .. }));
    match named.filter(|r| env.variable("COSIGN_REPOSITORY") != Some(r)) {
        Some(_) if !subjects.is_empty() && subjects.iter().all(is_file) => {
            let message = "--attestation-repository keeps attestations of images, and no subject is one";
            Err(Failure::usage(codes::USAGE, message))
        }
        _ => Ok(()),
    }
}

/// How long git and hashing may take.
pub(in crate::cli) fn local(common: &Common) -> Local {
    Local { hash_time: common.timeout, ..Local::default() }
}

/// What the flags say of the build. `own` are files of ours that may lie in the checkout.
pub(in crate::cli) fn request(
    build: &BuildArgs,
    subjects: &[String],
    own: &[PathBuf],
    step: Option<&BuildStep<'_>>,
) -> Request {
    Request {
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
        builder_id: build.builder_id.clone(),
        dependencies: build.dependencies.clone(),
        materials: build.materials.clone(),
        require: build.require.clone(),
        allowed_secret_like: build.allow_secret_like.clone(),
        base_image: build.base_image.clone(),
        base_annotations: None,
        credential_names: build.record_credentials == RecordCredentials::Names,
        share_identity: step.is_some_and(|s| s.share_identity),
        command: step.map_or_else(Vec::new, |s| s.command.to_vec()),
        other_predicate: build.predicate.is_some(),
        excluded: excluded(subjects, own),
    }
}

/// Files of ours that may lie in the checkout and are no part of the source: the key pair, what is written now, and the
/// bundles of before.
pub(in crate::cli) fn own_files<'a>(
    subjects: &[String],
    written: impl Iterator<Item = &'a PathBuf>,
    reference: Option<&str>,
) -> Vec<PathBuf> {
    let key = reference.map(|r| PathBuf::from(r.strip_prefix("file:").unwrap_or(r)));
    let keys = key.into_iter().flat_map(|key| [key.with_extension("pub"), key]);
    let base = files::working_folder();
    let bundles = subjects.iter().filter_map(|s| local_path(s)).flat_map(|path| bundles_of(&path, &base));
    let shared = PathBuf::from(SHARED_BUNDLES);
    bundles.chain([shared]).chain(written.cloned()).chain(keys).collect()
}

/// Subjects and files of ours: no part of the source, and nothing that a step wrote beside its subjects.
pub(in crate::cli) fn excluded(subjects: &[String], own: &[PathBuf]) -> Vec<PathBuf> {
    subjects.iter().filter_map(|s| local_path(s)).chain(own.iter().cloned()).collect()
}

/// The path of a subject that may be one: nothing that names a registry.
fn local_path(subject: &str) -> Option<PathBuf> {
    match SubjectSpec::parse(subject) {
        Ok(SubjectSpec::Image(_) | SubjectSpec::Digest { path: None, .. }) => None,
        Ok(SubjectSpec::Layout { path, .. }) => Some(path),
        Ok(SubjectSpec::File(path) | SubjectSpec::Digest { path: Some(path), .. }) => Some(path),
        // What the step is still to make, or a glob.
        Err(_) => Some(subject.into()),
    }
}

/// Paths and globs of the subjects that are files: what a step may write.
pub(in crate::cli) fn file_patterns(subjects: &[String]) -> Vec<String> {
    let is_file = |text: &&String| match SubjectSpec::parse(text) {
        Ok(spec) => matches!(spec, SubjectSpec::File(_)),
        Err(_) => !text.starts_with("oci:"),
    };
    subjects.iter().filter(is_file).map(|s| s.strip_prefix("file:").unwrap_or(s).to_owned()).collect()
}

/// The files that bundles are written to where no flag names one, of the subjects that are a file each.
pub(in crate::cli) fn default_outputs(subjects: &[String]) -> Vec<PathBuf> {
    let files = file_patterns(subjects).into_iter().filter(|p| !p.contains(['*', '?', '[']));
    files.map(|file| PathBuf::from(format!("{file}.sigstore.json"))).collect()
}

/// That the registries which keep evidence of the subjects answer, and let it be pushed.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn pushable(
    subjects: &[String],
    common: &Common,
    attestation_repository: Option<&str>,
) -> Result<(), Failure> {
    let mut asked = Vec::new();
    for text in subjects {
        let reference = match SubjectSpec::parse(text) {
            Ok(SubjectSpec::Image(reference)) => reference,
            Ok(SubjectSpec::Layout { path, .. }) => {
                files::writable(&path.join("index.json"), true)?;
                continue;
            }
            // A file may be there only after the step.
            Ok(SubjectSpec::File(_) | SubjectSpec::Digest { .. }) | Err(_) => continue,
        };
        let store = target::store_of(&reference, attestation_repository)?;
        if asked.contains(&store.name()) {
            continue;
        }
        asked.push(store.name());
        target::open_image(&store, common)?.can_push().await?;
    }
    Ok(())
}

/// Resolves all subjects, after the step.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) async fn subjects(
    typed: &[String],
    list: Option<&Path>,
    env: &Environment,
    common: &Common,
    attestation_repository: Option<&str>,
    ui: &Ui,
) -> Result<Subjects, Failure> {
    let mut out = Subjects::default();
    let places =
        EvidenceArgs { attestation_repository: attestation_repository.map(str::to_owned), ..EvidenceArgs::default() };
    let lists = Lists { published: Some(env), time: common.timeout, with_bundles: false };
    let expanded = expand(typed, list, lists)?;
    let around = Around::of(&expanded);
    expanded.notes.iter().for_each(|text| ui.note(text));
    out.lists = expanded.lists;
    let mut paths = Vec::new();
    for named in expanded.all {
        let named = named?;
        out.paths.extend(named.place().cloned());
        match named.spec.clone() {
            SubjectSpec::File(path) => paths.push(path.display().to_string()),
            SubjectSpec::Digest { path, digest } => {
                if let Some(path) = &path {
                    target::as_listed(&named.name, path, &digest, common).await?;
                }
                let is_path = |path: &PathBuf| named.name.contains(path.to_string_lossy().as_ref());
                // As it is listed; of what was typed with a prefix or a digest, the path.
                let name = path.as_ref().filter(|p| is_path(p)).map_or(named.name, |p| p.display().to_string());
                out.files.push(Subject::new(name, DigestSet::of(&digest)));
            }
            SubjectSpec::Image(_) | SubjectSpec::Layout { .. } => {
                let resolved = target::resolve_named(&named, &around, common, &places, false).await?;
                resolved.warn_of_tag(ui);
                let name = image_name(&resolved.artifact);
                // Both are there for what is no file.
                if let (Some(subject), Some(store)) = (resolved.subject, resolved.store) {
                    out.images.push(Image { artifact: resolved.artifact, name, subject, store });
                }
            }
        }
    }
    let mut seen = BTreeSet::new();
    out.paths.retain(|path| seen.insert(path.clone()));
    if !paths.is_empty() {
        let (base, until) = (env.working_dir.clone(), Until::within(common.timeout));
        let total = paths.iter().filter_map(|path| files::size(&base.join(path))).sum();
        let progress = common.progress.hashing(common.quiet, total);
        let given = until.given();
        let hash = move || hashing::subjects_while(&paths, &base, &|| !until.passed(), progress.as_ref());
        let found = target::apart(hash).await?;
        let late = || Failure::unknown(flow::TIMEOUT, format!("the subjects were not hashed within {given}"));
        let found = found.ok_or_else(late)?;
        out.files.extend(found);
    }
    Ok(out)
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
pub(in crate::cli) type GivenPredicate = (PredicateUri, Text);

/// The predicate that flags name, instead of provenance.
///
/// # Errors
/// [`Failure`].
pub(in crate::cli) fn given_predicate(build: &BuildArgs, env: &Environment) -> Result<Option<GivenPredicate>, Failure> {
    let Some(path) = &build.predicate else { return Ok(None) };
    let kind = crate::cli::args::demands::predicate_type(build.predicate_type.as_deref())?;
    let bytes = files::read_published(path, env, limits::PREDICATE_BYTES)?;
    let malformed = |e: json::JsonError| Failure::usage(e.code(), format!("--predicate `{}`: {e}", path.display()));
    json::check(&bytes, limits::PREDICATE_BYTES).map_err(malformed)?;
    let text = String::from_utf8_lossy(&bytes);
    match json::written_kind(text.trim_ascii_start().as_bytes()) {
        // On one line, as a statement is; its numbers keep their text.
        "an object" => Ok(Some((kind, json::compact(&text).into()))),
        found => Err(malformed(json::JsonError::unexpected("predicate", "an object", found))),
    }
}
