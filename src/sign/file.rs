#![expect(clippy::disallowed_methods, reason = "back end: reads key files")]
//! Keys in files: `PATH` and `file:PATH`.

use super::{Found, KeyFileFacts, LocalKey, OpenContext, Opened, SignError};
use crate::model::limits;
use crate::regular;
use crate::sign::key::armor;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Facts about a file without reading it; `None` when none is there.
pub(super) fn facts(path: &str) -> Option<KeyFileFacts> {
    let path = Path::new(path);
    fs::metadata(path).ok().map(|m| KeyFileFacts::of(path, &m))
}

/// Looks whether a key could be read from the file.
pub(super) fn look(found: &Found, context: &OpenContext<'_>) -> Result<(), SignError> {
    let reference = found.reference.as_str();
    let (text, _) = read(Path::new(&found.rest), reference)?;
    armor::recognise(reference, &text, context.passwords)
}

/// Opens the key in a file.
pub(super) fn open(found: &Found, context: &OpenContext<'_>) -> Result<Opened, SignError> {
    let (rest, reference) = (found.rest.as_str(), found.reference.as_str());
    let (text, facts) = read(Path::new(rest), reference)?;
    let key: LocalKey = armor::read_private_key(reference, &text, context.passwords)?;
    Ok(Opened { public_key: Some(key.public_key().clone()), signer: Box::new(key), file: Some(facts) })
}

fn read(path: &Path, reference: &str) -> Result<(Zeroizing<Vec<u8>>, KeyFileFacts), SignError> {
    let unreadable = |e: io::Error| SignError::Unreadable { reference: reference.to_owned(), cause: e.to_string() };
    let (file, metadata) = regular::open(path).map_err(unreadable)?;
    // Room for all of it at once, so that growing leaves no copies behind in memory.
    let mut text = Zeroizing::new(Vec::with_capacity(limits::KEY_BYTES + 1));
    file.take(limits::KEY_BYTES as u64 + 1).read_to_end(&mut text).map_err(unreadable)?;
    Ok((text, KeyFileFacts::of(path, &metadata)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{NoPassword, key_file_facts};
    use crate::trust::KeyAlgorithm;
    use std::os::unix::fs::OpenOptionsExt as _;
    use std::os::unix::fs::PermissionsExt as _;

    fn open_file(path: &Path) -> Result<Opened, SignError> {
        let launch = crate::programs::Launch::default();
        let context = OpenContext { environment: &|_| None, passwords: &NoPassword, launch: &launch };
        crate::sign::open(path.to_str().unwrap(), &context)
    }

    #[test]
    fn a_key_file_is_opened_and_says_who_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).unwrap();
        let text = pem::encode(&pem::Pem::new("PRIVATE KEY", key.to_pkcs8().unwrap().to_vec()));
        for (mode, others) in [(0o600, false), (0o640, true), (0o604, true), (0o622, false)] {
            let path = dir.path().join(format!("{mode:o}"));
            fs::write(&path, &text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let opened = open_file(&path).unwrap();
            assert_eq!(opened.public_key.as_ref(), Some(key.public_key()));
            let facts = opened.file.unwrap();
            assert_eq!((facts.mode, facts.readable_by_others), (mode, others));
            assert_eq!(key_file_facts(path.to_str().unwrap()).unwrap(), Some(facts));
        }
    }

    #[test]
    fn what_is_no_readable_regular_file_says_what_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let message = |path: &Path| open_file(path).err().unwrap().to_string();
        let absent = dir.path().join("absent");
        assert!(message(&absent).contains("absent`: No such file"), "{}", message(&absent));
        assert!(message(dir.path()).ends_with("it is a folder, not a regular file"));
        assert!(message(Path::new("/dev/null")).ends_with("it is a device, not a regular file"));
        assert_eq!(key_file_facts(absent.to_str().unwrap()).unwrap(), None);
    }

    #[test]
    fn a_pipe_is_refused_without_waiting_for_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        assert!(open_file(&path).err().unwrap().to_string().ends_with("it is a FIFO, not a regular file"));
    }

    #[test]
    fn a_file_over_the_limit_is_not_read_to_its_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long");
        let file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        // A hole: reading all of it would take a terabyte of memory.
        file.set_len(1 << 40).unwrap();
        assert_eq!(open_file(&path).err().unwrap().code(), crate::model::code::LIMIT_EXCEEDED);
    }
}
