//! What is wrong with a bundle or a root, one thing at a time.

use super::{GITHUB, WORKFLOW, artifact, claim, code, refused, roots, verify, verify_with, workflow};
use attest::model::Timestamp;
use attest::sign::LocalKey;
use attest::testing::sigstore::{SIGNED_AT, entry_body, log_id, text};
use attest::testing::{Claim, Holder, Instance};
use attest::trust::{KeyAlgorithm, TrustMaterial};
use attest::verify::{Examined, Signer, Verifier};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

fn signed(instance: &Instance, holder: &Holder) -> Value {
    instance.sign(holder, &claim().to_bytes())
}

fn entry(bundle: &mut Value) -> &mut Value {
    &mut bundle["verificationMaterial"]["tlogEntries"][0]
}

/// Every holder is refused with its code, and the sound one is not.
fn holders(cases: &[(&str, Holder, &str)]) {
    let instance = Instance::new("acme", 1);
    let root = instance.root();
    assert_eq!(code(&root, &signed(&instance, &workflow())), Ok(()));
    for (what, holder, wanted) in cases {
        assert_eq!(code(&root, &signed(&instance, holder)), refused(wanted), "{what}");
    }
}

#[test]
fn a_certificate_counts_only_while_it_is_valid() {
    let valid = |from: i64, until: i64| Holder { window: (SIGNED_AT + from, SIGNED_AT + until), ..workflow() };
    holders(&[
        ("it had expired", valid(-600, -1), "certificate-expired-at-time"),
        ("it was not valid yet", valid(1, 600), "certificate-expired-at-time"),
    ]);
    let instance = Instance::new("acme", 1);
    for edge in [valid(-600, 0), valid(0, 600)] {
        assert_eq!(code(&instance.root(), &signed(&instance, &edge)), Ok(()));
    }
}

#[test]
fn what_is_proven_does_not_lie_in_the_future() {
    let instance = Instance::new("acme", 1);
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let trust = TrustMaterial::of_keys([key.public_key().clone()]).with_roots(&roots(&instance.root()));
    for bundle in [signed(&instance, &workflow()), instance.sign_with_key(&key, &claim().to_bytes())] {
        let at = |seconds: i64| {
            let now = Timestamp::from_unix(SIGNED_AT + seconds).unwrap();
            let verified = Verifier::new(&trust, now).verify(bundle.to_string().as_bytes(), &artifact());
            verified.map(|_| ()).map_err(|e| e.code().to_string())
        };
        // Clocks differ a little.
        assert_eq!((at(-300), at(-301)), (Ok(()), refused("timestamp-invalid")));
    }
}

#[test]
fn a_certificate_has_one_name_and_readable_claims() {
    let mut two = workflow();
    two.names.push((0x86, "https://github.com/evil/x".into()));
    let mut none = workflow();
    none.names.clear();
    let mut dns = workflow();
    dns.names[0].0 = 0x82;
    let mut empty = workflow();
    empty.names[0].1.clear();
    // SEQUENCE of one e-mail address, as a second extension of names.
    let mut second = workflow();
    second.more.push(("2.5.29.17", [&[0x30, 11, 0x81, 9][..], b"a@b.c.dev"].concat()));
    // Another form of name than Fulcio's user names: 1.3.6.1.4.1.57264.1.6 and a UTF8String.
    let named = |arc: u8| Holder {
        names: vec![(
            0xa0,
            [&[0x06, 10, 0x2b, 6, 1, 4, 1, 0x83, 0xbf, 0x30, 1, arc, 0xa0, 4, 0x0c, 2], &b"me"[..]].concat(),
        )],
        ..workflow()
    };
    let mut raw = workflow();
    raw.claims.push((20, b"push".to_vec()));
    holders(&[
        ("two names", two, "certificate-malformed"),
        ("no name", none, "certificate-malformed"),
        ("a host's name", dns, "certificate-malformed"),
        ("an empty name", empty, "certificate-malformed"),
        ("two extensions of names", second, "certificate-malformed"),
        ("a name of another form", named(6), "certificate-malformed"),
        ("a claim that is no UTF8String", raw, "certificate-malformed"),
        ("a claim twice", workflow().claiming(12, "https://github.com/acme/other"), "certificate-malformed"),
        ("two issuers", workflow().claiming(8, "https://evil.example"), "certificate-malformed"),
    ]);
    // Of a claim's object identifier, all of it counts.
    let instance = Instance::new("acme", 1);
    let mut foreign = Holder::new(WORKFLOW, GITHUB);
    foreign.more.push(("1.3.6.1.4.1.99999.1.12", text("https://github.com/acme/app")));
    foreign.more.push(("1.3.6.1.4.1.57264.1.12.1", text("https://github.com/acme/app")));
    foreign.more.push(("1.3.6.1.4.1.57264.2.13", text("https://github.com/acme/app")));
    for (holder, name) in [(foreign, WORKFLOW), (named(7), "me")] {
        let proven = verify(&instance.root(), &signed(&instance, &holder)).unwrap();
        let Signer::Certificate { identity, claims, .. } = &proven.signers()[0] else { panic!() };
        assert_eq!((identity.as_str(), claims.contains_key(&12)), (name, name == "me"));
    }
    // The issuer's older claim is bare text and stands where the newer one is missing.
    let mut old = Holder::new("me@acme.example", GITHUB);
    old.claims = vec![(1, GITHUB.into())];
    let proven = verify(&instance.root(), &signed(&instance, &old)).unwrap();
    assert_eq!(proven.signers()[0].describe(), format!("me@acme.example (issuer {GITHUB})"));
    old.claims.push((8, text("https://other.example")));
    let proven = verify(&instance.root(), &signed(&instance, &old)).unwrap();
    assert_eq!(proven.signers()[0].describe(), "me@acme.example (issuer https://other.example)");
}

#[test]
fn a_root_that_has_certificate_logs_demands_their_word() {
    let instance = Instance::new("acme", 1);
    let unlogged = signed(&instance, &Holder { logged: false, ..workflow() });
    assert_eq!(code(&instance.root(), &unlogged), refused("sct-invalid"));
    let mut without = instance.root();
    without["ctlogs"] = json!([]);
    assert_eq!(code(&without, &unlogged), Ok(()));
    // The word of another certificate log is none.
    let mut root = instance.root();
    root["ctlogs"] = Instance::new("other", 0).root()["ctlogs"].clone();
    assert_eq!(code(&root, &signed(&instance, &workflow())), refused("sct-invalid"));
}

#[test]
fn an_authority_vouches_only_in_its_own_root_and_time() {
    let mut instance = Instance::new("acme", 1);
    let bundle = signed(&instance, &workflow());
    assert_eq!(code(&instance.root(), &bundle), Ok(()));
    assert_eq!(code(&Instance::new("other", 1).root(), &bundle), refused("certificate-untrusted"));
    // Another authority of the same name.
    let mut imposter = Instance::new("acme", 1).root();
    for key in ["tlogs", "ctlogs"] {
        imposter[key] = instance.root()[key].clone();
    }
    assert_eq!(code(&imposter, &bundle), refused("certificate-untrusted"));
    let mut closed = instance.root();
    closed["certificateAuthorities"][0]["validFor"]["end"] = "2024-05-01T00:00:00Z".into();
    assert_eq!(code(&closed, &bundle), refused("authority-not-valid-at-time"));
    // The logs of one root do not support the authority of another, though both are trusted.
    let mut split = instance.root();
    split["tlogs"] = json!([]);
    let logs_elsewhere = TrustMaterial::default()
        .with_roots(&[roots(&Instance::new("acme", 1).root()), roots(&instance.root())].concat());
    assert!(verify_with(&logs_elsewhere, &bundle).is_ok());
    let mut foreign = Instance::new("acme", 1).root();
    foreign["tlogs"] = instance.root()["tlogs"].clone();
    split["tlogs"] = Instance::new("x", 1).root()["tlogs"].clone();
    let both = TrustMaterial::default().with_roots(&[roots(&foreign), roots(&split)].concat());
    assert!(verify_with(&both, &bundle).is_err());
    // The authority's own certificate had expired.
    instance.authority_window = (SIGNED_AT - 100 * DAY, SIGNED_AT - DAY);
    let bundle = signed(&instance, &workflow());
    assert_eq!(code(&instance.root(), &bundle), refused("authority-not-valid-at-time"));
    // Another authority of the root, which is valid, did not issue it.
    let mut beside = instance.root();
    let other = Instance::new("other", 0).root()["certificateAuthorities"][0].clone();
    beside["certificateAuthorities"].as_array_mut().unwrap().insert(0, other);
    assert_eq!(code(&beside, &bundle), refused("authority-not-valid-at-time"));
}

#[test]
fn an_authority_that_has_ended_borrows_no_time_of_another() {
    let mut instance = Instance::new("acme", 1);
    let authority = |name| Instance::new(name, 0).root()["certificateAuthorities"][0].clone();
    let good = (instance.root(), signed(&instance, &workflow()));
    instance.authority_window = (SIGNED_AT - 100 * DAY, SIGNED_AT - DAY);
    let ended = (instance.root(), signed(&instance, &workflow()));
    // The chain of a bundle is not signed, so whatever stands there lends nothing; nor does an authority of the same name.
    for other in ["other", "acme"].map(authority) {
        for place in [0, 1] {
            let with = |(root, bundle): &(Value, Value), more: &[&Value]| {
                let (mut root, mut bundle) = (root.clone(), bundle.clone());
                root["certificateAuthorities"].as_array_mut().unwrap().insert(place, other.clone());
                if !more.is_empty() {
                    bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
                    let material = bundle["verificationMaterial"].as_object_mut().unwrap();
                    let mut chain = vec![material.remove("certificate").unwrap()];
                    chain.extend(more.iter().map(|ca| ca["certChain"]["certificates"][0].clone()));
                    material.insert("x509CertificateChain".into(), json!({ "certificates": chain }));
                }
                code(&root, &bundle)
            };
            for (own, expected) in [(&good, Ok(())), (&ended, refused("authority-not-valid-at-time"))] {
                let itself = &own.0["certificateAuthorities"][0];
                for more in [&[][..], &[itself], &[&other], &[itself, &other], &[&other, itself]] {
                    assert_eq!(with(own, more), expected, "{} more, the other at {place}", more.len());
                }
            }
        }
    }
}

#[test]
fn a_log_entry_is_proven_to_be_in_its_log() {
    let instance = Instance::new("acme", 1);
    let root = instance.root();
    let good = signed(&instance, &workflow());
    let with = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle);
        code(&root, &bundle)
    };
    assert_eq!(with(&|_| ()), Ok(()));
    let gone = |b: &mut Value, key: &str| {
        entry(b).as_object_mut().unwrap().remove(key);
    };
    assert_eq!(with(&|b| b["verificationMaterial"]["tlogEntries"] = json!([])), refused("log-entry-missing"));
    assert_eq!(with(&|b| gone(b, "inclusionProof")), refused("log-proof-missing"));
    // The media type is not signed: an older one, which knew no proofs, is no way around them.
    let older = |b: &mut Value| {
        b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
    };
    assert_eq!(
        with(&|b| {
            older(b);
            gone(b, "inclusionProof")
        }),
        refused("log-proof-missing")
    );
    assert_eq!(
        with(&|b| {
            gone(b, "inclusionProof");
            gone(b, "inclusionPromise")
        }),
        refused("log-proof-missing")
    );
    // Without the promise nothing signs the time.
    assert_eq!(with(&|b| gone(b, "inclusionPromise")), refused("timestamp-missing"));
    assert_eq!(
        with(&|b| entry(b)["integratedTime"] = (SIGNED_AT + 1).to_string().into()),
        refused("log-entry-invalid")
    );
    assert_eq!(with(&|b| entry(b)["logIndex"] = "8".into()), refused("log-entry-invalid"));
    assert_eq!(with(&|b| entry(b)["kindVersion"]["version"] = "0.0.9".into()), refused("unsupported-material"));
    assert_eq!(
        with(&|b| entry(b)["kindVersion"] = json!({ "kind": "intoto", "version": "0.0.1" })),
        refused("unsupported-material")
    );
    let mut closed = root.clone();
    closed["tlogs"][0]["publicKey"]["validFor"]["end"] = "2024-05-01T00:00:00Z".into();
    assert_eq!(code(&closed, &good), refused("log-entry-invalid"));
    let mut other = root.clone();
    other["tlogs"] = Instance::new("x", 1).root()["tlogs"].clone();
    assert_eq!(code(&other, &good), refused("log-unknown"));
}

#[test]
fn an_entry_is_about_this_signature_artifact_and_signer() {
    let instance = Instance::new("acme", 1);
    let good = signed(&instance, &workflow());
    let logged = |statement: &[u8], signature: &[u8], verifier: pem::Pem| {
        let mut bundle = good.clone();
        *entry(&mut bundle) = instance.entry(0, &entry_body(statement, signature, &verifier));
        code(&instance.root(), &bundle)
    };
    let signature = STANDARD.decode(good["dsseEnvelope"]["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    let raw = &good["verificationMaterial"]["certificate"]["rawBytes"];
    let certificate = || pem::Pem::new("CERTIFICATE", STANDARD.decode(raw.as_str().unwrap()).unwrap());
    let statement = claim().to_bytes();
    assert_eq!(logged(&statement, &signature, certificate()), Ok(()));
    assert_eq!(logged(b"{}", &signature, certificate()), refused("log-entry-invalid"));
    assert_eq!(logged(&statement, b"another", certificate()), refused("log-entry-invalid"));
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let theirs = pem::Pem::new("CERTIFICATE", instance.certify(&workflow(), &key));
    assert_eq!(logged(&statement, &signature, theirs), refused("log-entry-invalid"));
    let bare = pem::Pem::new("PUBLIC KEY", key.public_key().spki());
    assert_eq!(logged(&statement, &signature, bare), refused("log-entry-invalid"));
    // An entry of a whole other bundle.
    let mut bundle = good.clone();
    *entry(&mut bundle) = entry(&mut signed(&instance, &workflow())).clone();
    assert_eq!(code(&instance.root(), &bundle), refused("log-entry-invalid"));
}

#[test]
fn a_checkpoint_is_of_the_log_that_the_entry_names() {
    let instance = Instance::new("acme", 2).with_stamps(1);
    let root = instance.root();
    let mut bundle = signed(&instance, &workflow());
    let body = STANDARD.decode(entry(&mut bundle)["canonicalizedBody"].as_str().unwrap()).unwrap();
    let entries = |bundle: &mut Value, second: Value| {
        bundle["verificationMaterial"]["tlogEntries"].as_array_mut().unwrap().push(second);
    };
    let mut two = bundle.clone();
    entries(&mut two, instance.entry(1, &body));
    assert_eq!(verify(&root, &two).unwrap().log_entries().len(), 2);
    // The first log's proof under the second log's name.
    let mut renamed = instance.entry(0, &body);
    renamed["logId"]["keyId"] = STANDARD.encode(log_id(&instance.logs[1])).into();
    renamed.as_object_mut().unwrap().remove("inclusionPromise");
    let note = renamed["inclusionProof"]["checkpoint"]["envelope"].as_str().unwrap().to_owned();
    // Nor with a line that carries the second log's short hint and no signature of its.
    let garbage = STANDARD.encode([&log_id(&instance.logs[1])[..4], b"no signature"].concat());
    for line in ["", &format!("\u{2014} log.example {garbage}\n")] {
        let mut bundle = bundle.clone();
        let mut renamed = renamed.clone();
        renamed["inclusionProof"]["checkpoint"]["envelope"] = format!("{note}{line}").into();
        entries(&mut bundle, renamed);
        assert_eq!(code(&root, &bundle), refused("log-entry-invalid"), "{line}");
    }
    // Alone, beside a timestamp: no other log is asked then.
    let mut own = instance.entry(1, &body);
    own.as_object_mut().unwrap().remove("inclusionPromise");
    for (entry, wanted) in [(own, Ok(())), (renamed, refused("log-entry-invalid"))] {
        let mut alone = bundle.clone();
        alone["verificationMaterial"]["tlogEntries"] = json!([entry]);
        instance.stamp(&mut alone, 0, SIGNED_AT);
        assert_eq!(code(&root, &alone), wanted);
    }
}

#[test]
fn the_signature_is_by_the_certificates_key_over_these_bytes() {
    let instance = Instance::new("acme", 1);
    let root = instance.root();
    let good = signed(&instance, &workflow());
    let envelope = |change: &dyn Fn(&mut Value)| {
        let mut bundle = good.clone();
        change(&mut bundle["dsseEnvelope"]);
        code(&root, &bundle)
    };
    let other = Claim { task: Some("another".into()), ..claim() };
    assert_eq!(envelope(&|e| e["payload"] = STANDARD.encode(other.to_bytes()).into()), refused("signature-invalid"));
    assert_eq!(
        envelope(&|e| {
            let s = e["signatures"][0].clone();
            e["signatures"] = json!([s, s])
        }),
        refused("evidence-malformed")
    );
    assert_eq!(envelope(&|e| e["payloadType"] = "text/plain".into()), refused("payload-type-unknown"));
    let elsewhere = Claim::about(&attest::model::Digest::sha256(b"another"));
    assert_eq!(code(&root, &instance.sign(&workflow(), &elsewhere.to_bytes())), refused("subject-mismatch"));
    // A bare key where the certificate belongs.
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let mut bare = instance.sign_with_key(&key, &claim().to_bytes());
    assert_eq!(code(&root, &bare), refused("key-not-trusted"));
    let material = bare["verificationMaterial"].as_object_mut().unwrap();
    material.remove("publicKey");
    material.insert("certificate".into(), json!({ "rawBytes": STANDARD.encode(key.public_key().spki()) }));
    assert_eq!(code(&root, &bare), refused("certificate-malformed"));
}

#[test]
fn two_subjects_of_one_artifact_agree_under_a_certificate_too() {
    let instance = Instance::new("acme", 1);
    let mut sha384 = claim();
    sha384.subjects[0].1.push(("sha384".into(), "0".repeat(96)));
    assert_eq!(
        code(&instance.root(), &instance.sign(&workflow(), &sha384.to_bytes())),
        refused("subject-digest-unknown")
    );
}

/// What was found out of a bundle is kept for who asks the same, and answers nobody else: other roots may not vouch for it, and
/// at another time a certificate or a root may count that did not, or not yet.
#[test]
fn an_answer_that_is_kept_is_for_the_same_question_alone() {
    let instance = Instance::new("acme", 1);
    let bundle = signed(&instance, &workflow()).to_string().into_bytes();
    let trust = |instance: &Instance| TrustMaterial::default().with_roots(&roots(&instance.root()));
    let (own, other, none) = (trust(&instance), trust(&Instance::new("acme", 1)), TrustMaterial::default());
    let examined = Examined::default();
    let asked = |trust: &TrustMaterial, at: i64| {
        let verifier = Verifier::new(trust, Timestamp::from_unix(at).unwrap()).remembering(&examined);
        verifier.verify(&bundle, &artifact()).is_ok()
    };
    let (before, after) = (SIGNED_AT - DAY, SIGNED_AT + DAY);
    // A no of a time at which it was not signed yet is none of later.
    assert!(!asked(&own, before), "it lies in the future");
    assert!(asked(&own, after));
    // A yes holds later, and not before.
    assert!(asked(&own, after + DAY));
    assert!(!asked(&own, before), "it lies in the future again");
    for stranger in [&other, &none] {
        assert!(!asked(stranger, after), "a yes of other roots");
        assert!(asked(&own, after), "a no of other roots");
    }
}
