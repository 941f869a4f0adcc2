//! CircleCI, from its built-in variables (CircleCI documentation, "Project values and variables").

use crate::issuer::variables::{branch_or_tag, builder, commit, details, is_page, repository, variable};
use crate::issuer::{Ambient, CiContext, Detail, Issuer, Platform, Surroundings, System, TokenFrom, Tokens};
use crate::model::Captured;

const NAME: &str = "circleci";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "CircleCI",
        section: "circleci",
        about: "Variables of CircleCI.",
        marks: &["CIRCLECI"],
        run: &[&["CIRCLE_WORKFLOW_ID"]],
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &CircleCi,
    }),
    tokens: Some(Tokens {
        mark: "oidc.circleci.com/project-id",
        defaults: &[("api_url", "https://circleci.com/api/v2"), ("platform_url", "https://app.circleci.com/")],
        // Claim 11 says only whether somebody logged in, so it is no kind of runner that a predicate could repeat.
        claims: &[
            (
                9,
                "{api_url}/projects/{oidc.circleci.com/project-id}/pipeline-definitions/{oidc.circleci.com/pipeline-definition-id}",
            ),
            (12, "{oidc.circleci.com/vcs-origin}"),
            (14, "{oidc.circleci.com/vcs-ref}"),
            (18, "{api_url}/pipeline/{oidc.circleci.com/pipeline-id}/config"),
            (21, "{platform_url}/workflow/{oidc.circleci.com/workflow-id}/job/{oidc.circleci.com/job-id}"),
        ],
        // Its `sub` names the user, who of a scheduled pipeline is only its owner: no claim says which one it is.
        actor: None,
        runs_alike: false,
        ambient: Some(Ambient {
            mark: "CIRCLECI",
            from: TokenFrom::Program(r#"circleci run oidc get --claims {"aud":"sigstore"}"#),
            how: "its command line gives the token",
        }),
        ..Tokens::new("circleci", &["https://oidc.circleci.com", "https://oidc.circleci.com/org/*"])
    }),
    withheld: &["CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"],
    withheld_beginnings: &["CIRCLE_OIDC_TOKEN"],
    ..Issuer::new(NAME)
};

/// CircleCI.
struct CircleCi;

impl Platform for CircleCi {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("CIRCLECI") == Some("true")
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        CiContext {
            builder: builder(NAME, "CIRCLECI"),
            invocation: variable(env, "CIRCLE_BUILD_URL", is_page),
            trigger: Captured::absent("CircleCI tells a job no reason in a variable: pass --trigger"),
            requested_by: Captured::absent("CIRCLE_USERNAME is a name alone, which can change hands"),
            workflow: Captured::absent("CircleCI does not say which file the job is from"),
            repository: repository(env, "CIRCLE_REPOSITORY_URL"),
            reference: reference(env),
            commit: commit(env, "CIRCLE_SHA1"),
            details: details(env, DETAILS),
            runner: Captured::absent("CircleCI does not tell a job the machine it runs on"),
            runner_kind: Captured::absent("CircleCI does not tell a job whose machine it runs on"),
            container: Captured::absent("CircleCI does not tell a job the image it runs in"),
            inputs: Captured::absent(
                "CircleCI gives pipeline parameters to the configuration, not to a job's variables",
            ),
        }
    }
}

/// Members of `internalParameters.circleci`.
const DETAILS: &[Detail] = &[
    ("organization_id", "CIRCLE_ORGANIZATION_ID", "oidc.circleci.com/org-id"),
    ("project_id", "CIRCLE_PROJECT_ID", "oidc.circleci.com/project-id"),
    ("pipeline_id", "CIRCLE_PIPELINE_ID", "oidc.circleci.com/pipeline-id"),
    ("pipeline_definition_id", "", "oidc.circleci.com/pipeline-definition-id"),
    ("workflow_id", "CIRCLE_WORKFLOW_ID", "oidc.circleci.com/workflow-id"),
    ("workflow_job_id", "CIRCLE_WORKFLOW_JOB_ID", "oidc.circleci.com/job-id"),
    ("job", "CIRCLE_JOB", ""),
    ("build_number", "CIRCLE_BUILD_NUM", ""),
    ("sha", "CIRCLE_SHA1", ""),
    ("username", "CIRCLE_USERNAME", ""),
    ("ssh_rerun", "", "oidc.circleci.com/ssh-rerun"),
];

/// For a pull request of a fork the branch is called `pull/N`, which is no branch.
fn reference(env: &dyn Surroundings) -> Captured<String> {
    if env.variable("CIRCLE_BRANCH").is_some_and(|b| b.starts_with("pull/")) {
        return Captured::absent("CIRCLE_BRANCH stands for a pull request of another repository");
    }
    branch_or_tag(env, "CIRCLE_BRANCH", "CIRCLE_TAG")
}
