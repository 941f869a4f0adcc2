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

/// The statements about the subjects: one, or several above the limit of subjects. Searched for secrets.
///
/// # Errors
/// [`CreateError::Publish`] for one that we would refuse to read; [`CreateError::Secret`].
pub fn statements(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    predicate: &Map<String, Value>,
    secrets: &[Secret],
) -> Result<Vec<Unsigned>, CreateError> {
    let mut out = Vec::new();
    for chunk in capture::chunks(subjects) {
        let refused = |e| CreateError::Publish(PublishError::Statement(e));
        let statement = Statement::new(chunk, kind.clone(), predicate.clone()).map_err(refused)?;
        let bytes = statement.to_bytes();
        let value = json::parse(&bytes, limits::STATEMENT_BYTES).map_err(refused)?;
        find_secret(&value, secrets)?;
        out.push(Unsigned::parse(bytes)?);
    }
    Ok(out)
}
