//! The commands, one file each.

pub mod attach;
pub mod download;
pub mod inspect;
pub mod keygen;
pub mod list;
pub mod sign;
pub mod verify;
