//! One question to a log: what all of its parts together may cost, and what of the log cannot be read.

use super::{Log, holes};
use crate::audit::AuditError;
use crate::inquiry::Hole;
use crate::model::limits;
use crate::record::{Class, Entry};
use crate::seam::Deadline;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

/// A question while it is answered.
pub(super) struct Asking<'a> {
    /// The log.
    pub(super) log: Log<'a>,
    until: &'a dyn Deadline,
    left: Cell<usize>,
    unread: RefCell<BTreeMap<Of, Vec<Hole>>>,
}

/// Of what records cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    /// Approvals. They are kept for ever: one that cannot be read was erased, and may have been of any commit.
    Approvals,
    /// What may have said who made a commit.
    Makers,
    /// What may have said who asked for it.
    Requesters,
    /// Commits, by which one is followed to the next.
    Commits,
}

impl Of {
    fn fits(self, entry: &Entry) -> bool {
        match self {
            Self::Approvals => entry.kind.name == "approval",
            Self::Makers => entry.kind.name == "action",
            Self::Requesters => ["execution_started", "execution_ended", "session"].contains(&entry.kind.name),
            Self::Commits => entry.kind.name == "action" && entry.class == Class::Permanent,
        }
    }
}

impl<'a> Asking<'a> {
    pub(super) fn of(log: &Log<'a>, until: &'a dyn Deadline) -> Self {
        Self { log: *log, until, left: Cell::new(limits::WALKED), unread: RefCell::default() }
    }

    /// Takes steps from what the whole question has of them.
    ///
    /// # Errors
    /// [`AuditError::OverLimit`] where there are not so many left, or the time is up.
    pub(super) fn spend(&self, steps: usize) -> Result<(), AuditError> {
        let over = |what: String| AuditError::OverLimit { what };
        let left = self.left.get().checked_sub(steps);
        let all = limits::WALKED;
        self.left.set(left.ok_or_else(|| over(format!("it leads over more than {all} commits")))?);
        match self.until.passed() {
            true => Err(over(format!("it takes longer than {}", self.until.given()))),
            false => Ok(()),
        }
    }

    /// Records that cannot be read, looked for once.
    ///
    /// # Errors
    /// [`AuditError`].
    pub(super) fn unread(&self, of: Of) -> Result<Vec<Hole>, AuditError> {
        if let Some(known) = self.unread.borrow().get(&of) {
            return Ok(known.clone());
        }
        let found = holes(&self.log, 0..=u64::MAX, &|entry| of.fits(entry))?;
        self.unread.borrow_mut().insert(of, found.clone());
        Ok(found)
    }
}
