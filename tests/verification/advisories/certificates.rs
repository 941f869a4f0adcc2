//! Certificates that were not valid, are too many, or are no certificates.

use super::{claim, code, holder, instance, key, refused, verify_bytes};
use attest::model::envelope::IN_TOTO;
use attest::testing::sigstore::SIGNED_AT;
use attest::testing::world::{sign_unchecked, tamper};
use attest::testing::{Holder, Instance};
use attest::trust::TrustMaterial;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

const DAY: i64 = 86_400;

/// cosign: of the certificates that issued the signer's, none was asked when it ended.
#[test]
fn cve_2026_24122_every_certificate_of_the_chain_is_valid_at_the_time() {
    let ending = |ends: i64| {
        let mut instance = instance();
        instance.authority_window = (SIGNED_AT - 100 * DAY, ends);
        code(&instance.root(), &instance.sign(&holder(), &claim().to_bytes()))
    };
    assert_eq!(ending(SIGNED_AT), Ok(()));
    assert_eq!(ending(SIGNED_AT - 1), refused("authority-not-valid-at-time"));
}

/// sigstore-go: keys of authorities and logs counted outside the time for which the root lists them.
#[test]
fn cve_2026_54787_keys_count_in_their_own_time() {
    let instance = instance();
    let bundle = instance.sign(&holder(), &claim().to_bytes());
    let mut modern = instance.sign_alone(&holder(), &claim().to_bytes());
    instance.log_in_tiles(&mut modern, 0, None);
    instance.stamp(&mut modern, 0, SIGNED_AT);
    let within = |window: Value, bundle: &Value, place: &str| {
        let mut root = instance.root();
        *root.pointer_mut(place).unwrap() = window;
        code(&root, bundle)
    };
    let places = [
        ("/certificateAuthorities/0/validFor", &bundle, "authority-not-valid-at-time"),
        ("/ctlogs/0/publicKey/validFor", &bundle, "sct-invalid"),
        ("/tlogs/0/publicKey/validFor", &bundle, "log-entry-invalid"),
        ("/tlogs/1/publicKey/validFor", &modern, "log-entry-invalid"),
        ("/timestampAuthorities/0/validFor", &modern, "timestamp-invalid"),
    ];
    for (place, bundle, wanted) in places {
        let window = |start: &str, end: &str| json!({ "start": start, "end": end });
        assert_eq!(within(window("2024-01-01T00:00:00Z", "2024-12-01T00:00:00Z"), bundle, place), Ok(()), "{place}");
        let over = window("2024-01-01T00:00:00Z", "2024-05-01T00:00:00Z");
        assert_eq!(within(over, bundle, place), refused(wanted), "{place}");
        let later = window("2024-07-01T00:00:00Z", "2024-12-01T00:00:00Z");
        assert_eq!(within(later, bundle, place), refused(wanted), "{place}");
    }
}

/// cosign before 3.1.3: a bare public key where the certificate belongs stood in for a policy about identities.
#[test]
fn ghsa_fx35_mq7g_6g98_a_key_in_the_place_of_a_certificate_is_nobody() {
    let (instance, mine, theirs) = (instance(), key(), key());
    let good = instance.sign(&holder(), &claim().to_bytes());
    let mut forged = good.clone();
    let spki = STANDARD.encode(theirs.public_key().spki());
    forged["verificationMaterial"]["certificate"]["rawBytes"] = spki.clone().into();
    let bundle: Value = serde_json::from_slice(&sign_unchecked(&theirs, IN_TOTO, &claim().to_bytes())).unwrap();
    forged["dsseEnvelope"] = bundle["dsseEnvelope"].clone();
    assert_eq!(code(&instance.root(), &good), Ok(()));
    assert_eq!(code(&instance.root(), &forged), refused("certificate-malformed"));
    // Nor does PEM, or a trusted key beside it, make it somebody.
    forged["verificationMaterial"]["certificate"]["rawBytes"] = STANDARD.encode(theirs.public_key().to_pem()).into();
    let trust = TrustMaterial::of_keys([mine.public_key().clone()]).with_roots(&super::roots(&instance.root()));
    let answer = verify_bytes(&trust, forged.to_string().as_bytes()).map(|_| ()).map_err(|e| e.code().to_string());
    assert_eq!(answer, refused("certificate-malformed"));
    let keyed = |key| {
        let bundle = tamper(&sign_unchecked(key, IN_TOTO, &claim().to_bytes()), |b| {
            b["verificationMaterial"]["publicKey"]["rawBytes"] = spki.clone().into();
        });
        verify_bytes(&trust, &bundle).map(|_| ()).map_err(|e| e.code().to_string())
    };
    assert_eq!((keyed(&mine), keyed(&theirs)), (Ok(()), refused("key-not-trusted")));
}

/// Go's x509: certificates that may all issue one another made building a chain take without end.
#[test]
fn cve_2026_32280_a_chain_has_few_certificates() {
    let instance = instance();
    let good = instance.sign(&holder(), &claim().to_bytes());
    let leaf = good["verificationMaterial"]["certificate"].clone();
    let with = |more: usize| {
        let mut bundle = good.clone();
        bundle["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.2".into();
        // Each is an authority of the same name with a key of its own, so that each may have issued each.
        let others = (0..more).map(|_| json!({ "rawBytes": STANDARD.encode(Instance::new("acme", 0).certificate()) }));
        let chain: Vec<_> = std::iter::once(leaf.clone()).chain(others).collect();
        let material = bundle["verificationMaterial"].as_object_mut().unwrap();
        material.remove("certificate");
        material.insert("x509CertificateChain".into(), json!({ "certificates": chain }));
        code(&instance.root(), &bundle)
    };
    assert_eq!((with(0), with(9)), (Ok(()), Ok(())));
    assert_eq!(with(10), refused("limit-exceeded"));
    assert_eq!(with(1000), refused("limit-exceeded"));
    // A root is no longer than that either.
    let mut root = instance.root();
    let chain = root.pointer_mut("/certificateAuthorities/0/certChain/certificates").unwrap();
    let one = chain[0].clone();
    chain.as_array_mut().unwrap().extend(std::iter::repeat_n(one, 10));
    let answer = attest::trust::TrustedRoot::parse(root.to_string().as_bytes(), "test");
    assert_eq!(answer.map(|_| ()).map_err(|e| e.code().to_string()), refused("limit-exceeded"));
}

/// What the twins of this file have in common: a holder is nobody until an authority says so.
#[test]
fn a_certificate_that_the_holder_issued_is_nobodys() {
    let (mine, theirs) = (instance(), instance());
    let holder: Holder = holder();
    assert_eq!(code(&mine.root(), &mine.sign(&holder, &claim().to_bytes())), Ok(()));
    assert_eq!(code(&mine.root(), &theirs.sign(&holder, &claim().to_bytes())), refused("log-unknown"));
}
