//! Lock files, down to the packages they name. One file per format, one row in [`ALL`].

mod cargo;
mod flake;
mod npm;
mod toml;
mod uv;

use crate::model::json::{Field, JsonError};
use crate::model::{ResourceDescriptor, limits};
use base64::Engine as _;
use serde_json::{Map, Value, json};

/// A format of lock files.
///
/// Contract: pure; the packages come sorted, each artifact once, with every digest that the file gives and no other;
/// what belongs to the source itself (workspace members, local paths) is left out. Where a file says several digests of one
/// algorithm, any of which may be the artifact's, none of them counts as its digest.
pub trait LockFile: Sync {
    /// Names that files of this format have.
    fn file_names(&self) -> &'static [&'static str];

    /// The packages of a file.
    ///
    /// # Errors
    /// The first field that is not what the format says, or a limit.
    fn read(&self, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError>;

    /// `nixpkgs#REV`, where this format pins it.
    fn nixpkgs(&self, _: &[ResourceDescriptor]) -> Option<String> {
        None
    }
}

/// Every format that is read.
pub const ALL: &[&dyn LockFile] = &[&cargo::CargoLock, &npm::PackageLock, &uv::UvLock, &flake::FlakeLock];

/// What `--dependencies` takes, for messages.
pub const FILE_NAMES: &str = "a file named Cargo.lock, package-lock.json, npm-shrinkwrap.json, uv.lock or flake.lock";

/// The format of a file's name.
#[must_use]
pub fn by_file_name(name: &str) -> Option<&'static dyn LockFile> {
    ALL.iter().copied().find(|l| l.file_names().contains(&name))
}

/// The packages of a file in a format, whatever mark of its byte order it begins with.
///
/// # Errors
/// As [`LockFile::read`].
pub fn read(format: &dyn LockFile, bytes: &[u8]) -> Result<Vec<ResourceDescriptor>, JsonError> {
    format.read(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes))
}

/// A package URL (purl specification): type, namespace and name as a path, version where it has one, qualifiers.
#[must_use]
pub(in crate::capture) fn purl(kind: &str, path: &str, version: Option<&str>, qualifiers: &[(&str, &str)]) -> String {
    let path: Vec<_> = path.split('/').map(percent).collect();
    let version = version.map_or_else(String::new, |v| format!("@{}", percent(v).replace("%3A", ":")));
    let mut out = format!("pkg:{kind}/{}{version}", path.join("/"));
    for (i, (key, value)) in qualifiers.iter().enumerate() {
        out.push(if i == 0 { '?' } else { '&' });
        out.push_str(&format!("{key}={}", percent(value)));
    }
    out
}

fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut s, b| {
        if b.is_ascii_alphanumeric() || b"-._~".contains(&b) {
            s.push(char::from(b));
        } else {
            s.push_str(&format!("%{b:02X}"));
        }
        s
    })
}

/// A string that becomes part of an address: not empty, one line, of bounded length.
fn word<'a>(field: &Field<'a>) -> Result<&'a str, JsonError> {
    let text = field.str()?;
    if text.is_empty() || text.len() > limits::VALUE_BYTES || text.chars().any(|c| c.is_control() || c == ' ') {
        return Err(field.error("a word", format!("`{text}`")));
    }
    Ok(text)
}

/// An address as it may be recorded: without user, query (which may hold a token) and fragment.
fn address(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            format!("{scheme}://{}{path}", authority.rsplit('@').next().unwrap_or_default())
        }
        None => url.to_owned(),
    }
}

/// The commit after `#` of a git address, if it is one.
fn commit_of(url: &str) -> Option<&str> {
    let commit = url.rsplit_once('#')?.1;
    let is_commit = matches!(commit.len(), 40 | 64) && commit.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_commit.then_some(commit)
}

/// What subresource integrity (`sha512-BASE64`, several separated by spaces) says of an artifact.
#[derive(Default)]
struct Integrity {
    /// In hex, of the algorithms of which there is exactly one.
    digest: Map<String, Value>,
    /// The text, where it says more than these: an artifact may have any of several digests, or one of an algorithm that
    /// is not known here.
    more: Option<String>,
}

fn integrity(field: &Field<'_>) -> Result<Integrity, JsonError> {
    let (mut out, mut several) = (Map::new(), Vec::new());
    let text = field.str()?;
    let mut more = false;
    for part in text.split_ascii_whitespace() {
        let malformed = || field.error("an algorithm, `-` and its digest in base64", format!("`{part}`"));
        let (algorithm, encoded) = part.split_once('-').ok_or_else(malformed)?;
        // Options may follow after `?` (SRI, section 3.1).
        let encoded = encoded.split('?').next().unwrap_or_default();
        let is_base64 = encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        if !is_base64 || !algorithm.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Err(malformed());
        }
        let length = match algorithm {
            "sha1" => 20,
            "sha256" => 32,
            "sha384" => 48,
            "sha512" => 64,
            // SRI, section 3.3.4: an algorithm that is not known is passed over.
            _ => {
                more = true;
                continue;
            }
        };
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok().filter(|b| b.len() == length);
        let bytes = bytes.ok_or_else(malformed)?;
        let hex = json!(crate::model::digest::hex(&bytes));
        if out.insert(algorithm.to_owned(), hex.clone()).is_some_and(|other| other != hex) {
            several.push(algorithm);
        }
    }
    for algorithm in &several {
        out.remove(*algorithm);
    }
    more |= !several.is_empty();
    if text.len() > limits::VALUE_BYTES {
        return Err(JsonError::TooLarge { what: field.path().to_owned(), limit: limits::VALUE_BYTES });
    }
    Ok(Integrity { digest: out, more: more.then(|| text.to_owned()) })
}

/// One package as a descriptor. Goes through the descriptor's reader, so that its digests are checked.
struct Package<'a> {
    at: &'a Field<'a>,
    name: Option<&'a str>,
    uri: String,
    digest: Map<String, Value>,
    location: Option<String>,
    annotations: Map<String, Value>,
}

impl Package<'_> {
    fn descriptor(self) -> Result<ResourceDescriptor, JsonError> {
        let mut out = Map::new();
        out.extend(self.name.map(|n| ("name".to_owned(), json!(n))));
        out.insert("uri".to_owned(), json!(self.uri));
        if !self.digest.is_empty() {
            out.insert("digest".to_owned(), Value::Object(self.digest));
        }
        out.extend(self.location.map(|l| ("downloadLocation".to_owned(), json!(l))));
        if !self.annotations.is_empty() {
            out.insert("annotations".to_owned(), Value::Object(self.annotations));
        }
        ResourceDescriptor::from_json(&Field::root(self.at.path(), &Value::Object(out)))
    }
}

/// An annotation, where there is a value for it.
fn annotation(name: &str, value: Option<String>) -> Map<String, Value> {
    value.map(|value| (name.to_owned(), json!(value))).into_iter().collect()
}

/// Sorted by address, then name, each once.
fn sorted(mut packages: Vec<ResourceDescriptor>) -> Vec<ResourceDescriptor> {
    packages.sort_by(|a, b| {
        let by_name = a.uri().cmp(&b.uri()).then_with(|| a.name().cmp(&b.name()));
        let text = |d: &ResourceDescriptor| serde_json::to_vec(d).unwrap_or_default();
        by_name.then_with(|| text(a).cmp(&text(b)))
    });
    packages.dedup();
    packages.shrink_to_fit();
    packages
}

fn digest_of(algorithm: &str, hex: &str) -> Map<String, Value> {
    Map::from_iter([(algorithm.to_owned(), json!(hex))])
}

#[cfg(test)]
mod tests;
