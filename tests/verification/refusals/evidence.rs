//! Evidence that is not what it says: changed, signed by somebody else, of another form.

use crate::refusals::file;
use attest::model::Digest;
use attest::testing::world::{self, tamper};
use attest::testing::{Claim, World};
use attest::trust::KeyAlgorithm;
use serde_json::json;

/// ASN.1 of an ECDSA signature whose two numbers are zero.
const ZERO: [u8; 8] = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00];

fn signature(bundle: &[u8], base64: &str) -> Vec<u8> {
    tamper(bundle, |b| b["dsseEnvelope"]["signatures"][0]["sig"] = base64.into())
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn another_payload(_: &World, bundle: Vec<u8>) -> Vec<u8> {
    let mut claim = Claim::about(&Digest::sha256(crate::refusals::scene::FILE));
    claim.agent = Some("evil/builder".into());
    world::with_payload(&bundle, &claim.to_bytes())
}

fn of(algorithm: KeyAlgorithm) -> impl Fn(&mut crate::refusals::Scene) {
    move |s| s.world = World::new(algorithm)
}

crate::refusals::refusals! {
    no_attestation: file(&[]), |s| s.attested = false => 1 "no-attestation";
    changed_payload: file(&[]), |s| s.bundle = Some(another_payload) => 1 "signature-invalid";
    changed_payload_under_ed25519: of(KeyAlgorithm::Ed25519), |s| s.bundle = Some(another_payload) => 1 "signature-invalid";
    changed_payload_under_p384: of(KeyAlgorithm::EcdsaP384), |s| s.bundle = Some(another_payload) => 1 "signature-invalid";
    other_key: file(&[]), |s| s.other_signs = true => 1 "key-not-trusted";
    other_ed25519_key: of(KeyAlgorithm::Ed25519), |s| s.other_signs = true => 1 "key-not-trusted";
    other_key_under_the_hint_of_ours: file(&[]), |s| {
        s.other_signs = true;
        s.bundle = Some(|w, b| tamper(&b, |b| b["verificationMaterial"]["publicKey"]["hint"] = w.key.public_key().hint().into()));
    } => 1 "signature-invalid";
    other_keys_public_key_inside_the_bundle: file(&[]), |s| {
        s.other_signs = true;
        s.bundle = Some(|w, b| tamper(&b, |b| b["verificationMaterial"]["publicKey"]["rawBytes"] = encode(w.other.public_key().spki()).into()));
    } => 1 "key-not-trusted";
    two_signatures_of_which_none_is_ours: |s| s.bundle = Some(|w, b| world::signed_by(&b, &[&w.other, &w.key])), |s| {
        s.bundle = Some(|w, b| world::signed_by(&b, &[&w.other, &w.other]));
    } => 1 "signature-invalid";
    no_signature: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| b["dsseEnvelope"]["signatures"] = json!([]))) => 1 "evidence-malformed";
    empty_signature: file(&[]), |s| s.bundle = Some(|_, b| signature(&b, "")) => 1 "signature-invalid";
    signature_of_zeros: file(&[]), |s| s.bundle = Some(|_, b| signature(&b, &encode(&ZERO))) => 1 "signature-invalid";
    signature_over_the_payload_alone: file(&[]), |s| s.bundle = Some(|w, b| {
        let payload = Claim::about(&Digest::sha256(crate::refusals::scene::FILE)).to_bytes();
        signature(&b, &encode(&w.key.sign_bytes(&payload).unwrap()))
    }) => 1 "signature-invalid";
    signature_under_another_payload_type: file(&[]), |s| {
        s.payload_type = "text/plain";
        s.bundle = Some(|_, b| tamper(&b, |b| b["dsseEnvelope"]["payloadType"] = "application/vnd.in-toto+json".into()));
    } => 1 "signature-invalid";
    payload_type_other_than_in_toto: file(&[]), |s| s.payload_type = "application/json" => 1 "payload-type-unknown";
    message_signature: file(&[]), |s| s.bundle = Some(|_, b| world::message_signature(&b)) => 1 "not-an-attestation";
    keyless_bundle: file(&[]), |s| s.bundle = Some(|_, b| world::keyless(&b)) => 1 "certificate-malformed";
    keyless_bundle_with_an_older_chain: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| {
        b["mediaType"] = "application/vnd.dev.sigstore.bundle+json;version=0.1".into();
        b["verificationMaterial"] = json!({ "x509CertificateChain": { "certificates": [{ "rawBytes": "AAAA" }] } });
    })) => 1 "certificate-malformed";
    key_and_certificate_at_once: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| b["verificationMaterial"]["certificate"] = json!({ "rawBytes": "AAAA" }))) => 1 "evidence-malformed";
    bundle_of_a_later_version: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| b["mediaType"] = "application/vnd.dev.sigstore.bundle.v0.4+json".into())) => 1 "evidence-malformed";
    envelope_and_message_signature: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| b["messageSignature"] = json!({ "signature": "AAAA" }))) => 1 "evidence-malformed";
    envelope_spelled_twice: file(&[]), |s| s.bundle = Some(|_, b| tamper(&b, |b| b["dsse_envelope"] = b["dsseEnvelope"].clone())) => 1 "evidence-malformed";
    duplicate_keys_in_the_bundle: file(&[]), |s| s.bundle = Some(|_, b| [b"{\"dsseEnvelope\":{},", &b[1..]].concat()) => 1 "evidence-malformed";
    bytes_after_the_bundle: file(&[]), |s| s.bundle = Some(|_, b| [&b[..], b"{"].concat()) => 1 "evidence-malformed";
    no_json: file(&[]), |s| s.bundle = Some(|_, _| b"attested, honestly".to_vec()) => 1 "evidence-malformed";
    bare_envelope_of_another_key: |s| s.bundle = Some(|_, b| world::bare(&b)), |s| s.other_signs = true => 1 "key-not-trusted";
    statement_about_another_file: file(&[]), |s| s.claim.subjects = vec![world::subject("app", &Digest::sha256(b"another"))] => 1 "subject-mismatch";
    file_changed_after_signing: file(&[]), |s| s.then(|at| { at.world.write("app", b"the artifacT"); }) => 1 "subject-mismatch";
    file_with_a_byte_more: file(&[]), |s| s.then(|at| { at.world.write("app", b"the artifact\n"); }) => 1 "subject-mismatch";
    subject_by_a_weak_digest: |s| s.claim.subjects[0].1.push(("sha1".into(), "0".repeat(40))), |s| { s.claim.subjects[0].1.remove(0); } => 1 "subject-mismatch";
    second_digest_that_contradicts: |s| s.claim.subjects[0].1.push(("sha512".into(), attest::model::digest::DigestAlgorithm::Sha512.hex_of(crate::refusals::scene::FILE))), |s| {
        s.claim.subjects[0].1[1].1 = "0".repeat(128);
    } => 1 "subject-digest-conflict";
    second_subject_that_contradicts: |s| s.claim.subjects.push(("b".into(), vec![("sha256".into(), "0".repeat(64))])), |s| {
        let same = s.claim.subjects[0].1[0].clone();
        s.claim.subjects[1].1 = vec![same, ("sha384".into(), "0".repeat(96))];
    } => 1 "subject-digest-conflict";
    upper_case_digest: file(&[]), |s| s.claim.subjects[0].1[0].1.make_ascii_uppercase() => 1 "statement-malformed";
    digest_cut_short: file(&[]), |s| s.claim.subjects[0].1[0].1.truncate(63) => 1 "statement-malformed";
    no_subject: file(&[]), |s| s.claim.subjects.clear() => 1 "statement-malformed";
    subject_without_a_digest: |s| s.claim.subjects.push(("b".into(), Vec::new())), |s| s.claim.subjects = vec![("app".into(), Vec::new())] => 1 "statement-malformed";
    wrong_statement_type: file(&[]), |s| s.claim.statement_type = "https://in-toto.io/Statement/v2".into() => 1 "statement-malformed";
    duplicate_keys_in_the_statement: file(&[]), |s| s.statement = Some(|t| t.replacen('{', r#"{"predicateType":"https://slsa.dev/provenance/v1","#, 1)) => 1 "statement-malformed";
    duplicate_keys_by_an_escape: file(&[]), |s| s.statement = Some(|t| t.replacen('{', r#"{"\u0070redicateType":"https://slsa.dev/provenance/v1","#, 1)) => 1 "statement-malformed";
    duplicate_keys_deep_inside: file(&["--agent", "platform/builder"]), |s| s.statement = Some(|t| t.replacen(r#""agent":{"#, r#""agent":{"id":"evil/builder","#, 1)) => 1 "statement-malformed";
    field_spelled_twice: file(&[]), |s| s.statement = Some(|t| t.replacen('{', r#"{"predicate_type":"https://evil.example/v1","#, 1)) => 1 "statement-malformed";
    provenance_without_a_builder: file(&[]), |s| s.statement = Some(|t| t.replace(r#""builder":{"id":"https://builders.example/one"}"#, r#""builder":{}"#)) => 1 "statement-malformed";
    agent_that_is_no_text: file(&[]), |s| s.statement = Some(|t| t.replace(r#""id":"platform/builder""#, r#""id":["platform/builder"]"#)) => 1 "statement-malformed";
    bytes_after_the_statement: file(&[]), |s| s.statement = Some(|t| t + "{}") => 1 "statement-malformed";
    source_dirty_by_a_second_entry: file(&["--source-ref", "refs/heads/main"]), |s| s.statement = Some(|t| {
        let entry = r#"{"uri":"git+https://git.example/acme/app@refs/heads/main","digest":{"gitCommit":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},"annotations":{"dirty":true}}"#;
        t.replace(r#""annotations":{"dirty":false}}]"#, &format!(r#""annotations":{{"dirty":false}}}},{entry}]"#))
    }) => 1 "source-dirty";
    bundle_file_missing: |s| s.then(|at| { let f = at.world.write("b.json", &at.bundles[0]); at.arguments.extend(["--bundle".into(), world::text(&f)]) }), |s| {
        s.then(|at| std::fs::remove_file(at.world.path("b.json")).unwrap());
    } => 2 "file-unreadable";
    bundle_elsewhere_replaces_the_one_beside: |s| s.then(|at| { let f = at.world.write("b.json", &at.bundles[0]); at.arguments.extend(["--bundle".into(), world::text(&f)]) }), |s| {
        s.then(|at| { at.world.write("b.json", ""); });
    } => 1 "evidence-empty";
    subject_missing: file(&[]), |s| s.then(|at| std::fs::remove_file(&at.path).unwrap()) => 2 "file-unreadable";
    one_of_two_subjects_not_attested: |s| s.then(|at| { at.world.write("b/app", crate::refusals::scene::FILE); let b = at.bundles[0].clone(); at.world.write("b/app.sigstore.json", b); let f = at.world.path("b/app"); at.arguments.insert(0, world::text(&f)) }), |s| {
        s.then(|at| std::fs::remove_file(at.world.path("b/app.sigstore.json")).unwrap());
    } => 1 "no-attestation";
}
