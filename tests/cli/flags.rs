//! A value that a person gives is recorded or refused, and never dropped.

use crate::world::{PASSWORD, World};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

const BASE: &str = "base.example/base@sha256:1111111111111111111111111111111111111111111111111111111111111111";

/// Flags of what was done, others that each needs beside it, and what then stands in the statement.
const RECORDED: &[(&[&str], &[&str], &str)] = &[
    (&["--agent", "squad/builder"], &[], "squad/builder"),
    (&["--agent-version", "v-17"], &["--agent", "a"], "v-17"),
    (&["--model", "acme/m-17"], &["--agent", "a"], "m-17"),
    (&["--session", "s-17"], &["--agent", "a"], "s-17"),
    (&["--execution", "e-17"], &["--agent", "a"], "e-17"),
    (&["--task", "t-17"], &[], "t-17"),
    (&["--task-uri", "https://t.example/17"], &["--task", "t"], "https://t.example/17"),
    (&["--charter", "https://github.com/acme/app/issues/17"], &[], "acme/app/issues/17"),
    (
        &["--charter-snapshot", "none"],
        &["--charter", "https://github.com/acme/app/issues/1"],
        "--charter-snapshot none",
    ),
    (&["--requested-by", "github:17"], &[], "github:17"),
    (&["--trigger", "manual"], &[], "manual"),
    (&["--builder-id", "https://acme.example/builder/17"], &[], "https://acme.example/builder/17"),
    (&["--dependencies", "locks/Cargo.lock"], &[], "locks/Cargo.lock"),
    (&["--materials", "lib"], &[], "\"lib\""),
    (&["--base-image", BASE], &[], "repository_url=base.example"),
    (&["--record-credentials", "names"], &[], "PLANTED_TOKEN"),
    (&["--allow-secret-like", ALLOWED], &[], "statement.seventeen"),
    (&["--predicate", "scan.json", "--predicate-type", "https://acme.example/scan/v1"], &[], "seventeen"),
    (&["--predicate-type", "https://acme.example/scan/v1", "--predicate", "scan.json"], &[], "acme.example/scan/v1"),
];

const ALLOWED: &str = "statement.seventeen=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Say what is done, whatever the predicate is.
const WITH_ANY: &[&str] = &["--charter-snapshot", "--allow-secret-like"];

/// Say how an API is spoken to, and what must be recorded: that leaves nothing to record itself.
const SETTINGS: &[&str] = &["--charter-api", "--require"];

fn world() -> World {
    let world = World::new();
    world.repository();
    world.write("locks/Cargo.lock", "version = 4\n");
    world.write("scan.json", r#"{"found":"seventeen"}"#);
    world
}

fn variables<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    [&[("ATTEST_PASSWORD", PASSWORD), ("PLANTED_TOKEN", "a-planted-value-17")], more].concat()
}

/// Runs `create` on the file `app`: the statement, or exit code and standard error.
fn create(world: &World, more: &[(&str, &str)], flags: &[&str]) -> Result<Value, (i32, String)> {
    // What is there would stay the first.
    let _ = std::fs::remove_file(world.root().join("app.sigstore.json"));
    let _ = std::fs::remove_file(world.root().join("app.sigstore.jsonl"));
    let args = [&["create", "app", "--key", "attest.key"], flags].concat();
    let out = world.attest_with(&variables(more), &args);
    if !out.status.success() {
        return Err((out.status.code().unwrap(), String::from_utf8_lossy(&out.stderr).into_owned()));
    }
    let bundle: Value = serde_json::from_str(&world.read("app.sigstore.json")).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    let mut statement: Value = serde_json::from_slice(&payload).unwrap();
    // Two runs are not made at one time.
    if let Some(internal) = statement.pointer_mut("/predicate/buildDefinition/internalParameters") {
        internal.as_object_mut().unwrap().remove("capturedAt");
    }
    Ok(statement)
}

#[test]
fn every_value_of_what_was_done_is_recorded() {
    let world = world();
    let plain = create(&world, &[], &[]).unwrap().to_string();
    for (flags, beside, value) in RECORDED {
        assert!(!plain.contains(value), "{value} stands there without {flags:?}");
        let with = create(&world, &[], &[*flags, *beside].concat()).unwrap_or_else(|e| panic!("{flags:?}: {e:?}"));
        assert!(with.to_string().contains(value), "{flags:?} vanished: {with}");
    }
    // Every flag that `create` has for it is in the table.
    let help = world.done(&["create", "--help"]);
    let section = help.lines().skip_while(|line| *line != "What was done:").skip(1);
    let section = section.take_while(|line| line.starts_with(' ') || line.is_empty());
    let flags: BTreeSet<&str> =
        section.filter_map(|line| line.trim_start().split([' ', '[']).next()).filter(|w| w.starts_with("--")).collect();
    let known = RECORDED.iter().map(|(flags, ..)| flags[0]).chain(SETTINGS.iter().copied());
    assert_eq!(known.collect::<BTreeSet<_>>(), flags);
}

#[test]
fn what_belongs_to_an_agent_or_task_that_nobody_named_is_refused() {
    let world = world();
    for (flags, beside, value) in
        RECORDED.iter().filter(|(_, beside, _)| ["--agent", "--task"].iter().any(|f| beside.contains(f)))
    {
        let (exit, said) = create(&world, &[], flags).unwrap_err();
        assert_eq!(exit, 2, "{flags:?}: {said}");
        assert!(said.contains("belongs-to-nothing") && said.contains(beside[0]) && said.contains(flags[0]), "{said}");
        // Its twin, whose agent or task a variable names.
        let named = if beside[0] == "--agent" { ("ATTEST_AGENT", "a") } else { ("ATTEST_TASK", "t") };
        assert!(create(&world, &[named], flags).unwrap().to_string().contains(value), "{flags:?}");
    }
    // A variable may be meant for other commands: that it says nothing here is told.
    let args = ["create", "app", "--key", "attest.key"];
    let told = |more: &[(&str, &str)]| {
        let out = world.attest_with(&variables(more), &args);
        assert!(out.status.success());
        String::from_utf8_lossy(&out.stderr).contains("ATTEST_MODEL says something of an agent, which nothing names")
    };
    assert!(told(&[("ATTEST_MODEL", "acme/m1")]));
    assert!(!told(&[("ATTEST_MODEL", "acme/m1"), ("ATTEST_AGENT", "a")]) && !told(&[]));
}

#[test]
fn what_a_predicate_of_ones_own_has_no_room_for_is_refused() {
    let world = world();
    let predicate = ["--predicate", "scan.json", "--predicate-type", "https://acme.example/scan/v1"];
    assert!(create(&world, &[], &predicate).is_ok());
    for (flags, ..) in
        RECORDED.iter().filter(|(flags, ..)| !flags.contains(&"--predicate") && !WITH_ANY.contains(&flags[0]))
    {
        let (exit, said) = create(&world, &[], &[&predicate[..], *flags].concat()).unwrap_err();
        assert!(exit == 2 && said.contains(flags[0]), "{flags:?}: {said}");
    }
}

#[test]
fn flags_without_what_they_are_for_are_refused() {
    let world = world();
    for (flags, said) in [
        (&["--charter-snapshot", "required"][..], "a snapshot of the charter is required"),
        (&["--attach-charter"], "a snapshot of the charter is required"),
        (&["--attestation-repository", "r.example/evidence"], "no subject is one"),
        (&["--rekor-version", "2"], "--rekor-url"),
        (&["--oidc-client-id", "c"], "--key"),
        (&["--products", "out/*"], "COMMAND"),
        (&["--share-identity"], "COMMAND"),
    ] {
        let (exit, error) = create(&world, &[], flags).unwrap_err();
        assert!(exit == 2 && error.contains(said), "{flags:?}: {error}");
    }
    assert!(create(&world, &[("COSIGN_REPOSITORY", "r.example/evidence")], &[]).is_ok());
}

#[test]
fn an_outbox_that_is_not_there_is_a_name_typed_wrong() {
    let world = world();
    create(&world, &[], &["--outbox", "box"]).unwrap();
    let flush = |folder: &str| world.attest(&["flush", "--outbox", folder]);
    assert_eq!(flush("box").status.code(), Some(0));
    let out = flush("bax");
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{said}");
    assert!(said.contains("outbox-unusable") && said.contains("there is no such folder"), "{said}");
    assert!(!std::fs::exists(world.root().join("bax")).unwrap());
}

/// Every name of a variable of ours that the program's source has.
fn ours(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            ours(&path, names);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let word = |rest: &str| {
                rest.split(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
                    .next()
                    .map(str::to_owned)
            };
            let found = text.match_indices("ATTEST_").filter_map(|(at, _)| word(&text[at..]));
            names.extend(found.filter(|name| !name.ends_with('_')));
        }
    }
}

#[test]
fn an_empty_variable_of_ours_is_as_if_it_were_not_set() {
    let world = world();
    let mut names = BTreeSet::new();
    ours(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut names);
    for name in ["AGENT", "AGENT_VERSION", "MODEL", "TRIGGER", "BASE_IMAGE"] {
        names.insert(format!("ATTEST_{name}"));
    }
    assert!(names.contains("ATTEST_OUTBOX") && names.contains("ATTEST_CHARTER_API") && names.len() > 15, "{names:?}");
    let empty: Vec<(&str, &str)> = names.iter().map(|n| (n.as_str(), "")).collect();
    let password = ("COSIGN_PASSWORD", PASSWORD);
    let with = create(&world, &[&empty[..], &[password]].concat(), &[]).unwrap();
    assert_eq!(with, create(&world, &[], &[]).unwrap());
    let verify = ["verify", "app", "--key", "attest.pub"];
    for name in &names {
        let set: &[(&str, &str)] = if name == "ATTEST_PASSWORD" { &[(name, ""), password] } else { &[(name, "")] };
        create(&world, set, &[]).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        assert_eq!(world.attest_with(set, &verify).status.code(), Some(0), "{name}");
    }
    // Twins that are not empty.
    create(&world, &[("ATTEST_OUTBOX", "box")], &[]).unwrap();
    assert!(std::fs::exists(world.root().join("box")).unwrap());
    assert_eq!(create(&world, &[("ATTEST_CHARTER_API", "x")], &[]).unwrap_err().0, 2);
    assert_eq!(create(&world, &[("ATTEST_PASSWORD", "")], &[]).unwrap_err().0, 2);
}

#[test]
fn a_flag_that_a_command_has_no_use_for_is_neither_shown_nor_taken() {
    let world = World::new();
    let help = |command: &str| world.done(&[command, "--help"]);
    for command in ["quickstart", "sign", "keygen", "trust", "audit", "schema", "completions", "man"] {
        let shown = help(command);
        assert!(!shown.contains("registry-ca") && !shown.contains("allow-http-registry"), "{command}: {shown}");
    }
    for command in ["create", "generate", "approve", "attach", "verify", "inspect", "download", "list", "flush"] {
        let shown = help(command);
        let all = ["--registry-ca", "--allow-http-registry", "--timeout"];
        assert!(all.iter().all(|flag| shown.contains(flag)), "{command}");
    }
    assert!(!help("completions").contains("--timeout") && help("keygen").contains("--timeout"));
    let refused = |args: &[&str], flag: &str| {
        let out = world.attest(args);
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.code() == Some(2) && said.contains(flag), "{args:?}: {said}");
    };
    // Before the command's name, and behind it.
    refused(&["keygen", "--registry-ca", "ca.pem"], "--registry-ca");
    refused(&["--allow-http-registry", "trust", "show"], "--allow-http-registry");
    refused(&["trust", "show", "--allow-http-registry"], "--allow-http-registry");
    refused(&["completions", "bash", "--timeout", "1s"], "--timeout");
    assert!(!world.root().join("second.key").exists());
    let used = ["--allow-http-registry", "keygen", "--output-key-prefix", "second"];
    refused(&used, "--allow-http-registry");
    world.done(&["--allow-http-registry", "verify", "--help"]);
}
