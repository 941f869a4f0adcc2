//! What a statement is about, seen from an artifact, as the statement itself says. Nothing is verified by this.

use super::found::{Claim, Found};
use crate::model::Artifact;
use crate::predicate;
use crate::verify::{Candidate, Content, Origin};
use std::collections::BTreeMap;

/// What a statement is about, the nearest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// The artifact.
    Subject,
    /// Only digests of other algorithms than are known of the artifact.
    Unclear,
    /// An image that the artifact, an index, lists.
    Listed,
    /// Something that a statement about the artifact may name, such as its charter.
    Support,
    /// Something else.
    Other,
}

impl About {
    /// Its name in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Unclear => "unclear",
            Self::Listed => "listed",
            Self::Support => "support",
            Self::Other => "other",
        }
    }
}

impl Claim {
    /// What the statement is about, seen from an artifact.
    #[must_use]
    pub fn about(&self, artifact: &Artifact) -> About {
        let (mut named, mut comparable) = (false, false);
        for digest in self.statement.subjects().iter().flat_map(|s| s.digest().strong()) {
            named = true;
            match artifact.digests.get(digest.algorithm().name()) {
                Some(hex) if hex == digest.hex() => return About::Subject,
                Some(_) => comparable = true,
                None => {}
            }
        }
        let supports = predicate::by_uri(self.statement.predicate_type().as_str()).is_some_and(|p| p.supports());
        match (supports, comparable || !named) {
            (true, _) => About::Support,
            (false, true) => About::Other,
            (false, false) => About::Unclear,
        }
    }

    /// Whether its provenance names what another statement is about: its charter, or its commit.
    #[must_use]
    pub fn names_subject_of(&self, other: &Self) -> bool {
        let Some(provenance) = &self.provenance else { return false };
        let named: Vec<_> = [provenance.charter_digest(), provenance.source_digest()].into_iter().flatten().collect();
        let same = |algorithm: &str, value: &str| named.iter().any(|set| set.get(algorithm) == Some(value));
        other.statement.subjects().iter().flat_map(|s| s.digest().iter()).any(|(a, v)| same(a, v))
    }
}

/// Evidence of several artifacts, each piece once, whatever number of them it was found for.
#[derive(Debug, Default)]
pub struct Pieces {
    all: Vec<Found>,
    at: BTreeMap<Origin, usize>,
}

impl Pieces {
    /// Reads a candidate, unless it was read before; its number.
    pub fn add(&mut self, candidate: Candidate) -> usize {
        let read_before = self.at.get(&candidate.origin).copied().filter(|n| {
            let found = &self.all[*n];
            match &candidate.content {
                Content::Evidence(bytes) => *bytes == found.bytes,
                Content::SetAside { message, .. } | Content::Unavailable { message, .. } => {
                    found.claim.as_ref().err() == Some(message)
                }
            }
        });
        read_before.unwrap_or_else(|| self.push(Found::read(candidate)))
    }

    /// Keeps one that was read; its number.
    pub fn push(&mut self, found: Found) -> usize {
        self.at.insert(found.origin.clone(), self.all.len());
        self.all.push(found);
        self.all.len() - 1
    }

    /// One by its number.
    #[must_use]
    pub fn get(&self, number: usize) -> &Found {
        &self.all[number]
    }

    /// All of them, by their numbers.
    #[must_use]
    pub fn into_all(self) -> Vec<Found> {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::DigestAlgorithm;
    use crate::model::{Digest, Statement, uri};

    fn claim(kind: &str, algorithm: &str, hex: &str, predicate: &str) -> Claim {
        let text = format!(
            r#"{{"_type":"https://in-toto.io/Statement/v1","subject":[{{"name":"n","digest":{{"{algorithm}":"{hex}"}}}}],"predicateType":"{kind}","predicate":{predicate}}}"#
        );
        Claim::unsigned(Statement::parse(text.as_bytes()).unwrap(), text.as_bytes())
    }

    #[test]
    fn a_statement_is_about_what_it_names_by_digest() {
        let of = |kind: &str, algorithm: DigestAlgorithm, bytes: &[u8]| {
            claim(kind, algorithm.name(), &algorithm.hex_of(bytes), "{}")
        };
        let (sha256, sha512) = (DigestAlgorithm::Sha256, DigestAlgorithm::Sha512);
        let scan = "https://acme.example/scan/v1";
        let app = Artifact::new("app", "file:app", Digest::sha256(b"app"));
        assert_eq!(of(scan, sha256, b"app").about(&app), About::Subject);
        assert_eq!(of(scan, sha256, b"lib").about(&app), About::Other);
        assert_eq!(of(uri::APPROVAL, sha256, b"lib").about(&app), About::Support);
        assert_eq!(of(uri::APPROVAL, sha256, b"app").about(&app), About::Subject);
        assert_eq!(of(scan, sha512, b"app").about(&app), About::Unclear);
        let known = app.with_bytes(b"app").unwrap();
        assert_eq!(of(scan, sha512, b"app").about(&known), About::Subject);
        assert_eq!(of(scan, sha512, b"lib").about(&known), About::Other);
    }

    #[test]
    fn a_provenance_names_its_charter_and_its_commit() {
        let (charter, commit) = (Digest::sha256(b"charter"), "a".repeat(40));
        let provenance = claim(
            uri::SLSA_PROVENANCE,
            "sha256",
            Digest::sha256(b"app").hex(),
            &format!(
                r#"{{"buildDefinition":{{"buildType":"{}","externalParameters":{{"charter":{{"uri":"https://h.example/1","digest":{{"sha256":"{}"}}}},"source":{{"uri":"git+https://h.example/a","digest":{{"gitCommit":"{commit}"}}}}}}}},"runDetails":{{"builder":{{"id":"https://b.example"}}}}}}"#,
                uri::AGENT_BUILD,
                charter.hex()
            ),
        );
        let approval = |algorithm: &str, hex: &str| claim(uri::APPROVAL, algorithm, hex, "{}");
        assert!(provenance.names_subject_of(&approval("sha256", charter.hex())));
        assert!(provenance.names_subject_of(&approval("gitCommit", &commit)));
        assert!(!provenance.names_subject_of(&approval("sha256", Digest::sha256(b"other").hex())));
        assert!(!provenance.names_subject_of(&approval("gitCommit", &"b".repeat(40))));
    }

    #[test]
    fn a_piece_that_is_found_twice_is_one() {
        let origin = |id: &str| Origin { place: "p".into(), id: id.into() };
        let candidate =
            |id: &str, bytes: &[u8]| Candidate { origin: origin(id), content: Content::Evidence(bytes.into()) };
        let mut pieces = Pieces::default();
        assert_eq!([pieces.add(candidate("1", b"a")), pieces.add(candidate("2", b"a"))], [0, 1]);
        assert_eq!([pieces.add(candidate("1", b"a")), pieces.add(candidate("1", b"b"))], [0, 2]);
        assert_eq!(pieces.into_all().len(), 3);
    }
}
