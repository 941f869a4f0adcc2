//! `schemas/` is what the program says, and what the program prints is what `schemas/` says.
#![expect(clippy::disallowed_methods, reason = "makes folders and runs the built binary in them")]

use crate::world::World;
use attest::cli::schema::{ALL, document};
use attest::model::yaml::{Kind, Node};
use attest::policy;
use attest::trust::PublicKey;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn problems(name: &str, value: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&document(name).unwrap()).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect()
}

#[track_caller]
fn fits(name: &str, value: &Value) {
    let problems = problems(name, value);
    assert!(problems.is_empty(), "{name}: {problems:#?}\n{value:#}");
}

/// Every member of `value` is described: what a schema leaves open would pass whatever it is called.
#[track_caller]
fn is_described(name: &str, value: &Value) {
    let mut schema: Value = serde_json::from_str(&document(name).unwrap()).unwrap();
    close(&mut schema);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<_> = validator.iter_errors(value).map(|e| format!("{}: {e}", e.instance_path())).collect();
    assert!(problems.is_empty(), "{name}: {problems:#?}");
}

fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), json!(false));
            }
            members.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// Runs a command with `--format json`; its document must fit.
#[track_caller]
fn prints(world: &World, name: &str, exit: i32, args: &[&str]) -> Value {
    let out = world.attest(&[args, &["--format", "json"]].concat());
    let (text, errors) = (String::from_utf8(out.stdout).unwrap(), String::from_utf8_lossy(&out.stderr).into_owned());
    assert_eq!(out.status.code(), Some(exit), "attest {args:?}: {text}{errors}");
    let value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("attest {args:?}: {e}: {text}{errors}"));
    fits(name, &value);
    is_described(name, &value);
    value
}

#[test]
fn the_files_are_what_the_program_says() {
    let update = std::env::var_os("SNAPSHOTS").is_some_and(|v| v == "overwrite");
    let mut wanted = BTreeSet::new();
    for (name, _) in ALL {
        let path = folder().join(format!("{name}.schema.json"));
        let text = document(name).unwrap();
        if update {
            fs::write(&path, &text).unwrap();
        }
        let found = fs::read_to_string(&path).unwrap_or_default();
        assert!(
            found == text,
            "{} is not up to date: SNAPSHOTS=overwrite cargo test --test architecture schemas",
            path.display()
        );
        wanted.insert(path);
    }
    let found: BTreeSet<_> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(found, wanted, "schemas/ holds a file that no row of src/cli/schema.rs makes");
}

#[test]
fn every_schema_is_one() {
    for (name, _) in ALL {
        let schema: Value = serde_json::from_str(&document(name).unwrap()).unwrap();
        assert!(jsonschema::meta::is_valid(&schema), "{name}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{name}");
    }
}

#[test]
fn what_commands_print_fits() {
    let world = World::new();
    world.layout("image");
    let with_key: &[&str] = &["--key", "attest.key", "--agent", "squad/builder", "--task", "task-1"];
    prints(&world, "keygen", 0, &["keygen", "--output-key-prefix", "other"]);
    prints(&world, "create", 0, &[&["create", "oci:image"], with_key].concat());
    prints(&world, "create", 0, &[&["create", "app"], with_key].concat());
    prints(&world, "attach", 0, &["attach", "oci:image", "--bundle", &bundle_of_image(&world)]);
    prints(&world, "inspect", 0, &["inspect", "oci:image"]);
    prints(&world, "inspect", 0, &["inspect", "app.sigstore.json"]);
    prints(&world, "list", 0, &["list", "oci:image"]);
    prints(&world, "explain", 0, &["generate", "--explain"]);
    prints(&world, "schemas", 0, &["schema"]);
    prints(&world, "version", 0, &["--version"]);
}

fn bundle_of_image(world: &World) -> String {
    world.done(&["download", "oci:image", "--output", "image.jsonl"]);
    "image.jsonl".into()
}

#[test]
fn decisions_and_failures_of_every_exit_code_fit() {
    let world = World::new();
    world.done(&["create", "app", "--key", "attest.key", "--agent", "squad/builder"]);
    let decision = prints(&world, "decision", 0, &["verify", "app", "--key", "attest.pub"]);
    assert_eq!(decision["verdict"], "allow");
    assert!(decision["subjects"][0]["policies"][0]["requirements"][0]["candidates"][0]["accepted"].is_object());

    let decision = prints(&world, "decision", 1, &["verify", "app", "--key", "attest.pub", "--agent", "other/*"]);
    assert_eq!((&decision["verdict"], &decision["code"]), (&json!("deny"), &json!("agent-mismatch")));
    prints(&world, "decision", 1, &["verify", "lib", "--key", "attest.pub"]);
    prints(&world, "failure", 1, &["inspect", "lib"]);

    prints(&world, "failure", 2, &["verify", "app"]);
    prints(&world, "failure", 2, &["verify", "app", "--nonsense"]);
    prints(&world, "failure", 2, &["create", "app"]);

    let args = ["verify", "app", "--key", "attest.pub", "--bundle", large(&world)];
    let decision = prints(&world, "decision", 3, &args);
    assert_eq!((&decision["verdict"], &decision["code"]), (&json!("unavailable"), &json!("limit-exceeded")));
    prints(
        &world,
        "failure",
        3,
        &["list", "localhost:1/none@sha256:0000000000000000000000000000000000000000000000000000000000000000"],
    );
}

/// A bundle over the limit, without using the disk for it.
fn large(world: &World) -> &'static str {
    let file = fs::File::create(world.root().join("large.json")).unwrap();
    file.set_len(33 << 20).unwrap();
    "large.json"
}

#[test]
fn a_failure_without_its_code_does_not_fit() {
    let good = json!({ "schemaVersion": 1, "code": "usage", "message": "m", "hint": "h", "exit": 2 });
    fits("failure", &good);
    for (pointer, bad) in [("/code", json!(null)), ("/schemaVersion", json!(2)), ("/exit", json!("2"))] {
        let mut value = good.clone();
        *value.pointer_mut(pointer).unwrap() = bad;
        assert!(!problems("failure", &value).is_empty(), "{pointer}");
    }
}

#[test]
fn what_generate_writes_is_the_documented_predicate() {
    let world = World::new();
    world.repository();
    world.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\n");
    world.write("Containerfile", format!("FROM registry.example/base:1@sha256:{}\n", "a".repeat(64)));
    world.write("charter.md", "Do it.\n");
    let args = [
        "generate",
        "app",
        "--agent",
        "squad/builder",
        "--agent-version",
        "1",
        "--model",
        "provider/model",
        "--session",
        "s",
        "--execution",
        "e",
        "--task",
        "task-1",
        "--task-uri",
        "https://tasks.example/1",
        "--charter",
        "charter.md",
        "--requested-by",
        "github:1",
        "--trigger",
        "manual",
        "--materials",
        "lib=lib",
    ];
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/app"),
        ("GITHUB_EVENT_NAME", "workflow_dispatch"),
        ("GITHUB_RUN_ID", "1"),
        ("GITHUB_RUN_ATTEMPT", "1"),
        ("GITHUB_ACTOR", "octocat"),
        ("GITHUB_ACTOR_ID", "583231"),
        ("GITHUB_REF", "refs/heads/main"),
        ("GITHUB_WORKFLOW_REF", "acme/app/.github/workflows/r.yml@refs/heads/main"),
        ("RUNNER_NAME", "r"),
        ("RUNNER_ENVIRONMENT", "github-hosted"),
    ];
    let mut statements = Vec::new();
    for variables in [&github[..], &[]] {
        let out = world.attest_with(variables, &args);
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        statements.push(serde_json::from_slice(&out.stdout).unwrap());
    }
    // With a step, which leaves more behind.
    world.done(&["create", "app", "--key", "attest.key", "--", "true"]);
    let shown = world.done(&["inspect", "app", "--format", "json"]);
    statements.push(serde_json::from_str::<Value>(&shown).unwrap()["attestations"][0]["statement"].clone());
    for statement in &statements {
        let predicate = &statement["predicate"];
        fits("provenance", predicate);
        let described = |path: &str, schema: &str| {
            let (value, schema) = (predicate.pointer(path), pointer("provenance", schema));
            for key in value.and_then(Value::as_object).into_iter().flat_map(Map::keys) {
                assert!(schema["properties"].get(key).is_some(), "{path}: `{key}` is not in the schema");
            }
        };
        let definition = "/properties/buildDefinition/properties";
        described("/buildDefinition/externalParameters", &format!("{definition}/externalParameters"));
        described("/buildDefinition/internalParameters", &format!("{definition}/internalParameters"));
        let environment = "/internalParameters/properties/environment";
        described("/buildDefinition/internalParameters/environment", &format!("{definition}{environment}"));
        let agent = "/externalParameters/properties/agent";
        described("/buildDefinition/externalParameters/agent", &format!("{definition}{agent}"));
        described("/runDetails/metadata", "/properties/runDetails/properties/metadata");
    }
    let step = &statements[2]["predicate"];
    assert!(step["runDetails"]["metadata"]["finishedOn"].is_string(), "{step:#}");
    let internal = &step["buildDefinition"]["internalParameters"];
    assert_eq!(internal["subjectsNotWritten"], json!(["app"]));
    assert_eq!(internal["signingKey"], json!({ "readableByStep": true }));
}

fn pointer(name: &str, path: &str) -> Value {
    let schema: Value = serde_json::from_str(&document(name).unwrap()).unwrap();
    schema.pointer(path).unwrap_or_else(|| panic!("{name}: {path}")).clone()
}

#[test]
fn a_predicate_that_is_refused_does_not_fit() {
    let good = json!({
        "buildDefinition": {
            "buildType": "https://agent-attest.github.io/agent-build/v1",
            "externalParameters": {
                "source": { "uri": "git+https://h.example/a@refs/heads/main", "digest": { "gitCommit": "a".repeat(40) } },
                "agent": { "id": "squad/builder" }, "task": { "id": "t" },
            },
        },
        "runDetails": { "builder": { "id": "https://b.example" }, "metadata": { "startedOn": "2026-01-01T00:00:00Z" } },
    });
    let by_parser = |value: &Value| attest::predicate::Provenance::from_json(value.as_object().unwrap()).is_ok();
    fits("provenance", &good);
    assert!(by_parser(&good));
    let external = "/buildDefinition/externalParameters";
    let cases = [
        ("/buildDefinition/buildType".to_owned(), json!(1)),
        ("/runDetails/builder".to_owned(), json!({})),
        (format!("{external}/agent"), json!({ "name": "n" })),
        (format!("{external}/task/id"), json!(7)),
        (format!("{external}/source"), json!({ "digest": { "sha256": "a".repeat(64) } })),
        (format!("{external}/source/digest/gitCommit"), json!("A".repeat(40))),
    ];
    for (path, bad) in cases {
        let mut value = good.clone();
        *value.pointer_mut(&path).unwrap() = bad;
        assert!(!problems("provenance", &value).is_empty(), "the schema takes a bad {path}");
        assert!(!by_parser(&value), "the reader takes a bad {path}");
    }
    // Nothing is decided by when the build began: what is no time is absent.
    let mut value = good.clone();
    value["runDetails"]["metadata"]["startedOn"] = json!("yesterday");
    assert!(!problems("provenance", &value).is_empty());
    let read = attest::predicate::Provenance::from_json(value.as_object().unwrap()).unwrap();
    assert_eq!(read.metadata("startedOn"), None);
}

#[test]
fn the_record_fits_and_has_the_fixed_names() {
    // The shape that auditors were promised.
    let promised = json!({
        "artifact": "docker-image:app:v1.2.3", "digest": "sha256:abc", "created": "2025-01-15T10:30:00Z",
        "verified": false,
        "provenance": {
            "builder": { "agent": "claude-builder", "task_id": "task-xyz789" },
            "source": { "repo": "github.com/org/repo", "commit": "def456", "branch": "main" },
            "charter": "github.com/org/repo/issues/42", "requested_by": "octocat",
            "environment": { "runner": "gha-runner-abc", "nix_hash": "nixpkgs#abc123" },
            "dependencies": [
                { "name": "base-image", "digest": "sha256:abc" }, { "name": "node_modules", "lockfile_hash": "sha256:abc" },
            ],
            "signature": "base64",
        },
    });
    fits("provenance-record", &promised);
    is_described("provenance-record", &promised);
    let mut other = promised.clone();
    other["provenance"]["builder"] = json!("claude-builder");
    assert!(!problems("provenance-record", &other).is_empty());

    let world = World::new();
    world.repository();
    let flags =
        ["--agent", "squad/builder", "--task", "t", "--charter", "https://h.example/1", "--requested-by", "github:1"];
    world.done(&[&["create", "app", "lib", "--key", "attest.key"], &flags[..]].concat());
    let one = world.done(&["inspect", "app", "--format", "record"]);
    let all = world.done(&["inspect", "attest.sigstore.jsonl", "--format", "record"]);
    let (one, all): (Value, Value) = (serde_json::from_str(&one).unwrap(), serde_json::from_str(&all).unwrap());
    assert_eq!(all.as_array().unwrap().len(), 2);
    for record in [&[one][..], all.as_array().unwrap()].concat() {
        fits("provenance-record", &record);
        is_described("provenance-record", &record);
        assert_eq!(record["provenance"]["builder"], json!({ "agent": "squad/builder", "task_id": "t" }));
    }
}

fn to_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(b) => json!(b),
        Kind::Text(t) => json!(t),
        Kind::List(items) => items.iter().map(to_json).collect(),
        Kind::Map(members) => {
            Value::Object(members.iter().map(|(k, v)| (k.clone(), to_json(v))).collect::<Map<_, _>>())
        }
    }
}

const PEM: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";

/// Whether the schema and the parser take a policy.
fn taken(text: &str) -> (bool, bool) {
    let key = |_: &str| PublicKey::from_pem(PEM.as_bytes()).map_err(|e| e.to_string());
    let by_schema = policy::node(text).is_ok_and(|node| problems("policy", &to_json(&node)).is_empty());
    (by_schema, policy::parse(text, "p.yaml", &key).is_ok())
}

#[test]
fn example_policies_are_taken() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/policies");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(taken(&fs::read_to_string(&path).unwrap()), (true, true), "{}", path.display());
        count += 1;
    }
    assert!(count >= 3);
}

#[test]
fn what_the_parser_refuses_the_schema_refuses() {
    let good = "\
apiVersion: agent-attest.github.io/v1
kind: AttestationPolicy
metadata: { name: p }
spec:
  images: [{ glob: 'ghcr.io/acme/**' }]
  mode: enforce
  revoked: { keys: [], statements: [] }
  require:
    - predicateType: https://slsa.dev/provenance/v1
      signers: [{ key: k.pub, notBefore: '2026-01-01T00:00:00Z', builders: ['https://b.example/*'] }]
      source: { repository: 'https://h.example/a', refs: [refs/heads/main], allowDirty: false }
      agent: { ids: ['squad/*'] }
      task: { ids: [t] }
      charter: { uriPrefix: 'https://h.example/', digest: required }
";
    assert_eq!(taken(good), (true, true));
    for (from, to) in [
        ("kind: AttestationPolicy", "kind: Policy"),
        ("github.io/v1", "github.io/v2"),
        ("{ name: p }", "{}"),
        ("mode: enforce", "mode: maybe"),
        ("mode: enforce", "onUnavailable: allow"),
        ("mode: enforce", "namespaces: []"),
        ("mode: enforce", "exceptions: [{ images: [{ glob: a }], approvedBy: b, reason: r }]"),
        ("mode: enforce", "people: []"),
        ("mode: enforce", "people: { a: [] }"),
        ("mode: enforce", "people: { a: [alice] }"),
        ("mode: enforce", "people: { a: [platform/builder] }"),
        ("builders: ['https://b.example/*']", "measures: []"),
        ("builders: ['https://b.example/*']", "measures: [sources]"),
        ("      task:", "      approvals: {}\n      task:"),
        ("      task:", "      approvals: { by: [] }\n      task:"),
        ("      task:", "      approvals: { by: [{ key: k.pub, builders: [b] }] }\n      task:"),
        ("      task:", "      approvals: { by: [{ key: k.pub, measures: [source] }] }\n      task:"),
        ("      task:", "      approvals: { by: [{ key: k.pub }], count: 0 }\n      task:"),
        ("      task:", "      approvals: { by: [{ key: k.pub }], notBy: [owner] }\n      task:"),
        ("[{ glob: 'ghcr.io/acme/**' }]", "[]"),
        ("ghcr.io/acme/**", "ghcr.io/acme/app:v1"),
        ("ghcr.io/acme/**", "ghcr.io/acme/app@sha256:1"),
        ("ghcr.io/acme/**", "ghcr.io/***"),
        ("ghcr.io/acme/**", "ghcr.io/{a,b}"),
        ("ghcr.io/acme/**", "ghcr.io/acme/App"),
        ("statements: []", "statements: [x]"),
        ("signers: [{ key: k.pub,", "signers: [{"),
        ("key: k.pub,", "key: k.pub, issuer: i,"),
        ("'2026-01-01T00:00:00Z'", "soon"),
        ("['https://b.example/*']", "[]"),
        ("'https://h.example/a'", "h.example/a"),
        ("[refs/heads/main]", "[main]"),
        ("allowDirty: false", "allowDirty: no thanks"),
        ("allowDirty: false", "commit: abc"),
        ("allowDirty: false", "assurance: sure"),
        ("{ ids: ['squad/*'] }", "{}"),
        ("{ ids: ['squad/*'] }", "{ ids: [], models: [m] }"),
        ("task: { ids: [t] }", "task: { id: t }"),
        ("digest: required", "digest: yes"),
        ("      task:", "      maxAge: 1w\n      task:"),
        ("      task:", "      cel: [x]\n      task:"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert_eq!(taken(&bad), (false, false), "(schema, parser) with {to}");
    }
    for (from, to) in [
        ("ghcr.io/acme/**", "oci:build/*:x"),
        ("ghcr.io/acme/**", "localhost:5000/app"),
        ("allowDirty: false", "assurance: declared"),
        ("mode: enforce", "people: { a: ['github:1', a@acme.example, 'agent:s/*'] }"),
        ("builders: ['https://b.example/*']", "measures: [source, dependencies]"),
        ("      task:", "      approvals: { by: [{ key: k.pub }], count: 2, notBy: [] }\n      task:"),
        (
            "key: k.pub",
            "key: \"-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n\"",
        ),
    ] {
        let other = good.replacen(from, to, 1);
        assert_eq!(taken(&other), (true, true), "(schema, parser) with {to}");
    }
}

/// A policy in which every field of the format stands, none of them null.
fn full_policy() -> Value {
    // A witness whose key is thirty-two sevens.
    let vkey = "w.example+fd0a1844+BAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";
    let claims = pointer("policy", "/$defs/signer/properties/certificate/properties");
    let claims: Map<_, _> = claims.as_object().unwrap().keys().map(|k| (k.clone(), json!("c"))).collect();
    let window = json!(["2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z"]);
    json!({
        "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy",
        "metadata": {
            "name": "p", "labels": {}, "annotations": {}, "namespace": "n", "uid": "u", "resourceVersion": "1", "generation": 1,
            "creationTimestamp": window[0], "managedFields": [], "ownerReferences": [], "finalizers": [], "selfLink": "/x",
        },
        "status": {},
        "spec": {
            "images": [{ "glob": "ghcr.io/acme/**" }], "mode": "enforce", "people": { "a": ["github:1"] },
            "onUnavailable": "deny", "namespaces": ["prod-*"],
            "exceptions": [{
                "images": [{ "glob": "ghcr.io/acme/old" }], "namespaces": ["prod-a"], "until": window[1], "approvedBy": "b", "reason": "r",
            }],
            "revoked": { "keys": ["k.pub"], "statements": [format!("sha256:{}", "a".repeat(64))] },
            "require": [{
                "predicateType": "https://slsa.dev/provenance/v1", "threshold": "1", "maxAge": "30d",
                "builder": { "ids": ["b"] }, "requestedBy": { "ids": ["github:*"], "assurance": "declared" },
                "trigger": { "kinds": ["event"], "assurance": "declared" },
                "signers": [
                    { "key": "k.pub", "notBefore": window[0], "notAfter": window[1], "builders": ["b"], "measures": ["source"] },
                    {
                        "issuer": "i", "issuerRegexp": "i", "identity": ["s"], "identityGlob": "s", "identityRegexp": "s",
                        "certificate": claims,
                    },
                ],
                "trust": {
                    "logs": "1", "timestamps": "1", "allowPromiseOnly": false, "maxAge": "1d",
                    "witnesses": { "threshold": "1", "keys": [vkey] },
                },
                "approvals": { "count": "1", "by": [{ "key": "k.pub" }], "notBy": ["signer"] },
                "source": {
                    "repository": "https://h.example/a", "refs": ["refs/heads/main"], "commit": "a".repeat(40),
                    "assurance": "declared", "allowDirty": false,
                },
                "agent": { "ids": ["a"], "models": ["m"], "assurance": "declared" },
                "task": { "ids": ["t"], "assurance": "declared" },
                "charter": {
                    "uriPrefix": "https://h.example/", "uri": "https://h.example/1", "digest": "required",
                    "assurance": "declared", "snapshot": { "by": [{ "key": "k.pub" }] },
                },
            }],
        },
    })
}

/// JSON pointers of all that stands below a value.
fn places(value: &Value, at: &str) -> Vec<String> {
    let below: Vec<_> = match value {
        Value::Object(members) => members.iter().map(|(k, v)| (format!("{at}/{k}"), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(i, v)| (format!("{at}/{i}"), v)).collect(),
        _ => Vec::new(),
    };
    below.into_iter().flat_map(|(path, v)| [places(v, &path), vec![path]].concat()).collect()
}

/// A field that is declared and never read would stand in the schema, be taken, and demand nothing.
#[test]
fn every_field_of_the_schema_is_read() {
    let full = full_policy();
    let key = |_: &str| PublicKey::from_pem(PEM.as_bytes()).map_err(|e| e.to_string());
    let of_servers = |path: &str| path == "/status" || (path.starts_with("/metadata/") && path != "/metadata/name");
    for path in places(&full, "").iter().filter(|p| !of_servers(p)) {
        let mut bad = full.clone();
        *bad.pointer_mut(path).unwrap() = json!([["nonsense"]]);
        assert!(policy::parse(&bad.to_string(), "p.yaml", &key).is_err(), "the parser does not read {path}");
    }
}

#[test]
fn a_field_without_a_value_is_never_taken_for_an_absent_one() {
    let full = full_policy();
    assert_eq!((problems("policy", &full), taken(&full.to_string())), (Vec::new(), (true, true)));
    let places = places(&full, "");
    let schema: Value = serde_json::from_str(&document("policy").unwrap()).unwrap();
    for name in self::places(&schema, "").iter().filter_map(|p| p.rsplit_once("/properties/").map(|(_, n)| n)) {
        let stands = places.iter().any(|p| p.rsplit('/').next() == Some(name));
        assert!(stands || name.contains('/'), "`{name}` does not stand in the full policy");
    }
    let key = |_: &str| PublicKey::from_pem(PEM.as_bytes()).map_err(|e| e.to_string());
    for path in places {
        let mut bad = full.clone();
        *bad.pointer_mut(&path).unwrap() = Value::Null;
        assert!(!problems("policy", &bad).is_empty(), "the schema takes null for {path}");
        match policy::parse(&bad.to_string(), "p.yaml", &key) {
            Err(e) => assert_eq!(e.code().as_str(), "policy-malformed", "{path}: {e}"),
            Ok(_) => panic!("the parser takes null for {path}"),
        }
    }
}
