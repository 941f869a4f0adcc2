//! Log entries, timestamps and signatures that are about something else.

use super::{claim, code, decided, exactly, holder, instance, key, refused, verify_bytes};
use attest::model::envelope::{IN_TOTO, pae};
use attest::testing::sigstore::{SIGNED_AT, entry_body, hashed_body};
use attest::testing::world::{sign_unchecked, tamper};
use attest::testing::{Claim, Instance};
use attest::trust::TrustMaterial;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const STAMP: &str = "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp";

fn bytes(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

/// A bundle with an entry of version 2 and a timestamp.
fn modern(instance: &Instance) -> Value {
    let mut bundle = instance.sign_alone(&holder(), &claim().to_bytes());
    instance.log_in_tiles(&mut bundle, 0, None);
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    bundle
}

/// cosign before 1.12: an entry of the log was not tied to the bundle that it came with.
#[test]
fn cve_2022_36056_an_entry_of_another_bundle_is_none_of_this_one() {
    let instance = instance();
    let entries = |b: &Value| b["verificationMaterial"]["tlogEntries"].clone();
    let swapped = |mine: &Value, theirs: &Value| {
        let mut bundle = mine.clone();
        bundle["verificationMaterial"]["tlogEntries"] = entries(theirs);
        code(&instance.root(), &bundle)
    };
    let old = || instance.sign(&holder(), &claim().to_bytes());
    let (mine, theirs) = (old(), old());
    assert_eq!((swapped(&mine, &mine), swapped(&mine, &theirs)), (Ok(()), refused("log-entry-invalid")));
    let (mine, theirs) = (modern(&instance), modern(&instance));
    assert_eq!((swapped(&mine, &mine), swapped(&mine, &theirs)), (Ok(()), refused("log-entry-invalid")));
    // Under a key of one's own, too.
    let key = key();
    let trust = TrustMaterial::of_keys([key.public_key().clone()]).with_roots(&super::roots(&instance.root()));
    let mut mine = instance.sign_with_key(&key, &claim().to_bytes());
    let verify =
        |b: &Value| verify_bytes(&trust, b.to_string().as_bytes()).map(|_| ()).map_err(|e| e.code().to_string());
    assert_eq!(verify(&mine), Ok(()));
    mine["verificationMaterial"]["tlogEntries"] = entries(&instance.sign_with_key(&super::key(), &claim().to_bytes()));
    assert_eq!(verify(&mine), refused("log-entry-invalid"));
}

/// cosign: any entry that the log had signed was accepted, whatever digest, signature and key it was about.
#[test]
fn cve_2026_22703_ghsa_whqx_f9j3_ch6m_an_entry_names_this_digest_signature_and_key() {
    let instance = instance();
    let statement = claim().to_bytes();
    let other = Claim { task: Some("another".into()), ..claim() }.to_bytes();
    let theirs = instance.certify(&holder(), &key());
    let good = modern(&instance);
    let signature = bytes(&good["dsseEnvelope"]["signatures"][0]["sig"]);
    let mine = bytes(&good["verificationMaterial"]["certificate"]["rawBytes"]);
    let logged = |entry: Value| {
        let mut bundle = good.clone();
        bundle["verificationMaterial"]["tlogEntries"] = json!([entry]);
        code(&instance.root(), &bundle)
    };
    let old = |statement: &[u8], signature: &[u8], certificate: &[u8]| {
        let body = entry_body(statement, signature, &pem::Pem::new("CERTIFICATE", certificate));
        logged(instance.entry(0, &body))
    };
    let new = |statement: &[u8], signature: &[u8], certificate: &[u8]| {
        let body = hashed_body(&pae(IN_TOTO, statement), signature, certificate, true);
        logged(instance.tile_logs[0].entry(&body))
    };
    for entry in [&old as &dyn Fn(&[u8], &[u8], &[u8]) -> Result<(), String>, &new] {
        assert_eq!(entry(&statement, &signature, &mine), Ok(()));
        assert_eq!(entry(&other, &signature, &mine), refused("log-entry-invalid"));
        assert_eq!(entry(&statement, b"another signature", &mine), refused("log-entry-invalid"));
        assert_eq!(entry(&statement, &signature, &theirs), refused("log-entry-invalid"));
    }
    // The bare key of the certificate is not the certificate.
    let spki = key().public_key().spki().to_vec();
    let bare = hashed_body(&pae(IN_TOTO, &statement), &signature, &spki, false);
    assert_eq!(logged(instance.tile_logs[0].entry(&bare)), refused("log-entry-invalid"));
}

/// sigstore-go: a threshold of logs counted entries.
#[test]
fn cve_2026_49834_ghsa_9vcr_p3rj_q5q6_two_entries_of_one_log_are_one_log() {
    let instance = Instance::new("acme", 0).with_tile_logs(2).with_stamps(2);
    let signed = |logs: &[usize], stamps: &[usize]| {
        let mut bundle = instance.sign_alone(&holder(), &claim().to_bytes());
        logs.iter().for_each(|log| instance.log_in_tiles(&mut bundle, *log, None));
        stamps.iter().for_each(|stamp| instance.stamp(&mut bundle, *stamp, SIGNED_AT));
        bundle
    };
    let two = json!({ "signers": [exactly()], "trust": { "logs": 2, "timestamps": 2 } });
    let code = |logs: &[usize], stamps: &[usize]| decided(&instance.root(), &two, &[signed(logs, stamps)]);
    assert_eq!(code(&[0, 1], &[0, 1]), None);
    assert_eq!(code(&[0, 0], &[0, 1]).as_deref(), Some("too-few-logs"));
    assert_eq!(code(&[0, 1], &[1, 1]).as_deref(), Some("too-few-timestamps"));
}

/// The timestamp verifier: the certificate that counts was looked for in the token.
#[test]
fn cve_2026_39984_a_timestamp_is_by_a_certificate_for_timestamps_that_is_valid_then() {
    const DAY: i64 = 86_400;
    let instance = instance();
    let stamped = |change: &dyn Fn(&mut Instance), at: i64| {
        let mut instance = Instance { stamps: Vec::new(), ..self::instance() }.with_stamps(1);
        change(&mut instance);
        let mut bundle = instance.sign_alone(&holder(), &claim().to_bytes());
        instance.log_in_tiles(&mut bundle, 0, None);
        instance.stamp(&mut bundle, 0, at);
        code(&instance.root(), &bundle)
    };
    assert_eq!(stamped(&|_| (), SIGNED_AT), Ok(()));
    let window = (SIGNED_AT - 100 * DAY, SIGNED_AT - DAY);
    assert_eq!(stamped(&|i| i.stamps[0].signer_window = window, SIGNED_AT), refused("timestamp-invalid"));
    assert_eq!(stamped(&|i| i.stamps[0].authority_window = window, SIGNED_AT), refused("timestamp-invalid"));
    assert_eq!(stamped(&|i| i.stamps[0].for_timestamps = false, SIGNED_AT), refused("timestamp-invalid"));
    // Somebody else's authority of the same name, whose certificate is nowhere but in their hands.
    let mut bundle = instance.sign_alone(&holder(), &claim().to_bytes());
    instance.log_in_tiles(&mut bundle, 0, None);
    let theirs = attest::testing::StampAuthority::new(&instance.stamps[0].name);
    let signature = bytes(&bundle["dsseEnvelope"]["signatures"][0]["sig"]);
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    assert_eq!(code(&instance.root(), &bundle), Ok(()));
    *bundle.pointer_mut(STAMP).unwrap() = STANDARD.encode(theirs.stamp(&signature, SIGNED_AT)).into();
    assert_eq!(code(&instance.root(), &bundle), refused("timestamp-invalid"));
    // A time that is not the certificate's.
    assert_eq!(stamped(&|_| (), SIGNED_AT + DAY), refused("certificate-expired-at-time"));
}

/// cosign: a payload that could not be read was a success.
#[test]
fn cve_2026_39395_a_payload_that_cannot_be_read_is_refused() {
    let key = key();
    let trust = TrustMaterial::of_keys([key.public_key().clone()]);
    let verify = |payload: &[u8]| {
        let bundle = sign_unchecked(&key, IN_TOTO, payload);
        verify_bytes(&trust, &bundle).map(|_| ()).map_err(|e| e.code().to_string())
    };
    let good = claim().to_bytes();
    assert_eq!(verify(&good), Ok(()));
    for payload in [&b""[..], b"{", b"null", b"[]", b"\"\"", b"{}", &good[..good.len() - 1], &good[1..], b"\xff\xfe"] {
        assert_eq!(verify(payload), refused("statement-malformed"), "{}", String::from_utf8_lossy(payload));
    }
    let instance = instance();
    assert_eq!(code(&instance.root(), &instance.sign(&holder(), &good)), Ok(()));
    assert_eq!(code(&instance.root(), &instance.sign(&holder(), b"{")), refused("statement-malformed"));
}

/// cosign, commit d104fc40: a path on which verifying a bundle had failed returned that all was well.
#[test]
fn cosign_d104fc40_what_cannot_be_verified_is_refused() {
    let instance = instance();
    let good = modern(&instance);
    assert_eq!(code(&instance.root(), &good), Ok(()));
    let trust = TrustMaterial::default().with_roots(&super::roots(&instance.root()));
    // Whatever member of the bundle is gone or of another type, the answer is no.
    let mut tried = 0;
    for at in pointers(&good, "") {
        for other in [None, Some(json!(null)), Some(json!({})), Some(json!([])), Some(json!(1)), Some(json!("AAAA"))] {
            let spoilt = tamper(good.to_string().as_bytes(), |b| spoil(b, &at, other.clone()));
            if unread(&at) {
                continue;
            }
            tried += 1;
            let answer = verify_bytes(&trust, &spoilt).map(|_| ());
            assert!(answer.is_err(), "{at}: {other:?}");
        }
    }
    assert!(tried > 150, "{tried}");
}

/// What is not read, and so no reason to refuse: what repeats something that is signed elsewhere.
fn unread(at: &str) -> bool {
    ["logIndex", "rootHash", "treeSize"].iter().any(|name| at.ends_with(&format!("inclusionProof/{name}")))
        || at.ends_with("/keyid")
}

fn spoil(bundle: &mut Value, at: &str, other: Option<Value>) {
    match other {
        Some(other) => *bundle.pointer_mut(at).unwrap() = other,
        None => {
            let (parent, name) = at.rsplit_once('/').unwrap();
            match bundle.pointer_mut(parent).unwrap() {
                Value::Array(list) => drop(list.remove(name.parse().unwrap())),
                Value::Object(map) => drop(map.remove(name)),
                _ => unreachable!(),
            }
        }
    }
}

/// Every place below a value.
fn pointers(value: &Value, at: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (format!("{at}/{k}"), v)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (format!("{at}/{i}"), v)).collect(),
        _ => Vec::new(),
    };
    children.into_iter().flat_map(|(at, v)| [vec![at.clone()], pointers(v, &at)].concat()).collect()
}
