//! [`Examined`]: what was found out about pieces of evidence already, so that no signature is checked twice.

use super::proven::Proven;
use super::{RootUsed, Signer, VerifyError, made_by};
use crate::model::{Digest, Envelope, PredicateUri, Timestamp};
use crate::trust::{PublicKey, TrustMaterial};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// Remembers what signatures, certificates, log entries and timestamps of a piece of evidence prove: of each piece by the
/// digest of its bytes.
///
/// It holds nothing of policies, so that the same evidence is judged again under another policy without another check:
/// only a key, root or witness that was not asked about before costs one.
#[derive(Debug, Default)]
pub struct Examined {
    pieces: Mutex<BTreeMap<Digest, Arc<Piece>>>,
    checks: AtomicUsize,
}

impl Examined {
    /// How often a signature, or a certificate with its log entries and timestamps, was checked so far.
    #[must_use]
    pub fn checks(&self) -> usize {
        self.checks.load(Ordering::Relaxed)
    }

    /// What is known of the evidence with this digest.
    pub(super) fn piece(&self, evidence: &Digest) -> Arc<Piece> {
        lock(&self.pieces).entry(evidence.clone()).or_default().clone()
    }
}

/// What is known of one piece of evidence.
#[derive(Debug, Default)]
pub(super) struct Piece {
    /// By the key's DER: whether it made one of the signatures.
    keys: Mutex<BTreeMap<Vec<u8>, bool>>,
    vouched: Mutex<Vec<Answer>>,
    /// The predicate type of its statement, once that was read.
    pub(super) kind: OnceLock<PredicateUri>,
}

/// What roots said, and when they were asked.
#[derive(Debug)]
struct Answer {
    question: Question,
    asked_at: Timestamp,
    said: Result<Vouched, VerifyError>,
}

/// What roots are asked about a piece of evidence.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// Roots, witnesses, and whether a promise will do.
    by: Vouchers,
    /// The digest by which the statement's subject is the artifact: logs speak of it.
    bound: Option<Digest>,
    /// The key beside whose signature they stand; none beside a certificate's.
    key: Option<PublicKey>,
}

/// What [`Question`]s are put to.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Vouchers {
    trust: Arc<TrustMaterial>,
    /// The same roots at another age are others.
    roots: Arc<[RootUsed]>,
}

impl Vouchers {
    /// All of the trust material but its keys, which are asked about one by one.
    pub(super) fn of(trust: &TrustMaterial) -> Self {
        let roots = trust.roots.iter().map(RootUsed::of).collect();
        Self { trust: Arc::new(TrustMaterial { keys: Vec::new(), ..trust.clone() }), roots }
    }

    pub(super) fn asked(&self, bound: Option<&Digest>, key: Option<&PublicKey>) -> Question {
        Question { by: self.clone(), bound: bound.cloned(), key: key.cloned() }
    }
}

/// What roots prove: who signed, if it was with a certificate, and what else.
#[derive(Clone, Debug)]
pub(super) struct Vouched {
    pub(super) signer: Option<Signer>,
    pub(super) proven: Proven,
}

impl Piece {
    /// Whether a key made one of the envelope's signatures.
    pub(super) fn made_by(&self, examined: &Examined, key: &PublicKey, pae: &[u8], envelope: &Envelope) -> bool {
        if let Some(known) = lock(&self.keys).get(key.spki()) {
            return *known;
        }
        let made = envelope.signatures().iter().any(|s| {
            examined.checks.fetch_add(1, Ordering::Relaxed);
            made_by(key, pae, &s.sig)
        });
        lock(&self.keys).insert(key.spki().to_vec(), made);
        made
    }

    /// What roots say: asked once. A yes is kept, as what was proven before a time is proven before a
    /// later one; a no is asked again at another time, as a certificate may begin to count.
    pub(super) fn vouched(
        &self,
        examined: &Examined,
        question: Question,
        now: Timestamp,
        ask: impl FnOnce() -> Result<Vouched, VerifyError>,
    ) -> Result<Vouched, VerifyError> {
        let holds = |a: &&Answer| a.question == question && (a.asked_at == now || (a.said.is_ok() && a.asked_at < now));
        if let Some(known) = lock(&self.vouched).iter().find(holds) {
            return known.said.clone();
        }
        examined.checks.fetch_add(1, Ordering::Relaxed);
        let said = ask();
        let mut vouched = lock(&self.vouched);
        vouched.retain(|a| a.question != question);
        vouched.push(Answer { question, asked_at: now, said: said.clone() });
        said
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
