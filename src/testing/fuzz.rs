//! Every reader of untrusted bytes, each with good input to start from and the property that must hold for any input.
//!
//! `tests/verification/hostile_bytes.rs` runs all of them on every `cargo test`, with mutations from a fixed seed; `fuzz/` runs them
//! under libFuzzer. A new reader is a function, a row in [`READERS`], and `fuzz/fuzz_targets/NAME.rs` with its `[[bin]]`
//! in `fuzz/Cargo.toml`; a test keeps the two in step.
//!
//! That a reader returns an error is fine; that it panics, hangs, or breaks its property is the defect.

use super::fuzz_charter;
use super::fuzz_locks as locks;
#[cfg(feature = "cli")]
use super::fuzz_log;
#[cfg(feature = "cli")]
use super::fuzz_review;
use super::fuzz_run;
use super::fuzz_sign;
use super::sigstore::{Holder, Instance, SIGNED_AT};
use crate::model::bundle::BundleVersion;
use crate::model::json::{self, Field};
use crate::model::oci::{self, Manifest};
use crate::model::{
    Artifact, Bundle, Digest, DigestSet, Envelope, EnvelopeSignature, Reference, Statement, Timestamp, envelope, limits,
};
use crate::predicate::{Approval, Provenance};
use crate::trust::{PublicKey, TrustMaterial, TrustedRoot};
use crate::verify::{Signer, Verifier, certificate_names};
use crate::{capture, policy, sign};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;
use std::path::Path;
use std::sync::LazyLock;

/// One reader of untrusted bytes.
#[derive(Clone, Copy)]
pub struct Reader {
    /// Its name, which is also its fuzz target's.
    pub name: &'static str,
    /// Good inputs.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Reads `bytes` and panics if a property does not hold. Returns whether they were accepted.
    pub read: fn(bytes: &[u8]) -> bool,
}

/// All of them.
pub const READERS: &[Reader] = &[
    #[cfg(feature = "cli")]
    Reader { name: "audit_hook", seeds: fuzz_log::hooked, read: fuzz_log::read_hooked },
    #[cfg(feature = "cli")]
    Reader { name: "audit_journal", seeds: fuzz_log::journals, read: fuzz_log::read_journal },
    #[cfg(feature = "cli")]
    Reader { name: "audit_record", seeds: fuzz_log::records, read: fuzz_log::read_record },
    #[cfg(feature = "cli")]
    Reader { name: "audit_source", seeds: fuzz_log::taken_in, read: fuzz_log::read_source },
    Reader { name: "bundle", seeds: || vec![bundle().to_bytes()], read: read_bundle },
    Reader { name: "certificate", seeds: || vec![KEYLESS.certificate.clone()], read: read_certificate },
    Reader { name: "charter_issue", seeds: fuzz_charter::answers, read: fuzz_charter::read_answer },
    Reader { name: "charter_snapshot", seeds: fuzz_charter::snapshots, read: fuzz_charter::read_snapshot },
    Reader { name: "charter_url", seeds: fuzz_charter::urls, read: fuzz_charter::read_url },
    Reader { name: "checksums", seeds: checksums, read: read_checksums },
    Reader { name: "digest_set", seeds: digest_sets, read: read_digest_set },
    Reader { name: "envelope", seeds: || vec![signed().to_json().to_string().into_bytes()], read: read_envelope },
    Reader { name: "evidence", seeds: evidence, read: read_evidence },
    Reader { name: "identity_token", seeds: fuzz_sign::tokens, read: fuzz_sign::read_token },
    Reader { name: "issuer", seeds: fuzz_sign::configurations, read: fuzz_sign::read_configuration },
    Reader { name: "keyless", seeds: || vec![KEYLESS.bundle.clone()], read: read_keyless },
    Reader { name: "lock_cargo", seeds: || vec![locks::CARGO.into()], read: |b| locks::read("Cargo.lock", b) },
    Reader { name: "lock_flake", seeds: || vec![locks::FLAKE.into()], read: |b| locks::read("flake.lock", b) },
    Reader { name: "lock_npm", seeds: || vec![locks::NPM.into()], read: |b| locks::read("package-lock.json", b) },
    Reader { name: "lock_uv", seeds: || vec![locks::UV.into()], read: |b| locks::read("uv.lock", b) },
    #[cfg(feature = "cli")]
    Reader { name: "log_note", seeds: fuzz_log::notes, read: fuzz_log::read_note },
    #[cfg(feature = "cli")]
    Reader { name: "log_policy", seeds: fuzz_log::policies, read: fuzz_log::read_policy },
    #[cfg(feature = "cli")]
    Reader { name: "log_proof", seeds: fuzz_log::proofs, read: fuzz_log::read_proof },
    #[cfg(feature = "cli")]
    Reader { name: "log_tile", seeds: fuzz_log::tiles, read: fuzz_log::read_tile },
    #[cfg(feature = "cli")]
    Reader { name: "audit_bucket", seeds: fuzz_log::answers, read: crate::audit::replica::reads_answer },
    #[cfg(feature = "cli")]
    Reader { name: "log_witness", seeds: fuzz_log::requests, read: fuzz_log::read_request },
    #[cfg(feature = "cli")]
    Reader { name: "review", seeds: fuzz_review::reviews, read: fuzz_review::read_review },
    Reader { name: "login_callback", seeds: fuzz_sign::callbacks, read: fuzz_sign::read_callback },
    Reader { name: "login_device", seeds: fuzz_sign::devices, read: fuzz_sign::read_device },
    Reader { name: "manifest", seeds: manifests, read: read_manifest },
    Reader { name: "policy", seeds: || vec![POLICY.replace("KEY", &escaped_key()).into_bytes()], read: read_policy },
    Reader { name: "private_key", seeds: private_keys, read: read_private_key },
    Reader { name: "public_key", seeds: || vec![key().public_key().to_pem().into_bytes()], read: read_public_key },
    Reader { name: "reference", seeds: references, read: read_reference },
    Reader { name: "remote", seeds: remotes, read: read_remote },
    Reader { name: "run", seeds: fuzz_run::layouts, read: fuzz_run::read },
    Reader { name: "signing_config", seeds: fuzz_sign::signing_configs, read: fuzz_sign::read_signing_config },
    Reader { name: "statement", seeds: || vec![statement().to_bytes(), approval()], read: read_statement },
    Reader { name: "timestamp", seeds: || vec![b"2026-01-31T00:00:00.5+01:00".to_vec()], read: read_timestamp },
    Reader { name: "trail", seeds: trails, read: read_trail },
    Reader { name: "trusted_root", seeds: || vec![KEYLESS.root.clone()], read: read_trusted_root },
];

/// Runs one reader: what a fuzz target calls.
///
/// # Panics
/// When there is no reader of that name, or the reader has a defect.
pub fn run(name: &str, bytes: &[u8]) {
    let reader = READERS.iter().find(|r| r.name == name).expect("a reader of that name");
    (reader.read)(bytes);
}

fn read_bundle(bytes: &[u8]) -> bool {
    let Ok(read) = Bundle::parse(bytes) else { return false };
    // Older versions are read and not written.
    if read.version() == BundleVersion::V03 {
        assert_eq!(Bundle::parse(&read.to_bytes()).as_ref(), Ok(&read), "a bundle changes when it is written");
    }
    true
}

fn read_envelope(bytes: &[u8]) -> bool {
    let Ok(read) = Envelope::parse(bytes) else { return false };
    assert_eq!(Envelope::parse(read.to_json().to_string().as_bytes()).as_ref(), Ok(&read));
    assert!((1..=limits::SIGNATURES).contains(&read.signatures().len()));
    true
}

fn read_statement(bytes: &[u8]) -> bool {
    let Ok(read) = Statement::parse(bytes) else { return false };
    let written = read.to_bytes();
    let again = Statement::parse(&written).expect("what is written is read");
    assert_eq!(again.subjects(), read.subjects());
    if let Ok(approval) = read.predicate().and_then(|p| Approval::from_json(&p)) {
        Approval::from_json(&approval.to_json()).expect("what is written is read");
    }
    if let Ok(provenance) = read.predicate().and_then(|p| Provenance::from_json(&p)) {
        Provenance::from_json(&provenance.to_json()).expect("what is written is read");
        let _ = (provenance.source(), provenance.charter_digest(), provenance.model());
    }
    true
}

/// Whatever is done to evidence, what is verified is what was signed.
fn read_evidence(bytes: &[u8]) -> bool {
    let trust = TrustMaterial::of_keys([key().public_key().clone()]);
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    let artifact = artifact();
    let Ok(verified) = Verifier::new(&trust, now).verify(bytes, &artifact) else { return false };
    assert_eq!(verified.payload(), statement().to_bytes(), "verified, and not what was signed");
    true
}

/// A bundle signed with a certificate, its root and what it says.
struct Keyless {
    root: Vec<u8>,
    bundle: Vec<u8>,
    certificate: Vec<u8>,
    trust: TrustMaterial,
}

static KEYLESS: LazyLock<Keyless> = LazyLock::new(|| {
    // Fixed keys, so that what one process wrote as a seed verifies in another.
    let (authority, certificate_log, log) = (p256(1), p256(2), p256(3));
    let instance = Instance { authority, certificate_log, logs: vec![log], ..Instance::new("acme", 0) };
    let holder =
        Holder::new("https://ci.acme.example/main", "https://id.acme.example").claiming(12, "https://git.example/a");
    let root = instance.root().to_string().into_bytes();
    Keyless {
        bundle: instance.sign(&holder, &statement().to_bytes()).to_string().into_bytes(),
        certificate: instance.certify(&holder, &key()),
        trust: TrustMaterial::default().with_roots(&TrustedRoot::parse(&root, "fuzz").expect("a root")),
        root,
    }
});

/// Whatever is done to keyless evidence, what is verified is what was signed, by whoever signed it.
fn read_keyless(bytes: &[u8]) -> bool {
    let now = Timestamp::from_unix(1_800_000_000).expect("a time");
    let verifier = Verifier::new(&KEYLESS.trust, now);
    let Ok(verified) = verifier.verify(bytes, &artifact()) else { return false };
    assert_eq!(verified.payload(), statement().to_bytes(), "verified, and not what was signed");
    let signers: Vec<_> = verified.signers().iter().map(Signer::describe).collect();
    assert_eq!(signers, ["https://ci.acme.example/main (issuer https://id.acme.example)"]);
    assert_eq!(verified.existed_at().unix(), SIGNED_AT);
    true
}

fn read_certificate(bytes: &[u8]) -> bool {
    // Signed once: the certificate is what is read.
    static ENVELOPE: LazyLock<serde_json::Value> = LazyLock::new(|| signed().to_json());
    let material = json!({ "certificate": { "rawBytes": STANDARD.encode(bytes) } });
    let bundle = json!({ "mediaType": crate::model::bundle::MEDIA_TYPE, "verificationMaterial": material, "dsseEnvelope": *ENVELOPE });
    let Ok(bundle) = Bundle::parse(bundle.to_string().as_bytes()) else { return false };
    certificate_names(&bundle).is_some_and(|(identity, _)| {
        assert!(!identity.is_empty());
        true
    })
}

fn read_trusted_root(bytes: &[u8]) -> bool {
    TrustedRoot::parse(bytes, "fuzz").is_ok_and(|roots| {
        assert!((1..=limits::ROOTS).contains(&roots.len()));
        assert!(roots.iter().all(|r| r.authorities().is_ok()), "a root is prepared when it is read");
        true
    })
}

fn read_manifest(bytes: &[u8]) -> bool {
    Manifest::parse(bytes, oci::IMAGE_MANIFEST).is_ok_and(|m| {
        assert!(m.layers.is_empty() || m.manifests.is_empty(), "both manifest and index");
        true
    })
}

fn read_digest_set(bytes: &[u8]) -> bool {
    let Ok(value) = json::parse(bytes, limits::KEY_BYTES) else { return false };
    let Ok(read) = DigestSet::from_json(&Field::root("digest", &value)) else { return false };
    let written = read.to_json();
    assert_eq!(DigestSet::from_json(&Field::root("digest", &written)).as_ref(), Ok(&read));
    for digest in read.strong() {
        assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
    }
    true
}

fn read_reference(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Ok(read) = Reference::parse(text) else { return false };
    assert_eq!(Reference::parse(&read.to_string()).as_ref(), Ok(&read), "a reference changes when it is written");
    assert!(!read.repository().split('/').any(|p| p.is_empty() || p == "." || p == ".."));
    true
}

fn read_timestamp(bytes: &[u8]) -> bool {
    let Some(read) = std::str::from_utf8(bytes).ok().and_then(|t| Timestamp::parse(t).ok()) else { return false };
    let _ = (read.unix(), read.to_string());
    true
}

fn read_public_key(bytes: &[u8]) -> bool {
    let Ok(read) = PublicKey::from_pem(bytes) else { return false };
    assert_eq!(PublicKey::from_pem(read.to_pem().as_bytes()).as_ref(), Ok(&read));
    assert_eq!(PublicKey::from_der(read.spki()).as_ref(), Ok(&read));
    true
}

/// No password: encrypted keys are read up to the point where one would be derived from.
fn read_private_key(bytes: &[u8]) -> bool {
    match sign::read_private_key("k", bytes, &sign::NoPassword) {
        Ok(key) => {
            let again = sign::LocalKey::from_pkcs8("k", &key.to_pkcs8().expect("an own key")).expect("an own key");
            assert_eq!(again.public_key(), key.public_key());
            true
        }
        Err(e) => matches!(e, sign::SignError::PasswordNeeded { .. }),
    }
}

fn read_policy(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let load = |path: &str| match path {
        "prod.pub" => Ok(key().public_key().clone()),
        _ => Err("not there".to_owned()),
    };
    policy::parse(text, "policy.yaml", &load).is_ok_and(|p| {
        assert!(!p.requirements.is_empty() && p.requirements.iter().all(|r| !r.signers.is_empty()), "demands nothing");
        let _ = p.matches("ghcr.io/acme/app");
        true
    })
}

fn read_checksums(bytes: &[u8]) -> bool {
    let Ok(capture::Checksums { subjects, .. }) = capture::from_checksums("SHA256SUMS", bytes) else { return false };
    assert!(!subjects.is_empty() && subjects.iter().all(|s| s.digest().strong().next().is_some()), "nothing binds");
    true
}

/// Nothing of a remote that could be a credential stays.
fn read_remote(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let Some(url) = capture::normalise_remote(text, Path::new("/src/app")) else { return false };
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let authority = rest.split('/').next().unwrap_or_default();
    assert!(scheme == "file" || !authority.contains('@'), "{text:?} became {url:?}");
    assert!(!url.contains(char::is_control), "{text:?} became {url:?}");
    true
}

/// Of a trail only words and numbers are repeated.
fn read_trail(bytes: &[u8]) -> bool {
    let all = capture::read_trails(bytes);
    for value in all.iter().flat_map(|(_, found)| found.values()) {
        let texts = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
        for text in texts.iter().filter_map(|t| t.as_str()) {
            assert!(text.len() <= 64 && !text.contains(char::is_whitespace), "{text:?} is no word");
        }
    }
    all.iter().any(|(_, found)| found.contains_key("schemaVersion") || found.contains_key("versions"))
}

/// An Ed25519 key from a fixed seed, so that every run starts from the same bytes. It guards nothing.
pub(super) fn key() -> sign::LocalKey {
    // RFC 8410 section 7: version 0, id-Ed25519, an OCTET STRING in an OCTET STRING.
    let mut der = vec![0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    der.extend([7; 32]);
    sign::LocalKey::from_pkcs8("k", &der).expect("a key")
}

/// A P-256 key from a fixed seed, for the same reason. It guards nothing either.
fn p256(seed: u8) -> sign::LocalKey {
    // The same with id-ecPublicKey, prime256v1, and RFC 5915 section 3 in the OCTET STRING.
    let mut der = vec![0x30, 0x41, 2, 1, 0, 0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
    der.extend([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7, 4, 0x27, 0x30, 0x25, 2, 1, 1, 4, 0x20]);
    der.extend([seed; 32]);
    sign::LocalKey::from_pkcs8("k", &der).expect("a key")
}

fn escaped_key() -> String {
    key().public_key().to_pem().replace('\n', "\\n")
}

pub(super) fn artifact() -> Artifact {
    Artifact::new("ghcr.io/acme/app", "ghcr.io/acme/app", Digest::sha256(b"artifact"))
}

fn approval() -> Vec<u8> {
    let text = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "commit", "digest": {
            "gitCommit": "0123456789012345678901234567890123456789",
            "sha256": "0123456789012345678901234567890123456789012345678901234567890123",
        } }],
        "predicateType": "https://agent-attest.github.io/approval/v1",
        "predicate": {
            "target": { "kind": "commit", "uri": "git+https://github.com/acme/app" }, "decision": "approved",
            "approver": { "id": "github:1" }, "approvedAt": "2026-01-31T00:00:00Z", "comment": "read",
        },
    });
    text.to_string().into_bytes()
}

pub(super) fn statement() -> Statement {
    let text = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{ "name": "app", "digest": artifact().digests.to_json(), "annotations": { "a": [1, -1, null] } }],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "https://ci.acme.example/build/v1",
                "externalParameters": { "task": "acme/app#7", "n": 9_007_199_254_740_993_u64 },
                "internalParameters": {},
                "resolvedDependencies": [{
                    "uri": "git+https://github.com/acme/app@refs/heads/main",
                    "digest": { "gitCommit": "0123456789012345678901234567890123456789" },
                }],
            },
            "runDetails": {
                "builder": { "id": "https://ci.acme.example/main", "version": { "agent": "1" } },
                "metadata": { "invocationId": "1", "startedOn": "2026-01-31T00:00:00Z" },
                "byproducts": [],
            },
        },
    });
    Statement::parse(text.to_string().as_bytes()).expect("a statement")
}

fn signed() -> Envelope {
    let payload = statement().to_bytes();
    let sig = key().sign_bytes(&envelope::pae(envelope::IN_TOTO, &payload)).expect("a signature");
    Envelope::new(envelope::IN_TOTO, payload, EnvelopeSignature { sig, keyid: "k".into() })
}

fn bundle() -> Bundle {
    Bundle::keyed(signed(), key().public_key().hint()).with_timestamp(vec![0x30, 0]).with_log_entry(json!({
        "logIndex": "1", "logId": { "keyId": "AA==" }, "inclusionProof": { "hashes": [] },
    }))
}

fn evidence() -> Vec<Vec<u8>> {
    vec![bundle().to_bytes(), signed().to_json().to_string().into_bytes()]
}

fn manifests() -> Vec<Vec<u8>> {
    let descriptor = |kind: &str| oci::Descriptor::of(kind, b"{}").to_json();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": oci::IMAGE_MANIFEST, "artifactType": "application/x",
        "config": descriptor(oci::EMPTY), "layers": [descriptor("application/x")],
        "subject": descriptor(oci::IMAGE_MANIFEST), "annotations": { "a": "b" },
    });
    let mut child = descriptor(oci::IMAGE_MANIFEST);
    child["platform"] = json!({ "os": "linux", "architecture": "arm", "variant": "v7" });
    let index = json!({ "schemaVersion": 2, "mediaType": oci::IMAGE_INDEX, "manifests": [child] });
    [manifest, index].iter().map(|m| m.to_string().into_bytes()).collect()
}

fn digest_sets() -> Vec<Vec<u8>> {
    let sets = [
        json!({ "sha256": "0".repeat(64), "sha512": "a".repeat(128) }),
        json!({ "gitCommit": "0".repeat(40), "goModuleH1": "h1:abc=" }),
    ];
    sets.iter().map(|s| s.to_string().into_bytes()).collect()
}

fn references() -> Vec<Vec<u8>> {
    let digest = Digest::sha256(b"");
    ["nginx", "127.0.0.1:5000/a/b:t", &format!("ghcr.io/acme/app:v1@{digest}"), "[::1]:5000/a", "index.docker.io/a/b"]
        .iter()
        .map(|r| r.as_bytes().to_vec())
        .collect()
}

fn remotes() -> Vec<Vec<u8>> {
    [
        "https://user:secret@github.com/acme/app.git",
        "git@github.com:acme/app.git",
        "ssh://git@git.example:2222/acme/app",
        "../other",
    ]
    .iter()
    .map(|r| r.as_bytes().to_vec())
    .collect()
}

fn checksums() -> Vec<Vec<u8>> {
    let digest = Digest::sha256(b"");
    let text = format!("{0}  a b\n{0} *c\nSHA256 (d) = {0}\n\\{0}  e\\nf\n", digest.hex());
    vec![text.into_bytes()]
}

fn trails() -> Vec<Vec<u8>> {
    let note = "a.rs\n  s_00000000000000::t_00000000000000 1-4,9\n---\n{\"schema_version\":\"authorship/3.0.0\",\"prompts\":{}}";
    let record = "{\"version\":\"0.1.0\",\"id\":\"i\",\"timestamp\":\"t\",\"files\":[],\"vcs\":{\"revision\":\"a\"}}\n";
    vec![note.into(), record.repeat(2).into_bytes()]
}

fn private_keys() -> Vec<Vec<u8>> {
    let plain = pem::Pem::new("PRIVATE KEY", key().to_pkcs8().expect("an own key").to_vec());
    let body = json!({
        "kdf": { "name": "scrypt", "params": { "N": 65536, "r": 8, "p": 1 }, "salt": "AAAA" },
        "cipher": { "name": "nacl/secretbox", "nonce": "A".repeat(32) },
        "ciphertext": "A".repeat(64),
    });
    let sealed = pem::Pem::new("ENCRYPTED SIGSTORE PRIVATE KEY", body.to_string());
    [plain, sealed].iter().map(|p| pem::encode(p).into_bytes()).chain([ENCRYPTED_PKCS8.to_vec()]).collect()
}

/// `openssl genpkey -algorithm ed25519 | openssl pkcs8 -topk8 -passout pass:password -scrypt -scrypt_N 1024`.
const ENCRYPTED_PKCS8: &[u8] = include_bytes!("../sign/testdata/ed25519-scrypt.pem");

const POLICY: &str = r#"apiVersion: agent-attest.github.io/v1
kind: AttestationPolicy
metadata: { name: production, labels: { a: b } }
spec:
  images: [{ glob: "ghcr.io/acme/**" }]
  mode: enforce # or warn
  revoked: { keys: [], statements: [] }
  require:
    - predicateType: https://slsa.dev/provenance/v1
      signers:
        - { key: prod.pub, notBefore: "2026-01-01T00:00:00Z", builders: ["https://ci.acme.example/*"] }
        - key: "KEY"
      source: { repository: 'https://github.com/acme/app', refs: ["refs/heads/main"], allowDirty: false }
      agent: { ids: ["platform/*"], models: ["anthropic/*"] }
      task:
        ids:
          - "acme/app#*"
      charter: { uriPrefix: "https://github.com/acme/app/issues/", digest: required }
"#;
