//! Buildkite, from the variables its agent sets (Buildkite documentation, "Environment variables").

use crate::issuer::variables::{branch_or_tag, builder, commit, details, is_page, is_word, repository, variable};
use crate::issuer::{
    Ambient, CiContext, Detail, Issuer, Platform, Surroundings, System, TokenFrom, Tokens, trigger_of,
};
use crate::model::Captured;

const NAME: &str = "buildkite";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Buildkite",
        section: "buildkite",
        about: "Variables of Buildkite.",
        marks: &["BUILDKITE"],
        run: &[&["BUILDKITE_BUILD_ID"]],
        manual: &["ui", "api"],
        scheduled: &["schedule"],
        details: DETAILS,
        tells: &[("build_source", 20)],
        platform: &Buildkite,
    }),
    tokens: Some(Tokens {
        mark: "pipeline_slug",
        defaults: &[("url", "https://buildkite.com")],
        // Its pipeline is the certificate's name alone: no claim says who built.
        claims: &[
            (11, "{runner_environment}"),
            (13, "{build_commit}"),
            (20, "{build_source}"),
            (21, "{url}/{organization_slug}/{pipeline_slug}/builds/{build_number}#{job_id}"),
        ],
        ambient: Some(Ambient {
            mark: "BUILDKITE",
            from: TokenFrom::Program("buildkite-agent oidc request-token --audience sigstore"),
            how: "its agent gives the token",
        }),
        ..Tokens::new("buildkite", &["https://agent.buildkite.com"])
    }),
    withheld: &["BUILDKITE_AGENT_ACCESS_TOKEN"],
    credentials: &[("BUILDKITE_AGENT_ACCESS_TOKEN", "buildkite-agent-token")],
    ..Issuer::new(NAME)
};

/// Buildkite.
struct Buildkite;

impl Platform for Buildkite {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("BUILDKITE") == Some("true")
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        CiContext {
            builder: builder(NAME, "BUILDKITE"),
            invocation: invocation(env),
            trigger: variable(env, "BUILDKITE_SOURCE", is_word).map(|source| trigger_of(&source)),
            requested_by: Captured::absent(
                "BUILDKITE_BUILD_CREATOR may be the commit's author, whom nobody has verified, and is no number",
            ),
            workflow: Captured::absent("Buildkite does not say which file the steps are from"),
            repository: repository(env, "BUILDKITE_REPO"),
            reference: reference(env),
            commit: commit(env, "BUILDKITE_COMMIT"),
            runner: variable(env, "BUILDKITE_AGENT_NAME", |_| true),
            runner_kind: variable(env, "BUILDKITE_COMPUTE_TYPE", is_word),
            details: details(env, DETAILS),
            container: Captured::absent("Buildkite does not tell a job the image it runs in"),
            inputs: Captured::absent("Buildkite keeps what was entered as meta-data, not in variables"),
        }
    }
}

/// Members of `internalParameters.buildkite`.
const DETAILS: &[Detail] = &[
    ("build_source", "BUILDKITE_SOURCE", "build_source"),
    ("organization_slug", "BUILDKITE_ORGANIZATION_SLUG", "organization_slug"),
    ("organization_id", "BUILDKITE_ORGANIZATION_ID", "organization_id"),
    ("pipeline_slug", "BUILDKITE_PIPELINE_SLUG", "pipeline_slug"),
    ("pipeline_id", "BUILDKITE_PIPELINE_ID", "pipeline_id"),
    ("build_id", "BUILDKITE_BUILD_ID", "build_id"),
    ("build_number", "BUILDKITE_BUILD_NUMBER", "build_number"),
    ("job_id", "BUILDKITE_JOB_ID", "job_id"),
    ("step_key", "BUILDKITE_STEP_KEY", "step_key"),
    ("retry_count", "BUILDKITE_RETRY_COUNT", ""),
    ("unblocker_id", "BUILDKITE_UNBLOCKER_ID", ""),
    ("commit", "BUILDKITE_COMMIT", "build_commit"),
    ("agent_id", "BUILDKITE_AGENT_ID", "agent_id"),
];

/// The build's page, at the job.
fn invocation(env: &dyn Surroundings) -> Captured<String> {
    let page = variable(env, "BUILDKITE_BUILD_URL", is_page);
    let job = variable(env, "BUILDKITE_JOB_ID", is_word);
    crate::issuer::variables::joined([&page, &job], |[page, job]| format!("{page}#{job}"))
}

fn reference(env: &dyn Surroundings) -> Captured<String> {
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
