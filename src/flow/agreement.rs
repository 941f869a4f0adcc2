//! Whether a provenance and the certificate that signed it say the same.

use crate::model::Statement;
use crate::policy::{Reason, cross_check};
use crate::predicate;
use crate::verify::Signer;
use std::collections::BTreeMap;

/// Of another builder: what a policy may allow a signer, by listing `builders` for it.
pub use crate::policy::CONTRADICTS_BUILDER as OTHER_BUILDER;

/// What the certificate says otherwise: what every verifier will hold against the statement. Nothing of a key, which says
/// nothing, and of other predicates.
#[must_use]
pub fn contradictions(statement: &Statement, signer: &Signer) -> Vec<Reason> {
    let Signer::Certificate { issuer, claims, .. } = signer else { return Vec::new() };
    contradictions_of(statement, issuer, claims)
}

/// The same of a certificate that has signed nothing yet, by its issuer and claims.
#[must_use]
pub fn contradictions_of(statement: &Statement, issuer: &str, claims: &BTreeMap<u32, String>) -> Vec<Reason> {
    let Some(read) = predicate::provenance_of(statement.predicate_type().as_str()) else { return Vec::new() };
    match read(statement.predicate_text()) {
        Ok((provenance, _)) => cross_check(issuer, claims, &provenance, false).err().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}
