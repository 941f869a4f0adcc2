//! The commands, one file each.

pub mod action;
pub mod admission;
pub mod approve;
pub mod attach;
pub mod audit;
pub mod create;
pub mod describe;
pub mod download;
pub mod flush;
pub mod generate;
pub mod git;
pub mod inspect;
pub mod keygen;
pub mod list;
pub mod quickstart;
pub mod sign;
pub mod trust;
pub mod verify;
