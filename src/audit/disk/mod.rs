#![expect(clippy::disallowed_methods, reason = "back end: each change of a file of the audit log")]
//! Each change of a file of the audit log, so that tests can stop at any of them: as a full disk does, or `kill -9`.

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
pub(in crate::audit) mod fault;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Does something to a disk, as far as so many bytes of it go.
fn change(bytes: usize, act: impl FnOnce(usize) -> io::Result<()>) -> io::Result<()> {
    #[cfg(test)]
    return fault::around(bytes, act);
    #[cfg(not(test))]
    act(bytes)
}

/// Makes a file that is not there yet.
pub(in crate::audit) fn create(options: &OpenOptions, path: &Path) -> io::Result<File> {
    let mut made = None;
    change(0, |_| {
        made = Some(options.open(path)?);
        Ok(())
    })?;
    made.ok_or_else(|| io::Error::other("no file was made"))
}

/// Writes bytes at a place.
pub(in crate::audit) fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    change(bytes.len(), |length| file.write_all_at(bytes.get(..length).unwrap_or(bytes), at))
}

/// Waits until the contents of a file are on the disk.
pub(in crate::audit) fn sync_data(file: &File) -> io::Result<()> {
    change(0, |_| if cfg!(test) { Ok(()) } else { file.sync_data() })
}

/// Waits until a file is on the disk.
pub(in crate::audit) fn sync(file: &File) -> io::Result<()> {
    change(0, |_| if cfg!(test) { Ok(()) } else { file.sync_all() })
}

/// Waits until the names in a folder are on the disk.
pub(in crate::audit) fn sync_folder(folder: &Path) -> io::Result<()> {
    sync(&File::open(folder)?)
}

/// Gives a file a name, in place of what had it.
pub(in crate::audit) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    change(0, |_| fs::rename(from, to))
}

/// Writes a file whole, and the folder that it is in where there is none: under another name, on the disk where it has to be
/// `durable`, then under its own. Its folder is still to be synced.
pub(in crate::audit) fn replace(path: &Path, bytes: &[u8], durable: bool) -> io::Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    fs::DirBuilder::new().mode(0o700).recursive(true).create(folder)?;
    let temporary = folder.join(format!(".{}.new", path.file_name().unwrap_or_default().to_string_lossy()));
    let no_follow = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
    let mut options = OpenOptions::new();
    let file = create(options.write(true).create(true).truncate(true).mode(0o600).custom_flags(no_follow), &temporary)?;
    write_at(&file, bytes, 0)?;
    if durable {
        sync(&file)?;
    }
    rename(&temporary, path)
}

/// Gives a file a second name.
pub(in crate::audit) fn link(from: &Path, to: &Path) -> io::Result<()> {
    change(0, |_| fs::hard_link(from, to))
}

/// Takes a name away.
pub(in crate::audit) fn remove(path: &Path) -> io::Result<()> {
    change(0, |_| fs::remove_file(path))
}
