//! Where a log is: the seam [`LogStore`], a folder, and the memory of one process.

mod folder;
mod memory;
mod published;
#[cfg(test)]
mod tests;

pub use folder::FolderStore;
pub use memory::MemoryStore;
pub use published::Published;

use super::AuditError;

/// A record as it is stored: what stays for ever, and what can be destroyed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The entry.
    pub entry: Vec<u8>,
    /// The encrypted content, or a redaction's text.
    pub content: Vec<u8>,
}

/// The store of one log, for one writer.
///
/// A back end MUST keep to this:
/// - [`LogStore::append`] that is `Ok` is durable, in order, and whole; after an error it may or may not have happened, and
///   the store MUST NOT be written to before it was opened again;
/// - [`LogStore::swap_checkpoint`] replaces durably and whole, and only what `old` says;
/// - what is put by name is whole or as before. A full tile or bundle is durable: it is never put again. A partial one may
///   be lost with the power: the next checkpoint comes with others;
/// - after [`LogStore::settle`], what was found when it was opened is durable.
pub trait LogStore: Send + Sync {
    /// How many records it has.
    fn size(&self) -> u64;

    /// Makes durable what was found: a writer that was killed between writing a frame and waiting for the disk leaves one
    /// that can be read, and is gone with the power. A checkpoint over it would be of a log that is not there.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn settle(&mut self) -> Result<(), AuditError> {
        Ok(())
    }

    /// Adds records behind the last.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn append(&mut self, batch: &[Stored]) -> Result<(), AuditError>;

    /// Records from a number on: at least one where there is one, at most `count`.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Damaged`] with the first record that is not as it was.
    fn read(&self, from: u64, count: usize) -> Result<Vec<Stored>, AuditError>;

    /// A published file by its name, `checkpoint` or that of a tile; none where there is none.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn get(&self, name: &str) -> Result<Option<Vec<u8>>, AuditError>;

    /// Publishes a file.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn put(&mut self, name: &str, bytes: &[u8]) -> Result<(), AuditError>;

    /// Replaces the checkpoint.
    ///
    /// # Errors
    /// [`AuditError::Unusable`]; also when the one that is there is not `old`.
    fn swap_checkpoint(&mut self, old: Option<&[u8]>, new: &[u8]) -> Result<(), AuditError>;
}

/// Name of the checkpoint among the published files.
pub const CHECKPOINT: &str = "checkpoint";
