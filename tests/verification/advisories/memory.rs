//! Data without an end: whoever feeds it gets a refusal and no more memory than that takes.

use super::{by_the_program, claim, code, holder, instance, refused};
use crate::refusals::scene::{Place, Scene};
use attest::model::oci::{IMAGE_INDEX, IMAGE_MANIFEST};
use attest::model::{Artifact, Descriptor, Digest};
use attest::registry::{Registry as _, RegistryEvidence};
use attest::testing::world::{self, index};
use attest::testing::{Action, Fault, Image};
use attest::verify::{Content, EvidenceSource as _};
use serde_json::{Value, json};

fn registry(s: &mut Scene) {
    s.at(Place::Registry);
}

fn fault(path: &'static str, action: fn() -> Action) -> impl Fn(&mut Scene) {
    move |s| s.then(move |at| at.server().fault(Fault::on(path, action())))
}

/// Lists, as the image's only referrer, its manifest with something in it changed.
fn referrer(change: fn(&mut Value)) -> impl Fn(&mut Scene) {
    move |s| {
        s.then(move |at| {
            let manifest = world::referrer(Some(&at.image.descriptor()), &at.bundles[0]);
            let mut manifest: Value = serde_json::from_slice(&manifest).unwrap();
            change(&mut manifest);
            let d = at.server().put_manifest("acme/app", None, IMAGE_MANIFEST, manifest.to_string().as_bytes());
            at.server().fault(Fault::on("/referrers/", Action::body(IMAGE_INDEX, index(&[d.to_json()]))));
        });
    }
}

#[test]
fn cve_2023_42813_a_manifest_without_an_end() {
    let endless = |s: &mut Scene| {
        s.then(|at| {
            let path = format!("/manifests/{}", at.referrers[0]);
            at.server().fault(Fault::on(&path, Action::Endless));
        });
    };
    by_the_program(&registry, &endless, 3, "limit-exceeded");
}

#[test]
fn cve_2023_42814_a_listing_without_an_end() {
    by_the_program(&registry, &fault("/referrers/", || Action::Endless), 3, "limit-exceeded");
}

#[test]
fn cve_2023_42815_a_bundle_without_an_end() {
    by_the_program(&registry, &fault("/blobs/", || Action::Endless), 3, "limit-exceeded");
}

#[test]
fn cve_2023_42816_a_bundle_that_says_that_it_is_too_large() {
    by_the_program(&registry, &referrer(|m| m["layers"][0]["size"] = (33 << 20).into()), 3, "limit-exceeded");
}

/// notation-go: memory for whatever the descriptor claims.
#[test]
fn cve_2023_25656_memory_is_not_taken_for_what_a_descriptor_claims() {
    by_the_program(&registry, &referrer(|m| m["layers"][0]["size"] = u64::MAX.into()), 3, "limit-exceeded");
}

/// notation: signatures without number, each of them fetched and tried.
#[test]
fn cve_2023_33957_referrers_without_number() {
    by_the_program(&registry, &fault("/referrers/", || Action::many_referrers(10_000)), 3, "limit-exceeded");
}

/// notation: the same, page by page.
#[test]
fn cve_2023_33958_pages_of_referrers_without_number() {
    let pages = |s: &mut Scene| {
        s.then(|at| {
            let next = format!("<{}>; rel=\"next\"", "/v2/acme/app/referrers/again");
            let action = Action::Answer {
                status: 200,
                headers: vec![("content-type".into(), IMAGE_INDEX.into()), ("link".into(), next)],
                body: index(&[]),
            };
            at.server().fault(Fault::on("/referrers/", action));
        });
    };
    by_the_program(&registry, &pages, 3, "limit-exceeded");
}

/// cosign: an attestation of any length.
#[test]
fn cve_2023_46737_an_attestation_of_any_length() {
    let long = |s: &mut Scene| {
        s.bundle = Some(|_, b| [&b[..b.len() - 1], br#","x":""#, &vec![b'x'; 33 << 20], br#""}"#].concat());
    };
    by_the_program(&|_| (), &long, 3, "limit-exceeded");
}

/// cosign: layers of any size and number.
#[test]
fn cve_2024_29902_layers_without_number() {
    let image = Image::of(b"a layer");
    // Of these layers none is there: each is asked for, and found missing.
    let with = |count: u32| {
        let (memory, subject) = (image.in_memory(), image.descriptor());
        let mut manifest: Value = serde_json::from_slice(&world::referrer(Some(&subject), b"{}")).unwrap();
        let layer =
            |i: u32| Descriptor::of("application/vnd.dev.sigstore.bundle.v0.3+json", &i.to_be_bytes()).to_json();
        manifest["layers"] = (0..count).map(layer).collect::<Vec<_>>().into();
        let bytes = manifest.to_string().into_bytes();
        world::block_on(memory.push_manifest(&Descriptor::of(IMAGE_MANIFEST, &bytes), &bytes)).unwrap();
        let artifact = Artifact::new("r/a", "r/a", image.digest());
        let found = world::block_on(RegistryEvidence::new(&memory).candidates(&artifact));
        let codes = found.iter().map(|c| match &c.content {
            Content::Unavailable { code, .. } => code.as_str(),
            other => panic!("{other:?}"),
        });
        let count = |wanted: &str| codes.clone().filter(|c| *c == wanted).count();
        (count("content-missing"), count("limit-exceeded"))
    };
    assert_eq!((with(2000), with(2001), with(3000)), ((2000, 0), (2000, 1), (2000, 1)));
    // Nor is more asked for than may be kept.
    let large = |m: &mut Value| {
        let layer = |i: u32| {
            let d = Descriptor::of("application/vnd.dev.sigstore.bundle.v0.3+json", &i.to_be_bytes());
            Descriptor::new(&d.media_type, 30 << 20, d.digest).to_json()
        };
        m["layers"] = (0..3).map(layer).collect::<Vec<_>>().into();
    };
    let mut scene = Scene::new();
    registry(&mut scene);
    referrer(large)(&mut scene);
    let staged = scene.stage();
    let answer = staged.verify();
    let asked = staged.server().requests().iter().filter(|r| r.path.contains("/blobs/")).count();
    assert_eq!((answer.exit, answer.json.to_string().contains("limit-exceeded"), asked), (3, true, 2));
}

/// cosign: signatures and subjects of any number.
#[test]
fn cve_2024_29903_signatures_and_subjects_without_number() {
    let signatures = |count: usize| {
        move |s: &mut Scene| {
            s.bundle = Some(if count > 16 { |w, b| signed(w, &b, 17) } else { |w, b| signed(w, &b, 16) })
        }
    };
    by_the_program(&signatures(16), &signatures(17), 3, "limit-exceeded");
    let subjects = |count: u32| {
        move |s: &mut Scene| {
            let more = (1..count).map(|i| world::subject(&format!("f{i}"), &Digest::sha256(&i.to_be_bytes())));
            s.claim.subjects.truncate(1);
            s.claim.subjects.extend(more);
        }
    };
    by_the_program(&subjects(1024), &subjects(1025), 3, "limit-exceeded");
}

fn signed(world: &attest::testing::World, bundle: &[u8], count: usize) -> Vec<u8> {
    let mut keys = vec![&world.other; count - 1];
    keys.push(&world.key);
    world::signed_by(bundle, &keys)
}

/// sigstore-go: log entries, timestamps and subjects of any number.
#[test]
fn cve_2024_45395_entries_and_timestamps_without_number() {
    let instance = instance();
    let good = instance.sign(&holder(), &claim().to_bytes());
    let with = |place: &str, one: Value, count: usize| {
        let mut bundle = good.clone();
        bundle["verificationMaterial"]["timestampVerificationData"] = json!({ "rfc3161Timestamps": [] });
        *bundle.pointer_mut(place).unwrap() = vec![one; count].into();
        code(&instance.root(), &bundle)
    };
    let entries = "/verificationMaterial/tlogEntries";
    let entry = good.pointer(entries).unwrap()[0].clone();
    assert_eq!((with(entries, entry.clone(), 32), with(entries, entry, 33)), (Ok(()), refused("limit-exceeded")));
    let mut stamped = good.clone();
    instance.stamp(&mut stamped, 0, attest::testing::sigstore::SIGNED_AT);
    let stamps = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps";
    let stamp = stamped.pointer(stamps).unwrap()[0].clone();
    assert_eq!((with(stamps, stamp.clone(), 32), with(stamps, stamp, 33)), (Ok(()), refused("limit-exceeded")));
}
