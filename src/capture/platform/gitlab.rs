//! GitLab CI/CD, from its predefined variables (GitLab documentation, "Predefined CI/CD variables reference").

use crate::capture::platform::variables::{
    any, branch_or_tag, builder, commit, details, is_full_ref, is_number, is_page, is_path, is_word, joined, principal,
    variable,
};
use crate::capture::{
    Actor, Capture, Captured, CiContext, Detail, Environment, Principal, TokenClaims, Trigger, Workflow,
};

/// GitLab, of gitlab.com or of anyone.
pub(in crate::capture) struct GitLab;

impl Capture for GitLab {
    fn name(&self) -> &'static str {
        "gitlab"
    }

    fn detects(&self, env: &Environment) -> bool {
        env.variable("GITLAB_CI") == Some("true")
    }

    fn capture(&self, env: &Environment) -> CiContext {
        let repository = variable(env, "CI_PROJECT_URL", is_page);
        let reference = reference(env);
        // A file of another project is written `PATH@GROUP/PROJECT:REF`, one of another server as a URL.
        let path = variable(env, "CI_CONFIG_PATH", is_path);
        let workflow = joined([&repository, &path, &reference], |[repository, path, reference]| Workflow {
            repository: repository.to_owned(),
            path: path.to_owned(),
            reference: reference.to_owned(),
        });
        CiContext {
            builder: builder(self.name(), "GITLAB_CI"),
            invocation: variable(env, "CI_JOB_URL", is_page),
            trigger: variable(env, "CI_PIPELINE_SOURCE", is_word).map(|source| Trigger::of_event(&source)),
            requested_by: requester(env),
            workflow,
            repository,
            reference,
            commit: commit(env, "CI_COMMIT_SHA"),
            runner: variable(env, "CI_RUNNER_ID", is_number),
            container: variable(env, "CI_JOB_IMAGE", any),
            details: details(env, DETAILS),
            runner_kind: Captured::absent(
                "no variable says whose runner it is; the claim runner_environment of an identity token does",
            ),
            // Inputs of a pipeline are variables among all others.
            ..CiContext::unknown("GitLab does not tell a job which of its variables whoever started it chose")
        }
    }

    fn token(&self) -> Option<&'static TokenClaims> {
        Some(&TokenClaims {
            provider: "gitlab",
            mark: "ci_config_ref_uri",
            actor: Some(Actor { id: "user_id", name: "user_login", public: PUBLIC }),
            runs_alike: true,
            details: DETAILS,
        })
    }
}

/// The server whose numbers have a short name.
const PUBLIC: (&str, &str) = ("gitlab.com", "gitlab");

/// Members of `internalParameters.gitlab`.
const DETAILS: &[Detail] = &[
    ("pipeline_source", "CI_PIPELINE_SOURCE", "pipeline_source"),
    ("pipeline_id", "CI_PIPELINE_ID", "pipeline_id"),
    ("job_id", "CI_JOB_ID", "job_id"),
    ("job_name", "CI_JOB_NAME", ""),
    ("project_id", "CI_PROJECT_ID", "project_id"),
    ("namespace_id", "CI_PROJECT_NAMESPACE_ID", "namespace_id"),
    ("user_id", "GITLAB_USER_ID", "user_id"),
    ("runner_id", "CI_RUNNER_ID", "runner_id"),
    ("runner_environment", "", "runner_environment"),
    ("runner_description", "CI_RUNNER_DESCRIPTION", ""),
    ("runner_tags", "CI_RUNNER_TAGS", ""),
    ("runner_version", "CI_RUNNER_VERSION", ""),
    ("sha", "CI_COMMIT_SHA", "sha"),
    ("ref_protected", "CI_COMMIT_REF_PROTECTED", "ref_protected"),
    ("ci_config_sha", "", "ci_config_sha"),
    ("environment", "CI_ENVIRONMENT_NAME", "environment"),
];

fn reference(env: &Environment) -> Captured<String> {
    // In a merge request's pipeline there is neither branch nor tag.
    match env.variable("CI_MERGE_REQUEST_REF_PATH") {
        Some(_) => variable(env, "CI_MERGE_REQUEST_REF_PATH", is_full_ref),
        None => branch_or_tag(env, "CI_COMMIT_BRANCH", "CI_COMMIT_TAG"),
    }
}

/// Who started the pipeline, or the manual job.
fn requester(env: &Environment) -> Captured<Principal> {
    match env.variable("CI_PIPELINE_SOURCE") {
        Some("schedule") => {
            return Captured::absent("nobody asks for a scheduled run; GITLAB_USER_ID is who owns the schedule");
        }
        Some(_) => {}
        None => return Captured::absent("CI_PIPELINE_SOURCE is not set, so the run may be a scheduled one"),
    }
    let server = variable(env, "CI_SERVER_URL", is_page);
    let id = variable(env, "GITLAB_USER_ID", is_number);
    principal(&server, PUBLIC, &id, &variable(env, "GITLAB_USER_LOGIN", any))
}
