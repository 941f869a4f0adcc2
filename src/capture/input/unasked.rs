//! Files of the checkout that nobody asked for: they are read because they are there.
//!
//! Whoever writes the source decides what stands under such a name. One that leads out of the checkout, or is no file, is
//! passed over and named: it stops no build, and nothing of it is read.

use crate::capture::{CaptureError, Checkout};
use crate::model::limits;
use std::path::Path;

/// Reads them, and keeps what was passed over.
pub(in crate::capture) struct Unasked<'a> {
    /// The top of the checkout.
    pub(in crate::capture) root: &'a Path,
    /// Reads files.
    pub(in crate::capture) checkout: &'a dyn Checkout,
    /// What was passed over, each with why.
    pub(in crate::capture) passed_over: Vec<String>,
}

/// What stands at a path.
pub(in crate::capture) enum Found {
    /// A file that was read.
    Bytes(Vec<u8>),
    /// Something that was not read, and why.
    PassedOver(String),
    /// Nothing.
    Nothing,
}

impl Unasked<'_> {
    /// The bytes of a file that no build is stopped for, whatever is wrong with it.
    pub(in crate::capture) fn read_or_pass_over(&mut self, path: &Path, limit: usize) -> Found {
        match self.bytes(path, limit) {
            Ok(Some(bytes)) => Found::Bytes(bytes),
            Ok(None) => Found::Nothing,
            Err(e) => Found::PassedOver(self.pass_over(path, &e)),
        }
    }

    /// The bytes of a file, or why there are none.
    ///
    /// # Errors
    /// [`CaptureError::Unreadable`] and [`CaptureError::TooLarge`].
    pub(in crate::capture) fn read(
        &mut self,
        path: &Path,
        limit: usize,
    ) -> Result<Result<Vec<u8>, String>, CaptureError> {
        match self.bytes(path, limit) {
            Ok(Some(bytes)) => Ok(Ok(bytes)),
            Ok(None) => Ok(Err(format!("there is no {}", self.below(path)))),
            Err(e @ (CaptureError::LeadsOut { .. } | CaptureError::NotRegular { .. })) => {
                Ok(Err(self.pass_over(path, &e)))
            }
            Err(e) => Err(e),
        }
    }

    fn bytes(&self, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, CaptureError> {
        self.checkout.read(Some(self.root), path, limit)
    }

    /// Keeps that a path was passed over; why, in words.
    pub(in crate::capture) fn pass_over(&mut self, path: &Path, why: &CaptureError) -> String {
        let path = self.below(path);
        let reason = match why {
            CaptureError::LeadsOut { link, .. } if *link == path => {
                format!("{path}: it leads out of the checkout, and was not followed")
            }
            CaptureError::LeadsOut { link, .. } => {
                format!("{path}: {link} leads out of the checkout, and was not followed")
            }
            CaptureError::NotRegular { found, .. } => format!("{path}: it is {found}, and was not read"),
            other => format!("{path}: {other}"),
        };
        let room = limits::PASSED_OVER.saturating_sub(self.passed_over.len());
        if room > 0 && !self.passed_over.contains(&reason) {
            let more = format!("more than {} files", limits::PASSED_OVER - 1);
            self.passed_over.push(if room == 1 { more } else { reason.clone() });
        }
        reason
    }

    /// Keeps that a link was not followed, by the link alone.
    pub(in crate::capture) fn pass_over_link(&mut self, why: &CaptureError) {
        if let CaptureError::LeadsOut { link, .. } = why {
            self.pass_over(&self.root.join(link), why);
        }
    }

    fn below(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).display().to_string()
    }
}
