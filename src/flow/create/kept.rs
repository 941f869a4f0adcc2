//! [`Kept`]: what waits in the outbox.

use crate::model::Digest;
use std::path::PathBuf;

/// An entry of the outbox.
#[derive(Debug)]
pub struct Kept<E> {
    /// Its digest, by which it is named later.
    pub digest: Digest,
    /// Whether it still has to be signed.
    pub unsigned: bool,
    /// The file that it goes to.
    pub file: Option<PathBuf>,
    /// Why it waits.
    pub cause: E,
}
