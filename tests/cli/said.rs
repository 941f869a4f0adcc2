//! What a person is told, and what is left out where they ask for less.

use crate::step::terminal::Terminal;
use crate::world::{PASSWORD, World};
use serde_json::Value;
use std::process::Output;

fn texts(out: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&out.stdout), text(&out.stderr))
}

fn seen(world: &World, args: &[&str]) -> (Option<i32>, String) {
    let words: Vec<String> =
        ["env", "NO_COLOR=1", env!("CARGO_BIN_EXE_attest")].iter().chain(args).map(|w| (*w).to_owned()).collect();
    let seen = Terminal::start(world, &words).end();
    (seen.code, seen.screen)
}

#[test]
fn quiet_leaves_only_failures() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--task", "task-1"]);
    for args in [
        &["verify", "app", "--key", "attest.pub"][..],
        &["verify", "app", "app", "--key", "attest.pub", "--task", "task-1"],
    ] {
        let out = world.attest(&[args, &["-q"]].concat());
        assert_eq!((out.status.code(), texts(&out)), (Some(0), (String::new(), String::new())), "{args:?}");
    }
    // What was done is not told; a document that was asked for is printed.
    world.layout("image");
    world.write("statement.json", world.done(&["generate", "app"]));
    for args in [
        &["create", "app", "--key", "attest.key", "--task", "task-2"][..],
        &["create", "oci:image", "--key", "attest.key", "--task", "task-3"],
        &["create", "app", "--key", "attest.key", "--task", "task-4", "--", "true"],
        &["attach", "oci:image", "--bundle", "image.jsonl"],
        &["keygen", "--output-key-prefix", "second"],
        &["sign", "statement.json", "--key", "attest.key", "--output", "signed.json"],
        &["download", "app", "--output", "downloaded.jsonl"],
    ] {
        if args[0] == "attach" {
            world.done(&["download", "oci:image", "--output", "image.jsonl"]);
        }
        let out = world.attest(&[&["-q"], args].concat());
        assert_eq!((out.status.code(), texts(&out)), (Some(0), (String::new(), String::new())), "{args:?}");
    }
    // What is approved is shown before it is, whoever asks for less.
    let approve = world.attest(&["approve", "oci:image", "--key", "attest.key", "--yes", "-q"]);
    let (stdout, stderr) = texts(&approve);
    assert!(
        stdout.is_empty() && stderr.starts_with("artifact: oci:image\n") && approve.status.success(),
        "{stdout}{stderr}"
    );
    let created = &["create", "app", "--key", "attest.key", "--task", "task-5", "-q", "--format", "json"];
    assert!(texts(&world.attest(created)).0.contains("statementDigest"));
    let (stdout, stderr) = texts(&world.attest(&["create", "gone", "--key", "attest.key", "-q"]));
    assert!(stdout.is_empty() && stderr.starts_with("error[file-unreadable]: "), "{stdout}{stderr}");
    let (stdout, _) = texts(&world.attest(&["verify", "lib", "--key", "attest.pub", "-q"]));
    assert!(stdout.starts_with("DENY lib "), "{stdout}");
    // What was asked for is printed.
    assert!(texts(&world.attest(&["list", "app", "-q"])).0.contains("https://slsa.dev/provenance/v1"));
    let (stdout, _) = texts(&world.attest(&["verify", "app", "--key", "attest.pub", "-q", "--format", "json"]));
    assert_eq!(serde_json::from_str::<Value>(&stdout).unwrap()["verdict"], "allow");
}

#[test]
fn a_document_on_standard_output_is_not_mixed_with_what_a_step_prints() {
    let world = World::new();
    let step = ["--", "sh", "-c", "echo to-out; echo to-err >&2"];
    let create = ["create", "app", "--key", "attest.key"];
    let out = world.attest(&[&create[..], &["--format", "json"], &step].concat());
    let (stdout, stderr) = texts(&out);
    assert!(serde_json::from_str::<Value>(&stdout).is_ok(), "{stdout}");
    assert!(stderr.contains("to-out") && stderr.contains("to-err"), "{stderr}");
    // Each is counted by itself.
    let shown: Value = serde_json::from_str(&world.done(&["inspect", "app", "--format", "json"])).unwrap();
    let products = &shown["attestations"][0]["statement"]["predicate"]["runDetails"]["byproducts"];
    let size = |name: &str| {
        let one = products.as_array().unwrap().iter().find(|p| p["name"] == name).unwrap();
        one["annotations"]["size"].clone()
    };
    assert_eq!((size("stdout"), size("stderr")), (Value::from(7), Value::from(7)), "{products}");
    let (stdout, _) = texts(&world.attest(&[&create[..], &step].concat()));
    assert!(stdout.starts_with("to-out\n"), "{stdout}");
}

#[test]
fn a_forgotten_separator_before_a_step_is_recognised() {
    let world = World::new();
    for args in [&["create", "app", "--key", "attest.key", "make", "all"][..], &["create", "app", "make", "-j4"]] {
        let out = world.attest(args);
        let (_, stderr) = texts(&out);
        assert_eq!(out.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("a build step stands behind `--`"), "{stderr}");
    }
    // A name that is alone, and a step that is there, are something else.
    for args in [&["create", "none", "--key", "attest.key"][..], &["verify", "app", "make", "-j4"]] {
        assert!(!texts(&world.attest(args)).1.contains("stands behind"), "{args:?}");
    }
}

#[test]
fn the_same_again_adds_nothing_to_an_image() {
    let world = World::new();
    world.layout("image");
    let create = |task: &str| world.done(&["create", "oci:image", "--key", "attest.key", "--task", task]);
    assert!(create("task-1").contains("\nattached: "));
    std::thread::sleep(std::time::Duration::from_millis(1100));
    assert!(create("task-1").contains("\nalready attached: "));
    assert!(create("task-2").contains("\nattached: "));
    assert_eq!(world.done(&["download", "oci:image"]).lines().count(), 2);
    // Another signer of the same is another attestation.
    world.done(&["keygen", "--output-key-prefix", "other"]);
    world.done(&["create", "oci:image", "--key", "other.key", "--task", "task-1"]);
    assert_eq!(world.done(&["download", "oci:image"]).lines().count(), 3);
}

#[test]
fn a_charter_without_a_digest_is_counted_and_can_be_required() {
    let world = World::new();
    let create = |more: &[&str]| {
        let charter = ["create", "app", "--key", "attest.key", "--charter", "https://github.com/acme/app/issues/1"];
        texts(&world.attest(&[&charter[..], more].concat()))
    };
    let said = create(&[]).1;
    assert!(said.contains("no digest of the charter is recorded: --charter-snapshot none"), "{said}");
    assert!(said.contains("4 fields missing or flawed: source, charter.digest, agent.id, requestedBy"), "{said}");
    assert!(create(&["--require", "charter.digest"]).1.contains("error["));
    world.write("charter.md", "Ship it.\n");
    let args = ["create", "app", "--key", "attest.key", "--charter", "charter.md", "--require", "charter.digest"];
    assert!(!texts(&world.attest(&args)).1.contains("charter"));
}

#[test]
fn a_terminal_of_80_columns_shows_digests_short_and_breaks_no_line() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--agent", "research/scout-of-the-north", "--task", "task-1"]);
    for args in [
        &["create", "app", "--key", "attest.key", "--task", "task-2"][..],
        &["list", "app"],
        &["inspect", "app"],
        &["verify", "app", "--key", "attest.pub"],
        &["verify", "app", "--key", "attest.pub", "--agent", "other/*"],
    ] {
        let (code, screen) = seen(&world, args);
        assert!(code.is_some_and(|c| c < 2), "{screen}");
        let long = screen.lines().find(|l| !l.starts_with("attest: ") && l.trim_end().chars().count() > 80);
        assert_eq!(long, None, "{args:?}: {screen}");
        let hex = |w: &str| w.len() >= 40 && w.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(!screen.split(|c: char| !c.is_ascii_alphanumeric()).any(hex), "{args:?}: {screen}");
    }
}

#[test]
fn a_password_is_asked_for_three_times_and_no_longer_than_it_is_given() {
    let world = World::new();
    let words = |more: &[&str]| {
        let sh = format!("unset ATTEST_PASSWORD; exec '{}' \"$@\"", env!("CARGO_BIN_EXE_attest"));
        let all = ["sh", "-c", &sh, "sh", "create", "app", "--key", "attest.key"];
        all.iter().chain(more).map(|w| (*w).to_owned()).collect::<Vec<_>>()
    };
    let mut asked = Terminal::start(&world, &words(&[]));
    for (number, typed) in ["wrong", "wrong", PASSWORD].into_iter().enumerate() {
        asked.shows_times("Password for", number + 1);
        asked.types(&format!("{typed}\n"));
    }
    let seen = asked.end();
    assert!(seen.code == Some(0) && seen.screen.matches("once more").count() == 2, "{seen:?}");
    let late = Terminal::start(&world, &words(&["--timeout", "1s"])).end();
    assert!(late.code == Some(2) && late.screen.contains("nobody typed a password"), "{late:?}");
}

#[test]
fn of_what_is_typed_for_something_else_the_hint_says_how_it_is_written() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--task", "task-1"]);
    world.write("statement.json", world.done(&["generate", "app"]));
    let key = ["--key", "attest.key"];
    for (args, code, hint) in [
        (
            &["verify", "app.sigstore.json", "--key", "attest.pub"][..],
            1,
            "name what they are about, and it with --bundle",
        ),
        (&["verify", "acme/app", "--key", "attest.pub"], 2, "such as docker.io/acme/app"),
        (&["verify", "nginx", "--key", "attest.pub"], 2, "such as docker.io/library/nginx"),
        (&[&["sign", "app"], &key[..]].concat(), 2, "`attest create FILE` attests a file"),
        (&[&["approve", "HEAD"], &key[..]].concat(), 2, "a commit is written commit:HEAD"),
        (&[&["create", "gone"], &key[..], &["--", "true"]].concat(), 2, "the build step ended without making it"),
    ] {
        let out = world.attest(args);
        let (stdout, stderr) = texts(&out);
        assert!(out.status.code() == Some(code) && (stdout + &stderr).contains(hint), "{args:?}: {stderr}");
    }
    // The twins: what is another file, a statement, and a step that makes its file.
    let (stdout, stderr) = texts(&world.attest(&["verify", "lib", "app.sigstore.json", "--key", "attest.pub"]));
    assert!(stdout.contains("DENY lib") && !stderr.contains("it with --bundle"), "{stdout}{stderr}");
    world.done(&["sign", "statement.json", "--key", "attest.key", "--output", "signed.json"]);
    world.done(&[&["create", "made"], &key[..], &["--", "sh", "-c", "echo made > made"]].concat());
}

#[test]
fn a_glob_of_files_and_their_bundles_lists_what_is_known_of_the_files() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--task", "task-1"]);
    for command in ["list", "inspect", "download"] {
        let (stdout, stderr) = texts(&world.attest(&[command, "ap*"]));
        assert!(
            stderr.contains("left out 1 file of bundles") && !stderr.contains("there is no attestation"),
            "{stderr}"
        );
        assert!(command != "list" || stdout.contains("1 attestation, not verified"), "{stdout}");
    }
    // A glob of bundles alone asks for them.
    let (stdout, _) = texts(&world.attest(&["inspect", "*.sigstore.json"]));
    assert!(stdout.contains("app.sigstore.json") && stdout.contains("task-1"), "{stdout}");
}

#[test]
fn a_checkout_without_a_remote_is_told_at_once() {
    let world = World::new();
    world.repository();
    let said = |world: &World| texts(&world.attest(&["generate", "app"])).1;
    assert!(!said(&world).contains("no repository is recorded"), "the twin: {}", said(&world));
    world.git(&["remote", "remove", "origin"]);
    assert!(said(&world).contains("no repository is recorded beside the commit: the repository has no remote"));
    let out = world.attest(&["generate", "app", "--require", "source.repository"]);
    assert_eq!(out.status.code(), Some(1), "{}", texts(&out).1);
}

#[test]
fn the_quickstart_copies_no_private_key() {
    let world = World::new();
    let key = std::fs::read(world.root().join("attest.key")).unwrap();
    // Those that it would take first, were they no keys.
    world.write("README.key", key);
    let out = world.attest(&["quickstart", "--keep"]);
    let said = texts(&out).0;
    assert!(out.status.success() && !said.contains("README.key"), "{said}");
    let kept = said.lines().find_map(|line| line.strip_prefix("kept: ")).unwrap();
    std::fs::remove_dir_all(kept).unwrap();
}
