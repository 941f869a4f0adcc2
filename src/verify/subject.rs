//! Binding a statement's subject to an artifact.

use super::VerifyError;
use crate::model::{Digest, DigestSet, Statement, Subject};
use std::collections::{BTreeSet, HashMap};

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
    /// None can be compared: it has only digests that are not known of the artifact.
    Incomparable { algorithm: &'static str },
}

fn relate(subject: &Subject, artifact: &DigestSet) -> Relation {
    let claimed = subject.digest();
    let equal = claimed.strong().any(|d| artifact.get(d.algorithm().name()) == Some(d.hex()));
    if !equal {
        let known = claimed.strong().any(|d| artifact.get(d.algorithm().name()).is_some());
        return match claimed.strong().next() {
            Some(d) if !known => Relation::Incomparable { algorithm: d.algorithm().name() },
            _ => Relation::Other,
        };
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

/// Which subjects of a statement have a strong digest: a statement has up to 1,024, and may be asked about each.
pub(super) struct Positions(HashMap<String, Vec<usize>>);

impl Positions {
    pub(super) fn of(statement: &Statement) -> Self {
        let mut positions = HashMap::<_, Vec<_>>::new();
        for (i, subject) in statement.subjects().iter().enumerate() {
            for digest in subject.digest().strong() {
                positions.entry(digest.hex().to_owned()).or_default().push(i);
            }
        }
        Self(positions)
    }

    /// Positions of the subjects that share a digest with the artifact, in their order.
    fn sharing(&self, artifact: &DigestSet) -> BTreeSet<usize> {
        artifact.strong().filter_map(|d| self.0.get(d.hex())).flatten().copied().collect()
    }
}

/// Position of the first subject that binds to the artifact: by sha256, sha384 or sha512, and if it carries several,
/// all agree. A contradiction in any subject that shares a digest with the artifact is an error.
pub(super) fn bind(
    statement: &Statement,
    at: &Positions,
    artifact: &DigestSet,
    primary: &Digest,
) -> Result<usize, VerifyError> {
    let mut bound = None;
    for i in at.sharing(artifact) {
        let Some(subject) = statement.subjects().get(i) else { continue };
        match relate(subject, artifact) {
            Relation::Same => bound = bound.or(Some(i)),
            Relation::Conflict { algorithm, expected, found } => {
                return Err(VerifyError::SubjectConflict { algorithm, expected, found });
            }
            Relation::Unknown { algorithm } => return Err(VerifyError::SubjectDigestUnknown { algorithm }),
            Relation::Other | Relation::Incomparable { .. } => {}
        }
    }
    let incomparable = || {
        statement.subjects().iter().find_map(|s| match relate(s, artifact) {
            Relation::Incomparable { algorithm } => Some(algorithm),
            _ => None,
        })
    };
    bound.ok_or_else(|| match incomparable() {
        Some(algorithm) => VerifyError::SubjectDigestUnknown { algorithm },
        None => mismatch(statement, primary),
    })
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

/// A digest by which most verifiers know a statement: of its first subject that has such a one.
pub(super) fn named_digest(statement: &Statement) -> Option<Digest> {
    let of = |name: &'static str| {
        statement.subjects().iter().find_map(|s| s.digest().strong().find(|d| d.algorithm().name() == name))
    };
    of("sha256").or_else(|| of("sha512"))
}
