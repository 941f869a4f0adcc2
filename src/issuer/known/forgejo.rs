//! Forgejo Actions and Gitea Actions: they set GitHub's variables too, beside `FORGEJO_ACTIONS` and `GITEA_ACTIONS`.

use super::github::{self, EVENT_FILE, NO_EVENT};
use crate::issuer::variables::{
    any, builder, commit, details, is_full_ref, is_number, is_page, joined, principal, variable,
};
use crate::issuer::{CiContext, Detail, Issuer, Platform, Surroundings, System};
use crate::model::{Captured, Trigger};
use serde_json::Value;

const NAME: &str = "forgejo";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "Forgejo or Gitea Actions",
        section: "forgejo",
        about: "Variables of Forgejo or Gitea Actions.",
        marks: &["FORGEJO_ACTIONS", "GITEA_ACTIONS"],
        run: github::RUN,
        manual: &[],
        scheduled: &[],
        details: DETAILS,
        tells: &[],
        platform: &Forgejo,
    }),
    ..Issuer::new(NAME)
};

/// Both: one grew out of the other, and a run looks the same.
struct Forgejo;

impl Platform for Forgejo {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        ["FORGEJO_ACTIONS", "GITEA_ACTIONS"].iter().any(|name| env.variable(name) == Some("true"))
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        let repository = github::repository(env);
        let run = variable(env, "GITHUB_RUN_NUMBER", is_number);
        CiContext {
            builder: builder(NAME, "FORGEJO_ACTIONS or GITEA_ACTIONS"),
            invocation: joined([&repository, &run], |[repository, run]| format!("{repository}/actions/runs/{run}")),
            trigger: github::trigger(env),
            requested_by: Captured::absent("GITHUB_ACTOR is a name that can change hands, and the event has no number"),
            workflow: github::workflow(env),
            repository,
            reference: variable(env, "GITHUB_REF", is_full_ref),
            commit: commit(env, "GITHUB_SHA"),
            runner: variable(env, "RUNNER_NAME", any),
            inputs: Captured::absent(NO_EVENT),
            details: details(env, DETAILS),
            runner_kind: Captured::absent("Forgejo and Gitea do not tell a job whose runner it runs on"),
            container: Captured::absent("Forgejo and Gitea do not tell a job the image it runs in"),
        }
    }

    fn event_file<'e>(&self, env: &'e dyn Surroundings) -> Option<&'e str> {
        env.variable(EVENT_FILE)
    }

    /// The event names its sender by number, which no variable does.
    fn with_event(&self, event: &Value, context: CiContext, env: &dyn Surroundings) -> CiContext {
        const FROM: &str = "the file that GITHUB_EVENT_PATH names";
        let sender = |key: &str| event.get("sender").and_then(|s| s.get(key));
        let id = match sender("id").and_then(Value::as_u64) {
            Some(id) => Captured::found(id.to_string(), FROM),
            None => Captured::absent("the event has no sender.id"),
        };
        let name = match sender("login").and_then(Value::as_str) {
            Some(name) if env.variable("GITHUB_ACTOR") == Some(name) => {
                Captured::found(name.to_owned(), "GITHUB_ACTOR")
            }
            _ => Captured::absent("the event's sender is not GITHUB_ACTOR"),
        };
        let requested_by = match (context.trigger.value(), &name) {
            (Some(Trigger::Scheduled), _) => Captured::absent("nobody asks for a scheduled run"),
            (None, _) => Captured::absent("GITHUB_EVENT_NAME is not set, so the run may be a scheduled one"),
            (_, Captured::Absent { reason }) => Captured::absent(reason),
            _ => principal(&variable(env, "GITHUB_SERVER_URL", is_page), ("", ""), &id, &name),
        };
        CiContext { inputs: github::inputs(event), requested_by, ..context }
    }
}

/// Members of `internalParameters.forgejo`.
const DETAILS: &[Detail] = &[
    ("event_name", "GITHUB_EVENT_NAME", ""),
    ("run_id", "GITHUB_RUN_ID", ""),
    ("sha", "GITHUB_SHA", ""),
    ("ref", "GITHUB_REF", ""),
    ("workflow", "GITHUB_WORKFLOW", ""),
    ("job", "GITHUB_JOB", ""),
    ("actor", "GITHUB_ACTOR", ""),
];
