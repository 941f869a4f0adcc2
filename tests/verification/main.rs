//! What is proven and what is refused: verification and decisions, from the library and from the real binary.

mod advisories;
mod certificates;
#[cfg(feature = "cli")]
mod conformance;
mod hostile_bytes;
mod refusals;
mod routes;
#[cfg(feature = "cli")]
#[path = "../world/serve.rs"]
#[expect(clippy::disallowed_methods, reason = "serves on loopback")]
mod serve;
#[expect(clippy::disallowed_methods, reason = "looks for data beside the checkout")]
mod vectors;
