//! What is handed out of a log: records as lines of JSON, with what proves them, so that whoever gets them needs no log.
//!
//! | file | job |
//! |---|---|
//! | `line.rs` | [`Line`]: a record with the salts of the fields that are shown, and the commitments to those that are not |
//! | `manifest.rs` | [`Manifest`]: which records, under which checkpoint, and the digest of every file |
//! | `check.rs` | [`Check`]: lines, manifest and files against each other and against a key of the log |
//!
//! Each line has the hash of the one before. A range of records has the edge of the tree before it, so that the tree behind it is made
//! of exactly the lines that are there. Single records have a proof of inclusion each. The manifest's own digest stands in a record of
//! the log, whose receipt lies beside it.

mod check;
mod line;
mod manifest;

pub use check::{Check, Checked};
pub use line::{Chain, Line, Missing, Show, Showing};
pub use manifest::{AnchorProof, FILES, Manifest, RangeProof, anchored, range};

use super::keys::{Key, Random, derive};
use crate::model::digest::hex;

/// What replaces values by names that say nothing, one and the same for one value.
pub struct Pseudonyms(Key);

impl Pseudonyms {
    /// Under a key that is used for one export, and forgotten.
    pub fn once(random: Random<'_>) -> Self {
        let mut key = Key::default();
        random(&mut key[..]);
        Self(key)
    }

    /// Under a secret that is kept, so that several exports have the same names.
    #[must_use]
    pub fn under(secret: &[u8]) -> Self {
        Self(derive(&Key::default(), &[b"attest/pseudonyms/v1", secret]))
    }

    /// The name of a value. What stands behind `commit:` has the name that it has without.
    #[must_use]
    pub fn of(&self, value: &str) -> String {
        match value.strip_prefix("commit:") {
            Some(id) => format!("commit:{}", self.of(id)),
            None => format!("p-{}", &hex(&derive(&self.0, &[b"value", value.as_bytes()])[..])[..20]),
        }
    }
}
