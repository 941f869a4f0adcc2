//! What evidence sources hand to the verifier: bytes, or why there are none.

use super::Basket;
use crate::model::{Artifact, Code};
use crate::seam::BoxFuture;

/// Where a piece of evidence comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The place in words: a repository, a file.
    pub place: String,
    /// What names it there: a referrer's digest, a line of a file.
    pub id: String,
}

/// What a source found at an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Bytes that claim to be a bundle or envelope.
    Evidence(Vec<u8>),
    /// Something that is no evidence about this artifact, and why; shown, never counted.
    SetAside {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
    /// Something that could not be looked at: it stays a candidate.
    Unavailable {
        /// Stable code.
        code: Code,
        /// Why.
        message: String,
    },
}

/// A piece of evidence that may or may not convince.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Where it comes from.
    pub origin: Origin,
    /// What was found there.
    pub content: Content,
}

/// Finds evidence about an artifact.
///
/// Contract: nothing a source says is believed. A source MUST keep every failure as [`Content::Unavailable`] (a failure
/// to list is one candidate of its own), MUST put each piece into the basket as soon as it has it (a caller may
/// stop waiting for the rest), MUST take what it reads for each artifact from the
/// basket's budget, MUST stay within the caps of
/// [`limits`](crate::model::limits), and MUST NOT drop a piece of evidence because of what a listing says about it.
pub trait EvidenceSource: Send + Sync {
    /// The source in words.
    fn place(&self) -> String;

    /// Puts everything that is found about `artifact` into the basket.
    fn gather<'a>(&'a self, artifact: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()>;

    /// Everything found about `artifact`, with a budget of its own.
    fn candidates<'a>(&'a self, artifact: &'a Artifact) -> BoxFuture<'a, Vec<Candidate>> {
        Box::pin(async move {
            let basket = Basket::default();
            self.gather(artifact, &basket).await;
            basket.into_candidates()
        })
    }
}

impl<T: EvidenceSource + ?Sized> EvidenceSource for &T {
    fn place(&self) -> String {
        (**self).place()
    }

    fn gather<'a>(&'a self, artifact: &'a Artifact, basket: &'a Basket) -> BoxFuture<'a, ()> {
        (**self).gather(artifact, basket)
    }
}
