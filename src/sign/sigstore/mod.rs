//! Signing as an identity: tokens, the authority that certifies them, logs and timestamps.

#[cfg(feature = "cli")]
pub(in crate::sign) mod ambient;
#[cfg(feature = "cli")]
pub(in crate::sign) mod keyless;
#[cfg(feature = "cli")]
pub(in crate::sign) mod rekor;
#[cfg(feature = "cli")]
pub(in crate::sign) mod service;
pub(in crate::sign) mod services;
#[cfg(feature = "cli")]
pub(in crate::sign) mod several;
#[cfg(feature = "cli")]
pub(in crate::sign) mod timestamp;
#[cfg(feature = "cli")]
pub(in crate::sign) mod token;
#[cfg(feature = "cli")]
pub(in crate::sign) mod url;
