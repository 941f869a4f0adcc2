//! Registries that answer one thing and then another.

use super::by_the_program;
use crate::refusals::scene::{self, Place, REPOSITORY, Scene};
use attest::model::oci::IMAGE_MANIFEST;
use attest::testing::{Action, Fault, Image};

fn tagged(s: &mut Scene) {
    s.at(Place::Registry);
    s.by_tag = true;
}

/// The tag is the attested image at first, and an evil one from then on.
fn moving() -> scene::Staged {
    let mut s = Scene::new();
    tagged(&mut s);
    let staged = s.stage();
    let evil = Image::of(b"evil");
    staged.server().load(REPOSITORY, None, &evil.in_memory(), &evil.digest());
    staged.server().fault(Fault::on("/manifests/v1", scene::served(&staged.image)).times(1));
    staged.server().tag(REPOSITORY, "v1", &evil.digest());
    staged
}

/// Kyverno: a tag was resolved once to verify and once more to admit.
#[test]
fn cve_2022_47633_ghsa_m3cq_xcx9_3gvm_a_tag_is_resolved_once() {
    let staged = moving();
    let answer = staged.verify();
    assert_eq!(answer.exit, 0, "{answer:#?}");
    assert_eq!(answer.json["subjects"][0]["digests"]["sha256"], staged.image.digest().hex());
    let asked = staged.server().requests().iter().filter(|r| r.path.ends_with("/manifests/v1")).count();
    assert_eq!(asked, 1);
}

/// Crossplane: the same. What the tag means next is another question, and has another answer.
#[test]
fn ghsa_wfqx_gjrf_g28r_what_a_tag_means_later_is_verified_anew() {
    let staged = moving();
    assert_eq!(staged.verify().exit, 0);
    let again = staged.verify();
    assert_eq!((again.exit, again.code.as_str()), (1, "no-attestation"), "{again:#?}");
}

/// Kyverno: the manifest that came was not compared with the digest that was asked for.
#[test]
fn cve_2023_47630_ghsa_3hfq_cx9j_923w_a_manifest_is_the_one_of_its_digest() {
    let instead =
        |body: fn() -> Action| move |s: &mut Scene| s.then(move |at| at.server().fault(Fault::on(&path(at), body())));
    by_the_program(&|s| s.at(Place::Registry), &instead(|| Action::WrongBytes), 3, "digest-mismatch");
    by_the_program(&|s| s.at(Place::Registry), &instead(|| Action::body(IMAGE_MANIFEST, "{}")), 3, "digest-mismatch");
    // A whole other manifest, which is well formed.
    let other = || Action::body(IMAGE_MANIFEST, Image::of(b"another").manifest);
    by_the_program(&|s| s.at(Place::Registry), &instead(other), 3, "digest-mismatch");
}

fn path(at: &scene::Staged) -> String {
    format!("/manifests/{}", at.referrers[0])
}

/// policy-controller, pull request 1971: what a referrer held was read and never verified.
#[test]
fn policy_controller_1971_what_a_referrer_holds_is_verified() {
    by_the_program(&|s| s.at(Place::Registry), &|s| s.other_signs = true, 1, "key-not-trusted");
}
