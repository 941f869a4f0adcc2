//! Keys that a program holds: `exec:PROGRAM[ ARGUMENT...]`, for any key management service.
//!
//! The program is found before a build step, and started after it, once per question: it reads one JSON document from
//! standard input and answers with one on standard output; docs/exec-signer.md describes both. What it answers is believed
//! only as far as it can be checked: a signature is verified with the key that the program named before anything is done
//! with it.

use super::reference::Holder;
use super::{Found, KeyMaterial, OpenContext, Opened, SignError, Signed, Signer};
use crate::model::json::{self, Field, JsonError};
use crate::model::limits;
use crate::programs::{Bounds, Prepared, RunError};
use crate::seam::{BoxFuture, ready};
use crate::trust::{KeyAlgorithm, PublicKey};
use crate::verify::made_by;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha384, Sha512};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// What every program that signs or gives tokens may take.
pub(super) const BOUNDS: Bounds =
    Bounds { time: Duration::from_secs(limits::EXEC_SECONDS), output: limits::EXEC_OUTPUT_BYTES };

/// Finds the program: separated by spaces from its arguments, no shell in between.
pub(super) fn find(rest: &str, reference: &str, context: &OpenContext<'_>) -> Result<Holder, SignError> {
    let words: Vec<&str> = rest.split_ascii_whitespace().collect();
    let refused = |error| SignError::Program { reference: reference.to_owned(), error };
    context.launch.prepare(&words).and_then(Prepared::with_arguments).map(Holder::Program).map_err(refused)
}

/// Asks the program for its public key.
pub(super) fn open(found: &Found, _: &OpenContext<'_>) -> Result<Opened, SignError> {
    let reference = found.reference.clone();
    let Holder::Program(prepared) = &found.holder else {
        return Err(SignError::Unreadable { reference, cause: "no program was found".into() });
    };
    let signer = ExecSigner::open(Program { reference, prepared: Mutex::new(prepared.clone()), bounds: BOUNDS })?;
    Ok(Opened { public_key: Some(signer.key.clone()), signer: Box::new(signer), file: None })
}

struct ExecSigner {
    program: Program,
    key: PublicKey,
}

struct Program {
    /// What names it in errors.
    reference: String,
    prepared: Mutex<Prepared>,
    bounds: Bounds,
}

impl ExecSigner {
    fn open(program: Program) -> Result<Self, SignError> {
        let answer = program.ask(&json!({ "schemaVersion": 1, "operation": "public-key" }))?;
        let pem = program.field(&answer, "publicKey", |f| f.str().map(str::to_owned))?;
        let key = PublicKey::from_pem(pem.as_bytes()).map_err(|e| program.malformed("a public key", &e.to_string()))?;
        match name(key.algorithm()) {
            Some(_) => Ok(Self { program, key }),
            None => Err(program.malformed(
                "an ECDSA P-256, P-384 or P-521, or an Ed25519 key",
                &format!("an {} key", key.algorithm()),
            )),
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
        KeyAlgorithm::EcdsaP521 => "ecdsa-p521-sha512",
        KeyAlgorithm::Ed25519 => "ed25519",
        _ => return None,
    })
}

/// The digest that the algorithm signs; none for Ed25519, which signs the bytes themselves.
fn digest(algorithm: KeyAlgorithm, message: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        KeyAlgorithm::EcdsaP256 => Some(Sha256::digest(message).to_vec()),
        KeyAlgorithm::EcdsaP384 => Some(Sha384::digest(message).to_vec()),
        KeyAlgorithm::EcdsaP521 => Some(Sha512::digest(message).to_vec()),
        _ => None,
    }
}

impl Program {
    fn ask(&self, question: &Value) -> Result<Value, SignError> {
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = prepared.ask(question.to_string().into_bytes(), &self.bounds);
        if ended.is_ok() {
            // What it wrote itself, a log or a state, is no change of the build step.
            let refused = |error| SignError::Program { reference: self.reference.clone(), error };
            *prepared = prepared.clone().again().map_err(refused)?;
        }
        let ended = ended.map_err(|e| not_answered(&self.reference, e))?;
        let said = String::from_utf8_lossy(&ended.stderr);
        let said: String = said.lines().next().unwrap_or_default().chars().take(200).collect();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        if !ended.status.success() {
            return Err(self.unavailable(&format!("it ended with {}{said}", ended.status)));
        }
        let answer = json::parse(&ended.stdout, limits::EXEC_OUTPUT_BYTES)
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

/// Why a program that signs or gives tokens has not answered.
pub(super) fn not_answered(reference: &str, error: RunError) -> SignError {
    let reference = reference.to_owned();
    match error {
        RunError::Refused(error) => SignError::Program { reference, error },
        RunError::TooLong { limit } => {
            SignError::TooExpensive { reference, what: "output in bytes".into(), limit: limit as u64 }
        }
        e @ RunError::NotStarted { .. } => SignError::Unreadable { reference, cause: e.to_string() },
        e => SignError::Unavailable { service: format!("the signer `{reference}`"), cause: e.to_string() },
    }
}

#[cfg(test)]
#[path = "exec_tests.rs"]
mod tests;
