//! Folders that `cosign save` wrote: what it says of its entries, and where it leaves attestations.
//!
//! Up to version 2 attestations are an entry of their own, of a kind that an annotation says and without a `subject`. Bundles
//! are manifests with a `subject`, and nothing lists them: they stand among the blobs.

use super::OciLayout;
use super::folder::Folder;
use super::listed::{Listed, is_image};
use super::referrers::pause;
use crate::model::digest::DigestAlgorithm;
use crate::model::{Descriptor, Digest, limits};
use crate::registry::RegistryError;
use crate::registry::listing::referrer_entry;
use std::sync::Arc;

impl OciLayout {
    /// Looks at the blobs of a folder that cosign saved: those that nothing lists and that are manifests with a `subject`.
    pub(super) async fn look_among_blobs(&self, listed: &Listed) -> Result<(), RegistryError> {
        if listed.looked().among_blobs || !listed.entries.iter().any(is_image) {
            return Ok(());
        }
        for algorithm in DigestAlgorithm::ALL {
            let folder = format!("blobs/{}", algorithm.name());
            let mut names = self.folder.names(&folder, limits::LAYOUT_BYTES).map_err(|e| self.io_error(&folder, &e))?;
            names.sort_unstable();
            for name in names {
                let Ok(digest) = Digest::parse(&format!("{}:{name}", algorithm.name())) else { continue };
                if !listed.has(&digest) && self.look_at_blob(listed, &digest)? {
                    pause().await;
                }
            }
        }
        listed.looked().among_blobs = true;
        Ok(())
    }

    /// Whether it was read. Only what begins as JSON is, and is not larger than manifests are.
    fn look_at_blob(&self, listed: &Listed, digest: &Digest) -> Result<bool, RegistryError> {
        let name = Folder::blob_name(digest);
        let begins = self.folder.begins(&name, b'{', limits::MANIFEST_BYTES).map_err(|e| self.io_error(&name, &e))?;
        let mut looked = listed.looked();
        looked.charge(&self.name, 0)?;
        if !begins {
            return Ok(false);
        }
        let entry = Descriptor::new("", 0, digest.clone());
        match self.checked_bytes(digest, limits::MANIFEST_BYTES) {
            Ok(Some(bytes)) => {
                looked.charge(&self.name, bytes.len())?;
                if let Ok(Some((subject, entry))) = referrer_entry(&entry, &bytes) {
                    looked.by_subject.entry(subject.digest).or_default().push(Arc::new(entry));
                }
            }
            Ok(None) => {}
            // It may have been one: a candidate whose fetching says what is wrong.
            Err(_) => looked.open.push(Arc::new(entry)),
        }
        Ok(true)
    }
}
