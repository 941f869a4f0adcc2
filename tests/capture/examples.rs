//! The examples do what they say: the library's paved path, without any part of the command line.

use crate::repo::Repo;
use attest::model::{Reference, Timestamp};
use attest::policy::Verdict;
use attest::registry::Memory;
use attest::testing::world::{attach, block_on, now};
use attest::testing::{Claim, Image};
use attest::trust::KeyAlgorithm;
use attest::{Artifact, Digest, Endless, FileEvidence, Given, LocalKey, Target, check};
use std::sync::Arc;
use std::sync::atomic::Ordering;

#[path = "../../examples/capture_and_sign.rs"]
#[allow(dead_code, reason = "its main is not called")]
pub(crate) mod capture_and_sign;
#[path = "../../examples/decide_in_process.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod decide_in_process;
#[path = "../../examples/own_registry.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod own_registry;
#[path = "../../examples/own_signer.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod own_signer;
#[path = "../../examples/verify_offline.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod verify_offline;
#[path = "../../examples/verify_registry.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod verify_registry;

fn policy_of(key: &LocalKey) -> String {
    let pem = key.public_key().to_pem().replace('\n', "\\n");
    format!(
        "{{apiVersion: agent-attest.github.io/v1, kind: AttestationPolicy, metadata: {{name: t}}, \
         spec: {{images: [{{glob: '**'}}], require: [{{signers: [{{key: \"{pem}\"}}], agent: {{ids: [\"squad/*\"]}}}}]}}}}"
    )
}

#[test]
fn a_checkout_becomes_a_signed_bundle_and_a_policy_decides_on_the_folder_of_it() {
    let repo = Repo::new();
    repo.write("app", "an application\n");
    let env = repo.env();
    let key = Arc::new(LocalKey::generate(KeyAlgorithm::Ed25519).unwrap());
    let pem = key.public_key().to_pem();
    let policies = [verify_registry::policy(&policy_of(&key)).unwrap()];
    let files = ["app".to_owned()];
    let build = capture_and_sign::Build { env: &env, files: &files, key, now: now() };
    let made = block_on(capture_and_sign::attest(&build, "squad/builder")).unwrap();
    assert!(made.failed.is_none() && made.kept.is_empty());
    let bundle = std::fs::read(made.output.unwrap()).unwrap();
    // With the key alone.
    let verify = |file: &[u8], bundle: &[u8]| verify_offline::verify(file, bundle, pem.as_bytes(), now());
    let proven = verify(b"an application\n", &bundle).unwrap();
    assert!(
        proven.statement().predicate_text().contains(r#""id":"squad/builder""#),
        "{}",
        proven.statement().predicate_text()
    );
    assert!(verify(b"another application\n", &bundle).is_err());
    let bent = String::from_utf8(bundle.clone()).unwrap().replacen("\"sig\":\"", "\"sig\":\"AAAA", 1);
    assert!(verify(b"an application\n", bent.as_bytes()).is_err());
    // From a policy and a folder of bundles to a decision.
    let folder = repo.outside().join("bundles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("one.jsonl"), bundle).unwrap();
    let decide = |content: &[u8]| {
        let artifact = Artifact::new("app", "file:app", Digest::sha256(content));
        let target = Target::with_files(artifact, [FileEvidence::new(&folder)]);
        block_on(check(target, Given::new(&policies, &[], now()), &Endless)).verdict
    };
    assert_eq!(decide(b"an application\n"), Verdict::Allow);
    assert_eq!(decide(b"another application\n"), Verdict::Deny);
}

#[test]
fn a_signer_of_ones_own_signs_once_and_what_it_signed_verifies() {
    let signer = own_signer::Counting::new().unwrap();
    let (key, count) = (signer.public_key(), signer.count.clone());
    let statement = Claim::about(&Digest::sha256(b"x")).to_bytes();
    let bundle = block_on(own_signer::sign(statement, signer, &now)).unwrap();
    assert_eq!(count.load(Ordering::Relaxed), 1);
    let verify = |file: &[u8]| verify_offline::verify(file, &bundle, key.to_pem().as_bytes(), now()).is_ok();
    assert!(verify(b"x") && !verify(b"y"));
    let refused = block_on(own_signer::sign(b"{}".to_vec(), own_signer::Counting::new().unwrap(), &now));
    assert!(refused.unwrap_err().to_string().contains("statement"));
}

#[test]
fn an_image_of_a_registry_is_decided_on_by_a_policy() {
    let (key, image, registry) =
        (LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap(), Image::of(b"a layer"), Memory::new("r.example/app"));
    image.push(&registry);
    let mut claim = Claim::about(&image.digest());
    claim.agent = Some("squad/builder".into());
    let bundle = attest::testing::world::sign(&key, &claim.to_bytes()).unwrap();
    attach(&registry, &image.digest(), &bundle).unwrap();
    let decide = |signer: &LocalKey, now: Timestamp| {
        let reference = Reference::parse(&format!("r.example/app@{}", image.digest())).unwrap();
        let policies = [verify_registry::policy(&policy_of(signer)).unwrap()];
        block_on(verify_registry::decide(&reference, &registry, &policies, now)).unwrap()
    };
    assert_eq!(decide(&key, now()).0, Verdict::Allow);
    let stranger = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    assert_eq!(decide(&stranger, now()).0, Verdict::Deny);
}

#[test]
fn a_store_of_ones_own_keeps_what_is_attached_and_is_not_trusted() {
    let (key, image) = (LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap(), Image::of(b"a layer"));
    let folder = tempfile::tempdir().unwrap();
    let shelf = own_registry::Shelf::new(folder.path());
    image.push(&shelf);
    let mut claim = Claim::about(&image.digest());
    claim.agent = Some("squad/builder".into());
    let bundle = attest::testing::world::sign(&key, &claim.to_bytes()).unwrap();
    let decide = |signer: &LocalKey| {
        let policies = [verify_registry::policy(&policy_of(signer)).unwrap()];
        block_on(own_registry::attach_and_decide(&shelf, image.digest(), &bundle, &policies, now()))
    };
    assert_eq!(decide(&key).unwrap(), Verdict::Allow);
    assert_eq!(decide(&LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap()).unwrap(), Verdict::Deny);
    // It serves other bytes than those that were asked for.
    std::fs::write(folder.path().join("content").join(image.digest().hex()), b"{}").unwrap();
    assert!(decide(&key).unwrap_err().to_string().contains("expected sha256:"));
}

#[test]
fn bundles_in_memory_are_decided_on_by_a_policy_that_is_built() {
    let key = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let mut claim = Claim::about(&Digest::sha256(b"x"));
    claim.agent = Some("squad/builder".into());
    let bundle = attest::testing::world::sign(&key, &claim.to_bytes()).unwrap();
    let decide = |file: &[u8], bundles: &[u8], agent: &str| {
        let key = key.public_key().clone();
        block_on(decide_in_process::decide(file, bundles.to_vec(), key, agent, now())).unwrap()
    };
    assert_eq!(decide(b"x", &bundle, "squad/*"), Verdict::Allow);
    assert_eq!(decide(b"y", &bundle, "squad/*"), Verdict::Deny);
    assert_eq!(decide(b"x", &bundle, "other/*"), Verdict::Deny);
    assert_eq!(decide(b"x", b"", "squad/*"), Verdict::Deny);
}
