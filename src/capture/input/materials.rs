//! Inputs that are named by hand, and how a file of the checkout is named.

use crate::capture::Checkout;
use crate::capture::error::CaptureError;
use crate::capture::input::charter;
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits};
use std::path::{Path, PathBuf};

/// Where files stand: what their names are relative to.
pub(in crate::capture) struct Place<'a> {
    /// The working folder.
    pub(in crate::capture) working_dir: &'a Path,
    /// The top of the checkout.
    pub(in crate::capture) root: &'a Path,
    /// `git+REMOTE@REF`, where it is known.
    pub(in crate::capture) source: Option<&'a str>,
}

impl Place<'_> {
    /// The path below the top of the checkout, with `/`; only the file's name where it is elsewhere.
    pub(in crate::capture) fn name(&self, path: &Path) -> String {
        let path = plain(path);
        match path.strip_prefix(self.root) {
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// `git+REMOTE@REF#PATH` for a file of the checkout, else the file's name.
    pub(in crate::capture) fn uri(&self, path: &Path) -> String {
        let name = self.name(path);
        match self.source {
            Some(source) if plain(path).starts_with(self.root) => format!("{source}#{name}"),
            _ => name,
        }
    }
}

/// The path without `.` and `..`, by the text alone.
fn plain(path: &Path) -> PathBuf {
    use std::path::Component;
    path.components().fold(PathBuf::new(), |mut out, c| {
        match c {
            Component::CurDir => {}
            Component::ParentDir => drop(out.pop()),
            c => out.push(c),
        }
        out
    })
}

/// Reads one `--materials`: as [`read`], or all files that a glob means.
///
/// # Errors
/// As [`read`], and [`Checkout::matching`].
pub(in crate::capture) fn read_all(
    text: &str,
    place: &Place<'_>,
    checkout: &dyn Checkout,
) -> Result<Vec<ResourceDescriptor>, CaptureError> {
    let is_glob = text.contains(['*', '?', '[']) && !text.contains(['=', '@', ':']);
    if !is_glob {
        return Ok(vec![read(text, place, checkout)?]);
    }
    let found = checkout.matching(text, place.working_dir)?;
    let name = |path: &PathBuf| path.to_str().map(str::to_owned);
    let names = found.iter().map(name).collect::<Option<Vec<_>>>();
    let names = names.ok_or_else(|| CaptureError::value("--materials", "file names in UTF-8", text))?;
    names.iter().map(|name| file(name, None, place, checkout)).collect()
}

/// Reads one `--materials`: `NAME=URI@ALGORITHM:HEX`, `NAME=nar:PATH`, `NAME=PATH` or `PATH`.
///
/// # Errors
/// [`CaptureError::Value`], [`CaptureError::NothingMatches`], and a file's that cannot be read.
pub(in crate::capture) fn read(
    text: &str,
    place: &Place<'_>,
    checkout: &dyn Checkout,
) -> Result<ResourceDescriptor, CaptureError> {
    const FORMS: &str = "NAME=URI@sha256:HEX, NAME=nar:PATH, NAME=PATH or PATH";
    let (name, value) = text.split_once('=').map_or((None, text), |(n, v)| (Some(n), v));
    if value.is_empty() || name == Some("") || text.chars().any(char::is_control) {
        return Err(CaptureError::value("--materials", FORMS, text));
    }
    let named = |d: ResourceDescriptor, otherwise: &str| d.named(name.unwrap_or(otherwise));
    if let Some(path) = value.strip_prefix("nar:") {
        let full = place.working_dir.join(path);
        let pairs = [("narSha256", checkout.nar_hash(&full)?)];
        let digest = DigestSet::new("materials", pairs)
            .map_err(|cause| CaptureError::Malformed { file: path.to_owned(), cause })?;
        return Ok(named(ResourceDescriptor::at(place.uri(&full)).digest_of(digest), &place.name(&full)));
    }
    if let Some((uri, digest)) = value.rsplit_once('@').filter(|(_, d)| d.contains(':') && !d.contains('/')) {
        let digest = Digest::parse(digest).map_err(|_| CaptureError::value("--materials", FORMS, text))?;
        return Ok(named(ResourceDescriptor::at(uri).digest_of(DigestSet::of(&digest)), uri));
    }
    if charter::is_url(value) {
        return Err(CaptureError::value("--materials", "a digest after the URI: NAME=URI@sha256:HEX", text));
    }
    file(value, name, place, checkout)
}

fn file(
    path: &str,
    name: Option<&str>,
    place: &Place<'_>,
    checkout: &dyn Checkout,
) -> Result<ResourceDescriptor, CaptureError> {
    let full = place.working_dir.join(path);
    let bytes = checkout.read(&full, limits::LOCK_FILE_BYTES)?;
    let bytes = bytes.ok_or_else(|| CaptureError::NothingMatches { pattern: path.to_owned() })?;
    let descriptor = ResourceDescriptor::at(place.uri(&full)).digest_of(DigestSet::sha256(&bytes));
    Ok(descriptor.named(name.map_or_else(|| place.name(&full), str::to_owned)))
}
