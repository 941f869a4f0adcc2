#![expect(
    clippy::disallowed_methods,
    reason = "back end: what a server of this machine's audit log needs, and signals"
)]
//! What `attest audit serve` finds on this machine, and by what it is told to end.

use super::AuditPlace;
use crate::audit::keys::NoteFile;
use crate::audit::store::Published;
use crate::audit::witness::{FolderWitness, Places};
use crate::audit::{AuditError, Settings};
use crate::tlog::Cosigner;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::path::PathBuf;
use tokio::sync::oneshot::{Receiver, channel};

/// The variable that names the socket of a server of the log.
const SOCKET_VARIABLE: &str = "ATTEST_AUDIT_SOCKET";

impl AuditPlace {
    /// Where processes of this machine hand in records: what `ATTEST_AUDIT_SOCKET` names, else `socket` in the log's folder.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        crate::places::variable(SOCKET_VARIABLE).map_or_else(|| self.folder.join("socket"), PathBuf::from)
    }

    /// What the log shows to everybody.
    #[must_use]
    pub fn published(&self) -> Published {
        Published::of(&self.folder)
    }

    /// The key with which this log's server cosigns checkpoints of others, made where there is none, and what it saw.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn witness(&self, settings: &Settings) -> Result<(Cosigner, FolderWitness), AuditError> {
        let path = self.folder.join("keys/witness.key");
        let signer = match path.exists() {
            true => NoteFile::read(&path)?,
            false => NoteFile::create(&path, &format!("{}/witness", settings.origin))?,
        };
        let cosigner = Cosigner::of(signer)?;
        let (folder, mark) = (self.folder.join("witness"), self.folder.join("keys/witness.seen"));
        let store = FolderWitness::open(Places { folder: &folder, mark: &mark, key: cosigner.key().key() })?;
        Ok((cosigner, store))
    }
}

/// Is ready once this process is told to end (SIGTERM, SIGINT).
///
/// # Errors
/// [`AuditError::Unusable`] where no signal can be waited for.
pub fn told_to_end() -> Result<Receiver<()>, AuditError> {
    let unusable = |e: std::io::Error| AuditError::Unusable { what: "signals".into(), cause: e.to_string() };
    let mut signals = Signals::new([SIGTERM, SIGINT]).map_err(unusable)?;
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let _ = signals.forever().next();
        let _ = tell.send(());
    });
    Ok(told)
}
