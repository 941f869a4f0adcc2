//! Policies that are read, and those that are refused whole.

use super::root::{API_VERSION, KIND, parse, schema};
use crate::policy::{Policy, PolicyError, rule};
use serde_json::json;

fn with(spec: &str) -> Result<Policy, PolicyError> {
    let text = format!("apiVersion: {API_VERSION}\nkind: {KIND}\nmetadata: {{ name: t }}\nspec:\n{spec}");
    parse(&text, "t.yaml", &|_| Err("not there".into()))
}

const PEM: &str = "-----BEGIN PUBLIC KEY-----\\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\\n-----END PUBLIC KEY-----\\n";

#[test]
fn a_policy_is_read_whole() {
    let p = with(&format!("  images: [{{glob: 'ghcr.io/acme/**'}}]\n  require:\n    - signers: [{{key: \"{PEM}\", builders: [b]}}]\n      source: {{repository: 'https://h.example/a.git', refs: [refs/heads/main]}}\n")).unwrap();
    // Of trust something holds where nothing is said, too.
    assert_eq!((p.requirements.len(), p.requirements[0].in_force().count()), (1, 2));
    assert!(p.matches("ghcr.io/acme/x/y") && !p.matches("ghcr.io/evil/x"));
    // A pattern is read as a reference is.
    let spelled = format!(
        "  images: [{{glob: GHCR.io:443/acme/*}}, {{glob: nginx}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n"
    );
    let p = with(&spelled).unwrap();
    assert!(p.matches("ghcr.io/acme/x") && p.matches("docker.io/library/nginx") && !p.matches("docker.io/nginx/x"));
    // What speaks about everything speaks about a path with an `@`, too.
    for glob in ["**", "file:**", "file:d/*/app"] {
        let p = with(&format!("  images: [{{glob: '{glob}'}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n"));
        assert!(p.unwrap().matches("file:d/a@b/app"), "{glob}");
    }
}

#[test]
fn what_would_be_half_applied_is_refused() {
    let ok = format!("  images: [{{glob: 'a/*'}}]\n  require: [{{signers: [{{key: \"{PEM}\"}}]}}]\n");
    assert!(with(&ok).is_ok());
    let revoking = |what: &str| with(&format!("{ok}  revoked: {{{what}: ['sha256:{}']}}\n", "a".repeat(64)));
    assert!(revoking("keys").is_ok() && revoking("statements").is_ok());
    let named = |more: &str| {
        let identity = if more.starts_with("identity") { "" } else { "identity: s, " };
        format!("  images: [{{glob: 'a/*'}}]\n  require: [{{signers: [{{issuer: i, {identity}{more}}}]}}]\n")
    };
    assert!(with(&named("certificate: {buildTrigger: push}")).is_ok() && with(&named("identity: [s]")).is_ok());
    let cases = [
        (ok.replace("images", "image"), "policy-field-unknown", "spec.image"),
        (format!("{ok}  onUnavailable: allow\n"), "policy-malformed", "spec.onUnavailable"),
        (format!("{ok}  people: [x]\n"), "policy-malformed", "spec.people"),
        (ok.replace("signers", "cel: [x], signers"), "policy-field-not-enforced", "spec.require[0].cel"),
        (ok.replace("key:", "issuer: x, key:"), "policy-malformed", "signers[0].issuer"),
        (ok.replace("signers", "source: {}, signers"), "policy-malformed", "require[0].source"),
        (ok.replace("signers", "agent: {}, signers"), "policy-malformed", "require[0].agent"),
        (ok.replace("signers", "charter: {}, signers"), "policy-malformed", "require[0].charter"),
        (ok.replace("signers", "source: {refs: [main]}, signers"), "policy-malformed", "source.refs[0]"),
        (ok.replace("signers", "source: {commit: aaaa}, signers"), "policy-malformed", "require[0].source.commit"),
        (named("certificate: {}"), "policy-malformed", "signers[0].certificate"),
        (named("identity: ''"), "policy-malformed", "signers[0].identity"),
        (named("identity: [s, '']"), "policy-malformed", "signers[0].identity[1]"),
        (ok.replace("key:", "measures: [sources], key:"), "policy-malformed", "signers[0].measures[0]"),
        (ok.replace("key:", "measures: [], key:"), "policy-malformed", "signers[0].measures"),
        (ok.replace("signers", "approvals: {}, signers"), "policy-malformed", "approvals.by"),
        (ok.replace("signers", "approvals: {by: []}, signers"), "policy-malformed", "approvals.by"),
        (
            ok.replace("signers", "approvals: {count: 0, by: [{issuer: i, identity: s}]}, signers"),
            "policy-malformed",
            "approvals.count",
        ),
        (
            ok.replace("signers", "approvals: {by: [{issuer: i, identity: s}], notBy: [owner]}, signers"),
            "policy-malformed",
            "approvals.notBy[0]",
        ),
        (
            ok.replace("signers", "approvals: {by: [{issuer: i, identity: s, builders: [b]}]}, signers"),
            "policy-malformed",
            "approvals.by[0].builders",
        ),
        (
            ok.replace("signers", "approvals: {by: [{issuer: i, identity: s, measures: [source]}]}, signers"),
            "policy-malformed",
            "approvals.by[0].measures",
        ),
        (
            ok.replace(
                "signers",
                "predicateType: 'https://x.example/p', approvals: {by: [{issuer: i, identity: s}]}, signers",
            ),
            "policy-malformed",
            "require[0].approvals",
        ),
        (
            ok.replace("signers: [{", "predicateType: 'https://x.example/p', signers: [{measures: [source], "),
            "policy-malformed",
            "signers[0].measures",
        ),
        (ok.replace("signers", "trust: {witnesses: 1}, signers"), "policy-malformed", "require[0].trust.witnesses"),
        (ok.replace("signers", "trust: {maxAge: 1w}, signers"), "policy-malformed", "require[0].trust.maxAge"),
        (ok.replace("signers", "trust: {maxAge: 0d}, signers"), "policy-malformed", "require[0].trust.maxAge"),
        (ok.replace("signers", "trust: {maxAge: -1d}, signers"), "policy-malformed", "require[0].trust.maxAge"),
        (ok.replace("signers", "threshold: 0, signers"), "policy-malformed", "require[0].threshold"),
        (ok.replace("'a/*'", "'a/*:v1'"), "policy-malformed", "images[0].glob"),
        (ok.replace("'a/*'", "'a/*@sha256:1'"), "policy-malformed", "images[0].glob"),
        (format!("  images: []\n{}", ok.lines().nth(1).unwrap()), "policy-malformed", "spec.images"),
        ("  images: [{glob: a}]\n  require: [{}]\n".to_owned(), "policy-malformed", "signers"),
        ("  images: [{glob: a}]\n  require: []\n".to_owned(), "policy-malformed", "spec.require"),
        (ok.replace(PEM, "missing.pub"), "policy-malformed", "not there"),
        (ok.replace("'a/*'", "'ghcr.io/{a,b}'"), "policy-malformed", "line 5, column 19: field `spec.images[0].glob`"),
        (ok.replace("'a/*'", "'ghcr.io:0443/a/*'"), "policy-malformed", "images[0].glob"),
        (format!("{ok}  revoked: {{keys: ['sha512:{}']}}\n", "a".repeat(128)), "policy-malformed", "revoked.keys[0]"),
        (
            format!("{ok}  revoked: {{statements: ['sha512:{}']}}\n", "a".repeat(128)),
            "policy-malformed",
            "revoked.statements[0]",
        ),
        (
            ok.replace("signers: [{", "predicateType: 'https://x.example/p', signers: [{builders: [b], "),
            "policy-malformed",
            "signers[0].builders",
        ),
        (ok.replace("key:", "notBefore: soon, key:"), "policy-malformed", "notBefore"),
    ];
    for (spec, code, word) in cases {
        let e = with(&spec).unwrap_err();
        assert!(e.code().as_str() == code && e.to_string().contains(word), "{spec}: {e}");
    }
}

/// The fields that the parser knows at a place, from what it says when it meets one that it does not.
fn known(field: &str) -> (String, Vec<String>) {
    let mut policy = json!({
        "apiVersion": API_VERSION, "kind": KIND, "metadata": { "name": "t" },
        "spec": {
            "images": [{ "glob": "a" }], "revoked": {},
            "require": [{ "trust": { "none": 1 }, "approvals": { "none": 1 }, "signers": [
                { "key": PEM.replace("\\n", "\n") },
                { "issuer": "i", "identity": "s", "certificate": {} },
            ] }],
        },
    });
    for r in rule::ALL {
        policy["spec"]["require"][0][r.name] = json!({ "none": 1 });
    }
    if let Some(name) = field.strip_prefix("/spec/require/0/").filter(|n| !n.contains('/')) {
        // The other rules would be complained about first.
        let requirement = policy["spec"]["require"][0].as_object_mut().unwrap();
        requirement.retain(|k, _| k == "signers" || k == name);
        requirement["signers"].as_array_mut().unwrap().truncate(1);
    } else {
        let requirement = policy["spec"]["require"][0].as_object_mut().unwrap();
        requirement.retain(|k, _| k == "signers");
        if !field.contains("certificate") {
            requirement["signers"].as_array_mut().unwrap().truncate(1);
        }
        if field.contains("/charter/") {
            policy["spec"]["require"][0]["charter"] = json!({ "snapshot": {} });
        }
        if field.contains("/trust/") {
            policy["spec"]["require"][0]["trust"] = json!({ "witnesses": {} });
        }
        policy.pointer_mut(field).unwrap()["none"] = json!(1);
    }
    match parse(&policy.to_string(), "t", &|_| Err("none".into())) {
        Err(PolicyError::UnknownField { path, known, .. }) => (path, sorted(known.split(", "))),
        other => panic!("{field}: {other:?}"),
    }
}

fn sorted<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut names: Vec<_> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn the_schema_knows_the_fields_that_the_parser_knows() {
    let schema = schema();
    let mut places = vec![
        (String::new(), String::new()),
        ("/metadata".into(), "/properties/metadata".into()),
        ("/spec".into(), "/properties/spec".into()),
        ("/spec/images/0".into(), "/properties/spec/properties/images/items".into()),
        ("/spec/revoked".into(), "/properties/spec/properties/revoked".into()),
        ("/spec/require/0".into(), "/$defs/requirement".into()),
        ("/spec/require/0/signers/0".into(), "/$defs/signer".into()),
        ("/spec/require/0/signers/1/certificate".into(), "/$defs/signer/properties/certificate".into()),
        ("/spec/require/0/charter/snapshot".into(), "/$defs/requirement/properties/charter/properties/snapshot".into()),
        ("/spec/require/0/trust/witnesses".into(), "/$defs/requirement/properties/trust/properties/witnesses".into()),
    ];
    for r in rule::ALL {
        places.push((format!("/spec/require/0/{}", r.name), format!("/$defs/requirement/properties/{}", r.name)));
    }
    for (field, place) in places {
        let described = schema.pointer(&place).unwrap();
        let properties = described["properties"].as_object().unwrap();
        let (path, known) = known(&field);
        assert_eq!(sorted(properties.keys().map(String::as_str)), known, "{path}");
        assert_eq!(described["additionalProperties"], json!(false), "{path}");
    }
}
