//! BuildKit's unsigned attestations inside an index, told from images that only call themselves so.
//!
//! BuildKit lists each as a manifest of platform `unknown/unknown` and marks it by an annotation. Whoever writes the index
//! writes both: an image that is passed over for them is pulled by its digest, or by a program that reads no annotations,
//! and nobody has attested it. So what is marked is looked into, and counts as an image unless its content proves that
//! nothing of it can be run.

use crate::model::json;
use crate::model::oci::{IMAGE_CONFIG, IMAGE_MANIFEST, Manifest};
use crate::model::unrunnable::{EMPTY_CONFIG, is_archive, starts_nothing};
use crate::model::{Code, Descriptor, Digest, code, envelope, limits};
use crate::registry::{Checked, RegistryError};
use crate::verify::Budget;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Annotation by which BuildKit marks the manifests of its attestations, and its value.
pub(super) const REFERENCE_TYPE: &str = "vnd.docker.reference.type";
const ATTESTATION: &str = "attestation-manifest";
/// Annotation that names the image which an attestation is about.
pub(super) const REFERENCE_DIGEST: &str = "vnd.docker.reference.digest";
/// What the statements of in-toto say that they are.
const STATEMENT: &str = "https://in-toto.io/Statement/";

/// Whether an index marks an entry as one of BuildKit's attestations.
pub(super) fn is_marked(entry: &Descriptor) -> bool {
    entry.annotations.get(REFERENCE_TYPE).is_some_and(|t| t == ATTESTATION)
}

/// Why it could not be found out whether an entry is an attestation.
pub(super) struct Unclear {
    pub(super) code: Code,
    pub(super) message: String,
}

impl From<RegistryError> for Unclear {
    fn from(e: RegistryError) -> Self {
        Self { code: e.code(), message: e.to_string() }
    }
}

/// What proofs are read from, and what they may take.
pub(super) struct Proofs<'a> {
    pub(super) content: &'a Checked<'a>,
    /// Requests of the check.
    pub(super) budget: &'a Budget,
    /// Bytes that may still be read for proofs. None of them are kept.
    pub(super) left: &'a AtomicUsize,
    pub(super) index: &'a Manifest,
}

impl Proofs<'_> {
    /// Whether an entry is an attestation about an image of the same index, by all that it holds: an image manifest whose
    /// layers are statements, with a config from which nothing can be started.
    ///
    /// # Errors
    /// [`Unclear`] where something of it could not be read.
    pub(super) async fn proven(&self, entry: &Descriptor) -> Result<bool, Unclear> {
        if !(self.says_so(entry) && entry.media_type == IMAGE_MANIFEST) {
            return Ok(false);
        }
        self.afford(limits::MANIFEST_BYTES.min(size(entry)))?;
        let served = self.content.need_manifest(&entry.digest).await?;
        let Ok(manifest) = Manifest::parse(&served.bytes, "") else { return Ok(false) };
        let of_statements = |m: &Manifest| m.layers.iter().all(|layer| layer.media_type == envelope::IN_TOTO);
        if manifest.media_type != IMAGE_MANIFEST || manifest.layers.is_empty() || !of_statements(&manifest) {
            return Ok(false);
        }
        let Some(config) = &manifest.config else { return Ok(false) };
        if !self.config_starts_nothing(config, &manifest.layers).await? {
            return Ok(false);
        }
        for layer in &manifest.layers {
            // A program that reads no media types unpacks what is no statement.
            if !is_statement(&self.read(layer, limits::BUNDLE_BYTES).await?) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the index says that an entry is an attestation about an image beside it.
    fn says_so(&self, entry: &Descriptor) -> bool {
        let about = entry.annotations.get(REFERENCE_DIGEST).and_then(|d| Digest::parse(d.as_str()?).ok());
        let beside = |digest| self.index.manifests.iter().any(|d| d.digest == digest && !is_marked(d));
        is_marked(entry) && entry.platform.as_deref() == Some("unknown/unknown") && about.is_some_and(beside)
    }

    async fn config_starts_nothing(&self, config: &Descriptor, layers: &[Descriptor]) -> Result<bool, Unclear> {
        if config.digest.matches(EMPTY_CONFIG) {
            return Ok(true);
        }
        if config.media_type != IMAGE_CONFIG {
            return Ok(false);
        }
        let bytes = self.read(config, limits::MANIFEST_BYTES).await?;
        Ok(starts_nothing(&bytes, layers))
    }

    async fn read(&self, blob: &Descriptor, limit: usize) -> Result<Vec<u8>, Unclear> {
        let limit = limit.min(size(blob));
        self.afford(limit)?;
        Ok(self.content.need_blob(&blob.digest, limit).await?)
    }

    fn afford(&self, bytes: usize) -> Result<(), Unclear> {
        let taken = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(bytes));
        if self.budget.request() && taken.is_ok() {
            return Ok(());
        }
        let message = format!("BuildKit's attestations are over the limit of {} bytes in all", limits::UNSIGNED_BYTES);
        Err(Unclear { code: code::LIMIT_EXCEEDED, message })
    }
}

/// The size that a descriptor claims; no more is read.
fn size(of: &Descriptor) -> usize {
    usize::try_from(of.size).unwrap_or(usize::MAX)
}

/// Whether bytes are a statement of in-toto by what they say of themselves, and nothing else at the same time.
fn is_statement(bytes: &[u8]) -> bool {
    let stated = json::members("statement", bytes)
        .ok()
        .and_then(|members| serde_json::from_str::<String>(members.get("_type")?.get()).ok())
        .is_some_and(|t| t.starts_with(STATEMENT));
    stated && !is_archive(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_no_archive() {
        let statement = |more: &str| format!(r#"{{"_type":"https://in-toto.io/Statement/v0.1","x":"{more}"}}"#);
        assert!(is_statement(statement(&"x".repeat(600)).as_bytes()));
        assert!(!is_statement(br#"{"_type":"https://evil.example/","x":""}"#) && !is_statement(b"\x1f\x8b"));
        // A header in which every field but the sum is of the statement: tar reads it, and so does JSON.
        let mut text = statement(&"7".repeat(600)).into_bytes();
        text[SUM_AT..SUM_AT + 8].fill(b' ');
        let sum: u64 = text[..512].iter().map(|b| u64::from(*b)).sum();
        text[SUM_AT..SUM_AT + 8].copy_from_slice(format!("{sum:07o} ").as_bytes());
        assert!(json::check(&text, 1000).is_ok() && !is_statement(&text));
    }

    const SUM_AT: usize = 148;
}
