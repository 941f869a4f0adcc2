//! Verification of one keyed bundle in this process, beside what no verifier can go below.
//!
//! ```text
//! cargo bench --bench verify
//! ```
//!
//! `ecdsa_alone` is the floor: the same provider checks the same signature over the same bytes, with the same key, in
//! the same run. What `verify` takes more is reading: JSON, base64, hashing the evidence, binding the subject.
//! `certificate` is a keyless bundle: a certificate, its log's word, a log entry with proof, checkpoint and promise, and
//! the signature; `first_certificate` also prepares the root, as a process does once. Its floor and both cores are
//! measured by `keyless.rs`.
//! `verify` is measured with the statement of an ordinary build (its argument is the number of dependencies), which is
//! what reading costs.

use attest::model::envelope::{self, IN_TOTO};
use attest::model::{Artifact, Bundle, Digest, Envelope, EnvelopeSignature, Statement, Timestamp};
use attest::sign::LocalKey;
use attest::testing::{Holder, Instance};
use attest::trust::{KeyAlgorithm, PublicKey, TrustMaterial, TrustedRoot};
use attest::verify::Verifier;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use divan::{Bencher, black_box};
use serde_json::json;

fn main() {
    divan::main();
}

const DEPENDENCIES: [usize; 3] = [1, 100, 2000];

struct Case {
    artifact: Artifact,
    trust: TrustMaterial,
    key: PublicKey,
    pae: Vec<u8>,
    signature: Vec<u8>,
    payload: Vec<u8>,
    evidence: Vec<u8>,
}

fn case(dependencies: usize) -> Case {
    let digest = Digest::sha256(b"artifact");
    let artifact = Artifact::new("ghcr.io/acme/app", "ghcr.io/acme/app", digest.clone());
    let dependency = |n: usize| json!({ "uri": format!("pkg:cargo/crate-{n}@1.{n}.0"), "digest": { "sha256": Digest::sha256(&n.to_le_bytes()).hex() } });
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "ghcr.io/acme/app", "digest": { "sha256": digest.hex() } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://ci.acme.example/build/v1",
                "externalParameters": { "task": "acme/app#7" },
                "resolvedDependencies": (0..dependencies).map(dependency).collect::<Vec<_>>(),
            },
            "runDetails": { "builder": { "id": "https://ci.acme.example/main" } },
        },
    });
    let payload = payload.to_string().into_bytes();
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).expect("a key");
    let pae = envelope::pae(IN_TOTO, &payload);
    let signature = key.sign_bytes(&pae).expect("a signature");
    let sig = EnvelopeSignature { sig: signature.clone(), keyid: String::new() };
    let bundle = Bundle::keyed(Envelope::new(IN_TOTO, payload.clone(), sig), key.public_key().hint());
    let key = key.public_key().clone();
    let trust = TrustMaterial::of_keys([key.clone()]);
    Case { artifact, trust, key, pae, signature, payload, evidence: bundle.to_bytes() }
}

/// The whole way from the bytes of a bundle to a verified statement.
#[divan::bench(args = DEPENDENCIES)]
fn verify(bencher: Bencher<'_, '_>, dependencies: usize) {
    let case = case(dependencies);
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    let verifier = Verifier::new(&case.trust, now);
    bencher.bench_local(|| verifier.verify(black_box(&case.evidence), &case.artifact).expect("verified"));
}

fn keyless() -> (serde_json::Value, Vec<u8>, Artifact) {
    let instance = Instance::new("acme", 1);
    let holder = Holder::new("https://ci.acme.example/main", "https://id.acme.example");
    let case = case(100);
    (instance.root(), instance.sign(&holder, &case.payload).to_string().into_bytes(), case.artifact)
}

fn prepared(root: &serde_json::Value) -> TrustMaterial {
    let roots = TrustedRoot::parse(root.to_string().as_bytes(), "bench").expect("a root");
    TrustMaterial::default().with_roots(&roots)
}

/// A bundle signed with a certificate, against a root that is prepared.
#[divan::bench]
fn certificate(bencher: Bencher<'_, '_>) {
    let (root, evidence, artifact) = keyless();
    let trust = prepared(&root);
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    let verifier = Verifier::new(&trust, now);
    bencher.bench_local(|| verifier.verify(black_box(&evidence), &artifact).expect("verified"));
}

/// The same with a root that is not.
#[divan::bench]
fn first_certificate(bencher: Bencher<'_, '_>) {
    let (root, evidence, artifact) = keyless();
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    bencher.bench_local(|| {
        let trust = prepared(&root);
        Verifier::new(&trust, now).verify(black_box(&evidence), &artifact).expect("verified")
    });
}

/// The floor: one signature over the same bytes.
#[divan::bench(args = DEPENDENCIES)]
fn ecdsa_alone(bencher: Bencher<'_, '_>, dependencies: usize) {
    let case = case(dependencies);
    bencher.bench_local(|| {
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, case.key.raw())
            .verify(black_box(&case.pae), &case.signature)
            .expect("verified");
    });
}

/// Reading the bundle: where the rest of the time goes, first part.
#[divan::bench(args = DEPENDENCIES)]
fn read_bundle(bencher: Bencher<'_, '_>, dependencies: usize) {
    let case = case(dependencies);
    bencher.bench_local(|| Bundle::parse(black_box(&case.evidence)).expect("a bundle"));
}

/// Reading the statement: second part.
#[divan::bench(args = DEPENDENCIES)]
fn read_statement(bencher: Bencher<'_, '_>, dependencies: usize) {
    let case = case(dependencies);
    bencher.bench_local(|| Statement::parse(black_box(&case.payload)).expect("a statement"));
}
