//! Binding a statement's subject to an artifact.

use super::VerifyError;
use crate::model::{Digest, DigestSet, Statement, Subject};

/// How one subject relates to an artifact.
enum Relation {
    /// No strong digest is equal.
    Other,
    /// One is equal and none contradicts.
    Same,
    /// One is equal and another one contradicts.
    Conflict { algorithm: &'static str, expected: String, found: String },
    /// One is equal and another one cannot be compared, as the artifact's is not known.
    Unknown { algorithm: &'static str },
}

fn relate(subject: &Subject, artifact: &DigestSet) -> Relation {
    let claimed = subject.digest();
    let equal = claimed.strong().any(|d| artifact.get(d.algorithm().name()) == Some(d.hex()));
    if !equal {
        return Relation::Other;
    }
    for d in claimed.strong() {
        let algorithm = d.algorithm().name();
        match artifact.get(algorithm) {
            Some(hex) if hex == d.hex() => {}
            Some(hex) => return Relation::Conflict { algorithm, expected: hex.to_owned(), found: d.hex().to_owned() },
            None => return Relation::Unknown { algorithm },
        }
    }
    Relation::Same
}

/// Position of the first subject that binds to the artifact: by sha256, sha384 or sha512, and if it carries several,
/// all agree. A contradiction in any subject that shares a digest with the artifact is an error.
pub(super) fn bind(statement: &Statement, artifact: &DigestSet, primary: &Digest) -> Result<usize, VerifyError> {
    let mut bound = None;
    for (i, subject) in statement.subjects().iter().enumerate() {
        match relate(subject, artifact) {
            Relation::Other => {}
            Relation::Same => bound = bound.or(Some(i)),
            Relation::Conflict { algorithm, expected, found } => {
                return Err(VerifyError::SubjectConflict { algorithm, expected, found });
            }
            Relation::Unknown { algorithm } => return Err(VerifyError::SubjectDigestUnknown { algorithm }),
        }
    }
    bound.ok_or_else(|| mismatch(statement, primary))
}

/// That no subject is the one that was meant.
pub(super) fn mismatch(statement: &Statement, primary: &Digest) -> VerifyError {
    VerifyError::SubjectMismatch {
        expected: primary.to_string(),
        found: statement
            .subjects()
            .iter()
            .take(3)
            .flat_map(|s| s.digest().iter())
            .map(|(a, v)| format!("{a}:{v}"))
            .collect(),
        subjects: statement.subjects().len(),
    }
}

/// The digest by which a bound subject is the artifact: one that most verifiers can take, where there are several.
pub(super) fn bound_digest(statement: &Statement, subject: usize, artifact: &DigestSet) -> Option<Digest> {
    let claimed = statement.subjects().get(subject)?.digest();
    let equal = || claimed.strong().filter(|d| artifact.get(d.algorithm().name()) == Some(d.hex()));
    equal().find(|d| d.algorithm().name() == "sha256").or_else(|| equal().find(|d| d.algorithm().name() == "sha512"))
}
