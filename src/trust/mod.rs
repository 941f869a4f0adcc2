//! Who may vouch, and when. Values only: nothing here is fetched.

mod certificate_authority;
mod error;
mod key;
mod root;
pub(crate) mod timestamp;
mod verifiers;

pub(crate) use certificate_authority::CertificateAuthority;
pub use error::RootError;
pub(crate) use key::is_der;
pub use key::{KeyAlgorithm, KeyError, PublicKey, shown_hint};
pub use root::{Authority, AuthorityKind, TrustedRoot};
pub(crate) use root::{Prepared, StampAuthority};

use crate::model::ValidityWindow;
use crate::tlog::CosignerKey;

/// A key that a flag or a policy names, with the window in which it may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The key.
    pub key: PublicKey,
    /// When it may sign.
    pub window: ValidityWindow,
}

/// Everything that evidence may be verified with: keys from flags and policies, and roots.
///
/// Neither is ever taken from evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TrustMaterial {
    /// Keys, each once.
    pub keys: Vec<PublicKey>,
    /// Trusted roots, each of one instance: what one vouches for never supports another.
    pub roots: Vec<TrustedRoot>,
    /// Witnesses whose cosignatures on checkpoints are looked for.
    pub witnesses: Vec<CosignerKey>,
    /// Whether a log's promise to include an entry will do where there is no proof that it did.
    pub allow_promise_only: bool,
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

    /// The same material with these roots.
    #[must_use]
    pub fn with_roots(mut self, roots: &[TrustedRoot]) -> Self {
        self.roots = roots.to_vec();
        self
    }
}
