//! [`Referent`]: something that a verified statement names by digest, so that another statement may be about it.

use super::subject::{self, Positions, mismatch};
use super::{VerifiedStatement, VerifyError};
use crate::model::{Digest, DigestSet, Statement};
use crate::predicate::{self, Provenance};

/// What a referent is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum ReferentKind {
    /// The artifact that the naming statement was verified for.
    Artifact,
    /// The charter of its provenance.
    Charter,
    /// The source commit of its provenance.
    Commit,
}

/// Something that a *verified* statement names by digest.
///
/// Only [`VerifiedStatement::referents`] makes one: so nothing can be asked about what only an unverified statement names.
/// ```compile_fail
/// let forged = attest::verify::Referent { kind: attest::verify::ReferentKind::Charter };
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Referent {
    kind: ReferentKind,
    digests: DigestSet,
    primary: Digest,
    uri: Option<String>,
}

impl Referent {
    pub(super) fn artifact(digest: &Digest) -> Self {
        Self { kind: ReferentKind::Artifact, digests: DigestSet::of(digest), primary: digest.clone(), uri: None }
    }

    /// What it is.
    #[must_use]
    pub fn kind(&self) -> ReferentKind {
        self.kind
    }

    /// Its digests, as the naming statement gives them: at least one that binds. Of a commit `gitCommit` and `sha256`.
    #[must_use]
    pub fn digests(&self) -> &DigestSet {
        &self.digests
    }

    /// The first of its digests that binds.
    #[must_use]
    pub fn digest(&self) -> &Digest {
        &self.primary
    }

    /// Where the naming statement says that it is: the charter's URI, the commit's repository without the ref. None for
    /// an artifact: it is what it is wherever it is kept.
    #[must_use]
    pub fn uri(&self) -> Option<&str> {
        self.uri.as_deref()
    }

    /// Position of the first subject of `statement` that is the referent.
    ///
    /// As with an artifact, one strong digest must be equal and none may contradict. A commit must agree in both of its
    /// digests: `gitCommit` may be a SHA-1, of which an attacker can make two commits with one value, and `sha256` of
    /// the commit object alone could be that of a file with the same bytes.
    pub(super) fn bind(&self, statement: &Statement, at: &Positions) -> Result<usize, VerifyError> {
        let type_uri = statement.predicate_type().as_str();
        if !predicate::by_uri(type_uri).is_some_and(predicate::PredicateType::supports) {
            return Err(mismatch(statement, &self.primary));
        }
        if self.kind != ReferentKind::Commit {
            return subject::bind(statement, at, &self.digests, &self.primary);
        }
        const GIT: &str = "gitCommit";
        let id = self.digests.get(GIT);
        for (i, subject) in statement.subjects().iter().enumerate() {
            let claimed = subject.digest();
            let same_id = id.is_some() && claimed.get(GIT) == id;
            let same_bytes = claimed.get("sha256") == Some(self.primary.hex());
            let conflict = |algorithm: &'static str, expected: Option<&str>| VerifyError::SubjectConflict {
                algorithm,
                expected: expected.unwrap_or("none").to_owned(),
                found: claimed.get(algorithm).unwrap_or("none").to_owned(),
            };
            match (same_id, same_bytes) {
                (true, true) => return Ok(i),
                (true, false) => return Err(conflict("sha256", Some(self.primary.hex()))),
                (false, true) => return Err(conflict(GIT, id)),
                (false, false) => {}
            }
        }
        Err(mismatch(statement, &self.primary))
    }
}

impl VerifiedStatement {
    /// What this statement names by digest and other statements may therefore support it about: the artifact that it
    /// was verified for, and of a provenance its charter and its source commit.
    ///
    /// A charter without a digest that binds, and a commit without `sha256` of its object beside `gitCommit`, are not
    /// among them: nothing could be bound to them.
    #[must_use]
    pub fn referents(&self) -> Vec<Referent> {
        let artifact = Referent::artifact(self.artifact());
        let provenance = self.provenance();
        let named = provenance.into_iter().flat_map(|p| [charter(p), commit(p)]).flatten();
        std::iter::once(artifact).chain(named).collect()
    }
}

fn charter(provenance: &Provenance) -> Option<Referent> {
    let digests = provenance.charter_digest()?;
    let primary = digests.strong().next()?;
    Some(Referent { kind: ReferentKind::Charter, digests, primary, uri: provenance.charter().map(str::to_owned) })
}

fn commit(provenance: &Provenance) -> Option<Referent> {
    let digests = provenance.source_digest()?;
    let primary = digests.strong().find(|d| d.algorithm().name() == "sha256")?;
    digests.get("gitCommit")?;
    let uri = provenance.source().and_then(|s| s.repository);
    Some(Referent { kind: ReferentKind::Commit, digests, primary, uri })
}
