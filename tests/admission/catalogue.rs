//! Advisories of other admission controllers, each as a review that must be denied and a twin that passes.

use crate::world::{Cluster, Odd, created, named, pod, usual};
use attest::policy;
use attest::webhook::Unmatched;
use serde_json::json;

const APP: &str = "registry.example/acme/app";

/// GHSA-m3cq-xcx9-3gvm, GHSA-wfqx-gjrf-g28r: a tag that was resolved twice named another image the second time.
#[test]
fn what_was_decided_on_is_what_is_pinned() {
    let cluster = Cluster::new("");
    let good = cluster.attested(APP, &cluster.key);
    let tagged = cluster.tag(&good, "v1");
    let evil = cluster.image("registry.example/acme/evil").replace("acme/evil", "acme/app");
    let digest = good.split_once('@').unwrap().1;
    // Pinned while it was good, moved before it is decided on: the digest counts, and the tag is not asked for.
    cluster.tag(&evil, "v1");
    assert!(cluster.pod(&[&format!("{tagged}@{digest}")]).allowed);
    let evil = evil.split_once('@').unwrap().1;
    assert!(!cluster.pod(&[&format!("{tagged}@{evil}")]).allowed);
}

/// GHSA-739f-hw6h-7wq8: no attestation of the demanded type was a pass.
#[test]
fn none_of_the_demanded_type_is_a_denial() {
    let cluster = Cluster::new("");
    let image = cluster.attested(APP, &cluster.key);
    let pem = cluster.key.public_key().to_pem().replace('\n', "\\n");
    let sbom = format!(
        "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: sbom}}, spec: {{images: [{{glob: '**'}}], require: [{{predicateType: 'https://cyclonedx.org/bom', signers: [{{key: \"{pem}\"}}]}}]}}}}"
    );
    let sbom = policy::parse(&sbom, "sbom", &|_| Err(String::new())).unwrap();
    assert!(cluster.pod(&[&image]).allowed);
    cluster.learn(vec![usual(&cluster.key, ""), sbom]);
    let reply = cluster.pod(&[&image]);
    assert!(!reply.allowed && reply.message().contains("predicate-type-mismatch"), "{reply:?}");
}

/// GHSA-gg4x-fgg2-h9w9: two exceptions together excepted what neither did.
#[test]
fn exceptions_do_not_add_up() {
    let excepted = "  exceptions:\n    - { images: [{ glob: 'registry.example/acme/a' }], namespaces: [other], until: '2030-12-31T00:00:00Z', approvedBy: bob, reason: r }\n    - { images: [{ glob: 'registry.example/acme/b' }], namespaces: [default], until: '2030-12-31T00:00:00Z', approvedBy: bob, reason: r }\n";
    let cluster = Cluster::new(excepted);
    let [a, b] = ["registry.example/acme/a", "registry.example/acme/b"].map(|n| cluster.image(n));
    assert!(!cluster.pod(&[&a]).allowed);
    assert!(cluster.pod(&[&b]).allowed);
    // One of one policy is none of another.
    cluster.learn(vec![usual(&cluster.key, excepted), named("second", "registry.example/acme/b", &cluster.key, "")]);
    assert!(!cluster.pod(&[&b]).allowed);
}

/// GHSA-jrr2-x33p-6hvc: an error while a selector was looked up was "no match". Here a policy that cannot be read, and a registry
/// that cannot be asked, are never the absence of a demand.
#[test]
fn an_error_is_never_the_absence_of_a_demand() {
    let cluster = Cluster::odd("", Odd { unmatched: Unmatched::Allow, ..Odd::default() });
    let good = cluster.attested(APP, &cluster.key);
    cluster.down(true);
    assert!(!cluster.pod(&[&good]).allowed);
    cluster.down(false);
    assert!(cluster.pod(&[&good]).allowed);
    assert!(cluster.pod(&["docker.io/library/nginx:1"]).allowed, "no policy speaks about it");
}

/// Kubewarden's policies accepted objects of kinds that they did not know, and dropped fields that they did not know.
#[test]
fn an_unknown_kind_is_denied_and_an_unknown_field_hides_no_image() {
    let cluster = Cluster::new("");
    let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image("registry.example/acme/bare"));
    let mut object = pod(&[&good]);
    object["spec"]["fieldOfNextYear"] = json!({ "x": 1 });
    assert!(cluster.review(&created(&object)).allowed);
    object["spec"]["volumes"] = json!([{ "name": "v", "image": { "reference": bare, "x": 1 } }]);
    assert!(!cluster.review(&created(&object)).allowed);
    let engine = json!({ "apiVersion": "example.com/v1", "kind": "Engine", "spec": {} });
    let reply = cluster.review(&created(&engine));
    assert!(!reply.allowed && reply.message().contains("kind-unknown"), "{reply:?}");
}

/// Ratify's template read containers of pods alone, and published policies of Kyverno read `containers` alone.
#[test]
fn no_list_of_containers_is_left_out() {
    let cluster = Cluster::new("");
    let (good, bare) = (cluster.attested(APP, &cluster.key), cluster.image("registry.example/acme/bare"));
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let of = |image: &str| {
            let mut object = pod(&[&good]);
            object["spec"][list] = json!([{ "name": "x", "image": image }]);
            cluster.review(&created(&object)).allowed
        };
        assert_eq!((of(&good), of(&bare)), (true, false), "{list}");
    }
}

/// GHSA-46mp-8w32-6g94: a field of a policy that nothing read.
#[test]
fn a_misspelt_demand_is_no_policy() {
    let text = |more: &str| {
        format!(
            "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: t}}, spec: {{images: [{{glob: '**'}}], {more}require: [{{signers: [{{issuer: i, identity: s}}]}}]}}}}"
        )
    };
    let parse = |more: &str| policy::parse(&text(more), "t", &|_| Err(String::new())).map_err(|e| e.code().as_str());
    assert!(parse("").is_ok() && parse("onUnavailable: defer, namespaces: ['prod-*'], ").is_ok());
    for wrong in [
        "onUnavaliable: defer, ",
        "namespace: ['prod'], ",
        "exceptions: [{images: [{glob: '**'}], until: '2030-01-01T00:00:00Z', approvedBy: b, reason: r, forever: true}], ",
    ] {
        assert_eq!(parse(wrong).unwrap_err(), "policy-field-unknown", "{wrong}");
    }
    for wrong in [
        "onUnavailable: allow, ",
        "namespaces: [], ",
        "namespaces: ['Prod'], ",
        "exceptions: [{images: [{glob: '**'}], approvedBy: b, reason: r}], ",
        "exceptions: [{images: [{glob: '**'}], until: '2030-01-01T00:00:00Z', reason: r}], ",
        "exceptions: [{images: [], until: '2030-01-01T00:00:00Z', approvedBy: b, reason: r}], ",
        "exceptions: [{images: [{glob: '**'}], until: soon, approvedBy: b, reason: r}], ",
    ] {
        assert_eq!(parse(wrong).unwrap_err(), "policy-malformed", "{wrong}");
    }
}
