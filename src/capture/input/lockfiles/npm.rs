//! `package-lock.json` and `npm-shrinkwrap.json`, lockfileVersion 1 to 3 (npm documentation, "package-lock.json").

use crate::capture::input::lockfiles::{
    Integrity, LockFile, Package, address, annotation, commit_of, digest_of, integrity, purl, sorted, word,
};
use crate::model::json::pieces::{self, Each, Pieces};
use crate::model::json::{Field, JsonError};
use crate::model::{ResourceDescriptor, limits, uri};
use serde_json::Value;

/// npm.
pub(super) struct PackageLock;

impl LockFile for PackageLock {
    fn file_names(&self) -> &'static [&'static str] {
        &["package-lock.json", "npm-shrinkwrap.json"]
    }

    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
        let mut out = Vec::new();
        let found = member(bytes, "packages", &mut |place, value| {
            out.extend(read_package(place, &Field::root(&format!("package-lock.packages.{place}"), value))?);
            Ok(())
        })?;
        let kept = Value::Object(found.kept.clone());
        let root = Field::root("package-lock", &kept);
        let version = root.get("lockfileVersion")?;
        match version.as_ref().map(|v| v.value().as_u64()) {
            Some(Some(2 | 3)) if !found.has_large => {
                return Err(JsonError::Missing { path: "package-lock.packages".to_owned() });
            }
            Some(Some(2 | 3)) => {}
            // The form from before npm 7, which did not always say its version.
            None | Some(Some(1)) if !found.has_large => {
                member(bytes, "dependencies", &mut |name, value| {
                    read_nested(name, &Field::root(&format!("package-lock.dependencies.{name}"), value), &mut out)
                })?;
            }
            _ => return Err(root.need("lockfileVersion")?.error("1, 2 or 3", root.need("lockfileVersion")?.value())),
        }
        Ok(sorted(out))
    }
}

fn member(bytes: &[u8], large: &str, each: Each<'_>) -> Result<Pieces, JsonError> {
    pieces::each_member(bytes, large, &["lockfileVersion"], each)
}

/// What an entry says of where its package is from. npm writes `false` for what is part of another package.
fn text<'a>(package: &Field<'a>, key: &str) -> Result<Option<&'a str>, JsonError> {
    match package.get(key)? {
        Some(field) if !matches!(field.value(), Value::Bool(false) | Value::Null) => field.str().map(Some),
        _ => Ok(None),
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
    // A package of a repository may have no version, and so has one that is optional and is not installed.
    let version = package.get("version")?;
    let version = version.as_ref().map(word).transpose()?;
    one(package, name, version, text(package, "resolved")?)
}

/// One entry of `dependencies` of version 1, and those below it.
fn read_nested(name: &str, package: &Field<'_>, out: &mut Vec<ResourceDescriptor>) -> Result<(), JsonError> {
    let version = package.get("version")?;
    let version = version.as_ref().map(word).transpose()?;
    let resolved = text(package, "resolved")?;
    // It stands there whether it is a version, another package's, or a place.
    let found = match version {
        Some(v) if v.starts_with("npm:") => {
            let real = v.trim_start_matches("npm:");
            let (name, version) = real.rsplit_once('@').filter(|(n, _)| !n.is_empty()).unwrap_or((real, ""));
            one(package, name, Some(version).filter(|v| !v.is_empty()), resolved)?
        }
        Some(place) if place.contains(':') => one(package, name, None, Some(place))?,
        version => one(package, name, version, resolved)?,
    };
    out.extend(found);
    if out.len() > limits::DEPENDENCIES {
        let what = "the number of packages of package-lock.json".to_owned();
        return Err(JsonError::TooLarge { what, limit: limits::DEPENDENCIES });
    }
    if let Some(below) = package.get("dependencies")? {
        for name in below.object()?.keys() {
            read_nested(name, &below.need(name)?, out)?;
        }
    }
    Ok(())
}

fn one(
    package: &Field<'_>,
    name: &str,
    version: Option<&str>,
    resolved: Option<&str>,
) -> Result<Option<ResourceDescriptor>, JsonError> {
    if resolved.is_some_and(|r| r.starts_with("file:") || r.starts_with("link:")) {
        return Ok(None);
    }
    let integrity = match text(package, "integrity")? {
        Some(_) => integrity(&package.need("integrity")?)?,
        None => Integrity::default(),
    };
    let mut digest = integrity.digest;
    let git = resolved.and_then(repository);
    let vcs = git.as_ref().map(|(place, commit)| format!("{place}@{commit}"));
    let location = resolved.filter(|_| git.is_none()).map(address);
    let from = location.as_deref().and_then(|url| registry(url, name));
    let mut qualifiers = Vec::new();
    if let (Some((_, commit)), Some(vcs)) = (&git, &vcs) {
        digest.extend(digest_of("gitCommit", commit));
        qualifiers.push(("vcs_url", vcs.as_str()));
    }
    qualifiers.extend(from.as_ref().map(|(key, value)| (*key, value.as_str())));
    let uri = purl("npm", name, version, &qualifiers);
    let annotations = annotation("integrity", integrity.more);
    Package { at: package, name: None, uri, digest, location, annotations }.descriptor().map(Some)
}

/// Address and commit of a git repository, also where a known host stands for its address.
fn repository(resolved: &str) -> Option<(String, &str)> {
    let hosts = [
        ("github:", "git+https://github.com/"),
        ("gitlab:", "git+https://gitlab.com/"),
        ("bitbucket:", "git+https://bitbucket.org/"),
    ];
    let commit = commit_of(resolved)?;
    let place = address(resolved);
    match hosts.iter().find_map(|(short, host)| Some((place.strip_prefix(short)?, host))) {
        Some((path, host)) => Some((format!("{host}{path}"), commit)),
        None => place.starts_with("git").then_some((place, commit)),
    }
}

/// Where a package comes from, where that is not the default registry: the address of its registry, else its own.
fn registry(url: &str, name: &str) -> Option<(&'static str, String)> {
    if !url.contains("://") {
        return None;
    }
    let escaped = name.replace('/', "%2f");
    let base = [name, &escaped].iter().find_map(|name| url.split_once(&format!("/{name}/-/")).map(|(base, _)| base));
    match base {
        Some(base) => (!is_default(base)).then(|| ("repository_url", base.to_owned())),
        None => (!is_default(url)).then(|| ("download_url", url.to_owned())),
    }
}

/// Whether an address is of the registry that packages are of where nothing else is said.
fn is_default(url: &str) -> bool {
    uri::authority(url).strip_prefix("registry.") == Some("npmjs.org")
}
