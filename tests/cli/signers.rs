//! Signers that are not a file, through the built binary.
#![expect(clippy::disallowed_methods, reason = "a test: runs the built binary and writes files")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

fn attest(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_attest")).args(arguments).current_dir(folder).output().unwrap()
}

/// A signer outside the checkout that notes whether the build step has ended, and does not sign; its reference.
fn noting_signer(folder: &Path) -> String {
    let path = folder.join("signer");
    fs::write(&path, "#!/bin/sh\nls step-ended >noted 2>&1\necho '{\"error\":\"as told\"}'\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    format!("exec:{}", path.display())
}

#[test]
fn a_program_that_signs_runs_only_after_the_build_step_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let programs = tempfile::tempdir().unwrap();
    let signer = noting_signer(programs.path());
    let create = |step: &str| attest(dir.path(), &["create", "out", "--key", &signer, "--", "sh", "-c", step]);

    let failed = create("exit 7");
    assert_eq!(failed.status.code(), Some(7));
    assert!(!dir.path().join("noted").exists(), "the signer ran though the step failed");

    let out = create("echo x >out; sleep 0.2; : >step-ended");
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("error[signing-unavailable]") && stderr.contains("as told"), "{stderr}");
    assert_eq!(fs::read_to_string(dir.path().join("noted")).unwrap(), "step-ended\n");
    assert!(!dir.path().join("out.sigstore.json").exists(), "something was written");
}

#[test]
fn a_pin_among_the_arguments_is_not_shown_to_a_build_step() {
    let dir = tempfile::tempdir().unwrap();
    // No library, and outside the checkout.
    let module = tempfile::NamedTempFile::new().unwrap();
    let key = format!("pkcs11:object=a?module-path={}&pin-value=73519", module.path().display());
    let out = attest(dir.path(), &["create", "out", "--key", &key, "--", "touch", "ran"]);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("ATTEST_PKCS11_PIN") && !stderr.contains("73519"), "{stderr}");
    assert!(!dir.path().join("ran").exists(), "the step ran");

    // The twin without a step gets as far as the module, and does not show the PIN either.
    fs::write(dir.path().join("out"), "x").unwrap();
    let out = attest(dir.path(), &["create", "out", "--key", &key]);
    let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "{stderr}");
    assert!(stderr.contains("cannot be loaded") && !stderr.contains("73519"), "{stderr}");
}

#[test]
fn the_variable_that_signs_is_searched_for_whatever_the_reference_looks_like() {
    let dir = tempfile::tempdir().unwrap();
    let value = "plain words 0123456789";
    let statement = |text: &str| {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"a","digest":{{"sha256":"{0}"}}}}],
               "predicateType":"https://a.example/v1","predicate":{{"text":"{text}"}}}}"#,
            "0".repeat(64)
        );
        fs::write(dir.path().join("statement.json"), text).unwrap();
    };
    for flags in [["--key", "env:RELEASE"], ["--key", "env://RELEASE"], ["--identity-token", "env:RELEASE"]] {
        let sign = || {
            let mut command = Command::new(env!("CARGO_BIN_EXE_attest"));
            command
                .args(["sign", "statement.json"])
                .args(flags)
                .current_dir(dir.path())
                .env("RELEASE", value)
                .output()
                .unwrap()
        };
        statement(value);
        let out = sign();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(1), "{flags:?}: {stderr}");
        assert!(stderr.contains("error[secret-in-statement]") && stderr.contains("RELEASE"), "{flags:?}: {stderr}");
        // The twin gets as far as the value, which is neither key nor token.
        statement("other words");
        let out = sign();
        let stderr = String::from_utf8_lossy(&out.stderr).into_owned();
        assert_eq!(out.status.code(), Some(2), "{flags:?}: {stderr}");
        assert!(!stderr.contains("secret-in-statement") && !stderr.contains(value), "{flags:?}: {stderr}");
    }
}
