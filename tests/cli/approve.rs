//! `attest approve`: what is shown, what is signed, and where it goes.

use crate::transcript::Transcript;
use crate::world::World;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

#[test]
fn approve() {
    let world = World::new();
    world.repository();
    world.layout("image");
    world.write("charter.md", "\n# Release 1\n\nBuild it.\n");
    let digest = format!("sha256:{}", "a".repeat(64));
    Transcript::new(&world)
        .run(2, "approve charter:charter.md --key attest.key")
        .run(0, "approve charter:charter.md --key attest.key --yes --output charter.approval.json")
        .run(0, "approve commit:HEAD --key attest.key --yes --approver github:1 --attach oci:image")
        .run(0, "approve oci:image --key attest.key --yes --comment 'tested'")
        .run(0, &format!("approve charter:https://git.example/acme/app/issues/1 --digest {digest} --key attest.key --yes --attach oci:image"))
        .run(0, "list oci:image")
        .run(2, "approve commit:missing --key attest.key --yes")
        .run(2, "approve commit:--all --key attest.key --yes")
        .run(2, &format!("approve app --digest {digest} --key attest.key --yes"))
        .run(2, "approve app --uri https://git.example/app --key attest.key --yes")
        .run(2, "approve charter:charter.md --digest sha384:00 --key attest.key --yes")
        .is("approve");
}

fn statement(bundle: &str) -> Value {
    let bundle: Value = serde_json::from_str(bundle).unwrap();
    let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&payload).unwrap()
}

#[test]
fn what_is_approved_is_what_a_provenance_names() {
    let world = World::new();
    world.repository();
    world.write("charter.md", "Build it.\n");
    let provenance: Value = serde_json::from_str(&world.done(&["generate", "app", "--charter", "charter.md"])).unwrap();
    let external = &provenance["predicate"]["buildDefinition"]["externalParameters"];
    let approved = |target: &str| statement(&world.done(&["approve", target, "--key", "attest.key", "--yes"]));
    let commit = approved("commit:HEAD");
    assert_eq!(commit["subject"][0]["digest"], external["source"]["digest"]);
    assert_eq!(commit["predicate"]["target"], json!({ "kind": "commit", "uri": "git+https://github.com/acme/app" }));
    assert!(commit["subject"][0]["digest"]["sha256"].is_string());
    assert_eq!(approved("charter:charter.md")["subject"][0]["digest"], external["charter"]["digest"]);
    assert_eq!(approved("app")["subject"][0]["digest"], provenance["subject"][0]["digest"]);
    // Another commit under the name of this one is not looked at.
    world.git(&["commit", "-q", "--allow-empty", "-m", "two"]);
    world.git(&["replace", "HEAD~1", "HEAD"]);
    assert_eq!(approved("commit:HEAD~1")["subject"], commit["subject"]);
}

/// Who approved a text as a charter, or two things at once, approved no release of the same bytes.
#[test]
fn an_approval_that_is_demanded_by_itself_is_of_the_artifact_alone() {
    let world = World::new();
    world.repository();
    let verify = |bundle: &str| {
        let args = ["verify", "app", "--bundle", bundle, "--key", "attest.pub", "--predicate-type", "approval"];
        let out = world.attest(&[&args[..], &["--format", "json"]].concat());
        let json: Value = serde_json::from_slice(&out.stdout).unwrap();
        (out.status.code(), json["code"].as_str().unwrap_or_default().to_owned())
    };
    world.done(&["approve", "app", "--key", "attest.key", "--yes", "--output", "release.json"]);
    assert_eq!(verify("release.json"), (Some(0), String::new()));
    world.done(&["approve", "charter:app", "--key", "attest.key", "--yes", "--output", "charter.json"]);
    assert_eq!(verify("charter.json"), (Some(1), "approval-target-mismatch".into()));
    let bundle = std::fs::read_to_string(world.root().join("release.json")).unwrap();
    let mut two = statement(&bundle);
    let other = json!({ "name": "other", "digest": { "sha256": "a".repeat(64) } });
    two["subject"].as_array_mut().unwrap().push(other);
    world.write("two.json", two.to_string());
    world.done(&["sign", "two.json", "--key", "attest.key", "--output", "two.bundle.json"]);
    assert_eq!(verify("two.bundle.json"), (Some(1), "approval-target-mismatch".into()));
}

/// All but the time, which a key cannot prove: that is asked last.
#[test]
fn an_approval_by_a_key_counts_but_for_its_time() {
    let world = World::new();
    world.repository();
    world.done(&["keygen", "--output-key-prefix", "alice"]);
    let id = |out: String| serde_json::from_str::<Value>(&out).unwrap()["keyId"].as_str().unwrap().to_owned();
    let alice = id(world.done(&[
        "approve",
        "commit:HEAD",
        "--key",
        "alice.key",
        "--yes",
        "--output",
        "a.json",
        "--format",
        "json",
    ]));
    let ci = id(world.done(&[
        "create",
        "app",
        "--key",
        "attest.key",
        "--agent",
        "squad/builder",
        "--requested-by",
        "github:1",
        "--format",
        "json",
    ]));
    let policy = |alices: Value| {
        let policy = json!({
            "apiVersion": "agent-attest.github.io/v1", "kind": "AttestationPolicy", "metadata": { "name": "t" },
            "spec": {
                "images": [{ "glob": "**" }],
                "people": { "alice": alices, "bob": ["github:1"], "ci": [format!("key:{ci}")], "agents": ["agent:squad/*"] },
                "require": [{ "signers": [{ "key": "attest.pub" }], "approvals": { "by": [{ "key": "alice.pub" }] } }],
            },
        });
        world.write("policy.yaml", policy.to_string());
        let bundles = ["--bundle", "app.sigstore.json", "--bundle", "a.json"];
        let out =
            world.attest(&[&["verify", "app", "--policy", "policy.yaml", "--format", "json"][..], &bundles].concat());
        let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
        (out.status.code().unwrap(), answer["code"].as_str().unwrap().to_owned())
    };
    assert_eq!(policy(json!([format!("key:{alice}")])), (1, "approval-time-not-proven".into()));
    assert_eq!(policy(json!(["github:2"])), (1, "principal-not-comparable".into()));
}
