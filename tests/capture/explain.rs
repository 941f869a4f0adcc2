//! What is captured where, and what is said of every field; golden files in `tests/capture/golden`.

use crate::platforms::{PLATFORMS, only_less};
use crate::repo::{Repo, env_in};
use attest::capture::step::{StepOutcome, StreamDigest};
use attest::capture::{Captured, Context, Environment, Explained, Local, Request, capture};
use attest::model::{Timestamp, uri};
use attest::predicate::{PredicateType, Provenance};
use serde_json::{Value, json};
use std::path::Path;

const ATTEST: &[(&str, &str)] = &[
    ("ATTEST_AGENT", "platform/builder"),
    ("ATTEST_AGENT_VERSION", "1.2"),
    ("ATTEST_MODEL", "anthropic/some-model"),
    ("ATTEST_SESSION", "s-1"),
    ("ATTEST_EXECUTION", "e-1"),
    ("ATTEST_TASK", "task-1"),
    ("ATTEST_TASK_URI", "https://tasks.example/1"),
    ("ATTEST_CHARTER", "https://github.com/acme/app/issues/42"),
    ("ATTEST_REQUESTED_BY", "alice@acme.example"),
    ("ATTEST_TRIGGER", "smart"),
    ("ATTEST_BASE_IMAGE", BASE),
];
const BASE: &str = "r.example/base@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

pub(crate) fn with(mut env: Environment, variables: &[(&str, &str)]) -> Environment {
    env.variables.extend(variables.iter().map(|(k, v)| ((*k).into(), (*v).into())));
    env
}

pub(crate) fn context(env: &Environment, request: &Request) -> Context {
    let context = capture(request, env, &Local::default()).unwrap();
    // Whatever was captured is a predicate that a verifier reads.
    let written = context.provenance().to_json();
    let row = attest::predicate::by_uri(uri::SLSA_PROVENANCE).unwrap();
    PredicateType::check(row, &written).unwrap();
    assert_eq!(Provenance::from_json(&written).unwrap().to_json(), written);
    context
}

pub(crate) fn golden(name: &str, context: &Context) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/capture/golden").join(name);
    let found = json!({ "explanation": context.explain(), "predicate": context.provenance().to_json() });
    let found = serde_json::to_string_pretty(&found).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "{name} differs (UPDATE_GOLDEN=1 writes it); found:\n{found}");
}

pub(crate) fn row<'a>(rows: &'a [Explained], field: &str) -> &'a Explained {
    rows.iter().find(|r| r.field.ends_with(field)).unwrap_or_else(|| panic!("no row {field}"))
}

#[test]
fn on_a_plain_machine_with_everything_said() {
    let repo = Repo::new();
    let request = Request { command: vec!["make".into(), "all".into()], ..Request::default() };
    let mut context = context(&with(repo.env(), ATTEST), &request);
    let time = |s: i64| Timestamp::from_unix(1_767_225_600 + s).unwrap();
    let digest = attest::model::Digest::sha256(b"done\n");
    let stream = StreamDigest { digest, size: 5, with_stderr: false, still_open: true };
    let outcome = StepOutcome {
        code: 0,
        signal: None,
        stdout: Captured::found(stream, "standard output, while it was passed on"),
        stderr: Captured::absent("standard error: it is a terminal, which the build step keeps for itself"),
        started: time(0),
        finished: time(5),
    };
    context.record_step(outcome.record(vec!["dist/old".into()], Captured::absent("not a git checkout")).unwrap());
    golden("plain.json", &context);
}

#[test]
fn with_a_dirty_tree() {
    let repo = Repo::new();
    repo.write("a.txt", "changed\n");
    golden("dirty.json", &context(&repo.env(), &Request::default()));
}

#[test]
fn without_git() {
    let folder = tempfile::tempdir().unwrap();
    let mut env = env_in(folder.path());
    env.variables.insert("PATH".into(), "/nonexistent".into());
    golden("no-git.json", &context(&env, &Request::default()));
}

/// A downloaded archive on GitHub: the run's word is all there is, and the tree is not called clean.
#[test]
fn on_github_without_a_checkout() {
    let folder = tempfile::tempdir().unwrap();
    let commit = "c".repeat(40);
    let env = with(with(env_in(folder.path()), PLATFORMS[0].variables), &[("GITHUB_SHA", &commit)]);
    let provenance = context(&env, &Request::default()).provenance();
    let source = provenance.source().unwrap();
    assert_eq!(source.commit, Some(commit));
    assert_eq!((source.repository.as_deref(), source.dirty), (Some("https://github.com/acme/app"), None));
}

#[test]
fn a_missing_word_is_a_missing_field_with_its_reason() {
    let repo = Repo::new();
    let all = with(repo.env(), ATTEST);
    let whole = context(&all, &Request::default());
    let before = whole.explain();
    for (name, _) in ATTEST {
        for value in [None, Some("")] {
            let mut env = all.clone();
            env.variables.remove(std::ffi::OsStr::new(name));
            env.variables.extend(value.map(|v| ((*name).into(), v.into())));
            let less = context(&env, &Request::default());
            let after = less.explain();
            assert_ne!(less.provenance(), whole.provenance(), "{name} was used for nothing");
            for (a, b) in after.iter().zip(&before).filter(|(a, b)| a.value != b.value) {
                only_less("ATTEST", name, false, a, b);
            }
        }
    }
}

#[test]
fn flags_win_over_variables_and_those_over_the_platform() {
    let repo = Repo::new();
    let github = with(repo.env(), PLATFORMS[0].variables);
    let by = |env: &Environment, request: &Request| {
        let rows = context(env, request).explain();
        let row = row(&rows, "requestedBy");
        (row.value.clone().unwrap()["id"].clone(), row.source.clone().unwrap())
    };
    let flag = Request { requested_by: Some("bob".into()), ..Request::default() };
    assert_eq!(
        by(&github, &Request::default()),
        (json!("github:583231"), "GITHUB_SERVER_URL, GITHUB_ACTOR_ID, GITHUB_ACTOR".into())
    );
    let both = with(github, ATTEST);
    assert_eq!(by(&both, &Request::default()), (json!("alice@acme.example"), "ATTEST_REQUESTED_BY".into()));
    assert_eq!(by(&both, &flag), (json!("bob"), "--requested-by".into()));
}

#[test]
fn disagreements_are_shown_and_git_decides() {
    let repo = Repo::new();
    let other = "d".repeat(40);
    let env =
        with(with(repo.env(), PLATFORMS[0].variables), &[("GITHUB_SHA", &other), ("GITHUB_REPOSITORY", "acme/fork")]);
    let request = Request { trigger: Some("manual".into()), ..Request::default() };
    let context = context(&env, &request);
    let rows = context.explain();
    let source = row(&rows, "externalParameters.source");
    let text = source.disagreement.as_deref().unwrap();
    assert!(text.contains(&other) && text.contains("acme/fork"), "{text}");
    assert!(row(&rows, "trigger").disagreement.as_deref().unwrap().contains("event"));
    let provenance = context.provenance();
    let source = provenance.source().unwrap();
    assert_eq!(source.commit, Some(repo.git(&["rev-parse", "HEAD"])));
    assert_eq!(source.reference.as_deref(), Some("refs/heads/main"));
    assert_eq!(provenance.internal["github"]["sha"], json!(other));
    // The twin agrees, and nothing is said.
    let head = repo.git(&["rev-parse", "HEAD"]);
    let env = with(with(repo.env(), PLATFORMS[0].variables), &[("GITHUB_SHA", &head)]);
    let rows = self::context(&env, &Request::default()).explain();
    assert!(rows.iter().all(|r| r.disagreement.is_none()));
}

#[test]
fn values_of_another_form_are_refused_from_a_person() {
    let repo = Repo::new();
    let text = |s: &str| Some(s.to_owned());
    for request in [
        Request { agent: text(""), ..Request::default() },
        Request { agent: text("a\nb"), ..Request::default() },
        Request { agent: Some("x".repeat(3000)), ..Request::default() },
        Request { model: text("no-provider"), ..Request::default() },
        Request { trigger: text("sometimes"), ..Request::default() },
        Request { charter: text("https://user:pass@h.example/1"), ..Request::default() },
        Request { base_image: text("debian:13"), ..Request::default() },
        Request { materials: vec!["x=https://h.example/no-digest".into()], ..Request::default() },
        Request { dependencies: vec!["yarn.lock".into()], ..Request::default() },
    ] {
        let e = capture(&request, &repo.env(), &Local::default()).unwrap_err();
        assert_eq!(e.code().as_str(), "value-malformed", "{request:?}: {e}");
        assert!(!e.to_string().contains("pass@"), "{e}");
    }
    for request in [
        Request { charter: text("missing.md"), ..Request::default() },
        Request { materials: vec!["missing.bin".into()], ..Request::default() },
        Request { dependencies: vec!["sub/Cargo.lock".into()], ..Request::default() },
    ] {
        let e = capture(&request, &repo.env(), &Local::default()).unwrap_err();
        assert_eq!(e.code().as_str(), "no-file-matches", "{request:?}: {e}");
    }
}

/// The example, each value against what the file itself says.
#[test]
fn the_example_is_captured_down_to_its_packages() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/agent-image");
    let repo = Repo::empty(&[]);
    for name in ["Cargo.lock", "package-lock.json", "uv.lock", "flake.lock", "Containerfile", "charter.md"] {
        repo.write(name, std::fs::read(example.join(name)).unwrap());
    }
    repo.commit();
    repo.git(&["remote", "add", "origin", "git@github.com:acme/tide-times.git"]);
    let request = Request {
        charter: Some("charter.md".into()),
        materials: vec![
            "Containerfile".into(),
            "model=nar:charter.md".into(),
            format!("data=https://d.example/x@sha256:{}", "e".repeat(64)),
        ],
        ..Request::default()
    };
    let context = context(&repo.env(), &request);
    let provenance = context.provenance();
    let text = serde_json::to_string_pretty(&provenance.dependencies.iter().map(|d| d.to_json()).collect::<Vec<_>>());
    let path = example.parent().unwrap().parent().unwrap().join("tests/capture/golden/example-dependencies.json");
    let found = text
        .unwrap()
        .replace(&repo.git(&["rev-parse", "HEAD"]), "COMMIT")
        .replace(&repo.git(&["rev-parse", "HEAD^{tree}"]), "TREE")
        .replace(provenance.source_digest().unwrap().get("sha256").unwrap(), "OBJECT")
        + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap_or_default());
    let charter = provenance.charter_digest().unwrap();
    let bytes = std::fs::read(example.join("charter.md")).unwrap();
    assert_eq!(charter.get("sha256"), Some(attest::model::Digest::sha256(&bytes).hex()));
    assert_eq!(provenance.charter(), Some("git+https://github.com/acme/tide-times@refs/heads/main#charter.md"));
    let lock: Value = serde_json::from_slice(&std::fs::read(example.join("flake.lock")).unwrap()).unwrap();
    let revision = lock["nodes"]["nixpkgs"]["locked"]["rev"].as_str().unwrap();
    assert_eq!(provenance.internal["environment"]["nix"]["flake"], json!(format!("nixpkgs#{revision}")));
}

/// As a charter's address: what is recorded is published.
#[test]
fn addresses_with_credentials_are_refused() {
    let digest = format!("@sha256:{}", "a".repeat(64));
    for (address, good) in [
        ("https://tasks.example/1?access_token=hunter2", "https://tasks.example/1?page=2"),
        ("https://bot:hunter2@tasks.example/1", "https://tasks.example/1"),
        ("https://hunter2@tasks.example/1", "https://tasks.example/@me"),
        ("https://tasks.example/#sig=hunter2", "https://tasks.example/#part"),
    ] {
        for (text, refused) in [(address, true), (good, false)] {
            let repo = Repo::new();
            let by_flag = Request { task: Some("1".into()), task_uri: Some(text.into()), ..Request::default() };
            let material = Request { materials: vec![format!("x={text}{digest}")], ..Request::default() };
            let prefix = Request { task: Some("1".into()), ..Request::default() };
            for request in [by_flag, material] {
                let found = capture(&request, &repo.env(), &Local::default());
                assert_eq!(found.is_err(), refused, "{text}");
                assert!(!found.is_err_and(|e| e.to_string().contains("hunter2")));
            }
            repo.write(".attest.yaml", format!("taskPrefix: '{text}'\n"));
            let found = capture(&prefix, &repo.env(), &Local::default());
            assert_eq!(found.is_err(), refused, "{text}");
            repo.write(".attest.yaml", format!("materials: ['x={text}{digest}']\n"));
            let found = capture(&Request::default(), &repo.env(), &Local::default());
            assert_eq!(found.is_err(), refused, "{text}");
            assert!(!found.is_err_and(|e| e.to_string().contains("hunter2")));
        }
    }
    let material = format!("src=git+ssh://git@h.example/a/b{digest}");
    context(&Repo::new().env(), &Request { materials: vec![material], ..Request::default() });
}
