//! Source and builder that a certificate says, beside whatever predicate: each demand is met, and refused where one letter
//! is wrong; what a predicate says otherwise is refused whatever is demanded.

use super::{GITHUB, WORKFLOW, digest, roots, workflow};
use crate::refusals::scene::attest;
use attest::testing::world::text;
use attest::testing::{Claim, Instance, World};
use attest::trust::KeyAlgorithm;
use serde_json::{Value, json};

const REPOSITORY: &str = "https://github.com/acme/app";
const COMMIT: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const V02: &str = "https://slsa.dev/provenance/v0.2";

/// As slsa-github-generator and npm wrote it before there was version 1.
fn v02() -> Value {
    let place = json!({ "uri": format!("git+{REPOSITORY}@refs/heads/main"), "digest": { "sha1": COMMIT } });
    json!({
        "builder": { "id": WORKFLOW },
        "buildType": "https://acme.example/generic@v1",
        "invocation": { "configSource": place, "environment": { "GITHUB_REF": "refs/heads/main", "github_sha1": COMMIT } },
        "materials": [place],
    })
}

/// As npm writes it: the builder is a kind of runner, the commit stands among the dependencies.
fn npm() -> Value {
    let source = json!({ "uri": format!("git+{REPOSITORY}@refs/heads/main"), "digest": { "gitCommit": COMMIT } });
    json!({
        "buildDefinition": { "buildType": "https://acme.example/workflow/v1", "resolvedDependencies": [source] },
        "runDetails": { "builder": { "id": "https://github.com/actions/runner/github-hosted" } },
    })
}

/// Each predicate type, with a predicate of it.
fn predicates() -> [(&'static str, Value); 4] {
    [
        ("https://spdx.dev/Document/v2.3", json!({ "spdxVersion": "SPDX-2.3", "packages": [] })),
        ("https://acme.example/scan/v1", json!({})),
        (V02, v02()),
        ("https://slsa.dev/provenance/v1", npm()),
    ]
}

fn statement(kind: &str, predicate: Value) -> Vec<u8> {
    Claim { predicate_type: kind.into(), predicate: Some(predicate), ..Claim::about(&digest()) }.to_bytes()
}

/// The program's exit code and the answer's code, of a file beside its bundle.
fn verify(instance: &Instance, bundle: &Value, kind: &str, flags: &[&str]) -> (Option<i32>, String) {
    let world = World::new(KeyAlgorithm::EcdsaP256);
    let path = world.write("app", b"the artifact");
    world.write("app.sigstore.json", bundle.to_string());
    let root = world.write("root.json", instance.root().to_string());
    let mut command = attest(&world);
    command.args(["verify", &text(&path), "--trusted-root", &text(&root), "--predicate-type", kind]);
    let out = command.args(flags).args(["--format", "json"]).output().expect("the binary runs");
    let answer: Value = serde_json::from_slice(&out.stdout).unwrap_or_default();
    (out.status.code(), answer["code"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn a_certificate_answers_demands_whatever_the_predicate_is() {
    let instance = Instance::new("acme", 1);
    let signer = ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", GITHUB];
    for (kind, predicate) in predicates() {
        let bundle = instance.sign(&workflow(), &statement(kind, predicate));
        let right = [
            ("--repo", "acme/app", "acme/apq", "certificate-claim-mismatch"),
            ("--source-repository", REPOSITORY, "https://github.com/acme/apq", "source-repository-mismatch"),
            ("--source-ref", "refs/heads/main", "refs/heads/maim", "source-ref-mismatch"),
            ("--source-commit", COMMIT, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "source-commit-mismatch"),
            ("--builder-id", WORKFLOW, &WORKFLOW.replace("main", "maim"), "builder-mismatch"),
        ];
        let mut all = signer.to_vec();
        all.extend(right.iter().flat_map(|(flag, value, ..)| [*flag, *value]));
        assert_eq!(verify(&instance, &bundle, kind, &all), (Some(0), String::new()), "{kind}");
        for (flag, _, wrong, code) in &right {
            let flags = [&signer[..], &[*flag, *wrong]].concat();
            assert_eq!(verify(&instance, &bundle, kind, &flags), (Some(1), (*code).to_owned()), "{kind} {flag}");
        }
        let other = WORKFLOW.replace("main", "maim");
        let flags = ["--certificate-identity", &other, "--certificate-oidc-issuer", GITHUB];
        assert_eq!(verify(&instance, &bundle, kind, &flags), (Some(1), "identity-mismatch".into()), "{kind}");
    }
}

/// The code of a decision, or nothing where it allows.
fn decide(requirement: &Value, kind: &str, predicate: Value) -> Option<String> {
    let instance = Instance::new("acme", 1);
    let bundle = instance.sign(&workflow(), &statement(kind, predicate));
    let roots = roots(&instance.root());
    let decision = attest::testing::decide(&roots, std::slice::from_ref(requirement), super::artifact(), &[bundle]);
    decision.unwrap().code().map(|c| c.to_string())
}

#[test]
fn a_provenance_of_version_0_2_that_says_otherwise_than_its_certificate_is_refused() {
    let requirement = json!({ "predicateType": V02, "signers": [{ "issuer": GITHUB, "identity": WORKFLOW }] });
    let with = |change: &dyn Fn(&mut Value)| {
        let mut predicate = v02();
        change(&mut predicate);
        decide(&requirement, V02, predicate)
    };
    let other = "b".repeat(40);
    let at = |uri: &str| json!({ "uri": uri, "digest": { "sha1": COMMIT } });
    let moved = |p: &mut Value, place: Value| {
        p["invocation"]["configSource"] = place.clone();
        p["materials"][0] = place;
    };
    assert_eq!(with(&|_| ()), None);
    for (change, code) in [
        (
            &(|p: &mut Value| moved(p, at("git+https://github.com/evil/app@refs/heads/main"))) as &dyn Fn(&mut Value),
            "certificate-contradicts-source-repository",
        ),
        (&|p| moved(p, at("git+https://github.com/acme/app@refs/heads/evil")), "certificate-contradicts-source-ref"),
        (
            &|p| {
                moved(
                    p,
                    json!({ "uri": "git+https://github.com/acme/app@refs/heads/main", "digest": { "sha1": other } }),
                )
            },
            "certificate-contradicts-source-commit",
        ),
        (
            &|p| p["invocation"]["environment"]["github_sha1"] = other.clone().into(),
            "certificate-contradicts-source-commit",
        ),
        (&|p| p["builder"]["id"] = "https://evil.example/builder".into(), "certificate-contradicts-builder"),
        (&|p| p["materials"][0]["digest"]["sha1"] = other.clone().into(), "statement-malformed"),
    ] {
        assert_eq!(with(change).as_deref(), Some(code));
    }
}

#[test]
fn what_a_certificate_says_is_certified_and_what_a_source_hides_is_not() {
    let demand = |kind: &str| {
        json!({
            "predicateType": kind, "signers": [{ "issuer": GITHUB, "identity": WORKFLOW }],
            "source": { "repository": REPOSITORY, "assurance": "certificate" },
        })
    };
    let [(sbom, predicate), ..] = predicates();
    assert_eq!(decide(&demand(sbom), sbom, predicate), None);
    // A source in a form that is not read may be another one: nobody's word stands in for it.
    let mut hidden = npm();
    hidden["buildDefinition"]["externalParameters"] = json!({ "source": { "uri": "https://evil.example/app.tar.gz" } });
    let v1 = "https://slsa.dev/provenance/v1";
    assert_eq!(decide(&demand(v1), v1, hidden).as_deref(), Some("source-repository-mismatch"));
    assert_eq!(decide(&demand(v1), v1, npm()), None);
    // An agent is something that no certificate of a workflow says.
    let agent = json!({
        "predicateType": sbom, "signers": [{ "issuer": GITHUB, "identity": WORKFLOW }], "agent": { "ids": ["**"] },
    });
    assert_eq!(decide(&agent, sbom, json!({})).as_deref(), Some("not-provenance"));
}

#[test]
fn a_certificate_answers_for_the_ref_that_a_provenance_leaves_out() {
    let mut silent = npm();
    let dependency = &mut silent["buildDefinition"]["resolvedDependencies"][0];
    *dependency = json!({ "uri": format!("git+{REPOSITORY}") });
    let demand = |reference: &str| {
        json!({
            "signers": [{ "issuer": GITHUB, "identity": WORKFLOW }],
            "source": { "refs": [reference], "commit": COMMIT, "assurance": "certificate" },
        })
    };
    let v1 = "https://slsa.dev/provenance/v1";
    assert_eq!(decide(&demand("refs/heads/main"), v1, silent.clone()), None);
    assert_eq!(decide(&demand("refs/heads/mail"), v1, silent).as_deref(), Some("source-ref-mismatch"));
}
