//! The bundles of Sigstore's conformance suite, each as file and as digest, through the program itself.
#![cfg(feature = "cli")]
#![expect(clippy::disallowed_methods, reason = "runs the program on files")]

use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/vectors/sigstore-conformance");
    let entries = fs::read_dir(&folder).ok()?;
    let mut cases: Vec<_> = entries.map(|e| e.unwrap().path()).filter(|p| p.is_dir()).collect();
    cases.sort();
    Some((folder, cases))
}

/// Exit code and standard error of one case.
fn verify(case: &Path, artifact: &str) -> (i32, String) {
    let text = |name: &str, other: &str| {
        fs::read_to_string(case.join(name)).map_or_else(|_| other.to_owned(), |t| t.trim().to_owned())
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
    command.args(["conformance", "verify-bundle", "--bundle"]).arg(case.join("bundle.sigstore.json"));
    if case.join("key.pub").exists() {
        command.arg("--key").arg(case.join("key.pub"));
    } else {
        command.args(["--certificate-identity", &text("identity", IDENTITY)]);
        command.args(["--certificate-oidc-issuer", &text("issuer", ISSUER)]);
    }
    if case.join("trusted_root.json").exists() {
        command.arg("--trusted-root").arg(case.join("trusted_root.json"));
    }
    let output = command.arg(artifact).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
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
