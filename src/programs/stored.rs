#![expect(clippy::disallowed_methods, reason = "back end: reads programs and modules for their digests")]
//! A file as it was when it was found.

use super::ProgramError;
use crate::model::digest::{DigestAlgorithm, hex};
use crate::model::{Digest, limits};
use crate::regular;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Where a file really lies, and its digest when it was found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    path: PathBuf,
    digest: Digest,
}

impl StoredFile {
    /// Remembers the file at a path that leads over no link.
    pub(super) fn remember(path: PathBuf) -> Result<Self, ProgramError> {
        let digest = digest(&path)?;
        Ok(Self { path, digest })
    }

    /// Where it really lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its digest when it was found.
    pub(super) fn digest(&self) -> &Digest {
        &self.digest
    }

    /// That it is still the same file, byte for byte.
    ///
    /// # Errors
    /// [`ProgramError::Changed`].
    pub fn unchanged(&self) -> Result<(), ProgramError> {
        let found = match digest(&self.path) {
            Ok(found) if found == self.digest => return Ok(()),
            Ok(found) => found.to_string(),
            Err(e) => e.to_string(),
        };
        let path = self.path.display().to_string();
        Err(ProgramError::Changed { path, expected: self.digest.to_string(), found })
    }

    /// Its first bytes, `length` at most.
    pub(super) fn beginning(&self, length: u64) -> Result<Vec<u8>, ProgramError> {
        let mut bytes = Vec::new();
        let (file, _) = regular::open(&self.path).map_err(|e| missing(&self.path, &e.to_string()))?;
        file.take(length).read_to_end(&mut bytes).map_err(|e| missing(&self.path, &e.to_string()))?;
        Ok(bytes)
    }
}

/// SHA-256 of a regular file of at most [`limits::PROGRAM_BYTES`].
fn digest(path: &Path) -> Result<Digest, ProgramError> {
    let failed = |e: std::io::Error| missing(path, &e.to_string());
    // Looked at before it is opened: opening a FIFO would wait for a writer.
    if !std::fs::symlink_metadata(path).map_err(failed)?.is_file() {
        return Err(missing(path, "it is no regular file"));
    }
    let mut file = regular::open(path).map_err(failed)?.0.take(limits::PROGRAM_BYTES as u64 + 1);
    let (mut hasher, mut buffer, mut length) = (Sha256::new(), vec![0; 1 << 18], 0);
    loop {
        let n = file.read(&mut buffer).map_err(failed)?;
        if n == 0 {
            break;
        }
        length += n;
        hasher.update(&buffer[..n]);
    }
    if length > limits::PROGRAM_BYTES {
        return Err(ProgramError::TooLarge { path: path.display().to_string(), limit: limits::PROGRAM_BYTES });
    }
    let text = hex(&hasher.finalize());
    Ok(Digest::from_hex(DigestAlgorithm::Sha256, &text).expect("SHA-256 in hex is 64 digits"))
}

fn missing(path: &Path, cause: &str) -> ProgramError {
    ProgramError::Missing { name: path.display().to_string(), cause: cause.to_owned() }
}
