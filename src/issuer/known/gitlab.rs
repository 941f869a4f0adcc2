//! GitLab CI/CD, from its predefined variables (GitLab documentation, "Predefined CI/CD variables reference").

use crate::issuer::variables::{
    any, branch_or_tag, builder, commit, details, is_full_ref, is_number, is_page, is_path, is_word, joined, principal,
    variable,
};
use crate::issuer::{
    Actor, Ambient, CiContext, Detail, Issuer, Platform, Principal, Surroundings, System, TokenFrom, Tokens, Workflow,
    trigger_of,
};
use crate::model::Captured;

const NAME: &str = "gitlab";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "GitLab",
        section: "gitlab",
        about: "Variables of GitLab CI/CD.",
        marks: &["GITLAB_CI"],
        run: &[&["CI_PIPELINE_URL"]],
        manual: &["web", "api"],
        scheduled: &["schedule"],
        details: DETAILS,
        tells: &[
            ("pipeline_source", 20),
            ("project_id", 15),
            ("namespace_id", 17),
            ("runner_environment", 11),
            ("sha", 13),
        ],
        platform: &GitLab,
    }),
    tokens: Some(Tokens {
        mark: "ci_config_ref_uri",
        claims: &[
            (9, "https://{ci_config_ref_uri}"),
            (11, "{runner_environment}"),
            (12, "{url}/{project_path}"),
            (13, "{sha}"),
            (14, "refs/{ref_type}/{ref}"),
            (15, "{project_id}"),
            (17, "{namespace_id}"),
            (18, "https://{ci_config_ref_uri}"),
            (20, "{pipeline_source}"),
            (21, "{url}/{project_path}/-/jobs/{job_id}"),
        ],
        // An instance issues its tokens under its own address.
        server: |issuer| issuer.starts_with("https://").then(|| issuer.trim_end_matches('/').to_owned()),
        actor: Some(Actor { id: "user_id", name: "user_login", public: PUBLIC }),
        ambient: Some(Ambient {
            mark: "GITLAB_CI",
            from: TokenFrom::Variable,
            how: "`id_tokens: SIGSTORE_ID_TOKEN: aud: sigstore`",
        }),
        // The public authority takes gitlab.com for the address of these too.
        elsewhere: &["https://dev.gitlab.org", "https://ops.gitlab.net", "https://gitlab.archlinux.org"],
        ..Tokens::new("gitlab", &["https://gitlab.com"])
    }),
    withheld_beginnings: &["CI_JOB_JWT"],
    credentials: &[("CI_JOB_TOKEN", "gitlab-job-token"), ("GITLAB_TOKEN", "gitlab-token")],
    ..Issuer::new(NAME)
};

/// GitLab, of gitlab.com or of anyone.
struct GitLab;

impl Platform for GitLab {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("GITLAB_CI") == Some("true")
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
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
            builder: builder(NAME, "GITLAB_CI"),
            invocation: variable(env, "CI_JOB_URL", is_page),
            trigger: variable(env, "CI_PIPELINE_SOURCE", is_word).map(|source| trigger_of(&source)),
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

fn reference(env: &dyn Surroundings) -> Captured<String> {
    // In a merge request's pipeline there is neither branch nor tag.
    match env.variable("CI_MERGE_REQUEST_REF_PATH") {
        Some(_) => variable(env, "CI_MERGE_REQUEST_REF_PATH", is_full_ref),
        None => branch_or_tag(env, "CI_COMMIT_BRANCH", "CI_COMMIT_TAG"),
    }
}

/// Who started the pipeline, or the manual job.
fn requester(env: &dyn Surroundings) -> Captured<Principal> {
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
