//! Files that only this user is to write, below a folder that they may not lead out of: no link is followed, nothing of
//! another user is read, and what changes meanwhile is seen.

use crate::capture::PrivateFile;
use crate::model::Digest;
use crate::model::digest::{DigestAlgorithm, hex};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path};

/// Reads the file `below` the folder `base`, and hands its bytes to `each`.
///
/// # Errors
/// The reason, for a person.
pub(in crate::capture) fn read(
    base: &Path,
    below: &Path,
    limit: usize,
    each: &mut dyn FnMut(&[u8]),
) -> Result<Option<PrivateFile>, String> {
    let plain = |c| match c {
        Component::Normal(name) => Ok(name),
        _ => Err("the path leads out of its folder; it was not read".to_owned()),
    };
    let mut names: Vec<&OsStr> = below.components().map(plain).collect::<Result<_, _>>()?;
    let Some(name) = names.pop() else { return Ok(None) };
    let folder = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
    let mut at = match rustix::fs::open(base, folder, Mode::empty()) {
        Ok(at) => at,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(e) => return Err(e.to_string()),
    };
    for name in names {
        at = match rustix::fs::openat(&at, name, folder | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(at) => at,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(format!("`{}` is a link or no folder; it was not followed", name.to_string_lossy()));
            }
            Err(e) => return Err(e.to_string()),
        };
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let mut file = match rustix::fs::openat(&at, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err("it is a link; it was not followed".to_owned()),
        Err(e) => return Err(e.to_string()),
    };
    let text = |e: std::io::Error| e.to_string();
    let before = file.metadata().map_err(text)?;
    if !before.is_file() {
        return Err("it is no regular file; it was not read".to_owned());
    }
    if before.uid() != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user; it was not read".to_owned());
    }
    if before.len() > limit as u64 {
        return Err(format!("it has more than {limit} bytes"));
    }
    let (mut hasher, mut left, mut buffer) = (Sha256::new(), before.len(), vec![0; 1 << 16]);
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let n = file.read(&mut buffer[..most]).map_err(text)?;
        if n == 0 {
            return Err("it shrank while it was read".to_owned());
        }
        hasher.update(&buffer[..n]);
        each(&buffer[..n]);
        left -= n as u64;
    }
    let after = file.metadata().map_err(text)?;
    let written = |m: &std::fs::Metadata| (m.mtime(), m.mtime_nsec());
    if after.len() < before.len() || (after.len() == before.len() && written(&after) != written(&before)) {
        return Err("it was rewritten while it was read".to_owned());
    }
    let digest = Digest::from_hex(DigestAlgorithm::Sha256, &hex(&hasher.finalize()));
    let digest = digest.ok_or_else(|| "its digest has another length".to_owned())?;
    Ok(Some(PrivateFile { digest, size: before.len(), growing: after.len() > before.len() }))
}
