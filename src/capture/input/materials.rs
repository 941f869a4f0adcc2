//! Inputs that are named by hand, and how a file of the checkout is named.

use crate::capture::Checkout;
use crate::capture::error::CaptureError;
use crate::capture::input::unasked::Unasked;
use crate::model::{Digest, DigestSet, ResourceDescriptor, limits, uri};
use std::collections::HashMap;
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
    /// The working folder and those above it, up to the top of the checkout: whoever runs in one means its project first.
    pub(in crate::capture) fn folders(&self) -> impl Iterator<Item = &Path> {
        let from = if self.working_dir.starts_with(self.root) { self.working_dir } else { self.root };
        from.ancestors().take_while(|folder| folder.starts_with(self.root))
    }

    /// The top of the checkout, where the path lies in it by its text: then no link may lead out of it, whoever named it.
    /// A path elsewhere is the word of whoever runs this.
    pub(in crate::capture) fn within(&self, path: &Path) -> Option<&Path> {
        plain(path).starts_with(self.root).then_some(self.root)
    }

    /// The path that a name stands for: one that leads into the checkout from outside is the one inside.
    ///
    /// # Errors
    /// [`CaptureError::TooLarge`] for links without end.
    pub(in crate::capture) fn full(&self, text: &Path, checkout: &dyn Checkout) -> Result<PathBuf, CaptureError> {
        let full = self.working_dir.join(text);
        if self.within(&full).is_some() {
            return Ok(full);
        }
        Ok(checkout.entry(self.root, &full)?.unwrap_or(full))
    }

    /// The path below the top of the checkout, with `/`; only the file's name where it is elsewhere.
    pub(in crate::capture) fn name(&self, path: &Path) -> String {
        let path = plain(path);
        match path.strip_prefix(self.root) {
            Ok(below) => below.to_string_lossy().into_owned(),
            Err(_) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        }
    }

    /// `git+REMOTE@REF#PATH` for a file of the checkout, else the file's name; either as part of an address.
    pub(in crate::capture) fn uri(&self, path: &Path) -> String {
        let full = plain(path);
        let below = full.strip_prefix(self.root).ok();
        let name = below.map_or_else(|| full.file_name().unwrap_or_default(), Path::as_os_str);
        let name = uri::encoded(name.as_encoded_bytes());
        match self.source {
            Some(source) if below.is_some() => format!("{source}#{name}"),
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

/// `URI@ALGORITHM:HEX`, in its two parts.
fn address(value: &str) -> Option<(&str, &str)> {
    value.rsplit_once('@').filter(|(_, digest)| digest.contains(':') && !digest.contains('/'))
}

/// The path that a material has read, by the same forms as [`Materials::one`]: none of an address, which is read by nobody.
pub(in crate::capture) fn path_of(text: &str) -> Option<&str> {
    let value = text.split_once('=').map_or(text, |(_, value)| value);
    if let Some(path) = value.strip_prefix("nar:") {
        return Some(path);
    }
    Some(value).filter(|value| address(value).is_none() && !uri::is_url(value))
}

/// Reads materials. A file or folder that is named many times is hashed once: a project file of 1 MiB could name one of
/// 60 MiB a hundred thousand times.
#[derive(Default)]
pub(in crate::capture) struct Materials {
    seen: HashMap<(&'static str, PathBuf), DigestSet>,
}

impl Materials {
    /// Nothing was read yet.
    pub(in crate::capture) fn new() -> Self {
        Self::default()
    }

    /// Reads one `--materials`: as [`Self::one`], or all files that a glob means. One that a glob met and that leads out of
    /// the checkout is passed over.
    ///
    /// # Errors
    /// As [`Self::one`], and [`Checkout::matching`].
    pub(in crate::capture) fn all(
        &mut self,
        text: &str,
        place: &Place<'_>,
        unasked: &mut Unasked<'_>,
    ) -> Result<Vec<ResourceDescriptor>, CaptureError> {
        let is_glob = text.contains(['*', '?', '[']) && !text.contains(['=', '@', ':']);
        if !is_glob {
            return Ok(vec![self.one(text, place, unasked.checkout)?]);
        }
        let mut out = Vec::new();
        for path in unasked.checkout.matching(text, place.working_dir)? {
            let name = path.to_str().ok_or_else(|| CaptureError::value("--materials", "file names in UTF-8", text))?;
            match self.file(name, None, place, unasked.checkout) {
                // Named by the link alone: what stands behind it is nobody's business.
                Err(e @ CaptureError::LeadsOut { .. }) => unasked.pass_over_link(&e),
                other => out.push(other?),
            }
        }
        Ok(out)
    }

    /// Reads one material: `NAME=URI@ALGORITHM:HEX`, `NAME=nar:PATH`, `NAME=PATH` or `PATH`.
    ///
    /// # Errors
    /// [`CaptureError::Value`], [`CaptureError::NothingMatches`], and a file's that cannot be read.
    pub(in crate::capture) fn one(
        &mut self,
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
            let full = place.full(Path::new(path), checkout)?;
            let digest = self.nar(path, &full, place, checkout)?;
            let material = ResourceDescriptor::at(place.uri(&full));
            return Ok(named(material.nar_hash_of(digest.get("narSha256").unwrap_or_default()), &place.name(&full)));
        }
        if let Some((address, digest)) = address(value) {
            if uri::of_code_holds_credential(address) {
                let expected = "a URL without user, token or password";
                return Err(CaptureError::Value { name: "--materials".into(), expected, found: "another".into() });
            }
            let digest = Digest::parse(digest).map_err(|_| CaptureError::value("--materials", FORMS, text))?;
            return Ok(named(ResourceDescriptor::at(address).digest_of(DigestSet::of(&digest)), address));
        }
        if uri::is_url(value) {
            let expected = "a digest after the URI: NAME=URI@sha256:HEX";
            return Err(CaptureError::Value {
                name: "--materials".into(),
                expected,
                found: "a URI without one".into(),
            });
        }
        self.file(value, name, place, checkout)
    }

    fn file(
        &mut self,
        path: &str,
        name: Option<&str>,
        place: &Place<'_>,
        checkout: &dyn Checkout,
    ) -> Result<ResourceDescriptor, CaptureError> {
        let full = place.full(Path::new(path), checkout)?;
        let nothing = || CaptureError::NothingMatches { pattern: path.to_owned() };
        let root = place.within(&full);
        let real = match root {
            Some(root) => checkout.real(root, &full)?.map(|real| root.join(real)).ok_or_else(nothing)?,
            None => full.clone(),
        };
        let digest = match self.seen.get(&("file", real.clone())) {
            Some(digest) => digest.clone(),
            None => {
                let bytes = checkout.read(root, &real, limits::LOCK_FILE_BYTES)?.ok_or_else(nothing)?;
                let digest = DigestSet::sha256(&bytes);
                self.seen.insert(("file", real), digest.clone());
                digest
            }
        };
        let descriptor = ResourceDescriptor::at(place.uri(&full)).digest_of(digest);
        Ok(descriptor.named(name.map_or_else(|| place.name(&full), str::to_owned)))
    }

    fn nar(
        &mut self,
        path: &str,
        full: &Path,
        place: &Place<'_>,
        checkout: &dyn Checkout,
    ) -> Result<DigestSet, CaptureError> {
        let key = ("nar", plain(full));
        if let Some(digest) = self.seen.get(&key) {
            return Ok(digest.clone());
        }
        let pairs = [("narSha256", checkout.nar_hash(place.within(full), full)?)];
        let digest = DigestSet::new("materials", pairs)
            .map_err(|cause| CaptureError::Malformed { file: path.to_owned(), cause })?;
        self.seen.insert(key, digest.clone());
        Ok(digest)
    }
}
