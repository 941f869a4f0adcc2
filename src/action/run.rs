//! An action from its inputs to its outputs.

use super::commands::{Commands, Made};
use super::github::Store;
use super::given::Given;
use super::inputs::{
    Action, JUNIT, MISSING_IDENTITY, OUTBOX, OUTPUT, POLICY, PUBLIC_KEY, SBOM, SIGNING, SUMMARY, WAYS,
};
use super::runner::Runner;
use super::subjects::subjects;
use super::{ActionError, advice, arguments, encode, junit, list, summary};
use crate::capture::Environment;
use crate::flow::Unsigned;
use crate::model::limits;
use crate::places::files;
use crate::policy::{Decision, Verdict};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How an action ended, of which everything was told.
#[derive(Debug)]
pub enum Ended<E> {
    /// Something was decided, or done: then the verdict is to allow.
    Decided(Verdict),
    /// A pull request of a fork was not attested.
    Skipped,
    /// It failed.
    Failed(E),
}

/// Carries out `action.yml`.
///
/// # Errors
/// Outside of a runner; nothing was told then.
pub async fn create<C: Commands>(env: &Environment, commands: &C) -> Result<Ended<C::Error>, C::Error> {
    let runner = Runner::find(env)?;
    commands.tell(&encode::stop(&runner.token));
    let ended = attest(env, &runner, commands).await;
    Ok(tell(&runner, commands, ended))
}

/// Carries out `verify/action.yml`.
///
/// # Errors
/// As [`create`].
pub async fn verify<C: Commands>(env: &Environment, commands: &C) -> Result<Ended<C::Error>, C::Error> {
    let runner = Runner::find(env)?;
    commands.tell(&encode::stop(&runner.token));
    let ended = decide(env, &runner, commands).await;
    Ok(tell(&runner, commands, ended))
}

/// How far it came: a decision, done without one, or left alone.
enum Came {
    Decided(Decision),
    Done,
    Skipped,
}

/// Tells how it ended: nothing that was printed before is obeyed, and one annotation is.
fn tell<C: Commands>(runner: &Runner<'_>, commands: &C, came: Result<Came, C::Error>) -> Ended<C::Error> {
    let resume = || commands.tell(&encode::resume(&runner.token));
    match came {
        Ok(Came::Done) => {
            resume();
            Ended::Decided(Verdict::Allow)
        }
        Ok(Came::Skipped) => {
            resume();
            commands.tell(&advice::of_fork());
            Ended::Skipped
        }
        Ok(Came::Decided(decision)) => {
            resume();
            if decision.verdict != Verdict::Allow {
                commands.tell(&advice::of_decision(&decision));
            }
            Ended::Decided(decision.verdict)
        }
        Err(error) => {
            commands.fail(&error);
            resume();
            commands.tell(&advice::of_failure(&commands.trouble(&error), runner.gives_identity()));
            Ended::Failed(error)
        }
    }
}

async fn attest<C: Commands>(env: &Environment, runner: &Runner<'_>, commands: &C) -> Result<Came, C::Error> {
    let given = Given::read(Action::Create, env)?;
    let skips = given.text(MISSING_IDENTITY) != Some("fail") && !given.has_key() && runner.is_of_fork();
    let keyed = given.key_is_there();
    if skips && keyed.is_err() {
        return Ok(skip(&given, runner)?);
    }
    keyed?;
    let store = Store::of_job(&given, env)?;
    let (typed, images) = of_inputs(&given, runner, commands)?;
    let unsigned = given.text(SIGNING) == Some("none");
    let more = sbom(&given)?;
    if unsigned {
        let arguments = [arguments::generate(&given, &typed), more].concat();
        return written(&given, runner, commands.generate(&arguments).await?);
    }
    let outbox = given.text(OUTBOX).map_or_else(|| runner.outbox(), PathBuf::from);
    // Before it can fail: what waits there is for the steps that come after a failure.
    runner.output(&[("outbox", &outbox.display().to_string())])?;
    let arguments = [arguments::create(&given, &typed, &outbox), more].concat();
    let mut made = match commands.create(&arguments).await {
        Err(error) if skips && commands.trouble(&error).lacks_identity => return Ok(skip(&given, runner)?),
        made => made?,
    };
    if let Some(store) = store {
        match keep(&given, &store, commands.patience()).await {
            Ok(stored) => made.stored = stored,
            Err(error) => {
                finish(&given, runner, &made, None)?;
                return Err(error.into());
            }
        }
    }
    let asked = given.text(POLICY).is_some() || given.text(PUBLIC_KEY).is_some();
    let decided = if asked { Some(published(&given, &typed, &images, &made, commands).await) } else { None };
    let decision = decided.as_ref().and_then(|decided| decided.as_ref().ok());
    finish(&given, runner, &made, decision)?;
    Ok(decided.transpose()?.map_or(Came::Done, Came::Decided))
}

/// Hands the bundles that were written to GitHub. Where each can be seen, and its id.
async fn keep(given: &Given, store: &Store, patience: Duration) -> Result<Vec<(String, String)>, ActionError> {
    let path = Path::new(given.text(OUTPUT).unwrap_or_default());
    let bundles = files::read(path, limits::EVIDENCE_BYTES)?;
    let ids = store.keep(&bundles, patience).await?;
    Ok(ids.into_iter().map(|id| (store.page_of(&id), id)).collect())
}

/// The subjects of the inputs as arguments, and those of them that are images.
fn of_inputs<C: Commands>(
    given: &Given,
    runner: &Runner<'_>,
    commands: &C,
) -> Result<(Vec<String>, Vec<String>), ActionError> {
    let is_named = WAYS.iter().any(|way| given.text(way).is_some());
    let listed = if is_named { None } else { runner.artifacts()? };
    let found = subjects(given, listed.map(|bytes| list::read(&bytes)).transpose()?)?;
    let named = if found.named.is_empty() { None } else { Some(runner.alone("SHA256SUMS", &found.named)?) };
    let typed = arguments::positional(&found, named.as_deref());
    let pushes = !given.attaches_nothing();
    let images = found.arguments.into_iter().filter(|subject| pushes && commands.is_image(subject)).collect();
    Ok((typed, images))
}

/// The arguments that sign an SBOM, where one is given.
fn sbom(given: &Given) -> Result<Vec<String>, ActionError> {
    let Some(path) = given.text(SBOM) else { return Ok(Vec::new()) };
    let kind = arguments::sbom_type(&files::read(Path::new(path), limits::PREDICATE_BYTES)?)?;
    Ok(arguments::of_sbom(given, &kind))
}

/// The decision on what was published: of images by what their registry has, of everything else by the bundles that were written.
async fn published<C: Commands>(
    given: &Given,
    typed: &[String],
    images: &[String],
    made: &Made,
    commands: &C,
) -> Result<Decision, C::Error> {
    let others: Vec<_> = typed.iter().filter(|subject| !images.contains(subject)).cloned().collect();
    // A policy says which types it demands.
    let kind = made.statements.first().map(|s| format!("--predicate-type={}", s.statement().predicate_type()));
    let kind = kind.filter(|_| given.text(POLICY).is_none());
    let ask = |subjects: &[String], bundle: Option<&str>| {
        let mut arguments = arguments::verify(given, subjects, bundle);
        arguments.extend(kind.clone());
        arguments
    };
    let mut decisions = Vec::new();
    if !images.is_empty() {
        decisions.push(commands.verify(&ask(images, None)).await?);
    }
    if !others.is_empty() {
        decisions.push(commands.verify(&ask(&others, given.text(OUTPUT))).await?);
    }
    let mut all = decisions.into_iter();
    let first = all.next().ok_or(ActionError::NoSubject { why: "there is nothing to decide on" })?;
    Ok(all
        .fold(first, |one, other| Decision::of([one.subjects, other.subjects].concat(), one.policies, one.decided_at)))
}

/// Outputs, summary, and what later steps look for.
fn finish(given: &Given, runner: &Runner<'_>, made: &Made, decision: Option<&Decision>) -> Result<(), ActionError> {
    let bundle = given.text(OUTPUT).unwrap_or_default();
    let first = made.statements.first().and_then(|s| s.statement().subjects().first());
    let digest = first.and_then(|s| s.digest().strong().next()).map(|d| d.to_string()).unwrap_or_default();
    let referrer = made.attached.first().map(|(_, referrer)| referrer.to_string()).unwrap_or_default();
    let id = made.stored.first().map(|(_, id)| id.as_str()).unwrap_or_default();
    let verdict = decision.map(|d| d.verdict.to_string()).unwrap_or_default();
    let told = runner.summarise(&summary::of_attested(given, made, decision), given.flag(SUMMARY) != Some(false))?;
    if made.key_id.is_some() || made.identity.is_some() {
        runner.remember(Path::new(bundle))?;
    }
    runner.output(&[
        ("bundle", bundle),
        ("digest", &digest),
        ("attestation-digest", &referrer),
        ("attestation-id", id),
        ("decision", &verdict),
        ("summary", &told.display().to_string()),
    ])
}

/// Statements that nobody signed, written where bundles would be.
fn written<E: From<ActionError>>(given: &Given, runner: &Runner<'_>, lines: Vec<u8>) -> Result<Came, E> {
    let path = given.text(OUTPUT).unwrap_or_default();
    files::replace(Path::new(path), &lines).map_err(ActionError::from)?;
    let statements = lines.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let statements = statements.filter_map(|line| Unsigned::parse(line.to_vec()).ok()).collect();
    finish(given, runner, &Made { statements, ..Made::default() }, None)?;
    Ok(Came::Done)
}

/// Leaves a pull request of a fork alone.
fn skip(given: &Given, runner: &Runner<'_>) -> Result<Came, ActionError> {
    runner.summarise(&summary::of_nothing(advice::OF_FORK), given.flag(SUMMARY) != Some(false))?;
    Ok(Came::Skipped)
}

async fn decide<C: Commands>(env: &Environment, runner: &Runner<'_>, commands: &C) -> Result<Came, C::Error> {
    let given = Given::read(Action::Verify, env)?;
    let (typed, _) = of_inputs(&given, runner, commands)?;
    let decision = commands.verify(&arguments::verify(&given, &typed, None)).await?;
    let path = given.text(JUNIT).map_or_else(|| runner.own("junit.xml"), PathBuf::from);
    files::replace(&path, junit::document(&decision).as_bytes()).map_err(ActionError::from)?;
    let told = runner.summarise(&summary::of_decided(&decision), given.flag(SUMMARY) != Some(false))?;
    runner.output(&[
        ("decision", &decision.verdict.to_string()),
        ("summary", &told.display().to_string()),
        ("junit", &path.display().to_string()),
    ])?;
    Ok(Came::Decided(decision))
}
