#![expect(clippy::disallowed_methods, reason = "looks at the clock between two pieces of a file")]
//! Files of a checkout are hashed for a bounded time and up to a bounded size.
//!
//! Whoever writes the source, or runs as the build step, may leave a file of terabytes that takes no room on a disk. Hashing
//! it would hold a build for hours; so what is over a limit, or not hashed in time, has no digest, and a reason.

use crate::capture::input::files::{self, Progress};
use crate::model::{Digest, limits};
use std::path::Path;
use std::time::{Duration, Instant};

/// The time for all files of one look at a checkout.
#[derive(Clone, Copy, Debug)]
pub(in crate::capture) struct Bounded {
    given: Duration,
    until: Instant,
}

impl Bounded {
    /// From now on.
    pub(in crate::capture) fn within(given: Duration) -> Self {
        // A time that no clock reaches is as good as a day.
        let until = Instant::now();
        Self { given, until: until.checked_add(given).unwrap_or(until + Duration::from_secs(24 * 60 * 60)) }
    }

    /// Whether there is time left.
    pub(in crate::capture) fn goes_on(&self) -> bool {
        Instant::now() < self.until
    }

    /// Why there is none, for a person.
    pub(in crate::capture) fn late(&self) -> String {
        format!("not all files were hashed within {} s; a longer --timeout helps", self.given.as_secs_f32())
    }

    /// Whether a file of this size is hashed.
    pub(in crate::capture) fn takes(size: u64) -> bool {
        size <= limits::CHECKOUT_FILE_BYTES
    }

    /// SHA-256 of a regular file.
    ///
    /// # Errors
    /// Why there is none, for a person.
    pub(in crate::capture) fn sha256(&self, path: &Path, progress: Progress<'_>) -> Result<Digest, String> {
        let size = files::open_regular(path).map_err(|e| e.to_string())?.1.len();
        if !Self::takes(size) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            return Err(format!("`{name}` has more than {} bytes", limits::CHECKOUT_FILE_BYTES));
        }
        let digest = files::sha256_while(path, &|| self.goes_on(), progress).map_err(|e| e.to_string())?;
        digest.ok_or_else(|| self.late())
    }
}
