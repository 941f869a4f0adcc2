//! The platforms, in the environments that their documentation gives: what is captured, and what is not without each
//! variable.

use crate::explain::{context, golden, row, with};
use crate::repo::Repo;
use attest::capture::{Explained, Request};
use serde_json::{Value, json};

/// The commit of [`Repo::new`].
pub(crate) const COMMIT: &str = "8536f046563c833ed0eeeb5b7ed9d913802cffb5";

pub(crate) struct Platform {
    /// Also of the golden file.
    name: &'static str,
    /// The variable by which it is recognised.
    mark: &'static str,
    /// The one that names the commit: without it, others are no word for the source.
    commit: &'static str,
    pub(crate) variables: &'static [(&'static str, &'static str)],
}

pub(crate) const PLATFORMS: &[Platform] = &[
    Platform {
        name: "github-actions",
        mark: "GITHUB_ACTIONS",
        commit: "GITHUB_SHA",
        variables: &[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "octocat"),
            ("GITHUB_ACTOR_ID", "583231"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_REF", "refs/tags/v1.0"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_REPOSITORY_ID", "11"),
            ("GITHUB_REPOSITORY_OWNER_ID", "22"),
            ("GITHUB_RUN_ATTEMPT", "2"),
            ("GITHUB_RUN_ID", "1658821493"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_TRIGGERING_ACTOR", "monalisa"),
            ("GITHUB_WORKFLOW_REF", "acme/app/.github/workflows/release.yml@refs/heads/x@y"),
            ("RUNNER_ENVIRONMENT", "github-hosted"),
            ("RUNNER_NAME", "GitHub Actions 4"),
        ],
    },
    Platform {
        name: "forgejo",
        mark: "FORGEJO_ACTIONS",
        commit: "GITHUB_SHA",
        variables: &[
            ("FORGEJO_ACTIONS", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_ACTOR", "alice"),
            ("GITHUB_EVENT_NAME", "push"),
            ("GITHUB_JOB", "build"),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_REPOSITORY", "acme/app"),
            ("GITHUB_RUN_ID", "441"),
            ("GITHUB_RUN_NUMBER", "12"),
            ("GITHUB_SERVER_URL", "https://codeberg.org"),
            ("GITHUB_SHA", COMMIT),
            ("GITHUB_WORKFLOW", "release.yaml"),
            ("GITHUB_WORKFLOW_REF", "acme/app/.forgejo/workflows/release.yaml@refs/heads/main"),
            ("RUNNER_NAME", "runner-3"),
        ],
    },
    Platform {
        name: "gitlab",
        mark: "GITLAB_CI",
        commit: "CI_COMMIT_SHA",
        variables: &[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_REF_PROTECTED", "true"),
            ("CI_COMMIT_SHA", COMMIT),
            ("CI_CONFIG_PATH", ".gitlab-ci.yml"),
            ("CI_JOB_ID", "50"),
            ("CI_JOB_IMAGE", IMAGE),
            ("CI_JOB_NAME", "build"),
            ("CI_JOB_URL", "https://gitlab.com/acme/app/-/jobs/50"),
            ("CI_PIPELINE_ID", "1000"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_PROJECT_ID", "34"),
            ("CI_PROJECT_NAMESPACE_ID", "9"),
            ("CI_PROJECT_URL", "https://gitlab.com/acme/app"),
            ("CI_RUNNER_DESCRIPTION", "my runner"),
            ("CI_RUNNER_ID", "10"),
            ("CI_RUNNER_TAGS", "[\"docker\", \"linux\"]"),
            ("CI_SERVER_URL", "https://gitlab.com"),
            ("GITLAB_USER_ID", "42"),
            ("GITLAB_USER_LOGIN", "alice"),
        ],
    },
    Platform {
        name: "buildkite",
        mark: "BUILDKITE",
        commit: "BUILDKITE_COMMIT",
        variables: &[
            ("BUILDKITE", "true"),
            ("BUILDKITE_AGENT_ID", "1a222222-e999-3636-a8ff-60f0a57f7a52"),
            ("BUILDKITE_AGENT_NAME", "elastic builders"),
            ("BUILDKITE_BRANCH", "main"),
            ("BUILDKITE_BUILD_ID", "4735ba57-80d0-46e2-8fa0-b28223a86586"),
            ("BUILDKITE_BUILD_NUMBER", "1514"),
            ("BUILDKITE_BUILD_URL", "https://buildkite.com/acme/app/builds/1514"),
            ("BUILDKITE_COMMIT", COMMIT),
            ("BUILDKITE_COMPUTE_TYPE", "self-hosted"),
            ("BUILDKITE_JOB_ID", "e44f9784-e20e-4b93-a21d-f41fd5869db9"),
            ("BUILDKITE_ORGANIZATION_SLUG", "acme"),
            ("BUILDKITE_PIPELINE_ID", "ded8a5d1-bd65-4fdb-a5a0-b2e0ca1e5ba2"),
            ("BUILDKITE_PIPELINE_SLUG", "app"),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("BUILDKITE_REPO", "git@github.com:acme/app.git"),
            ("BUILDKITE_RETRY_COUNT", "0"),
            ("BUILDKITE_SOURCE", "webhook"),
            ("BUILDKITE_STEP_KEY", "build"),
        ],
    },
    Platform {
        name: "circleci",
        mark: "CIRCLECI",
        commit: "CIRCLE_SHA1",
        variables: &[
            ("CIRCLECI", "true"),
            ("CIRCLE_BRANCH", "main"),
            ("CIRCLE_BUILD_NUM", "77"),
            ("CIRCLE_BUILD_URL", "https://circleci.com/gh/acme/app/77"),
            ("CIRCLE_JOB", "build"),
            ("CIRCLE_ORGANIZATION_ID", "f22b6566-597d-46d5-ba74-99ef5bb3d85c"),
            ("CIRCLE_PIPELINE_ID", "8b32ba7c-5b37-41ab-8b0a-3ee4d3c08f23"),
            ("CIRCLE_PROJECT_ID", "49ac4f32-d96c-4a13-b1d3-7b9c33c4e7e5"),
            ("CIRCLE_REPOSITORY_URL", "https://github.com/acme/app"),
            ("CIRCLE_SHA1", COMMIT),
            ("CIRCLE_USERNAME", "alice"),
            ("CIRCLE_WORKFLOW_ID", "8a6dbd0c-9c3d-4d1e-93a1-6f7cf1a2d6d1"),
            ("CIRCLE_WORKFLOW_JOB_ID", "2a1e5a5f-0f9e-4d1c-8d43-5dd18f0f7a55"),
        ],
    },
    Platform {
        name: "jenkins",
        mark: "JENKINS_URL",
        commit: "GIT_COMMIT",
        variables: &[
            ("JENKINS_URL", "https://ci.acme.example/jenkins/"),
            ("BRANCH_NAME", "main"),
            ("BUILD_CAUSE", "MANUALTRIGGER"),
            ("BUILD_NUMBER", "153"),
            ("BUILD_TAG", "jenkins-app-153"),
            ("BUILD_URL", "https://ci.acme.example/jenkins/job/app/153/"),
            ("BUILD_USER", "Alice Doe"),
            ("BUILD_USER_ID", "alice"),
            ("GIT_COMMIT", COMMIT),
            ("GIT_URL", "https://github.com/acme/app.git"),
            ("JOB_NAME", "app"),
            ("NODE_NAME", "built-in"),
        ],
    },
    Platform {
        name: "azure-pipelines",
        mark: "TF_BUILD",
        commit: "BUILD_SOURCEVERSION",
        variables: &[
            ("TF_BUILD", "True"),
            ("AGENT_ID", "8"),
            ("AGENT_NAME", "Azure Pipelines 2"),
            ("BUILD_BUILDID", "1234"),
            ("BUILD_BUILDNUMBER", "20260101.1"),
            ("BUILD_DEFINITIONNAME", "app release"),
            ("BUILD_QUEUEDBYID", "00000002-0000-8888-8000-000000000000"),
            ("BUILD_REASON", "IndividualCI"),
            ("BUILD_REPOSITORY_PROVIDER", "GitHub"),
            ("BUILD_REPOSITORY_URI", "https://github.com/acme/app"),
            ("BUILD_REQUESTEDFOR", "Alice Doe"),
            ("BUILD_REQUESTEDFORID", "8c5a4b7e-3f0a-6d4e-9b61-1f2d3c4b5a69"),
            ("BUILD_SOURCEBRANCH", "refs/heads/main"),
            ("BUILD_SOURCEVERSION", COMMIT),
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/acme/"),
            ("SYSTEM_DEFINITIONID", "7"),
            ("SYSTEM_JOBATTEMPT", "1"),
            ("SYSTEM_JOBID", "12f1170f-54f2-53f3-20dd-22fc7dff55f9"),
            ("SYSTEM_TEAMPROJECTID", "eb6e4656-77fc-42a1-9181-4c6d8e9da5d1"),
        ],
    },
    Platform {
        name: "tekton",
        mark: "TEKTON_TASKRUN_NAME",
        commit: "TEKTON_GIT_COMMIT",
        variables: &[
            ("TEKTON_TASKRUN_NAME", "build-app-x7k2p"),
            ("TEKTON_GIT_COMMIT", COMMIT),
            ("TEKTON_GIT_REF", "refs/heads/main"),
            ("TEKTON_GIT_URL", "https://github.com/acme/app"),
            ("TEKTON_PIPELINERUN_NAME", "release-9"),
            ("TEKTON_PIPELINERUN_UID", "0f3ad0e1-1b52-43a4-8b61-8d5f4bd5a1f0"),
            ("TEKTON_PIPELINE_NAME", "release"),
            ("TEKTON_STEP_IMAGE", IMAGE),
            ("TEKTON_TASKRUN_NAMESPACE", "ci"),
            ("TEKTON_TASKRUN_UID", "a1f3d0aa-2c25-4a0a-9c36-5a5b2a1c7f0d"),
            ("TEKTON_TASK_NAME", "build"),
        ],
    },
];

const IMAGE: &str = "rust:1.90@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn detached() -> Repo {
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
        let context = context(&with(repo.env(), p.variables), &Request::default());
        assert_eq!(context.platform_name, p.name);
        assert!(context.disagreements.is_empty(), "{:?}", context.disagreements);
        let builder = format!("https://agent-attest.github.io/builder/{}/v1", p.name);
        assert_eq!(context.provenance().builder_id, builder);
        golden(&format!("{}.json", p.name), &context);
    }
}

#[test]
fn every_platform_has_a_row_here() {
    let names: Vec<_> = attest::capture::ALL.iter().map(|c| c.name()).filter(|n| *n != "local").collect();
    for name in &names {
        assert!(PLATFORMS.iter().any(|p| p.name == *name), "no environment for {name}");
    }
    assert_eq!(names.len(), PLATFORMS.len());
}

/// Each variable in turn is away, empty, or of a form that no platform gives: its fields are absent and say so.
#[test]
fn a_missing_variable_is_a_missing_field_with_its_reason() {
    let repo = detached();
    // Without a remote, so that what the platform says of the repository is used.
    repo.git(&["remote", "remove", "origin"]);
    for p in PLATFORMS {
        let all = with(repo.env(), p.variables);
        let whole = context(&all, &Request::default());
        let before = whole.explain();
        for (name, value) in p.variables.iter().filter(|(n, _)| *n != p.mark && *n != "GITHUB_ACTIONS") {
            let bad = format!("{value}\n{value}");
            for other in [None, Some(""), Some(&*bad)] {
                let mut env = all.clone();
                env.variables.remove(std::ffi::OsStr::new(name));
                env.variables.extend(other.map(|v| ((*name).into(), v.into())));
                let less = context(&env, &Request::default());
                assert_ne!(less.provenance(), whole.provenance(), "{}: {name} was used for nothing", p.name);
                let after = less.explain();
                assert_eq!(after.len(), before.len());
                for (a, b) in after.iter().zip(&before).filter(|(a, b)| a.value != b.value) {
                    only_less(p.name, name, *name == p.commit, a, b);
                }
            }
        }
    }
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
    if let Some(value) = &after.value {
        let (now, then) = (text(value), text(before.value.as_ref().unwrap()));
        let folder = after.field == "externalParameters.source" && now.starts_with("git+file://");
        assert!(!now.is_empty() && (then.starts_with(&now) || folder), "{set}: {name}: {then} became {value}");
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
