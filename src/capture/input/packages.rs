//! The lock files of a build: those of the folder that it runs in, and those that are named.

use crate::capture::input::lockfiles::LockFile;
use crate::capture::input::unasked::{Found, Unasked};
use crate::capture::input::{lockfiles, materials};
use crate::capture::{CaptureError, Captured};
use crate::model::json::JsonError;
use crate::model::{DigestSet, ResourceDescriptor, limits};
use std::path::{Path, PathBuf};

/// A lock file whose packages are not recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnreadLockFile {
    /// Its path below the top of the checkout.
    pub name: String,
    /// Why; nothing of what it holds.
    pub reason: String,
    /// Whether the file itself is recorded, by its digest.
    pub recorded: bool,
}

/// What lock files say.
pub(in crate::capture) struct Packages {
    /// The files that were read.
    pub(in crate::capture) names: Captured<Vec<String>>,
    /// Those that were not.
    pub(in crate::capture) unread: Vec<UnreadLockFile>,
    /// Each file, followed by its packages.
    pub(in crate::capture) dependencies: Vec<ResourceDescriptor>,
    /// `nixpkgs#REV`.
    pub(in crate::capture) nix: Captured<String>,
}

/// Reads all of them, each once: those that are named, and where `look` says so those that are there. One that nobody asked
/// for stops no build: what is wrong with it stands in the result.
///
/// # Errors
/// One that was named and is not there, leads out of the checkout, is malformed or over a limit.
pub(in crate::capture) fn read(
    named: &[PathBuf],
    look: bool,
    place: &materials::Place<'_>,
    unasked: &mut Unasked<'_>,
) -> Result<Packages, CaptureError> {
    let named: Vec<_> =
        named.iter().map(|path| place.full(path, unasked.checkout)).collect::<Result<_, CaptureError>>()?;
    let asked_for: Vec<_> = named.iter().map(|path| place.name(path)).collect();
    let mut all = Reading { place, files: Vec::new(), unread: Vec::new(), out: Vec::new(), nix: None };
    for format in lockfiles::ALL.iter().filter(|_| look) {
        // What a build in this folder would use: the nearest one of each kind.
        for folder in place.folders() {
            let before = all.files.len() + all.unread.len();
            for path in format.file_names().iter().map(|name| folder.join(name)) {
                if !asked_for.contains(&place.name(&path)) {
                    all.found(*format, &path, unasked);
                }
            }
            let is_named = |name: &&str| asked_for.contains(&place.name(&folder.join(name)));
            if all.files.len() + all.unread.len() > before || format.file_names().iter().any(is_named) {
                break;
            }
        }
    }
    for path in named {
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(format) = lockfiles::by_file_name(&file_name) else {
            return Err(CaptureError::value("--dependencies", lockfiles::FILE_NAMES, &path.to_string_lossy()));
        };
        if all.files.contains(&place.name(&path)) {
            continue;
        }
        let bytes = unasked.checkout.read(place.within(&path), &path, limits::LOCK_FILE_BYTES)?;
        let bytes = bytes.ok_or_else(|| CaptureError::NothingMatches { pattern: path.display().to_string() })?;
        if let Err(cause) = all.take(format, &path, &bytes) {
            return Err(CaptureError::Malformed { file: place.name(&path), cause });
        }
    }
    Ok(all.done())
}

struct Reading<'a> {
    place: &'a materials::Place<'a>,
    files: Vec<String>,
    unread: Vec<UnreadLockFile>,
    out: Vec<ResourceDescriptor>,
    nix: Option<Captured<String>>,
}

impl Reading<'_> {
    /// A file that is there, maybe.
    fn found(&mut self, format: &dyn LockFile, path: &Path, unasked: &mut Unasked<'_>) {
        let name = self.place.name(path);
        let bytes = match unasked.read_or_pass_over(path, limits::LOCK_FILE_BYTES) {
            Found::Bytes(bytes) => bytes,
            Found::PassedOver(reason) => {
                self.unread.push(UnreadLockFile { name, reason, recorded: false });
                return;
            }
            Found::Nothing => return,
        };
        if let Err(cause) = self.take(format, path, &bytes) {
            let reason = cause.to_string();
            // What is published says no more than the kind of fault: another file may stand behind this name.
            let code = CaptureError::Malformed { file: name.clone(), cause }.code();
            self.out.push(self.descriptor(path, &bytes).annotated("packagesAbsent", code.as_str()));
            self.unread.push(UnreadLockFile { name, reason, recorded: true });
        }
    }

    /// Takes a file over, and its packages.
    fn take(&mut self, format: &dyn LockFile, path: &Path, bytes: &[u8]) -> Result<(), JsonError> {
        let packages = lockfiles::read(format, bytes).map_err(JsonError::without_value)?;
        // Submodules, the source and the base image come beside them.
        let limit = limits::DEPENDENCIES - limits::GIT_NAMES - 2;
        if self.out.len() + packages.len() > limit {
            let what = "the number of packages of all lock files".to_owned();
            return Err(JsonError::TooLarge { what, limit });
        }
        let name = self.place.name(path);
        if let Some(flake) = format.nixpkgs(&packages) {
            let known = self.nix.take().filter(|nix| nix.value().is_some());
            self.nix = known.or_else(|| Some(Captured::found(flake, &name)));
        } else if path.ends_with("flake.lock") && self.nix.is_none() {
            self.nix = Some(Captured::absent(&format!("{name} has no input named nixpkgs that is locked to a commit")));
        }
        self.out.push(self.descriptor(path, bytes));
        self.out.extend(packages);
        self.files.push(name);
        Ok(())
    }

    fn descriptor(&self, path: &Path, bytes: &[u8]) -> ResourceDescriptor {
        let file = ResourceDescriptor::at(self.place.uri(path)).named(self.place.name(path));
        file.digest_of(DigestSet::sha256(bytes))
    }

    fn done(self) -> Packages {
        let names = if !self.files.is_empty() {
            Captured::found(self.files, "files of the checkout, and --dependencies")
        } else if self.unread.is_empty() {
            Captured::absent("no lock file of a known kind in this folder or above it, and no --dependencies")
        } else {
            let reasons: Vec<_> = self.unread.iter().map(UnreadLockFile::to_string).collect();
            Captured::absent(&reasons.join("; "))
        };
        let nix = self.nix.unwrap_or_else(|| Captured::absent("no flake.lock"));
        Packages { names, unread: self.unread, dependencies: self.out, nix }
    }
}

impl std::fmt::Display for UnreadLockFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What was passed over is named by its reason.
        match self.recorded {
            true => write!(f, "{} was not understood: {}", self.name, self.reason),
            false => f.write_str(&self.reason),
        }
    }
}
