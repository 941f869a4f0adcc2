//! The platforms, in the environments that their documentation gives: what is captured, and what is not without each
//! variable.

pub(crate) use crate::environments::{COMMIT, PLATFORMS};
use crate::explain::{context, golden, row, with};
use crate::repo::Repo;
use attest::capture::{Environment, Explained, Request};
use serde_json::{Value, json};

pub(crate) fn detached() -> Repo {
    let repo = Repo::new();
    repo.git(&["checkout", "-q", "--detach"]);
    assert_eq!(repo.git(&["rev-parse", "HEAD"]), COMMIT);
    repo
}

#[test]
fn each_in_its_documented_environment() {
    let repo = detached();
    for p in PLATFORMS {
        let host = match p.name {
            "gitlab" => "gitlab.com",
            "forgejo" => "codeberg.org",
            _ => "github.com",
        };
        repo.git(&["remote", "set-url", "origin", &format!("https://user:secret@{host}/acme/app.git")]);
        let context = context(&with(with(repo.env(), p.variables), p.others), &Request::default());
        assert_eq!(context.platform_name, p.name);
        assert!(context.disagreements.is_empty(), "{:?}", context.disagreements);
        let builder = format!("https://agent-attest.github.io/builder/{}/v1", p.name);
        assert_eq!(context.provenance().builder_id, builder);
        golden(&format!("{}.json", p.name), &context);
    }
}

#[test]
fn every_platform_has_a_row_here() {
    let names: Vec<_> = attest::issuer::platforms().map(|(name, _)| name).filter(|n| *n != "local").collect();
    for name in &names {
        assert!(PLATFORMS.iter().any(|p| p.name == *name), "no environment for {name}");
    }
    assert_eq!(names.len(), PLATFORMS.len());
}

/// Each variable in turn is away, empty, or of a form that no platform gives: its fields are absent and say so. What is
/// used for nothing changes nothing.
#[test]
fn a_missing_variable_is_a_missing_field_with_its_reason() {
    let repo = detached();
    // Without a remote, so that what the platform says of the repository is used.
    repo.git(&["remote", "remove", "origin"]);
    for p in PLATFORMS {
        let all = with(with(repo.env(), p.variables), p.others);
        let used = p.variables.iter().filter(|(n, _)| *n != p.mark && *n != "GITHUB_ACTIONS");
        in_turn(p.name, &all, p.commit, used, true);
        let whole = context(&all, &Request::default());
        for (name, value) in p.others {
            let changed = with(all.clone(), &[(name, &format!("{value}x"))]);
            assert!(context(&changed, &Request::default()) == whole, "{}: {name} is used", p.name);
        }
    }
}

/// Every variable in turn: without it the fields that name it as their source are absent, and no other has changed.
fn in_turn<'a>(
    set: &str,
    all: &Environment,
    commit: &str,
    variables: impl Iterator<Item = &'a (&'a str, &'a str)>,
    malformed: bool,
) {
    let whole = context(all, &Request::default());
    let before = whole.explain();
    for (name, value) in variables {
        let bad = format!("{value}\n{value}");
        for other in [None, Some("")].into_iter().chain(malformed.then_some(Some(&*bad))) {
            let mut env = all.clone();
            env.variables.remove(std::ffi::OsStr::new(name));
            env.variables.extend(other.map(|v| ((*name).into(), v.into())));
            let less = context(&env, &Request::default());
            assert_ne!(less.provenance(), whole.provenance(), "{set}: {name} was used for nothing");
            let after = less.explain();
            assert_eq!(after.len(), before.len());
            for (a, b) in after.iter().zip(&before).filter(|(a, b)| a.value != b.value) {
                only_less(set, name, *name == commit, a, b);
            }
        }
    }
}

/// The variables of coding agents, each away in turn: what only it said is absent, and nobody is guessed.
#[test]
fn an_agents_missing_variable_is_a_missing_field() {
    let repo = Repo::new();
    for agent in [
        &[("CODEX_THREAD_ID", "0199a213-81a0-7d60-8f62-1b3f0f0f0f0f"), ("CODEX_SANDBOX", "seatbelt")][..],
        &[("AMP_CURRENT_THREAD_ID", "T-1"), ("AGENT", "amp")],
        &[("CLAUDECODE", "1"), ("CLAUDE_CODE_ENTRYPOINT", "cli")],
    ] {
        let all = with(repo.env(), agent);
        assert!(context(&all, &Request::default()).agent.id.value().is_some());
        // Whatever its value, a mark is one.
        in_turn(agent[0].0, &all, "", agent.iter(), false);
        let none = context(&repo.env(), &Request::default());
        assert_eq!((none.agent.id.value(), none.agent.session.value()), (None, None));
    }
}

/// GitHub's environment as act makes it, kept by the interop case `act-environment`: what act leaves out is absent.
#[test]
fn on_github_as_act_produces_it() {
    let repo = Repo::new();
    let event = repo.outside().join("event.json");
    std::fs::write(&event, include_str!("environments/act-event.json")).unwrap();
    let text = include_str!("environments/act.env").replace("COMMIT", COMMIT);
    let variables: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    let path = [("GITHUB_EVENT_PATH", event.to_str().unwrap())];
    let all = with(with(repo.env(), &variables), &path);
    let context = context(&all, &Request::default());
    assert_eq!(context.platform_name, "github-actions");
    golden("github-act.json", &context);
    // Every variable that a field names as its source, and nothing picked by hand; git says the repository itself.
    let named: std::collections::BTreeSet<_> = context
        .explain()
        .iter()
        .filter_map(|row| row.source.clone())
        .flat_map(|source| source.split([',', ';', ' ']).map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let used: Vec<_> =
        variables.iter().filter(|(n, _)| named.contains(*n) && *n != "GITHUB_ACTIONS").copied().collect();
    assert!(used.len() >= 7, "{used:?}");
    in_turn("act", &all, "GITHUB_SHA", used.iter(), true);
}

/// A field may be gone, or have lost a part; it never has another value, and what is said of it names the variable.
pub(crate) fn only_less(set: &str, name: &str, is_commit: bool, after: &Explained, before: &Explained) {
    let said = after.reason.as_ref().or(after.source.as_ref()).unwrap();
    // Without the word of the agent or task above it, a part has nothing to belong to.
    let parent = (name == "ATTEST_AGENT" || name == "ATTEST_TASK") && said.contains("it would belong to");
    // A name beside a number, and the commit that a ref is for.
    let part = after.value.is_some() || (is_commit && said.contains("is for another commit"));
    assert!(said.contains(name) || parent || part, "{set}: {name}: {after:?}");
    let text = |v: &Value| match v {
        Value::Object(m) => m.get("uri").or_else(|| m.get("id")).and_then(Value::as_str).unwrap_or_default().to_owned(),
        v => v.as_str().unwrap_or_default().to_owned(),
    };
    if let (Some(Value::Array(now)), Some(Value::Array(then))) = (&after.value, &before.value) {
        assert!(now.iter().all(|v| then.contains(v)), "{set}: {name}: {then:?} became {now:?}");
    } else if let Some(value) = &after.value {
        let (now, then) = (text(value), text(before.value.as_ref().unwrap()));
        let no_place = after.field == "externalParameters.source" && value.get("uri").is_none();
        assert!(no_place || (!now.is_empty() && then.starts_with(&now)), "{set}: {name}: {then} became {value}");
    }
}

/// What a platform's documentation says, row by row.
#[test]
fn triggers_are_mapped_as_documented() {
    let repo = detached();
    for (platform, variable, value, trigger) in [
        ("github-actions", "GITHUB_EVENT_NAME", "workflow_dispatch", Some("manual")),
        ("github-actions", "GITHUB_EVENT_NAME", "schedule", Some("scheduled")),
        ("github-actions", "GITHUB_EVENT_NAME", "repository_dispatch", Some("event")),
        ("forgejo", "GITHUB_EVENT_NAME", "schedule", Some("scheduled")),
        ("gitlab", "CI_PIPELINE_SOURCE", "web", Some("manual")),
        ("gitlab", "CI_PIPELINE_SOURCE", "api", Some("manual")),
        ("gitlab", "CI_PIPELINE_SOURCE", "schedule", Some("scheduled")),
        ("gitlab", "CI_PIPELINE_SOURCE", "merge_request_event", Some("event")),
        ("buildkite", "BUILDKITE_SOURCE", "ui", Some("manual")),
        ("buildkite", "BUILDKITE_SOURCE", "schedule", Some("scheduled")),
        ("buildkite", "BUILDKITE_SOURCE", "trigger_job", Some("event")),
        ("jenkins", "BUILD_CAUSE", "TIMERTRIGGER", Some("scheduled")),
        ("jenkins", "BUILD_CAUSE", "SCMTRIGGER", Some("event")),
        ("jenkins", "BUILD_CAUSE", "SCMTRIGGER,MANUALTRIGGER", None),
        ("azure-pipelines", "BUILD_REASON", "Manual", Some("manual")),
        ("azure-pipelines", "BUILD_REASON", "Schedule", Some("scheduled")),
        ("azure-pipelines", "BUILD_REASON", "PullRequest", Some("event")),
    ] {
        let p = PLATFORMS.iter().find(|p| p.name == platform).unwrap();
        let env = with(with(repo.env(), p.variables), &[(variable, value)]);
        let rows = context(&env, &Request::default()).explain();
        assert_eq!(row(&rows, "externalParameters.trigger").value, trigger.map(|t| json!(t)), "{platform} {value}");
        if trigger == Some("scheduled") {
            assert_eq!(row(&rows, "requestedBy").value, None, "{platform}: nobody asks for a scheduled run");
        }
    }
}

/// A ref that may be another repository's, or need not contain the commit, is no ref of this source.
#[test]
fn a_ref_that_may_be_anothers_is_absent() {
    let repo = detached();
    for (platform, changes) in [
        ("buildkite", &[("BUILDKITE_PULL_REQUEST", "7")]),
        ("buildkite", &[("BUILDKITE_SOURCE", "ui")]),
        ("circleci", &[("CIRCLE_BRANCH", "pull/7")]),
        ("bitbucket-pipelines", &[("BITBUCKET_PR_ID", "7")]),
        ("jenkins", &[("CHANGE_ID", "7")]),
    ] {
        let p = PLATFORMS.iter().find(|p| p.name == platform).unwrap();
        let uri = |more: &[(&str, &str)]| {
            let env = with(with(repo.env(), p.variables), more);
            context(&env, &Request::default()).source.value().unwrap().uri().unwrap().to_owned()
        };
        assert_eq!(uri(&[]), "git+https://github.com/acme/app@refs/heads/main", "the twin");
        assert_eq!(uri(changes), "git+https://github.com/acme/app", "{platform} {changes:?}");
    }
    // A merge request has a ref of its own.
    let p = PLATFORMS.iter().find(|p| p.name == "gitlab").unwrap();
    let mut env = with(repo.env(), p.variables);
    env.variables.remove(std::ffi::OsStr::new("CI_COMMIT_BRANCH"));
    let env = with(env, &[("CI_MERGE_REQUEST_REF_PATH", "refs/merge-requests/1/head")]);
    let provenance = context(&env, &Request::default()).provenance();
    assert_eq!(provenance.source().unwrap().reference.as_deref(), Some("refs/merge-requests/1/head"));
}

/// Values that would end up in a URL, in a name or in another person's place.
#[test]
fn values_of_another_form_are_absent() {
    let repo = detached();
    for (platform, name, value, field) in [
        ("github-actions", "GITHUB_ACTOR_ID", "octocat", "requestedBy"),
        ("github-actions", "GITHUB_RUN_ID", "1/../../x", "invocationId"),
        ("github-actions", "GITHUB_SERVER_URL", "https://u:p@github.com", "invocationId"),
        ("github-actions", "GITHUB_REPOSITORY", "acme/app/x", "invocationId"),
        ("github-actions", "GITHUB_WORKFLOW_REF", "nonsense", "workflow"),
        ("github-actions", "GITHUB_EVENT_NAME", "a b", "trigger"),
        ("gitlab", "GITLAB_USER_ID", "alice", "requestedBy"),
        ("gitlab", "CI_JOB_URL", "https://t:secret@gitlab.com/x", "invocationId"),
        ("gitlab", "CI_CONFIG_PATH", "ci.yml@other/project:ref", "workflow"),
        ("azure-pipelines", "BUILD_BUILDID", "1&x=2", "invocationId"),
        ("jenkins", "BUILD_URL", "javascript:alert(1)", "invocationId"),
    ] {
        let p = PLATFORMS.iter().find(|p| p.name == platform).unwrap();
        let env = with(with(repo.env(), p.variables), &[(name, value)]);
        let rows = context(&env, &Request::default()).explain();
        let reason = row(&rows, field).reason.clone().unwrap_or_else(|| panic!("{name} was believed"));
        assert!(reason.contains(name) && !reason.contains("secret"), "{reason}");
    }
}

/// The same number on another server is another person.
#[test]
fn a_number_belongs_to_its_server() {
    let repo = detached();
    for (platform, name, other, here, there) in [
        (
            "github-actions",
            "GITHUB_SERVER_URL",
            "https://github.acme.example",
            "github:583231",
            "github.acme.example:583231",
        ),
        ("gitlab", "CI_SERVER_URL", "https://git.acme.example", "gitlab:42", "git.acme.example:42"),
    ] {
        let p = PLATFORMS.iter().find(|p| p.name == platform).unwrap();
        let id = |more: &[(&str, &str)]| {
            let env = with(with(repo.env(), p.variables), more);
            context(&env, &Request::default()).requested_by.value().unwrap().id.clone()
        };
        assert_eq!((id(&[]).as_str(), id(&[(name, other)]).as_str()), (here, there));
    }
}

/// What the event's file adds: inputs, without the values of secret ones, and Forgejo's sender.
#[test]
fn the_event_adds_inputs_and_a_sender() {
    let repo = detached();
    let file = repo.outside().join("event.json");
    let event = json!({
        "inputs": { "level": "debug", "dry": true, "deploy-token": "hunter22", "nested": { "a": 1 } },
        "sender": { "id": 77, "login": "alice" },
    });
    std::fs::write(&file, event.to_string()).unwrap();
    let path = [("GITHUB_EVENT_PATH", file.to_str().unwrap())];
    for platform in ["github-actions", "forgejo"] {
        let p = PLATFORMS.iter().find(|p| p.name == platform).unwrap();
        let provenance = context(&with(with(repo.env(), p.variables), &path), &Request::default()).provenance();
        let expected = json!({ "level": "debug", "dry": true, "deploy-token": null, "nested": null });
        assert_eq!(provenance.external["inputs"], expected);
        assert!(!serde_json::to_string(&provenance.to_json()).unwrap().contains("hunter22"));
    }
    let forgejo = PLATFORMS.iter().find(|p| p.name == "forgejo").unwrap();
    let by = |more: &[(&str, &str)]| {
        let env = with(with(with(repo.env(), forgejo.variables), &path), more);
        context(&env, &Request::default()).requested_by.value().map(|p| p.id.clone())
    };
    assert_eq!(by(&[]).as_deref(), Some("codeberg.org:77"));
    assert_eq!(by(&[("GITHUB_ACTOR", "mallory")]), None);
    assert_eq!(by(&[("GITHUB_EVENT_NAME", "schedule")]), None);
    std::fs::write(&file, "not json").unwrap();
    assert_eq!(by(&[]), None);
}
