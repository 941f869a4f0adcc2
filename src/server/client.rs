#![expect(clippy::disallowed_methods, reason = "back end: the other end of a Unix socket")]
//! Handing records in at the server of a log: only at one of this user or of root, whatever a variable names.

use super::socket::{HEAD, unusable};
use crate::audit::AuditError;
use crate::model::{json, limits};
use crate::record::Draft;
use serde_json::Value;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// What is handed in.
#[derive(Debug)]
pub struct Asked<'a> {
    /// Where the server listens.
    pub path: &'a Path,
    /// What is recorded.
    pub drafts: &'a [Draft],
    /// How long the answer is waited for.
    pub patience: Duration,
}

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Number of each record.
    pub numbers: Vec<u64>,
    /// How many were there already, and say the same.
    pub known: usize,
    /// Numbers of records under whose id something else was handed in: what was recorded stays.
    pub differing: Vec<u64>,
    /// How many records the log had then.
    pub size: u64,
}

/// Hands records in at the server of a log; none where no server listens, so that they can be written otherwise. What is not kept
/// is not handed in either: of a command or a diff only the commitment is.
///
/// # Errors
/// [`AuditError::Stranger`] where another user listens there: nothing was handed over. [`AuditError::Unusable`]: what the server
/// says, or that it did not answer; then they may be recorded or not.
pub fn hand_in(asked: &Asked<'_>) -> Result<Option<Said>, AuditError> {
    let stream = match UnixStream::connect(asked.path) {
        Ok(stream) => stream,
        // Of a file that is no socket the system says the same as of one at which nobody listens.
        Err(_) if fs::metadata(asked.path).is_ok_and(|meta| !meta.file_type().is_socket()) => {
            let cause =
                "it is no socket, so no server listens there: unset ATTEST_AUDIT_SOCKET, or let it name a server's";
            return Err(unusable(asked.path, &io::Error::other(cause)));
        }
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => return Ok(None),
        Err(e) => return Err(unusable(asked.path, &e)),
    };
    let listens = peer(&stream, asked.path).map_err(|e| unusable(asked.path, &e))?;
    if !may_be_told(listens, rustix::process::geteuid().as_raw()) {
        return Err(AuditError::Stranger { socket: asked.path.display().to_string(), user: listens });
    }
    let mut body = Vec::new();
    for draft in asked.drafts {
        body.extend_from_slice(Value::Object(draft.document()).to_string().as_bytes());
        body.push(b'\n');
    }
    // All or none: so many are written by whoever brings them, when it is his turn.
    if body.len() > limits::HANDED_IN_BYTES {
        return Ok(None);
    }
    let exchange = || {
        stream.set_read_timeout(Some(asked.patience))?;
        stream.set_write_timeout(Some(asked.patience))?;
        let head = format!("{HEAD} captured {}\n", body.len());
        let sent = (&stream).write_all(head.as_bytes()).and_then(|()| (&stream).write_all(&body));
        let mut line = String::new();
        let answered = BufReader::new(&stream).take(limits::HANDED_IN_BYTES as u64).read_line(&mut line);
        // A server that refuses says why and does not read on.
        if line.is_empty() { sent.and(answered).map(|_| line) } else { Ok(line) }
    };
    let line = exchange().map_err(|e: io::Error| unusable(asked.path, &no_answer(&e)))?;
    let value = json::parse(line.as_bytes(), limits::HANDED_IN_BYTES).unwrap_or(Value::Null);
    let said = |name: &str| value.get("error").and_then(|e| e.get(name)).and_then(Value::as_str);
    if let (Some(code), Some(message)) = (said("code"), said("message")) {
        return Err(unusable(asked.path, &io::Error::other(format!("{code}: {message}"))));
    }
    let numbers = |name: &str| -> Option<Vec<u64>> {
        value.get(name).and_then(Value::as_array)?.iter().map(Value::as_u64).collect()
    };
    let count = |name: &str| value.get(name).and_then(Value::as_u64);
    let said = (|| {
        let all = numbers("records").filter(|all| all.len() == asked.drafts.len())?;
        let known = usize::try_from(count("known")?).ok()?;
        Some(Said { numbers: all, known, differing: numbers("differs")?, size: count("size")? })
    })();
    said.map(Some).ok_or_else(|| unusable(asked.path, &no_answer(&io::Error::other("its answer is cut off"))))
}

/// Whether a user may be told what is recorded: this one, and root, who can read it anyway.
pub(super) fn may_be_told(listens: u32, own: u32) -> bool {
    listens == own || listens == 0
}

/// The user who listens at the other end, as the system knows it.
#[cfg(target_os = "linux")]
pub(super) fn peer(stream: &UnixStream, _: &Path) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// The user whose the socket is.
#[cfg(not(target_os = "linux"))]
pub(super) fn peer(_: &UnixStream, path: &Path) -> io::Result<u32> {
    Ok(std::os::unix::fs::MetadataExt::uid(&std::fs::metadata(path)?))
}

fn no_answer(e: &io::Error) -> io::Error {
    io::Error::other(format!("the server of the log gave no answer, so this may be recorded or not: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::draft::Origin;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_this_user_and_root_may_be_told_what_is_recorded() {
        assert!(may_be_told(1000, 1000) && may_be_told(0, 1000) && may_be_told(0, 0));
        assert!(!may_be_told(1001, 1000) && !may_be_told(1000, 0));
        let (here, there) = UnixStream::pair().unwrap();
        assert_eq!(peer(&here, Path::new("/")).unwrap(), rustix::process::geteuid().as_raw());
        drop(there);
    }

    #[test]
    fn a_server_of_this_user_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut head = String::new();
            let mut reader = BufReader::new(&stream);
            reader.read_line(&mut head).unwrap();
            let length = head.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
            reader.read_exact(&mut vec![0; length]).unwrap();
            (&stream).write_all(b"{\"records\":[7],\"known\":0,\"differs\":[],\"size\":8}\n").unwrap();
            head
        });
        let document = serde_json::json!({ "kind": "heartbeat" });
        let drafts = [Draft::read(&document, Origin::Typed, &mut |bytes| bytes.fill(1)).unwrap()];
        let said = hand_in(&Asked { path: &path, drafts: &drafts, patience: Duration::from_secs(20) }).unwrap();
        assert_eq!(said.map(|said| said.numbers), Some(vec![7]));
        assert!(server.join().unwrap().starts_with("attest-audit/1 captured "));
    }

    #[test]
    fn what_a_server_says_that_does_not_read_on_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        let server = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            (&stream).write_all(b"{\"error\":{\"code\":\"busy\",\"message\":\"come again\"}}\n").unwrap();
        });
        let document = serde_json::json!({ "kind": "heartbeat" });
        let draft = Draft::read(&document, Origin::Typed, &mut |bytes| bytes.fill(1)).unwrap();
        // More than what lies in a socket that nobody reads.
        let drafts = vec![draft; 20_000];
        let said = hand_in(&Asked { path: &path, drafts: &drafts, patience: Duration::from_secs(20) });
        server.join().unwrap();
        assert!(said.unwrap_err().to_string().contains("busy: come again"));
    }
}
