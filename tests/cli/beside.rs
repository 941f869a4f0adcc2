//! Bundles beside files: what `create` wrote, `verify` of the same arguments finds, and nothing is lost.

use crate::transcript::Transcript;
use crate::world::{PASSWORD, World};
use attest::model::Digest;
use std::process::Stdio;

fn lines(world: &World, path: &str) -> usize {
    world.read(path).lines().count()
}

#[test]
fn a_second_attestation_of_a_file_goes_beside_the_first() {
    let world = World::new();
    let first = || world.read("app.sigstore.json");
    world.done(&["create", "app", "--key", "attest.key"]);
    let before = first();
    Transcript::new(&world)
        .run(0, "create app --key attest.key --task task-2")
        // The statements say when they were captured, to the second.
        .note("a second later", |_| std::thread::sleep(std::time::Duration::from_millis(1100)))
        .run(0, "create app --key attest.key --task task-2")
        .run(0, "create app --key attest.key")
        .run(0, "create app --key attest.key --task task-3 --format json")
        .run(0, "verify app --key attest.pub --task task-2")
        .run(0, "verify app --key attest.pub --task task-3")
        .run(1, "verify app --key attest.pub --task task-4")
        .is("second-attestation");
    assert_eq!(before, first());
    assert_eq!(lines(&world, "app.sigstore.jsonl"), 2);
    // Another signer of the same statement is another attestation.
    world.done(&["keygen", "--output-key-prefix", "other"]);
    let said = world.done(&["create", "app", "--key", "other.key"]);
    assert!(said.contains("added to: app.sigstore.jsonl"), "{said}");
    assert_eq!(lines(&world, "app.sigstore.jsonl"), 3);
    world.done(&["verify", "app", "--key", "other.pub"]);
    // One that does not verify is no attestation, and does not keep a good one away.
    let damaged = before.replace("\"payload\":\"", "\"payload\":\"A");
    world.write("lib.sigstore.json", damaged);
    world.done(&["create", "lib", "--key", "attest.key"]);
    world.done(&["verify", "lib", "--key", "attest.pub"]);
}

#[test]
fn several_files_have_one_place_wherever_they_lie() {
    let world = World::new();
    for name in ["dist/a", "dist/sub/b", "lib64/c"] {
        world.write(name, name);
    }
    let create = |args: &[&str]| world.done(&[&["create", "--key", "attest.key"], args].concat());
    let verify = |args: &[&str]| world.attest(&[&["verify", "--key", "attest.pub"], args].concat()).status.code();
    assert!(create(&["dist/a", "dist/sub/b"]).contains("wrote: dist/attest.sigstore.jsonl"));
    assert_eq!(verify(&["dist/a", "dist/sub/b"]), Some(0));
    assert_eq!(verify(&["dist/sub/b"]), Some(0));
    assert_eq!(verify(&["lib64/c"]), Some(1));
    assert!(create(&["lib64/c", "dist/a"]).contains("wrote: attest.sigstore.jsonl"));
    assert_eq!((verify(&["dist/a", "lib64/c"]), verify(&["lib64/c"])), (Some(0), Some(0)));
    // Nothing of before is gone.
    create(&["lib64/c", "dist/a", "--task", "task-2"]);
    assert_eq!(lines(&world, "attest.sigstore.jsonl"), 2);
    // A checksum file has its bundles beside it.
    let sum = |name: &str| format!("{}  {name}\n", Digest::sha256(format!("dist/{name}").as_bytes()).hex());
    world.write("dist/SHA256SUMS", sum("a") + &sum("sub/b"));
    world.write("dist/attest.sigstore.jsonl", "");
    assert!(create(&["dist/SHA256SUMS"]).contains("wrote: dist/attest.sigstore.jsonl"));
    assert_eq!(verify(&["dist/SHA256SUMS"]), Some(0));
    assert_eq!(verify(&["dist/a"]), Some(0));
    // A digest alone.
    let digest = Digest::sha256(b"anything").to_string();
    create(&[&digest]);
    assert_eq!(verify(&[&digest]), Some(0));
    assert_eq!(verify(&[&Digest::sha256(b"another").to_string()]), Some(1));
    create(&[&format!("file:gone.bin@{digest}")]);
    assert_eq!(verify(&[&format!("file:gone.bin@{digest}")]), Some(0));
    assert!(world.read("gone.bin.sigstore.json").contains("dsseEnvelope"));
}

#[test]
fn what_two_write_at_once_is_all_there() {
    let world = World::new();
    let start = |task: usize| {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_attest"));
        program.args(["create", "app", "lib", "--key", "attest.key", "--task", &format!("task-{task}")]);
        program.current_dir(world.root()).env("HOME", world.home()).env("ATTEST_PASSWORD", PASSWORD);
        program.env("ATTEST_CHARTER_SNAPSHOT", "none").stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap()
    };
    let all: Vec<_> = (0..6).map(start).collect();
    for mut one in all {
        assert!(one.wait().unwrap().success());
    }
    assert_eq!(lines(&world, "attest.sigstore.jsonl"), 6);
}

#[test]
fn what_is_no_file_of_bundles_or_full_is_left_alone_and_nothing_is_signed() {
    let world = World::new();
    world.write("attest.sigstore.jsonl", "my notes\n");
    Transcript::new(&world).run(2, "create app lib --key attest.key").is("not-a-file-of-bundles");
    assert_eq!(world.read("attest.sigstore.jsonl"), "my notes\n");
}

#[test]
fn a_declared_builder_is_recorded_and_counts_where_a_policy_binds_the_key_to_it() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--builder-id", "https://acme.example/builder/v1"]);
    Transcript::new(&world)
        .run(0, "verify app --key attest.pub --builder-id https://acme.example/builder/v1")
        .run(1, "verify app --key attest.pub --builder-id https://acme.example/builder/v2")
        .run(2, "create app --key attest.key --builder-id acme")
        .run(2, "create app --key attest.key --builder-id https://token@acme.example/b")
        .is("builder-id");
}
