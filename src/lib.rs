#![doc = include_str!("../README.md")]
// The pure half keeps whole files of which only the other half calls some functions.
#![cfg_attr(not(feature = "cli"), allow(dead_code, unused_imports))]

#[cfg(feature = "cli")]
pub mod action;
pub mod attribution;
#[cfg(feature = "cli")]
pub mod audit;
pub mod capture;
pub mod charter;
#[cfg(feature = "cli")]
pub mod cli;
pub mod evidence;
pub mod flow;
pub mod inquiry;
pub mod issuer;
pub mod model;
#[cfg(feature = "cli")]
pub mod net;
pub mod outbox;
#[cfg(feature = "cli")]
pub mod places;
pub mod policy;
pub mod predicate;
pub mod programs;
pub mod record;
pub mod registry;
mod regular;
pub mod roots;
pub mod seam;
pub mod secrets;
#[cfg(feature = "cli")]
pub mod server;
pub mod sign;
#[cfg(feature = "cli")]
pub mod sources;
#[cfg(feature = "testing")]
pub mod testing;
pub mod tlog;
pub mod trust;
pub mod verify;
#[cfg(feature = "cli")]
pub mod webhook;

// The paved path: what verifying, signing and deciding take, as README and `examples/` show it. Everything else is public
// for the parts of this program, and may change with any release.
pub use evidence::FileEvidence;
#[cfg(feature = "cli")]
pub use flow::create;
pub use flow::{Given, Signing, Target, Unsigned, check};
pub use model::{Artifact, Digest, Reference, Statement, Timestamp};
pub use policy::{Policy, Verdict};
pub use registry::{Registry, RegistryEvidence};
pub use seam::Endless;
pub use sign::{LocalKey, Signer};
pub use trust::{PublicKey, TrustMaterial, TrustedRoot};
pub use verify::{VerifiedStatement, Verifier};
