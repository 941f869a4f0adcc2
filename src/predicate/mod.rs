//! What payloads mean. One file per predicate type, one row in [`ALL`].

pub mod approval;
pub mod charter;
pub mod field;
mod provenance;
pub mod record;
pub mod schema;

pub use approval::Approval;
pub use charter::{Charter, CharterSnapshot};
pub use field::Field;
pub use provenance::{Provenance, Source, source_repository, split_source};

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

    /// Whether statements of this type may be about something that another statement names by digest (its charter, its
    /// source commit), and so support it. Such a statement may be attached beside the artifact without being about it.
    fn supports(&self) -> bool {
        false
    }
}

/// Every predicate type that is read with understanding; others pass as opaque objects.
pub const ALL: &[&dyn PredicateType] = &[&provenance::SlsaProvenance, &approval::ApprovalV1, &charter::CharterV1];

/// The predicate type of a URI, if it is one of [`ALL`].
#[must_use]
pub fn by_uri(uri: &str) -> Option<&'static dyn PredicateType> {
    ALL.iter().copied().find(|p| p.uri() == uri)
}
