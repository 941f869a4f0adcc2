//! Worlds for tests: what misbehaves as the real thing might. Never part of a release.

#[cfg(feature = "cli")]
mod bucket;
mod evidence;
pub mod forge;
pub mod fuzz;
mod fuzz_charter;
mod fuzz_locks;
#[cfg(feature = "cli")]
mod fuzz_log;
#[cfg(feature = "cli")]
mod fuzz_review;
mod fuzz_run;
mod fuzz_sign;
pub mod registry;
pub mod sigstore;
pub mod world;

#[cfg(feature = "cli")]
pub use bucket::{Kept, TestBucket, Ways};
pub use evidence::{Bundles, decide, decide_at, decide_by};
pub use forge::{Misbehaviour, Speaks, TestForge};
pub use registry::{Access, Action, Behaviour, Conditional, Fault, Seen, TestRegistry};
pub use sigstore::{Holder, Instance, StampAuthority, TileLog, Witness};
pub use world::{Claim, Image, World};
