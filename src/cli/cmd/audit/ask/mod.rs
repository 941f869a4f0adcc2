//! Questions to the audit log: `attest audit history`, `stats`, `sessions`, `logs`, `query`, `trace`, `who-approved`,
//! `blast-radius`, `timeline`, `state`, and what `show` says of an execution.

mod asked;
pub(super) mod blast;
mod drawn;
pub(super) mod figures;
pub(super) mod history;
pub(super) mod logs;
pub(super) mod query;
pub(super) mod rows;
pub(super) mod sessions;
pub(super) mod sheet;
pub(super) mod state;
pub(super) mod stats;
pub(super) mod timeline;
pub(super) mod told;
pub(super) mod trace;

pub use blast::BlastReport;
pub use history::HistoryReport;
pub use logs::LogsReport;
pub use query::QueryReport;
pub use sessions::SessionsReport;
pub use state::StateReport;
pub use stats::StatsReport;
pub use timeline::TimelineReport;
pub use trace::{TraceReport, WhoReport};

use crate::audit::anchor::Anchor;
use crate::audit::index::SqliteIndex;
use crate::audit::keys::Keys;
use crate::audit::store::FolderStore;
use crate::audit::{AuditError, LogStore as _, Settings};
use crate::cli::exit::Failure;
use crate::flow::audit;
use crate::flow::investigate::Log;
use crate::places::AuditPlace;

/// A log that is open for questions, its index brought up to it.
pub(in crate::cli) struct Open {
    store: FolderStore,
    settings: Settings,
    keys: Keys,
    index: SqliteIndex,
    anchors: Vec<Anchor>,
}

impl Open {
    /// Opens it.
    ///
    /// # Errors
    /// [`Failure`]; where its keys are not here, nothing that is found would be an answer.
    pub(in crate::cli) fn at(place: &AuditPlace) -> Result<Self, Failure> {
        let store = place.reader()?;
        let settings = place.bound(&store)?;
        let keys = place.keys()?.ok_or_else(|| AuditError::Unusable {
            what: "keys of the audit log".into(),
            cause: "they are not here, and without them nothing can be read".into(),
        })?;
        let mut index = place.index()?;
        audit::catch_up(&store, &keys, store.size(), &mut index)?;
        // What cannot be read of them makes a receipt poorer, and no answer.
        let anchors = place.anchored().unwrap_or_default();
        Ok(Self { store, settings, keys, index, anchors })
    }

    /// What others said of its checkpoints.
    pub(in crate::cli) fn anchors(&self) -> &[Anchor] {
        &self.anchors
    }

    /// For who asks.
    pub(in crate::cli) fn log(&self) -> Log<'_> {
        Log { store: &self.store, settings: &self.settings, keys: &self.keys, index: &self.index }
    }
}
