//! What commands without trust show: what is about the subject, each thing once, marked as unverified.

use crate::transcript::Transcript;
use crate::world::{PASSWORD, World};
use attest::model::oci::{EMPTY, IMAGE_CONFIG, IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest};
use attest::testing::registry::{Action, Behaviour, Fault, TestRegistry};
use serde_json::{Value, json};
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

/// An index as BuildKit makes it, of two images, each with a statement that nobody signed; as blobs and manifests, each with its
/// media type, the index last. And the two images.
fn built() -> (Vec<(&'static str, Vec<u8>)>, [Digest; 2]) {
    let mut parts = vec![(EMPTY, b"{}".to_vec())];
    let mut entries = Vec::new();
    let images = ["amd64", "arm64"].map(|architecture| {
        let config = json!({ "architecture": architecture, "os": "linux" }).to_string().into_bytes();
        let image = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [],
            "config": Descriptor::of(IMAGE_CONFIG, &config).to_json() });
        let image = image.to_string().into_bytes();
        let described = Descriptor::of(IMAGE_MANIFEST, &image);
        let statement = json!({ "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
            "subject": [{ "name": architecture, "digest": { "sha256": described.digest.hex() } }], "predicate": {} });
        let statement = statement.to_string().into_bytes();
        let beside = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": Descriptor::of(EMPTY, b"{}").to_json(),
            "layers": [Descriptor::of("application/vnd.in-toto+json", &statement).to_json()] });
        let beside = beside.to_string().into_bytes();
        let mut attestation = Descriptor::of(IMAGE_MANIFEST, &beside).to_json();
        attestation["platform"] = json!({ "os": "unknown", "architecture": "unknown" });
        attestation["annotations"] = json!({ "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": described.digest.to_string() });
        entries.extend([described.to_json(), attestation]);
        parts.extend([(IMAGE_CONFIG, config), (IMAGE_MANIFEST, image), (IMAGE_CONFIG, statement), (IMAGE_MANIFEST, beside)]);
        described.digest
    });
    let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries });
    parts.push((IMAGE_INDEX, index.to_string().into_bytes()));
    (parts, images)
}

/// What a command shows of a subject: by whom each is signed, and of which image.
fn unsigned(world: &World, command: &str, subject: &str) -> Vec<(String, String)> {
    let out = world.attest(&[command, subject, "--format", "json"]);
    let Ok(shown) = serde_json::from_slice::<Value>(&out.stdout) else { return Vec::new() };
    let row = |a: &Value| (a["signer"].as_str().unwrap_or("unknown").to_owned(), a["about"].to_string());
    shown["attestations"].as_array().into_iter().flatten().map(row).collect()
}

#[test]
fn what_buildkit_keeps_of_one_image_is_shown_as_signed_by_nobody_in_a_registry_and_in_a_layout() {
    let world = World::new();
    let (parts, [first, second]) = built();
    let nobody = |n: usize| vec![("nobody".to_owned(), "\"listed\"".to_owned()); n];
    let index = Descriptor::of(IMAGE_INDEX, &parts.last().unwrap().1);
    for (_, bytes) in &parts {
        world.write(&format!("built/blobs/sha256/{}", Digest::sha256(bytes).hex()), bytes);
    }
    world.write("built/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let listed = json!({ "schemaVersion": 2, "manifests": [index.to_json()] });
    world.write("built/index.json", listed.to_string());

    let registry = TestRegistry::start(Behaviour::default());
    for (media_type, bytes) in &parts {
        match *media_type {
            IMAGE_MANIFEST | IMAGE_INDEX => drop(registry.put_manifest("acme/app", None, media_type, bytes)),
            _ => drop(registry.put_blob("acme/app", bytes)),
        }
    }
    registry.tag("acme/app", "v1", &index.digest);
    // A list of referrers under its tag is no index of images.
    registry.tag("acme/app", &format!("sha256-{}", first.hex()), &index.digest);
    let name = registry.name("acme/app");
    for command in ["list", "inspect"] {
        for place in ["oci:built", &name] {
            assert_eq!(unsigned(&world, command, &format!("{place}@{}", index.digest)), nobody(2), "{command} {place}");
            for image in [&first, &second] {
                assert_eq!(unsigned(&world, command, &format!("{place}@{image}")), nobody(1), "{command} {place}");
            }
        }
        assert_eq!(unsigned(&world, command, &format!("{name}:v1@{second}")), nobody(1));
    }
    let shown = world.done(&["inspect", &format!("{name}@{first}")]);
    assert!(shown.contains("amd64") && !shown.contains("arm64") && shown.contains("nobody"), "{shown}");
    // Where a registry lists no tags, the tag that is typed says which index.
    registry.fault(Fault::on("/tags/list", Action::status(403)));
    assert_eq!(unsigned(&world, "list", &format!("{name}@{first}")), nobody(0));
    assert_eq!(unsigned(&world, "list", &format!("{name}:v1@{first}")), nobody(1));
    // It is shown, and counts for nothing.
    let out = world.attest(&["verify", &format!("{name}@{first}"), "--key", "attest.pub", "--predicate-type", "spdx"]);
    assert_eq!(out.status.code(), Some(1), "{out:?}");
}

#[test]
fn whoever_adds_to_a_layout_whose_image_has_no_tag_is_told_what_others_see_then() {
    let world = World::new();
    let warned = |args: &[&str]| {
        let out = world.attest(args);
        assert!(out.status.success(), "{out:?}");
        String::from_utf8_lossy(&out.stderr).matches("skopeo and crane").count()
    };
    world.layout("image");
    world.layout("tagged");
    let index = world
        .read("tagged/index.json")
        .replace("\"size\":", "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"},\"size\":");
    world.write("tagged/index.json", index);
    for (layout, count) in [("oci:image", 1), ("oci:tagged", 0)] {
        let create = ["create", layout, "--key", "attest.key", "--task", "task-1"];
        assert_eq!(warned(&create), count, "{layout}");
        // The same again adds nothing.
        assert_eq!(warned(&create), 0, "{layout}");
        assert_eq!(warned(&["approve", layout, "--key", "attest.key", "--yes"]), count, "{layout}");
    }
}
