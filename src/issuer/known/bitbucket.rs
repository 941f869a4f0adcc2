//! Bitbucket Pipelines, from its default variables (Bitbucket Cloud documentation, "Variables and secrets").

use crate::issuer::variables::{
    any, branch_or_tag, builder, commit, details, is_number, is_repository, joined, repository, variable,
};
use crate::issuer::{CiContext, Detail, Issuer, Platform, Surroundings, System};
use crate::model::Captured;

const NAME: &str = "bitbucket-pipelines";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Bitbucket Pipelines",
        section: "bitbucket",
        about: "Variables of Bitbucket Pipelines.",
        marks: &["BITBUCKET_PIPELINE_UUID"],
        run: &[&["BITBUCKET_PIPELINE_UUID"]],
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &Bitbucket,
    }),
    // No public instance of Sigstore takes its tokens; a step that has one could ask others with it.
    withheld: &["BITBUCKET_STEP_OIDC_TOKEN"],
    ..Issuer::new(NAME)
};

/// Bitbucket Pipelines.
struct Bitbucket;

impl Platform for Bitbucket {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("BITBUCKET_PIPELINE_UUID").is_some()
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        let name = variable(env, "BITBUCKET_REPO_FULL_NAME", is_repository);
        let number = variable(env, "BITBUCKET_BUILD_NUMBER", is_number);
        CiContext {
            builder: builder(NAME, "BITBUCKET_PIPELINE_UUID"),
            invocation: joined([&name, &number], |[name, number]| {
                format!("https://bitbucket.org/{name}/pipelines/results/{number}")
            }),
            trigger: Captured::absent("Bitbucket tells a step no reason in a variable: pass --trigger"),
            requested_by: Captured::absent(
                "of a scheduled pipeline BITBUCKET_STEP_TRIGGERER_UUID is its owner, and no variable says which are",
            ),
            workflow: Captured::absent("Bitbucket does not say which file the steps are from"),
            repository: repository(env, "BITBUCKET_GIT_HTTP_ORIGIN"),
            reference: reference(env),
            commit: commit(env, "BITBUCKET_COMMIT"),
            runner: Captured::absent("Bitbucket does not tell a step the machine it runs on"),
            runner_kind: Captured::absent("Bitbucket does not tell a step whose machine it runs on"),
            details: details(env, DETAILS),
            container: Captured::absent("Bitbucket does not tell a step the image it runs in"),
            inputs: Captured::absent("Bitbucket gives what was entered as variables like any other"),
        }
    }
}

/// Members of `internalParameters.bitbucket`.
const DETAILS: &[Detail] = &[
    ("workspace", "BITBUCKET_WORKSPACE", ""),
    ("repository_uuid", "BITBUCKET_REPO_UUID", ""),
    ("pipeline_uuid", "BITBUCKET_PIPELINE_UUID", ""),
    ("step_uuid", "BITBUCKET_STEP_UUID", ""),
    ("step_run_number", "BITBUCKET_STEP_RUN_NUMBER", ""),
    ("build_number", "BITBUCKET_BUILD_NUMBER", ""),
    ("commit", "BITBUCKET_COMMIT", ""),
    ("triggerer_uuid", "BITBUCKET_STEP_TRIGGERER_UUID", ""),
    ("deployment_environment", "BITBUCKET_DEPLOYMENT_ENVIRONMENT", ""),
];

/// For a pull request the destination is merged into what is checked out, so that no branch has it.
fn reference(env: &dyn Surroundings) -> Captured<String> {
    match variable(env, "BITBUCKET_PR_ID", any) {
        Captured::Found { .. } => Captured::absent("of a pull request BITBUCKET_BRANCH does not contain what is built"),
        Captured::Absent { .. } => branch_or_tag(env, "BITBUCKET_BRANCH", "BITBUCKET_TAG"),
    }
}
