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

/// The index that packages are of where nothing else is said.
const DEFAULT: &str = "https://pypi.org/simple";

/// What uv writes: MD5 and BLAKE2 where an index has nothing better.
const ALGORITHMS: &[(&str, usize)] = &[("sha256", 64), ("sha384", 96), ("sha512", 128), ("md5", 32), ("blake2b", 128)];

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
    let version = version.as_ref().map(word).transpose()?;
    if let Some(git) = source.opt_str("git")? {
        let commit = commit_of(git);
        let place = format!("git+{}{}", address(git), commit.map_or_else(String::new, |c| format!("@{c}")));
        let uri = purl("pypi", &name, version, &[("vcs_url", &place)]);
        let digest = commit.map_or_else(Map::new, |c| digest_of("gitCommit", c));
        let plain = Package { at: package, name: None, uri, digest, location: None, annotations: Map::new() };
        out.push(plain.descriptor()?);
        return Ok(());
    }
    let from = match (source.opt_str("registry")?, source.opt_str("url")?) {
        (Some(index), _) => index_of(index).map(|index| ("repository_url", index)),
        (None, url) => url.map(|url| ("download_url", address(url))),
    };
    let qualifiers: Vec<_> = from.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let uri = purl("pypi", &name, version, &qualifiers);
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

/// The index that a package says to be of, where that is another than the default one. One that is a folder has no address
/// that would mean anything elsewhere.
fn index_of(registry: &str) -> Option<String> {
    if !registry.contains("://") || registry.starts_with("file:") {
        return Some("file:".to_owned());
    }
    let index = address(registry);
    (index.trim_end_matches('/') != DEFAULT).then_some(index)
}

fn read_artifact(artifact: &Field<'_>, uri: &str) -> Result<ResourceDescriptor, JsonError> {
    let url = artifact.opt_str("url")?.map(address);
    let path = url.as_deref().or(artifact.opt_str("path")?);
    let file = artifact.opt_str("filename")?.or_else(|| path.and_then(|p| p.rsplit('/').next()));
    let digest = match artifact.get("hash")? {
        None => Map::new(),
        Some(hash) => {
            let text = hash.str()?;
            let is_known = |(algorithm, hex): &(&str, &str)| {
                let is_hex = hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
                is_hex && ALGORITHMS.contains(&(algorithm, hex.len()))
            };
            let known = text.split_once(':').filter(is_known);
            let (algorithm, hex) = known.ok_or_else(|| hash.error("an algorithm, `:` and hex", format!("`{text}`")))?;
            digest_of(algorithm, hex)
        }
    };
    let annotations = Map::new();
    Package { at: artifact, name: file, uri: uri.to_owned(), digest, location: url.clone(), annotations }.descriptor()
}
