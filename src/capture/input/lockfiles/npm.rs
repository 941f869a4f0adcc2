//! `package-lock.json` and `npm-shrinkwrap.json`, lockfileVersion 2 and 3 (npm documentation, "package-lock.json").

use crate::capture::input::lockfiles::{
    LockFile, Package, address, commit_of, digest_of, integrity, purl, sorted, word,
};
use crate::model::json::{self, Field, JsonError};
use crate::model::{ResourceDescriptor, limits};
use serde_json::Map;

/// npm.
pub(super) struct PackageLock;

impl LockFile for PackageLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["package-lock.json", "npm-shrinkwrap.json"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let document = json::parse(bytes, limits::LOCK_FILE_BYTES)?;
        let root = Field::root("package-lock", &document);
        let version = root.need("lockfileVersion")?;
        if !matches!(version.value().as_u64(), Some(2 | 3)) {
            return Err(version.error("2 or 3", version.value()));
        }
        let packages = root.need("packages")?;
        let places = packages.object()?;
        if places.len() > limits::DEPENDENCIES {
            let what = format!("the number of packages, {}", places.len());
            return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
        }
        let mut out = Vec::new();
        for place in places.keys() {
            // The rest are the project and its workspaces.
            let Some((_, folder)) = place.rsplit_once("node_modules/") else { continue };
            let package = packages.need(place)?;
            if package.get("link")?.is_some_and(|l| l.value() == true) {
                continue;
            }
            let alias = package.get("name")?;
            let name = alias.as_ref().map_or(Ok(folder), word)?;
            let version = package.need("version")?;
            let version = word(&version)?;
            let resolved = package.opt_str("resolved")?;
            if resolved.is_some_and(|r| r.starts_with("file:")) {
                continue;
            }
            let mut digest = package.get("integrity")?.map_or(Ok(Map::new()), |i| integrity(&i))?;
            let mut qualifiers = Vec::new();
            let git = resolved.filter(|r| r.starts_with("git")).and_then(|r| Some((address(r), commit_of(r)?)));
            let vcs = git.as_ref().map(|(place, commit)| format!("{place}@{commit}"));
            if let (Some((_, commit)), Some(vcs)) = (&git, &vcs) {
                digest.extend(digest_of("gitCommit", commit));
                qualifiers.push(("vcs_url", vcs.as_str()));
            }
            let location = resolved.filter(|_| git.is_none()).map(address);
            let uri = purl("npm", name, version, &qualifiers);
            let package = Package { at: &package, name: None, uri, digest, location, annotations: Map::new() };
            out.push(package.descriptor()?);
        }
        Ok(sorted(out))
    }
}
