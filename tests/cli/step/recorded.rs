//! What a provenance says of a step: the files it wrote, the subjects it did not, and what it was handed.

use crate::step::{byproduct, signed};
use crate::world::{PASSWORD, World};
use attest::model::Digest;
use serde_json::{Value, json};

const TOKENS: &[(&str, &str)] = &[
    ("ATTEST_PASSWORD", PASSWORD),
    ("ACTIONS_ID_TOKEN_REQUEST_URL", "http://127.0.0.1:1/token"),
    ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token-value"),
    ("SIGSTORE_ID_TOKEN", "identity-token-value"),
    ("COSIGN_PASSWORD", "cosign-password-value"),
    ("ATTEST_IDENTITY_TOKEN", "attest-token-value"),
    ("KEPT", "kept"),
];

#[track_caller]
fn create(world: &World, args: &[&str], script: &str) -> (Value, String) {
    let all = [&["create", "app", "--key", "attest.key"], args, &["--", "sh", "-c", script]].concat();
    let out = world.attest_with(TOKENS, &all);
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    (signed(world).unwrap(), String::from_utf8_lossy(&out.stdout).into_owned())
}

#[test]
fn a_step_has_no_key_password_or_token_and_is_handed_identity_only_on_demand() {
    let world = World::new();
    let internal = |statement: &Value| statement["predicate"]["buildDefinition"]["internalParameters"].clone();
    let (statement, out) = create(&world, &[], "env");
    assert!(out.contains("KEPT=kept"), "{out}");
    let signing = ["ATTEST_PASSWORD=", "COSIGN_PASSWORD=", "ATTEST_IDENTITY_TOKEN="];
    let identity = ["ACTIONS_ID_TOKEN_REQUEST_URL=", "ACTIONS_ID_TOKEN_REQUEST_TOKEN=", "SIGSTORE_ID_TOKEN="];
    for name in signing.iter().chain(&identity) {
        assert!(!out.contains(name), "{name}: {out}");
    }
    assert_eq!(internal(&statement).get("identityShared"), None);
    let (statement, out) = create(&world, &["--share-identity"], "env");
    assert!(signing.iter().all(|name| !out.contains(name)) && identity.iter().all(|name| out.contains(name)), "{out}");
    let internal = internal(&statement);
    assert_eq!(internal["identityShared"], json!(true));
    // It is one of the credentials that the step could reach.
    assert!(internal["credentials"].as_array().unwrap().iter().any(|c| c["kind"] == "oidc-request"), "{internal}");
    assert!(!statement.to_string().contains("token-value"));
    for flag in ["--share-identity", "--products=*"] {
        let out = world.attest(&["create", "app", "--key", "attest.key", flag]);
        assert_eq!(out.status.code(), Some(2), "{flag} without a step");
    }
}

#[test]
fn files_that_a_step_wrote_are_recorded_and_subjects_are_not_among_them() {
    let world = World::new();
    world.repository();
    world.write(".gitignore", "*.key\n*.pub\nignored/\n");
    let (statement, _) = create(&world, &[], "echo new > app; echo x > made; mkdir -p ignored; echo y > ignored/z");
    let whole = byproduct(&statement, "step-files").unwrap();
    let numbers = ["added", "written", "removed"].map(|n| whole["annotations"][n].clone());
    assert_eq!(numbers, [json!(1), json!(0), json!(0)], "{statement}");
    assert_eq!(byproduct(&statement, "made").unwrap()["annotations"], json!({ "change": "added" }));
    for name in ["app", "ignored/z", "app.sigstore.json"] {
        assert_eq!(byproduct(&statement, name), None, "{name}");
    }
    let internal = |statement: &Value| statement["predicate"]["buildDefinition"]["internalParameters"].clone();
    assert_eq!(internal(&statement).get("subjectsNotWritten"), None);
    let (statement, _) = create(&world, &["--products", "ignored/*"], "echo z > ignored/z; echo y > made");
    assert_eq!(byproduct(&statement, "ignored/z").unwrap()["annotations"], json!({ "change": "written" }));
    assert_eq!(byproduct(&statement, "made"), None);
    assert_eq!(internal(&statement)["subjectsNotWritten"], json!(["app"]));
}

#[test]
fn a_folder_that_the_step_turns_into_a_link_leads_to_no_digest_of_outside() {
    let world = World::new();
    world.repository();
    world.write("dist/one", "1");
    let outside = world.home().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("one"), "not for anybody").unwrap();
    std::fs::write(outside.join("two"), "nor this").unwrap();
    world.write("inside/one", "of the checkout");
    let digests = ["not for anybody", "nor this"].map(|text| Digest::sha256(text.as_bytes()).hex().to_owned());
    let link = |to: &str| format!("rm -rf dist link; ln -s {to} dist; ln -s {to} link");
    // By a glob, through a new link and through one in the place of a folder; and where git lists what is watched.
    for flags in [&["--products", "dist/*"][..], &["--products", "link/*"], &["--products", "*/*"], &[]] {
        let (statement, _) = create(&world, flags, &link(outside.to_str().unwrap()));
        let text = statement.to_string();
        assert!(digests.iter().all(|d| !text.contains(d)), "{flags:?}: {text}");
        for name in ["dist", "link"] {
            std::fs::remove_file(world.root().join(name)).unwrap();
        }
        world.write("dist/one", "1");
    }
    // A link that stays inside is what it leads to.
    let (statement, _) = create(&world, &["--products", "link/*"], &link("inside"));
    assert!(byproduct(&statement, "link/one").is_some(), "{statement}");
}

#[test]
fn materials_by_glob() {
    let world = World::new();
    world.write("data/one.bin", "1");
    world.write("data/two.bin", "2");
    let (statement, _) = create(&world, &["--materials", "data/*.bin"], "true");
    let all = statement["predicate"]["buildDefinition"]["resolvedDependencies"].as_array().unwrap();
    let names: Vec<_> = all.iter().filter_map(|d| d["name"].as_str()).collect();
    assert_eq!(names, ["one.bin", "two.bin"].map(|n| format!("data/{n}")), "{all:?}");
    let out = world.attest(&["generate", "app", "--materials", "data/*.none"]);
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("no-file-matches"));
}
