//! `package-lock.json` and `npm-shrinkwrap.json`, lockfileVersion 2 and 3 (npm documentation, "package-lock.json").

use crate::capture::input::lockfiles::{
    LockFile, Package, address, commit_of, digest_of, integrity, purl, sorted, word,
};
use crate::model::ResourceDescriptor;
use crate::model::json::pieces;
use crate::model::json::{Field, JsonError};
use serde_json::{Map, Value};

/// npm.
pub(super) struct PackageLock;

impl LockFile for PackageLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["package-lock.json", "npm-shrinkwrap.json"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let mut out = Vec::new();
        let found = pieces::each_member(bytes, "packages", &["lockfileVersion"], &mut |place, value| {
            out.extend(read_package(place, &Field::root(&format!("package-lock.packages.{place}"), value))?);
            Ok(())
        })?;
        let kept = Value::Object(found.kept);
        let root = Field::root("package-lock", &kept);
        let version = root.need("lockfileVersion")?;
        if !matches!(version.value().as_u64(), Some(2 | 3)) {
            return Err(version.error("2 or 3", version.value()));
        }
        if !found.has_large {
            return Err(JsonError::Missing { path: "package-lock.packages".to_owned() });
        }
        Ok(sorted(out))
    }
}

/// One entry of `packages`; `None` for what is part of the source itself.
fn read_package(place: &str, package: &Field<'_>) -> Result<Option<ResourceDescriptor>, JsonError> {
    // The rest are the project and its workspaces.
    let Some((_, folder)) = place.rsplit_once("node_modules/") else { return Ok(None) };
    if package.get("link")?.is_some_and(|l| l.value() == true) {
        return Ok(None);
    }
    let alias = package.get("name")?;
    let name = alias.as_ref().map_or(Ok(folder), word)?;
    let version = package.need("version")?;
    let version = word(&version)?;
    let resolved = package.opt_str("resolved")?;
    if resolved.is_some_and(|r| r.starts_with("file:")) {
        return Ok(None);
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
    let package = Package { at: package, name: None, uri, digest, location, annotations: Map::new() };
    package.descriptor().map(Some)
}
