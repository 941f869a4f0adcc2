//! The checkpoint that a bucket took last, beside the log: credentials that may only write cannot ask for it. Whoever changes it
//! has more or less copied than is new, and changes nothing of what the bucket has.

use crate::audit::disk;
use crate::model::digest::hex;
use crate::model::limits;
use crate::regular;
use sha2::{Digest as _, Sha256};
use std::io;
use std::path::{Path, PathBuf};

/// A file beside the log; none where nothing is to be remembered.
pub(super) struct Memory(Option<PathBuf>);

impl Memory {
    /// That of a place, in a folder.
    pub(super) fn of(folder: Option<&Path>, place: &str) -> Self {
        let name = hex(&Sha256::digest(place));
        Self(folder.map(|folder| folder.join(name.get(..32).unwrap_or(&name))))
    }

    /// The checkpoint; none where none was kept, or it cannot be read: then all is copied again, which changes nothing.
    pub(super) fn last(&self) -> Option<Vec<u8>> {
        regular::read(self.0.as_deref()?, limits::NOTE_BYTES).ok()
    }

    pub(super) fn keep(&self, note: &[u8]) -> io::Result<()> {
        match &self.0 {
            Some(path) => disk::replace(path, note, false),
            None => Ok(()),
        }
    }
}
