//! Image layouts that are not what they were.

use crate::refusals::layout;
use crate::refusals::scene::{Scene, Staged};
use attest::model::oci::{EMPTY, IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest, bundle};
use attest::registry::{OciLayout, Registry as _};
use attest::testing::{Image, world};
use serde_json::{Value, json};
use std::fs;

fn unpinned(s: &mut Scene) {
    layout(s);
    s.by_tag = true;
}

/// Another image under this tag, which says that it refers to the good one.
fn disguised(at: &mut Staged, tag: &str) {
    let layout = OciLayout::open(&at.path).unwrap();
    let mut evil = Image::of(b"evil");
    let mut manifest: Value = serde_json::from_slice(&evil.manifest).unwrap();
    manifest["subject"] = at.image.descriptor().to_json();
    evil.manifest = manifest.to_string().into_bytes();
    let descriptor = evil.push(&layout);
    layout.tag(tag, &descriptor).unwrap();
}

/// Another image in the layout, listed without a tag, which says that it refers to the good one; its config is said to
/// be something else.
fn unlisted(at: &mut Staged, config: &str) {
    let layout = OciLayout::open(&at.path).unwrap();
    let mut evil = Image::of(b"evil");
    let mut manifest: Value = serde_json::from_slice(&evil.manifest).unwrap();
    manifest["subject"] = at.image.descriptor().to_json();
    manifest["config"]["mediaType"] = config.into();
    evil.manifest = manifest.to_string().into_bytes();
    evil.push(&layout);
}

/// Another list of images beside the one of `index.json`, under a name that Go's readers take for the same.
fn second_list(at: &mut Staged, name: &str) {
    let evil = Image::of(b"evil").push(&OciLayout::open(&at.path).unwrap());
    let path = at.path.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let evil_at = |e: &Value| e["digest"] == evil.digest.to_string();
    index["manifests"].as_array_mut().unwrap().retain(|e| !evil_at(e));
    index[name] = json!([evil.to_json()]);
    fs::write(path, index.to_string()).unwrap();
}

/// An index in the layout, of another image, which says that it refers to the good one.
fn index_with_a_subject(at: &mut Staged) {
    let layout = OciLayout::open(&at.path).unwrap();
    let evil = Image::of(b"evil").push(&layout);
    let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [evil.to_json()],
        "subject": at.image.descriptor().to_json() });
    let bytes = index.to_string().into_bytes();
    world::block_on(layout.push_manifest(&Descriptor::of(IMAGE_INDEX, &bytes), &bytes)).unwrap();
}

/// The layer becomes one that takes minutes to hash, and no room on the disk.
fn endless(at: &mut Staged) {
    let layer = at.blob(&Digest::sha256(&at.image.layer));
    let mut manifest: Value = serde_json::from_slice(&at.image.manifest).unwrap();
    let size = 256_u64 << 30;
    manifest["layers"][0]["size"] = size.into();
    let bytes = manifest.to_string().into_bytes();
    let image = Descriptor::of(IMAGE_MANIFEST, &bytes);
    let layout = OciLayout::open(&at.path).unwrap();
    world::block_on(layout.push_manifest(&image, &bytes)).unwrap();
    fs::OpenOptions::new().write(true).open(layer).unwrap().set_len(size).unwrap();
    at.arguments[0] = format!("oci:{}@{}", world::text(&at.path), image.digest);
}

/// As [`endless`], and attested.
fn endless_and_attested(at: &mut Staged) {
    endless(at);
    let digest = Digest::parse(at.arguments[0].rsplit_once('@').unwrap().1).unwrap();
    let mut claim = attest::testing::Claim::about(&digest);
    claim.subjects = vec![world::subject("app", &digest)];
    let bundle = world::sign_unchecked(&at.world.key, attest::model::envelope::IN_TOTO, &claim.to_bytes());
    let path = at.world.write("endless.sigstore.json", &bundle);
    at.arguments.extend(["--bundle".to_owned(), world::text(&path)]);
}

/// The referrer once more, with something changed, listed without a tag.
fn referrer(change: impl Fn(&mut Staged, &mut Value) + 'static) -> impl Fn(&mut Scene) {
    let change = std::rc::Rc::new(change);
    move |s| {
        let change = change.clone();
        s.then(move |at| {
            let mut manifest = serde_json::from_slice(&fs::read(at.blob(&at.referrers[0])).unwrap()).unwrap();
            change(at, &mut manifest);
            list(at, &manifest, None);
        });
    }
}

/// Lists a manifest in the layout as another tool would.
fn list(at: &mut Staged, manifest: &Value, tag: Option<&str>) {
    let bytes = manifest.to_string().into_bytes();
    let descriptor = Descriptor::of(manifest["mediaType"].as_str().unwrap(), &bytes);
    fs::write(at.blob(&descriptor.digest), bytes).unwrap();
    let path = at.path.join("index.json");
    let mut index: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let mut entry = descriptor.to_json();
    if let Some(tag) = tag {
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    }
    index["manifests"].as_array_mut().unwrap().push(entry);
    fs::write(path, index.to_string()).unwrap();
}

/// A layer or config in the layout.
fn put(at: &mut Staged, media_type: &str, bytes: &[u8]) -> Value {
    fs::write(at.blob(&Digest::sha256(bytes)), bytes).unwrap();
    Descriptor::of(media_type, bytes).to_json()
}

/// A list of referrers, of which one is an image.
fn list_of_an_image(at: &mut Staged) {
    let evil = Image::of(b"evil");
    let entry = put(at, IMAGE_MANIFEST, &evil.manifest);
    let index = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [entry] });
    list(at, &index, Some(&format!("sha256-{}", at.image.digest().hex())));
}

crate::refusals::refusals! {
    second_image_of_a_layout_tagged_as_a_list_of_referrers: unpinned, |s| s.then(|at| disguised(at, &format!("sha256-{}", "a".repeat(64)))) => 2 "subject-ambiguous";
    second_image_of_a_layout_whose_config_is_called_bytes: unpinned, |s| s.then(|at| unlisted(at, "application/octet-stream")) => 2 "subject-ambiguous";
    second_image_of_a_layout_whose_config_is_called_json: unpinned, |s| s.then(|at| unlisted(at, "application/json")) => 2 "subject-ambiguous";
    second_image_of_a_layout_whose_config_is_called_text: unpinned, |s| s.then(|at| unlisted(at, "text/plain")) => 2 "subject-ambiguous";
    second_image_of_a_layout_whose_config_is_in_capitals: unpinned, |s| s.then(|at| unlisted(at, "APPLICATION/VND.OCI.IMAGE.CONFIG.V1+JSON")) => 2 "subject-ambiguous";
    second_image_of_a_layout_whose_config_has_a_parameter: unpinned, |s| s.then(|at| unlisted(at, "application/vnd.oci.image.config.v1+json;x=y")) => 2 "subject-ambiguous";
    referrer_in_a_layout_with_the_config_of_an_image: unpinned, referrer(|at, m| m["config"] = put(at, EMPTY, &Image::of(b"evil").config)) => 2 "subject-ambiguous";
    referrer_in_a_layout_whose_layer_is_no_bundle: unpinned, referrer(|at, m| m["layers"] = json!([put(at, bundle::MEDIA_TYPE, b"evil")])) => 2 "subject-ambiguous";
    referrer_in_a_layout_whose_bundle_is_called_a_layer: unpinned, referrer(|_, m| m["layers"][0]["mediaType"] = "application/vnd.oci.image.layer.v1.tar".into()) => 2 "subject-ambiguous";
    referrer_in_a_layout_with_a_layer_beside_the_bundle: unpinned, referrer(|at, m| { let evil = put(at, "application/vnd.oci.image.layer.v1.tar", b"evil"); m["layers"].as_array_mut().unwrap().push(evil) }) => 2 "subject-ambiguous";
    referrer_in_a_layout_without_layers: unpinned, referrer(|_, m| m["layers"] = json!([])) => 2 "subject-ambiguous";
    referrer_in_a_layout_without_a_subject: unpinned, referrer(|_, m| drop(m.as_object_mut().unwrap().remove("subject"))) => 2 "subject-ambiguous";
    list_of_referrers_in_a_layout_that_lists_an_image: unpinned, |s| s.then(list_of_an_image) => 2 "subject-ambiguous";
    index_of_a_layout_that_refers_to_its_image: unpinned, |s| s.then(index_with_a_subject) => 2 "subject-ambiguous";
    second_list_of_images_in_capitals: unpinned, |s| s.then(|at| second_list(at, "MANIFESTS")) => 3 "registry-malformed";
    second_list_of_images_with_one_capital: unpinned, |s| s.then(|at| second_list(at, "Manifests")) => 3 "registry-malformed";
    second_list_of_images_with_a_long_s: unpinned, |s| s.then(|at| second_list(at, "manifeſts")) => 3 "registry-malformed";
    unattested_image_that_is_not_in_the_layout: layout, |s| {
        s.attested = false;
        s.then(|at| fs::remove_file(at.blob(&at.image.digest())).unwrap());
    } => 3 "content-missing";
    unattested_image_of_a_layout_that_takes_minutes_to_hash: layout, |s| s.then(endless) => 1 "no-attestation";
    image_of_a_layout_that_takes_longer_to_hash_than_the_timeout: layout, |s| s.then(endless_and_attested) => 3 "timeout";
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
