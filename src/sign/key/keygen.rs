#![expect(clippy::disallowed_methods, reason = "back end: writes key files")]
//! Writes a key pair: the private key in cosign's encrypted format, the public key as PEM.

use crate::model::Code;
use crate::model::code::codes;
use crate::model::digest::hex;
use crate::sign::key::cosign;
use crate::sign::{LocalKey, SignError};
use aws_lc_rs::rand;
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// What the files are called when nothing else is said: `attest.key`, `attest.pub`.
pub const DEFAULT_PREFIX: &str = "attest";

/// Where a key pair was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPairFiles {
    /// The encrypted private key, mode 0600.
    pub private: PathBuf,
    /// The public key, mode 0644 less the umask.
    pub public: PathBuf,
}

/// Why no key pair was written. Nothing of it is left behind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeygenError {
    /// A file is there already; keys are never overwritten.
    #[error("`{}` exists already and keys are never overwritten: name another prefix or move it away", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be written.
    #[error("cannot write `{}`: {cause}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The operating system's words.
        cause: String,
    },
    /// The key could not be encoded or encrypted.
    #[error(transparent)]
    Key(#[from] SignError),
}

codes! {
    /// Codes of [`KeygenError`].
    CODES;
    KEY_EXISTS = "key-exists", [Caller],
        "a key file of this name is there; keys are never overwritten",
        "choose another name with --output-key-prefix";
    KEY_UNWRITABLE = "key-unwritable", [Caller],
        "a key file cannot be written",
        "name a writable folder with --output-key-prefix";
}

impl KeygenError {
    /// Codes of this enum.
    pub const CODES: &'static [Code] = CODES;

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Exists { .. } => KEY_EXISTS,
            Self::Unwritable { .. } => KEY_UNWRITABLE,
            Self::Key(e) => e.code(),
        }
    }
}

/// Writes `PREFIX.key` and `PREFIX.pub`: both or neither, whole or not at all, never over something that exists.
///
/// The private key is encrypted with scrypt (N 65536, r 8, p 1) and XSalsa20-Poly1305 as cosign does, so that cosign
/// signs with it. `prefix` may hold folders, which must exist.
///
/// # Errors
/// [`KeygenError`].
pub fn write_key_pair(prefix: &Path, key: &LocalKey, password: &[u8]) -> Result<KeyPairFiles, KeygenError> {
    let files = KeyPairFiles { private: with_suffix(prefix, ".key"), public: with_suffix(prefix, ".pub") };
    // Told before scrypt is paid for; `place` is what makes sure.
    for path in [&files.private, &files.public] {
        if fs::symlink_metadata(path).is_ok() {
            return Err(KeygenError::Exists { path: path.clone() });
        }
    }
    let (mut salt, mut nonce) = ([0; cosign::SALT], [0; cosign::NONCE]);
    fill(&mut salt)?;
    fill(&mut nonce)?;
    let sealed = cosign::seal(&key.to_pkcs8()?, password, cosign::COST, &salt, &nonce)?;
    place(&files.private, sealed.as_bytes(), 0o600)?;
    if let Err(e) = place(&files.public, key.public_key().to_pem().as_bytes(), 0o644) {
        // Ours: `place` made it a moment ago.
        let _ = fs::remove_file(&files.private);
        return Err(e);
    }
    Ok(files)
}

fn fill(bytes: &mut [u8]) -> Result<(), SignError> {
    rand::fill(bytes).map_err(|_| SignError::Failed { cause: "the system gave no randomness".into() })
}

fn with_suffix(prefix: &Path, suffix: &str) -> PathBuf {
    let mut path = OsString::from(prefix);
    path.push(suffix);
    path.into()
}

/// Puts a whole file at a path where nothing is.
fn place(path: &Path, bytes: &[u8], mode: u32) -> Result<(), KeygenError> {
    let error = |e: io::Error| match e.kind() {
        ErrorKind::AlreadyExists => KeygenError::Exists { path: path.to_owned() },
        _ => KeygenError::Unwritable { path: path.to_owned(), cause: e.to_string() },
    };
    let mut random = [0; 8];
    fill(&mut random)?;
    let draft = with_suffix(path, &format!(".{}.tmp", hex(&random)));
    let placed = write(&draft, bytes, mode).and_then(|()| match fs::hard_link(&draft, path) {
        // A file system without links: the only way that cannot overwrite is to write in place.
        Err(e) if e.kind() != ErrorKind::AlreadyExists && e.kind() != ErrorKind::NotFound => write(path, bytes, mode),
        linked => linked,
    });
    let _ = fs::remove_file(&draft);
    placed.map_err(error)?;
    // So that the name survives a crash too. Not every file system lets a folder be synchronised.
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let _ = File::open(folder).and_then(|f| f.sync_all());
    Ok(())
}

/// Writes a new file through to the disk; on failure nothing is left of it.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(path);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign::{EnvironmentPasswords, OpenContext, open};
    use crate::trust::{KeyAlgorithm, PublicKey};
    use std::os::unix::fs::PermissionsExt as _;

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn the_pair_is_written_with_tight_modes_and_read_back() {
        for algorithm in [KeyAlgorithm::EcdsaP256, KeyAlgorithm::EcdsaP384, KeyAlgorithm::Ed25519] {
            let dir = tempfile::tempdir().unwrap();
            let key = LocalKey::generate(algorithm).unwrap();
            let files = write_key_pair(&dir.path().join(DEFAULT_PREFIX), &key, b"pw").unwrap();
            assert_eq!(names(dir.path()), ["attest.key", "attest.pub"]);
            assert_eq!(fs::metadata(&files.private).unwrap().permissions().mode() & 0o7777, 0o600);
            assert_eq!(fs::metadata(&files.public).unwrap().permissions().mode() & 0o7777 & !0o044, 0o600);
            assert_eq!(&PublicKey::from_pem(&fs::read(&files.public).unwrap()).unwrap(), key.public_key());

            let reference = files.private.to_str().unwrap();
            let with = |password: &'static str| {
                let passwords = EnvironmentPasswords(move |_: &str| Some(password.into()));
                let launch = crate::programs::Launch::default();
                open(reference, &OpenContext { environment: &|_| None, passwords: &passwords, launch: &launch })
            };
            let opened = with("pw").unwrap();
            assert_eq!(opened.public_key.as_ref(), Some(key.public_key()));
            assert!(!opened.file.unwrap().readable_by_others);
            assert_eq!(with("pv").err(), Some(SignError::WrongPassword { reference: reference.into() }));
        }
    }

    #[test]
    fn two_encryptions_of_one_key_share_neither_salt_nor_nonce() {
        let dir = tempfile::tempdir().unwrap();
        let key = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let body = |name: &str| {
            let files = write_key_pair(&dir.path().join(name), &key, b"pw").unwrap();
            let block = pem::parse(fs::read(files.private).unwrap()).unwrap();
            serde_json::from_slice::<serde_json::Value>(block.contents()).unwrap()
        };
        let (a, b) = (body("a"), body("b"));
        assert_ne!(a["kdf"]["salt"], b["kdf"]["salt"]);
        assert_ne!(a["cipher"]["nonce"], b["cipher"]["nonce"]);
        assert_eq!(a["kdf"]["params"], serde_json::json!({"N": 65536, "r": 8, "p": 1}));
    }

    #[test]
    fn nothing_is_overwritten_and_nothing_is_left_when_one_file_exists() {
        let key = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
        for name in ["attest.key", "attest.pub"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), "mine").unwrap();
            let e = write_key_pair(&dir.path().join("attest"), &key, b"pw").unwrap_err();
            assert_eq!(e, KeygenError::Exists { path: dir.path().join(name) });
            assert_eq!(names(dir.path()), [name]);
            assert_eq!(fs::read_to_string(dir.path().join(name)).unwrap(), "mine");
        }
        // A link that leads nowhere is something too: writing through it would put the key elsewhere.
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), dir.path().join("attest.key")).unwrap();
        assert_eq!(write_key_pair(&dir.path().join("attest"), &key, b"pw").unwrap_err().code().as_str(), "key-exists");
        assert_eq!(names(dir.path()), ["attest.key"]);
    }

    #[test]
    fn a_file_that_appears_in_between_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.pub");
        fs::write(&path, "mine").unwrap();
        assert_eq!(place(&path, b"theirs", 0o644), Err(KeygenError::Exists { path: path.clone() }));
        assert_eq!(names(dir.path()), ["x.pub"]);
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named_with_its_cause() {
        let dir = tempfile::tempdir().unwrap();
        let key = LocalKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let e = write_key_pair(&dir.path().join("no/attest"), &key, b"pw").unwrap_err();
        assert_eq!(e.code().as_str(), "key-unwritable");
        assert!(e.to_string().contains("no/attest.key`: No such file"), "{e}");
    }
}
