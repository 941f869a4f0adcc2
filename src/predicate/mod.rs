//! What payloads mean. One file per predicate type, one row in [`ALL`].

pub mod charter;
mod provenance;
pub mod record;
pub mod schema;

pub use charter::{Charter, CharterSnapshot};
pub use provenance::{Provenance, Source};

use crate::model::json::JsonError;
use serde_json::{Map, Value};

/// A kind of claim that this version can read.
///
/// Contract: pure; `check` accepts exactly what `attest` would also write or act upon, and keeps unknown fields legal
/// (in-toto's monotonic rule).
pub trait PredicateType: Sync {
    /// The predicate type.
    fn uri(&self) -> &'static str;

    /// A short name for people and flags, for example `provenance`.
    fn name(&self) -> &'static str;

    /// Whether a predicate has the form that its type demands.
    ///
    /// # Errors
    /// The first field that has not.
    fn check(&self, predicate: &Map<String, Value>) -> Result<(), JsonError>;
}

/// Every predicate type that is read with understanding; others pass as opaque objects.
pub const ALL: &[&dyn PredicateType] = &[&provenance::SlsaProvenance, &charter::CharterV1];

/// The predicate type of a URI, if it is one of [`ALL`].
#[must_use]
pub fn by_uri(uri: &str) -> Option<&'static dyn PredicateType> {
    ALL.iter().copied().find(|p| p.uri() == uri)
}
