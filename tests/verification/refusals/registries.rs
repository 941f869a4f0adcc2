//! Registries that are down, refuse, lie, or belong to an attacker.

use crate::refusals::scene::{REPOSITORY, Scene, Staged};
use crate::refusals::{registry, scene};
use attest::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest};
use attest::testing::world::{self, index};
use attest::testing::{Action, Behaviour, Conditional, Fault, Image, TestRegistry};
use serde_json::{Value, json};
use std::time::Duration;

fn fault(path: &'static str, action: Action) -> impl Fn(&mut Scene) {
    move |s| {
        let action = action.clone();
        s.then(move |at| at.server().fault(Fault::on(path, action)));
    }
}

fn tagged(s: &mut Scene) {
    registry(s);
    s.by_tag = true;
}

fn fallback(at: &Staged) -> String {
    format!("sha256-{}", at.image.digest().hex())
}

/// A registry without a referrers API, whose fallback index lists the referrer.
fn without_api(s: &mut Scene) {
    registry(s);
    s.behaviour = Behaviour::without_referrers_api(Conditional::None);
    s.then(|at| list(at, &at.referrers.clone()));
}

/// Makes these the entries of the fallback index.
fn list(at: &Staged, referrers: &[Digest]) {
    let entries: Vec<_> = referrers.iter().map(|d| entry(at.server(), d, None)).collect();
    at.server().put_manifest(REPOSITORY, Some(&fallback(at)), IMAGE_INDEX, &index(&entries));
}

fn entry(server: &TestRegistry, digest: &Digest, platform: Option<Value>) -> Value {
    let bytes = server.manifest(REPOSITORY, digest).unwrap_or_default();
    let mut entry = Descriptor::new(IMAGE_MANIFEST, bytes.len() as u64, digest.clone()).to_json();
    if let Some(platform) = platform {
        entry["platform"] = platform;
    }
    entry
}

/// The evidence is where cosign up to version 2 keeps it.
fn legacy(s: &mut Scene) {
    registry(s);
    s.bundle = Some(|_, b| world::bare(&b));
    s.then(|at| {
        let bundle = at.bundles[0].clone();
        let referrer = at.referrers[0].clone();
        at.server().remove(REPOSITORY, &referrer);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": IMAGE_MANIFEST,
            "config": Descriptor::of("application/vnd.oci.image.config.v1+json", b"{}").to_json(),
            "layers": [Descriptor::of("application/vnd.dsse.envelope.v1+json", &bundle).to_json()],
        });
        at.server().put_blob(REPOSITORY, &bundle);
        let tag = format!("{}.att", fallback(at));
        at.server().put_manifest(REPOSITORY, Some(&tag), IMAGE_MANIFEST, manifest.to_string().as_bytes());
    });
}

/// The subject becomes an index of the attested image and of what `more` adds; the index itself is not attested.
fn indexed(at: &mut Staged, more: impl FnOnce(&TestRegistry) -> Vec<Value>) {
    let amd64 = json!({ "os": "linux", "architecture": "amd64" });
    let server = at.registry.as_ref().expect("a registry");
    let mut entries = vec![entry(server, &at.image.digest(), Some(amd64))];
    entries.extend(more(server));
    let of = server.put_manifest(REPOSITORY, None, IMAGE_INDEX, &index(&entries));
    at.arguments[0] = format!("{}@{}", server.name(REPOSITORY), of.digest);
}

fn an_index(s: &mut Scene) {
    registry(s);
    s.then(|at| indexed(at, |_| Vec::new()));
}

/// An image that nobody attested, as an entry of an index.
fn evil(platform: &'static str) -> impl Fn(&mut Scene) {
    move |s| {
        s.then(move |at| {
            indexed(at, |server| {
                let evil = Image::of(b"evil");
                server.load(REPOSITORY, None, &evil.in_memory(), &evil.digest());
                vec![entry(server, &evil.digest(), serde_json::from_str(platform).ok())]
            });
        });
    }
}

/// A referrer of another key comes first; the good one follows.
fn after_a_bad_one(s: &mut Scene) {
    registry(s);
    s.second = Some(s.claim.clone());
    s.second.as_mut().unwrap().task = Some("task-2".into());
    s.other_signs = true;
}

/// Evidence in a repository of its own.
fn apart(s: &mut Scene) {
    registry(s);
    s.then(|at| {
        let (referrer, bundle) = (at.referrers[0].clone(), at.bundles[0].clone());
        let bytes = at.server().manifest(REPOSITORY, &referrer).unwrap();
        at.server().remove(REPOSITORY, &referrer);
        at.server().put_blob("acme/evidence", &bundle);
        at.server().put_manifest("acme/evidence", None, IMAGE_MANIFEST, &bytes);
        let name = at.server().name("acme/evidence");
        at.arguments.extend(["--attestation-repository".into(), name]);
    });
}

crate::refusals::refusals! {
    registry_down: registry, |s| s.then(|at| drop(at.registry.take())) => 3 "registry-unavailable";
    registry_down_by_tag: tagged, |s| s.then(|at| drop(at.registry.take())) => 3 "registry-unavailable";
    registry_that_resets: registry, fault("/v2/", Action::Reset) => 3 "registry-unavailable";
    registry_401: registry, fault("/v2/", Action::status(401)) => 3 "registry-unauthorized";
    registry_403: registry, fault("/v2/", Action::status(403)) => 3 "registry-unauthorized";
    registry_429: registry, fault("/v2/", Action::status(429)) => 3 "rate-limited";
    registry_500: registry, fault("/v2/", Action::status(500)) => 3 "registry-unavailable";
    registry_401_for_the_listing: registry, fault("/referrers/", Action::status(401)) => 3 "registry-unauthorized";
    registry_403_for_the_listing: registry, fault("/referrers/", Action::status(403)) => 3 "registry-unauthorized";
    registry_429_for_the_listing: registry, fault("/referrers/", Action::status(429)) => 3 "rate-limited";
    registry_500_for_the_listing: registry, fault("/referrers/", Action::status(500)) => 3 "registry-unavailable";
    registry_500_for_the_bundle: registry, fault("/blobs/", Action::status(500)) => 3 "registry-unavailable";
    registry_401_for_a_tag: tagged, fault("/manifests/v1", Action::status(401)) => 3 "registry-unauthorized";
    registry_500_for_a_tag: tagged, fault("/manifests/v1", Action::status(500)) => 3 "registry-unavailable";
    tag_that_is_not_there: tagged, |s| s.then(|at| at.arguments[0] = at.arguments[0].replace(":v1", ":v2")) => 3 "subject-not-found";
    garbage_instead_of_a_listing: registry, fault("/referrers/", Action::body(IMAGE_INDEX, "<html>")) => 3 "registry-malformed";
    listing_that_is_a_list: registry, fault("/referrers/", Action::body(IMAGE_INDEX, "[]")) => 3 "registry-malformed";
    listing_of_a_page_that_is_no_json: registry, fault("/referrers/", Action::body("text/html", "<html>sign in</html>")) => 3 "registry-malformed";
    listing_that_redirects_without_end: registry, fault("/referrers/", Action::redirect("/v2/acme/app/referrers/x")) => 3 "registry-malformed";
    no_attestation_in_a_registry: registry, |s| s.attested = false => 1 "no-attestation";
    bundle_that_is_not_there: registry, |s| s.then(|at| { let d = Digest::sha256(&at.bundles[0]); at.server().remove(REPOSITORY, &d) }) => 3 "content-missing";
    bundle_of_other_bytes_than_its_digest: registry, fault("/blobs/", Action::WrongBytes) => 3 "digest-mismatch";
    referrer_of_other_bytes_than_its_digest: registry, |s| s.then(|at| {
        let path = format!("/manifests/{}", at.referrers[0]);
        at.server().fault(Fault::on(&path, Action::WrongBytes));
    }) => 3 "digest-mismatch";
    referrer_replaced_by_another_document: registry, |s| s.then(|at| {
        let path = format!("/manifests/{}", at.referrers[0]);
        at.server().fault(Fault::on(&path, Action::body(IMAGE_MANIFEST, "{}")));
    }) => 3 "digest-mismatch";
    bundle_larger_than_its_size: registry, fault("/blobs/", Action::LyingLength) => 3 "registry-unavailable";
    one_of_two_referrers_unfetchable: after_a_bad_one, |s| s.then(|at| { let d = at.referrers[1].clone(); at.server().remove(REPOSITORY, &d); at.server().fault(Fault::on("/referrers/", listing(at))) }) => 3 "content-missing";
    the_only_good_referrer_not_listed: after_a_bad_one, |s| s.then(|at| at.server().fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, index(&[entry(at.server(), &at.referrers[0], None)]))))) => 1 "key-not-trusted";
    referrer_whose_statement_names_another_subject: registry, |s| s.claim.subjects = vec![world::subject("app", &Digest::sha256(b"another"))] => 1 "subject-mismatch";
    referrer_whose_manifest_names_another_subject: registry, |s| s.then(|at| {
        let manifest = world::referrer(Some(&Image::of(b"another").descriptor()), &at.bundles[0]);
        relist(at, &manifest);
    }) => 1 "referrer-subject-mismatch";
    referrer_whose_manifest_names_no_subject: registry, |s| s.then(|at| relist(at, &world::referrer(None, &at.bundles[0]))) => 1 "referrer-subject-mismatch";
    referrer_of_another_key: registry, |s| s.other_signs = true => 1 "key-not-trusted";
    referrer_that_holds_no_evidence: registry, |s| s.then(|at| {
        let manifest = String::from_utf8(world::referrer(Some(&at.image.descriptor()), &at.bundles[0])).unwrap();
        relist(at, manifest.replace("application/vnd.dev.sigstore.bundle.v0.3+json", "application/spdx+json").as_bytes());
    }) => 1 "no-attestation";
    keyless_bundle_in_a_registry: registry, |s| s.bundle = Some(|_, b| world::keyless(&b)) => 1 "certificate-malformed";
    fallback_listing_that_is_empty: without_api, |s| s.then(|at| list(at, &[])) => 1 "no-attestation";
    fallback_listing_that_fails: without_api, fault("/manifests/sha256-", Action::status(500)) => 3 "registry-unavailable";
    fallback_listing_that_is_garbage: without_api, |s| s.then(|at| { at.server().put_manifest(REPOSITORY, Some(&fallback(at)), IMAGE_INDEX, b"{}"); }) => 3 "registry-malformed";
    fallback_listing_of_another_key: without_api, |s| s.other_signs = true => 1 "key-not-trusted";
    legacy_attestation_of_another_key: legacy, |s| s.other_signs = true => 1 "key-not-trusted";
    legacy_attestation_of_another_image: legacy, |s| s.claim.subjects = vec![world::subject("app", &Digest::sha256(b"another"))] => 1 "subject-mismatch";
    legacy_attestation_that_is_not_there: legacy, |s| s.then(|at| { let d = Digest::sha256(&at.bundles[0]); at.server().remove(REPOSITORY, &d) }) => 3 "content-missing";
    legacy_tag_that_fails: |s| { legacy(s) }, fault(".att", Action::status(500)) => 3 "registry-unavailable";
    attestations_in_a_repository_that_is_not_named: apart, |s| s.then(|at| { let n = at.arguments.len() - 2; at.arguments.truncate(n) }) => 1 "no-attestation";
    attestations_in_a_repository_of_somebody_else: apart, |s| s.then(|at| { let n = at.arguments.len() - 1; at.arguments[n] = at.server().name("evil/evidence") }) => 1 "no-attestation";
    repository_that_the_environment_names: registry, |s| s.then(|at| { let name = at.server().name("evil/evidence"); at.set("COSIGN_REPOSITORY", name) }) => 1 "no-attestation";
    index_with_a_child_that_is_not_attested: an_index, evil(r#"{ "os": "linux", "architecture": "arm64" }"#) => 1 "no-attestation";
    index_with_a_child_without_a_platform: an_index, evil("") => 1 "no-attestation";
    index_with_a_child_of_an_empty_platform: an_index, evil("{}") => 1 "no-attestation";
    index_with_a_child_of_an_unknown_platform: an_index, evil(r#"{ "os": "unknown", "architecture": "unknown" }"#) => 1 "no-attestation";
    index_with_a_child_of_half_a_platform: an_index, evil(r#"{ "os": "unknown" }"#) => 1 "no-attestation";
    index_that_is_also_an_image: an_index, |s| s.then(|at| both(at, "layers", IMAGE_INDEX)) => 1 "no-attestation";
    index_that_is_an_image_to_readers_without_case: an_index, |s| s.then(|at| both(at, "Layers", IMAGE_MANIFEST)) => 1 "no-attestation";
    tag_where_a_digest_is_required: |s| { registry(s); s.flag(&["--require-digest"]) }, |s| s.by_tag = true => 2 "digest-required";
    tag_without_a_network: |s| { registry(s); s.then(|at| { let f = at.world.write("b.json", &at.bundles[0]); at.arguments.extend(["--bundle".into(), world::text(&f), "--offline".into()]) }) }, |s| s.by_tag = true => 2 "offline";
    another_image_of_the_repository: registry, |s| s.then(|at| {
        let other = Image::of(b"another");
        at.server().load(REPOSITORY, None, &other.in_memory(), &other.digest());
        at.arguments[0] = format!("{}@{}", at.server().name(REPOSITORY), other.digest());
    }) => 1 "no-attestation";
    bundle_of_another_image_given_by_hand: |s| { registry(s); s.then(|at| { let f = at.world.write("b.json", &at.bundles[0]); at.arguments.extend(["--bundle".into(), world::text(&f)]) }) }, |s| s.then(|at| {
        at.arguments[0] = format!("{}@{}", at.server().name(REPOSITORY), Image::of(b"another").digest());
    }) => 1 "subject-mismatch";
}

/// A listing of both referrers, whatever is there.
fn listing(at: &Staged) -> Action {
    let entries: Vec<_> =
        at.referrers.iter().map(|d| Descriptor::new(IMAGE_MANIFEST, 1, d.clone()).to_json()).collect();
    Action::body(IMAGE_INDEX, index(&entries))
}

/// Lists this manifest, which holds the first bundle, as the image's only referrer.
fn relist(at: &Staged, manifest: &[u8]) {
    let descriptor = at.server().put_manifest(REPOSITORY, None, IMAGE_MANIFEST, manifest);
    at.server().fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, index(&[descriptor.to_json()]))));
}

/// One document that is an index of the attested image and also an image of an evil layer, told apart by a header.
fn both(at: &mut Staged, layers: &str, served_as: &str) {
    let server = at.registry.as_ref().expect("a registry");
    let evil = Image::of(b"evil");
    server.load(REPOSITORY, None, &evil.in_memory(), &evil.digest());
    let mut document: Value = serde_json::from_slice(&evil.manifest).expect("JSON");
    let object = document.as_object_mut().expect("an object");
    object.remove("mediaType");
    let list = object.remove("layers").expect("layers");
    object.insert(layers.into(), list);
    document["manifests"] = json!([entry(server, &at.image.digest(), None)]);
    let of = server.put_manifest(REPOSITORY, None, served_as, document.to_string().as_bytes());
    at.arguments[0] = format!("{}@{}", server.name(REPOSITORY), of.digest);
}

/// What is allowed although something is wrong beside it, for that could not have made a difference.
#[test]
fn what_suffices_is_allowed_beside_what_is_broken() {
    let beside: [fn(&mut Scene); 3] = [
        // A referrer that is listed and not there.
        |s| {
            s.then(|at| {
                let d = at.refer(b"{}");
                at.server().remove(REPOSITORY, &d);
                at.referrers.push(d);
                at.server().fault(Fault::on("/referrers/", listing(at)))
            })
        },
        // A referrer that is garbage.
        |s| {
            s.then(|at| {
                let _ = at.refer(b"garbage");
            })
        },
        // The legacy tag fails.
        |s| s.then(|at| at.server().fault(Fault::on(".att", Action::status(500)))),
    ];
    for change in beside {
        let mut s = Scene::new();
        registry(&mut s);
        change(&mut s);
        let answer = s.answer();
        assert_eq!(answer.exit, 0, "{answer:#?}");
    }
    // The listing fails, and the legacy attestation suffices.
    let mut s = Scene::new();
    legacy(&mut s);
    fault("/referrers/", Action::status(500))(&mut s);
    let answer = s.answer();
    assert_eq!(answer.exit, 0, "{answer:#?}");
}

/// Whether the request or the whole check runs out of time first depends on how late the request began.
#[test]
fn registry_that_does_not_answer() {
    let mut s = Scene::new();
    registry(&mut s);
    let staged = s.stage();
    assert_eq!(staged.verify().exit, 0);
    staged.server().fault(Fault::on("/referrers/", Action::Delay(Duration::from_secs(60))));
    let answer = staged.verify();
    assert_eq!(answer.exit, 3, "{answer:#?}");
    assert!(["registry-unavailable", "timeout"].contains(&answer.code.as_str()), "{answer:#?}");
}

#[test]
fn a_tag_is_asked_for_once_and_its_digest_decided_on() {
    let mut s = Scene::new();
    tagged(&mut s);
    let staged = s.stage();
    let answer = staged.verify();
    assert_eq!(answer.exit, 0, "{answer:#?}");
    assert_eq!(answer.json["subjects"][0]["digests"]["sha256"], staged.image.digest().hex());
    let asked = staged.server().requests().iter().filter(|r| r.path.ends_with("/manifests/v1")).count();
    assert_eq!(asked, 1);
}

#[test]
fn a_tag_that_moves_while_it_is_verified_changes_nothing() {
    let mut s = Scene::new();
    tagged(&mut s);
    let staged = s.stage();
    let evil = Image::of(b"evil");
    staged.server().load(REPOSITORY, None, &evil.in_memory(), &evil.digest());
    // The first answer is the attested image; every later one would be the evil one.
    let first = scene::served(&staged.image);
    staged.server().fault(Fault::on("/manifests/v1", first).times(1));
    staged.server().tag(REPOSITORY, "v1", &evil.digest());
    let answer = staged.verify();
    assert_eq!(answer.exit, 0, "{answer:#?}");
    assert_eq!(answer.json["subjects"][0]["digests"]["sha256"], staged.image.digest().hex());
    let again = staged.verify();
    assert_eq!((again.exit, again.code.as_str()), (1, "no-attestation"), "{again:#?}");
}
