//! Who may vouch, and when. Values only: nothing here is fetched.

mod key;

pub use key::{KeyAlgorithm, KeyError, PublicKey, shown_hint};

use crate::model::ValidityWindow;

/// A key that a flag or a policy names, with the window in which it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When it may sign.
    pub window: ValidityWindow,
}

/// Everything that evidence may be verified with: keys from flags and policies, and (with keyless signing) roots.
///
/// A key is never taken from evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustMaterial {
    /// Keys, each once.
    pub keys: Vec<PublicKey>,
}

impl TrustMaterial {
    /// Material of these keys; repeated ones count once.
    #[must_use]
    pub fn of_keys(keys: impl IntoIterator<Item = PublicKey>) -> Self {
        let mut material = Self::default();
        for key in keys {
            if !material.keys.contains(&key) {
                material.keys.push(key);
            }
        }
        material
    }
}
