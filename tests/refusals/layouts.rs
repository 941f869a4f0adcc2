//! Image layouts that are not what they were.

use crate::layout;
use crate::scene::Staged;
use attest::model::Digest;
use attest::registry::OciLayout;
use attest::testing::{Image, world};
use std::fs;

fn unpinned(s: &mut crate::Scene) {
    layout(s);
    s.by_tag = true;
}

/// Another image under this tag, which says that it refers to the good one.
fn disguised(at: &mut Staged, tag: &str) {
    let layout = OciLayout::open(&at.path).unwrap();
    let mut evil = Image::of(b"evil");
    let mut manifest: serde_json::Value = serde_json::from_slice(&evil.manifest).unwrap();
    manifest["subject"] = at.image.descriptor().to_json();
    evil.manifest = manifest.to_string().into_bytes();
    let descriptor = evil.push(&layout);
    layout.tag(tag, &descriptor).unwrap();
}

crate::refusals! {
    changed_layer_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&Digest::sha256(&at.image.layer)), b"A layer").unwrap()) => 1 "digest-mismatch";
    truncated_layer_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&Digest::sha256(&at.image.layer)), b"a laye").unwrap()) => 1 "digest-mismatch";
    longer_layer_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&Digest::sha256(&at.image.layer)), b"a layer.").unwrap()) => 1 "digest-mismatch";
    changed_config_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&Digest::sha256(&at.image.config)), b"{}").unwrap()) => 1 "digest-mismatch";
    changed_manifest_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&at.image.digest()), Image::of(b"evil").manifest).unwrap()) => 1 "digest-mismatch";
    missing_layer_in_a_layout: layout, |s| s.then(|at| fs::remove_file(at.blob(&Digest::sha256(&at.image.layer))).unwrap()) => 3 "content-missing";
    other_key_and_a_missing_layer_in_a_layout: layout, |s| {
        s.other_signs = true;
        s.then(|at| fs::remove_file(at.blob(&Digest::sha256(&at.image.layer))).unwrap());
    } => 1 "key-not-trusted";
    layer_that_is_a_link_out_of_the_layout: layout, |s| s.then(|at| {
        let (blob, outside) = (at.blob(&Digest::sha256(&at.image.layer)), at.world.write("outside", &at.image.layer));
        fs::remove_file(&blob).unwrap();
        std::os::unix::fs::symlink(outside, blob).unwrap();
    }) => 3 "registry-unavailable";
    changed_bundle_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&Digest::sha256(&at.bundles[0])), b"{}").unwrap()) => 3 "digest-mismatch";
    missing_bundle_in_a_layout: layout, |s| s.then(|at| fs::remove_file(at.blob(&Digest::sha256(&at.bundles[0]))).unwrap()) => 3 "content-missing";
    changed_referrer_in_a_layout: layout, |s| s.then(|at| fs::write(at.blob(&at.referrers[0]), b"{}").unwrap()) => 3 "digest-mismatch";
    no_attestation_in_a_layout: layout, |s| s.attested = false => 1 "no-attestation";
    other_key_in_a_layout: layout, |s| s.other_signs = true => 1 "key-not-trusted";
    referrer_in_a_layout_whose_statement_names_another_subject: layout, |s| s.claim.subjects = vec![world::subject("app", &Digest::sha256(b"x"))] => 1 "subject-mismatch";
    layout_of_two_images: unpinned, |s| s.then(|at| {
        let other = Image::of(b"another");
        let layout = OciLayout::open(&at.path).unwrap();
        let descriptor = other.push(&layout);
        layout.tag("v2", &descriptor).unwrap();
    }) => 2 "subject-ambiguous";
    second_image_of_a_layout_disguised_as_a_referrer: unpinned, |s| s.then(|at| disguised(at, "v2")) => 2 "subject-ambiguous";
    image_of_a_layout_replaced_by_one_disguised_as_its_referrer: unpinned, |s| s.then(|at| disguised(at, "v1")) => 1 "no-attestation";
    layout_without_a_digest_where_one_is_required: |s| { layout(s); s.flag(&["--require-digest"]) }, |s| s.by_tag = true => 2 "digest-required";
    layout_that_is_not_there: layout, |s| s.then(|at| fs::remove_file(at.path.join("oci-layout")).unwrap()) => 3 "content-missing";
    image_that_is_not_in_the_layout: layout, |s| s.then(|at| fs::remove_file(at.blob(&at.image.digest())).unwrap()) => 3 "content-missing";
    layout_of_a_later_version: layout, |s| s.then(|at| fs::write(at.path.join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap()) => 3 "registry-malformed";
    index_of_a_layout_that_is_no_json: layout, |s| s.then(|at| fs::write(at.path.join("index.json"), "[").unwrap()) => 3 "registry-malformed";
}
