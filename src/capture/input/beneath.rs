//! Files of a checkout, over no link that leads out of it.
//!
//! Whoever writes the source chooses its links. One that stands for a lock file, a container file or the folder of a
//! material, and points at a file of the machine, would have that file's text quoted or its digest published. So every
//! component is walked by hand, from the checkout's own folder: a link is followed only as far as it stays inside, and
//! nothing outside is even looked at. Links that stay inside work as ever.

use crate::capture::CaptureError;
use crate::capture::input::files::must_be_regular;
use crate::model::limits;
use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};

/// Where a path of a checkout ends: a name in an open folder.
pub(in crate::capture) struct Spot {
    /// The folder.
    pub(in crate::capture) folder: OwnedFd,
    /// The name in it, which is no link unless links were to be kept; `.` for the checkout itself.
    pub(in crate::capture) name: OsString,
    /// The path below the top of the checkout, without links.
    pub(in crate::capture) real: PathBuf,
}

/// What becomes of a link at the very end of a path.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::capture) enum LastLink {
    /// It stands for what it points at.
    Followed,
    /// It is itself what is meant.
    Kept,
}

/// Opens a regular file below `root`; `None` where there is none.
///
/// # Errors
/// [`CaptureError::LeadsOut`], [`CaptureError::NotRegular`], [`CaptureError::Unreadable`].
pub(in crate::capture) fn open(root: &Path, path: &Path) -> Result<Option<(File, Metadata)>, CaptureError> {
    let Some(spot) = find(root, path, LastLink::Followed)? else { return Ok(None) };
    open_at(&spot.folder, &spot.name, path).map(Some)
}

/// Opens the regular file of this name in a folder: never over a link, and nothing that opening would wait for or act on.
///
/// # Errors
/// [`CaptureError::NotRegular`], [`CaptureError::Unreadable`]; `shown` is the path in them.
pub(in crate::capture) fn open_at(
    folder: impl AsFd,
    name: &OsStr,
    shown: &Path,
) -> Result<(File, Metadata), CaptureError> {
    let failed = |e: Errno| CaptureError::unreadable(shown, std::io::Error::from(e));
    let stat = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(failed)?;
    must_be_regular(shown, stat.st_mode)?;
    // Between the look and the open it may have become a FIFO or a link: not waiting, and looking again at what was opened.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(rustix::fs::openat(&folder, name, flags, Mode::empty()).map_err(failed)?);
    let meta = file.metadata().map_err(|e| CaptureError::unreadable(shown, e))?;
    must_be_regular(shown, std::os::unix::fs::MetadataExt::mode(&meta))?;
    Ok((file, meta))
}

/// Where `path` ends, which lies below `root` by its text; `None` where nothing is.
///
/// # Errors
/// [`CaptureError::LeadsOut`] names the link; [`CaptureError::Unreadable`] for a loop or a folder that may not be entered.
pub(in crate::capture) fn find(root: &Path, path: &Path, last: LastLink) -> Result<Option<Spot>, CaptureError> {
    let below = path.strip_prefix(root).map_err(|_| leads_out(path, path))?;
    let top = match rustix::fs::openat(CWD, root, FOLDER, Mode::empty()) {
        Ok(top) => top,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
        Err(e) => return Err(CaptureError::unreadable(root, std::io::Error::from(e))),
    };
    let mut walk = Walk { root, path, top, inner: Vec::new(), links: 0 };
    walk.end_of(below, last)
}

/// The path by which a path comes into `root`, where it does: over links of whoever runs this (`$PWD` may hold one, or a
/// link of a home folder), up to the point from which on the checkout says what the name stands for. `None` where it ends
/// elsewhere, or nowhere.
///
/// # Errors
/// [`CaptureError::TooLarge`] over [`limits::LINKS`].
pub(in crate::capture) fn entry(root: &Path, path: &Path) -> Result<Option<PathBuf>, CaptureError> {
    let (mut at, mut left, mut links) = (PathBuf::from("/"), reversed(path), 0);
    while at != root {
        let Some(name) = left.pop() else { return Ok(None) };
        if name == ".." {
            at.pop();
            continue;
        }
        at.push(name);
        let Ok(target) = rustix::fs::readlink(&at, Vec::new()) else { continue };
        links += 1;
        if links > limits::LINKS {
            let what = format!("the number of links on the way to `{}`", path.display());
            return Err(CaptureError::TooLarge { what, limit: limits::LINKS });
        }
        let target = Path::new(OsStr::from_bytes(target.as_bytes()));
        // A handle of a process: a folder, as `/proc/self/cwd` is, is a way into the checkout like any other, unless its
        // text means a folder of another view of the file system. A file is what whoever runs this has opened.
        if at.starts_with("/proc") && target.is_absolute() && !same_folder(&at, target) {
            return Ok(None);
        }
        at = if target.is_absolute() { PathBuf::from("/") } else { at.parent().unwrap_or(&at).to_owned() };
        left.extend(reversed(target));
    }
    Ok((at == root).then(|| left.into_iter().rev().fold(at, |path, name| path.join(name))))
}

/// Whether both paths lead to one folder.
fn same_folder(a: &Path, b: &Path) -> bool {
    let [a, b] = [a, b].map(rustix::fs::stat);
    let folder = |s: &rustix::fs::Stat| FileType::from_raw_mode(s.st_mode) == FileType::Directory;
    a.is_ok_and(|a| b.is_ok_and(|b| folder(&a) && (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)))
}

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::PATH).union(OFlags::CLOEXEC);

fn leads_out(path: &Path, link: &Path) -> CaptureError {
    CaptureError::LeadsOut { path: path.display().to_string(), link: link.display().to_string() }
}

struct Walk<'a> {
    root: &'a Path,
    path: &'a Path,
    top: OwnedFd,
    /// Folders between the top and where the walk stands, none of them a link.
    inner: Vec<(OwnedFd, OsString)>,
    links: usize,
}

impl Walk<'_> {
    fn end_of(&mut self, below: &Path, last: LastLink) -> Result<Option<Spot>, CaptureError> {
        let mut left: Vec<OsString> = reversed(below);
        while let Some(name) = left.pop() {
            if name == ".." {
                if self.inner.pop().is_none() {
                    return Err(leads_out(self.path, self.path));
                }
                continue;
            }
            let failed = |e: Errno| CaptureError::unreadable(self.path, std::io::Error::from(e));
            let stat = match rustix::fs::statat(self.at(), &name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => stat,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(e) => return Err(failed(e)),
            };
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Symlink if left.is_empty() && last == LastLink::Kept => return self.spot(name).map(Some),
                FileType::Symlink => left.extend(self.target(&name)?),
                _ if left.is_empty() => return self.spot(name).map(Some),
                FileType::Directory => {
                    let inner = rustix::fs::openat(self.at(), &name, FOLDER | OFlags::NOFOLLOW, Mode::empty());
                    self.inner.push((inner.map_err(failed)?, name));
                }
                _ => return Ok(None),
            }
        }
        match self.inner.pop() {
            Some((_, name)) => self.spot(name).map(Some),
            None => self.spot(OsString::from(".")).map(Some),
        }
    }

    fn at(&self) -> &OwnedFd {
        self.inner.last().map_or(&self.top, |(folder, _)| folder)
    }

    fn real(&self) -> PathBuf {
        self.inner.iter().map(|(_, name)| name).collect()
    }

    fn spot(&self, name: OsString) -> Result<Spot, CaptureError> {
        let folder = self.at().try_clone().map_err(|e| CaptureError::unreadable(self.path, e))?;
        let real = if name == "." { PathBuf::new() } else { self.real().join(&name) };
        Ok(Spot { folder, name, real })
    }

    /// What a link stands for, to be walked from here; from the top, where it names the checkout by its whole path.
    fn target(&mut self, name: &OsStr) -> Result<Vec<OsString>, CaptureError> {
        let link = self.real().join(name);
        self.links += 1;
        if self.links > limits::LINKS {
            let what = format!("the number of links on the way to `{}`", self.path.display());
            return Err(CaptureError::TooLarge { what, limit: limits::LINKS });
        }
        let target = rustix::fs::readlinkat(self.at(), name, Vec::new());
        let target = target.map_err(|e| CaptureError::unreadable(self.path, std::io::Error::from(e)))?;
        let target = Path::new(OsStr::from_bytes(target.as_bytes()));
        if target.is_relative() {
            // `..` is held against the top as the walk goes on; the error should still name this link.
            return if self.stays(target) { Ok(reversed(target)) } else { Err(leads_out(self.path, &link)) };
        }
        let real = self.root.canonicalize().ok();
        let tops = [Some(self.root), real.as_deref()];
        let below = tops.into_iter().flatten().find_map(|top| target.strip_prefix(top).ok());
        let below = below.ok_or_else(|| leads_out(self.path, &link))?;
        self.inner.clear();
        Ok(reversed(below))
    }

    /// Whether the text of a relative target climbs no higher than the top.
    fn stays(&self, target: &Path) -> bool {
        let climb = |depth: Option<usize>, c: Component<'_>| match c {
            Component::ParentDir => depth?.checked_sub(1),
            Component::Normal(_) => depth?.checked_add(1),
            _ => depth,
        };
        target.components().fold(Some(self.inner.len()), climb).is_some()
    }
}

/// The parts of a path, the first at the end.
fn reversed(path: &Path) -> Vec<OsString> {
    let part =
        |c: Component<'_>| matches!(c, Component::Normal(_) | Component::ParentDir).then(|| c.as_os_str().into());
    path.components().rev().filter_map(part).collect()
}
