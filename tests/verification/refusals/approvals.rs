//! Approvals that do not count, each beside one that does.

use crate::refusals::approving::{Signatory, artifact, by_identity, by_two, charter, commit, holder, principal};
use crate::refusals::scene::{Place, Scene};
use attest::model::{Digest, uri};
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::{Action, Fault};
use serde_json::json;

const OTHER: &str = "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd";

fn forget(person: &'static str) -> impl Fn(&mut Scene) {
    move |s| drop(s.people().remove(person))
}

fn subject(algorithm: &'static str, value: &'static str) -> impl Fn(&mut Scene) {
    move |s| {
        let digests = &mut s.approval().subjects[0];
        digests.retain(|(a, _)| a != algorithm);
        digests.push((algorithm.into(), value.into()));
    }
}

fn target(member: &'static str, value: &'static str) -> impl Fn(&mut Scene) {
    move |s| s.approval().predicate["target"][member] = value.into()
}

/// The provenance, of another build type, names its charter by digest alone, and so does the approval.
fn without_a_place(s: &mut Scene) {
    charter(s);
    s.claim.charter = None;
    s.statement = Some(|text| text.replace(uri::AGENT_BUILD, "https://acme.example/build/v1"));
    s.approval().predicate["target"].as_object_mut().unwrap().remove("uri");
}

/// Who asked for the build is Alice, under the number that a server gives her.
fn requested_by_alice(s: &mut Scene) {
    s.claim.requested_by = Some("github:7".into());
}

/// An image in a registry, and beside it the approval of its charter.
fn in_registry(s: &mut Scene) {
    s.at(Place::Registry);
    charter(s);
}

/// Two provenances, by one signer; either would do.
fn with_two_provenances(s: &mut Scene) {
    charter(s);
    s.require()["agent"] = json!({ "ids": ["platform/*"] });
    s.second = Some(s.claim.clone());
}

/// Of two approvals one suffices.
fn one_of_two(s: &mut Scene) {
    by_two(s);
    s.require()["approvals"]["count"] = 1.into();
}

/// Whoever approved may be anybody.
fn by_anybody(s: &mut Scene) {
    charter(s);
    s.require()["approvals"]["notBy"] = json!([]);
}

/// Two approve whom `people` lists; both may be anybody.
fn two_of_anybody(s: &mut Scene) {
    by_two(s);
    s.require()["approvals"]["notBy"] = json!([]);
}

/// Who has this role may be anybody.
fn without(role: &'static str) -> impl Fn(&mut Scene) {
    move |s| {
        let roles: Vec<_> = ["requestedBy", "agent", "signer"].into_iter().filter(|r| *r != role).collect();
        s.require()["approvals"]["notBy"] = json!(roles);
    }
}

crate::refusals::refusals! {
    approval_by_the_requester: charter, requested_by_alice => 1 "approver-is-requester";
    approval_by_the_requester_under_one_name: by_identity, |s| s.claim.requested_by = Some("alice@acme.example".into()) => 1 "approver-is-requester";
    approval_by_the_requester_in_another_case: by_identity, |s| { s.people()["alice"] = json!(["github:7"]); s.claim.requested_by = Some("Alice@ACME.example".into()) } => 1 "approver-is-requester";
    approval_by_the_agent: charter, |s| { s.claim.agent = Some("alice/assistant".into()); s.also("alice", "agent:alice/assistant") } => 1 "approver-is-agent";
    approval_by_the_signer: charter, |s| { s.approval().by = Signatory::Builder; let key = s.world.key.public_key().to_pem(); s.require()["approvals"]["by"] = json!([{ "key": key }]) } => 1 "approver-is-signer";
    approval_by_the_signers_other_key: charter, |s| { let ci = principal(&s.world.key); s.people().remove("ci"); s.also("alice", &ci) } => 1 "approver-is-signer";
    approver_who_signed_the_provenance_too: charter, |s| { s.approval().by = Signatory::Builder; let key = s.world.key.public_key().to_pem(); s.require()["approvals"]["by"] = json!([{ "key": key }]); s.people().remove("ci"); } => 1 "approver-is-signer";
    approver_not_listed: charter, forget("alice") => 1 "principal-not-comparable";
    requester_not_listed: charter, forget("octocat") => 1 "principal-not-comparable";
    agent_not_listed: charter, forget("agents") => 1 "principal-not-comparable";
    signer_not_listed: charter, forget("ci") => 1 "principal-not-comparable";
    requester_of_free_text: charter, |s| s.claim.requested_by = Some("octocat".into()) => 1 "principal-not-comparable";
    requester_not_named: charter, |s| s.claim.requested_by = None => 1 "principal-not-comparable";
    agent_not_named: charter, |s| { s.claim.agent = None; s.claim.model = None } => 1 "principal-not-comparable";
    agent_named_like_a_person: charter, |s| s.claim.agent = Some("github:583231".into()) => 1 "principal-not-comparable";
    identity_of_another_case: by_identity, |s| { s.approval().by = holder("Alice@acme.example"); s.require()["approvals"]["by"][0]["identity"] = "Alice@acme.example".into() } => 1 "principal-not-comparable";
    approval_after_the_signing: charter, |s| s.approval().at = Some(SIGNED_AT + 1) => 1 "approval-after-signing";
    approval_of_a_commit_after_the_signing: commit, |s| s.approval().at = Some(SIGNED_AT + 1) => 1 "approval-after-signing";
    approval_of_an_artifact_after_the_signing: artifact, |s| s.approval().at = Some(SIGNED_AT + 1) => 1 "approval-after-signing";
    approval_by_identity_after_the_signing: by_identity, |s| s.approval().at = Some(SIGNED_AT + 1) => 1 "approval-after-signing";
    approval_of_no_proven_time: charter, |s| s.approval().at = None => 1 "approval-time-not-proven";
    approval_of_a_provenance_of_no_proven_time: charter, |s| s.approved.as_mut().unwrap().signed_at = None => 1 "approval-time-not-proven";
    neither_time_is_proven: charter, |s| { s.approval().at = None; s.approved.as_mut().unwrap().signed_at = None } => 1 "approval-time-not-proven";
    approval_dated_in_words_alone: charter, |s| { s.approval().at = None; s.approval().predicate["approvedAt"] = "2001-01-01T00:00:00Z".into() } => 1 "approval-time-not-proven";
    approval_in_no_log_where_one_is_demanded: |s: &mut Scene| { charter(s); s.require()["trust"] = json!({ "logs": 1 }) }, |s| s.approval().at = None => 1 "too-few-logs";
    no_approval: charter, |s| s.approvals().clear() => 1 "approvals-missing";
    approval_of_another_charter_at_the_same_uri: charter, subject("sha256", OTHER) => 1 "approvals-missing";
    approval_of_what_another_provenance_names: with_two_provenances, |s| { s.claim.agent = Some("evil/builder".into()); s.second.as_mut().unwrap().charter_digest = Some(OTHER.into()) } => 1 "agent-mismatch";
    approval_of_a_charter_elsewhere: charter, target("uri", "https://git.example/evil/app/issues/42") => 1 "approval-target-mismatch";
    approval_of_a_charter_elsewhere_beside_one_without_a_place: without_a_place, target("uri", "https://git.example/evil/app/issues/42") => 1 "approval-target-mismatch";
    approval_of_a_file_with_the_charters_bytes: charter, target("kind", "artifact") => 1 "approval-target-mismatch";
    approval_of_a_commit_with_the_charters_digest: charter, target("kind", "commit") => 1 "approval-target-mismatch";
    approval_of_a_charter_with_the_artifacts_bytes: artifact, target("kind", "charter") => 1 "approval-target-mismatch";
    approval_of_two_things: charter, |s| s.approval().subjects.push(vec![("sha256".into(), OTHER.into())]) => 1 "approval-target-mismatch";
    approval_of_a_charter_that_is_not_pinned: charter, |s| s.claim.charter_digest = None => 1 "approvals-missing";
    approval_of_another_artifact: artifact, subject("sha256", OTHER) => 1 "approvals-missing";
    approval_of_another_commit: commit, |s| { subject("gitCommit", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")(s); subject("sha256", OTHER)(s) } => 1 "approvals-missing";
    approval_of_the_other_commit_of_a_collision: commit, subject("sha256", OTHER) => 1 "approvals-missing";
    approval_of_a_commit_by_its_object_alone: commit, |s| s.approval().subjects[0].retain(|(a, _)| a != "gitCommit") => 1 "approvals-missing";
    approval_of_a_commit_of_another_id: commit, subject("gitCommit", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb") => 1 "approvals-missing";
    approval_of_a_commit_by_sha1_alone: commit, |s| s.approval().subjects[0].retain(|(a, _)| a != "sha256") => 1 "approvals-missing";
    approval_of_a_commit_that_is_recorded_by_sha1_alone: commit, |s| s.claim.commit_object = None => 1 "approvals-missing";
    approval_of_a_commit_in_another_repository: commit, target("uri", "git+https://git.example/evil/app") => 1 "approval-target-mismatch";
    approval_that_is_none: charter, |s| s.approval().predicate["decision"] = "rejected".into() => 1 "approvals-missing";
    approval_of_no_kind: charter, target("kind", "anything") => 1 "approvals-missing";
    approval_relabelled_after_it_was_signed: charter, |s| s.approval().bundle = Some(relabelled) => 1 "approvals-missing";
    another_statement_about_the_charter: charter, |s| s.approval().predicate_type = "https://acme.example/review/v1".into() => 1 "approvals-missing";
    provenance_of_the_charter_in_an_approvals_place: charter, |s| { s.approval().predicate_type = uri::SLSA_PROVENANCE.into(); s.approval().predicate = json!({ "buildDefinition": { "buildType": "b" }, "runDetails": { "builder": { "id": "b" } } }) } => 1 "approvals-missing";
    approval_by_a_stranger: charter, |s| s.approval().by = Signatory::Stranger => 1 "approvals-missing";
    approval_by_another_trusted_key: charter, |s| { s.approval().by = Signatory::Builder; s.require()["approvals"]["notBy"] = json!([]) } => 1 "approver-not-accepted";
    approval_by_another_identity: by_identity, |s| s.approval().by = holder("mallory@acme.example") => 1 "approver-not-accepted";
    approval_by_the_name_from_another_issuer: by_identity, |s| s.require()["approvals"]["by"][0]["issuer"] = "https://other.example".into() => 1 "approver-not-accepted";
    approver_whose_key_is_revoked: charter, |s| { let id = s.approved.as_ref().unwrap().alice.public_key().id(); s.spec()["revoked"] = json!({ "keys": [id] }) } => 1 "key-revoked";
    approval_that_is_revoked: charter, |s| { let digest = s.approval().digest().to_string(); s.spec()["revoked"] = json!({ "statements": [digest] }) } => 1 "statement-revoked";
    approver_outside_the_window: charter, |s| s.require()["approvals"]["by"][0]["notAfter"] = "2024-05-31T00:00:00Z".into() => 1 "key-outside-window";
    approver_before_the_window: charter, |s| s.require()["approvals"]["by"][0]["notBefore"] = "2024-06-02T00:00:00Z".into() => 1 "key-outside-window";
    one_person_twice: by_two, |s| s.approvals()[1].by = Signatory::Alice => 1 "approvals-missing";
    one_person_with_two_keys: by_two, |s| { let bob = principal(&s.approved.as_ref().unwrap().bob); s.people().remove("bob"); s.also("alice", &bob) } => 1 "approvals-missing";
    two_whom_nobody_can_tell_apart: two_of_anybody, |s| { s.people().remove("alice"); s.people().remove("bob"); } => 1 "approvals-missing";
    one_who_is_listed_and_one_who_may_be_the_same: two_of_anybody, forget("bob") => 1 "approvals-missing";
    one_approval_of_two: by_two, |s| drop(s.approvals().pop()) => 1 "approvals-missing";
    one_principal_of_two_persons: charter, |s| s.also("bob", "github:7") => 2 "policy-malformed";
    one_key_under_two_names: charter, |s| { let alice = principal(&s.approved.as_ref().unwrap().alice); s.also("bob", &alice) } => 2 "policy-malformed";
    approvals_by_nobody: charter, |s| s.require()["approvals"]["by"] = json!([]) => 2 "policy-malformed";
    approval_in_a_registry_of_another_charter: in_registry, subject("sha256", OTHER) => 1 "approvals-missing";
    approval_that_is_not_served: in_registry, |s| s.then(|at| { let blob = Digest::sha256(&at.bundles[1]); at.server().fault(Fault::on(Box::leak(format!("/blobs/{blob}").into_boxed_str()), Action::Answer { status: 503, headers: Vec::new(), body: Vec::new() })) }) => 3 "registry-unavailable";
}

fn relabelled(bundle: Vec<u8>) -> Vec<u8> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    attest::testing::world::tamper(&bundle, |b| {
        let payload = STANDARD.decode(b["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        let text = String::from_utf8(payload).unwrap().replace("https://git.example", "https://git.Example");
        b["dsseEnvelope"]["payload"] = STANDARD.encode(text).into();
    })
}

fn allowed(scene: impl Fn(&mut Scene)) {
    let mut s = Scene::new();
    scene(&mut s);
    let answer = s.answer();
    assert_eq!((answer.exit, answer.code.as_str()), (0, ""), "{answer:#?}");
}

#[test]
fn what_counts_counts() {
    for base in [charter as fn(&mut Scene), commit, artifact, by_identity, by_two, one_of_two, by_anybody, in_registry]
    {
        allowed(base);
    }
    // In the very second in which it was signed.
    allowed(|s| {
        charter(s);
        s.approval().at = Some(SIGNED_AT);
    });
    // Without a place it is of that content wherever it is.
    for base in [charter as fn(&mut Scene), commit] {
        allowed(|s| {
            base(s);
            s.approval().predicate["target"].as_object_mut().unwrap().remove("uri");
        });
    }
    // An approval that does not count beside one that does takes nothing from it.
    allowed(|s| {
        one_of_two(s);
        s.approval().at = None;
    });
    // One of somebody who may not approve is no matter where the role is left out.
    for (role, defect) in [
        ("requestedBy", requested_by_alice as fn(&mut Scene)),
        ("requestedBy", |s| s.claim.requested_by = None),
        ("agent", |s| s.claim.agent = Some("unlisted/agent".into())),
        ("signer", |s| drop(s.people().remove("ci"))),
    ] {
        allowed(|s| {
            charter(s);
            defect(s);
            without(role)(s);
        });
    }
}

#[test]
fn what_a_listing_says_of_an_approval_changes_nothing() {
    let mut s = Scene::new();
    in_registry(&mut s);
    let staged = s.stage();
    let told = staged.verify();
    assert_eq!(told.exit, 0, "{told:#?}");
    // The same bundle behind a manifest that calls it something else.
    let approval = staged.bundles[1].clone();
    staged.server().remove(crate::refusals::scene::REPOSITORY, &staged.referrers[1]);
    assert_eq!(staged.verify().code, "approvals-missing");
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&attest::testing::world::referrer(Some(&staged.image.descriptor()), &approval)).unwrap();
    manifest["annotations"] = json!({ "dev.sigstore.bundle.predicateType": uri::SLSA_PROVENANCE });
    let memory = staged.image.in_memory();
    let referrer = crate::refusals::scene::put_manifest(&memory, manifest.to_string().as_bytes(), &approval);
    staged.server().load(crate::refusals::scene::REPOSITORY, None, &memory, &referrer);
    assert_eq!(staged.verify().exit, 0);
}

#[test]
fn an_approval_that_counts_is_reported_and_raises_what_it_says() {
    let field = |answer: &crate::refusals::scene::Answer, name: &str| {
        let accepted = &answer.json["subjects"][0]["policies"][0]["requirements"][0]["candidates"][0]["accepted"];
        let fields = accepted["fields"].as_array().unwrap().clone();
        (
            fields.into_iter().find(|f| f["field"] == name).unwrap()["assurance"].as_str().unwrap().to_owned(),
            accepted.clone(),
        )
    };
    let answer = |base: fn(&mut Scene)| {
        let mut s = Scene::new();
        base(&mut s);
        s.answer()
    };
    let by_charter = answer(charter);
    for (name, level) in [
        ("charter.uri", "signed"),
        ("charter.digest", "signed"),
        ("source.commit", "declared"),
        ("requestedBy.id", "declared"),
    ] {
        assert_eq!(field(&by_charter, name).0, level, "{name}");
    }
    let approval = &field(&by_charter, "charter.uri").1["approvals"][0];
    assert_eq!(
        (approval["person"].as_str(), approval["kind"].as_str()),
        (Some("alice"), Some("charter")),
        "{approval}"
    );
    let by_commit = answer(commit);
    for (name, level) in [
        ("source.commit", "signed"),
        ("source.repository", "signed"),
        ("source.ref", "declared"),
        ("charter.uri", "declared"),
    ] {
        assert_eq!(field(&by_commit, name).0, level, "{name}");
    }
}
