//! Tekton. It sets no variable of its own: a step is recognised by the folder of its entry point, and a task hands over
//! what Tekton's variable substitution knows (`$(context.taskRun.name)` and its kin) under the names below.

use crate::issuer::variables::{any, builder, commit, details, is_full_ref, is_word, joined, repository, variable};
use crate::issuer::{CiContext, Detail, Issuer, Platform, Surroundings, System};
use crate::model::Captured;

const NAME: &str = "tekton";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Tekton",
        section: "tekton",
        about: "Variables of Tekton.",
        marks: &["TEKTON_TASKRUN_NAME"],
        run: &[&["TEKTON_PIPELINERUN_UID"], &["TEKTON_TASKRUN_UID"]],
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &Tekton,
    }),
    ..Issuer::new(NAME)
};

/// Tekton Pipelines.
struct Tekton;

/// The folder that Tekton mounts into every step.
const FOLDER: &str = "/tekton/steps";

impl Platform for Tekton {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.is_there(FOLDER) || env.variable("TEKTON_TASKRUN_NAME").is_some()
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        let namespace = variable(env, "TEKTON_TASKRUN_NAMESPACE", is_word);
        let name = variable(env, "TEKTON_TASKRUN_NAME", is_word_or_dot);
        let uid = variable(env, "TEKTON_TASKRUN_UID", is_word);
        CiContext {
            builder: builder(NAME, "the folder /tekton/steps, or TEKTON_TASKRUN_NAME"),
            // Clusters have no address that all would agree on; a uid is unique over all of them.
            invocation: joined([&namespace, &name, &uid], |[namespace, name, uid]| {
                format!("tekton:{namespace}/{name}#{uid}")
            }),
            repository: repository(env, "TEKTON_GIT_URL"),
            reference: variable(env, "TEKTON_GIT_REF", is_full_ref),
            commit: commit(env, "TEKTON_GIT_COMMIT"),
            runner: match env.hostname() {
                Some(pod) => Captured::found(pod.to_owned(), "the host's name, which is the pod's"),
                None => Captured::absent("the system tells no host name"),
            },
            container: variable(env, "TEKTON_STEP_IMAGE", any),
            details: details(env, DETAILS),
            trigger: Captured::absent("Tekton does not tell a step why its run began: pass --trigger"),
            requested_by: Captured::absent("Tekton does not tell a step who asked for its run: pass --requested-by"),
            workflow: Captured::absent("Tekton does not tell a step which file its pipeline is from"),
            runner_kind: Captured::absent("Tekton does not tell a step whose cluster it runs in"),
            inputs: Captured::absent("Tekton puts parameters into a step's text, not into its variables"),
        }
    }
}

/// Members of `internalParameters.tekton`.
const DETAILS: &[Detail] = &[
    ("taskrun_namespace", "TEKTON_TASKRUN_NAMESPACE", ""),
    ("taskrun_name", "TEKTON_TASKRUN_NAME", ""),
    ("taskrun_uid", "TEKTON_TASKRUN_UID", ""),
    ("task_name", "TEKTON_TASK_NAME", ""),
    ("pipelinerun_name", "TEKTON_PIPELINERUN_NAME", ""),
    ("pipelinerun_uid", "TEKTON_PIPELINERUN_UID", ""),
    ("pipeline_name", "TEKTON_PIPELINE_NAME", ""),
];

fn is_word_or_dot(text: &str) -> bool {
    is_word(&text.replace('.', "-"))
}
