#![expect(clippy::disallowed_methods, reason = "back end: opens files, and waits for pipes")]
//! Files that somebody names: regular ones, opened without waiting for anybody.
//!
//! A FIFO that a checkout, or whoever may write to a folder, puts where a file was named is waited for without end once it
//! is opened, and opening a device can act on it. So nothing is opened but regular files, and what a shell hands over as
//! an open pipe (`<(command)`), for which there is a time. What is written is replaced whole.

#[cfg(feature = "cli")]
use crate::model::Digest;
use crate::model::limits;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

/// Standard input, by the names of its descriptor.
const STDIN: [&str; 3] = ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"];
/// Bytes of a file's name that file systems take.
#[cfg(feature = "cli")]
pub(crate) const NAME_BYTES: usize = 255;
/// Folders of the descriptors of this process.
const DESCRIPTORS: [&str; 2] = ["/dev/fd/", "/proc/self/fd/"];

/// Opens a regular file (a link to one too).
///
/// # Errors
/// The operating system's, or what else the path leads to.
pub(crate) fn open(path: &Path) -> io::Result<(File, Metadata)> {
    must_be_regular(&std::fs::metadata(path)?)?;
    // Between the look and the opening it may have become a FIFO: not waiting, and looking again at what was opened.
    let file = open_now(path)?;
    let meta = file.metadata()?;
    must_be_regular(&meta)?;
    Ok((file, meta))
}

/// What a path holds that somebody typed: a regular file, standard input, or an open pipe, for which
/// [`limits::PIPE_SECONDS`] are waited. Of it at most one byte over `limit` is read: whoever reads it sees that it is too
/// long.
///
/// # Errors
/// As [`open`], and [`io::ErrorKind::TimedOut`].
pub(crate) fn read_typed(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_within(path, limit, Duration::from_secs(limits::PIPE_SECONDS))
}

/// The same of a regular file alone.
///
/// # Errors
/// As [`open`].
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let (file, meta) = open(path)?;
    let room = usize::try_from(meta.len()).unwrap_or(usize::MAX).min(limit);
    let mut bytes = Vec::with_capacity(room + 1);
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Replaces a file by rename: readers see the old one or the new one, never a part. It keeps its mode. What is a device or a
/// pipe is written to: a rename would put a file in the place of `/dev/null`, for every program of the machine.
///
/// # Errors
/// The operating system's; then the old one is as it was.
#[cfg(feature = "cli")]
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let name = path.file_name().ok_or_else(|| io::Error::other("it names no file"))?;
    if is_stream(path) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let hidden = |name: &str| format!(".{name}.{}", std::process::id());
    let mut own = hidden(&name.to_string_lossy());
    if own.len() > NAME_BYTES {
        own = hidden(&Digest::sha256(name.as_encoded_bytes()).hex()[..16]);
    }
    let temporary = path.with_file_name(own);
    let mode = std::fs::symlink_metadata(path).ok().filter(Metadata::is_file).map(|m| m.mode() & 0o777);
    // Left by a process of this id that was killed.
    let _ = std::fs::remove_file(&temporary);
    let write = || {
        let mut file = File::create_new(&temporary)?;
        if let Some(mode) = mode {
            file.set_permissions(std::fs::Permissions::from_mode(mode))?;
        }
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)
    };
    write().inspect_err(|_| {
        let _ = std::fs::remove_file(&temporary);
    })
}

/// Whether a path leads to a device, a pipe or a socket.
#[cfg(feature = "cli")]
fn is_stream(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

/// The same, and `-` or any other name of standard input, within a time: whatever it is that does not end, it is not waited for
/// longer.
///
/// # Errors
/// As [`read_typed`].
#[cfg(feature = "cli")]
pub(crate) fn read_typed_within(path: &Path, limit: usize, time: Duration) -> io::Result<Vec<u8>> {
    let is_stdin = path == Path::new("-") || STDIN.iter().any(|name| Path::new(name) == path);
    if !is_stdin {
        return read_within(path, limit, time);
    }
    let late = format!("standard input did not end within {} s; --timeout gives it longer", time.as_secs_f32());
    in_time(time, late, move || {
        let mut bytes = Vec::new();
        io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes).map(|_| bytes)
    })
}

fn read_within(path: &Path, limit: usize, time: Duration) -> io::Result<Vec<u8>> {
    let is = |names: &[&str]| names.iter().any(|name| Path::new(name) == path);
    // A person may be typing it, or a program take its time: as long as it takes, like `-`.
    if is(&STDIN) && !std::fs::metadata(path)?.is_file() {
        let mut bytes = Vec::new();
        io::stdin().lock().take(limit as u64 + 1).read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    if !(is_descriptor(path) && std::fs::metadata(path)?.file_type().is_fifo()) {
        return read(path, limit);
    }
    let owned = path.to_owned();
    in_time(time, format!("the pipe did not end within {} s", time.as_secs_f32()), move || {
        let mut bytes = Vec::new();
        File::open(owned).and_then(|f| f.take(limit as u64 + 1).read_to_end(&mut bytes)).map(|_| bytes)
    })
}

/// What is read on a thread of its own, or that it was too late.
fn in_time(
    time: Duration,
    late: String,
    read: impl FnOnce() -> io::Result<Vec<u8>> + Send + 'static,
) -> io::Result<Vec<u8>> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || drop(send.send(read())));
    receive.recv_timeout(time).unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, late)))
}

/// Whether a path is the name of a descriptor that this process was started with.
fn is_descriptor(path: &Path) -> bool {
    let number = DESCRIPTORS.iter().find_map(|folder| path.to_str()?.strip_prefix(folder));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn must_be_regular(meta: &Metadata) -> io::Result<()> {
    let kind = meta.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () if kind.is_block_device() || kind.is_char_device() => "a device",
        () => "something else",
    };
    Err(io::Error::other(format!("it is {found}, not a regular file")))
}

#[cfg(feature = "cli")]
fn open_now(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(feature = "cli"))]
fn open_now(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::net::UnixListener;

    #[test]
    fn what_is_no_regular_file_is_named_and_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        rustix::fs::mknodat(rustix::fs::CWD, at("fifo"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::os::unix::fs::symlink(at("fifo"), at("link")).unwrap();
        let _socket = UnixListener::bind(at("socket")).unwrap();
        let device = std::path::PathBuf::from("/dev/zero");
        for (path, found) in [
            (at("fifo"), "a FIFO"),
            (at("link"), "a FIFO"),
            (at("socket"), "a socket"),
            (device, "a device"),
            (dir.path().to_owned(), "a folder"),
        ] {
            for read in [read, read_typed] {
                assert_eq!(read(&path, 10).unwrap_err().to_string(), format!("it is {found}, not a regular file"));
            }
        }
        std::fs::write(at("file"), "0123456789x").unwrap();
        assert_eq!(read(&at("file"), 20).unwrap(), b"0123456789x");
        assert_eq!(read_typed(&at("file"), 4).unwrap(), b"01234");
    }

    #[test]
    fn a_device_or_a_pipe_is_written_to_and_stays_one() {
        let dir = tempfile::tempdir().unwrap();
        let (fifo, link) = (dir.path().join("fifo"), dir.path().join("link"));
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
        std::os::unix::fs::symlink(&fifo, &link).unwrap();
        for path in [&fifo, &link] {
            let reader = std::thread::spawn({
                let fifo = fifo.clone();
                move || std::fs::read(fifo).unwrap()
            });
            replace(path, b"bytes").unwrap();
            assert!(std::fs::metadata(&fifo).unwrap().file_type().is_fifo());
            assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
            assert_eq!(reader.join().unwrap(), b"bytes");
        }
        // The twin: a file is replaced.
        std::fs::write(dir.path().join("file"), "old").unwrap();
        replace(&dir.path().join("file"), b"new").unwrap();
        assert_eq!(std::fs::read(dir.path().join("file")).unwrap(), b"new");
    }

    #[test]
    fn an_open_pipe_is_read_to_its_end_within_a_time() {
        let (ours, mut theirs) = std::io::pipe().unwrap();
        let path = std::path::PathBuf::from(format!("/dev/fd/{}", ours.as_raw_fd()));
        theirs.write_all(b"{}").unwrap();
        let short = Duration::from_millis(50);
        assert_eq!(read_within(&path, 10, short).unwrap_err().kind(), io::ErrorKind::TimedOut);
        let (ours, mut theirs) = std::io::pipe().unwrap();
        let path = std::path::PathBuf::from(format!("/proc/self/fd/{}", ours.as_raw_fd()));
        theirs.write_all(b"0123456789").unwrap();
        drop(theirs);
        assert_eq!(read_within(&path, 4, Duration::from_secs(10)).unwrap(), b"01234");
    }
}
