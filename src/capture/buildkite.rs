//! Buildkite, from the variables its agent sets (Buildkite documentation, "Environment variables").

use super::variables::{branch_or_tag, details, is_commit, is_page, is_word, repository, variable};
use super::{Capture, Captured, CiContext, Environment, Trigger};
use crate::model::uri;

/// Buildkite.
pub(super) struct Buildkite;

impl Capture for Buildkite {
    fn name(&self) -> &'static str {
        "buildkite"
    }

    fn detects(&self, env: &Environment) -> bool {
        env.variable("BUILDKITE") == Some("true")
    }

    fn capture(&self, env: &Environment) -> CiContext {
        CiContext {
            builder: Captured::found(uri::builder(self.name()), "BUILDKITE, and no identity token was used"),
            invocation: invocation(env),
            trigger: variable(env, "BUILDKITE_SOURCE", is_word).map(|source| match source.as_str() {
                "ui" | "api" => Trigger::Manual,
                "schedule" => Trigger::Scheduled,
                _ => Trigger::Event,
            }),
            requested_by: Captured::absent(
                "BUILDKITE_BUILD_CREATOR may be the commit's author, whom nobody has verified, and is no number",
            ),
            workflow: Captured::absent("Buildkite does not say which file the steps are from"),
            repository: repository(env, "BUILDKITE_REPO"),
            reference: reference(env),
            commit: variable(env, "BUILDKITE_COMMIT", is_commit),
            runner: variable(env, "BUILDKITE_AGENT_NAME", |_| true),
            runner_kind: variable(env, "BUILDKITE_COMPUTE_TYPE", is_word),
            details: details(env, DETAILS),
            ..CiContext::unknown("Buildkite does not tell a job")
        }
    }
}

/// Members of `internalParameters.buildkite`.
const DETAILS: &[(&str, &str)] = &[
    ("source", "BUILDKITE_SOURCE"),
    ("organization_slug", "BUILDKITE_ORGANIZATION_SLUG"),
    ("pipeline_slug", "BUILDKITE_PIPELINE_SLUG"),
    ("pipeline_id", "BUILDKITE_PIPELINE_ID"),
    ("build_id", "BUILDKITE_BUILD_ID"),
    ("build_number", "BUILDKITE_BUILD_NUMBER"),
    ("job_id", "BUILDKITE_JOB_ID"),
    ("step_key", "BUILDKITE_STEP_KEY"),
    ("retry_count", "BUILDKITE_RETRY_COUNT"),
    ("commit", "BUILDKITE_COMMIT"),
    ("agent_id", "BUILDKITE_AGENT_ID"),
];

/// The build's page, at the job.
fn invocation(env: &Environment) -> Captured<String> {
    let page = variable(env, "BUILDKITE_BUILD_URL", is_page);
    let job = variable(env, "BUILDKITE_JOB_ID", is_word);
    super::variables::joined([&page, &job], |[page, job]| format!("{page}#{job}"))
}

fn reference(env: &Environment) -> Captured<String> {
    match (env.variable("BUILDKITE_PULL_REQUEST"), env.variable("BUILDKITE_SOURCE")) {
        (None, _) => Captured::absent("BUILDKITE_PULL_REQUEST is not set, so the branch may be another repository's"),
        (Some("false"), None) => {
            Captured::absent("BUILDKITE_SOURCE is not set, so the branch need not contain the commit")
        }
        // Whoever starts a build by hand types both, and nothing compares them.
        (Some("false"), Some("ui" | "api")) => {
            Captured::absent("of a build by hand BUILDKITE_BRANCH need not contain the commit")
        }
        (Some("false"), Some(_)) => branch_or_tag(env, "BUILDKITE_BRANCH", "BUILDKITE_TAG"),
        _ => Captured::absent("of a pull request BUILDKITE_BRANCH may be another repository's"),
    }
}
