//! Azure Pipelines, from its predefined variables (Azure DevOps documentation, "Use predefined variables").

use crate::issuer::variables::{
    any, builder, commit, details, is_full_ref, is_number, is_page, is_word, joined, repository, variable,
};
use crate::issuer::{CiContext, Detail, Issuer, Platform, Principal, Surroundings, System};
use crate::model::{Captured, Trigger};

const NAME: &str = "azure-pipelines";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Azure Pipelines",
        section: "azure-pipelines",
        about: "Variables of Azure Pipelines.",
        marks: &["TF_BUILD"],
        run: &[&["SYSTEM_COLLECTIONURI", "SYSTEM_TEAMPROJECTID", "BUILD_BUILDID"]],
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &AzurePipelines,
    }),
    withheld: &["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"],
    credentials: &[("SYSTEM_ACCESSTOKEN", "azure-pipelines-token")],
    ..Issuer::new(NAME)
};

/// Azure Pipelines.
struct AzurePipelines;

impl Platform for AzurePipelines {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("TF_BUILD").is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        CiContext {
            builder: builder(NAME, "TF_BUILD"),
            invocation: invocation(env),
            trigger: variable(env, "BUILD_REASON", is_word).map(|reason| match reason.as_str() {
                "Manual" => Trigger::Manual,
                "Schedule" => Trigger::Scheduled,
                _ => Trigger::Event,
            }),
            requested_by: requester(env),
            workflow: Captured::absent("Azure Pipelines does not say which file the pipeline is from"),
            repository: repository(env, "BUILD_REPOSITORY_URI"),
            reference: variable(env, "BUILD_SOURCEBRANCH", is_full_ref),
            commit: commit(env, "BUILD_SOURCEVERSION"),
            runner: variable(env, "AGENT_NAME", any),
            details: details(env, DETAILS),
            runner_kind: Captured::absent("Azure Pipelines does not tell a job whose agent it runs on"),
            container: Captured::absent("Azure Pipelines tells a job containers by their names, not their images"),
            inputs: Captured::absent(
                "Azure Pipelines gives parameters to the pipeline's file, not to a job's variables",
            ),
        }
    }
}

/// Members of `internalParameters.azure-pipelines`.
const DETAILS: &[Detail] = &[
    ("reason", "BUILD_REASON", ""),
    ("project_id", "SYSTEM_TEAMPROJECTID", ""),
    ("definition_id", "SYSTEM_DEFINITIONID", ""),
    ("definition_name", "BUILD_DEFINITIONNAME", ""),
    ("build_number", "BUILD_BUILDNUMBER", ""),
    ("job_id", "SYSTEM_JOBID", ""),
    ("job_attempt", "SYSTEM_JOBATTEMPT", ""),
    ("repository_id", "BUILD_REPOSITORY_ID", ""),
    ("repository_provider", "BUILD_REPOSITORY_PROVIDER", ""),
    ("source_version", "BUILD_SOURCEVERSION", ""),
    ("agent_id", "AGENT_ID", ""),
    ("agent_version", "AGENT_VERSION", ""),
    ("queued_by_id", "BUILD_QUEUEDBYID", ""),
];

/// The run's page. The project's id does not change with its name.
fn invocation(env: &dyn Surroundings) -> Captured<String> {
    let collection = variable(env, "SYSTEM_COLLECTIONURI", is_page);
    let project = variable(env, "SYSTEM_TEAMPROJECTID", is_word);
    let build = variable(env, "BUILD_BUILDID", is_number);
    joined([&collection, &project, &build], |[collection, project, build]| {
        format!("{}/{project}/_build/results?buildId={build}", collection.trim_end_matches('/'))
    })
}

/// Whom the build is for: who pushed, or who started it.
fn requester(env: &dyn Surroundings) -> Captured<Principal> {
    match env.variable("BUILD_REASON") {
        Some("Schedule") => return Captured::absent("nobody asks for a scheduled run"),
        Some(_) => {}
        None => return Captured::absent("BUILD_REASON is not set, so the run may be a scheduled one"),
    }
    let id = match variable(env, "BUILD_REQUESTEDFORID", is_word) {
        Captured::Absent { reason } => {
            return Captured::absent(&format!("{reason}, and a name alone can change hands"));
        }
        found => found,
    };
    let name = variable(env, "BUILD_REQUESTEDFOR", any);
    let source =
        if name.value().is_some() { "BUILD_REQUESTEDFORID, BUILD_REQUESTEDFOR" } else { "BUILD_REQUESTEDFORID" };
    match id.value() {
        // These ids are unique over all organisations.
        Some(id) => {
            Captured::found(Principal { id: format!("azure-devops:{id}"), name: name.value().cloned() }, source)
        }
        None => Captured::absent("BUILD_REQUESTEDFORID is not set"),
    }
}
