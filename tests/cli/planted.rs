//! A secret planted wherever the context of a build comes from: the real program stops, names the field, and has written
//! nothing.

use crate::world::{PASSWORD, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

const VALUE: &str = "s3cr3t?value/of+a~token";

struct Scene {
    world: World,
    event: String,
}

impl Scene {
    fn new() -> Self {
        let world = World::new();
        let event = world.root().join("event.json").to_str().unwrap().to_owned();
        Self { world, event }
    }

    /// What `create` says with the secret in its environment.
    #[track_caller]
    fn create(&self, expected: i32, variables: &[(&str, &str)], args: &[&str]) -> String {
        let output = self.world.root().join("out.json");
        let _ = std::fs::remove_file(&output);
        let all = [variables, &[("ATTEST_PASSWORD", PASSWORD), ("DEPLOY_TOKEN", VALUE)]].concat();
        let whole = [&["create", "--key", "attest.key", "--output", "out.json"], args].concat();
        let out = self.world.attest_with(&all, &whole);
        let text = String::from_utf8_lossy(&out.stderr).into_owned() + &String::from_utf8_lossy(&out.stdout);
        assert_eq!(out.status.code(), Some(expected), "{args:?}: {text}");
        assert_eq!(output.exists(), expected == 0, "{args:?}");
        assert!(!text.contains(VALUE), "{args:?}: {text}");
        text
    }

    #[track_caller]
    fn stops(&self, field: &str, variables: &[(&str, &str)], args: &[&str]) {
        let text = self.create(1, variables, args);
        assert!(text.contains("error[secret-in-statement]") && text.contains(field), "{field}: {text}");
    }
}

#[test]
fn wherever_it_comes_from() {
    let s = Scene::new();
    let external = "statement.predicate.buildDefinition.externalParameters";
    s.create(0, &[], &["app", "--task", "task-1"]);
    s.stops(&format!("{external}.task.id"), &[], &["app", "--task", VALUE]);
    s.stops(&format!("{external}.agent.session"), &[("ATTEST_SESSION", VALUE)], &["app", "--agent", "a/b"]);
    let url = format!("https://u:{VALUE}@h.example/");
    s.stops(
        &format!("{external}.command[3]"),
        &[],
        &["app", "--", "true", "a", "b", &format!("--url={}", url.replace('/', "%2F"))],
    );
    s.stops(&format!("{external}.command[1]"), &[], &["app", "--", "true", "https://u:hunter2@h.example/"]);
    // A file's name.
    s.world.write("s3cr3t-file-name-of-it", "x");
    let named = [("FILE_PASSWORD", "s3cr3t-file-name-of-it")];
    s.stops("statement.subject[0].name", &named, &["s3cr3t-file-name-of-it"]);
    // An annotation of a predicate that is handed over.
    s.world.write("scan.json", serde_json::json!({ "annotations": { "note": VALUE } }).to_string());
    let predicate = ["app", "--predicate", "scan.json", "--predicate-type", "https://acme.example/scan/v1"];
    s.stops("statement.predicate.annotations.note", &[], &predicate);
    // An input of a workflow.
    std::fs::write(&s.event, serde_json::json!({ "inputs": { "note": VALUE } }).to_string()).unwrap();
    let run = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", s.event.as_str())];
    s.stops(&format!("{external}.inputs.note"), &run, &["app"]);
    std::fs::write(&s.event, serde_json::json!({ "inputs": { "deploy-token": VALUE } }).to_string()).unwrap();
    s.create(0, &run, &["app"]);
    // The commit's message, and the remote.
    s.world.repository();
    s.world.git(&["commit", "-q", "--allow-empty", "-m", &format!("T\n\nAgent: a/b\nExecution: {VALUE}\n")]);
    s.stops(&format!("{external}.agent.execution"), &[], &["app"]);
    s.world.git(&["commit", "-q", "--allow-empty", "-m", "T"]);
    s.world.git(&["remote", "set-url", "origin", "https://bot:of-the-remote@github.com/acme/app"]);
    s.create(0, &[], &["app"]);
    s.stops(&format!("{external}.task.id"), &[], &["app", "--task", "of-the-remote"]);
}

#[test]
fn however_it_is_written() {
    let s = Scene::new();
    let percent: String = VALUE.bytes().map(|b| format!("%{b:02X}")).collect();
    let hex: String = VALUE.bytes().map(|b| format!("{b:02x}")).collect();
    let uni: String = VALUE.chars().map(|c| format!("\\u{:04x}", c as u32)).collect();
    let github = format!("GHP_{}", "A1B2C3D4E5F6".repeat(3));
    let glpat = format!("glpat-{}", "aB3dE6gH9j".repeat(2));
    let key = format!("-----BEGIN {} KEY-----", "PRIVATE");
    for text in [
        STANDARD.encode(VALUE),
        URL_SAFE.encode(VALUE),
        STANDARD.encode(format!("deploy:{VALUE}")),
        hex,
        percent,
        uni,
        VALUE.to_uppercase(),
        github,
        glpat,
        format!("{}IOSFODNN7EXAMPL2", "AKIA"),
        format!("xoxb-{}", "1234567890-".repeat(3)),
        format!("npm_{}", "aB3dE6gH9".repeat(4)),
        key,
    ] {
        s.stops("command[1]", &[], &["app", "--", "true", &text]);
    }
    let (first, second) = VALUE.split_at(9);
    for text in [format!("{first}\n{second}"), format!("{first}\r\n  {second}")] {
        s.stops("command[1]", &[], &["app", "--", "true", &text]);
    }
    for near in [
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "de9f2c7f-d25e-11b2-9a5c-0242ac130003",
        "-----BEGIN PUBLIC KEY-----",
        "pkg:npm/%40angular/core@17.0.0",
    ] {
        s.create(0, &[], &["app", "--", "true", near]);
    }
}

#[test]
fn a_statement_made_elsewhere_is_searched_before_it_is_signed() {
    let world = World::new();
    let statement = |task: &str| {
        let subject = serde_json::json!({ "name": "app", "digest": { "sha256": "a".repeat(64) } });
        let whole = serde_json::json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [subject],
            "predicateType": "https://acme.example/scan/v1", "predicate": { "task": task } });
        world.write("statement.json", whole.to_string());
        let variables = [("ATTEST_PASSWORD", PASSWORD), ("DEPLOY_TOKEN", VALUE)];
        world.attest_with(&variables, &["sign", "statement.json", "--key", "attest.key"])
    };
    assert_eq!(statement("task-1").status.code(), Some(0));
    let out = statement(VALUE);
    assert_eq!(out.status.code(), Some(1));
    assert!(out.stdout.is_empty() && String::from_utf8_lossy(&out.stderr).contains("statement.predicate.task"));
}

#[test]
fn names_of_credentials_are_written_on_request_only() {
    let world = World::new();
    let credentials = |more: &[&str]| {
        let variables = [("DEPLOY_TOKEN", VALUE), ("ATTEST_PASSWORD", PASSWORD)];
        let out = world.attest_with(&variables, &[&["generate", "app"], more].concat());
        let statement: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        let internal = &statement["predicate"]["buildDefinition"]["internalParameters"];
        assert!(internal["elevated"].is_boolean());
        let all = internal["credentials"].as_array().unwrap();
        // The machine may have more of them.
        all.iter().find(|c| c["kind"] == "secret").unwrap().clone()
    };
    assert_eq!(credentials(&[]), serde_json::json!({ "kind": "secret" }));
    let named = serde_json::json!({ "kind": "secret", "name": "DEPLOY_TOKEN" });
    assert_eq!(credentials(&["--record-credentials", "names"]), named);
}
