//! The build step of a plan, and what it did to its subjects and files.

use super::{Caller, CreateError, Plan};
use crate::capture::Context;
use crate::capture::input::files::{self as hashing, Progress};
use crate::capture::step::{self, BuildStep, Snapshot, Watch, Watched};
use std::path::PathBuf;

/// A build step, and what of it is recorded.
#[derive(Debug)]
pub struct StepPlan<'a> {
    /// The step.
    pub step: BuildStep<'a>,
    /// Files whose change is recorded: globs; none for those that git tracks or does not ignore.
    pub products: &'a [String],
    /// Paths and globs of the subjects that are files: whether the step wrote them is recorded.
    pub subjects: Vec<String>,
}

/// Runs it, and puts what it did into the context.
pub(super) fn run<C: Caller>(
    planned: &StepPlan<'_>,
    plan: &Plan<'_>,
    context: &mut Context,
    caller: &C,
) -> Result<(), C::Error> {
    let (env, local) = (plan.env, &plan.local);
    let watch = Watch {
        env,
        globs: planned.products,
        excluded: &plan.request.excluded,
        git_timeout: local.git_timeout,
        hash_time: local.hash_time,
    };
    let snapshot = || snapshot(&planned.subjects, plan, caller.progress());
    let before = snapshot()?;
    let watched = Watched::before(&watch);
    let ended = step::run(&planned.step, env, &|| caller.now()).map_err(CreateError::from)?;
    if ended.is_still_open() {
        caller.note("the build step left a process running that still holds its output; what it writes from now on is not recorded");
    }
    if ended.code != 0 {
        return Err(CreateError::Step { code: ended.code, signal: ended.signal }.into());
    }
    let unwritten = snapshot()?.unwritten(&before);
    let name = |p: &PathBuf| p.strip_prefix(&env.working_dir).unwrap_or(p).display().to_string();
    let files = watched.changes(&watch, caller.progress());
    if let Some(record) = ended.record(unwritten.iter().map(name).collect(), files) {
        context.record_step(record);
    }
    context.look_for_trails(env, local);
    Ok(())
}

/// Files that subjects name and that are there, with their digests: to tell later what the step wrote.
fn snapshot(subjects: &[String], plan: &Plan<'_>, progress: Progress<'_>) -> Result<Snapshot, CreateError> {
    let (env, time) = (plan.env, plan.local.hash_time);
    let mut paths = Vec::new();
    for pattern in subjects {
        // What does not exist yet is the usual case before a build.
        if let Ok(found) = hashing::expand(std::slice::from_ref(pattern), &env.working_dir) {
            paths.extend(found.iter().map(|p| env.working_dir.join(p)));
        }
    }
    Snapshot::take_within(&paths, time, progress)?.ok_or(CreateError::Late { time })
}
