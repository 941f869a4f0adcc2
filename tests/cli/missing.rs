//! What `create` says is missing, and refuses where it is required.

use crate::world::{PASSWORD, World};
use serde_json::Value;
use std::process::Output;

const ASKED: [&str; 4] = ["--agent", "squad/builder", "--requested-by", "github:583231"];

fn create(world: &World, more: &[&str]) -> Output {
    world.attest(&[&["create", "app", "--key", "attest.key"], more].concat())
}

fn said(out: &Output) -> String {
    String::from_utf8(out.stderr.clone()).unwrap()
}

fn refused(out: &Output, field: &str) {
    let text = said(out);
    assert_eq!(out.status.code(), Some(1), "{text}");
    assert!(text.contains("error[required-field-missing]") && text.contains(&format!("`{field}`: ")), "{text}");
    assert!(text.contains("hint: "), "{text}");
}

fn passed(out: &Output) {
    assert!(out.status.success(), "{}", said(out));
}

#[test]
fn each_missing_field_is_a_line_and_their_number_the_last() {
    let world = World::new();
    let text = said(&create(&world, &[]));
    for line in
        ["no source commit is recorded: ", "no agent is recorded", "nobody is recorded who asked", "3 fields missing"]
    {
        assert_eq!(text.lines().filter(|l| l.contains(line)).count(), 1, "{line}: {text}");
    }
    world.repository();
    assert_eq!(said(&create(&world, &ASKED)), "");
    world.write("main.c", "changed\n");
    let text = said(&create(&world, &ASKED));
    assert!(text.contains("the work tree differs from the commit in 1 file (main.c: "), "{text}");
    assert!(text.contains("1 field missing or flawed: source.dirty;"), "{text}");
    assert_eq!(said(&create(&world, &["--quiet"])), "");
    let scan = ["--predicate", "main.c", "--predicate-type", "https://acme.example/scan/v1"];
    world.write("main.c", "{}");
    assert_eq!(said(&create(&world, &scan)), "");
}

#[test]
fn a_base_image_without_digest_is_said_and_one_from_scratch_is_none() {
    let world = World::new();
    world.repository();
    world.write("Dockerfile", "FROM debian:12\n");
    let text = said(&create(&world, &ASKED));
    assert!(text.contains("no base image is recorded: Dockerfile names its base image without a digest"), "{text}");
    refused(&create(&world, &[&ASKED[..], &["--require", "base-image"]].concat()), "base-image");
    refused(&create(&world, &[&ASKED[..], &["--require", "dependencies"]].concat()), "base-image");
    world.write("Dockerfile", "FROM scratch\n");
    assert_eq!(said(&create(&world, &ASKED)), "");
}

#[test]
fn a_required_field_is_missed_before_the_step_and_nothing_is_signed() {
    let world = World::new();
    world.repository();
    let step = |field: &str, more: &[&str]| {
        let _ = std::fs::remove_file(world.root().join("ran"));
        create(&world, &[&["--require", field], more, &["--", "touch", "ran"]].concat())
    };
    for (field, shown) in [
        ("agent", "agent.id"),
        ("agent.id", "agent.id"),
        ("externalParameters.task.id", "task.id"),
        ("source.commit,requestedBy", "requestedBy"),
        ("charter.digest", "charter.digest"),
    ] {
        refused(&step(field, &[]), shown);
        assert!(!world.root().join("ran").exists(), "{field}");
    }
    assert!(!world.root().join("app.sigstore.json").exists());
    passed(&step("agent,source,requestedBy,metadata.finishedOn,command", &ASKED));
    assert!(world.root().join("ran").exists());
    // A part of a field is more than the field.
    let charter = [&ASKED[..], &["--charter", "https://github.com/acme/app/issues/42"]].concat();
    passed(&step("charter,charter.uri", &charter));
    refused(&step("charter.digest", &charter), "charter.digest");
    // Only the step could have brought it.
    refused(&create(&world, &["--require", "metadata.finishedOn"]), "metadata.finishedOn");
    let typo = step("agents", &ASKED);
    assert_eq!(typo.status.code(), Some(2), "{}", said(&typo));
    assert!(!world.root().join("ran").exists());
}

#[test]
fn a_required_source_is_a_clean_one() {
    let world = World::new();
    world.repository();
    passed(&create(&world, &["--require", "source"]));
    world.write("main.c", "changed\n");
    refused(&create(&world, &["--require", "source"]), "source.dirty");
    refused(&create(&world, &["--require", "source.dirty"]), "source.dirty");
    passed(&create(&world, &["--require", "source.commit"]));
}

#[test]
fn the_project_file_requires_and_a_flag_adds_to_it() {
    let world = World::new();
    world.repository();
    world.write(".attest.yaml", "require: [agent.id]\n");
    refused(&create(&world, &[]), "agent.id");
    refused(&create(&world, &["--agent", "squad/a", "--require", "requestedBy"]), "requestedBy");
    refused(&create(&world, &["--requested-by", "github:1", "--require", "requestedBy"]), "agent.id");
    passed(&create(&world, &[&ASKED[..], &["--require", "requestedBy"]].concat()));
    let generated = world.attest(&["generate", "app"]);
    refused(&generated, "agent.id");
    assert!(generated.stdout.is_empty());
    world.write(".attest.yaml", "require: [agents]\n");
    assert_eq!(create(&world, &[]).status.code(), Some(2));
}

#[test]
fn a_checkout_without_a_remote_publishes_no_path_of_this_machine() {
    let world = World::new();
    world.repository();
    world.git(&["remote", "remove", "origin"]);
    let source = |remote: Option<&str>| {
        remote.into_iter().for_each(|url| world.git(&["remote", "add", "origin", url]));
        let text = world.done(&["generate", "app", "--materials", "main.c"]);
        assert!(!text.contains("file:") && !text.contains(world.root().to_str().unwrap()), "{text}");
        remote.into_iter().for_each(|_| world.git(&["remote", "remove", "origin"]));
        let statement: Value = serde_json::from_str(&text).unwrap();
        statement["predicate"]["buildDefinition"].clone()
    };
    for remote in [None, Some("/srv/alice/secret-project"), Some("file:///srv/alice/secret-project")] {
        let found = source(remote);
        let external = &found["externalParameters"]["source"];
        assert_eq!(external.get("uri"), None, "{remote:?}");
        let commit = external["digest"]["gitCommit"].as_str().unwrap();
        assert_eq!(found["resolvedDependencies"][0]["digest"]["gitCommit"], commit);
        assert_eq!(found["resolvedDependencies"][0]["annotations"]["dirty"], false);
    }
    // And such a statement verifies, its commit demanded.
    passed(&create(&world, &[]));
    let head = world.done(&["inspect", "app", "--format", "record"]);
    let record: Value = serde_json::from_str(&head).unwrap();
    let commit = record["provenance"]["source"]["commit"].as_str().unwrap();
    world.done(&["verify", "app", "--key", "attest.pub", "--source-commit", commit]);
    let wrong = commit.replace('a', "b");
    assert_eq!(
        world.attest(&["verify", "app", "--key", "attest.pub", "--source-commit", &wrong]).status.code(),
        Some(1)
    );
}

#[test]
fn a_record_has_a_time_and_a_file_is_no_image() {
    let world = World::new();
    world.write("dist/app", "an application\n");
    world.done(&["create", "dist/app", "--key", "attest.key"]);
    let record = |args: &[&str]| -> Value {
        serde_json::from_str(&world.done(&[&["inspect"], args, &["--format", "record"]].concat())).unwrap()
    };
    for what in ["dist/app", "dist/app.sigstore.json"] {
        let found = record(&[what]);
        assert_eq!(found["artifact"], "file:dist/app", "{what}");
        assert_eq!(found["createdFrom"], "capture");
        assert!(found["created"].as_str().unwrap().ends_with('Z'));
    }
    world.done(&["create", "app", "--key", "attest.key", "--", "true"]);
    let found = record(&["app"]);
    assert_eq!((found["artifact"].as_str(), found["createdFrom"].as_str()), (Some("file:app"), Some("step")));
    world.layout("image");
    world.done(&["create", "oci:image", "--key", "attest.key"]);
    assert_eq!(record(&["oci:image"])["artifact"], "docker-image:image");
}

#[test]
fn a_step_that_could_read_the_key_is_said_to_be_so() {
    let world = World::new();
    let text = said(&create(&world, &["--", "true"]));
    assert!(text.contains("the build step can read `attest.key`"), "{text}");
    let key = world.read("attest.key");
    let variables = [("ATTEST_PASSWORD", PASSWORD), ("KEY", key.as_str())];
    let out = world.attest_with(&variables, &["create", "app", "--key", "env:KEY", "--", "true"]);
    passed(&out);
    assert!(!said(&out).contains("can read"), "{}", said(&out));
}
