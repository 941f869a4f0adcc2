#![expect(clippy::disallowed_methods, reason = "the back end of the machine-wide lock: opens its files")]
//! A lock that writers of one machine take before they change a listing that cannot be changed conditionally.
//!
//! It only helps: where it cannot be had, or not in time, the writer goes on without it.

use crate::model::Digest;
use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::{self, Instant};

/// How long a writer waits for others; each holds the lock for one reading and one writing request.
const PATIENCE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(3);

/// The folder of this user's locks below the machine's temporary folder; `None` when somebody else could have made it.
pub(super) fn default_folder() -> Option<PathBuf> {
    let temporary = std::env::temp_dir();
    #[cfg(unix)]
    let folder = temporary.join(format!("attest-locks-{}", rustix::process::getuid().as_raw()));
    #[cfg(not(unix))]
    let folder = temporary.join("attest-locks");
    Some(folder)
}

/// Takes the lock for a listing, `None` when it cannot be had.
pub(super) async fn take(folder: Option<&Path>, place: &str, subject: &Digest) -> Option<File> {
    let folder = folder?;
    private(folder)?;
    let name = Digest::sha256(format!("{place}\n{subject}").as_bytes());
    let path = folder.join(name.hex());
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).ok()?;
    let end = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Some(file),
            Err(fs::TryLockError::Error(_)) => return None,
            Err(fs::TryLockError::WouldBlock) if Instant::now() >= end => return None,
            // Polled, not waited for: the holder may be another task of this very thread.
            Err(fs::TryLockError::WouldBlock) => time::sleep(POLL).await,
        }
    }
}

/// Makes the folder, and sees that it is this user's own: in a shared temporary folder, a link or a foreign folder of
/// this name would have files made wherever its owner wants.
#[cfg(unix)]
fn private(folder: &Path) -> Option<()> {
    use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
    // An error is told by what is there then.
    let _ = fs::DirBuilder::new().mode(0o700).create(folder);
    let there = fs::symlink_metadata(folder).ok()?;
    let own = there.is_dir() && there.uid() == rustix::process::getuid().as_raw() && there.mode() & 0o022 == 0;
    own.then_some(())
}

#[cfg(not(unix))]
fn private(folder: &Path) -> Option<()> {
    fs::create_dir_all(folder).ok()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_link_in_its_place_is_not_followed() {
        let dir = tempfile::tempdir().unwrap();
        let (own, link) = (dir.path().join("own"), dir.path().join("link"));
        assert!(private(&own).is_some());
        std::os::unix::fs::symlink(&own, &link).unwrap();
        assert!(private(&link).is_none());
    }
}
