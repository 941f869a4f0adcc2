//! What the routes cost, counted where the work is done: a statement is read once, and each signature, timestamp and
//! checkpoint is checked once, however many subjects there are.

use crate::examples::capture_and_sign::{self, Build};
use crate::repo::Repo;
use attest::LocalKey;
use attest::cli;
use attest::model::work::{Watch, Work};
use attest::testing::world::{block_on, now};
use attest::testing::{Holder, Instance};
use attest::trust::KeyAlgorithm;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const WHO: &str = "https://ci.acme.example/main";
const ISSUER: &str = "https://id.acme.example";

/// How often a bundle's statement was read, and its signature, its timestamp and its checkpoint were checked.
fn work(watch: &Watch, bundle: &Value) -> [usize; 4] {
    let decoded = |value: &Value| STANDARD.decode(value.as_str().unwrap_or_default()).unwrap();
    let envelope = &bundle["dsseEnvelope"];
    let material = &bundle["verificationMaterial"];
    let stamp = &material["timestampVerificationData"]["rfc3161Timestamps"][0]["signedTimestamp"];
    let note = material["tlogEntries"][0]["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap_or_default();
    let signed = note.split_once("\n\n").map_or(String::new(), |(text, _)| format!("{text}\n"));
    [
        watch.count(Work::Statement, &decoded(&envelope["payload"])),
        watch.count(Work::Signature, &decoded(&envelope["signatures"][0]["sig"])),
        watch.count(Work::Timestamp, &decoded(stamp)),
        watch.count(Work::Checkpoint, signed.as_bytes()),
    ]
}

/// Another statement each time: what one test does to its own counts for no other.
fn statement(file: &[u8]) -> Vec<u8> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let (digest, number) = (attest::Digest::sha256(file), NUMBER.fetch_add(1, Ordering::Relaxed));
    let predicate = json!({
        "buildDefinition": { "buildType": "https://ci.acme.example/build/v1", "externalParameters": { "run": number } },
        "runDetails": { "builder": { "id": WHO } },
    });
    let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
        "subject": [{ "name": "file", "digest": { "sha256": digest.hex() } }], "predicate": predicate });
    statement.to_string().into_bytes()
}

/// Exit code and work of a command about a bundle that lies beside its file.
fn command(root: &Value, bundle: &Value, arguments: &dyn Fn(&Path) -> Vec<String>) -> (u8, [usize; 4]) {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("file", b"content");
    write("root.json", root.to_string().as_bytes());
    write("bundle.json", bundle.to_string().as_bytes());
    let arguments = arguments(folder.path());
    let watch = Watch::begin();
    let answer = cli::answer(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    (answer.exit, work(&watch, bundle))
}

fn verify(folder: &Path) -> Vec<String> {
    let path = |name: &str| folder.join(name).display().to_string();
    let (file, bundle, root) = (path("file"), path("bundle.json"), path("root.json"));
    let all = ["verify", &file, "--bundle", &bundle, "--trusted-root", &root, "--certificate-identity", WHO];
    all.into_iter().chain(["--certificate-oidc-issuer", ISSUER]).map(str::to_owned).collect()
}

fn inspect(folder: &Path) -> Vec<String> {
    vec!["inspect".into(), folder.join("bundle.json").display().to_string()]
}

/// Bundles of an instance: Rekor v1; Rekor v2 with a timestamp.
fn bundles() -> (Value, [Value; 2]) {
    let instance = Instance::new("acme", 1).with_tile_logs(1).with_stamps(1);
    let holder = Holder::new(WHO, ISSUER);
    let one = instance.sign(&holder, &statement(b"content"));
    let mut two = instance.sign_alone(&holder, &statement(b"content"));
    instance.log_in_tiles(&mut two, 0, None);
    instance.stamp(&mut two, 0, attest::testing::sigstore::SIGNED_AT);
    (instance.root(), [one, two])
}

#[test]
fn verify_reads_a_statement_once_and_checks_each_thing_once() {
    let (root, [one, two]) = bundles();
    assert_eq!(command(&root, &one, &verify), (0, [1, 1, 0, 1]));
    assert_eq!(command(&root, &two, &verify), (0, [1, 1, 1, 1]));
}

#[test]
fn a_verification_that_denies_costs_no_more_than_one_that_allows() {
    let (root, [one, two]) = bundles();
    let other_name = |folder: &Path| -> Vec<String> {
        verify(folder).into_iter().map(|a| if a == WHO { format!("{WHO}/other") } else { a }).collect()
    };
    let other_file = |folder: &Path| {
        std::fs::write(folder.join("file"), b"other content").unwrap();
        verify(folder)
    };
    assert_eq!(command(&root, &one, &other_name), (1, [1, 1, 0, 1]));
    assert_eq!(command(&root, &two, &other_name), (1, [1, 1, 1, 1]));
    let (root, [one, two]) = bundles();
    // Of another file nothing but what it is about is asked.
    assert_eq!(command(&root, &one, &other_file), (1, [1, 0, 0, 0]));
    assert_eq!(command(&root, &two, &other_file), (1, [1, 0, 0, 0]));
    let (_, [one, two]) = bundles();
    let foreign = Instance::new("other", 1).with_tile_logs(1).with_stamps(1).root();
    assert_eq!(command(&foreign, &one, &verify), (1, [1, 0, 0, 0]));
    assert_eq!(command(&foreign, &two, &verify), (1, [1, 0, 0, 0]));
}

/// Ours is the check that says whether a key is trusted; the library's, which finds out what a log says of a signature, cannot be
/// told to leave the signature out.
#[test]
fn beside_a_key_a_log_entry_costs_one_more_check_of_the_signature() {
    let (instance, key) = (Instance::new("acme", 1), LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap());
    let plain = |bundle: &Value| {
        let mut plain = bundle.clone();
        plain["verificationMaterial"].as_object_mut().unwrap().remove("tlogEntries");
        plain
    };
    let by_key = |folder: &Path| -> Vec<String> {
        std::fs::write(folder.join("key.pub"), key.public_key().to_pem()).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let (file, bundle, root, key) = (path("file"), path("bundle.json"), path("root.json"), path("key.pub"));
        ["verify", &file, "--bundle", &bundle, "--trusted-root", &root, "--key", &key].map(str::to_owned).to_vec()
    };
    let logged = instance.sign_with_key(&key, &statement(b"content"));
    assert_eq!(command(&instance.root(), &logged, &by_key), (0, [1, 2, 0, 1]));
    let alone = plain(&instance.sign_with_key(&key, &statement(b"content")));
    assert_eq!(command(&instance.root(), &alone, &by_key), (0, [1, 1, 0, 0]));
}

#[test]
fn inspect_reads_a_statement_once_and_checks_nothing() {
    let (root, [one, _]) = bundles();
    assert_eq!(command(&root, &one, &inspect), (0, [1, 0, 0, 0]));
}

#[test]
fn create_reads_its_statement_once_and_checks_one_signature_for_one_subject_and_for_1024() {
    let repo = Repo::new();
    for n in 0..1024 {
        repo.write(&format!("out/{n}"), format!("{n}\n"));
    }
    let env = repo.env();
    let create = |count: usize| {
        let key = Arc::new(LocalKey::generate(KeyAlgorithm::Ed25519).unwrap());
        let files: Vec<_> = (0..count).map(|n| format!("out/{n}")).collect();
        let build = Build { env: &env, files: &files, key, now: now() };
        let watch = Watch::begin();
        let made = block_on(capture_and_sign::attest(&build, "squad/builder")).unwrap();
        assert!(made.failed.is_none(), "{:?}", made.failed);
        let bundle: Value =
            serde_json::from_slice(&std::fs::read(env.working_dir.join(made.output.unwrap())).unwrap()).unwrap();
        let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
        let statement: Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(statement["subject"].as_array().unwrap().len(), count);
        work(&watch, &bundle)
    };
    assert_eq!(create(1), [1, 1, 0, 0]);
    assert_eq!(create(1024), [1, 1, 0, 0]);
}
