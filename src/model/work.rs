//! What costs, counted for tests: how often the same bytes were read or checked. Where no test watches, nothing is counted;
//! without the feature `testing` there is nothing here to count with.

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Work {
    /// A statement is read, by its bytes.
    Statement,
    /// A signature over an envelope or a file is checked, by its bytes.
    Signature,
    /// A timestamp is checked, by its bytes.
    Timestamp,
    /// A log's signature under a checkpoint is checked, by what it signs.
    Checkpoint,
}

/// Says that work is done.
#[cfg(not(feature = "testing"))]
pub(crate) fn did(_: Work, _: &[u8]) {}

#[cfg(feature = "testing")]
pub use counting::Watch;
#[cfg(feature = "testing")]
pub(crate) use counting::did;

#[cfg(feature = "testing")]
mod counting {
    use super::Work;
    use crate::model::Digest;
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Mutex, PoisonError};

    static WATCHES: AtomicUsize = AtomicUsize::new(0);
    static DONE: Mutex<BTreeMap<(Work, Digest), usize>> = Mutex::new(BTreeMap::new());

    /// Work is counted as long as there is one. Tests run at once: each asks for bytes that are its own.
    #[derive(Debug)]
    pub struct Watch(());

    impl Watch {
        /// Begins to count.
        #[must_use]
        pub fn begin() -> Self {
            WATCHES.fetch_add(1, Ordering::SeqCst);
            Self(())
        }

        /// How often this was done to these bytes since the first of the watches that there are.
        #[must_use]
        pub fn count(&self, work: Work, bytes: &[u8]) -> usize {
            let done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
            done.get(&(work, Digest::sha256(bytes))).copied().unwrap_or_default()
        }
    }

    impl Drop for Watch {
        fn drop(&mut self) {
            WATCHES.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn did(work: Work, bytes: &[u8]) {
        if WATCHES.load(Ordering::SeqCst) > 0 {
            let mut done = DONE.lock().unwrap_or_else(PoisonError::into_inner);
            *done.entry((work, Digest::sha256(bytes))).or_default() += 1;
        }
    }
}
