//! Bits of a good bundle are turned: what is then still accepted is listed here, with the reason why it may be. One bit of
//! each byte by default, as all of them take a minute: `ATTEST_EVERY_BIT=1 cargo test --test certificates flips`.

use super::{claim, roots, workflow};
use attest::model::Timestamp;
use attest::sign::LocalKey;
use attest::testing::Instance;
use attest::testing::sigstore::SIGNED_AT;
use attest::trust::{KeyAlgorithm, TrustMaterial};
use attest::verify::Verifier;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

const ENTRY: &str = "/verificationMaterial/tlogEntries/0";

/// The parts, by where they are: below the bundle or below its log entry; text, or base64 of bytes.
const PARTS: &[(&str, bool, bool)] = &[
    ("/dsseEnvelope/payload", false, false),
    ("/dsseEnvelope/signatures/0/sig", false, false),
    ("/verificationMaterial/certificate/rawBytes", false, false),
    ("/canonicalizedBody", true, false),
    ("/inclusionPromise/signedEntryTimestamp", true, false),
    ("/inclusionProof/rootHash", true, false),
    ("/inclusionProof/checkpoint/envelope", true, true),
    ("/logId/keyId", true, false),
    ("/integratedTime", true, true),
    ("/logIndex", true, true),
    ("/inclusionProof/logIndex", true, true),
    ("/inclusionProof/treeSize", true, true),
];

/// Each part and the bytes of it, with the text around them, whose change nothing notices.
fn accepted(trust: &TrustMaterial, bundle: &Value) -> Vec<(String, String)> {
    let now = Timestamp::from_unix(SIGNED_AT + 86_400).unwrap();
    let artifact = super::artifact();
    let verify = |b: &Value| Verifier { trust, now }.verify(b.to_string().as_bytes(), &artifact).is_ok();
    assert!(verify(bundle));
    let step = if std::env::var_os("ATTEST_EVERY_BIT").is_some() { 1 } else { 8 };
    let (mut out, mut tried) = (Vec::new(), 0);
    for (place, below, text) in PARTS {
        let path = if *below { format!("{ENTRY}{place}") } else { (*place).to_owned() };
        let Some(value) = bundle.pointer(&path).and_then(Value::as_str) else { continue };
        let bytes = if *text { value.as_bytes().to_vec() } else { STANDARD.decode(value).unwrap() };
        let mut unnoticed = Vec::new();
        for bit in (0..bytes.len() * 8).step_by(step) {
            let mut turned = bytes.clone();
            turned[bit / 8] ^= 1 << (bit % 8);
            let turned = match (*text, String::from_utf8(turned)) {
                (true, Ok(t)) => t,
                // JSON holds no such text.
                (true, Err(_)) => continue,
                (false, turned) => STANDARD.encode(turned.map_or_else(|e| e.into_bytes(), String::into_bytes)),
            };
            let mut flipped = bundle.clone();
            *flipped.pointer_mut(&path).unwrap() = turned.into();
            tried += 1;
            if verify(&flipped) && unnoticed.last() != Some(&(bit / 8)) {
                unnoticed.push(bit / 8);
            }
        }
        if !unnoticed.is_empty() {
            let shown = unnoticed.iter().map(|at| bytes[*at]).collect::<Vec<_>>();
            out.push(((*place).to_owned(), String::from_utf8_lossy(&shown).into_owned()));
        }
    }
    assert!(tried > 10_000 / step, "{tried}");
    out
}

/// The name beside a signature of a checkpoint says nothing: the key is found by the hint and by the log's id. Neither do
/// blanks after the last line.
fn listed() -> Vec<(String, String)> {
    vec![("/inclusionProof/checkpoint/envelope".to_owned(), "log.example\n".to_owned())]
}

#[test]
fn of_a_bundle_with_a_certificate() {
    let instance = Instance::new("acme", 1);
    let trust = TrustMaterial::default().with_roots(&roots(&instance.root()));
    assert_eq!(accepted(&trust, &instance.sign(&workflow(), &claim().to_bytes())), listed());
}

#[test]
fn of_a_bundle_with_a_key_and_a_log_entry() {
    let instance = Instance::new("acme", 1);
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let trust = TrustMaterial::of_keys([key.public_key().clone()]).with_roots(&roots(&instance.root()));
    let mut listed = listed();
    // An entry of a log that no root knows is not checked, and proves nothing.
    let id = STANDARD.decode(instance.root()["tlogs"][0]["logId"]["keyId"].as_str().unwrap()).unwrap();
    listed.push(("/logId/keyId".to_owned(), String::from_utf8_lossy(&id).into_owned()));
    assert_eq!(accepted(&trust, &instance.sign_with_key(&key, &claim().to_bytes())), listed);
}
