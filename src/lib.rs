#![doc = include_str!("../README.md")]

pub mod capture;
#[cfg(feature = "cli")]
pub mod cli;
pub mod evidence;
pub mod flow;
pub mod model;
pub mod policy;
pub mod predicate;
pub mod registry;
pub mod roots;
pub mod seam;
pub mod sign;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trust;
pub mod verify;
