//! The statements about the subjects, searched for secrets.

use super::CreateError;
use crate::capture::{self, CaptureError, Context, Environment};
use crate::flow::{PublishError, Unsigned};
use crate::model::{PredicateUri, Statement, Subject, Text, limits};
use crate::secrets::{Search, SearchError, find_in_document};

/// The secrets that a build could have written into its own context: of the environment, of the repository's remotes, and
/// of the files that programs keep credentials in. `note` is told which of these could not be read.
#[must_use]
pub fn secrets(env: &Environment, withheld: &[String], context: &Context, note: &dyn Fn(&str)) -> Search {
    let mut all = capture::secrets(env, withheld);
    all.extend_from_slice(&context.git.secrets);
    all.extend_from_slice(&context.file_secrets.secrets);
    for reason in &context.file_secrets.unread {
        note(&format!("a secret in this file would not be recognised: {reason}"));
    }
    Search { secrets: all, allowed: context.allowed_secret_like.clone() }
}

/// What a statement is called in the path of a field.
const STATEMENT: &str = "statement";

/// Stops what must not be signed.
///
/// # Errors
/// [`CreateError::Secret`] names the field; [`CreateError::Publish`] for what is no JSON.
pub fn find_secret(statement: &[u8], secrets: &Search) -> Result<(), CreateError> {
    find_in_document(STATEMENT, statement, limits::STATEMENT_BYTES, secrets).map_err(|e| match e {
        SearchError::Json(e) => CreateError::Publish(PublishError::Statement(e)),
        SearchError::Found(e) => CreateError::Secret(CaptureError::from(e)),
    })
}

/// The statements about the subjects, ready to be signed: one, or several above the limit of subjects.
///
/// # Errors
/// [`CreateError::Publish`] for one that we would refuse to read; [`CreateError::Secret`].
pub fn statements(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    predicate: Text,
    secrets: &Search,
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
    predicate: Text,
    secrets: &Search,
) -> Result<Vec<Vec<u8>>, CreateError> {
    let refused = |e| CreateError::Publish(PublishError::Statement(e));
    let chunks = capture::chunks(subjects);
    let mut out = Vec::new();
    for chunk in chunks {
        let bytes = Statement::written(chunk, kind.clone(), &predicate).map_err(refused)?.to_bytes();
        find_secret(&bytes, secrets)?;
        out.push(bytes);
    }
    Ok(out)
}
