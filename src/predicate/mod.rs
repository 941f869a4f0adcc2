//! What payloads mean. One file per predicate type, one row in [`ALL`].

pub mod approval;
pub mod charter;
mod descriptor;
pub mod field;
mod names;
mod parameters;
mod provenance;
mod provenance_v02;
pub mod record;
pub mod schema;
mod source;
mod written;

pub use approval::Approval;
pub use charter::{Charter, CharterSnapshot};
pub use field::Field;
pub use names::{named, names, short};
pub use provenance::{Provenance, Source};
pub use source::{source_repository, source_uri, split_source};

use crate::model::Statement;
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

    /// What reads a predicate of this type as a provenance, if it is one: what is asked of a provenance is asked of it.
    fn provenance(&self) -> Option<ReadsProvenance> {
        None
    }
}

/// Reads a predicate, as it is written, as a provenance; and says about how much memory that takes (bytes).
pub type ReadsProvenance = fn(&str) -> Result<(Provenance, usize), JsonError>;

/// Every predicate type that is read with understanding; others pass as opaque objects.
pub const ALL: &[&dyn PredicateType] =
    &[&provenance::SlsaProvenance, &provenance_v02::SlsaProvenanceV02, &approval::ApprovalV1, &charter::CharterV1];

/// The predicate type of a URI, if it is one of [`ALL`].
#[must_use]
pub fn by_uri(uri: &str) -> Option<&'static dyn PredicateType> {
    ALL.iter().copied().find(|p| p.uri() == uri)
}

/// What a statement's predicate says as a provenance, where it is one, and about how much memory that takes (bytes).
///
/// # Errors
/// The first field that has not the form that the predicate's type demands, or a limit.
pub fn read(statement: &Statement) -> Result<(Option<Provenance>, usize), JsonError> {
    let Some(known) = by_uri(statement.predicate_type().as_str()) else { return Ok((None, 0)) };
    if let Some(read) = known.provenance() {
        return read(statement.predicate_text()).map(|(provenance, memory)| (Some(provenance), memory));
    }
    let predicate = statement.predicate()?;
    known.check(&predicate).map(|()| (None, 0))
}

/// What reads a predicate of a type as a provenance; nothing where the type is none.
#[must_use]
pub fn provenance_of(uri: &str) -> Option<ReadsProvenance> {
    by_uri(uri)?.provenance()
}
