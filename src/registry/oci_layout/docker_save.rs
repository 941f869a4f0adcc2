//! `manifest.json`, which `docker save` writes beside `index.json`, and which `docker load` reads instead of it.

use super::OciLayout;
use super::folder::Folder;
use crate::model::json::{self, Field, JsonError};
use crate::model::oci::Manifest;
use crate::model::{Descriptor, limits};
use crate::registry::RegistryError;
use crate::registry::listing::unreadable;
use std::collections::HashSet;

/// The file of `docker save` since Docker 1.10, and the one of before, which is read where that is missing.
const FILE: &str = "manifest.json";
const OLDER: &str = "repositories";
/// Names of the fields of its entries.
const NAMES: &[&str] = &["Config", "RepoTags", "Layers", "Parent", "LayerSources"];

impl OciLayout {
    /// That `manifest.json`, where there is one, names no image but `images`, each by its config: it fixes the layers.
    ///
    /// Whoever adds one that names another image has that one loaded by Docker, while `index.json` still lists what was
    /// attested.
    ///
    /// # Errors
    /// [`RegistryError::Malformed`] where it names another image or cannot be understood, [`RegistryError::TooLarge`].
    pub(super) fn same_for_docker(&self, images: &[Descriptor]) -> Result<(), RegistryError> {
        let what = format!("the file `{FILE}`");
        let Some(bytes) = self.read(FILE, &what, limits::MANIFEST_BYTES)? else {
            return match self.read(OLDER, OLDER, limits::MANIFEST_BYTES)? {
                Some(_) => Err(self.other(OLDER)),
                None => Ok(()),
            };
        };
        let named = configs(&bytes).map_err(|e| unreadable(&self.name, &what, e))?;
        let ours = self.configs_of(images);
        if named.iter().all(|name| ours.contains(name)) { Ok(()) } else { Err(self.other(FILE)) }
    }

    fn other(&self, file: &str) -> RegistryError {
        let cause = "it names an image that `index.json` does not list, and Docker loads that one: \
                     name the image by its digest, and load it with a program that does so too"
            .to_owned();
        RegistryError::Malformed { place: self.name.clone(), what: format!("the file `{file}`"), cause }
    }

    /// Names of the configs of images, and of all that indexes among them list: of [`limits::CHILDREN`] manifests at most, and
    /// of what cannot be read none.
    fn configs_of(&self, images: &[Descriptor]) -> HashSet<String> {
        let mut queue: Vec<_> = images.iter().map(|i| i.digest.clone()).collect();
        let (mut seen, mut names) = (HashSet::new(), HashSet::new());
        while let Some(digest) = queue.pop() {
            if seen.len() >= limits::CHILDREN || !seen.insert(digest.clone()) {
                continue;
            }
            let Ok(Some(bytes)) = self.checked_bytes(&digest, limits::MANIFEST_BYTES) else { continue };
            let Ok(manifest) = Manifest::parse(&bytes, "") else { continue };
            names.extend(manifest.config.iter().map(|c| Folder::blob_name(&c.digest)));
            queue.extend(
                manifest.manifests.into_iter().map(|m| m.digest).filter(|d| !seen.contains(d)).take(limits::CHILDREN),
            );
        }
        names
    }
}

fn configs(bytes: &[u8]) -> Result<Vec<String>, JsonError> {
    let value = json::parse(bytes, limits::MANIFEST_BYTES)?;
    let entries = Field::root("manifest.json", &value).list(limits::CHILDREN)?;
    let config = |entry: &Field<'_>| {
        // Docker reads names in any case, and the last of those that it takes for one.
        entry.spelled(NAMES)?;
        Ok(entry.need("Config")?.str()?.to_owned())
    };
    entries.iter().map(config).collect()
}
