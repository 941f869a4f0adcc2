//! The secrets within reach of a build: which variables and files hold them, and which credentials they are.

pub(in crate::capture) mod credentials;
pub(in crate::capture) mod files;
#[cfg(feature = "cli")]
pub mod launch;
pub(in crate::capture) mod variables;
