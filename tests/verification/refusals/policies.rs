//! Policies that say no, and policies that could not be meant.

use crate::refusals::scene::{Scene, policy};
use attest::model::Digest;
use attest::testing::world::text;
use serde_json::json;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

fn ruled(s: &mut Scene) {
    s.by_policy();
}

fn mode(name: &'static str, bits: u32) -> impl Fn(&mut Scene) {
    move |s| s.then(move |at| fs::set_permissions(at.world.path(name), Permissions::from_mode(bits)).unwrap())
}

/// The provenance is logged, and so is its time proven; its key has a beginning.
fn logged(s: &mut Scene) {
    crate::refusals::approving::charter(s);
    s.require().as_object_mut().unwrap().remove("approvals");
    s.signer()["notBefore"] = "2001-01-01T00:00:00Z".into();
}

/// The policy names its key by path.
fn by_key_file(s: &mut Scene) {
    ruled(s);
    s.signer()["key"] = "trusted.pub".into();
    let pem = s.world.key.public_key().to_pem();
    s.world.write("policies/trusted.pub", pem);
}

/// A second policy that trusts the same key.
fn two(s: &mut Scene) {
    ruled(s);
    ruled(s);
}

/// One policy: scans by our key, provenance by the other one, which has signed one too.
fn scans_and_provenance(s: &mut Scene) {
    ruled(s);
    let other = s.world.other.public_key().to_pem();
    *s.require() = json!({ "signers": [{ "key": other }] });
    s.other_signs = true;
    let ours = s.world.key.public_key().to_pem();
    let mut scan = s.claim.clone();
    scan.predicate_type = "https://acme.example/scan/v1".into();
    s.second = Some(scan);
    s.spec()["require"]
        .as_array_mut()
        .unwrap()
        .push(json!({ "predicateType": "https://acme.example/scan/v1", "signers": [{ "key": ours }] }));
}

/// Our key, which is on P-256, with its point compressed: the same key in other bytes.
fn compressed(s: &Scene) -> String {
    let key = s.world.key.public_key();
    let (x, y) = key.raw()[1..].split_at(32);
    let head = [&[0x30, 0x39][..], &key.spki()[2..23], &[0x03, 0x22, 0x00, 0x02 | y[31] & 1]].concat();
    pem::encode(&pem::Pem::new("PUBLIC KEY", [&head, x].concat()))
}

crate::refusals::refusals! {
    one_key_in_two_forms_for_two_signers: |s| { ruled(s); s.require()["threshold"] = 1.into() }, |s| {
        let other = compressed(s);
        s.require()["signers"].as_array_mut().unwrap().push(json!({ "key": other }));
        s.require()["threshold"] = 2.into();
    } => 2 "policy-malformed";
    revoked_key_in_another_form: ruled, |s| { let other = compressed(s); s.spec()["revoked"] = json!({ "keys": [other] }) } => 2 "policy-malformed";
    revoked_key: ruled, |s| { let id = s.world.key.public_key().id(); s.spec()["revoked"] = json!({ "keys": [id] }) } => 1 "key-revoked";
    revoked_key_by_its_pem: ruled, |s| { let pem = s.world.key.public_key().to_pem(); s.spec()["revoked"] = json!({ "keys": [pem] }) } => 1 "key-revoked";
    revoked_statement: ruled, |s| { let d = Digest::sha256(&s.claim.to_bytes()).to_string(); s.spec()["revoked"] = json!({ "statements": [d] }) } => 1 "statement-revoked";
    revoked_key_by_a_digest_that_never_matches: ruled, |s| s.spec()["revoked"] = json!({ "keys": [format!("sha512:{}", "0".repeat(128))] }) => 2 "policy-malformed";
    revoked_statement_by_a_digest_that_never_matches: ruled, |s| s.spec()["revoked"] = json!({ "statements": [format!("sha384:{}", "0".repeat(96))] }) => 2 "policy-malformed";
    key_before_its_window: ruled, |s| s.signer()["notBefore"] = "2999-01-01T00:00:00Z".into() => 1 "key-outside-window";
    key_with_a_beginning_and_no_proven_time: ruled, |s| s.signer()["notBefore"] = "2001-01-01T00:00:00Z".into() => 1 "key-outside-window";
    key_with_a_window_and_no_proven_time: |s| { ruled(s); s.signer()["notAfter"] = "2999-01-01T00:00:00Z".into() }, |s| s.signer()["notBefore"] = "2001-01-01T00:00:00Z".into() => 1 "key-outside-window";
    key_with_a_beginning_whose_proof_of_time_is_left_out: logged, |s| s.approved.as_mut().unwrap().signed_at = None => 1 "key-outside-window";
    key_after_its_window: ruled, |s| s.signer()["notAfter"] = "2001-01-01T00:00:00Z".into() => 1 "key-outside-window";
    window_whose_end_was_not_filled_in: ruled, |s| s.signer()["notAfter"] = json!(null) => 2 "policy-malformed";
    labels_that_were_not_filled_in: ruled, |s| s.policies[0]["metadata"]["labels"] = json!(null) => 2 "policy-malformed";
    window_that_ends_before_it_begins: ruled, |s| { s.signer()["notBefore"] = "2002-01-01T00:00:00Z".into(); s.signer()["notAfter"] = "2001-01-01T00:00:00Z".into() } => 2 "policy-malformed";
    builder_of_one_rule_and_window_of_another: |s| {
        ruled(s);
        let key = s.signer()["key"].clone();
        s.require()["signers"] = json!([
            { "key": key, "builders": ["https://builders.example/old"], "notAfter": "2001-01-01T00:00:00Z" },
            { "key": key, "builders": ["https://builders.example/one"] },
        ]);
    }, |s| s.claim.builder_id = "https://builders.example/old".into() => 1 "key-outside-window";
    key_of_another_policy: two, |s| { let other = s.world.other.public_key().to_pem(); s.policies[1]["spec"]["require"][0]["signers"][0]["key"] = other.into() } => 1 "signer-not-accepted";
    key_of_another_predicate_type: scans_and_provenance, |s| s.other_signs = false => 1 "signer-not-accepted";
    one_of_two_requirements_unmet: scans_and_provenance, |s| s.second = None => 1 "predicate-type-mismatch";
    one_of_two_policies_denies: two, |s| s.policies[1]["spec"]["require"][0]["agent"] = json!({ "ids": ["other/*"] }) => 1 "agent-mismatch";
    one_of_two_policies_revokes: two, |s| { let id = s.world.key.public_key().id(); s.policies[1]["spec"]["revoked"] = json!({ "keys": [id] }) } => 1 "key-revoked";
    policy_and_flag_of_another_key: |s| { ruled(s); s.key_flag = true }, |s| { let other = s.world.other.public_key().to_pem(); s.signer()["key"] = other.into() } => 1 "signer-not-accepted";
    denial_in_warn_mode: ruled, |s| { s.spec()["mode"] = "warn".into(); s.other_signs = true } => 1 "key-not-trusted";
    denial_in_audit_mode: ruled, |s| { s.spec()["mode"] = "audit".into(); s.other_signs = true } => 1 "key-not-trusted";
    policy_of_the_user: |s| { s.key_flag = false; let p = policy(&s.world.key.public_key().to_pem()); s.world.write("home/.config/attest/policy.yaml", p.to_string()); }, |s| {
        let p = policy(&s.world.other.public_key().to_pem());
        s.world.write("home/.config/attest/policy.yaml", p.to_string());
    } => 1 "key-not-trusted";
    policy_of_the_working_folder_alone: ruled, |s| {
        let p = s.policies.remove(0).to_string();
        for name in ["policy.yaml", ".attest/policy.yaml", "attest.yaml", ".attest.yaml"] {
            s.world.write(name, &p);
        }
    } => 2 "no-policy";
    nobody_named_to_trust: |_| (), |s| s.key_flag = false => 2 "no-policy";
    no_policy_for_the_subject: ruled, |s| s.spec()["images"] = json!([{ "glob": "ghcr.io/acme/**" }]) => 1 "no-policy-for-subject";
    unknown_policy_field: ruled, |s| s.require()["agents"] = json!({ "ids": ["**"] }) => 2 "policy-field-unknown";
    unknown_policy_field_at_the_top: ruled, |s| s.policies[0]["revoked"] = json!({}) => 2 "policy-field-unknown";
    unknown_policy_field_of_a_rule: |s| { ruled(s); s.require()["source"] = json!({ "allowDirty": true }) }, |s| s.require()["source"]["branch"] = "main".into() => 2 "policy-field-unknown";
    policy_field_not_enforced: ruled, |s| s.require()["cel"] = "true".into() => 2 "policy-field-not-enforced";
    policy_threshold_not_met: ruled, |s| s.require()["threshold"] = 2.into() => 1 "threshold-not-met";
    policy_with_an_age_of_trust_that_is_none: |s| { ruled(s); s.require()["trust"] = json!({ "maxAge": "90d" }) }, |s| s.require()["trust"]["maxAge"] = "90".into() => 2 "policy-malformed";
    policy_of_another_subject_beside_flags: |s| { s.by_policy(); s.key_flag = true }, |s| s.spec()["images"] = json!([{ "glob": "elsewhere/**" }]) => 1 "no-policy-for-subject";
    policy_that_wants_any_witness: ruled, |s| s.require()["trust"] = json!({ "witnesses": 1 }) => 2 "policy-malformed";
    policy_that_wants_a_witness: ruled, |s| s.require()["trust"] = json!({ "witnesses": { "threshold": 1, "keys": [attest::testing::Witness::new("w.example").vkey()] } }) => 1 "too-few-witnesses";
    policy_that_wants_a_log: ruled, |s| s.require()["trust"] = json!({ "logs": 1 }) => 1 "too-few-logs";
    policy_that_wants_a_young_statement_of_a_key_without_a_proven_time: ruled, |s| s.require()["maxAge"] = "30d".into() => 1 "statement-too-old";
    policy_that_wants_a_timestamp: ruled, |s| s.require()["trust"] = json!({ "timestamps": 1 }) => 1 "too-few-timestamps";
    policy_with_a_key_and_an_identity_in_one: ruled, |s| { s.signer()["issuer"] = "https://issuer.example".into() } => 2 "policy-malformed";
    policy_with_an_identity_of_any_issuer: ruled, |s| { *s.signer() = json!({ "identity": "me@acme.example" }) } => 2 "policy-malformed";
    policy_that_wants_a_certificate: ruled, |s| { *s.signer() = json!({ "identity": "me@acme.example", "issuer": "https://issuer.example" }) } => 1 "key-not-trusted";
    policy_without_signers: ruled, |s| s.require()["signers"] = json!([]) => 2 "policy-malformed";
    policy_without_a_signers_field: ruled, |s| { s.require().as_object_mut().unwrap().remove("signers"); } => 2 "policy-malformed";
    policy_without_images: ruled, |s| s.spec()["images"] = json!([]) => 2 "policy-malformed";
    policy_without_requirements: ruled, |s| s.spec()["require"] = json!([]) => 2 "policy-malformed";
    policy_for_a_tag: ruled, |s| s.spec()["images"] = json!([{ "glob": "ghcr.io/acme/app:v1" }]) => 2 "policy-malformed";
    policy_for_either_of_two_in_braces: two, |s| s.policies[1]["spec"]["images"] = json!([{ "glob": "ghcr.io/acme/{a,b}" }]) => 2 "policy-malformed";
    policy_for_an_address: two, |s| s.policies[1]["spec"]["images"] = json!([{ "glob": "https://ghcr.io/acme/**" }]) => 2 "policy-malformed";
    policy_for_a_host_with_a_dot_at_its_end: two, |s| s.policies[1]["spec"]["images"] = json!([{ "glob": "ghcr.io./**" }]) => 2 "policy-malformed";
    policy_for_a_port_in_another_spelling: two, |s| s.policies[1]["spec"]["images"] = json!([{ "glob": "ghcr.io:0443/**" }]) => 2 "policy-malformed";
    policy_for_a_name_with_a_space: two, |s| s.policies[1]["spec"]["images"] = json!([{ "glob": " docker.io/library/nginx" }]) => 2 "policy-malformed";
    policy_of_another_version: ruled, |s| s.policies[0]["apiVersion"] = "agent-attest.github.io/v2".into() => 2 "policy-malformed";
    policy_with_a_field_twice: ruled, |s| s.then(|at| {
        let text = fs::read_to_string(at.world.path("policies/0.yaml")).unwrap();
        at.world.write("policies/0.yaml", text.replacen('{', r#"{"kind":"AttestationPolicy","#, 1));
    }) => 2 "policy-malformed";
    policy_with_aliases: ruled, |s| s.then(|at| {
        let text = fs::read_to_string(at.world.path("policies/0.yaml")).unwrap();
        at.world.write("policies/0.yaml", text.replace(r#""mode""#, "mode").replace(r#"{"name":"test"}"#, r#"&a {"name":"test"}"#));
    }) => 2 "policy-malformed";
    policy_writable_by_everybody: ruled, mode("policies/0.yaml", 0o666) => 2 "policy-writable-by-others";
    policy_folder_writable_by_everybody: ruled, mode("policies", 0o777) => 2 "policy-writable-by-others";
    key_of_a_policy_writable_by_everybody: by_key_file, mode("policies/trusted.pub", 0o666) => 2 "policy-malformed";
    policy_whose_key_is_not_there: by_key_file, |s| s.then(|at| fs::remove_file(at.world.path("policies/trusted.pub")).unwrap()) => 2 "policy-malformed";
    policy_of_a_folder_with_another_ending: |s| {
        ruled(s);
        s.then(|at| { let p = text(&at.world.path("policies")); at.arguments.truncate(1); at.arguments.extend(["--policy".into(), p]) });
    }, |s| s.then(|at| { at.world.write("policies/strict.yaml.orig", "") ; }) => 2 "policy-folder-unclear";
    policy_missing: ruled, |s| s.then(|at| fs::remove_file(at.world.path("policies/0.yaml")).unwrap()) => 2 "file-unreadable";
    policy_of_the_environment_missing: |s| { ruled(s); s.then(|at| { at.arguments.truncate(1); let p = text(&at.world.path("policies/0.yaml")); at.set("ATTEST_POLICY", p) }) }, |s| {
        s.then(|at| at.set("ATTEST_POLICY", "/nowhere/policy.yaml".into()));
    } => 2 "file-unreadable";
    policy_folder_that_is_empty: |s| { ruled(s); s.then(|at| at.arguments[2] = text(&at.world.path("policies"))) }, |s| {
        s.then(|at| fs::remove_file(at.world.path("policies/0.yaml")).unwrap());
    } => 2 "file-unreadable";
    demand_that_no_requirement_takes_up: |s| {
        ruled(s);
        s.require()["predicateType"] = "https://acme.example/scan/v1".into();
        s.claim.predicate_type = "https://acme.example/scan/v1".into();
    }, |s| s.flag(&["--agent", "platform/builder"]) => 2 "demand-unused";
    identity_without_an_issuer: |_| (), |s| s.flag(&["--certificate-identity", "me@acme.example"]) => 2 "identity-without-issuer";
    issuer_without_an_identity: |_| (), |s| s.flag(&["--certificate-oidc-issuer", "https://issuer.example"]) => 2 "identity-without-issuer";
    identity_instead_of_the_key: |_| (), |s| s.then(|at| {
        let key = at.arguments.iter().position(|a| a == "--key").unwrap();
        let identity = ["--certificate-identity", "me@acme.example", "--certificate-oidc-issuer", "https://issuer.example"];
        at.arguments.splice(key..key + 2, identity.map(Into::into));
    }) => 1 "key-not-trusted";
    identity_beside_the_key: |_| (), |s| s.flag(&["--certificate-identity", "me@acme.example", "--certificate-oidc-issuer", "https://issuer.example"]) => 2 "usage";
    repository_beside_the_key: |_| (), |s| s.flag(&["--repo", "acme/app"]) => 2 "usage";
    root_that_is_none: |_| (), |s| s.then(|at| {
        let file = at.world.write("root.json", b"{}");
        at.arguments.extend(["--trusted-root".into(), text(&file)]);
    }) => 2 "trusted-root-malformed";
    short_commit_demanded: |s| s.flag(&["--source-ref", "refs/heads/main"]), |s| s.flag(&["--source-commit", "aaaaaaa"]) => 2 "usage";
    short_ref_demanded: |s| s.flag(&["--source-commit", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]), |s| s.flag(&["--source-ref", "main"]) => 2 "usage";
    private_key_instead_of_a_public_one: |_| (), |s| s.then(|at| {
        let der = at.world.key.to_pkcs8().unwrap();
        at.world.write("attest.pub", pem(&der));
    }) => 2 "public-key-malformed";
    two_keys_in_one_file: |_| (), |s| s.then(|at| {
        at.world.write("attest.pub", at.world.other.public_key().to_pem() + &at.world.key.public_key().to_pem());
    }) => 2 "public-key-malformed";
    key_not_there: |_| (), |s| s.then(|at| fs::remove_file(at.world.path("attest.pub")).unwrap()) => 2 "file-unreadable";
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n")
}

/// Every flag that says whom to trust or what to demand: with an empty value it would demand nothing, or something that
/// nobody meant.
#[test]
fn an_empty_demand_is_never_none() {
    let help = Command::new(env!("CARGO_BIN_EXE_attest")).args(["verify", "--help"]).output().unwrap().stdout;
    let help = String::from_utf8(help).unwrap();
    let demands = help.split_once("Whom to trust:").unwrap().1.split_once("Where evidence is:").unwrap().0;
    let flags: Vec<_> = demands
        .lines()
        .filter_map(|l| l.trim_start().strip_prefix("--")?.split_once(" <"))
        .map(|(name, _)| format!("--{name}"))
        .collect();
    assert!(flags.len() >= 20, "{flags:?}");
    for flag in &flags {
        for typed in [&[flag.as_str(), ""][..], &[&format!("{flag}=")]] {
            let mut s = Scene::new();
            s.flag(typed);
            let answer = s.answer();
            assert_eq!((answer.exit, answer.code.as_str()), (2, "usage"), "{typed:?}: {answer:#?}");
        }
    }
}
