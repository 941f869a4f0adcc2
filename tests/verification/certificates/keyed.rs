//! A key's signature, and what logs and timestamp authorities say beside it.

use super::{claim, roots, verify_with};
use crate::vectors::vectors;
use attest::sign::LocalKey;
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::{Claim, Instance};
use attest::trust::{KeyAlgorithm, PublicKey, TrustMaterial};
use serde_json::{Value, json};

/// Says by name what was not tried.
#[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
fn skipped(what: &str) {
    eprintln!("skipped: {what}");
}

fn key() -> LocalKey {
    LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap()
}

/// The same key once more.
pub(crate) fn copy(key: &LocalKey) -> LocalKey {
    LocalKey::from_pkcs8("copy", &key.to_pkcs8().unwrap()).unwrap()
}

fn trust(key: &LocalKey, root: &Value) -> TrustMaterial {
    TrustMaterial::of_keys([key.public_key().clone()]).with_roots(&roots(root))
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

#[test]
fn an_entry_of_a_known_log_proves_a_time() {
    let (instance, key) = (Instance::new("acme", 1), key());
    let bundle = instance.sign_with_key(&key, &claim().to_bytes());
    let proven = verify_with(&trust(&key, &instance.root()), &bundle).unwrap();
    assert_eq!((proven.existed_at().unix(), proven.log_entries().len(), proven.unchecked()), (SIGNED_AT, 1, (0, 0)));
}

#[test]
fn a_timestamp_of_a_known_authority_proves_a_time() {
    let (instance, key) = (Instance::new("acme", 0).with_stamps(1).with_tile_logs(1), key());
    let mut bundle = instance.sign_with_key_alone(&key, &claim().to_bytes());
    instance.log_in_tiles(&mut bundle, 0, Some(&key));
    instance.stamp(&mut bundle, 0, SIGNED_AT + 60);
    let proven = verify_with(&trust(&key, &instance.root()), &bundle).unwrap();
    assert_eq!(
        (proven.existed_at().unix(), proven.log_entries().len(), proven.unchecked()),
        (SIGNED_AT + 60, 1, (0, 0))
    );
    // An authority of another name proves nothing, though the root has one.
    let mut other = instance.root();
    other["timestampAuthorities"] = Instance::new("other", 0).with_stamps(1).root()["timestampAuthorities"].clone();
    let proven = verify_with(&trust(&key, &other), &bundle).unwrap();
    assert_eq!((proven.proven_times().len(), proven.unchecked()), (0, (0, 1)));
    // An authority of the same name that is somebody else's.
    let mut root = instance.root();
    root["timestampAuthorities"] = Instance::new("acme", 0).with_stamps(1).root()["timestampAuthorities"].clone();
    let code = verify_with(&trust(&key, &root), &bundle).map(|_| ()).map_err(|e| e.code().to_string());
    assert_eq!(code, Err("timestamp-invalid".into()));
}

/// The library asks of a log's key only that it has begun to count.
#[test]
fn a_log_that_no_longer_counted_proves_nothing() {
    let (instance, key) = (Instance::new("acme", 0).with_stamps(1).with_tile_logs(1), key());
    let mut bundle = instance.sign_with_key_alone(&key, &claim().to_bytes());
    instance.log_in_tiles(&mut bundle, 0, Some(&key));
    let code = |bundle: &Value, end: &str| {
        let mut root = instance.root();
        root["tlogs"][0]["publicKey"]["validFor"]["end"] = end.into();
        verify_with(&trust(&key, &root), bundle).map(|p| p.log_entries().len()).map_err(|e| e.code().to_string())
    };
    let (before, after) = ("2024-05-01T00:00:00Z", "2024-07-01T00:00:00Z");
    // Without a proven time it is as old as now.
    assert_eq!(code(&bundle, "2099-01-01T00:00:00Z"), Ok(1));
    assert_eq!(code(&bundle, after), Err("log-entry-invalid".into()));
    instance.stamp(&mut bundle, 0, SIGNED_AT + 60);
    assert_eq!(code(&bundle, after), Ok(1));
    assert_eq!(code(&bundle, before), Err("log-entry-invalid".into()));
}

#[test]
fn evidence_is_tried_against_few_keys() {
    let (instance, key) = (Instance::new("acme", 0), key());
    let bundle = instance.sign_with_key_alone(&key, &claim().to_bytes());
    let with = |count: u32| {
        // DER of an Ed25519 key, of whatever 32 bytes.
        let head = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let other = |i: u32| PublicKey::from_der(&[&head[..], &[0; 28], &i.to_be_bytes()].concat()).unwrap();
        let keys = (1..count).map(other).chain([key.public_key().clone()]);
        verify_with(&TrustMaterial::of_keys(keys), &bundle).map(|_| ()).map_err(|e| e.code().to_string())
    };
    assert_eq!((with(256), with(257)), (Ok(()), Err("limit-exceeded".into())));
}

/// Logs and timestamps speak of one signature: beside several they are not looked at.
#[test]
fn beside_two_signatures_nothing_is_proven() {
    let (instance, key) = (Instance::new("acme", 1), key());
    let bundle = instance.sign_with_key(&key, &claim().to_bytes()).to_string();
    let two = attest::testing::world::signed_by(bundle.as_bytes(), &[&key, &self::key()]);
    let two = serde_json::from_slice(&two).unwrap();
    let proven = verify_with(&trust(&key, &instance.root()), &two).unwrap();
    assert_eq!((proven.proven_times().len(), proven.log_entries().len(), proven.unchecked()), (0, 0, (1, 0)));
}

#[test]
fn an_entry_of_an_unknown_log_proves_nothing_and_harms_nothing() {
    let (instance, key) = (Instance::new("acme", 1), key());
    let mut bundle = instance.sign_with_key(&key, &claim().to_bytes());
    bundle["verificationMaterial"]["timestampVerificationData"] =
        json!({ "rfc3161Timestamps": [{ "signedTimestamp": "AAAA" }] });
    for trust in [trust(&key, &Instance::new("other", 1).root()), TrustMaterial::of_keys([key.public_key().clone()])] {
        let proven = verify_with(&trust, &bundle).unwrap();
        assert_eq!((proven.proven_times().len(), proven.log_entries().len(), proven.unchecked()), (0, 0, (1, 1)));
    }
}

/// A timestamp over another signature, and the root of the authority that made it, where they lie beside the checkout.
fn foreign_timestamp() -> Option<(Value, Value)> {
    let folder = vectors("sigstore-conformance")?.join("rekor2-dsse-happy-path");
    let read = |name: &str| serde_json::from_slice::<Value>(&std::fs::read(folder.join(name)).ok()?).ok();
    let bundle = read("bundle.sigstore.json")?;
    Some((bundle["verificationMaterial"]["timestampVerificationData"].clone(), read("trusted_root.json")?))
}

#[test]
fn a_timestamp_of_a_known_authority_must_be_of_this_signature() {
    let Some((timestamps, root)) = foreign_timestamp() else {
        return skipped("sigstore-conformance is not beside this checkout");
    };
    assert_eq!(timestamps["rfc3161Timestamps"].as_array().map(Vec::len), Some(1));
    let key = key();
    let mut bundle = Instance::new("acme", 1).sign_with_key(&key, &claim().to_bytes());
    bundle["verificationMaterial"]["timestampVerificationData"] = timestamps;
    let code = |root: &Value| verify_with(&trust(&key, root), &bundle).map(|p| p.unchecked()).map_err(|e| e.code());
    assert_eq!(code(&root).map_err(|c| c.to_string()), Err("timestamp-invalid".into()));
    // An authority that no root knows proves nothing.
    assert_eq!(code(&Instance::new("other", 1).root()), Ok((1, 1)));
}

#[test]
fn an_entry_of_a_known_log_that_does_not_verify_is_refused() {
    let (instance, key) = (Instance::new("acme", 1), key());
    let trust = trust(&key, &instance.root());
    let good = instance.sign_with_key(&key, &claim().to_bytes());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        verify_with(&trust, &bundle).map(|_| ()).map_err(|e| e.code().to_string())
    };
    assert_eq!(with(&|_| ()), Ok(()));
    let another = Claim { task: Some("another".into()), ..claim() };
    let theirs = entry(&mut instance.sign_with_key(&key, &another.to_bytes())).clone();
    assert_eq!(with(&|b| *entry(b) = theirs.clone()), Err("log-entry-invalid".into()));
    let by_another = entry(&mut instance.sign_with_key(&self::key(), &claim().to_bytes())).clone();
    assert_eq!(with(&|b| *entry(b) = by_another.clone()), Err("log-entry-invalid".into()));
    let gone = |b: &mut Value, key: &str| {
        entry(b).as_object_mut().unwrap().remove(key);
    };
    assert_eq!(with(&|b| gone(b, "inclusionProof")), Err("log-proof-missing".into()));
    // Nor does an older version of the bundle, which knew no proofs, take the promise for one.
    let older = |b: &mut Value| b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    assert_eq!(with(&older), Ok(()));
    let promised = |b: &mut Value| {
        older(b);
        gone(b, "inclusionProof");
    };
    assert_eq!(with(&promised), Err("log-proof-missing".into()));
    let later = (SIGNED_AT + 1).to_string();
    assert_eq!(with(&|b| entry(b)["integratedTime"] = later.clone().into()), Err("log-entry-invalid".into()));
}

#[test]
fn a_keyed_bundle_without_a_log_needs_no_root() {
    let (instance, key) = (Instance::new("acme", 1), key());
    let mut bundle = instance.sign_with_key(&key, &claim().to_bytes());
    bundle["verificationMaterial"].as_object_mut().unwrap().remove("tlogEntries");
    let proven = verify_with(&trust(&key, &instance.root()), &bundle).unwrap();
    assert_eq!((proven.proven_times().len(), proven.unchecked()), (0, (0, 0)));
}
