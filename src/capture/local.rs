#![expect(clippy::disallowed_methods, reason = "looks whether a file is there")]
//! [`Local`]: the checkout on this machine.

use crate::capture::git::checkout;
use crate::capture::input::beneath::{self, LastLink};
use crate::capture::input::{files, nar};
use crate::capture::step::private;
use crate::capture::{Blob, CaptureError, Checkout, Environment, PrivateFile, SourceState};
use crate::model::limits;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The path of a file that a flag names and whose content is published, where it lies in the checkout; `None` elsewhere.
///
/// # Errors
/// [`CaptureError::TooLarge`] for links without end.
pub fn in_checkout(env: &Environment, path: &Path) -> Result<Option<InCheckout>, CaptureError> {
    let search = env.search();
    let Some(root) = search.checkout() else { return Ok(None) };
    let inside = beneath::entry(root, &env.working_dir.join(path))?;
    Ok(inside.map(|path| InCheckout { root: root.to_owned(), path }))
}

/// A file of the checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InCheckout {
    root: PathBuf,
    path: PathBuf,
}

impl InCheckout {
    /// Its bytes, over no link that leads out: whoever writes the source could have another file of the machine published
    /// under the name that was typed.
    ///
    /// # Errors
    /// As [`Checkout::read`], and [`CaptureError::Unreadable`] where there is none.
    pub fn read(&self, limit: usize) -> Result<Vec<u8>, CaptureError> {
        let none = || CaptureError::unreadable(&self.path, std::io::Error::from(std::io::ErrorKind::NotFound));
        let (file, _) = beneath::open(&self.root, &self.path)?.ok_or_else(none)?;
        files::read_open(file, &self.path, limit)
    }
}

/// Files of this machine, and its `git`.
#[derive(Clone, Copy, Debug)]
pub struct Local {
    /// How long one call to git may take.
    pub git_timeout: Duration,
    /// How long the files of a checkout may be hashed, all together.
    pub hash_time: Duration,
}

impl Default for Local {
    fn default() -> Self {
        Self {
            git_timeout: Duration::from_secs(limits::GIT_SECONDS),
            hash_time: Duration::from_secs(limits::CHECKOUT_SECONDS),
        }
    }
}

impl Checkout for Local {
    fn source(&self, env: &Environment, excluded: &[PathBuf]) -> SourceState {
        let files = |pattern: &PathBuf| match pattern.to_str().map(|p| files::expand(&[p.to_owned()], &env.working_dir))
        {
            Some(Ok(found)) => found,
            // Not there, or not yet.
            _ => vec![pattern.clone()],
        };
        let excluded: Vec<_> = excluded.iter().flat_map(files).map(|p| env.working_dir.join(p)).collect();
        checkout::state(env, &excluded, self.git_timeout, self.hash_time)
    }

    fn read(&self, root: Option<&Path>, path: &Path, limit: usize) -> Result<Option<Vec<u8>>, CaptureError> {
        if let Some(root) = root {
            let found = beneath::open(root, path)?;
            return found.map(|(file, _)| files::read_open(file, path, limit)).transpose();
        }
        match std::fs::symlink_metadata(path) {
            Err(e) if matches!(e.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => Ok(None),
            _ => files::read(path, limit).map(Some),
        }
    }

    fn matching(&self, pattern: &str, base: &Path) -> Result<Vec<PathBuf>, CaptureError> {
        files::expand(&[pattern.to_owned()], base)
    }

    fn private_file(
        &self,
        base: &Path,
        below: &Path,
        limit: usize,
        each: &mut dyn FnMut(&[u8]),
    ) -> Result<Option<PrivateFile>, String> {
        private::read(base, below, limit, each)
    }

    fn blob(&self, env: &Environment, names: &[String]) -> Result<Option<Blob>, String> {
        checkout::blob(env, names, self.git_timeout)
    }

    fn entry(&self, root: &Path, path: &Path) -> Result<Option<PathBuf>, CaptureError> {
        beneath::entry(root, path)
    }

    fn real(&self, root: &Path, path: &Path) -> Result<Option<PathBuf>, CaptureError> {
        Ok(beneath::find(root, path, LastLink::Followed)?.map(|spot| spot.real))
    }

    fn nar_hash(&self, root: Option<&Path>, path: &Path) -> Result<String, CaptureError> {
        root.map_or_else(|| nar::hash(path), |root| nar::hash_within(root, path))
    }
}
