//! CircleCI, from its built-in variables (CircleCI documentation, "Project values and variables").

use super::variables::{branch_or_tag, details, is_commit, is_page, repository, variable};
use super::{Capture, Captured, CiContext, Environment};
use crate::model::uri;

/// CircleCI.
pub(super) struct CircleCi;

impl Capture for CircleCi {
    fn name(&self) -> &'static str {
        "circleci"
    }

    fn detects(&self, env: &Environment) -> bool {
        env.variable("CIRCLECI") == Some("true")
    }

    fn capture(&self, env: &Environment) -> CiContext {
        CiContext {
            builder: Captured::found(uri::builder(self.name()), "CIRCLECI, and no identity token was used"),
            invocation: variable(env, "CIRCLE_BUILD_URL", is_page),
            trigger: Captured::absent("CircleCI tells a job no reason in a variable: pass --trigger"),
            requested_by: Captured::absent("CIRCLE_USERNAME is a name alone, which can change hands"),
            workflow: Captured::absent("CircleCI does not say which file the job is from"),
            repository: repository(env, "CIRCLE_REPOSITORY_URL"),
            reference: reference(env),
            commit: variable(env, "CIRCLE_SHA1", is_commit),
            details: details(env, DETAILS),
            ..CiContext::unknown("CircleCI does not tell a job")
        }
    }
}

/// Members of `internalParameters.circleci`.
const DETAILS: &[(&str, &str)] = &[
    ("organization_id", "CIRCLE_ORGANIZATION_ID"),
    ("project_id", "CIRCLE_PROJECT_ID"),
    ("pipeline_id", "CIRCLE_PIPELINE_ID"),
    ("workflow_id", "CIRCLE_WORKFLOW_ID"),
    ("workflow_job_id", "CIRCLE_WORKFLOW_JOB_ID"),
    ("job", "CIRCLE_JOB"),
    ("build_number", "CIRCLE_BUILD_NUM"),
    ("sha", "CIRCLE_SHA1"),
    ("username", "CIRCLE_USERNAME"),
];

/// For a pull request of a fork the branch is called `pull/N`, which is no branch.
fn reference(env: &Environment) -> Captured<String> {
    if env.variable("CIRCLE_BRANCH").is_some_and(|b| b.starts_with("pull/")) {
        return Captured::absent("CIRCLE_BRANCH stands for a pull request of another repository");
    }
    branch_or_tag(env, "CIRCLE_BRANCH", "CIRCLE_TAG")
}
