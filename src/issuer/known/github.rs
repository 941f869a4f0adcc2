//! GitHub Actions, from the variables its runner sets (GitHub documentation, "Default environment variables").

use crate::issuer::variables::{
    any, builder, commit, details, is_full_ref, is_number, is_page, is_repository, is_word, joined, principal,
    together, variable,
};
use crate::issuer::{
    Actor, Ambient, CiContext, Detail, Issuer, Platform, Principal, Surroundings, System, TokenFrom, Tokens, Workflow,
    trigger_of,
};
use crate::model::{Captured, Trigger};
use serde_json::Value;
use std::collections::BTreeMap;

/// The issuer of its tokens that are no tenant's.
pub(crate) const TOKENS: &str = "https://token.actions.githubusercontent.com";

/// Variables that name a run, of GitHub and of those that speak its names.
pub(super) const RUN: &[&[&str]] =
    &[&["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"]];

const NAME: &str = "github-actions";

pub(super) static ISSUER: Issuer = Issuer {
    system: Some(System {
        title: "GitHub Actions",
        section: "github",
        about: "Variables of GitHub Actions, named as GitHub's own provenance names them.",
        marks: &["GITHUB_ACTIONS"],
        run: RUN,
        manual: &["workflow_dispatch"],
        scheduled: &["schedule"],
        details: DETAILS,
        tells: &[
            ("event_name", 20),
            ("repository_id", 15),
            ("repository_owner_id", 17),
            ("runner_environment", 11),
            ("sha", 13),
            ("ref", 14),
        ],
        platform: &GitHubActions,
    }),
    tokens: Some(Tokens {
        mark: "job_workflow_ref",
        claims: &[
            (9, "{url}/{job_workflow_ref}"),
            (11, "{runner_environment}"),
            (12, "{url}/{repository}"),
            (13, "{sha}"),
            (14, "{ref}"),
            (15, "{repository_id}"),
            (17, "{repository_owner_id}"),
            (18, "{url}/{workflow_ref}"),
            (20, "{event_name}"),
            (21, "{url}/{repository}/actions/runs/{run_id}/attempts/{run_attempt}"),
        ],
        server,
        actor: Some(Actor { id: "actor_id", name: "actor", public: PUBLIC }),
        ambient: Some(Ambient {
            mark: "GITHUB_ACTIONS",
            from: TokenFrom::Service { url: "ACTIONS_ID_TOKEN_REQUEST_URL", bearer: "ACTIONS_ID_TOKEN_REQUEST_TOKEN" },
            how: "`permissions: id-token: write`",
        }),
        ..Tokens::new(
            "github",
            &[TOKENS, "https://token.actions.githubusercontent.com/*", "https://token.actions.*.ghe.com"],
        )
    }),
    withheld: &["ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN", "ACTIONS_RUNTIME_TOKEN"],
    withheld_beginnings: &["ACTIONS_ID_TOKEN_"],
    credentials: &[
        ("GITHUB_TOKEN", "github-token"),
        ("GH_TOKEN", "github-token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "oidc-request"),
    ],
    ..Issuer::new(NAME)
};

/// GitHub Actions.
struct GitHubActions;

impl Platform for GitHubActions {
    fn detects(&self, env: &dyn Surroundings) -> bool {
        env.variable("GITHUB_ACTIONS") == Some("true")
    }

    fn capture(&self, env: &dyn Surroundings) -> CiContext {
        let repository = repository(env);
        CiContext {
            builder: builder(NAME, "GITHUB_ACTIONS"),
            invocation: invocation(env, &repository),
            trigger: trigger(env),
            requested_by: requester(env),
            workflow: workflow(env),
            repository,
            reference: variable(env, "GITHUB_REF", is_full_ref),
            commit: commit(env, "GITHUB_SHA"),
            runner: variable(env, "RUNNER_NAME", any),
            runner_kind: variable(env, "RUNNER_ENVIRONMENT", is_word),
            container: Captured::absent("GitHub does not tell a job the image it runs in"),
            inputs: Captured::absent(NO_EVENT),
            details: with_triggering_actor(env, details(env, DETAILS)),
        }
    }

    fn event_file<'e>(&self, env: &'e dyn Surroundings) -> Option<&'e str> {
        env.variable(EVENT_FILE)
    }

    fn with_event(&self, event: &Value, context: CiContext, _: &dyn Surroundings) -> CiContext {
        CiContext { inputs: inputs(event), ..context }
    }
}

/// The variable that names the file with the event, which GitHub and its kin write.
pub(super) const EVENT_FILE: &str = "GITHUB_EVENT_PATH";
/// Without that file.
pub(super) const NO_EVENT: &str = "GITHUB_EVENT_PATH is not set, or names no file that can be read";

/// What the one who dispatched the workflow chose.
pub(super) fn inputs(event: &Value) -> Captured<BTreeMap<String, Option<Value>>> {
    let Some(inputs) = event.get("inputs").and_then(Value::as_object).filter(|i| !i.is_empty()) else {
        return Captured::absent("the file that GITHUB_EVENT_PATH names has no inputs");
    };
    let plain = |v: &&Value| v.is_string() || v.is_boolean() || v.is_number();
    let all = inputs.iter().map(|(name, v)| (name.clone(), Some(v).filter(plain).cloned())).collect();
    Captured::found(all, "the file that GITHUB_EVENT_PATH names")
}

/// Why a run began, of GitHub and of those that speak its names.
pub(super) fn trigger(env: &dyn Surroundings) -> Captured<Trigger> {
    variable(env, "GITHUB_EVENT_NAME", is_word).map(|event| trigger_of(&event))
}

/// Members of `internalParameters.github`, named as GitHub's own provenance names them, and the variables they come from.
const DETAILS: &[Detail] = &[
    ("event_name", "GITHUB_EVENT_NAME", "event_name"),
    ("actor_id", "GITHUB_ACTOR_ID", "actor_id"),
    ("triggering_actor", "GITHUB_TRIGGERING_ACTOR", ""),
    ("repository_id", "GITHUB_REPOSITORY_ID", "repository_id"),
    ("repository_owner_id", "GITHUB_REPOSITORY_OWNER_ID", "repository_owner_id"),
    ("runner_environment", "RUNNER_ENVIRONMENT", "runner_environment"),
    ("runner_image", "ImageOS", ""),
    ("runner_image_version", "ImageVersion", ""),
    ("sha", "GITHUB_SHA", "sha"),
    ("ref", "GITHUB_REF", "ref"),
    ("ref_protected", "GITHUB_REF_PROTECTED", "ref_protected"),
    ("job", "GITHUB_JOB", ""),
    ("workflow_sha", "GITHUB_WORKFLOW_SHA", "workflow_sha"),
    ("job_workflow_sha", "", "job_workflow_sha"),
    ("environment", "", "environment"),
];

/// The server whose numbers have a short name.
const PUBLIC: (&str, &str) = ("github.com", "github");

/// Who started the run, or started it again: GitHub gives a name, and a number only of whose rights the run has. Where the
/// names are one, so is the number.
fn with_triggering_actor(
    env: &dyn Surroundings,
    mut details: Vec<(&'static str, Captured<String>)>,
) -> Vec<(&'static str, Captured<String>)> {
    let (actor, triggering) = (env.variable("GITHUB_ACTOR"), env.variable("GITHUB_TRIGGERING_ACTOR"));
    let id = match (actor, triggering) {
        (_, None) => Captured::absent("GITHUB_TRIGGERING_ACTOR is not set"),
        (None, _) => Captured::absent("GITHUB_ACTOR is not set, so whether it is GITHUB_TRIGGERING_ACTOR is not known"),
        (Some(actor), Some(triggering)) if actor == triggering => match variable(env, "GITHUB_ACTOR_ID", is_number) {
            Captured::Found { value, .. } => {
                Captured::found(value, "GITHUB_ACTOR_ID, as GITHUB_TRIGGERING_ACTOR is GITHUB_ACTOR")
            }
            absent => absent,
        },
        _ => Captured::absent("GITHUB_TRIGGERING_ACTOR is not GITHUB_ACTOR, and GitHub gives no number of it"),
    };
    let at = details.iter().position(|(k, _)| *k == "triggering_actor").map_or(details.len(), |at| at + 1);
    details.insert(at, ("triggering_actor_id", id));
    details
}

/// Repository URL.
pub(super) fn repository(env: &dyn Surroundings) -> Captured<String> {
    let server = variable(env, "GITHUB_SERVER_URL", is_server);
    let name = variable(env, "GITHUB_REPOSITORY", is_repository);
    joined([&server, &name], |[server, name]| format!("{}/{name}", server.trim_end_matches('/')))
}

/// The address of a server, with nothing behind its path.
pub(super) fn is_server(text: &str) -> bool {
    is_page(text) && !text.contains(['?', '#'])
}

fn invocation(env: &dyn Surroundings, repository: &Captured<String>) -> Captured<String> {
    let run = variable(env, "GITHUB_RUN_ID", is_number);
    let attempt = variable(env, "GITHUB_RUN_ATTEMPT", is_number);
    joined([repository, &run, &attempt], |[repository, run, attempt]| {
        format!("{repository}/actions/runs/{run}/attempts/{attempt}")
    })
}

/// Whoever's rights the run has. The one who started it again, if another, is in `triggering_actor`, and by name only.
fn requester(env: &dyn Surroundings) -> Captured<Principal> {
    match env.variable("GITHUB_EVENT_NAME") {
        Some("schedule") => {
            return Captured::absent("nobody asks for a scheduled run; GITHUB_ACTOR is who last changed its timetable");
        }
        Some(_) => {}
        None => return Captured::absent("GITHUB_EVENT_NAME is not set, so the run may be a scheduled one"),
    }
    let server = variable(env, "GITHUB_SERVER_URL", is_page);
    let id = variable(env, "GITHUB_ACTOR_ID", is_number);
    principal(&server, PUBLIC, &id, &variable(env, "GITHUB_ACTOR", any))
}

/// `owner/name/path@ref`. The first `@` separates: a branch may contain one.
pub(super) fn workflow(env: &dyn Surroundings) -> Captured<Workflow> {
    let server = variable(env, "GITHUB_SERVER_URL", is_server);
    let workflow = variable(env, "GITHUB_WORKFLOW_REF", any);
    let ([server, text], source) = match together([&server, &workflow]) {
        Ok(found) => found,
        Err(reason) => return Captured::absent(&reason),
    };
    let parsed = text.split_once('@').and_then(|(place, reference)| {
        let (owner, rest) = place.split_once('/')?;
        let (name, path) = rest.split_once('/')?;
        let repository = format!("{owner}/{name}");
        let good = is_repository(&repository) && !path.is_empty() && !reference.is_empty();
        let repository = format!("{server}/{repository}");
        good.then(|| Workflow { repository, path: path.to_owned(), reference: reference.to_owned() })
    });
    match parsed {
        Some(workflow) => Captured::found(workflow, &source),
        None => Captured::absent("GITHUB_WORKFLOW_REF does not have its documented form"),
    }
}

/// The server that an issuer of GitHub's tokens speaks for.
fn server(issuer: &str) -> Option<String> {
    let tenant = issuer.strip_prefix("https://token.actions.").filter(|rest| rest.ends_with(".ghe.com"));
    if let Some(host) = tenant {
        return Some(format!("https://{host}"));
    }
    if issuer.strip_prefix(TOKENS).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) {
        return Some("https://github.com".to_owned());
    }
    // GitHub Enterprise Server: an authority that knows it has its address.
    issuer.strip_suffix("/_services/token").map(str::to_owned)
}
