//! [`Verifiers`]: the library's verifiers of one root, each of which believes one of its logs, or all.

use super::error::RootError;
use sigstore_verify::trust_root::TrustedRoot;
use sigstore_verify::{Error, Verifier};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A verifier, or why there is none.
type Made = Result<Arc<Verifier>, RootError>;

/// Makes each verifier when it is first asked for, and keeps it: keys and certificates are read once.
pub(crate) struct Verifiers {
    root: TrustedRoot,
    made: Mutex<BTreeMap<Option<usize>, Made>>,
}

impl Verifiers {
    pub(super) fn of(root: TrustedRoot) -> Self {
        Self { root, made: Mutex::default() }
    }

    /// The one that believes the log at a position of the root and no other, or all of them. The library takes a checkpoint
    /// by any log that its verifier knows and whose short hint fits: of several, one could pass for two.
    ///
    /// # Errors
    /// [`RootError::Unusable`].
    pub(crate) fn of_log(&self, log: Option<usize>) -> Made {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(log).or_insert_with(|| self.make(log)).clone()
    }

    fn make(&self, log: Option<usize>) -> Made {
        let unusable = |e: Error| RootError::Unusable { cause: e.to_string() };
        let mut root = self.root.clone();
        if let Some(at) = log {
            root.tlogs = self.root.tlogs.get(at).cloned().into_iter().collect();
        }
        Verifier::new(&root).map(Arc::new).map_err(unusable)
    }
}
