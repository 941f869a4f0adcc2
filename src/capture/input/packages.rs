//! The lock files of a build: those at the top of the checkout, and those that are named.

use crate::capture::input::unasked::Unasked;
use crate::capture::input::{lockfiles, materials};
use crate::capture::{CaptureError, Captured};
use crate::model::json::JsonError;
use crate::model::{DigestSet, ResourceDescriptor, limits};
use std::path::PathBuf;

/// What lock files say.
pub(in crate::capture) struct Packages {
    /// The files.
    pub(in crate::capture) names: Captured<Vec<String>>,
    /// Each file, followed by its packages.
    pub(in crate::capture) dependencies: Vec<ResourceDescriptor>,
    /// `nixpkgs#REV`.
    pub(in crate::capture) nix: Captured<String>,
}

/// Reads all of them, each once.
///
/// # Errors
/// One that was named and is not there, or leads out of the checkout; one that is malformed or over a limit.
pub(in crate::capture) fn read(
    named: &[PathBuf],
    place: &materials::Place<'_>,
    unasked: &mut Unasked<'_>,
) -> Result<Packages, CaptureError> {
    let found = lockfiles::ALL.iter().flat_map(|l| l.file_names()).map(|name| (place.root.join(name), false));
    let named = named.iter().map(|path| place.full(path, unasked.checkout).map(|path| (path, true)));
    let (mut names, mut dependencies) = (Vec::new(), Vec::new());
    let mut nix = Captured::absent("no flake.lock");
    for named in found.map(Ok).chain(named.collect::<Vec<_>>()) {
        let (path, asked_for) = named?;
        let file_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some(format) = lockfiles::by_file_name(&file_name) else {
            return Err(CaptureError::value("--dependencies", lockfiles::FILE_NAMES, &path.to_string_lossy()));
        };
        let name = place.name(&path);
        if names.contains(&name) {
            continue;
        }
        let bytes = if asked_for {
            unasked.checkout.read(place.within(&path), &path, limits::LOCK_FILE_BYTES)?
        } else {
            unasked.read(&path, limits::LOCK_FILE_BYTES)?.ok()
        };
        let Some(bytes) = bytes else {
            if asked_for {
                return Err(CaptureError::NothingMatches { pattern: path.display().to_string() });
            }
            continue;
        };
        let malformed = |cause| CaptureError::Malformed { file: name.clone(), cause: JsonError::without_value(cause) };
        let packages = format.read(&bytes).map_err(malformed)?;
        if let Some(flake) = format.nixpkgs(&packages) {
            nix = nix.or(Captured::found(flake, &name));
        } else if file_name == "flake.lock" && nix.value().is_none() {
            nix = Captured::absent("flake.lock has no input named nixpkgs that is locked to a commit");
        }
        let file = ResourceDescriptor::at(place.uri(&path)).named(&*name).digest_of(DigestSet::sha256(&bytes));
        dependencies.push(file);
        dependencies.extend(packages);
        names.push(name);
    }
    let names = if names.is_empty() {
        Captured::absent("no lock file of a known kind at the top of the checkout, and no --dependencies")
    } else {
        Captured::found(names, "files of the checkout, and --dependencies")
    };
    Ok(Packages { names, dependencies, nix })
}

/// Those of the files that were passed over that are lock files.
pub(in crate::capture) fn not_read(reasons: &[String]) -> Vec<String> {
    let is_lock_file = |path: &str| lockfiles::by_file_name(path.rsplit('/').next().unwrap_or(path)).is_some();
    reasons.iter().filter(|r| r.split_once(": ").is_some_and(|(path, _)| is_lock_file(path))).cloned().collect()
}
