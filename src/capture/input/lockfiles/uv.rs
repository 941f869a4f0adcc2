//! `uv.lock`, version 1.
//!
//! A package has a source archive and wheels for several platforms, and which of them was installed does not stand in
//! the file. So every artifact is a descriptor of its own: the package's address, the artifact's file name and digest.

use crate::capture::input::lockfiles::{LockFile, Package, address, commit_of, digest_of, purl, sorted, toml, word};
use crate::model::json::{Field, JsonError};
use crate::model::{ResourceDescriptor, limits};
use serde_json::Map;

/// uv.
pub(super) struct UvLock;

/// Sources that are part of the checkout.
const LOCAL: &[&str] = &["editable", "virtual", "directory", "path"];

impl LockFile for UvLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["uv.lock"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let file = toml::Pieces::cut("uv.lock", bytes)?;
        let root = file.rest();
        let version = root.need("version")?;
        if version.value().as_u64() != Some(1) {
            return Err(version.error("1", version.value()));
        }
        let mut out = Vec::new();
        file.each_package(|package| read_package(package, &mut out))?;
        Ok(sorted(out))
    }
}

fn read_package(package: &Field<'_>, out: &mut Vec<ResourceDescriptor>) -> Result<(), JsonError> {
    let source = package.need("source")?;
    if LOCAL.iter().any(|key| source.object().is_ok_and(|s| s.contains_key(*key))) {
        return Ok(());
    }
    let name = package.need("name")?;
    let name = word(&name)?.to_ascii_lowercase().replace('_', "-");
    // A package of a git repository may have no version of its own.
    let version = package.get("version")?;
    let version = version.as_ref().map_or(Ok("0"), word)?;
    if let Some(git) = source.opt_str("git")? {
        let commit = commit_of(git);
        let place = format!("git+{}{}", address(git), commit.map_or_else(String::new, |c| format!("@{c}")));
        let uri = purl("pypi", &name, version, &[("vcs_url", &place)]);
        let digest = commit.map_or_else(Map::new, |c| digest_of("gitCommit", c));
        let plain = Package { at: package, name: None, uri, digest, location: None, annotations: Map::new() };
        out.push(plain.descriptor()?);
        return Ok(());
    }
    let uri = purl("pypi", &name, version, &[]);
    let wheels = package.get("wheels")?.map_or(Ok(Vec::new()), |w| w.list(limits::DEPENDENCIES))?;
    let artifacts: Vec<_> = package.get("sdist")?.into_iter().chain(wheels).collect();
    if artifacts.is_empty() {
        let digest = Map::new();
        let plain = Package { at: package, name: None, uri, digest, location: None, annotations: Map::new() };
        out.push(plain.descriptor()?);
        return Ok(());
    }
    for artifact in &artifacts {
        out.push(read_artifact(artifact, &uri)?);
        if out.len() > limits::DEPENDENCIES {
            let what = "the number of artifacts in uv.lock".to_owned();
            return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
        }
    }
    Ok(())
}

fn read_artifact(artifact: &Field<'_>, uri: &str) -> Result<ResourceDescriptor, JsonError> {
    let url = artifact.opt_str("url")?.map(address);
    let file = artifact.opt_str("filename")?.or_else(|| url.as_deref().and_then(|u| u.rsplit('/').next()));
    let digest = match artifact.get("hash")? {
        None => Map::new(),
        Some(hash) => {
            let text = hash.str()?;
            let known = text.split_once(':').filter(|(a, _)| ["sha256", "sha384", "sha512"].contains(a));
            let (algorithm, hex) = known.ok_or_else(|| hash.error("sha256: and hex", format!("`{text}`")))?;
            digest_of(algorithm, hex)
        }
    };
    let annotations = Map::new();
    Package { at: artifact, name: file, uri: uri.to_owned(), digest, location: url.clone(), annotations }.descriptor()
}
