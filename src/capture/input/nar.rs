//! The hash Nix gives to a file, link or folder: SHA-256 over its NAR serialisation (Nix manual, "Nix Archive format").
//!
//! Of permissions only the owner's execute bit counts; names sort bytewise; times and owners do not count.

use crate::capture::CaptureError;
use crate::capture::input::beneath::{self, LastLink};
use crate::model::{digest::hex, limits};
use rustix::fd::{AsFd, BorrowedFd};
use rustix::fs::{AtFlags, CWD, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::ffi::OsStr;
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// SHA-256 of the NAR of `path`, in hex, as `nix-hash --type sha256` prints it.
///
/// # Errors
/// [`CaptureError::Unreadable`], [`CaptureError::NotRegular`] for sockets, FIFOs and devices, and
/// [`CaptureError::TooLarge`] over [`limits::NAR_ENTRIES`] entries or [`limits::NAR_DEPTH`] levels.
pub fn hash(path: &Path) -> Result<String, CaptureError> {
    hash_at(CWD, path.as_os_str(), path)
}

/// As [`hash`], of a path below `root`, over no link out of it. A link at its end is hashed as a link.
///
/// # Errors
/// As [`hash`], and [`CaptureError::LeadsOut`].
pub(in crate::capture) fn hash_within(root: &Path, path: &Path) -> Result<String, CaptureError> {
    let spot = beneath::find(root, path, LastLink::Kept)?;
    let spot = spot.ok_or_else(|| CaptureError::unreadable(path, io::Error::from(Errno::NOENT)))?;
    hash_at(&spot.folder, &spot.name, path)
}

fn hash_at(folder: impl AsFd, name: &OsStr, path: &Path) -> Result<String, CaptureError> {
    let mut nar = Nar { out: Sha256::new(), entries: 0 };
    nar.string(b"nix-archive-1");
    nar.node(folder.as_fd(), name, path, 0)?;
    Ok(hex(&nar.out.finalize()))
}

struct Nar {
    out: Sha256,
    entries: usize,
}

impl Nar {
    /// Length in 64 bits, bytes, zeros up to the next multiple of 8.
    fn string(&mut self, bytes: &[u8]) {
        self.out.update((bytes.len() as u64).to_le_bytes());
        self.out.update(bytes);
        self.padding(bytes.len() as u64);
    }

    fn padding(&mut self, len: u64) {
        let missing = usize::try_from((8 - len % 8) % 8).unwrap_or(0);
        self.out.update(&[0; 8][..missing]);
    }

    fn strings(&mut self, all: &[&[u8]]) {
        for s in all {
            self.string(s);
        }
    }

    /// One file, link or folder: `name` in `folder`, with `path` for errors. Whatever the folder's entries become
    /// meanwhile, no link is followed.
    fn node(&mut self, folder: BorrowedFd<'_>, name: &OsStr, path: &Path, depth: usize) -> Result<(), CaptureError> {
        self.entries += 1;
        if self.entries > limits::NAR_ENTRIES {
            return Err(too_large(path, "files", limits::NAR_ENTRIES));
        }
        if depth > limits::NAR_DEPTH {
            return Err(too_large(path, "levels of folders", limits::NAR_DEPTH));
        }
        let failed = |e: Errno| CaptureError::unreadable(path, io::Error::from(e));
        let stat = rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
        let kind = FileType::from_raw_mode(stat.st_mode);
        self.strings(&[b"(", b"type"]);
        if kind == FileType::Symlink {
            let target = rustix::fs::readlinkat(folder, name, Vec::new()).map_err(failed)?;
            self.strings(&[b"symlink", b"target", target.as_bytes()]);
        } else if kind == FileType::Directory {
            self.string(b"directory");
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let inner = rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(failed)?;
            let mut names = Vec::new();
            for entry in Dir::read_from(&inner).map_err(failed)? {
                let name = OsStr::from_bytes(entry.map_err(failed)?.file_name().to_bytes()).to_owned();
                if name == "." || name == ".." {
                    continue;
                }
                if names.len() >= limits::NAR_ENTRIES {
                    return Err(too_large(path, "files", limits::NAR_ENTRIES));
                }
                names.push(name);
            }
            names.sort_unstable();
            for name in names {
                self.strings(&[b"entry", b"(", b"name", name.as_bytes(), b"node"]);
                self.node(inner.as_fd(), &name, &path.join(&name), depth + 1)?;
                self.string(b")");
            }
        } else {
            let (mut file, meta) = beneath::open_at(folder, name, path)?;
            let failed = |e| CaptureError::unreadable(path, e);
            self.string(b"regular");
            if meta.permissions().mode() & 0o100 != 0 {
                self.strings(&[b"executable", b""]);
            }
            self.string(b"contents");
            self.out.update(meta.len().to_le_bytes());
            let (mut left, mut buffer) = (meta.len(), vec![0; 1 << 16]);
            loop {
                let n = file.read(&mut buffer).map_err(failed)?;
                if n as u64 > left || (n == 0 && left > 0) {
                    return Err(CaptureError::unreadable(path, "it changed while it was read"));
                }
                if n == 0 {
                    break;
                }
                left -= n as u64;
                self.out.update(&buffer[..n]);
            }
            self.padding(meta.len());
        }
        self.string(b")");
        Ok(())
    }
}

fn too_large(path: &Path, what: &str, limit: usize) -> CaptureError {
    CaptureError::TooLarge { what: format!("the number of {what} below `{}`", path.display()), limit }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "makes the trees that are hashed")]
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Expected values are what Nix 2.8.0 printed for the same files (`nix-hash --type sha256`).
    #[test]
    fn hashes_are_those_of_nix() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("tree");
        fs::create_dir_all(root.join("sub/empty")).unwrap();
        fs::write(root.join("plain"), "12345678").unwrap();
        fs::write(root.join("nothing"), "").unwrap();
        fs::write(root.join("tool"), "#!/bin/sh\n").unwrap();
        fs::write(root.join("group"), "x").unwrap();
        fs::write(root.join("sub/Z"), "upper case sorts first").unwrap();
        fs::write(root.join("sub/a"), "seven!!").unwrap();
        fs::write(root.join(std::ffi::OsStr::from_bytes(b"sub/\xff")), "not UTF-8").unwrap();
        symlink("../nowhere", root.join("sub/link")).unwrap();
        for (file, bits) in [("plain", 0o644), ("nothing", 0o644), ("tool", 0o744), ("group", 0o654)] {
            mode(&root.join(file), bits);
        }
        assert_eq!(hash(&root).unwrap(), "d358f2e714a8934f27daf5b59294663496470eb87519fd317e62fe9ef15922e4");
        assert_eq!(
            hash(&root.join("plain")).unwrap(),
            "22d63223426447e64aa20d76d506b3e062a2d242bb797536dbf3ee681be3f53c"
        );
        assert_eq!(
            hash(&root.join("tool")).unwrap(),
            "6283c1668260f903d1a895c0cd6b822fa4b68762bb0b17cedef2d39d97e26554"
        );
        assert_eq!(
            hash(&root.join("sub/link")).unwrap(),
            "75b2351cdb3c426c3defe44df0ba16b64757940a556b5104502d43d6194c361b"
        );
        // Group permission alone is no execute bit, and the twin shows that the owner's is.
        let group = hash(&root.join("group")).unwrap();
        mode(&root.join("group"), 0o644);
        assert_eq!(hash(&root.join("group")).unwrap(), group);
        mode(&root.join("group"), 0o744);
        assert_ne!(hash(&root.join("group")).unwrap(), group);
    }

    #[test]
    fn a_fifo_is_refused_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let fifo = dir.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        assert_eq!(hash(dir.path()).unwrap_err().code().as_str(), "not-a-regular-file");
    }

    #[test]
    fn depth_is_capped() {
        let dir = tempfile::tempdir().unwrap();
        let mut path = dir.path().to_owned();
        for _ in 0..limits::NAR_DEPTH {
            path.push("d");
        }
        fs::create_dir_all(&path).unwrap();
        assert!(hash(dir.path()).is_ok());
        fs::create_dir(path.join("d")).unwrap();
        assert_eq!(hash(dir.path()).unwrap_err().code().as_str(), "limit-exceeded");
    }
}
