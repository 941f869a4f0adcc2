#![expect(clippy::disallowed_methods, reason = "back end: starts the program that holds the key, and waits for it")]
//! Keys that a program holds: `exec:PROGRAM[ ARGUMENT...]`, for any key management service.
//!
//! The program is started once per question, reads one JSON document from standard input and answers with one on
//! standard output; docs/exec-signer.md describes both. What it answers is believed only as far as it can be checked: a
//! signature is verified with the key that the program named before anything is done with it.

use super::{KeyMaterial, OpenContext, Opened, SignError, Signed, Signer};
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::seam::{BoxFuture, ready};
use crate::trust::{KeyAlgorithm, PublicKey};
use crate::verify::made_by;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use rustix::process::{Pid, Signal};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384};
use std::io::{Read, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

/// Asks the program for its public key.
pub(super) fn open(rest: &str, reference: &str, _: &OpenContext<'_>) -> Result<Opened, SignError> {
    let signer = ExecSigner::open(rest, reference, Duration::from_secs(limits::EXEC_SECONDS))?;
    Ok(Opened { public_key: Some(signer.key.clone()), signer: Box::new(signer), file: None })
}

struct ExecSigner {
    program: Program,
    key: PublicKey,
}

/// A program and its arguments, as the reference has them: separated by spaces, no shell in between.
pub(super) struct Program {
    /// What names it in errors.
    pub(super) reference: String,
    /// Program and arguments.
    pub(super) words: Vec<String>,
    /// How long it may take.
    pub(super) deadline: Duration,
}

impl ExecSigner {
    fn open(rest: &str, reference: &str, deadline: Duration) -> Result<Self, SignError> {
        let words: Vec<String> = rest.split_ascii_whitespace().map(str::to_owned).collect();
        let program = Program { reference: reference.to_owned(), words, deadline };
        let answer = program.ask(&json!({ "schemaVersion": 1, "operation": "public-key" }))?;
        let pem = program.field(&answer, "publicKey", |f| f.str().map(str::to_owned))?;
        let key = PublicKey::from_pem(pem.as_bytes()).map_err(|e| program.malformed("a public key", &e.to_string()))?;
        match name(key.algorithm()) {
            Some(_) => Ok(Self { program, key }),
            None => {
                Err(program
                    .malformed("an ECDSA P-256, ECDSA P-384 or Ed25519 key", &format!("an {} key", key.algorithm())))
            }
        }
    }

    fn sign_now(&self, pae: &[u8]) -> Result<Signed, SignError> {
        let mut question = json!({
            "schemaVersion": 1,
            "operation": "sign",
            "algorithm": name(self.key.algorithm()),
            "payload": STANDARD.encode(pae),
        });
        if let Some(digest) = digest(self.key.algorithm(), pae) {
            question["digest"] = STANDARD.encode(digest).into();
        }
        let answer = self.program.ask(&question)?;
        let signature = self.program.field(&answer, "signature", |f| f.base64())?;
        if !made_by(&self.key, pae, &signature) {
            return Err(SignError::WrongKey { signer: self.program.reference.clone(), expected: self.key.id() });
        }
        Ok(Signed { signature, material: KeyMaterial::PublicKey(self.key.clone()) })
    }
}

impl Signer for ExecSigner {
    fn sign<'a>(&'a self, pae: &'a [u8]) -> BoxFuture<'a, Result<Signed, SignError>> {
        ready(self.sign_now(pae))
    }
}

/// How the protocol names an algorithm; none for those that are not signed with.
fn name(algorithm: KeyAlgorithm) -> Option<&'static str> {
    Some(match algorithm {
        KeyAlgorithm::EcdsaP256 => "ecdsa-p256-sha256",
        KeyAlgorithm::EcdsaP384 => "ecdsa-p384-sha384",
        KeyAlgorithm::Ed25519 => "ed25519",
        _ => return None,
    })
}

/// The digest that the algorithm signs; none for Ed25519, which signs the bytes themselves.
fn digest(algorithm: KeyAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some(Sha256::digest(message).to_vec()),
        KeyAlgorithm::EcdsaP384 => Some(Sha384::digest(message).to_vec()),
        _ => None,
    }
}

impl Program {
    fn ask(&self, question: &Value) -> Result<Value, SignError> {
        let (stdout, stderr, status) = self.run(question.to_string().into_bytes())?;
        let said = String::from_utf8_lossy(&stderr);
        let said: String = said.lines().next().unwrap_or_default().chars().take(200).collect();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        if !status.success() {
            return Err(self.unavailable(&format!("it ended with {status}{said}")));
        }
        let answer = json::parse(&stdout, limits::EXEC_OUTPUT_BYTES)
            .map_err(|e| self.malformed("one JSON document", &format!("{e}{said}")))?;
        match answer.get("error").and_then(Value::as_str) {
            Some(text) => Err(self.unavailable(&format!("it says `{}`", text.chars().take(200).collect::<String>()))),
            None => Ok(answer),
        }
    }

    fn field<T>(
        &self,
        answer: &Value,
        name: &str,
        read: impl FnOnce(&Field<'_>) -> Result<T, JsonError>,
    ) -> Result<T, SignError> {
        let root = Field::root("answer", answer);
        root.need(name).and_then(|f| read(&f)).map_err(|e| self.malformed(&format!("`{name}`"), &e.to_string()))
    }

    /// Runs it to its end, or ends it and everything it started.
    pub(super) fn run(&self, question: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>, ExitStatus), SignError> {
        let (program, arguments) = self.words.split_first().ok_or_else(|| self.not_started("no program is named"))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own, so that all of it can be ended.
        let mut child = command.process_group(0).spawn().map_err(|e| self.not_started(&e.to_string()))?;
        let end = self.converse(&mut child, question);
        if end.is_err() {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                // Not reaped yet, so the id is still its own. Already gone is as good as killed.
                let _ = rustix::process::kill_process_group(group, Signal::KILL);
            }
            let _ = child.wait();
        }
        end
    }

    fn converse(&self, child: &mut Child, question: Vec<u8>) -> Result<(Vec<u8>, Vec<u8>, ExitStatus), SignError> {
        let until = Instant::now() + self.deadline;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that answers without reading shows in its answer.
            std::thread::spawn(move || drop(pipe.write_all(&question)));
        }
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let left = || until.saturating_duration_since(Instant::now());
        let late =
            || self.unavailable(&format!("no answer within {} seconds; it was ended", self.deadline.as_secs_f32()));
        let whole = |pipe: &mpsc::Receiver<Vec<u8>>| match pipe.recv_timeout(left()) {
            Ok(bytes) if bytes.len() > limits::EXEC_OUTPUT_BYTES => Err(SignError::TooExpensive {
                reference: self.reference.clone(),
                what: "output in bytes".into(),
                limit: limits::EXEC_OUTPUT_BYTES as u64,
            }),
            Ok(bytes) => Ok(bytes),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(late()),
        };
        let out = whole(&stdout)?;
        let err = whole(&stderr)?;
        loop {
            match child.try_wait().map_err(|e| self.unavailable(&e.to_string()))? {
                Some(status) => return Ok((out, err, status)),
                None if left().is_zero() => return Err(late()),
                None => std::thread::sleep(Duration::from_millis(1)),
            }
        }
    }

    fn not_started(&self, cause: &str) -> SignError {
        SignError::Unreadable {
            reference: self.reference.clone(),
            cause: format!("the program cannot be started: {cause}"),
        }
    }

    fn unavailable(&self, cause: &str) -> SignError {
        SignError::Unavailable { service: format!("the signer `{}`", self.reference), cause: cause.to_owned() }
    }

    fn malformed(&self, expected: &str, found: &str) -> SignError {
        SignError::Answer {
            service: format!("the signer `{}`", self.reference),
            expected: expected.to_owned(),
            found: found.to_owned(),
        }
    }
}

/// Reads a pipe to its end on a thread of its own, one byte over the limit at most.
fn drain(pipe: Option<impl Read + Send + 'static>) -> mpsc::Receiver<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(pipe) = pipe {
            // A broken pipe ends the output; what it means shows in the exit status.
            let _ = pipe.take(limits::EXEC_OUTPUT_BYTES as u64 + 1).read_to_end(&mut bytes);
        }
        // The receiver may have given up.
        let _ = send.send(bytes);
    });
    receive
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::LocalKey;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};

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
        let rest = path.to_str().unwrap();
        ExecSigner::open(rest, &format!("exec:{rest}"), deadline)
    }

    const SOON: Duration = Duration::from_secs(20);

    #[test]
    fn a_signature_of_the_key_that_was_named_is_taken_and_any_other_refused() {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
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
            (KeyAlgorithm::Ed25519, "ed25519", None),
        ] {
            let key = LocalKey::generate(algorithm).unwrap();
            let asked = dir.path().join("asked");
            let path = dir.path().join("signer");
            let script =
                format!("#!/bin/sh\ncat >{}\ngrep -q public-key {0} && {}\n", asked.display(), key_answer(&key));
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
        assert!(e.to_string().contains("cannot be started: No such file"), "{e}");
    }

    #[test]
    fn arguments_are_words_and_no_shell_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("signer");
        fs::write(&path, "#!/bin/sh\nprintf '{\"error\": \"%s|%s\"}' \"$1\" \"$2\"\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let rest = format!("{} $HOME  ;true", path.display());
        let e = ExecSigner::open(&rest, "exec:x", SOON).err().unwrap();
        assert!(e.to_string().contains("`$HOME|;true`"), "{e}");
    }
}
