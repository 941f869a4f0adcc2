//! Evidence in files: a bundle, a file of one bundle per line, or a folder of both.

#[cfg(feature = "cli")]
mod add;
mod beside;
mod files;

#[cfg(feature = "cli")]
pub use add::{AddError, Added, PATIENCE, Same, add, takes_more};
pub use beside::{SHARED_BUNDLES, bundles_of, further, is_named_as_bundles, own_bundle, plain, shared_bundles};
pub use files::{FileEvidence, UNREADABLE, WHOLE_FILE, candidates_of, is_bundles};
