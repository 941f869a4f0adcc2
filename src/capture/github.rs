//! GitHub Actions, from the variables its runner sets (GitHub documentation, "Default environment variables").

use super::{Capture, Captured, CiContext, Environment, Principal, Trigger, Workflow};
use crate::model::uri;
use serde_json::Value;

/// GitHub Actions.
pub(super) struct GitHubActions;

impl Capture for GitHubActions {
    fn name(&self) -> &'static str {
        "github-actions"
    }

    fn detects(&self, env: &Environment) -> bool {
        env.variable("GITHUB_ACTIONS") == Some("true")
    }

    fn capture(&self, env: &Environment) -> CiContext {
        let repository = repository(env);
        CiContext {
            builder: Captured::found(uri::builder(self.name()), "GITHUB_ACTIONS, and no identity token was used"),
            invocation: invocation(env, &repository),
            trigger: variable(env, "GITHUB_EVENT_NAME", is_word).map(|event| match event.as_str() {
                "workflow_dispatch" => Trigger::Manual,
                "schedule" => Trigger::Scheduled,
                _ => Trigger::Event,
            }),
            requested_by: requester(env),
            workflow: workflow(env),
            repository,
            reference: variable(env, "GITHUB_REF", |r| r.starts_with("refs/")),
            commit: variable(env, "GITHUB_SHA", |s| s.len() == 40 && s.bytes().all(|b| b.is_ascii_hexdigit())),
            runner: variable(env, "RUNNER_NAME", |_| true),
            runner_kind: variable(env, "RUNNER_ENVIRONMENT", is_word),
            details: DETAILS
                .iter()
                .filter_map(|(key, name)| Some(((*key).to_owned(), Value::from(env.variable(name)?))))
                .collect(),
        }
    }
}

/// Members of `internalParameters.github`, named as GitHub's own provenance names them, and the variables they come from.
const DETAILS: &[(&str, &str)] = &[
    ("event_name", "GITHUB_EVENT_NAME"),
    ("repository_id", "GITHUB_REPOSITORY_ID"),
    ("repository_owner_id", "GITHUB_REPOSITORY_OWNER_ID"),
    ("runner_environment", "RUNNER_ENVIRONMENT"),
    ("sha", "GITHUB_SHA"),
    ("ref", "GITHUB_REF"),
    ("triggering_actor", "GITHUB_TRIGGERING_ACTOR"),
];

fn variable(env: &Environment, name: &str, good: fn(&str) -> bool) -> Captured<String> {
    match env.variable(name) {
        Some(value) if good(value) && !value.chars().any(char::is_control) => Captured::found(value.to_owned(), name),
        Some(_) => Captured::absent(&format!("{name} does not have its documented form")),
        None => Captured::absent(&format!("{name} is not set")),
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
}

fn is_number(text: &str) -> bool {
    text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit())
}

/// `owner/name`, each part visible ASCII that needs no escape in a URL.
fn is_repository(text: &str) -> bool {
    let part = |p: &str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    text.split_once('/').is_some_and(|(owner, name)| part(owner) && part(name))
}

fn is_server(text: &str) -> bool {
    text.strip_prefix("https://")
        .is_some_and(|h| !h.is_empty() && h.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:".contains(&b)))
}

/// Every part or the first absence; the source names all of them.
fn together<const N: usize>(parts: [&Captured<String>; N]) -> Result<([&str; N], String), String> {
    let (mut values, mut sources) = ([""; N], Vec::new());
    for (slot, part) in values.iter_mut().zip(parts) {
        match part {
            Captured::Found { value, source } => {
                *slot = value;
                sources.push(source.as_str());
            }
            Captured::Absent { reason } => return Err(reason.clone()),
        }
    }
    Ok((values, sources.join(", ")))
}

fn repository(env: &Environment) -> Captured<String> {
    let server = variable(env, "GITHUB_SERVER_URL", is_server);
    let name = variable(env, "GITHUB_REPOSITORY", is_repository);
    match together([&server, &name]) {
        Ok(([server, name], source)) => Captured::found(format!("{server}/{name}"), &source),
        Err(reason) => Captured::absent(&reason),
    }
}

fn invocation(env: &Environment, repository: &Captured<String>) -> Captured<String> {
    let run = variable(env, "GITHUB_RUN_ID", is_number);
    let attempt = variable(env, "GITHUB_RUN_ATTEMPT", is_number);
    match together([repository, &run, &attempt]) {
        Ok(([repository, run, attempt], source)) => {
            Captured::found(format!("{repository}/actions/runs/{run}/attempts/{attempt}"), &source)
        }
        Err(reason) => Captured::absent(&reason),
    }
}

/// Whoever's rights the run has. The one who started it again, if another, is in `triggering_actor`, and by name only.
fn requester(env: &Environment) -> Captured<Principal> {
    match env.variable("GITHUB_EVENT_NAME") {
        Some("schedule") => {
            return Captured::absent("nobody asks for a scheduled run; GITHUB_ACTOR is who last changed its timetable");
        }
        Some(_) => {}
        None => return Captured::absent("GITHUB_EVENT_NAME is not set, so the run may be a scheduled one"),
    }
    let name = variable(env, "GITHUB_ACTOR", |_| true);
    match variable(env, "GITHUB_ACTOR_ID", is_number) {
        Captured::Found { value: id, source } => {
            let source = if name.value().is_some() { format!("{source}, GITHUB_ACTOR") } else { source };
            Captured::found(Principal { id: format!("github:{id}"), name: name.value().cloned() }, &source)
        }
        Captured::Absent { reason } => Captured::absent(&format!("{reason}, and a name alone can change hands")),
    }
}

/// `owner/name/path@ref`. The first `@` separates: a branch may contain one.
fn workflow(env: &Environment) -> Captured<Workflow> {
    let server = variable(env, "GITHUB_SERVER_URL", is_server);
    let workflow = variable(env, "GITHUB_WORKFLOW_REF", |_| true);
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
