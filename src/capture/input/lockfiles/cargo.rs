//! `Cargo.lock`, versions 1 to 4.

use crate::capture::input::lockfiles::{LockFile, Package, address, commit_of, digest_of, purl, sorted, toml, word};
use crate::model::ResourceDescriptor;
use crate::model::json::JsonError;
use serde_json::Map;

/// Cargo.
pub(super) struct CargoLock;

/// How Cargo writes its default registry; a package of another one says which.
const DEFAULT: &str = "registry+https://github.com/rust-lang/crates.io-index";

impl LockFile for CargoLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["Cargo.lock"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let file = toml::Pieces::cut("Cargo.lock", bytes)?;
        let root = file.rest();
        if let Some(version) = root.get("version")?
            && !version.value().as_u64().is_some_and(|v| (1..=4).contains(&v))
        {
            return Err(version.error("a version from 1 to 4", version.value()));
        }
        let metadata = root.get("metadata")?;
        let mut out = Vec::new();
        file.each_package(|package| {
            let (name, version) = (package.need("name")?, package.need("version")?);
            let (name, version) = (word(&name)?, word(&version)?);
            // Without a source it is part of the workspace.
            let Some(source) = package.get("source")? else { return Ok(()) };
            let source = word(&source)?;
            let mut checksum = package.opt_str("checksum")?;
            if checksum.is_none()
                && let Some(metadata) = &metadata
            {
                checksum = metadata.opt_str(&format!("checksum {name} {version} ({source})"))?;
            }
            let checksum = checksum.filter(|c| *c != "<none>");
            let mut digest = checksum.map_or_else(Map::new, |c| digest_of("sha256", c));
            let place = address(source);
            let uri = if let Some(git) = place.strip_prefix("git+") {
                digest.extend(commit_of(source).map(|c| digest_of("gitCommit", c)).into_iter().flatten());
                let commit = commit_of(source).map_or_else(String::new, |c| format!("@{c}"));
                purl("cargo", name, Some(version), &[("vcs_url", &format!("git+{git}{commit}"))])
            } else if source == DEFAULT {
                purl("cargo", name, Some(version), &[])
            } else {
                let registry = place.strip_prefix("registry+").or_else(|| place.strip_prefix("sparse+"));
                purl("cargo", name, Some(version), &[("repository_url", registry.unwrap_or(&place))])
            };
            let package = Package { at: package, name: None, uri, digest, location: None, annotations: Map::new() };
            out.push(package.descriptor()?);
            Ok(())
        })?;
        Ok(sorted(out))
    }
}
