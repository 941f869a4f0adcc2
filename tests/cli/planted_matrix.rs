//! Every place that a statement takes text from, times every way to write a secret: nothing is printed or signed. And what
//! only looks like a secret is.

use crate::world::{PASSWORD, World};
use attest::model::Digest;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::json;
use std::process::Output;

/// Of no known form; a browser would leave it as it is, so that it can stand in a URL.
const VALUE: &str = "s3cr3t_Value-of.a~Token";
/// As long, of the same characters, and nobody's secret.
const HARMLESS: &str = "h4rml3_Words-of.a~Token";

/// A place: its name, whether a text fits there, and the statement that is made with it.
struct Place {
    name: &'static str,
    fits: fn(&str) -> bool,
    generate: fn(&World, &str) -> Output,
}

fn any(_: &str) -> bool {
    true
}

fn one_line(text: &str) -> bool {
    !text.contains(char::is_control)
}

fn generate(world: &World, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let all = [variables, &[("ATTEST_PASSWORD", PASSWORD), ("DEPLOY_TOKEN", VALUE)]].concat();
    world.attest_with(&all, &[&["generate"], args].concat())
}

fn event(world: &World, text: &str) -> String {
    world.write("event.json", json!({ "inputs": { "note": text } }).to_string());
    world.root().join("event.json").to_str().unwrap().to_owned()
}

fn predicate(world: &World, value: serde_json::Value) {
    world.write("scan.json", json!({ "subject": { "annotations": value } }).to_string());
}

const SCAN: &[&str] = &["app", "--predicate", "scan.json", "--predicate-type", "https://acme.example/scan/v1"];

const PLACES: &[Place] = &[
    Place { name: "flag", fits: one_line, generate: |w, t| generate(w, &[], &["app", &format!("--task={t}")]) },
    Place {
        name: "variable",
        fits: one_line,
        generate: |w, t| generate(w, &[("ATTEST_SESSION", t)], &["app", "--agent", "a/b"]),
    },
    Place {
        name: "URL",
        fits: one_line,
        generate: |w, t| {
            let url = format!("https://h.example/?q={t}");
            generate(w, &[], &["app", "--task", "t", "--task-uri", &url])
        },
    },
    Place {
        name: "runner of a platform",
        fits: one_line,
        generate: |w, t| generate(w, &[("GITHUB_ACTIONS", "true"), ("RUNNER_NAME", t)], &["app"]),
    },
    Place {
        name: "workflow input",
        fits: any,
        generate: |w, t| generate(w, &[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", &event(w, t))], &["app"]),
    },
    Place {
        name: "file name",
        fits: |t| !t.contains('/'),
        generate: |w, t| {
            w.write(t, "x");
            generate(w, &[], &[&format!("./{t}")])
        },
    },
    Place {
        name: "annotation",
        fits: any,
        generate: |w, t| {
            predicate(w, json!({ "note": [t] }));
            generate(w, &[], SCAN)
        },
    },
    Place {
        name: "name of an annotation",
        fits: any,
        generate: |w, t| {
            predicate(w, json!({ t: 1 }));
            generate(w, &[], SCAN)
        },
    },
    Place {
        name: "commit message",
        fits: one_line,
        generate: |w, t| {
            w.git(&[
                "commit",
                "-q",
                "--allow-empty",
                "-m",
                &format!("T\n\nAgent: a/b\n\nClaude-Session: {t}\n\nmore\n"),
            ]);
            generate(w, &[], &["app"])
        },
    },
    Place {
        name: "git remote",
        // Of other characters nothing but an address is left.
        fits: |t| t.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%=+".contains(&b)),
        generate: |w, t| {
            w.git(&["commit", "-q", "--allow-empty", "-m", "T"]);
            w.git(&["remote", "set-url", "origin", &format!("https://h.example/acme/{t}")]);
            generate(w, &[], &["app"])
        },
    },
];

fn token(beginning: &str, length: usize) -> String {
    beginning.to_owned() + &"aB3dE6gH9j".repeat(10)[..length]
}

/// Ways to write a value.
fn encodings(value: &str) -> Vec<(&'static str, String)> {
    let (first, second) = value.split_at(11);
    let hex: String = value.bytes().map(|b| format!("{b:02x}")).collect();
    let pair = format!("deploy:{value}");
    vec![
        ("plain", value.to_owned()),
        ("in a sentence", format!("with {value}, at last")),
        ("capitals", value.to_uppercase()),
        ("base64", STANDARD.encode(value)),
        ("base64, URL-safe", URL_SAFE.encode(value)),
        ("base64 without padding", URL_SAFE_NO_PAD.encode(value)),
        ("base64 of a pair", STANDARD.encode(&pair)),
        ("base64 of a pair, URL-safe", URL_SAFE.encode(&pair)),
        ("base64 of another pair", STANDARD.encode(format!("u2:{value}"))),
        ("hex", hex.clone()),
        ("hex in capitals", hex.to_uppercase()),
        ("percent", value.bytes().map(|b| format!("%{b:02X}")).collect()),
        ("JSON, by number", value.chars().map(|c| format!("\\u{:04x}", c as u32)).collect()),
        ("JSON in JSON", json!(json!({ "t": value }).to_string()).to_string()),
        ("two lines", format!("see {first}\n{second}")),
        ("two indented lines", format!("see {first}\r\n    {second}")),
        ("reversed line breaks", format!("see {first}\n\r{second}")),
    ]
}

/// Tokens that are known by their form alone.
fn shapes() -> Vec<(&'static str, String)> {
    let (jwt, key) = (token("eyJ", 20), format!("-----BEGIN {} KEY-----", "PRIVATE"));
    vec![
        ("GitHub", token("ghp_", 36)),
        ("GitHub in capitals", token("ghs_", 36).to_uppercase()),
        ("GitHub, fine-grained", token("github_pat_", 59)),
        ("GitLab", token("glpat-", 20)),
        ("GitLab in capitals", token("glpat-", 20).to_uppercase()),
        ("AWS", format!("{}IOSFODNN7EXAMPL2", "AKIA")),
        ("Slack", token("xoxb-123456789012-", 24)),
        ("npm", token("npm_", 36)),
        ("npm in capitals", token("npm_", 36).to_uppercase()),
        ("signed token", format!("{jwt}.{jwt}.{}", token("", 43))),
        ("private key", key.clone()),
        ("private key in base64", STANDARD.encode(format!("{key}\nMIIBVgIBADANBgkqhkiG9w0BAQEFAASC"))),
        ("token of a pair in base64", STANDARD.encode(format!("x-access-token:{}", token("ghp_", 36)))),
    ]
}

#[test]
fn every_place_in_every_writing() {
    let world = World::new();
    world.repository();
    let mut tried = 0;
    for place in PLACES {
        // The twin: harmless words do get there, in the same writing.
        for (writing, text) in [encodings(HARMLESS), vec![("plain", "harmless".to_owned())]].concat() {
            let whole = writing == "plain" || ["annotation", "file name"].contains(&place.name);
            if whole && (place.fits)(&text) {
                let out = (place.generate)(&world, &text);
                assert!(out.status.success() && !out.stdout.is_empty(), "{} {writing}: {out:?}", place.name);
                if writing == "plain" {
                    assert!(String::from_utf8_lossy(&out.stdout).contains(&text), "{}: it is not taken", place.name);
                }
            }
        }
        for (writing, text) in [encodings(VALUE), shapes()].concat() {
            if !(place.fits)(&text) {
                continue;
            }
            tried += 1;
            let out = (place.generate)(&world, &text);
            let told = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{} {writing}: {told}", place.name);
            assert!(out.stdout.is_empty(), "{} {writing}", place.name);
            assert!(told.contains("error[secret-in-statement]: field `statement."), "{} {writing}: {told}", place.name);
            assert!(!told.contains(VALUE) && !told.contains(&text), "{} {writing}: {told}", place.name);
        }
    }
    assert!(tried > 200, "{tried}");
}

/// What is known to be secret because of where programs keep it.
#[test]
fn values_of_credential_files_are_known() {
    let secret = "kept-in-a-file-1";
    let pair = STANDARD.encode(format!("bot:{secret}"));
    for (file, text) in [
        (".docker/config.json", json!({ "auths": { "ghcr.io": { "auth": pair } } }).to_string()),
        (".config/containers/auth.json", json!({ "auths": { "ghcr.io": { "auth": pair } } }).to_string()),
        (".netrc", format!("machine h.example login bot password {secret}\n")),
        (".npmrc", format!("//npm.example/:_authToken={secret}\n")),
        (".cargo/credentials.toml", format!("[registry]\ntoken = \"{secret}\"\n")),
        (".git-credentials", format!("https://bot:{secret}@h.example\n")),
        (".config/gh/hosts.yml", format!("github.com:\n    oauth_token: {secret}\n")),
        (".aws/credentials", format!("[default]\naws_secret_access_key = {secret}\n")),
    ] {
        let world = World::new();
        let task = |task: &str| world.attest(&["generate", "app", "--task", task]);
        assert!(task(secret).status.success(), "{file}: the twin, where it is nobody's");
        let path = world.home().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &text).unwrap();
        for written in [secret.to_owned(), STANDARD.encode(format!("bot:{secret}")), secret.to_uppercase()] {
            let out = task(&written);
            let told = String::from_utf8_lossy(&out.stderr);
            assert_eq!(out.status.code(), Some(1), "{file}: {told}");
            assert!(told.contains(file) && !told.contains(secret), "{file}: {told}");
        }
        let out = task("t-1");
        assert!(out.status.success(), "{file}");
        let statement = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(!statement.contains(file) && !statement.contains(secret), "{statement}");
    }
    // In the checkout, too; and a file that cannot be understood is named.
    let world = World::new();
    world.write(".npmrc", format!("//npm.example/:_authToken={secret}\n"));
    assert_eq!(world.attest(&["generate", "app", "--task", secret]).status.code(), Some(1));
    std::fs::create_dir(world.home().join(".docker")).unwrap();
    std::fs::write(world.home().join(".docker/config.json"), "{").unwrap();
    let out = world.attest(&["generate", "app"]);
    assert!(out.status.success());
    assert!(String::from_utf8_lossy(&out.stderr).contains("would not be recognised"), "{out:?}");
}

/// Digests, ids, public keys, paths and versions, made of numbers rather than picked.
#[test]
fn what_only_looks_like_a_secret_is_signed() {
    let world = World::new();
    let public = world.read("attest.pub");
    let mut near: Vec<String> = vec![public.clone(), STANDARD.encode(&public), public.replace('\n', "\\n")];
    for i in 0..4_u8 {
        let digest = Digest::sha256(&[i]);
        let hex = digest.hex();
        let raw: Vec<u8> = (0..32).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap()).collect();
        near.extend([
            digest.to_string(),
            hex.to_uppercase(),
            hex[..40].to_owned(),
            format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32]),
            STANDARD.encode(&raw),
            URL_SAFE_NO_PAD.encode(&raw),
            STANDARD.encode(hex),
            format!("sha512-{}", STANDARD.encode([&raw[..], &raw[..]].concat())),
            format!("/nix/store/{}-source/{}", &hex[..32], "deeply/nested/".repeat(60)),
            format!("pkg:npm/%40angular/core@{i}.0.0-next.1+build.20260101"),
            format!("git+https://github.com/acme/app@refs/heads/x{i}@refs/heads/main"),
            format!("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{} a@b", STANDARD.encode(&raw)),
            format!("KAKIAIOSFODNN7EXAMPL{i} glpat-x{i} npm_{i}_short ghp_{i} xoxb-{i} eyJ{i}.not.a-token"),
            format!("https://acme@dev.azure.com/acme/app{i}"),
        ]);
    }
    assert!(near.len() > 50);
    for text in &near {
        predicate(&world, json!({ "note": text, text.as_str(): true }));
        let out = generate(&world, &[], SCAN);
        assert!(out.status.success(), "{text}: {}", String::from_utf8_lossy(&out.stderr));
    }
    predicate(&world, json!({ "all": near }));
    let create = [&["create", "--key", "attest.key", "--output", "out.json"], SCAN].concat();
    let out = world.attest_with(&[("ATTEST_PASSWORD", PASSWORD), ("DEPLOY_TOKEN", VALUE)], &create);
    assert!(out.status.success() && world.root().join("out.json").exists(), "{out:?}");
}
