//! Which records are handed out, and what proves them.

use crate::audit::Settings;
use crate::audit::anchor::Anchor;
use crate::audit::tree::nodes;
use crate::audit::{AuditError, LogStore, consistency, own_checkpoint};
use crate::model::json::{self, JsonError};
use crate::model::limits;
use crate::tlog::merkle::{self, Edge};
use crate::tlog::{Checkpoint, Hash};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Names of files: the records, the manifest, and the receipt of the record that has the manifest's digest.
pub const FILES: (&str, &str, &str) = ("records.jsonl", "manifest.json", "manifest.tlog-proof");

/// What is handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// Always 1 for this document.
    pub schema_version: u32,
    /// What it is: `month/2026-10`, `person`, `incident`.
    pub what: String,
    /// Whether values were replaced by pseudonyms.
    pub anonymized: bool,
    /// The log's name.
    pub origin: String,
    /// The log's key, as a vkey: compare it with one from elsewhere.
    pub log_key: String,
    /// The checkpoint under which everything is proven, as the log signed it.
    pub checkpoint: String,
    /// How many records there are.
    pub records: u64,
    /// SHA-256 of the last line of `records.jsonl`, in hex.
    pub last_line: String,
    /// Of a whole range of records, what proves that none of it is missing. Without, each line has a proof of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<RangeProof>,
    /// What others outside said of checkpoints of the log.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<AnchorProof>,
    /// The digest of every file but this one and its receipt.
    pub files: BTreeMap<String, String>,
}

/// That a range of records is whole: the tree before it, the tree behind it, and that the one goes on as the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RangeProof {
    /// The first number, which is the size of the tree before the range.
    pub first: u64,
    /// The number behind the last, which is the size of the tree behind the range.
    pub end: u64,
    /// Root of the tree before it (base64).
    pub root_before: String,
    /// Root of the tree behind it.
    pub root_after: String,
    /// Complete subtrees of the tree before it, from the left: with the lines they make the tree behind it.
    pub edge_before: Vec<String>,
    /// That the tree behind it begins with the one before it (RFC 6962 section 2.1.2).
    pub consistency: Vec<String>,
    /// That the tree of the checkpoint begins with the one behind it.
    pub to_checkpoint: Vec<String>,
}

/// A checkpoint that somebody outside saw, and that the one of the manifest goes on from it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnchorProof {
    /// The file with the checkpoint and its cosignatures.
    pub file: String,
    /// Its records.
    pub size: u64,
    /// That the tree of the manifest's checkpoint begins with its tree.
    pub consistency: Vec<String>,
}

impl Manifest {
    /// As a file.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut out = serde_json::to_vec_pretty(self).unwrap_or_default();
        out.push(b'\n');
        out
    }

    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let wrong = |e: JsonError| e.without_value().to_string();
        let value = json::parse(bytes, limits::HANDOUT_MANIFEST_BYTES).map_err(wrong)?;
        serde_json::from_value(value).map_err(|_| "it has not the form of a manifest".to_owned())
    }
}

fn written(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(Hash::to_string).collect()
}

/// The proof of a range under a checkpoint.
///
/// # Errors
/// [`AuditError::Damaged`] where a tile is not there any more.
pub fn range(
    store: &dyn LogStore,
    (first, end): (u64, u64),
    checkpoint: &Checkpoint,
) -> Result<RangeProof, AuditError> {
    let lost = |e| AuditError::damaged(None, format!("its tiles: {e}"));
    let nodes = nodes(store, checkpoint.size);
    let edge = Edge::of(first, &nodes).map_err(lost)?;
    let root_before = edge.root();
    let root_after = Edge::of(end, &nodes).map_err(lost)?.root();
    let between = merkle::consistency(first, end, &nodes).map_err(lost)?;
    Ok(RangeProof {
        first,
        end,
        root_before: root_before.to_string(),
        root_after: root_after.to_string(),
        edge_before: written(edge.subtrees()),
        consistency: written(&between),
        to_checkpoint: written(&consistency(store, end, checkpoint.size)?),
    })
}

/// The proof of an anchor under a checkpoint; none where it is of a later one.
///
/// # Errors
/// [`AuditError::Damaged`] where it is not of this log.
pub fn anchored(
    store: &dyn LogStore,
    settings: &Settings,
    (anchor, file): (&Anchor, String),
    checkpoint: &Checkpoint,
) -> Result<Option<AnchorProof>, AuditError> {
    let seen = own_checkpoint(&anchor.note, settings)?;
    if seen.size > checkpoint.size {
        return Ok(None);
    }
    let proof = written(&consistency(store, seen.size, checkpoint.size)?);
    Ok(Some(AnchorProof { file, size: seen.size, consistency: proof }))
}
