#![doc = "placeholder"]
pub mod capture;
pub mod model;
pub mod predicate;
pub mod registry;
pub mod seam;
pub mod sign;
pub mod trust;
