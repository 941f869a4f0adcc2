//! The statements about the subjects, searched for secrets.

use super::CreateError;
use crate::capture::{self, CaptureError, Context, Environment};
use crate::flow::{PublishError, Unsigned};
use crate::model::{PredicateUri, Statement, Subject, json, limits};
use crate::secrets::Search;

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

/// The list of a statement that may have a hundred thousand elements: they are looked at one by one, without a tree of all.
const LONG: &[&str] = &["predicate", "buildDefinition", "resolvedDependencies"];

/// Stops what must not be signed.
///
/// # Errors
/// [`CreateError::Secret`] names the field; [`CreateError::Publish`] for what is no JSON.
pub fn find_secret(statement: &[u8], secrets: &Search) -> Result<(), CreateError> {
    let refused = |e| CreateError::Publish(PublishError::Statement(e));
    let finder = crate::secrets::Finder::new(secrets);
    let (mut at, mut in_list) = (0, Ok(()));
    let mut each = |value| {
        let path = format!("{STATEMENT}.{}[{at}]", LONG.join("."));
        if in_list.is_ok() {
            in_list = finder.find(&path, &value);
        }
        at += 1;
        0
    };
    let (rest, _) = json::parse_apart(statement, limits::STATEMENT_BYTES, LONG, &mut each).map_err(refused)?;
    let found = finder.find(STATEMENT, &rest).and(in_list);
    // A number that no 64 bits hold is another in the tree than in the text.
    let text = String::from_utf8_lossy(statement);
    let found = found.and_then(|()| crate::secrets::find_in_numbers(json::numbers(&text), secrets));
    found.map_err(|e| CreateError::Secret(CaptureError::from(e)))
}

/// The statements about the subjects, ready to be signed: one, or several above the limit of subjects.
///
/// # Errors
/// [`CreateError::Publish`] for one that we would refuse to read; [`CreateError::Secret`].
pub fn statements(
    subjects: Vec<Subject>,
    kind: &PredicateUri,
    predicate: &str,
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
    predicate: &str,
    secrets: &Search,
) -> Result<Vec<Vec<u8>>, CreateError> {
    let refused = |e| CreateError::Publish(PublishError::Statement(e));
    let chunks = capture::chunks(subjects);
    let predicate: std::sync::Arc<str> = predicate.into();
    let mut out = Vec::new();
    for chunk in chunks {
        let bytes = Statement::written(chunk, kind.clone(), predicate.clone()).map_err(refused)?.to_bytes();
        find_secret(&bytes, secrets)?;
        out.push(bytes);
    }
    Ok(out)
}
