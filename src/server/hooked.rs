#![expect(clippy::disallowed_methods, reason = "back end: the other end of a Unix socket")]
//! Handing in without waiting: an agent stands still until its hook has ended. What the server does not take at once is kept
//! elsewhere by whoever brings it.

use super::client::{may_be_told, peer};
use super::socket::HEAD;
use rustix::net::{AddressFamily, SendFlags, SocketAddrUnix, SocketFlags, SocketType};
use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Hands a record in, one line of JSON, at a server of this user or of root; whether the server has all of it. It is then written
/// or kept by the server; what is lost on the way is missed by its number.
#[must_use]
pub fn tell(path: &Path, line: &[u8]) -> bool {
    send(path, line).is_some()
}

fn send(path: &Path, line: &[u8]) -> Option<()> {
    // Most have no server, and then no socket is made.
    fs::metadata(path).ok().filter(|meta| meta.file_type().is_socket())?;
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    // Where as many wait already as the server lets wait, this fails at once.
    rustix::net::connect(&socket, &SocketAddrUnix::new(path).ok()?).ok()?;
    let stream = UnixStream::from(socket);
    if !may_be_told(peer(&stream, path).ok()?, rustix::process::geteuid().as_raw()) {
        return None;
    }
    let whole = [format!("{HEAD} hooked {}\n", line.len() + 1).as_bytes(), line, b"\n"].concat();
    let sent = rustix::net::send(&stream, &whole, SendFlags::NOSIGNAL | SendFlags::DONTWAIT).ok()?;
    // A part of it is nothing: the server lets go of what is cut off.
    (sent == whole.len()).then_some(())
}
