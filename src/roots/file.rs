//! A file of trusted roots, named by a person.

use super::{SourceError, TrustSource};
use crate::model::{Timestamp, limits};
use crate::regular;
use crate::seam::{BoxFuture, ready};
use crate::trust::TrustedRoot;
use std::io;
use std::path::{Path, PathBuf};

/// A file of one trusted root, or of one per line.
#[derive(Clone, Debug)]
pub struct RootFile(PathBuf);

impl RootFile {
    /// The file at `path`.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn read(&self) -> Result<Vec<TrustedRoot>, SourceError> {
        let bytes = read(&self.0, limits::ROOT_BYTES)
            .map_err(|e| SourceError::Unreadable { path: self.0.display().to_string(), cause: e.to_string() })?;
        TrustedRoot::parse(&bytes, &self.place()).map_err(|source| SourceError::Root { place: self.place(), source })
    }
}

impl TrustSource for RootFile {
    fn place(&self) -> String {
        self.0.display().to_string()
    }

    fn roots(&self, _now: Timestamp) -> BoxFuture<'_, Result<Vec<TrustedRoot>, SourceError>> {
        ready(self.read())
    }
}

/// A regular file, or a pipe that a shell hands over, of which at most one byte over `limit` is read: whoever reads it sees that it is too long.
pub(super) fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    regular::read_typed(path, limit)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "makes files of roots")]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let roots = |bytes: &[u8]| {
            let path = folder.path().join("root.json");
            std::fs::write(&path, bytes).unwrap();
            RootFile::new(&path).read().map(|r| r.len()).map_err(|e| e.code().to_string())
        };
        let one = TrustedRoot::embedded()[0].json().to_owned();
        assert_eq!(roots(one.as_bytes()), Ok(1));
        assert_eq!(roots(&one.as_bytes()[..one.len() / 2]), Err("trusted-root-malformed".into()));
        let mut long = one.into_bytes();
        long.resize(limits::ROOT_BYTES + 1, b' ');
        assert_eq!(roots(&long), Err("limit-exceeded".into()));
        let missing = RootFile::new(&folder.path().join("none")).read();
        assert_eq!(missing.map(|_| ()).map_err(|e| e.code().to_string()), Err("file-unreadable".into()));
        let of_folder = RootFile::new(folder.path()).read();
        assert_eq!(of_folder.map(|_| ()).map_err(|e| e.code().to_string()), Err("file-unreadable".into()));
    }
}
