//! A small witness (C2SP tlog-witness): it cosigns checkpoints of the logs that it watches, and never two that contradict each
//! other.

mod folder;
mod memory;

pub use folder::{FolderWitness, Places};
pub use memory::MemoryWitness;

use super::AuditError;
use crate::model::Timestamp;
use crate::tlog::witness::{AddCheckpoint, Refusal, may_cosign};
use crate::tlog::{Checkpoint, Cosigner, Hash, Note, NoteKey};

/// Where a witness keeps what it cosigned last of each log.
///
/// A back end MUST keep to this: what was kept is durable when [`WitnessStore::keep`] returns, and whole whatever happens; what
/// cannot be read is an error, never "nothing was seen".
pub trait WitnessStore: Send {
    /// The note that was cosigned last of the log with an origin.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn last(&self, origin: &str) -> Result<Option<Vec<u8>>, AuditError>;

    /// Replaces it.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    fn keep(&mut self, origin: &str, note: &str) -> Result<(), AuditError>;
}

/// A witness.
pub struct Watcher {
    logs: Vec<NoteKey>,
    cosigner: Cosigner,
    store: Box<dyn WitnessStore>,
}

impl std::fmt::Debug for Watcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watcher({:?}, {} logs)", self.cosigner, self.logs.len())
    }
}

impl Watcher {
    /// A witness of these logs.
    #[must_use]
    pub fn new(logs: Vec<NoteKey>, cosigner: Cosigner, store: Box<dyn WitnessStore>) -> Self {
        Self { logs, cosigner, store }
    }

    /// Answers `add-checkpoint`: the line of its cosignature, or why it does not cosign.
    ///
    /// # Errors
    /// [`AuditError`] where what it saw last cannot be read or written: then it must say nothing.
    pub fn add(&mut self, body: &[u8], now: Timestamp) -> Result<Result<String, Refusal>, AuditError> {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(e) => return Ok(Err(Refusal::Malformed(e))),
        };
        let mut unreadable = None;
        let judged = may_cosign(&request, &self.logs, |origin| match self.last(origin) {
            Ok(last) => last,
            Err(e) => {
                unreadable = Some(e);
                None
            }
        });
        if let Some(e) = unreadable {
            return Err(e);
        }
        let checkpoint = match judged {
            Ok(checkpoint) => checkpoint,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let note = Note::parse(request.checkpoint.as_bytes())?;
        let time = u64::try_from(now.unix()).ok().filter(|time| *time > 0);
        let time = time.ok_or_else(|| AuditError::malformed("the clock", "a time before 1970"))?;
        let own = self.cosigner.cosign(note.text, time);
        let keys: Vec<&NoteKey> = self.logs.iter().filter(|key| key.name() == checkpoint.origin).collect();
        let by_log = note.lines.iter().filter(|line| keys.iter().any(|k| (k.name(), k.id()) == (line.name, line.id)));
        let by_log: String = by_log.map(|line| format!("{line}\n")).collect();
        // Kept before it is told: after a crash it would else cosign another history of what somebody was shown.
        self.store.keep(&checkpoint.origin, &format!("{}\n{by_log}{own}\n", note.text))?;
        Ok(Ok(own))
    }

    /// That what it saw last of each log can be read: else it would say nothing to anybody.
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn ready(&self) -> Result<(), AuditError> {
        self.logs.iter().try_for_each(|key| self.last(key.name()).map(drop))
    }

    /// The size and root that it cosigned last.
    fn last(&self, origin: &str) -> Result<Option<(u64, Hash)>, AuditError> {
        let Some(bytes) = self.store.last(origin)? else { return Ok(None) };
        let damaged = |cause: &str| AuditError::Unusable {
            what: format!("witness/{}, what this witness cosigned last of {origin}", name_of(origin)),
            cause: format!(
                "{cause}; put it back, or begin anew with another key: remove keys/witness.key and move witness/ away"
            ),
        };
        let note = Note::parse(&bytes).map_err(|e| damaged(&e.to_string()))?;
        let checkpoint = Checkpoint::parse(note.text).map_err(|e| damaged(&e.to_string()))?;
        let key = self.cosigner.key();
        if checkpoint.origin != origin || !note.lines.iter().any(|line| key.cosigned(note.text, line).is_some()) {
            return Err(damaged("it is not what its key cosigned"));
        }
        Ok(Some((checkpoint.size, checkpoint.root)))
    }

    /// The checkpoint that it cosigned last of the log whose origin has a hash (SHA-256, lower-case hexadecimal).
    ///
    /// # Errors
    /// [`AuditError::Unusable`].
    pub fn monitored(&self, hash: &str) -> Result<Option<Vec<u8>>, AuditError> {
        let origin = self.logs.iter().map(NoteKey::name).find(|origin| name_of(origin) == hash);
        origin.map_or(Ok(None), |origin| self.store.last(origin))
    }
}

/// The name of a log among those that are watched: the hash of its origin.
fn name_of(origin: &str) -> String {
    use sha2::Digest as _;
    crate::model::digest::hex(&sha2::Sha256::digest(origin))
}

#[cfg(test)]
mod tests;
