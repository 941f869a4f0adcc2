//! What goes into a build beside its source: lock files, materials, the base image, the charter; and its subjects.

pub(in crate::capture) mod base_image;
#[cfg(feature = "cli")]
pub(in crate::capture) mod beneath;
#[cfg(feature = "cli")]
pub(in crate::capture) mod bounded;
pub(in crate::capture) mod charter;
mod container_file;
#[cfg(feature = "cli")]
pub mod files;
pub mod lockfiles;
pub(in crate::capture) mod materials;
#[cfg(feature = "cli")]
pub mod nar;
pub(in crate::capture) mod packages;
pub(in crate::capture) mod subjects;
pub(in crate::capture) mod unasked;
