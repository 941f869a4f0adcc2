//! Files that a caller names: read with a limit, written whole or not at all.
#![expect(clippy::disallowed_methods, reason = "back end: files")]

use super::PlaceError;
use crate::capture::{self, Environment};
use crate::evidence::plain;
use crate::regular;
use rustix::fs::Access;
use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Reads a regular file of at most `limit` bytes, or a pipe that a shell hands over as one; `-` is standard input.
///
/// # Errors
/// `file-unreadable`, `limit-exceeded`; names the file.
pub fn read(path: &Path, limit: usize) -> Result<Vec<u8>, PlaceError> {
    let unreadable = |e: &io::Error| PlaceError::Unreadable { what: shown(path), cause: e.to_string() };
    let mut bytes = Vec::new();
    let cap = limit as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(cap).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    } else {
        bytes = regular::read_typed(path, limit).map_err(|e| unreadable(&e))?;
    }
    if bytes.len() > limit { Err(too_large(path, limit, "bytes")) } else { Ok(bytes) }
}

/// Reads a list that somebody named, as [`read`] does: a pipe, and standard input too, within a time. For one whose content is
/// published, in the checkout over no link that leads out of it.
///
/// # Errors
/// As [`read_published`].
pub fn read_list(
    path: &Path,
    published: Option<&Environment>,
    limit: usize,
    time: Duration,
) -> Result<Vec<u8>, PlaceError> {
    let inside = match published.filter(|_| path != Path::new("-") && fs::symlink_metadata(path).is_ok()) {
        Some(env) if is_named_outside(env, path) => None,
        Some(env) => capture::in_checkout(env, path).map_err(of_capture)?,
        None => None,
    };
    if let Some(file) = inside {
        return file.read(limit).map_err(of_capture);
    }
    let unreadable = |e: io::Error| PlaceError::Unreadable { what: shown(path), cause: e.to_string() };
    let bytes = regular::read_typed_within(path, limit, time).map_err(unreadable)?;
    if bytes.len() > limit { Err(too_large(path, limit, "bytes")) } else { Ok(bytes) }
}

/// Whether a path with `..` in it names something outside of the checkout, by what it says and by where its folder really is.
fn is_named_outside(env: &Environment, path: &Path) -> bool {
    let climbs = path.components().any(|part| part == std::path::Component::ParentDir);
    let folder = path.parent().and_then(|folder| fs::canonicalize(folder).ok());
    let both =
        folder.zip(path.file_name()).map(|(folder, name)| [plain(&env.working_dir.join(path)), folder.join(name)]);
    climbs && both.is_some_and(|both| both.iter().all(|path| matches!(capture::in_checkout(env, path), Ok(None))))
}

/// Whether what a name leads to, once links are followed, lies in a folder or below it. Where that cannot be told, what the name
/// says counts.
#[must_use]
pub fn is_below(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| plain(path));
    let here =
        |path: Option<&Path>| path.filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new(".")).to_owned();
    let (parent, folder) = (here(path.parent()), here(Some(folder)));
    let whole = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let named = plain(&whole(path)).starts_with(plain(&whole(&folder)));
    named && real(&whole(&parent)).starts_with(real(&whole(&folder)))
}

/// Reads a file whose content is published, as [`read`] does: in the checkout over no link that leads out of it.
///
/// # Errors
/// As [`read`], and `leads-out-of-checkout`, `not-a-regular-file`.
pub fn read_published(path: &Path, env: &Environment, limit: usize) -> Result<Vec<u8>, PlaceError> {
    if path != Path::new("-") && !exists(path)? {
        let cause = io::Error::from(rustix::io::Errno::NOENT).to_string();
        return Err(PlaceError::Unreadable { what: shown(path), cause });
    }
    let inside = if path == Path::new("-") { None } else { capture::in_checkout(env, path).map_err(of_capture)? };
    match inside {
        Some(file) => file.read(limit).map_err(of_capture),
        None => read(path, limit),
    }
}

fn of_capture(e: capture::CaptureError) -> PlaceError {
    PlaceError::Capture(Box::new(e))
}

fn shown(path: &Path) -> String {
    format!("`{}`", path.display())
}

fn too_large(path: &Path, limit: usize, unit: &'static str) -> PlaceError {
    let size = fs::metadata(path).ok().filter(|m| m.is_file() && m.len() > limit as u64).map(|m| m.len());
    PlaceError::TooLarge {
        path: path.display().to_string(),
        limit,
        unit,
        size: size.map_or_else(String::new, |size| format!(" ({size} bytes)")),
    }
}

/// Whether a path names something that exists.
///
/// # Errors
/// `file-unreadable` when that cannot be told, as below a folder that this user may not enter.
pub fn exists(path: &Path) -> Result<bool, PlaceError> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        // A name that is longer than a file's can be names none.
        Err(e)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::InvalidFilename]
                .contains(&e.kind()) =>
        {
            Ok(false)
        }
        Err(e) => Err(PlaceError::Unclear { path: path.display().to_string(), cause: e.to_string() }),
    }
}

/// The working folder; where it cannot be told, paths stay relative to it.
#[must_use]
pub fn working_folder() -> PathBuf {
    std::env::current_dir().unwrap_or_default()
}

/// Whether a path names a folder.
#[must_use]
pub fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_dir())
}

/// How long a regular file is; none of what is none, or a link.
#[must_use]
pub fn size(path: &Path) -> Option<u64> {
    fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|m| m.len())
}

/// That a file can be made at a path, or replaced, as far as that can be told without doing it; `or_missing` lets a
/// folder pass that is not there yet.
///
/// # Errors
/// `file-unwritable`; names the file.
pub fn writable(path: &Path, or_missing: bool) -> Result<(), PlaceError> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let cause = match fs::metadata(folder) {
        Err(e) if or_missing && e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => format!("its folder: {e}"),
        Ok(meta) if !meta.is_dir() => "its folder is none".into(),
        Ok(_) if path.file_name().is_none() || is_folder(path) => "it is a folder".into(),
        Ok(_) => match rustix::fs::access(folder, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => return Ok(()),
            Err(e) => format!("its folder: {}", io::Error::from(e)),
        },
    };
    Err(PlaceError::Unwritable { path: path.display().to_string(), cause })
}

/// Replaces a file by rename: readers see the old one or the new one, never a part. It keeps its mode.
///
/// # Errors
/// `file-unwritable`; names the file.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), PlaceError> {
    let unwritable = |e: io::Error| PlaceError::Unwritable { path: path.display().to_string(), cause: e.to_string() };
    regular::replace(path, bytes).map_err(unwritable)
}

/// What a path leads to once links are followed; where it leads to nothing, the path from the root on.
#[must_use]
pub fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}

/// Makes the folder of a file, for its user alone, where it is not there.
///
/// # Errors
/// `file-unwritable`; names the file.
pub fn make_folder_of(path: &Path) -> Result<(), PlaceError> {
    use std::os::unix::fs::DirBuilderExt as _;
    let Some(folder) = path.parent().filter(|folder| !folder.is_dir()) else { return Ok(()) };
    let made = fs::DirBuilder::new().mode(0o700).recursive(true).create(folder);
    made.map_err(|e| PlaceError::Unwritable { path: path.display().to_string(), cause: e.to_string() })
}

/// Paths of what a folder holds that `keep` says yes to, sorted.
///
/// # Errors
/// `file-unreadable`, `limit-exceeded`.
pub fn list(folder: &Path, limit: usize, mut keep: impl FnMut(&OsStr) -> bool) -> Result<Vec<PathBuf>, PlaceError> {
    let what = || format!("the folder {}", shown(folder));
    let unreadable = |e: io::Error| PlaceError::Unreadable { what: what(), cause: e.to_string() };
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if keep(&entry.file_name()) {
            out.push(entry.path());
        }
        if out.len() > limit {
            return Err(too_large(folder, limit, "entries"));
        }
    }
    out.sort();
    Ok(out)
}
