//! Files that arguments name: read with a limit, written whole or not at all.
#![expect(clippy::disallowed_methods, reason = "back end: files")]

use crate::capture::{self, Environment};
use crate::cli::exit::{Failure, codes};
use crate::model::code;
use rustix::fs::Access;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// Reads a regular file of at most `limit` bytes; `-` is standard input.
///
/// # Errors
/// `file-unreadable`, `limit-exceeded`; names the file.
pub(super) fn read(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let unreadable =
        |e: &io::Error| Failure::usage(codes::FILE_UNREADABLE, format!("cannot read `{}`: {e}", path.display()));
    let mut bytes = Vec::new();
    let cap = limit as u64 + 1;
    if path == Path::new("-") {
        io::stdin().lock().take(cap).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    } else {
        let file = File::open(path).map_err(|e| unreadable(&e))?;
        let meta = file.metadata().map_err(|e| unreadable(&e))?;
        if meta.is_dir() {
            return Err(unreadable(&io::Error::other("it is a folder")));
        }
        if meta.len() > limit as u64 {
            return Err(too_large(path, limit));
        }
        file.take(cap).read_to_end(&mut bytes).map_err(|e| unreadable(&e))?;
    }
    if bytes.len() > limit { Err(too_large(path, limit)) } else { Ok(bytes) }
}

/// Reads a file whose content is published, as [`read`] does: in the checkout over no link that leads out of it.
///
/// # Errors
/// As [`read`], and `leads-out-of-checkout`, `not-a-regular-file`.
pub(super) fn read_published(path: &Path, env: &Environment, limit: usize) -> Result<Vec<u8>, Failure> {
    let inside = if path == Path::new("-") { None } else { capture::in_checkout(env, path)? };
    match inside {
        Some(file) => Ok(file.read(limit)?),
        None => read(path, limit),
    }
}

fn too_large(path: &Path, limit: usize) -> Failure {
    Failure::unknown(code::LIMIT_EXCEEDED, format!("`{}` is over the limit of {limit} bytes", path.display()))
}

/// Whether a path names something that exists.
///
/// # Errors
/// `file-unreadable` when that cannot be told, as below a folder that this user may not enter.
pub(super) fn exists(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        // A name that is longer than a file's can be names none.
        Err(e)
            if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory, io::ErrorKind::InvalidFilename]
                .contains(&e.kind()) =>
        {
            Ok(false)
        }
        Err(e) => {
            let message = format!("cannot tell whether `{}` exists: {e}", path.display());
            Err(Failure::usage(codes::FILE_UNREADABLE, message))
        }
    }
}

/// Whether a path names a folder.
#[must_use]
pub(super) fn is_folder(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|m| m.is_dir())
}

/// That a file can be made at a path, or replaced, as far as that can be told without doing it; `or_missing` lets a
/// folder pass that is not there yet.
///
/// # Errors
/// `file-unwritable`; names the file.
pub(super) fn writable(path: &Path, or_missing: bool) -> Result<(), Failure> {
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
    Err(Failure::usage(codes::FILE_UNWRITABLE, format!("cannot write `{}`: {cause}", path.display())))
}

/// Replaces a file by rename: readers see the old one or the new one, never a part. It keeps its mode.
///
/// # Errors
/// `file-unwritable`; names the file.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let unwritable =
        |e: &io::Error| Failure::usage(codes::FILE_UNWRITABLE, format!("cannot write `{}`: {e}", path.display()));
    let name = path.file_name().ok_or_else(|| unwritable(&io::Error::other("it names no file")))?;
    let temporary = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
    let mode = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_file).map(|m| m.mode() & 0o777);
    let write = || {
        let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        if let Some(mode) = mode {
            file.set_permissions(fs::Permissions::from_mode(mode))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().map_err(|e| {
        let _ = fs::remove_file(&temporary);
        unwritable(&e)
    })
}

/// Paths of what a folder holds that `keep` says yes to, sorted.
///
/// # Errors
/// `file-unreadable`, `limit-exceeded`.
pub(super) fn list(folder: &Path, limit: usize, mut keep: impl FnMut(&OsStr) -> bool) -> Result<Vec<PathBuf>, Failure> {
    let unreadable = |e: io::Error| {
        Failure::usage(codes::FILE_UNREADABLE, format!("cannot read the folder `{}`: {e}", folder.display()))
    };
    let mut out = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if keep(&entry.file_name()) {
            out.push(entry.path());
        }
        if out.len() > limit {
            return Err(too_large(folder, limit));
        }
    }
    out.sort();
    Ok(out)
}
