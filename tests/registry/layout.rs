#![expect(clippy::disallowed_methods, reason = "writes folders as other tools and attackers would")]
//! Image layout folders: what other tools write, what an attacker writes, and hashing all that a manifest reaches.

use attest::model::oci::{EMPTY, IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Artifact, Descriptor, Digest, limits};
use attest::registry::{Checked, OciLayout, Registry, RegistryError, RegistryEvidence};
use attest::verify::EvidenceSource as _;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

const LAYER: &[u8] = b"the one layer of the image";
const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";
const EVIDENCE: &[u8] =
    br#"{"payloadType":"application/vnd.in-toto+json","payload":"e30=","signatures":[{"sig":"AAAA"}]}"#;

fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    // A layout gives others their turn, and waits for nothing.
    for _ in 0..100_000 {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
    panic!("a layout waited")
}

fn code<T: std::fmt::Debug>(result: Result<T, RegistryError>) -> &'static str {
    result.unwrap_err().code().as_str()
}

struct World {
    _folder: tempfile::TempDir,
    path: PathBuf,
    layout: OciLayout,
    image: Descriptor,
}

fn blob(path: &Path, digest: &Digest) -> PathBuf {
    path.join("blobs").join("sha256").join(digest.hex())
}

fn image_bytes(layers: &[&[u8]]) -> Vec<u8> {
    let layers: Vec<Value> = layers.iter().map(|l| Descriptor::of("application/x", l).to_json()).collect();
    let config = Descriptor::of(EMPTY, b"{}").to_json();
    json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "config": config, "layers": layers })
        .to_string()
        .into_bytes()
}

impl World {
    /// A layout with one image of one layer, tagged `v1`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("layout");
        let layout = OciLayout::create(&path).unwrap();
        for bytes in [LAYER, b"{}", EVIDENCE] {
            now(layout.push_blob(&Digest::sha256(bytes), bytes)).unwrap();
        }
        let bytes = image_bytes(&[LAYER]);
        let image = Descriptor::of(IMAGE_MANIFEST, &bytes);
        now(layout.push_manifest(&image, &bytes)).unwrap();
        layout.tag("v1", &image).unwrap();
        Self { _folder: folder, path, layout, image }
    }

    fn index(&self) -> Value {
        serde_json::from_slice(&fs::read(self.path.join("index.json")).unwrap()).unwrap()
    }

    fn write_index(&self, index: &Value) {
        fs::write(self.path.join("index.json"), index.to_string()).unwrap();
    }

    /// A manifest put there as another tool would, not listed.
    fn put(&self, value: &Value) -> Descriptor {
        let bytes = value.to_string().into_bytes();
        let descriptor = Descriptor::of(value["mediaType"].as_str().unwrap(), &bytes);
        fs::write(blob(&self.path, &descriptor.digest), bytes).unwrap();
        descriptor
    }

    fn referrer(&self, seed: usize) -> Value {
        json!({
            "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "artifactType": "application/vnd.example",
            "config": Descriptor::of(EMPTY, b"{}").to_json(), "layers": [Descriptor::of(ENVELOPE, EVIDENCE).to_json()],
            "subject": self.image.to_json(), "annotations": { "seed": seed.to_string() },
        })
    }

    /// Puts an entry into `index.json`, under a tag if one is given.
    fn list(&self, entry: &Descriptor, tag: Option<&str>) {
        let mut value = entry.to_json();
        if let Some(tag) = tag {
            value["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        }
        let mut index = self.index();
        index["manifests"].as_array_mut().unwrap().push(value);
        self.write_index(&index);
    }

    /// The layout as whoever opens it now finds it.
    fn opened(&self) -> OciLayout {
        OciLayout::open(&self.path).unwrap()
    }

    fn referrers(&self) -> Result<Vec<Descriptor>, RegistryError> {
        now(self.opened().referrers(&self.image.digest, 1000))
    }

    fn images(&self) -> Vec<Digest> {
        self.opened().images().unwrap().into_iter().map(|d| d.digest).collect()
    }
}

#[test]
fn every_reachable_blob_is_hashed() {
    let w = World::new();
    let report = w.layout.verify_content(&w.image.digest).unwrap();
    let manifest = fs::metadata(blob(&w.path, &w.image.digest)).unwrap().len();
    assert_eq!((report.manifests, report.blobs), (1, 2));
    assert_eq!(report.bytes, LAYER.len() as u64 + 2 + manifest);
}

#[test]
fn a_changed_missing_or_grown_blob_is_named() {
    let w = World::new();
    let layer = blob(&w.path, &Digest::sha256(LAYER));
    let refused = |bytes: Option<&[u8]>, expected: &str, digest: &str| {
        match bytes {
            Some(b) => fs::write(&layer, b).unwrap(),
            None => fs::remove_file(&layer).unwrap(),
        }
        let error = w.layout.verify_content(&w.image.digest).unwrap_err();
        assert_eq!(error.code().as_str(), expected, "{error}");
        assert!(error.to_string().contains(digest), "{error}");
        fs::write(&layer, LAYER).unwrap();
        w.layout.verify_content(&w.image.digest).unwrap();
    };
    let hex = Digest::sha256(LAYER).to_string();
    let mut changed = LAYER.to_vec();
    changed[3] ^= 1;
    refused(Some(&changed), "digest-mismatch", &hex);
    refused(Some(&[LAYER, b"x"].concat()), "digest-mismatch", &hex);
    refused(Some(b""), "digest-mismatch", &hex);
    refused(None, "content-missing", &hex);
    // The manifest itself.
    let path = blob(&w.path, &w.image.digest);
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, [&bytes[..], b" "].concat()).unwrap();
    assert_eq!(code(w.layout.verify_content(&w.image.digest)), "digest-mismatch");
}

#[test]
fn a_descriptor_that_lies_about_the_size_is_refused() {
    let w = World::new();
    let mut layer = Descriptor::of("application/x", LAYER);
    layer.size += 1;
    let config = Descriptor::of(EMPTY, b"{}").to_json();
    let lying = w.put(&json!({ "mediaType": IMAGE_MANIFEST, "config": config, "layers": [layer.to_json()] }));
    assert_eq!(code(w.layout.verify_content(&lying.digest)), "registry-malformed");
}

#[test]
fn children_of_an_index_are_followed_even_if_also_listed_as_a_layer() {
    let w = World::new();
    // A child that one manifest calls its layer is still a manifest with layers of its own.
    let child_bytes = image_bytes(&[b"absent"]);
    let child = Descriptor::of(IMAGE_MANIFEST, &child_bytes);
    fs::write(blob(&w.path, &child.digest), &child_bytes).unwrap();
    let hiding = image_bytes(&[&child_bytes]);
    let hiding_descriptor = Descriptor::of(IMAGE_MANIFEST, &hiding);
    fs::write(blob(&w.path, &hiding_descriptor.digest), &hiding).unwrap();
    for order in [[&child, &hiding_descriptor], [&hiding_descriptor, &child]] {
        let list: Vec<Value> = order.iter().map(|d| d.to_json()).collect();
        let index = w.put(&json!({ "mediaType": IMAGE_INDEX, "manifests": list }));
        assert_eq!(code(w.layout.verify_content(&index.digest)), "content-missing");
    }
    let index = w.put(&json!({ "mediaType": IMAGE_INDEX, "manifests": [w.image.to_json()] }));
    assert_eq!(w.layout.verify_content(&index.digest).unwrap().manifests, 2);
}

#[test]
fn indexes_are_bounded_in_depth_and_number() {
    let w = World::new();
    let mut inner = w.image.clone();
    for level in 1..=5 {
        inner = w.put(&json!({ "mediaType": IMAGE_INDEX, "manifests": [inner.to_json()], "annotations": { "level": level.to_string() } }));
        match w.layout.verify_content(&inner.digest) {
            Ok(report) => assert_eq!((level, report.manifests), (report.manifests - 1, level + 1)),
            Err(e) => assert_eq!((level, e.code().as_str()), (5, "limit-exceeded")),
        }
    }
    let index_of = |n: u32| {
        let many: Vec<_> = (0..n).map(|i| Descriptor::of(IMAGE_MANIFEST, &i.to_be_bytes()).to_json()).collect();
        code(w.layout.verify_content(&w.put(&json!({ "mediaType": IMAGE_INDEX, "manifests": many })).digest))
    };
    // As many as `check` looks at are looked for, and are not there.
    let most = u32::try_from(limits::CHILDREN).unwrap();
    assert_eq!([index_of(most), index_of(most + 1)], ["content-missing", "limit-exceeded"]);
}

#[test]
fn referrers_are_found_as_other_tools_write_them() {
    let w = World::new();
    // As an untagged entry of index.json, without artifactType.
    let one = w.put(&w.referrer(1));
    let mut index = w.index();
    index["manifests"].as_array_mut().unwrap().push(one.to_json());
    // As an entry of an index under the fallback tag.
    let two = w.put(&w.referrer(2));
    let list =
        w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [two.to_json(), one.to_json()] }));
    let mut entry = list.to_json();
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("sha256-{}", w.image.digest.hex()) });
    index["manifests"].as_array_mut().unwrap().push(entry);
    w.write_index(&index);
    let mut found: Vec<Digest> = w.referrers().unwrap().into_iter().map(|d| d.digest).collect();
    found.sort();
    let mut expected = vec![one.digest, two.digest];
    expected.sort();
    assert_eq!(found, expected);
    // Neither of them, nor their listing, is an image.
    assert_eq!(w.images(), std::slice::from_ref(&w.image.digest));
}

#[test]
fn an_entry_decides_nothing_and_a_subject_of_its_own_everything() {
    let w = World::new();
    let mut other = w.referrer(1);
    other["subject"] = Descriptor::of(IMAGE_MANIFEST, b"another").to_json();
    let other = w.put(&other);
    let list = w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [other.to_json()] }));
    let mut entry = list.to_json();
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": format!("sha256-{}", w.image.digest.hex()) });
    let mut index = w.index();
    index["manifests"].as_array_mut().unwrap().push(entry);
    w.write_index(&index);
    assert_eq!(w.referrers().unwrap(), []);
}

#[test]
fn an_entry_that_cannot_be_read_stays_a_candidate_with_its_cause() {
    let w = World::new();
    let lost = w.put(&w.referrer(1));
    let mut index = w.index();
    index["manifests"].as_array_mut().unwrap().push(lost.to_json());
    w.write_index(&index);
    for (change, expected) in [(None, "content-missing"), (Some("{}"), "digest-mismatch")] {
        match change {
            None => fs::remove_file(blob(&w.path, &lost.digest)).unwrap(),
            Some(text) => fs::write(blob(&w.path, &lost.digest), text).unwrap(),
        }
        let list = w.referrers().unwrap();
        assert_eq!(list.len(), 1);
        assert_eq!(code(now(Checked::new(&w.layout).need_manifest(&list[0].digest))), expected);
    }
}

#[test]
fn too_many_referrers_are_an_error() {
    let w = World::new();
    let mut index = w.index();
    for seed in 0..1001 {
        let d = w.put(&w.referrer(seed));
        index["manifests"].as_array_mut().unwrap().push(d.to_json());
        if seed == 999 {
            w.write_index(&index);
            assert_eq!(w.referrers().unwrap().len(), 1000);
        }
    }
    w.write_index(&index);
    assert_eq!(code(w.referrers()), "limit-exceeded");
}

#[test]
fn what_is_no_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(code(OciLayout::open(folder.path())), "content-missing");
    assert_eq!(code(OciLayout::open(&folder.path().join("absent"))), "content-missing");
    for (marker, expected) in [
        ("{", "registry-malformed"),
        (r#"{"imageLayoutVersion":"2.0.0"}"#, "registry-malformed"),
        (r#"{"imageLayoutVersion":1}"#, "registry-malformed"),
    ] {
        fs::write(folder.path().join("oci-layout"), marker).unwrap();
        assert_eq!(code(OciLayout::open(folder.path())), expected, "{marker}");
    }
    fs::write(folder.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    assert_eq!(code(OciLayout::open(folder.path()).unwrap().images()), "content-missing");
    // Nor is one made where something else lies.
    assert_eq!(code(OciLayout::create(folder.path())), "registry-configuration");
}

#[test]
fn an_index_with_hostile_json_is_refused() {
    let w = World::new();
    for (text, expected) in [
        ("no json".to_owned(), "registry-malformed"),
        (r#"{"manifests":[],"manifests":[]}"#.to_owned(), "registry-malformed"),
        (
            r#"{"manifests":[{"mediaType":"a","size":1,"digest":"sha256:../../../etc/passwd"}]}"#.to_owned(),
            "registry-malformed",
        ),
        (format!("{{\"manifests\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000)), "limit-exceeded"),
        (" ".repeat((4 << 20) + 1), "limit-exceeded"),
    ] {
        fs::write(w.path.join("index.json"), text).unwrap();
        assert_eq!(code(w.referrers()), expected);
    }
}

#[test]
fn two_images_with_one_tag_are_ambiguous() {
    let w = World::new();
    assert_eq!(now(w.layout.resolve("v1")).unwrap().unwrap().digest, w.image.digest);
    let mut index = w.index();
    let mut entry = index["manifests"][0].clone();
    entry["digest"] = Digest::sha256(b"x").to_string().into();
    index["manifests"].as_array_mut().unwrap().push(entry);
    w.write_index(&index);
    assert_eq!(code(now(w.opened().resolve("v1"))), "registry-malformed");
}

/// What a layout holds beside its one image: a referrer that `change` made something else of, listed under `tag`.
fn beside(tag: Option<&str>, change: impl Fn(&World, &mut Value)) -> usize {
    let w = World::new();
    let mut manifest = w.referrer(1);
    change(&w, &mut manifest);
    let entry = w.put(&manifest);
    w.list(&entry, tag);
    w.images().len()
}

fn blob_of(w: &World, media_type: &str, bytes: &[u8]) -> Value {
    fs::write(blob(&w.path, &Digest::sha256(bytes)), bytes).unwrap();
    Descriptor::of(media_type, bytes).to_json()
}

#[test]
fn an_image_does_not_hide_behind_a_subject_a_tag_or_the_type_of_its_config() {
    let untouched = |_: &World, _: &mut Value| ();
    assert_eq!(beside(None, untouched), 1);
    // Programs read what a config says, whatever they are told that it is.
    let starts =
        br#"{"architecture":"amd64","os":"linux","config":{"Cmd":["/x"]},"rootfs":{"type":"layers","diff_ids":[]}}"#;
    for media_type in [
        "application/octet-stream",
        "application/json",
        "text/plain",
        EMPTY,
        "application/vnd.oci.image.config.v1+json",
        "Application/Vnd.OCI.Image.Config.v1+JSON",
        "application/vnd.oci.image.config.v1+json; charset=utf-8",
        "application/vnd.docker.container.image.v1+json",
        "application/vnd.cncf.notary.signature",
    ] {
        assert_eq!(beside(None, |w, m| m["config"] = blob_of(w, media_type, starts)), 2, "{media_type}");
    }
    let listing = format!("sha256-{}", "a".repeat(64));
    for tag in ["v2", &listing] {
        assert_eq!(beside(Some(tag), untouched), 2, "{tag}");
    }
    let layers: [fn(&World) -> Value; 6] = [
        |_| json!([]),
        // The first bytes of COSE_Sign1 may begin the name of an archive's first file.
        |w| json!([blob_of(w, "application/cose", &[&[0xd2, 0x84][..], LAYER].concat())]),
        |w| json!([blob_of(w, "application/vnd.oci.image.layer.v1.tar", EVIDENCE)]),
        |w| json!([blob_of(w, ENVELOPE, b"no envelope")]),
        |w| json!([blob_of(w, ENVELOPE, EVIDENCE), blob_of(w, "application/vnd.oci.image.layer.v1.tar", LAYER)]),
        |w| json!([blob_of(w, SIMPLE, b"{}")]),
    ];
    for (n, layers) in layers.iter().enumerate() {
        assert_eq!(beside(None, |w, m| m["layers"] = layers(w)), 2, "{n}");
    }
    let index = |w: &World, m: &mut Value| {
        *m = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [], "subject": w.image.to_json() });
    };
    assert_eq!([beside(None, index), beside(Some(&listing), index)], [2, 2]);
    let without_subject = |_: &World, m: &mut Value| drop(m.as_object_mut().unwrap().remove("subject"));
    assert_eq!(beside(None, without_subject), 2);
}

const SIMPLE: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
const JWS: &str = "application/jose+json";

/// What simple signing says of an image.
fn simple(kind: &str, digest: &str) -> Value {
    let image = json!({ "docker-manifest-digest": digest });
    let identity = json!({ "docker-reference": "ghcr.io/acme/app" });
    json!({ "critical": { "type": kind, "image": image, "identity": identity }, "optional": null })
}

/// A Notary Project signature, as far as its form goes.
fn jws(payload: &Value) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD as url};
    let protected = url.encode(br#"{"alg":"PS256","cty":"application/vnd.cncf.notary.payload.v1+json"}"#);
    json!({ "payload": url.encode(payload.to_string()), "protected": protected, "header": {}, "signature": "AAAA" })
}

#[test]
fn a_signature_is_one_by_its_content_and_of_its_subject() {
    let kind = "cosign container image signature";
    let as_layer = |media_type: &'static str, make: &dyn Fn(&str) -> Value| {
        beside(None, |w, m| {
            let bytes = make(&w.image.digest.to_string()).to_string();
            m["layers"] = json!([blob_of(w, media_type, bytes.as_bytes())]);
        })
    };
    // The twins.
    for kind in [kind, "atomic container signature"] {
        assert_eq!(as_layer(SIMPLE, &|digest| simple(kind, digest)), 1, "{kind}");
    }
    assert_eq!(as_layer(JWS, &|digest| jws(&json!({ "targetArtifact": { "digest": digest } }))), 1);
    let other = Digest::sha256(b"another").to_string();
    let changed = |digest: &str, pointer: &str, value: Value| {
        let mut document = simple(kind, digest);
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        document.pointer_mut(parent).unwrap()[name] = value;
        document
    };
    type Make<'a> = &'a dyn Fn(&str) -> Value;
    let attacks: [(&str, Make<'_>); 12] = [
        (SIMPLE, &|_| json!({ "critical": {}, "optional": null })),
        (SIMPLE, &|_| json!({ "critical": "anything", "config": { "Cmd": ["/x"] } })),
        (SIMPLE, &|digest| simple("anything", digest)),
        (SIMPLE, &|_| simple(kind, "sha256:short")),
        (SIMPLE, &|_| simple(kind, &other)),
        (SIMPLE, &|digest| changed(digest, "/layers", json!([]))),
        (SIMPLE, &|digest| changed(digest, "/critical/more", json!({ "Cmd": ["/x"] }))),
        (SIMPLE, &|digest| changed(digest, "/critical/identity", json!(null))),
        (JWS, &|_| json!({ "payload": "", "protected": "", "header": {}, "signature": "" })),
        (JWS, &|_| jws(&json!({ "targetArtifact": { "digest": other } }))),
        (JWS, &|digest| {
            let mut document = jws(&json!({ "targetArtifact": { "digest": digest } }));
            document["more"] = "x".into();
            document
        }),
        (JWS, &|digest| {
            let mut document = jws(&json!({ "targetArtifact": { "digest": digest } }));
            document["payload"] = "no base64url, but anything at all".into();
            document
        }),
    ];
    for (n, (media_type, make)) in attacks.iter().enumerate() {
        assert_eq!(as_layer(media_type, make), 2, "{n}");
    }
}

#[test]
fn what_docker_would_load_is_what_the_index_lists() {
    let w = World::new();
    let with = |file: &str, text: &str| {
        fs::write(w.path.join(file), text).unwrap();
        let found = w.opened().images();
        fs::remove_file(w.path.join(file)).unwrap();
        found.map(|images| images.len()).map_err(|e| e.code().to_string())
    };
    let image: Value = serde_json::from_slice(&fs::read(blob(&w.path, &w.image.digest)).unwrap()).unwrap();
    let own = image["config"]["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    let other = format!("blobs/sha256/{}", Digest::sha256(b"another").hex());
    let entry = |config: &str| json!({ "Config": config, "RepoTags": ["app:v1"], "Layers": [] });
    assert_eq!(with("manifest.json", &json!([entry(&own)]).to_string()), Ok(1));
    let refused = Err("registry-malformed".to_owned());
    for text in [
        json!([entry(&other)]).to_string(),
        json!([entry(&own), entry(&other)]).to_string(),
        json!([entry("elsewhere.json")]).to_string(),
        json!([entry(&format!("x/../{own}"))]).to_string(),
        json!([{ "Layers": [] }]).to_string(),
        // As Go reads it, the last spelling counts.
        json!([{ "Config": own, "Layers": [], "config": other }]).to_string(),
        json!([{ "Config": own, "Layers": [], "CONFIG": other }]).to_string(),
        json!([{ "Config": own, "Layers": [], "layerſ": ["x.tar"] }]).to_string(),
        "no json".to_owned(),
    ] {
        assert_eq!(with("manifest.json", &text), refused, "{text}");
    }
    assert_eq!(with("repositories", "{}"), refused);
}

#[test]
fn signatures_and_lists_of_evidence_are_no_images() {
    assert_eq!(beside(None, |w, m| m["layers"] = json!([blob_of(w, ENVELOPE, EVIDENCE)])), 1);
    let listing = format!("sha256-{}", "a".repeat(64));
    let lists = |hidden: bool| {
        beside(Some(&listing), move |w, m| {
            let mut entries = vec![w.put(m).to_json()];
            entries.extend(hidden.then(|| w.put(&json!({ "mediaType": IMAGE_MANIFEST, "layers": [] })).to_json()));
            *m = json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries });
        })
    };
    assert_eq!([lists(false), lists(true)], [1, 2]);
}

#[test]
fn what_is_listed_again_and_again_is_looked_at_once() {
    let w = World::new();
    // Together more than is looked at, if each were looked at for each subject or for each entry.
    let large: Vec<_> = (0..20)
        .map(|n| {
            let mut manifest = w.referrer(n);
            manifest["annotations"]["padding"] = "x".repeat(3 << 20).into();
            w.put(&manifest)
        })
        .collect();
    let mut index = w.index();
    for entry in large.iter().cycle().take(400) {
        index["manifests"].as_array_mut().unwrap().push(entry.to_json());
    }
    w.write_index(&index);
    assert!(w.images().len() == 1 && w.referrers().unwrap().len() == large.len());
    let layout = w.opened();
    for n in 0..20_u32 {
        assert_eq!(now(layout.referrers(&Digest::sha256(&n.to_be_bytes()), 1000)).unwrap(), []);
    }
    // One that is opened stays what it was; who opens it again sees what was added.
    let added = w.put(&w.referrer(99));
    w.list(&added, None);
    assert_eq!(now(layout.referrers(&w.image.digest, 1000)).unwrap().len(), large.len());
    assert_eq!(w.referrers().unwrap().len(), large.len() + 1);
}

#[test]
fn the_manifests_of_a_layout_are_capped_together() {
    let w = World::new();
    let mut index = w.index();
    for n in 0..=limits::LAYOUT_BYTES / (3 << 20) {
        let mut manifest = w.referrer(n);
        manifest["annotations"]["padding"] = "x".repeat(3 << 20).into();
        index["manifests"].as_array_mut().unwrap().push(w.put(&manifest).to_json());
    }
    w.write_index(&index);
    assert_eq!(code(w.referrers()), "limit-exceeded");
    // Then they are no longer proven to be evidence, either.
    assert!(w.images().len() > 1);
}

#[test]
fn pushing_replaces_wrong_bytes_and_writes_nothing_twice() {
    let w = World::new();
    let bytes = w.referrer(1).to_string().into_bytes();
    let d = Descriptor::of(IMAGE_MANIFEST, &bytes);
    now(w.layout.push_manifest(&d, &bytes)).unwrap();
    let before = fs::read(w.path.join("index.json")).unwrap();
    now(w.layout.push_manifest(&d, &bytes)).unwrap();
    assert_eq!(fs::read(w.path.join("index.json")).unwrap(), before);
    fs::write(blob(&w.path, &d.digest), "wrong").unwrap();
    now(w.layout.push_manifest(&d, &bytes)).unwrap();
    assert_eq!(fs::read(blob(&w.path, &d.digest)).unwrap(), bytes);
    // Nothing is left behind.
    let names = fs::read_dir(&w.path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["blobs", "index.json", "oci-layout"]);
}

#[test]
fn writers_lose_nothing() {
    let w = World::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let w = &w;
            scope.spawn(move || {
                let layout = OciLayout::open(&w.path).unwrap();
                for push in 0..25 {
                    let bytes = w.referrer(writer * 25 + push).to_string().into_bytes();
                    now(layout.push_manifest(&Descriptor::of(IMAGE_MANIFEST, &bytes), &bytes)).unwrap();
                }
            });
        }
    });
    assert_eq!(w.referrers().unwrap().len(), 100);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    use std::os::unix::fs::symlink;
    let w = World::new();
    let outside = w.path.parent().unwrap().join("outside");
    fs::write(&outside, LAYER).unwrap();
    let layer = blob(&w.path, &Digest::sha256(LAYER));
    fs::remove_file(&layer).unwrap();
    symlink(&outside, &layer).unwrap();
    assert_eq!(code(now(w.layout.blob(&Digest::sha256(LAYER), 100))), "registry-unavailable");
    assert_eq!(code(w.layout.verify_content(&w.image.digest)), "registry-unavailable");
    // Inside it may.
    fs::write(w.path.join("kept"), LAYER).unwrap();
    fs::remove_file(&layer).unwrap();
    symlink("../../kept", &layer).unwrap();
    w.layout.verify_content(&w.image.digest).unwrap();
    // Writing neither.
    let elsewhere = w.path.parent().unwrap().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    fs::remove_dir_all(w.path.join("blobs")).unwrap();
    symlink(&elsewhere, w.path.join("blobs")).unwrap();
    assert_eq!(code(now(w.layout.push_blob(&Digest::sha256(b"x"), b"x"))), "registry-unavailable");
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0);
    // A folder or a pipe in place of a file.
    fs::remove_file(w.path.join("index.json")).unwrap();
    fs::create_dir(w.path.join("index.json")).unwrap();
    assert_eq!(code(w.layout.images()), "registry-unavailable");
}

/// Puts entries into `index.json` as they are.
fn list_raw(w: &World, entries: Vec<Value>) {
    let mut index = w.index();
    index["manifests"].as_array_mut().unwrap().extend(entries);
    w.write_index(&index);
}

#[test]
fn one_odd_entry_of_an_index_hides_no_other() {
    let w = World::new();
    let evidence = w.put(&w.referrer(1));
    // Without media type and size, it is still listed by its digest.
    list_raw(&w, vec![json!({ "digest": evidence.digest.to_string() })]);
    assert_eq!(w.referrers().unwrap().len(), 1);
    assert_eq!(w.images(), std::slice::from_ref(&w.image.digest));
    // What is an image stays one, whatever its entry lacks.
    let other = w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [] }));
    list_raw(&w, vec![json!({ "digest": other.digest.to_string(), "size": "large" })]);
    assert_eq!(w.images().len(), 2);

    let w = World::new();
    let evidence = w.put(&w.referrer(1));
    let tag = json!({ "org.opencontainers.image.ref.name": "odd" });
    list_raw(&w, vec![evidence.to_json(), json!({ "digest": "blake3:00", "annotations": tag }), json!(7)]);
    let found = now(w.opened().listing(&w.image.digest, 1000)).unwrap();
    assert_eq!((found.listed.len(), found.unread.len()), (1, 2));
    assert!(now(w.opened().resolve("v1")).unwrap().is_some());
    assert!(now(w.opened().resolve("none")).unwrap().is_none());
    // It may be an image, and its tag names something.
    assert_eq!(code(w.opened().images()), "registry-malformed");
    assert_eq!(code(now(w.opened().resolve("odd"))), "registry-malformed");
}

const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// A folder as `cosign save` writes it: the image, and an entry of another kind beside it. `change` is made to that entry's
/// manifest and config before they are written. Says how many images there are, and whether attestations are found.
fn saved(kind: &str, change: impl FnOnce(&World, &mut Value, &mut Value)) -> (usize, bool) {
    let w = World::new();
    let layer = match kind {
        "sigs" => {
            let of = simple("cosign container image signature", &w.image.digest.to_string());
            blob_of(&w, SIMPLE_SIGNING, of.to_string().as_bytes())
        }
        _ => blob_of(&w, ENVELOPE, EVIDENCE),
    };
    let mut config = json!({ "architecture": "", "os": "", "config": {}, "created": "0001-01-01T00:00:00Z",
        "history": [{ "created": "0001-01-01T00:00:00Z" }],
        "rootfs": { "type": "layers", "diff_ids": [layer["digest"]] } });
    let mut manifest = json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [layer] });
    change(&w, &mut manifest, &mut config);
    manifest["config"] = blob_of(&w, "application/vnd.oci.image.config.v1+json", config.to_string().as_bytes());
    let mut beside = w.put(&manifest).to_json();
    beside["annotations"] = json!({ "kind": format!("dev.cosignproject.cosign/{kind}") });
    let mut image = w.image.to_json();
    image["annotations"] = json!({ "kind": "dev.cosignproject.cosign/image" });
    w.write_index(&json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [image, beside] }));
    (w.images().len(), !now(w.opened().legacy(&w.image.digest)).unwrap().is_empty())
}

#[test]
fn what_cosign_saved_beside_an_image_is_evidence_by_its_content() {
    assert_eq!(saved("atts", |_, _, _| {}), (1, true));
    assert_eq!(saved("sigs", |_, _, _| {}), (1, false));
    // Whatever a loader could run counts as an image.
    assert_eq!(saved("image", |_, _, _| {}).0, 2);
    type Change = fn(&World, &mut Value, &mut Value);
    let hidden: [(&str, Change); 7] = [
        ("atts", |w, m, _| m["layers"] = json!([blob_of(w, ENVELOPE, LAYER)])),
        ("atts", |w, m, _| m["layers"] = json!([blob_of(w, "application/vnd.oci.image.layer.v1.tar", EVIDENCE)])),
        ("atts", |_, m, _| m["layers"] = json!([])),
        ("atts", |_, _, c| c["rootfs"]["diff_ids"] = json!([Digest::sha256(LAYER).to_string()])),
        ("atts", |_, _, c| c["architecture"] = json!("amd64")),
        ("atts", |_, _, c| c["config"] = json!({ "Entrypoint": ["/app"] })),
        ("sigs", |w, m, _| {
            let other = simple("cosign container image signature", &Digest::sha256(b"other").to_string());
            m["layers"] = json!([blob_of(w, SIMPLE_SIGNING, other.to_string().as_bytes())]);
        }),
    ];
    for (i, (kind, change)) in hidden.into_iter().enumerate() {
        assert_eq!(saved(kind, change).0, 2, "{i}");
    }
}

#[test]
fn every_entry_of_attestations_that_cosign_saved_behind_an_image_is_found() {
    let w = World::new();
    let kind = |of: &Descriptor, kind: &str| {
        let mut entry = of.to_json();
        entry["annotations"] = json!({ "kind": format!("dev.cosignproject.cosign/{kind}") });
        entry
    };
    let attestations = |seed: usize| {
        let layers = [blob_of(&w, ENVELOPE, EVIDENCE)];
        let seed = json!({ "seed": seed.to_string() });
        w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": layers, "annotations": seed }))
    };
    let [one, two, tagged, others] = [1, 2, 3, 4].map(attestations);
    let other = w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [] }));
    let mut with_tag = tagged.to_json();
    let tag = format!("sha256-{}.att", w.image.digest.hex());
    with_tag["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
    let entries = [
        kind(&w.image, "image"),
        kind(&one, "atts"),
        kind(&other, "image"),
        kind(&others, "atts"),
        kind(&w.image, "image"),
        kind(&two, "atts"),
        with_tag,
    ];
    w.write_index(&json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": entries }));
    let opened = w.opened();
    let found = |of: &Descriptor| {
        let found = now(Checked::new(&opened).legacy(&of.digest)).unwrap();
        found.into_iter().map(|d| d.digest).collect::<Vec<_>>()
    };
    assert_eq!(found(&w.image), [&tagged, &one, &two].map(|d| d.digest.clone()));
    assert_eq!(found(&other), std::slice::from_ref(&others.digest));
    // Each is a piece of evidence of the image that it was saved with.
    let artifact = Artifact::new("image", "oci:image", w.image.digest.clone());
    assert_eq!(now(RegistryEvidence::new(&opened).candidates(&artifact)).len(), 3);
}

#[test]
fn bundles_that_cosign_saved_stand_among_the_blobs_alone() {
    let found = |kind: &str, change: fn(&World, &Descriptor)| {
        let w = World::new();
        let bundle = w.put(&w.referrer(1));
        // What else lies there: no manifest, a statement of another, an image of its own.
        blob_of(&w, "x", b"{ no json");
        w.put(&json!({ "schemaVersion": 2, "mediaType": IMAGE_MANIFEST, "layers": [] }));
        change(&w, &bundle);
        let mut image = w.image.to_json();
        image["annotations"] = json!({ "kind": kind });
        w.write_index(&json!({ "schemaVersion": 2, "mediaType": IMAGE_INDEX, "manifests": [image] }));
        let opened = w.opened();
        let found = now(opened.listing(&w.image.digest, 1000)).unwrap();
        // Asked again, it is what it was.
        assert_eq!(now(opened.listing(&w.image.digest, 1000)).unwrap(), found);
        (found.listed.iter().any(|d| d.digest == bundle.digest), w.images().len())
    };
    assert_eq!(found("dev.cosignproject.cosign/image", |_, _| {}), (true, 1));
    // One whose bytes are others is a candidate that could not be read, not none.
    let damaged = |w: &World, bundle: &Descriptor| fs::write(blob(&w.path, &bundle.digest), b"{}").unwrap();
    assert_eq!(found("dev.cosignproject.cosign/image", damaged), (true, 1));
    let gone = |w: &World, bundle: &Descriptor| fs::remove_file(blob(&w.path, &bundle.digest)).unwrap();
    assert_eq!(found("dev.cosignproject.cosign/image", gone), (false, 1));
    // Where cosign wrote nothing, what is not listed is not there.
    assert_eq!(found("another", |_, _| {}), (false, 1));
}
