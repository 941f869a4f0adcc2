//! What several questions say in the same words and in the same JSON.

use super::figures::number;
use crate::cli::show::sanitize;
use crate::inquiry::{Cost, Hole, Tokens, Why};
use crate::model::plural::counted;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt::Write as _;

/// Records that cannot be read.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HoleReport {
    /// How many.
    pub count: u64,
    /// The first number.
    pub first: u64,
    /// The last number; between them may be records that can be read.
    pub last: u64,
    /// `expired`, `erased`, `no-key` or `damaged`.
    pub why: &'static str,
    /// Number of the redaction's record that says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redaction: Option<u64>,
    /// The reason that the redaction names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub basis: Option<String>,
}

impl From<&Hole> for HoleReport {
    fn from(hole: &Hole) -> Self {
        let (why, redaction, basis) = match &hole.why {
            Why::Expired(at) => ("expired", Some(*at), None),
            Why::Erased(at, basis) => ("erased", Some(*at), Some(basis.clone())),
            Why::NoKey => ("no-key", None, None),
            Why::Damaged => ("damaged", None, None),
        };
        Self { count: hole.count, first: hole.first, last: hole.last, why, redaction, basis }
    }
}

/// Tokens by class; a class of which nothing is known is absent.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TokensReport {
    /// Read, without those of the cache.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub read: Option<u64>,
    /// Written.
    #[serde(rename = "out", skip_serializing_if = "Option::is_none")]
    pub written: Option<u64>,
    /// Read from the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    /// Written to the cache.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

impl From<Tokens> for TokensReport {
    fn from(tokens: Tokens) -> Self {
        let Tokens { read, written, cache_read, cache_write } = tokens;
        Self { read, written, cache_read, cache_write }
    }
}

/// A cost in US dollars.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CostReport {
    /// The amount, exactly, as a decimal number.
    pub amount: String,
    /// `witnessed`, `declared`, or `derived` where it was added up of several records.
    pub known: &'static str,
}

impl From<Cost> for CostReport {
    fn from(cost: Cost) -> Self {
        Self { amount: cost.amount.exact(), known: cost.known.name() }
    }
}

/// A line for each hole, or none.
pub(in crate::cli::cmd::audit) fn holes(holes: &[Hole]) -> String {
    let mut out = String::new();
    for hole in holes {
        let why = match &hole.why {
            Why::Expired(at) => format!("expired under the log's policy: redaction {}", number(*at)),
            Why::Erased(at, basis) => format!("erased: redaction {}, {}", number(*at), sanitize::line(basis)),
            Why::NoKey => "their key is not here, and no redaction says that it was destroyed".to_owned(),
            Why::Damaged => "they were changed: see `attest audit verify`".to_owned(),
        };
        let numbers = match hole.count {
            1 => number(hole.first),
            _ => format!("{}..{}", number(hole.first), number(hole.last)),
        };
        let _ = writeln!(out, "HOLE  {} cannot be read ({numbers}), {why}", counted(hole.count, "record"));
    }
    out
}
