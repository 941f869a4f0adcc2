//! Every bit of a good bundle is turned: what is then still accepted is listed here, with the reason why it may be.
//!
//! Of the three long parts whose bytes are all hashed or signed alike (payload, certificate, body of the log entry) one
//! bit of each byte is turned, another one in each next byte; all of theirs too with
//! `ATTEST_EVERY_BIT=1 cargo test --test verification flips`, which takes some minutes.

use super::{WORKFLOW, artifact, roots};
use attest::model::Timestamp;
use attest::sign::LocalKey;
use attest::testing::sigstore::{SIGNED_AT, log_id};
use attest::testing::world::subject;
use attest::testing::{Claim, Holder, Instance};
use attest::trust::{KeyAlgorithm, TrustMaterial};
use attest::verify::Verifier;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a part is written in JSON.
#[derive(Clone, Copy, PartialEq)]
enum Form {
    /// Base64 of bytes; of a long one, not every bit by default.
    Long,
    /// Base64 of bytes.
    Bytes,
    /// Text.
    Text,
}

/// The parts of an entry, by where they are below it.
const ENTRY: &[(&str, Form)] = &[
    ("canonicalizedBody", Form::Long),
    ("inclusionPromise/signedEntryTimestamp", Form::Bytes),
    ("inclusionProof/rootHash", Form::Bytes),
    ("inclusionProof/hashes/0", Form::Bytes),
    ("inclusionProof/hashes/1", Form::Bytes),
    ("inclusionProof/hashes/2", Form::Bytes),
    ("inclusionProof/checkpoint/envelope", Form::Text),
    ("logId/keyId", Form::Bytes),
    ("integratedTime", Form::Text),
    ("logIndex", Form::Text),
    ("inclusionProof/logIndex", Form::Text),
    ("inclusionProof/treeSize", Form::Text),
];

/// The other parts.
const PARTS: &[(&str, &str, Form)] = &[
    ("payload", "/dsseEnvelope/payload", Form::Long),
    ("signature", "/dsseEnvelope/signatures/0/sig", Form::Bytes),
    ("certificate", "/verificationMaterial/certificate/rawBytes", Form::Long),
    ("timestamp", "/verificationMaterial/timestampVerificationData/rfc3161Timestamps/0/signedTimestamp", Form::Bytes),
];

/// Parts of a bundle: name, pointer, form.
fn parts(bundle: &Value) -> Vec<(String, String, Form)> {
    let fixed = PARTS.iter().map(|(name, at, form)| ((*name).to_owned(), (*at).to_owned(), *form));
    let entries = ENTRY
        .iter()
        .map(|(name, form)| ((*name).to_owned(), format!("/verificationMaterial/tlogEntries/0/{name}"), *form));
    fixed.chain(entries).filter(|(_, at, _)| bundle.pointer(at).is_some()).collect()
}

/// What came of verifying: refused; accepted with everything that it was before; accepted, with something not checked.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Refused,
    Accepted,
    NotChecked,
}

/// The bytes of a part, and which of their bits lead to these verdicts: by position, as a mask.
fn unnoticed(
    verify: &(dyn Fn(&str) -> Verdict + Sync),
    bundle: &Value,
    at: &str,
    form: Form,
) -> (Vec<u8>, [BTreeMap<usize, u8>; 2]) {
    let value = bundle.pointer(at).and_then(Value::as_str).unwrap();
    let bytes = if form == Form::Text { value.as_bytes().to_vec() } else { STANDARD.decode(value).unwrap() };
    let mut marked = bundle.clone();
    *marked.pointer_mut(at).unwrap() = "<here>".into();
    let marked = marked.to_string();
    let (before, after) = marked.split_once("\"<here>\"").unwrap();
    let every = form != Form::Long || std::env::var_os("ATTEST_EVERY_BIT").is_some();
    let positions: Vec<_> = (0..bytes.len() * 8).filter(|bit| every || bit % 8 == (bit / 8) % 8).collect();
    assert!(!positions.is_empty());
    let try_one = |bit: usize| {
        let mut turned = bytes.clone();
        turned[bit / 8] ^= 1 << (bit % 8);
        let text = match (form, String::from_utf8(turned)) {
            (Form::Text, Ok(text)) => text,
            // JSON holds no such text.
            (Form::Text, Err(_)) => return Verdict::Refused,
            (_, turned) => STANDARD.encode(turned.map_or_else(|e| e.into_bytes(), String::into_bytes)),
        };
        verify(&format!("{before}{}{after}", Value::from(text)))
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let share = positions.len().div_ceil(threads);
    let mut masks = [BTreeMap::new(), BTreeMap::new()];
    std::thread::scope(|scope| {
        let tried = |share: &[usize]| share.iter().map(|bit| (*bit, try_one(*bit))).collect::<Vec<_>>();
        let running: Vec<_> = positions.chunks(share).map(|share| scope.spawn(move || tried(share))).collect();
        for (bit, verdict) in running.into_iter().flat_map(|t| t.join().unwrap()) {
            let of = match verdict {
                Verdict::Refused => continue,
                Verdict::Accepted => &mut masks[0],
                Verdict::NotChecked => &mut masks[1],
            };
            *of.entry(bit / 8).or_default() |= 1_u8 << (bit % 8);
        }
    });
    (bytes, masks)
}

/// Each part of which something is unnoticed: its name and the runs of such bytes, each byte with the mask of its bits.
fn accepted(trust: &TrustMaterial, bundle: &Value) -> Listed {
    let (now, artifact) = (Timestamp::from_unix(SIGNED_AT + 86_400).unwrap(), artifact());
    let verify = |text: &str| match Verifier::new(trust, now).verify(text.as_bytes(), &artifact) {
        Ok(proven) if proven.unchecked() == (0, 0) => Verdict::Accepted,
        Ok(_) => Verdict::NotChecked,
        Err(_) => Verdict::Refused,
    };
    assert!(verify(&bundle.to_string()) == Verdict::Accepted);
    let mut out = Vec::new();
    for (name, at, form) in parts(bundle) {
        let (bytes, masks) = unnoticed(&verify, bundle, &at, form);
        for (masks, suffix) in masks.into_iter().zip(["", ", not checked"]) {
            if !masks.is_empty() {
                out.push((format!("{name}{suffix}"), runs(&bytes, masks)));
            }
        }
    }
    out
}

fn runs(bytes: &[u8], masks: BTreeMap<usize, u8>) -> Vec<String> {
    let mut runs: Vec<String> = Vec::new();
    let mut last = None;
    for (at, mask) in masks {
        let byte = format!("{:02x}^{mask:02x}", bytes[at]);
        match runs.last_mut() {
            Some(run) if last.is_some_and(|last| last + 1 == at) => *run = format!("{run} {byte}"),
            _ => runs.push(byte),
        }
        last = Some(at);
    }
    runs
}

/// A short statement, so that there are fewer bits.
fn statement() -> Vec<u8> {
    let digest = super::digest();
    let claim = Claim {
        predicate_type: "https://acme.example/scan/v1".into(),
        subjects: vec![subject("app", &digest)],
        predicate: Some(json!({ "passed": true })),
        ..Claim::about(&digest)
    };
    claim.to_bytes()
}

fn holder() -> Holder {
    Holder::new(WORKFLOW, super::GITHUB)
}

/// Runs that stay accepted, and why they may.
type Listed = Vec<(String, Vec<String>)>;

fn listed(part: &str, runs: &[&str]) -> (String, Vec<String>) {
    (part.to_owned(), runs.iter().map(|r| (*r).to_owned()).collect())
}

/// Every bit of these bytes.
fn every(bytes: &[u8], mask: u8) -> String {
    bytes.iter().map(|b| format!("{b:02x}^{mask:02x}")).collect::<Vec<_>>().join(" ")
}

/// Of a timestamp, what its signature does not cover and nobody goes by.
const STAMP: &[&str] = &[
    // Status of the response: granted, or granted with modifications. The token says all that counts.
    "00^01",
    // Version of the signed data: no version changes the meaning of what is read.
    "03^03",
    // The list of digest algorithms before the content: the signer's own is what counts.
    DIGEST_ALGORITHM,
    // Tag of the content: its bytes are what is signed.
    "04^db",
    // Version of the signer's block, as above.
    "01^07",
    // Name of the signature algorithm: key and digest algorithm decide it.
    SIGNATURE_ALGORITHM,
];
/// SHA-256 and ECDSA with SHA-256. Other names are read as names too, so long as they are of the same length.
const DIGEST_ALGORITHM: &str = "60^7f 86^ff 48^ff 01^ff 65^ff 03^ff 04^ff 02^ff 01^7f";
const SIGNATURE_ALGORITHM: &str = "2a^7f 86^ff 48^ff ce^ff 3d^ff 04^ff 03^ff 02^7f";

/// Of a checkpoint by `log.example`: the name beside the signature says nothing (the key is found by its id), and so do
/// blanks after the last line.
const CHECKPOINT: &[&str] = &["6c^7f 6f^7f 67^7f 2e^7f 65^7f 78^7f 61^7f 6d^7f 70^7f 6c^7f 65^7f", "0a^01"];

#[test]
fn of_a_bundle_with_a_certificate() {
    let instance = Instance::new("acme", 1);
    let trust = TrustMaterial::default().with_roots(&roots(&instance.root()));
    let found = accepted(&trust, &instance.sign(&holder(), &statement()));
    assert_eq!(found, [listed("inclusionProof/checkpoint/envelope", CHECKPOINT)]);
}

#[test]
fn of_a_bundle_with_a_certificate_and_an_entry_of_version_2() {
    let instance = Instance::new("acme", 0).with_tile_logs(1).with_stamps(1);
    let trust = TrustMaterial::default().with_roots(&roots(&instance.root()));
    let mut bundle = instance.sign_alone(&holder(), &statement());
    instance.log_in_tiles(&mut bundle, 0, None);
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    let root = bundle.pointer("/verificationMaterial/tlogEntries/0/inclusionProof/rootHash").unwrap();
    let root = every(&STANDARD.decode(root.as_str().unwrap()).unwrap(), 0xff);
    let name = "74^7f 69^7f 6c^7f 65^7f 73^7f 30^6f 2e^7f 61^7f 63^7f 6d^7f 65^7f 2e^7f 65^7f 78^7f 61^7f 6d^7f 70^7f 6c^7f 65^7f";
    let wanted: Listed = vec![
        listed("timestamp", STAMP),
        // A log of version 2 repeats root, index and size beside the checkpoint, where nothing signs them: what is
        // proven is the checkpoint's root and size and the entry's own index.
        listed("inclusionProof/rootHash", &[&root]),
        // As with the older log.
        listed("inclusionProof/checkpoint/envelope", &[name, "0a^01"]),
        listed("inclusionProof/logIndex", &["33^07"]),
        listed("inclusionProof/treeSize", &["35^07"]),
    ];
    assert_eq!(accepted(&trust, &bundle), wanted);
}

#[test]
fn of_a_bundle_with_a_certificate_and_a_timestamp_alone() {
    let instance = Instance::new("acme", 0).with_stamps(1);
    let mut root = instance.root();
    root["ctlogs"] = json!([]);
    let trust = TrustMaterial::default().with_roots(&roots(&root));
    let mut bundle = instance.sign_alone(&Holder { logged: false, ..holder() }, &statement());
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    assert_eq!(accepted(&trust, &bundle), [listed("timestamp", STAMP)]);
}

#[test]
fn of_a_bundle_with_a_key_a_log_entry_and_a_timestamp() {
    let instance = Instance::new("acme", 1).with_stamps(1);
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let trust = TrustMaterial::of_keys([key.public_key().clone()]).with_roots(&roots(&instance.root()));
    let mut bundle = instance.sign_with_key(&key, &statement());
    instance.stamp(&mut bundle, 0, SIGNED_AT);
    // What a log or an authority says that no root knows is not checked, and proves nothing. So the name of either may
    // be turned, and a policy that asks for a log or a timestamp then refuses.
    let id = every(&log_id(&instance.logs[0]), 0xff);
    let name = every(instance.stamps[0].name.as_bytes(), 0xff);
    let wanted: Listed = vec![
        listed("timestamp", STAMP),
        // Kinds of the name's two parts, which may be other kinds and other texts, and the serial number.
        listed(
            "timestamp, not checked",
            &["55^7f 04^ff 0a^7f 0c^c8", &name, "55^7f 04^ff 03^7f 0c^c8", &name, "02^ff"],
        ),
        listed("inclusionProof/checkpoint/envelope", CHECKPOINT),
        listed("logId/keyId, not checked", &[&id]),
    ];
    assert_eq!(accepted(&trust, &bundle), wanted);
}
