#![expect(clippy::disallowed_methods, reason = "back end: the key under which public logs know a log")]
//! Anchors of this machine's audit log, and the key under which public logs know it: ECDSA P-256, as they take no Ed25519. It
//! signs nothing but checkpoints that were signed by the log, and is made with it, so that its first record binds it.

use super::{AuditPlace, unusable};
use crate::audit::anchor::{Anchor, Anchors as _, FolderAnchors};
use crate::audit::{AuditError, Settings};
use crate::model::limits;
use crate::regular;
use crate::sign::{LocalKey, NoPassword, SignError, read_private_key};
use crate::trust::{KeyAlgorithm, PublicKey};
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;
use zeroize::{Zeroize as _, Zeroizing};

/// Makes the key and writes it, for its owner alone; never over another one.
pub(super) fn make_key(path: &Path) -> Result<PublicKey, AuditError> {
    let failed = |e: SignError| unusable(path, &io::Error::other(e.to_string()));
    let key = LocalKey::generate(KeyAlgorithm::EcdsaP256).map_err(failed)?;
    let block = pem::Pem::new("PRIVATE KEY", key.to_pkcs8().map_err(failed)?.to_vec());
    let form = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    let text = Zeroizing::new(pem::encode_config(&block, form));
    block.into_contents().zeroize();
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|e| unusable(path, &e))?;
    Ok(key.public_key().clone())
}

impl AuditPlace {
    /// What others said of its checkpoints, to add to it, waiting for another process as long as `patience`.
    ///
    /// # Errors
    /// [`AuditError::Locked`], [`AuditError::Unusable`].
    pub fn anchors(&self, patience: Duration) -> Result<FolderAnchors, AuditError> {
        FolderAnchors::writer(&self.folder, patience)
    }

    /// What others said of its checkpoints.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn anchored(&self) -> Result<Vec<Anchor>, AuditError> {
        FolderAnchors::read_only(&self.folder).all()
    }

    /// The key under which public logs know it.
    ///
    /// # Errors
    /// [`AuditError::Unusable`], [`AuditError::Malformed`] where it is not the one that the settings name.
    pub fn anchor_key(&self, settings: &Settings) -> Result<LocalKey, AuditError> {
        let path = self.path("keys/anchor.key");
        let Some(named) = &settings.anchor else {
            let cause = "this log was made without one, and what a log is made with stays: a new log has one";
            return Err(unusable(&path, &io::Error::other(cause)));
        };
        let text = regular::read(&path, limits::KEY_BYTES).map_err(|e| unusable(&path, &e))?;
        let malformed = |cause: String| AuditError::Malformed { what: path.display().to_string(), cause };
        let key = read_private_key(&path.display().to_string(), &Zeroizing::new(text), &NoPassword);
        let key = key.map_err(|e| malformed(e.to_string()))?;
        if key.public_key() == named {
            return Ok(key);
        }
        Err(malformed("it is not the key of anchors that log.json names (`attest audit keys`)".into()))
    }
}
