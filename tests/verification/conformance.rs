//! The bundles of Sigstore's conformance suite, each as file and as digest, through the example that speaks its protocol.
#![expect(clippy::disallowed_methods, reason = "files, and the clock that the example is handed")]

use crate::serve::{Reply, Server};
use crate::vectors::vectors;
use attest::testing::Instance;
use attest::testing::sigstore::Request;
use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../examples/conformance.rs"]
#[allow(dead_code, reason = "its main is not called")]
mod program;

const IDENTITY: &str = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main";
const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// What must be refused, and for which reason, where the case isolates one.
const REASONS: &[(&str, &str)] = &[
    ("checkpoint-bad-keyhint", "log-entry-invalid"),
    ("checkpoint-wrong-roothash", "log-entry-invalid"),
    ("dsse-invalid-sig", "signature-invalid"),
    ("dsse-mismatch-envelope", "log-entry-invalid"),
    ("dsse-mismatch-sig", "log-entry-invalid"),
    ("inclusion-proof-corrupted-hash", "log-entry-invalid"),
    ("incorrect-public-key", "log-entry-invalid"),
    ("intoto-expired-certificate", "certificate-expired-at-time"),
    ("intoto-log-entry-mismatch", "log-entry-invalid"),
    ("intoto-missing-inclusion-proof", "log-proof-missing"),
    ("intoto-set-outside-signing-cert-validity", "certificate-expired-at-time"),
    ("intoto-tsa-timestamp-outside-cert-validity", "certificate-expired-at-time"),
    ("invalid-checkpoint-signature", "log-entry-invalid"),
    ("invalid-ct-key", "sct-invalid"),
    ("invalid-inclusion-proof", "log-entry-invalid"),
    ("bundle-from-wrong-instance", "log-unknown"),
    ("managed-key-no-key", "unsupported-material"),
    ("rekor2-checkpoint-no-matching-signature", "log-entry-invalid"),
    ("rekor2-dsse-invalid-sig", "signature-invalid"),
    ("rekor2-dsse-mismatch-envelope", "log-entry-invalid"),
    ("rekor2-dsse-mismatch-sig", "log-entry-invalid"),
    ("rekor2-no-inclusion-proof", "log-proof-missing"),
    ("rekor2-no-timestamp", "timestamp-missing"),
    ("rekor2-timestamp-outside-trust-root-tsa-validity", "timestamp-invalid"),
    ("rekor2-timestamp-outside-tsa-cert-validity", "timestamp-invalid"),
    ("rekor2-timestamp-payload-mismatch", "timestamp-invalid"),
    ("rekor2-timestamp-untrusted-tsa-with-embedded-cert", "timestamp-invalid"),
    ("rekor2-timestamp-untrusted-tsa-without-embedded-cert", "timestamp-invalid"),
    ("set-invalid-signature", "log-entry-invalid"),
    ("signature-mismatch", "signature-invalid"),
    ("wrong-hashedrekord-artifact", "log-entry-invalid"),
    ("wrong-hashedrekord-cert-and-sig", "log-entry-invalid"),
    ("wrong-hashedrekord-entry", "log-entry-invalid"),
];

/// Says by name what was not tried.
#[expect(clippy::print_stderr, reason = "a test that tried nothing says so")]
fn skipped(what: &str) {
    eprintln!("skipped: {what}");
}

/// The suite's cases, where they lie beside the checkout.
fn cases() -> Option<(PathBuf, Vec<PathBuf>)> {
    let folder = vectors("sigstore-conformance")?;
    let entries = fs::read_dir(&folder).unwrap();
    let mut cases: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    Some((folder, cases))
}

/// Exit code and message of the protocol's program.
fn run(arguments: &[&str]) -> (u8, String) {
    let done = program::run(arguments.iter().copied(), &|| chrono::Utc::now().into());
    done.map_or_else(|refusal| (refusal.exit, refusal.to_string()), |()| (0, String::new()))
}

/// Exit code and message of one case.
fn verify(case: &Path, artifact: &str) -> (u8, String) {
    let path = |name: &str| case.join(name).to_str().unwrap().to_owned();
    let text = |name: &str, other: &str| {
        fs::read_to_string(case.join(name)).map_or_else(|_| other.to_owned(), |t| t.trim().to_owned())
    };
    let mut arguments = vec!["verify-bundle".to_owned(), "--bundle".to_owned(), path("bundle.sigstore.json")];
    let mut flag = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    if case.join("key.pub").exists() {
        flag("--key", path("key.pub"));
    } else {
        flag("--certificate-identity", text("identity", IDENTITY));
        flag("--certificate-oidc-issuer", text("issuer", ISSUER));
    }
    if case.join("trusted_root.json").exists() {
        flag("--trusted-root", path("trusted_root.json"));
    }
    arguments.push(artifact.to_owned());
    run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// The library asks only that a log of version 2 was in use before now; it must have been when it was signed.
#[test]
fn a_log_of_version_2_counts_only_while_it_is_in_use() {
    let Some((folder, _)) = cases() else { return skipped("sigstore-conformance is not beside this checkout") };
    let temporary = tempfile::tempdir().unwrap();
    let case = folder.join("rekor2-dsse-happy-path");
    fs::copy(case.join("bundle.sigstore.json"), temporary.path().join("bundle.sigstore.json")).unwrap();
    let root: serde_json::Value = serde_json::from_slice(&fs::read(case.join("trusted_root.json")).unwrap()).unwrap();
    let digest = hex(&fs::read(folder.join("a.txt")).unwrap());
    let until = |end: Option<&str>| {
        let mut root = root.clone();
        for log in root["tlogs"].as_array_mut().unwrap() {
            let window = &mut log["publicKey"]["validFor"];
            window.as_object_mut().unwrap().remove("end");
            if let Some(end) = end {
                *window = serde_json::json!({ "start": "2020-01-01T00:00:00Z", "end": end });
            }
        }
        fs::write(temporary.path().join("trusted_root.json"), root.to_string()).unwrap();
        verify(temporary.path(), &format!("sha256:{digest}"))
    };
    assert_eq!(until(None).0, 0);
    let (code, stderr) = until(Some("2021-01-01T00:00:00Z"));
    assert!(code == 1 && stderr.starts_with("error[log-entry-invalid]"), "{code} {stderr}");
}

/// As with GitHub's instance: what a root has, it demands, and what it has not, nobody can ask for.
#[test]
fn a_root_without_logs_takes_a_timestamp_alone() {
    let Some((folder, _)) = cases() else { return skipped("sigstore-conformance is not beside this checkout") };
    let case = folder.join("rekor2-dsse-happy-path");
    let read =
        |name: &str| -> serde_json::Value { serde_json::from_slice(&fs::read(case.join(name)).unwrap()).unwrap() };
    let digest = hex(&fs::read(folder.join("a.txt")).unwrap());
    let temporary = tempfile::tempdir().unwrap();
    let with = |logs: bool, entry: bool, timestamp: bool| {
        let (mut root, mut bundle) = (read("trusted_root.json"), read("bundle.sigstore.json"));
        let gone = |there: bool, value: &mut serde_json::Value, key: &str| {
            if !there {
                value.as_object_mut().unwrap().remove(key);
            }
        };
        gone(logs, &mut root, "tlogs");
        gone(entry, &mut bundle["verificationMaterial"], "tlogEntries");
        gone(timestamp, &mut bundle["verificationMaterial"], "timestampVerificationData");
        fs::write(temporary.path().join("trusted_root.json"), root.to_string()).unwrap();
        fs::write(temporary.path().join("bundle.sigstore.json"), bundle.to_string()).unwrap();
        let (code, stderr) = verify(temporary.path(), &format!("sha256:{digest}"));
        let told = stderr.strip_prefix("error[").and_then(|rest| rest.split_once(']'));
        (code, told.map(|(code, _)| code.to_owned()).unwrap_or_default())
    };
    let no = |code: &str| (1, code.to_owned());
    assert_eq!(with(true, true, true), (0, String::new()));
    assert_eq!(with(false, false, true), (0, String::new()));
    assert_eq!(with(true, false, true), no("log-entry-missing"));
    assert_eq!(with(false, false, false), no("timestamp-missing"));
    assert_eq!(with(true, true, false), no("timestamp-missing"));
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn every_bundle_of_the_suite_is_judged_as_it_says() {
    let Some((folder, cases)) = cases() else {
        skipped("sigstore-conformance is not beside this checkout");
        return;
    };
    assert_eq!(cases.len(), 70);
    let mut wrong = Vec::new();
    let mut reasons = 0;
    for case in &cases {
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        let artifact = if case.join("artifact").exists() { case.join("artifact") } else { folder.join("a.txt") };
        let digest = hex(&fs::read(&artifact).unwrap());
        for artifact in [artifact.to_str().unwrap().to_owned(), format!("sha256:{digest}")] {
            let (code, stderr) = verify(case, &artifact);
            let line = stderr.lines().next().unwrap_or_default().to_owned();
            if (code == 0) == name.ends_with("_fail") || code > 2 {
                wrong.push(format!("{name} {artifact}: exit {code} {line}"));
            }
            // A refusal for another reason than the case is made for would hide that nothing looks at that one.
            if let Some((_, wanted)) = REASONS.iter().find(|(case, _)| name == format!("{case}_fail")) {
                if !line.starts_with(&format!("error[{wanted}]")) {
                    wrong.push(format!("{name} {artifact}: expected {wanted}, found {line}"));
                }
                reasons += 1;
            }
        }
    }
    assert_eq!(reasons, REASONS.len() * 2);
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len() * 2, wrong.join("\n"));
}

/// The protocol's other half, against an instance on loopback: a file, and a statement.
#[test]
fn what_is_signed_by_the_protocol_verifies_by_it() {
    let folder = tempfile::tempdir().unwrap();
    let instance = Instance::new("acme", 1).with_stamps(1);
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("root.json", &instance.root().to_string());
    let sigstore = Server::start(move |asked| {
        let answer = instance.answer(Request { path: asked.path(), body: &asked.body });
        answer.map_or_else(|| Reply::status(400, "no"), |body| Reply::Answer(201, String::new(), body))
    });
    let service = |path: &str| {
        json!([{ "url": format!("{}{path}", sigstore.url), "majorApiVersion": 1, "operator": "acme",
            "validFor": { "start": "2020-01-01T00:00:00Z" } }])
    };
    let config = json!({ "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
        "caUrls": service(""), "rekorTlogUrls": service(""), "tsaUrls": service("/api/v1/timestamp") });
    write("config.json", &config.to_string());
    write("a.txt", "content\n");
    write("b.txt", "other\n");
    let digest = attest::model::Digest::sha256(b"content\n").to_string();
    let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://acme.example/t/v1",
        "predicate": {}, "subject": [{ "name": "a.txt", "digest": { "sha256": digest.strip_prefix("sha256:").unwrap() } }] });
    let statement = format!("{statement:#}");
    write("statement.json", &statement);
    let claims = json!({ "iss": "https://issuer.example", "sub": "s", "aud": "sigstore", "exp": 4_000_000_000_i64,
        "email": "who@example.org", "email_verified": true });
    let token = format!("eyJhbGciOiJub25lIn0.{}.c2lnbmVk", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let run = |args: &[&str]| {
        let (exit, error) = run(args);
        assert!(!error.contains("eyJ"), "{error}");
        (exit, error)
    };
    let (root, config, bundle) = (path("root.json"), path("config.json"), path("bundle.json"));
    let services = ["--trusted-root", &root, "--signing-config", &config];
    let sign = |more: &[&str], file: &str| {
        let first = ["--identity-token", &token, "--bundle", &bundle];
        let done = run(&[&["sign-bundle"], more, &first, &services, &[path(file).as_str()]].concat());
        assert_eq!(done.0, 0, "{}", done.1);
        serde_json::from_slice::<Value>(&fs::read(folder.path().join("bundle.json")).unwrap()).unwrap()
    };
    let verify = |identity: &str, artifact: &str| {
        let whom = ["--certificate-identity", identity, "--certificate-oidc-issuer", "https://issuer.example"];
        let bundle = ["verify-bundle", "--bundle", &bundle];
        run(&[&bundle[..], &whom, &["--trusted-root", &root, artifact]].concat()).0
    };
    let a = path("a.txt");
    for (more, file) in [(&[][..], "a.txt"), (&["--in-toto"], "statement.json")] {
        let bundle = sign(more, file);
        let material = &bundle["verificationMaterial"];
        assert!(material["certificate"].is_object(), "one certificate, and no chain: {bundle}");
        assert_eq!(material["tlogEntries"][0]["kindVersion"]["version"], "0.0.1");
        if more.is_empty() {
            let message = &bundle["messageSignature"];
            assert!(bundle.get("dsseEnvelope").is_none() && message["signature"].is_string(), "{bundle}");
            assert_eq!(message["messageDigest"]["digest"], STANDARD.encode(Sha256::digest(b"content\n")));
        } else {
            let payload = STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap();
            assert!(bundle.get("messageSignature").is_none() && payload == statement.as_bytes(), "{bundle}");
        }
        assert_eq!((verify("who@example.org", &a), verify("who@example.org", &digest)), (0, 0), "{file}");
        assert_eq!((verify("other@example.org", &a), verify("who@example.org", &path("b.txt"))), (1, 1), "{file}");
        assert_eq!(verify("who@example.org", digest.replace("sha256:", "sha256:0").split_at(71).0), 1);
    }
    // What we would refuse to read is not signed as a statement.
    write("statement.json", "{}");
    let refused = path("refused.json");
    let first = ["--identity-token", &token, "--bundle", &refused];
    let (exit, error) =
        run(&[&["sign-bundle", "--in-toto"], &first[..], &services, &[path("statement.json").as_str()]].concat());
    assert!(exit == 2 && error.contains("error[statement-refused]"), "{error}");
    assert!(!folder.path().join("refused.json").exists());
}
