//! Files of terabytes that take no room on a disk: whoever writes the source, or hands in a subject, may leave them.

use crate::world::World;
use std::process::Output;
use std::time::{Duration, Instant};

fn sparse(world: &World, name: &str, size: u64) {
    let path = world.root().join(name);
    let _ = std::fs::remove_file(&path);
    std::fs::File::create(path).unwrap().set_len(size).unwrap();
}

/// What it said, and that it took no longer than it was given and what starting a process takes here.
#[track_caller]
fn timed(world: &World, args: &[&str], given: Duration) -> (Output, String) {
    let began = Instant::now();
    let out = world.attest(args);
    assert!(began.elapsed() < given + Duration::from_secs(25), "{args:?}: {:?}", began.elapsed());
    let said = String::from_utf8_lossy(&[out.stdout.as_slice(), &out.stderr].concat()).into_owned();
    (out, said)
}

#[test]
fn a_subject_is_hashed_no_longer_than_it_is_given() {
    let world = World::new();
    sparse(&world, "large", 15 << 30);
    let given = Duration::from_millis(300);
    for args in [
        &["verify", "large", "--key", "attest.pub"][..],
        &["verify", "app", "large", "--key", "attest.pub"],
        &["verify", "file:large", "--key", "attest.pub", "--bundle", "attest.pub"],
        &["list", "large"],
        &["download", "large"],
        &["approve", "large", "--key", "attest.key", "--yes"],
        &["create", "large", "--key", "attest.key"],
        &["create", "app", "large", "--key", "attest.key"],
        &["create", "larg*", "--key", "attest.key"],
        &["generate", "large", "--agent", "a"],
        &["create", "large", "--key", "attest.key", "--", "touch", "ran"],
    ] {
        // Before the command of a step.
        let (out, said) = timed(&world, &[&args[..2], &["--timeout", "300ms"], &args[2..]].concat(), given);
        assert_eq!(out.status.code(), Some(3), "{args:?}: {said}");
        assert!(said.contains("within 0.3 s") && said.contains("timeout"), "{args:?}: {said}");
    }
    assert!(!world.root().join("ran").exists(), "the step ran");
    // One that the step makes so large.
    let step = ["create", "made", "--key", "attest.key", "--timeout", "300ms", "--", "truncate", "-s", "15G", "made"];
    let (out, said) = timed(&world, &step, given);
    assert!(out.status.code() == Some(3) && said.contains("within 0.3 s"), "{said}");
    // The twin is hashed in time.
    world.done(&["create", "app", "--key", "attest.key"]);
    world.done(&["verify", "app", "--key", "attest.pub", "--timeout", "20s"]);
}

#[test]
fn the_state_of_a_checkout_is_hashed_no_longer_than_it_is_given() {
    let world = World::new();
    world.repository();
    world.write(".gitignore", "*\n!main.c\n!charter.md\n!large\n");
    world.git(&["commit", "-q", "-a", "-m", "two"]);
    let source = |args: &[&str], given: Duration| {
        let (out, said) = timed(&world, args, given);
        assert!(out.status.success(), "{args:?}: {said}");
        said
    };
    let explain = ["generate", "app", "--explain", "--timeout", "2s"];
    for name in ["large", "main.c"] {
        sparse(&world, name, 8 << 40);
        let said = source(&explain, Duration::from_secs(2));
        assert!(said.contains("has more than 17179869184 bytes") && said.contains(r#""dirty":true"#), "{name}: {said}");
        let create = ["create", "app", "--key", "attest.key", "--timeout", "2s", "--", "touch", "charter.md"];
        source(&create, Duration::from_secs(6));
        // Below the limit of one file, the time ends it.
        sparse(&world, name, 15 << 30);
        let said = source(&explain, Duration::from_secs(2));
        assert!(said.contains("hashed within 2 s"), "{name}: {said}");
        let _ = std::fs::remove_file(world.root().join(name));
        world.git(&["checkout", "-q", "."]);
    }
    // The twin is hashed.
    world.write("large", "small");
    let said = source(&explain, Duration::from_secs(2));
    assert!(said.contains(r#""dirty":true"#) && said.contains(r#""sha256":""#), "{said}");
}
