//! What a key reference leads to: the kind of signer, what was found of it, what opening it takes and gives.

use super::{PasswordSource, SignError, Signer};
use crate::programs::Launch;
#[cfg(feature = "cli")]
use crate::programs::Prepared;
#[cfg(feature = "pkcs11")]
use crate::programs::{NamedFile, StoredFile};
use crate::trust::PublicKey;
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What opening a key may look at.
#[derive(Clone, Copy)]
pub struct OpenContext<'a> {
    /// Looks up a variable of the environment.
    pub environment: &'a (dyn Fn(&str) -> Option<OsString> + Send + Sync),
    /// Asked when the key is encrypted.
    pub passwords: &'a dyn PasswordSource,
    /// Where programs and modules that hold keys are looked for, and what these programs are handed.
    pub launch: &'a Launch,
}

/// What the file system says of a key file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFileFacts {
    /// The path as given.
    pub path: PathBuf,
    /// Permission bits, the lower twelve of the mode.
    pub mode: u32,
    /// Whether the group or everybody may read it.
    pub readable_by_others: bool,
}

impl KeyFileFacts {
    pub(super) fn of(path: &Path, metadata: &Metadata) -> Self {
        let mode = metadata.permissions().mode() & 0o7777;
        Self { path: path.to_owned(), mode, readable_by_others: mode & 0o044 != 0 }
    }
}

/// An open signer and what is known of it before it signs.
pub struct Opened {
    /// The signer.
    pub signer: Box<dyn Signer>,
    /// The key that its signatures will be checked with, if it has one from the start.
    pub public_key: Option<PublicKey>,
    /// The file that the key came from, if it came from one.
    pub file: Option<KeyFileFacts>,
}

/// One kind of signer that a reference can name.
pub struct Kind {
    /// What a reference to it starts with, without the colon.
    pub prefix: &'static str,
    /// How a reference is written, for messages.
    pub form: &'static str,
    /// Finds what holds the key; arguments are what follows the prefix and the whole reference, for messages.
    pub(super) find: fn(&str, &str, &OpenContext<'_>) -> Result<Holder, SignError>,
    /// Looks whether it could be opened later, without opening it.
    pub(super) look: fn(&Found, &OpenContext<'_>) -> Result<(), SignError>,
    /// Opens it.
    pub(super) open: fn(&Found, &OpenContext<'_>) -> Result<Opened, SignError>,
}

/// What of this machine holds a key, as it was before a build step ran.
#[derive(Clone, Debug)]
pub(super) enum Holder {
    /// A file, or a variable: read when the key is opened.
    Passive,
    /// A program that signs.
    #[cfg(feature = "cli")]
    Program(Prepared),
    /// The module of a token, and the file of its PIN where one is named.
    #[cfg(feature = "pkcs11")]
    Module(StoredFile, Option<NamedFile>),
}

/// A key reference whose program or module is found. To be made before a build step runs, which could put another in its
/// place.
#[derive(Clone)]
pub struct Found {
    pub(super) kind: &'static Kind,
    pub(super) rest: String,
    pub(super) reference: String,
    pub(super) holder: Holder,
}

impl Found {
    /// The reference as given. May hold a PIN.
    #[must_use]
    pub fn reference(&self) -> &str {
        &self.reference
    }

    /// Looks whether the signer could be opened: that a key is there and has a known form, and that its password can be had.
    /// To be asked before a build step runs; of what a program or module holds only that was found.
    ///
    /// # Errors
    /// What its kind returns.
    pub fn look(&self, context: &OpenContext<'_>) -> Result<(), SignError> {
        (self.kind.look)(self, context)
    }

    /// Opens the signer.
    ///
    /// # Errors
    /// What its kind returns; [`SignError::Program`] where its program or module is not the one that was found.
    pub fn open(&self, context: &OpenContext<'_>) -> Result<Opened, SignError> {
        (self.kind.open)(self, context)
    }
}
