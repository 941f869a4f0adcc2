//! What can be known to be wrong is said before a build step: one that was forgotten costs the whole build.

use crate::world::{PASSWORD, World};
use attest::testing::registry::{Access, Behaviour, TestRegistry};
use std::process::Output;

/// Runs `create` with a step that leaves a file; whether it ran.
fn create(world: &World, variables: &[(&str, &str)], args: &[&str]) -> (Output, bool) {
    let _ = std::fs::remove_file(world.root().join("ran"));
    let out = world.attest_with(variables, &[&["create"], args, &["--", "touch", "ran"]].concat());
    (out, world.root().join("ran").exists())
}

fn code(out: &Output) -> String {
    let text = String::from_utf8_lossy(&out.stderr);
    let code = text.split_once("error[").and_then(|(_, rest)| rest.split_once(']'));
    code.map_or_else(|| text.to_string(), |(code, _)| code.to_owned())
}

const GIVEN: [(&str, &str); 1] = [("ATTEST_PASSWORD", PASSWORD)];

#[test]
fn a_key_that_could_not_sign() {
    let world = World::new();
    let key = world.read("attest.key");
    world.write("public.pem", world.read("attest.pub"));
    world.write("text", "no key");
    for (key, variables, expected) in [
        ("missing.key", &GIVEN[..], "key-unreadable"),
        ("public.pem", &GIVEN[..], "key-malformed"),
        ("text", &GIVEN[..], "key-malformed"),
        ("env:NO_KEY", &GIVEN[..], "key-unreadable"),
        ("attest.key", &[], "password-needed"),
    ] {
        let (out, ran) = create(&world, variables, &["app", "--key", key]);
        assert_eq!((code(&out).as_str(), ran), (expected, false), "{key}");
    }
    assert!(create(&world, &GIVEN, &["app", "--key", "attest.key"]).1);
    let (out, ran) = create(&world, &[GIVEN[0], ("KEY", &key)], &["app", "--key", "env:KEY"]);
    assert!(out.status.success() && ran);
}

#[test]
fn a_token_that_is_not_there() {
    let world = World::new();
    for token in ["missing", "env:NO_TOKEN"] {
        let (out, ran) = create(&world, &[], &["app", "--identity-token", token]);
        assert!(!out.status.success() && !ran, "{token}: {}", code(&out));
    }
}

#[test]
fn a_place_that_cannot_be_written() {
    let world = World::new();
    world.write("file/x", "");
    let (out, ran) = create(&world, &GIVEN, &["app", "--key", "attest.key", "--output", "file/x/y"]);
    assert_eq!((code(&out).as_str(), ran), ("file-unwritable", false));
    std::fs::create_dir(world.root().join("app.sigstore.json")).unwrap();
    let (out, ran) = create(&world, &GIVEN, &["app", "--key", "attest.key"]);
    assert_eq!((code(&out).as_str(), ran), ("file-unwritable", false));
    std::fs::remove_dir(world.root().join("app.sigstore.json")).unwrap();
    assert!(create(&world, &GIVEN, &["app", "--key", "attest.key"]).1);
}

#[test]
fn a_registry_that_would_not_take_it() {
    let world = World::new();
    let registry = TestRegistry::start(Behaviour::default());
    let manifest = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    registry.put_manifest("app", Some("v1"), "application/vnd.oci.image.manifest.v1+json", manifest);
    let image = format!("{}:v1", registry.name("app"));
    let (out, ran) = create(&world, &GIVEN, &[&image, "--key", "attest.key"]);
    assert!(out.status.success() && ran, "{}", String::from_utf8_lossy(&out.stderr));
    registry.behave(|b| b.access = Access::Basic { username: "u".into(), password: "p".into() });
    let (out, ran) = create(&world, &GIVEN, &[&image, "--key", "attest.key"]);
    assert!(!out.status.success() && !ran, "{}", code(&out));
    // Attached to nothing, it need not be asked.
    registry.behave(|b| b.access = Access::Open);
    registry.forget_requests();
    let quiet = [image.as_str(), "--key", "attest.key", "--no-attach", "--output", "bundle"];
    assert!(create(&world, &GIVEN, &quiet).1);
    assert_eq!(registry.count("POST", "/blobs/uploads/"), 0);
    drop(registry);
    let (out, ran) = create(&world, &GIVEN, &[&image, "--key", "attest.key", "--timeout", "2s"]);
    assert_eq!((out.status.code(), ran), (Some(3), false), "{}", code(&out));
    // What an outbox keeps may wait for the registry.
    let waiting = [image.as_str(), "--key", "attest.key", "--timeout", "2s", "--outbox", "outbox"];
    assert!(create(&world, &GIVEN, &waiting).1);
}
