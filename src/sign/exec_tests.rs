#![expect(clippy::disallowed_methods, reason = "a test: writes the programs that it lets sign")]
use super::*;
use crate::programs::{Launch, Search};
use crate::sign::LocalKey;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A program that answers the first question with the first text, and the second with the second.
fn program(folder: &Path, public_key: &str, sign: &str) -> PathBuf {
    let path = folder.join("signer");
    let script = format!("#!/bin/sh\ncase \"$(cat)\" in\n*public-key*) {public_key};;\n*) {sign};;\nesac\n");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

fn say(value: &Value) -> String {
    format!("printf '%s' '{value}'")
}

fn key_answer(key: &LocalKey) -> String {
    say(&json!({ "publicKey": key.public_key().to_pem() }))
}

fn open_at(path: &Path, deadline: Duration) -> Result<ExecSigner, SignError> {
    let reference = format!("exec:{}", path.display());
    let prepared = prepared(&reference)?;
    ExecSigner::open(Program { reference, prepared: Mutex::new(prepared), bounds: Bounds { time: deadline, ..BOUNDS } })
}

/// As it is found from a checkout that it does not lie in.
fn prepared(reference: &str) -> Result<Prepared, SignError> {
    let search = Search::new(std::env::var_os("PATH").as_deref(), Path::new(env!("CARGO_MANIFEST_DIR")), None);
    let launch = Launch::new(search, std::env::vars_os());
    let context = OpenContext { environment: &|_| None, passwords: &crate::sign::NoPassword, launch: &launch };
    let Holder::Program(prepared) = find(&reference["exec:".len()..], reference, &context)? else { panic!() };
    Ok(prepared)
}

const SOON: Duration = Duration::from_secs(20);

#[test]
fn a_signature_of_the_key_that_was_named_is_taken_and_any_other_refused() {
    for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::EcdsaP521, KeyAlgorithm::Ed25519]
    {
        let dir = tempfile::tempdir().unwrap();
        let (key, other) = (LocalKey::generate(algorithm).unwrap(), LocalKey::generate(algorithm).unwrap());
        let signature = |k: &LocalKey| say(&json!({ "signature": STANDARD.encode(k.sign_bytes(b"pae").unwrap()) }));
        let path = program(dir.path(), &key_answer(&key), &signature(&key));
        let signed = open_at(&path, SOON).unwrap().sign_now(b"pae").unwrap();
        assert_eq!(signed.material, KeyMaterial::PublicKey(key.public_key().clone()));
        assert!(made_by(key.public_key(), b"pae", &signed.signature));

        program(dir.path(), &key_answer(&key), &signature(&other));
        let e = open_at(&path, SOON).unwrap().sign_now(b"pae").unwrap_err();
        assert_eq!(e.code().as_str(), "signing-key-mismatch", "{algorithm}");
        // Another message under the right key is as wrong.
        program(dir.path(), &key_answer(&key), &signature(&key));
        assert!(open_at(&path, SOON).unwrap().sign_now(b"other").is_err());
    }
}

#[test]
fn the_question_says_what_is_to_be_signed() {
    let dir = tempfile::tempdir().unwrap();
    for (algorithm, name, digest_bytes) in [
        (KeyAlgorithm::EcdsaP256, "ecdsa-p256-sha256", Some(32)),
        (KeyAlgorithm::EcdsaP384, "ecdsa-p384-sha384", Some(48)),
        (KeyAlgorithm::EcdsaP521, "ecdsa-p521-sha512", Some(64)),
        (KeyAlgorithm::Ed25519, "ed25519", None),
    ] {
        let key = LocalKey::generate(algorithm).unwrap();
        let asked = dir.path().join("asked");
        let path = dir.path().join("signer");
        let script = format!("#!/bin/sh\ncat >{}\ngrep -q public-key {0} && {}\n", asked.display(), key_answer(&key));
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(open_at(&path, SOON).unwrap().sign_now(b"pae").is_err());
        let asked: Value = serde_json::from_slice(&fs::read(&asked).unwrap()).unwrap();
        assert_eq!(
            (&asked["schemaVersion"], &asked["operation"], &asked["algorithm"], &asked["payload"]),
            (&json!(1), &json!("sign"), &json!(name), &json!(STANDARD.encode(b"pae")))
        );
        let digest = asked.get("digest").map(|d| STANDARD.decode(d.as_str().unwrap()).unwrap().len());
        assert_eq!(digest, digest_bytes, "{name}");
    }
}

#[test]
fn a_program_that_does_not_answer_is_ended_with_all_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let pid = dir.path().join("pid");
    let path = program(dir.path(), &format!("sleep 600 & echo $! >{}; wait", pid.display()), "true");
    let began = Instant::now();
    let e = open_at(&path, Duration::from_millis(700)).err().unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
    assert_eq!(e.code().as_str(), "signing-unavailable");
    assert!(e.to_string().contains("no answer within 0.7 seconds"), "{e}");
    let pid = fs::read_to_string(pid).unwrap();
    let gone = || {
        let status = fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
        // Killed, and perhaps not yet reaped by whoever inherited it.
        status.is_empty() || status.contains(") Z ")
    };
    let until = Instant::now() + Duration::from_secs(10);
    while !gone() {
        assert!(Instant::now() < until, "the program's child lives on");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_is_no_answer_says_what_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
    let rsa = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sign/testdata/p256.pub"));
    assert!(rsa.is_ok());
    for (public_key, code, text) in [
        ("echo garbage", "signing-answer-malformed", "one JSON document"),
        ("true", "signing-answer-malformed", "one JSON document"),
        ("echo '{}'", "signing-answer-malformed", "publicKey"),
        ("echo '{\"publicKey\": \"x\"}'", "signing-answer-malformed", "found no PEM block"),
        ("echo '{\"publicKey\": 1, \"publicKey\": 2}'", "signing-answer-malformed", "duplicate key"),
        ("echo '{\"error\": \"no such key\"}'", "signing-unavailable", "`no such key`"),
        ("echo broken >&2; exit 5", "signing-unavailable", "exit status: 5: broken"),
        ("head -c 3000000 /dev/zero", "limit-exceeded", "output in bytes"),
    ] {
        let path = program(dir.path(), public_key, "true");
        let e = open_at(&path, SOON).err().unwrap();
        assert_eq!(e.code().as_str(), code, "{public_key}: {e}");
        assert!(e.to_string().contains(text), "{public_key}: {e}");
    }
    for sign in ["echo '{\"signature\": \"!\"}'", "echo '{}'", "echo '{\"publicKey\": \"\"}'"] {
        let path = program(dir.path(), &key_answer(&key), sign);
        let e = open_at(&path, SOON).unwrap().sign_now(b"pae").unwrap_err();
        assert_eq!(e.code().as_str(), "signing-answer-malformed", "{sign}: {e}");
    }
    let e = open_at(&dir.path().join("absent"), SOON).err().unwrap();
    assert_eq!(e.code().as_str(), "key-unreadable");
    assert!(e.to_string().contains("No such file"), "{e}");
}

#[test]
fn arguments_are_words_and_no_shell_reads_them() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("signer");
    fs::write(&path, "#!/bin/sh\nprintf '{\"error\": \"%s|%s\"}' \"$1\" \"$2\"\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let e = open_at(Path::new(&format!("{} $HOME  ;true", path.display())), SOON).err().unwrap();
    assert!(e.to_string().contains("`$HOME|;true`"), "{e}");
}
