//! What a log shows to everybody: its checkpoint and tiles, without its journal.

use super::CHECKPOINT;
use crate::audit::AuditError;
use crate::model::limits;
use crate::tlog::tile::Tile;
use std::io;
use std::path::{Path, PathBuf};

/// The published files of a log's folder.
#[derive(Clone, Debug)]
pub struct Published {
    folder: PathBuf,
}

impl Published {
    /// Those of a log.
    #[must_use]
    pub fn of(log: &Path) -> Self {
        Self { folder: log.join("tlog") }
    }

    /// A file by its name. A name that is not one of the specification's leads nowhere: whoever asks over a network could else
    /// name the log's keys.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let known = name == CHECKPOINT || Tile::parse(name).is_some();
        if !known {
            return Ok(None);
        }
        let path = self.folder.join(name);
        match crate::regular::read(&path, limits::PUBLISHED_BYTES) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
            Err(e) => Err(AuditError::Unusable { what: path.display().to_string(), cause: e.to_string() }),
        }
    }
}
