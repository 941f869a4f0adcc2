//! The statements about the subjects, searched for secrets.

use super::CreateError;
use crate::capture::{self, CaptureError, Context, Environment, Secret};
use crate::flow::{PublishError, Unsigned};
use crate::model::{PredicateUri, Statement, Subject, json, limits};
use serde_json::{Map, Value};

/// The secrets that a build could have written into its own context: of the environment, of the repository's remotes, and
/// of the files that programs keep credentials in. `note` is told which of these could not be read.
#[must_use]
pub fn secrets(env: &Environment, withheld: &[String], context: &Context, note: &dyn Fn(&str)) -> Vec<Secret> {
    let mut all = capture::secrets(env, withheld);
    all.extend_from_slice(&context.git.secrets);
    all.extend_from_slice(&context.file_secrets.secrets);
    for reason in &context.file_secrets.unread {
        note(&format!("a secret in this file would not be recognised: {reason}"));
    }
    all
}

/// Stops what must not be signed.
///
/// # Errors
/// [`CreateError::Secret`] names the field.
pub fn find_secret(statement: &Value, secrets: &[Secret]) -> Result<(), CreateError> {
    crate::secrets::find_secret(statement, secrets).map_err(|e| CreateError::Secret(CaptureError::from(e)))
}

/// The statements about the subjects, ready to be signed: one, or several above the limit of subjects.
///
/// # Errors
/// [`CreateError::Publish`] for one that we would refuse to read; [`CreateError::Secret`].
pub fn statements(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    predicate: Map<String, Value>,
    secrets: &[Secret],
) -> Result<Vec<Unsigned>, CreateError> {
    let all = statement_bytes(subjects, kind, predicate, secrets)?;
    all.into_iter().map(|bytes| Ok(Unsigned::parse(bytes)?)).collect()
}

/// The bytes of the same statements, searched for secrets. Of a predicate of many values only one tree is there at a time: it
/// takes a multiple of its text.
///
/// # Errors
/// As [`statements`].
pub fn statement_bytes(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    mut predicate: Map<String, Value>,
    secrets: &[Secret],
) -> Result<Vec<Vec<u8>>, CreateError> {
    let refused = |e| CreateError::Publish(PublishError::Statement(e));
    let mut chunks = capture::chunks(subjects).into_iter().peekable();
    let mut out = Vec::new();
    while let Some(chunk) = chunks.next() {
        let predicate = if chunks.peek().is_some() { predicate.clone() } else { std::mem::take(&mut predicate) };
        let bytes = Statement::new(chunk, kind.clone(), predicate).map_err(refused)?.to_bytes();
        find_secret(&json::parse(&bytes, limits::STATEMENT_BYTES).map_err(refused)?, secrets)?;
        out.push(bytes);
    }
    Ok(out)
}
