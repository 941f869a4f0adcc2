//! What was proved beside a signature, while it is gathered.

use super::statement::{LogEntry, ProvenTime, RootUsed};
use crate::trust::TrustedRoot;

/// What logs and timestamp authorities prove about a signature.
#[derive(Clone, Debug, Default)]
pub(super) struct Proven {
    pub(super) times: Vec<ProvenTime>,
    pub(super) entries: Vec<LogEntry>,
    /// Roots that vouched for any of it.
    pub(super) roots: Vec<RootUsed>,
    /// Log entries and timestamps of which no root knows the authority: they prove nothing.
    pub(super) unchecked: (usize, usize),
}

impl Proven {
    /// Counts `root` among those that vouched, once.
    pub(super) fn uses(&mut self, root: &TrustedRoot) {
        let used = RootUsed::of(root);
        if !self.roots.contains(&used) {
            self.roots.push(used);
        }
    }
}
