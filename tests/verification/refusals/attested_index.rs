//! What an index lists under the marks of BuildKit's attestations: passed over only where its content proves that nothing
//! of it can be run.

use crate::refusals::registry;
use crate::refusals::scene::{REPOSITORY, Scene, Staged};
use attest::model::envelope::IN_TOTO;
use attest::model::oci::{EMPTY, IMAGE_CONFIG, IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Descriptor, Digest};
use attest::testing::world::index;
use attest::testing::{Action, Fault, Image};
use serde_json::{Value, json};

const TAR: &str = "application/vnd.oci.image.layer.v1.tar";

/// An attestation as BuildKit keeps it, to be changed before it is pushed.
struct Parts {
    layers: Vec<(&'static str, Vec<u8>)>,
    config_type: &'static str,
    config: Value,
    manifest_type: &'static str,
    /// What the index says of it.
    entry: Value,
}

impl Parts {
    fn honest(about: &Digest) -> Self {
        let statement = json!({ "_type": "https://in-toto.io/Statement/v0.1", "predicateType": "https://spdx.dev/Document",
            "subject": [{ "name": "app", "digest": { "sha256": about.hex() } }], "predicate": {} });
        let layer = statement.to_string().into_bytes();
        let rootfs = json!({ "type": "layers", "diff_ids": [Digest::sha256(&layer).to_string()] });
        Self {
            config_type: IMAGE_CONFIG,
            config: json!({ "architecture": "unknown", "os": "unknown", "config": {}, "rootfs": rootfs }),
            manifest_type: IMAGE_MANIFEST,
            layers: vec![(IN_TOTO, layer)],
            entry: json!({ "platform": { "os": "unknown", "architecture": "unknown" }, "annotations": {
                "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": about.to_string() } }),
        }
    }

    /// Pushes it, and gives its entry.
    fn entry(mut self, at: &Staged) -> Value {
        let server = at.server();
        let blob = |media_type: &str, bytes: &[u8]| {
            server.put_blob(REPOSITORY, bytes);
            Descriptor::of(media_type, bytes).to_json()
        };
        let layers: Vec<_> = self.layers.iter().map(|(media_type, bytes)| blob(media_type, bytes)).collect();
        let config = blob(self.config_type, self.config.to_string().as_bytes());
        let manifest =
            json!({ "schemaVersion": 2, "mediaType": self.manifest_type, "config": config, "layers": layers });
        let pushed =
            server.put_manifest(REPOSITORY, None, self.manifest_type, manifest.to_string().as_bytes()).to_json();
        for (name, value) in pushed.as_object().unwrap() {
            self.entry[name] = value.clone();
        }
        self.entry
    }
}

/// The subject is an index, nobody has attested it, of the attested image and of these.
fn of(at: &mut Staged, more: Vec<Value>) {
    let image = at.image.descriptor().to_json();
    let entries = [vec![image], more].concat();
    let pushed = at.server().put_manifest(REPOSITORY, None, IMAGE_INDEX, &index(&entries));
    at.arguments[0] = format!("{}@{}", at.server().name(REPOSITORY), pushed.digest);
}

fn built(s: &mut Scene) {
    registry(s);
    changed(|_| {})(s);
}

/// The form in which BuildKit keeps it as an artifact.
fn built_as_artifact(s: &mut Scene) {
    registry(s);
    changed(|p| (p.config, p.config_type) = (json!({}), EMPTY))(s);
}

fn changed(change: fn(&mut Parts)) -> impl Fn(&mut Scene) {
    move |s| {
        s.then(move |at| {
            let mut parts = Parts::honest(&at.image.digest());
            change(&mut parts);
            let entry = parts.entry(at);
            of(at, vec![entry]);
        });
    }
}

/// Marks what is listed for an evil image as an attestation; `nested` puts it into an index first.
fn evil(nested: bool) -> impl Fn(&mut Scene) {
    move |s| {
        s.then(move |at| {
            let image = Image::of(b"evil");
            at.server().load(REPOSITORY, None, &image.in_memory(), &image.digest());
            let mut listed = image.descriptor();
            if nested {
                listed = at.server().put_manifest(REPOSITORY, None, IMAGE_INDEX, &index(&[listed.to_json()]));
            }
            let mut entry = Parts::honest(&at.image.digest()).entry;
            for (name, value) in listed.to_json().as_object().unwrap() {
                entry[name] = value.clone();
            }
            of(at, vec![entry]);
        });
    }
}

/// Something about the first layer's or the config's blob, once all is pushed.
fn blob(config: bool, change: fn(&Staged, &Digest)) -> impl Fn(&mut Scene) {
    move |s| {
        s.then(move |at| {
            let parts = Parts::honest(&at.image.digest());
            let bytes = if config { parts.config.to_string().into_bytes() } else { parts.layers[0].1.clone() };
            change(at, &Digest::sha256(&bytes));
        });
    }
}

const REFERENCE: &str = "vnd.docker.reference.digest";

crate::refusals::refusals! {
    attestation_that_is_an_image: built, evil(false) => 1 "no-attestation";
    attestation_that_is_an_index_of_an_image: built, evil(true) => 1 "no-attestation";
    attestation_with_a_layer_of_files: built, changed(|p| p.layers.push((TAR, b"evil".to_vec()))) => 1 "no-attestation";
    attestation_of_layers_of_files_alone: built, changed(|p| p.layers = vec![(TAR, b"evil".to_vec())]) => 1 "no-attestation";
    attestation_whose_statement_is_a_layer_of_files: built, changed(|p| p.layers[0].0 = TAR) => 1 "no-attestation";
    attestation_whose_layer_is_no_statement: built, changed(|p| p.layers[0].1 = b"\x1f\x8bevil".to_vec()) => 1 "no-attestation";
    attestation_whose_layer_is_any_json: built_as_artifact, changed(|p| { (p.config, p.config_type) = (json!({}), EMPTY); p.layers[0].1 = b"{}".to_vec() }) => 1 "no-attestation";
    attestation_without_layers: built_as_artifact, changed(|p| { (p.config, p.config_type) = (json!({}), EMPTY); p.layers.clear() }) => 1 "no-attestation";
    attestation_for_a_machine: built, changed(|p| { p.config["os"] = "linux".into(); p.config["architecture"] = "amd64".into() }) => 1 "no-attestation";
    attestation_for_half_a_machine: built, changed(|p| p.config["os"] = "linux".into()) => 1 "no-attestation";
    attestation_that_starts_a_program: built, changed(|p| p.config["config"] = json!({ "Entrypoint": ["/bin/sh"] })) => 1 "no-attestation";
    attestation_of_other_file_systems: built, changed(|p| p.config["rootfs"]["diff_ids"] = json!([Digest::sha256(b"evil").to_string()])) => 1 "no-attestation";
    attestation_with_a_config_of_more: built, changed(|p| p.config["container_config"] = json!({ "Cmd": ["/bin/sh"] })) => 1 "no-attestation";
    attestation_with_a_config_of_another_type: built, changed(|p| p.config_type = "application/octet-stream") => 1 "no-attestation";
    attestation_of_another_kind_of_manifest: built, changed(|p| p.manifest_type = "application/vnd.docker.distribution.manifest.v2+json") => 1 "no-attestation";
    attestation_about_nothing: built, changed(|p| drop(p.entry["annotations"].as_object_mut().unwrap().remove(REFERENCE))) => 1 "no-attestation";
    attestation_about_an_image_elsewhere: built, changed(|p| p.entry["annotations"][REFERENCE] = Digest::sha256(b"elsewhere").to_string().into()) => 1 "no-attestation";
    attestation_of_a_platform: built, changed(|p| p.entry["platform"] = json!({ "os": "linux", "architecture": "arm64" })) => 1 "no-attestation";
    attestation_without_a_type: built, changed(|p| drop(p.entry["annotations"].as_object_mut().unwrap().remove("vnd.docker.reference.type"))) => 1 "no-attestation";
    attestation_without_a_mark: built, changed(|p| p.entry["annotations"] = json!({})) => 1 "no-attestation";
    attestation_whose_layer_is_not_there: built, blob(false, |at, d| at.server().remove(REPOSITORY, d)) => 3 "content-missing";
    attestation_whose_config_fails: built, blob(true, |at, d| at.server().fault(Fault::on(&format!("/blobs/{d}"), Action::status(500)))) => 3 "registry-unavailable";
    attestation_of_other_bytes_than_its_digest: built, blob(false, |at, d| at.server().fault(Fault::on(&format!("/blobs/{d}"), Action::WrongBytes))) => 3 "digest-mismatch";
}
