#![doc = "placeholder"]
pub mod model;
pub mod registry;
pub mod seam;
pub mod sign;
#[cfg(feature = "testing")]
pub mod testing;
pub mod trust;
