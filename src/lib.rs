#![doc = include_str!("../README.md")]
// The pure half keeps whole files of which only the other half calls some functions.
#![cfg_attr(not(feature = "cli"), allow(dead_code))]

pub mod attribution;
pub mod capture;
pub mod charter;
#[cfg(feature = "cli")]
pub mod cli;
pub mod evidence;
pub mod flow;
pub mod issuer;
pub mod model;
#[cfg(feature = "cli")]
pub mod net;
#[cfg(feature = "cli")]
pub mod places;
pub mod policy;
pub mod predicate;
pub mod programs;
pub mod registry;
pub mod roots;
pub mod seam;
pub mod secrets;
pub mod sign;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trust;
pub mod verify;
