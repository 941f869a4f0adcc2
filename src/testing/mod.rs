//! Worlds for tests: what misbehaves as the real thing might. Never part of a release.

pub mod forge;
pub mod fuzz;
pub mod registry;
pub mod sigstore;
pub mod world;

pub use forge::{Misbehaviour, Speaks, TestForge};
pub use registry::{Access, Action, Behaviour, Conditional, Fault, Seen, TestRegistry};
pub use sigstore::{Holder, Instance};
pub use world::{Claim, Image, World};
