//! What commands without trust show: what is about the subject, each thing once, marked as unverified.

use crate::transcript::Transcript;
use crate::world::{PASSWORD, World};
use attest::model::Digest;
use serde_json::Value;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn sums(world: &World, list: &str, names: &[&str]) {
    let folder = list.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let line = |name: &&str| {
        let digest = Digest::sha256(world.read(&format!("{folder}{name}")).as_bytes());
        format!("{}  {name}\n", digest.hex())
    };
    world.write(list, names.iter().map(line).collect::<String>());
}

/// Two statements about files that share one file of bundles, and a third that is about one of them alone.
fn shared() -> World {
    let world = World::new();
    for name in ["one", "two", "three"] {
        world.write(&format!("dist/{name}"), format!("{name}\n"));
    }
    sums(&world, "dist/SHA256SUMS", &["one", "two"]);
    let create = |args: &[&str]| world.done(&[&["create", "--key", "attest.key"], args].concat());
    create(&["dist/SHA256SUMS", "--agent", "squad/builder", "--task", "task-1"]);
    create(&["dist/two", "dist/three", "--agent", "squad/other"]);
    world.write("sbom.json", "{}");
    create(&["dist/one", "--predicate", "sbom.json", "--predicate-type", "spdx"]);
    world
}

fn json(world: &World, args: &[&str]) -> Value {
    let printed = world.done(&[args, &["--format", "json"]].concat());
    serde_json::from_str(&printed).unwrap_or_else(|e| panic!("{e}: {printed}"))
}

fn piped(world: &World, input: &[u8], args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_attest"));
    program.args(args).current_dir(world.root()).env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD);
    program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = program.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn what_is_about_something_else_is_counted_and_not_shown() {
    let world = shared();
    Transcript::new(&world)
        .run(0, "list dist/one")
        .run(0, "list dist/SHA256SUMS")
        .run(0, "list dist/three --predicate-type provenance")
        .run(1, "list dist/three --predicate-type spdx")
        .run(0, "inspect dist/three")
        .run(0, "download dist/three --output three.jsonl")
        .run(1, "list app dist/three")
        .run(2, "list missing dist/three")
        .is("shown");
    for command in ["list", "inspect"] {
        let shown = json(&world, &[command, "dist/one"]);
        assert_eq!((&shown["verified"], &shown["others"]), (&Value::Bool(false), &Value::from(1)), "{shown}");
        let about: Vec<_> = shown["attestations"].as_array().unwrap().iter().map(|a| &a["about"]).collect();
        assert_eq!(about, ["subject", "subject"]);
    }
    let both: Value = serde_json::from_str(&world.done(&["inspect", "three.jsonl", "--format", "record"])).unwrap();
    assert_eq!(both.as_array().map(Vec::len), Some(2), "{both}");
    let record: Value = serde_json::from_str(&world.done(&["inspect", "dist/one", "--format", "record"])).unwrap();
    assert_eq!((&record["verified"], &record["artifact"]), (&Value::Bool(false), &Value::from("file:one")));
}

#[test]
fn what_verify_finds_the_others_find() {
    let world = shared();
    let two = Digest::sha256(b"two\n").to_string();
    world.write("names.txt", "dist/two\n");
    let pair = format!("dist/two.bin@{two}");
    world.done(&["create", &pair, "--key", "attest.key"]);
    for args in [
        &["dist/SHA256SUMS"][..],
        &["dist/tw?"],
        &["dist/one", "dist/three"],
        &["--subjects", "names.txt"],
        &[&pair],
        &["./dist/two"],
    ] {
        let with = |command: &str, more: &[&str]| {
            let out = world.attest(&[&[command], args, more].concat());
            (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned())
        };
        assert_eq!(with("verify", &["--key", "attest.pub"]).0, Some(0), "{args:?}");
        for command in ["inspect", "list", "download"] {
            assert_eq!(with(command, &[]).0, Some(0), "{command} {args:?}");
        }
        // What was downloaded is what is verified.
        world.write("all.jsonl", with("download", &[]).1);
        assert_eq!(with("verify", &["--key", "attest.pub", "--bundle", "all.jsonl"]).0, Some(0), "{args:?}");
    }
    let out = piped(&world, b"dist/two\n", &["list", "-"]);
    assert!(out.status.success() && String::from_utf8_lossy(&out.stdout).contains("squad/builder"), "{out:?}");
    // A statement about several of them is one.
    let shown = json(&world, &["list", "dist/SHA256SUMS"]);
    let all = shown["attestations"].as_array().unwrap();
    assert_eq!(all.iter().filter(|a| a["subjects"] == serde_json::json!(["one", "two"])).count(), 1, "{shown}");
    assert_eq!(world.done(&["download", "dist/one", "dist/two"]).lines().count(), 3);
}

#[test]
fn an_approval_is_shown_where_a_provenance_names_what_it_approves() {
    let world = World::new();
    world.repository();
    world.write("dist/one", "1\n");
    world.write("charter.md", "Ship it.\n");
    world.write("other.md", "Do not.\n");
    world.layout("image");
    world.done(&["create", "dist/one", "--key", "attest.key", "--charter", "charter.md"]);
    for charter in ["charter.md", "other.md"] {
        let target = format!("charter:{charter}");
        let approve = ["approve", &target, "--key", "attest.key", "--yes"];
        world.done(&[&approve[..], &["--output", "approval.json"]].concat());
        let lines = world.done(&["download", "dist/one"]) + &world.read("approval.json");
        world.write(&format!("{charter}.jsonl"), lines);
        world.done(&["attach", "oci:image", "--bundle", "approval.json"]);
    }
    let types = |args: &[&str]| {
        let shown = json(&world, &[&["list"], args].concat());
        let of = |a: &Value| (a["about"].as_str().unwrap_or("-").to_owned(), shown["others"].as_u64());
        shown["attestations"].as_array().unwrap().iter().map(of).collect::<Vec<_>>()
    };
    let named = types(&["dist/one", "--bundle", "charter.md.jsonl"]);
    assert_eq!(named, [("subject".to_owned(), Some(0)), ("support".to_owned(), Some(0))]);
    let other = types(&["dist/one", "--bundle", "other.md.jsonl"]);
    assert_eq!(other, [("subject".to_owned(), Some(1))]);
    // What is attached to an image is shown, and said to be about something else.
    assert_eq!(types(&["oci:image"]).len(), 2);
    assert!(world.done(&["inspect", "oci:image"]).contains("about: something that others may name"));
}

#[test]
fn bundles_go_from_one_image_to_another_through_a_pipe() {
    let world = World::new();
    world.layout("image");
    world.layout("copy");
    world.done(&["create", "oci:image", "--key", "attest.key", "--task", "task-1"]);
    let bundles = world.done(&["download", "oci:image", "--output", "-"]);
    let out = piped(&world, bundles.as_bytes(), &["attach", "oci:copy", "--bundle", "-"]);
    assert!(out.status.success(), "{out:?}");
    world.done(&["verify", "oci:copy", "--key", "attest.pub", "--task", "task-1"]);
    let none = piped(&world, b"", &["attach", "oci:copy", "--bundle", "-"]);
    let said = String::from_utf8_lossy(&none.stderr);
    assert!(none.status.code() == Some(2) && said.contains("evidence-empty"), "{said}");
}

#[test]
fn several_attestations_that_count_are_told_apart_and_ten_are_not_ten_paragraphs() {
    let world = World::new();
    world.layout("image");
    for n in 1..=2 {
        world.done(&["create", "app", "--key", "attest.key", "--task", &format!("task-{n}"), "--agent", "squad/a"]);
    }
    for n in 1..=10 {
        world.done(&["create", "oci:image", "--key", "attest.key", "--task", &format!("task-{n}")]);
    }
    Transcript::new(&world).run(0, "verify app --key attest.pub").is("two-that-count");
    let text = world.done(&["verify", "oci:image", "--key", "attest.pub"]);
    assert!(text.lines().count() < 15 && text.contains("and 7 more that are allowed (-v shows each)"), "{text}");
    assert!(!text.contains("note: "), "{text}");
    let all = world.done(&["verify", "oci:image", "--key", "attest.pub", "-v"]);
    assert!(all.matches("accepted: ").count() == 10 && all.contains("note: all content"), "{all}");
}
