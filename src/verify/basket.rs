//! [`Basket`]: what sources have found so far, and [`Budget`]: what all of them together may still take.

use super::Candidate;
use crate::model::{Artifact, limits};
use crate::seam::BoxFuture;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What one check may still read, over all its sources and all manifests that an index lists.
///
/// One for all of them: whoever may list 256 manifests in an index could else have 256 times as much read.
#[derive(Debug)]
pub struct Budget {
    bytes: AtomicUsize,
    pieces: AtomicUsize,
    requests: AtomicUsize,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            bytes: AtomicUsize::new(limits::EVIDENCE_BYTES),
            pieces: AtomicUsize::new(limits::EVIDENCE_PIECES),
            requests: AtomicUsize::new(limits::EVIDENCE_REQUESTS),
        }
    }
}

impl Budget {
    /// Takes `n` bytes, if as many are left.
    #[must_use]
    pub fn bytes(&self, n: usize) -> bool {
        take(&self.bytes, n)
    }

    /// Takes one piece of evidence, if one is left.
    #[must_use]
    pub fn piece(&self) -> bool {
        take(&self.pieces, 1)
    }

    /// Takes one request, if one is left.
    #[must_use]
    pub fn request(&self) -> bool {
        take(&self.requests, 1)
    }
}

fn take(left: &AtomicUsize, n: usize) -> bool {
    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(n)).is_ok()
}

/// Where a source puts what it finds, piece by piece, so that what was found is kept if the source has to be interrupted.
#[derive(Debug, Default)]
pub struct Basket {
    budget: Arc<Budget>,
    found: Mutex<BTreeMap<usize, Vec<Candidate>>>,
}

impl Basket {
    /// An empty basket that shares a budget.
    #[must_use]
    pub fn sharing(budget: &Arc<Budget>) -> Self {
        Self { budget: budget.clone(), found: Mutex::default() }
    }

    /// What may still be read.
    #[must_use]
    pub fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Puts a candidate in. `rank` is its place in the source's own order, so that the answer does not depend on which
    /// of several fetches ends first.
    pub fn put(&self, rank: usize, candidate: Candidate) {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).entry(rank).or_default().push(candidate);
    }

    /// What was found, in the source's order.
    #[must_use]
    pub fn into_candidates(self) -> Vec<Candidate> {
        let found = self.found.into_inner().unwrap_or_else(PoisonError::into_inner);
        found.into_values().flatten().collect()
    }
}

/// Finds evidence about an artifact.
///
/// Contract: what a source says is not trusted. A source MUST keep every failure as [`Content::Unavailable`](super::Content::Unavailable) (a failure
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
